/* Who has a file open, told by the end of its path. */
#include "machine/holder.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static bool take(const struct machine_holder *holder, void *data)
{
    const pid_t *pid = data;
    return holder->pid == *pid;
}

/* A child that is called like us, has `path` open and sleeps. */
static pid_t hold(const char *path)
{
    int ready[2];
    char byte = 0;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd = open(path, O_RDWR | O_CREAT, 0600);
        _exit(fd >= 0 && write(ready[1], "x", 1) == 1 && pause() ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
    return pid;
}

static void finds_who_holds(void **state)
{
    (void)state;
    char folder[] = "/tmp/apphost-test-holder-XX"
                    "XX"
                    "XX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *path = path_join(folder, "shop-1a2b3c4d"),
                      *title = file_read("/proc/self/cmdline", 4096, NULL, NULL);
    pid_t pid = hold(path);
    struct machine_search search = {.title = title, .ending = "-1a2b3c4d", .is_meant = take, .data = &pid};
    struct machine_holder holder;
    assert_true(machine_find_holder(&search, &holder));
    assert_int_equal(holder.pid, pid);
    assert_string_equal(holder.path, path);
    assert_true(holder.is_same && !holder.is_deleted);
    machine_holder_free(&holder);

    /* Its name goes, the holder stays; another file of that name is not the one. */
    assert_int_equal(file_write_atomic(path, "x", 1, 0600, NULL), 0);
    assert_true(machine_find_holder(&search, &holder));
    assert_true(holder.is_deleted && !holder.is_same);
    assert_string_equal(holder.path, path);
    machine_holder_free(&holder);

    pid_t nobody = 0;
    search.data = &nobody;
    assert_false(machine_find_holder(&search, &holder));
    search.data = &pid;
    search.but = title;
    assert_false(machine_find_holder(&search, &holder));
    search.but = NULL;
    search.ending = "-00000000";
    assert_false(machine_find_holder(&search, &holder));

    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(finds_who_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
