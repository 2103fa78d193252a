/* room: client_conn */
/* A name with several addresses: one that hangs or refuses does not keep the others from being tried. */
#include "client_conn/transport.h"
#include "client_base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 30000, FILLERS = 16 };

struct place {
    int fd, fillers[FILLERS];
    struct sockaddr_in address;
    struct sockaddr_in6 six; /* instead, when its family is set */
};

static void listen_at(struct place *place, const char *address)
{
    socklen_t len = sizeof(place->address);

    *place = (struct place){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    place->address.sin_family = AF_INET;
    inet_pton(AF_INET, address, &place->address.sin_addr);
    assert_int_equal(bind(place->fd, (struct sockaddr *)&place->address, len), 0);
    assert_int_equal(getsockname(place->fd, (struct sockaddr *)&place->address, &len), 0);
    assert_int_equal(listen(place->fd, 0), 0);
    for (int i = 0; i < FILLERS; i++)
        place->fillers[i] = -1;
}

/* Nobody accepts, and the queue of those who wait is full: whoever comes now hears nothing. */
static void make_it_hang(struct place *place)
{
    for (int i = 0; i < FILLERS; i++) {
        place->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(place->fillers[i], (struct sockaddr *)&place->address, sizeof(place->address));
    }
    struct pollfd last = {.fd = place->fillers[FILLERS - 1], .events = POLLOUT};
    assert_int_equal(poll(&last, 1, 100), 0);
}

static void leave(struct place *place)
{
    for (int i = 0; i < FILLERS; i++)
        if (place->fillers[i] >= 0)
            close(place->fillers[i]);
    close(place->fd);
}

static int connect_list(struct place *places[], size_t count, int patience_ms, int *port)
{
    static atomic_bool never;
    const struct attempt attempt = {NULL, clock_ms() + patience_ms, &never};
    struct addrinfo list[4];
    struct sockaddr_in6 peer; /* the port of an IPv4 address stands where it does here */
    socklen_t len = sizeof(peer);

    for (size_t i = 0; i < count; i++) {
        list[i] = (struct addrinfo){.ai_family = AF_INET,
                                    .ai_addr = (struct sockaddr *)&places[i]->address,
                                    .ai_addrlen = sizeof(places[i]->address)};
        if (places[i]->six.sin6_family == AF_INET6) {
            list[i].ai_family = AF_INET6;
            list[i].ai_addr = (struct sockaddr *)&places[i]->six;
            list[i].ai_addrlen = sizeof(places[i]->six);
        }
        if (i > 0)
            list[i - 1].ai_next = &list[i];
    }
    int fd = transport_connect_any(list, &attempt);
    int problem = errno;
    *port = 0;
    if (fd >= 0 && getpeername(fd, (struct sockaddr *)&peer, &len) == 0)
        *port = ntohs(peer.sin6_port);
    errno = problem;
    return fd;
}

static void one_that_hangs_is_passed(void **state)
{
    struct place hanging, refusing, good;
    struct place *places[] = {&hanging, &refusing, &good};
    int port;

    (void)state;
    listen_at(&hanging, "127.0.0.2");
    listen_at(&refusing, "127.0.0.3");
    listen_at(&good, "127.0.0.1");
    make_it_hang(&hanging);
    close(refusing.fd);
    int fd = connect_list(places, 3, PATIENCE_MS, &port);
    assert_true(fd >= 0);
    assert_int_equal(port, ntohs(good.address.sin_port));
    close(fd);
    leave(&hanging);
    leave(&good);
}

static void the_first_that_connects_is_taken(void **state)
{
    struct place first, second;
    struct place *places[] = {&first, &second};
    int port;

    (void)state;
    listen_at(&first, "127.0.0.1");
    listen_at(&second, "127.0.0.2");
    int fd = connect_list(places, 2, PATIENCE_MS, &port);
    assert_int_equal(port, ntohs(first.address.sin_port));
    close(fd);
    leave(&first);
    leave(&second);
}

/* Where the addresses of one family lead nowhere, the other has its turn before they are all tried. */
static void families_take_turns(void **state)
{
    struct place hanging, second, other = {.fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    struct place *places[] = {&hanging, &second, &other};
    socklen_t len = sizeof(other.six);
    int port;

    (void)state;
    other.six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    if (other.fd < 0 || bind(other.fd, (struct sockaddr *)&other.six, len) < 0) {
        print_message("no IPv6 on loopback\n");
        skip();
    }
    assert_int_equal(getsockname(other.fd, (struct sockaddr *)&other.six, &len), 0);
    assert_int_equal(listen(other.fd, 1), 0);
    listen_at(&hanging, "127.0.0.2");
    listen_at(&second, "127.0.0.1");
    make_it_hang(&hanging);
    int fd = connect_list(places, 3, PATIENCE_MS, &port);
    assert_true(fd >= 0);
    assert_int_equal(port, ntohs(other.six.sin6_port));
    close(fd);
    close(other.fd);
    leave(&hanging);
    leave(&second);
}

static void when_all_fail_the_reason_is_told(void **state)
{
    struct place hanging, refusing;
    struct place *places[] = {&refusing, &hanging};
    int port;

    (void)state;
    listen_at(&hanging, "127.0.0.2");
    listen_at(&refusing, "127.0.0.3");
    make_it_hang(&hanging);
    close(refusing.fd);
    assert_int_equal(connect_list(places, 1, PATIENCE_MS, &port), -1);
    assert_int_equal(errno, ECONNREFUSED);
    assert_int_equal(connect_list(places, 2, 50, &port), -1);
    assert_int_equal(errno, ETIMEDOUT);
    leave(&hanging);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_hangs_is_passed),
        cmocka_unit_test(the_first_that_connects_is_taken),
        cmocka_unit_test(families_take_turns),
        cmocka_unit_test(when_all_fail_the_reason_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
