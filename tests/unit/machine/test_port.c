/* Who listens where: the kernel's tables, and a listener of our own in a session of its own. */
#include "base/mem.h"
#include "machine/neighbour.h"
#include "machine/port.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const char table[] =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4711 1 0 0 "
    "0\n"
    "   1: 0100007F:1F91 0100007F:0050 01 00000000:00000000 00:00000000 00000000  1000        0 4712 1 0 0 "
    "0\n"
    "   2: nonsense\n"
    "   3: 00000000000000000000000001000000:0D80 00000000000000000000000000000000:0000 0A "
    "00000000:00000000 00:00000000 00000000  1000        0 4713 1 0 0 0\n";

static void test_table(void **state)
{
    (void)state;
    struct machine_listeners all = {0};
    machine_listeners_in(table, &all);
    assert_int_equal(all.count, 2); /* little-endian, as every machine that we run on */
    assert_string_equal(all.items[0].address, "127.0.0.1");
    assert_int_equal(all.items[0].port, 8080);
    assert_int_equal(all.items[0].inode, 4711);
    assert_string_equal(all.items[1].address, "::1");
    assert_int_equal(all.items[1].port, 3456);
    machine_listeners_in(NULL, &all);
    machine_listeners_in("", &all);
    assert_int_equal(all.count, 2);
    assert_true(machine_is_listened_in(table, 8080));
    assert_true(machine_is_listened_in(table, 3456));
    assert_false(machine_is_listened_in(table, 8081)); /* connected, not listening */
}

/* Many more than there is room for. */
static void test_long_table(void **state)
{
    (void)state;
    struct machine_listeners all = {0};
    for (int i = 0; i < 100; i++)
        machine_listeners_in(table, &all);
    assert_int_equal(all.count, sizeof all.items / sizeof *all.items);
}

static int listen_somewhere(void)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof in;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(listen(fd, 1), 0);
    getsockname(fd, (struct sockaddr *)&in, &length);
    int port = ntohs(in.sin_port);
    dup2(fd, 77);
    close(fd);
    return port;
}

static void test_session_and_holder(void **state)
{
    (void)state;
    struct machine_listeners all;
    int ready[2], port = listen_somewhere();
    assert_int_equal(machine_has_listener(port), MACHINE_YES);
    assert_int_equal(machine_has_listener(65536), MACHINE_NO);
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        if (write(ready[1], "x", 1) == 1)
            pause();
        _exit(0);
    }
    close(77); /* the child alone has it now */
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    machine_listeners_of_session(child, &all);
    assert_int_equal(all.count, 1);
    assert_int_equal(all.items[0].port, port);
    assert_string_equal(all.items[0].address, "127.0.0.1");
    cleanup_free char *holder = machine_port_holder(port), *number = xasprintf("(pid %d)", (int)child);
    assert_non_null(strstr(holder, number));
    assert_false(machine_listeners_of_container(child, "0123", &all));
    assert_false(machine_listeners_of_container(0, "0123", &all));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    machine_listeners_of_session(child, &all);
    assert_int_equal(all.count, 0);
    assert_null(machine_port_holder(port));
    close(ready[0]);
    close(ready[1]);
}

/* A listener on a port of the kernel's choice; 0 where this machine has no such address. */
static int listen_on_six(int *port)
{
    struct sockaddr_in6 here = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    socklen_t length = sizeof here;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&here, length) || listen(fd, 1) ||
        getsockname(fd, (struct sockaddr *)&here, &length)) {
        close(fd);
        return 0;
    }
    *port = ntohs(here.sin6_port);
    return fd;
}

static void test_addresses(void **state)
{
    (void)state;
    assert_false(machine_lacks_address("127.0.0.1"));
    assert_true(machine_lacks_address("203.0.113.9"));
    assert_false(machine_lacks_address("::1"));
    assert_false(machine_lacks_address("no address"));
}

/* An ordinary user may not listen there; an engine publishes it all the same. */
static void test_below_1024(void **state)
{
    (void)state;
    uid_t uid = geteuid();
    if (uid == 0)
        assert_int_equal(seteuid(65534), 0);
    bool is_free = machine_port_is_free("127.0.0.7", 79);
    assert_int_equal(seteuid(uid), 0);
    assert_true(is_free);
}

static void test_free_or_taken(void **state)
{
    (void)state;
    int port = listen_somewhere(), six_port = 0;
    assert_false(machine_port_is_free(NULL, port));
    assert_false(machine_port_is_free("", port));
    assert_false(machine_port_is_free("127.0.0.1", port));
    assert_false(machine_port_is_free("0.0.0.0", port));
    assert_true(machine_port_is_free("127.0.0.2", port));
    assert_true(machine_port_is_free("no address", port));
    assert_true(machine_port_is_free("203.0.113.9", port)); /* of a block that nobody has */
    close(77);
    assert_true(machine_port_is_free(NULL, port));
    int six = listen_on_six(&six_port);
    if (!six)
        return;
    assert_false(machine_port_is_free("::1", six_port));
    close(six);
    assert_true(machine_port_is_free("::1", six_port));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_long_table),
        cmocka_unit_test(test_session_and_holder),
        cmocka_unit_test(test_free_or_taken),
        cmocka_unit_test(test_below_1024),
        cmocka_unit_test(test_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
