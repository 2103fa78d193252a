/* Connecting to a socket that somebody listens on, does not, or does not get round to. */
#include "machine/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { MANY = 64 };

static int listen_on(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    return fd;
}

static void *let_one_in(void *data)
{
    return (void *)(intptr_t)accept(*(int *)data, NULL, NULL);
}

static void test_full(void **state)
{
    (void)state;
    char folder[] = "/tmp/socket-XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/s", folder);
    assert_int_equal(machine_connect(path), -ENOENT);
    int listener = listen_on(path), crowd[MANY], count = 0, fd;
    while (count < MANY && (fd = machine_connect(path)) >= 0)
        crowd[count++] = fd;
    assert_in_range(count, 1, MANY - 1);
    assert_int_equal(machine_connect(path), -EAGAIN);
    assert_int_equal(machine_connect_within(path, 20), -EAGAIN);

    pthread_t thread;
    void *first = NULL;
    assert_int_equal(pthread_create(&thread, NULL, let_one_in, &listener), 0);
    fd = machine_connect_within(path, 60000);
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    pthread_join(thread, &first);

    close(fd);
    close((int)(intptr_t)first);
    while (count)
        close(crowd[--count]);
    close(listener);
    assert_int_equal(machine_connect(path), -ECONNREFUSED);
    unlink(path);
    rmdir(folder);
}

static void test_long_name(void **state)
{
    (void)state;
    char name[200];
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = 0;
    assert_int_equal(machine_connect(name), -ENAMETOOLONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_full), cmocka_unit_test(test_long_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
