/* Whose the other end of a TCP connection is. */
#include "machine/peer.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

static void connect_to_myself(int family)
{
    struct sockaddr_storage storage = {.ss_family = (sa_family_t)family};
    struct sockaddr *address = (struct sockaddr *)&storage;
    socklen_t size = sizeof storage;
    uid_t uid = 12345;
    int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0);
    if (family == AF_INET)
        ((struct sockaddr_in *)address)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)address)->sin6_addr = in6addr_loopback;
    if (bind(listener, address, size))
        skip(); /* no IPv6 here */
    assert_int_equal(listen(listener, 1), 0);
    getsockname(listener, address, &size);
    assert_int_equal(connect(client, address, size), 0);
    int fd = accept(listener, NULL, NULL);

    assert_true(machine_tcp_peer(fd, &uid));
    assert_int_equal(uid, geteuid());
    close(fd);
    close(client);
    close(listener);
}

static void v4(void **state)
{
    (void)state;
    connect_to_myself(AF_INET);
}

static void v6(void **state)
{
    (void)state;
    connect_to_myself(AF_INET6);
}

static void not_a_connection(void **state)
{
    uid_t uid = 0;
    int pair[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    assert_false(machine_tcp_peer(pair[0], &uid));
    assert_false(machine_tcp_peer(-1, &uid));
    close(pair[0]);
    close(pair[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(v4), cmocka_unit_test(v6),
                                       cmocka_unit_test(not_a_connection)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
