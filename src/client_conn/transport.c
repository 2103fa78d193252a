/*
 * Opening a stream and moving bytes.
 *
 * Happy path: resolve, connect with a deadline, keep-alive and user timeout on, tunnel, TLS. The addresses of
 * a host are tried in the resolver's order, families by turns, each a little after the one before, and the
 * first that connects wins (RFC 8305): one that hangs costs a quarter of a second, not the whole time. Every
 * wait is cut into slices that look at the cancel flag, except getaddrinfo(3), which is why a connection is
 * opened by a thread that nobody waits for.
 */
#include "client_conn/transport.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_conn/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- Opening ---- */

static bool is_over(const struct attempt *attempt)
{
    return clock_left(attempt->deadline_ms) == 0 || atomic_load(attempt->is_cancelled);
}

/* 0, or -1 with errno. */
static int finish_connect(int fd, const struct attempt *attempt)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    int problem = 0;
    socklen_t len = sizeof(problem);

    while (poll(&poll_fd, 1, TRANSPORT_SLICE_MS) <= 0) {
        if (is_over(attempt)) {
            errno = ETIMEDOUT;
            return -1;
        }
    }
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) < 0)
        return -1;
    errno = problem;
    if (problem)
        return -1;
    return 0;
}

/* The descriptor, or -1 with errno. */
static int connect_address(const struct sockaddr *address, socklen_t len, const struct attempt *attempt)
{
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (connect(fd, address, len) == 0 || (errno == EINPROGRESS && finish_connect(fd, attempt) == 0))
        return fd;
    int saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

/* ---- Several addresses ---- */

enum { NEXT_ADDRESS_MS = 250, MOST_AT_ONCE = 8 };

struct race {
    struct pollfd fds[MOST_AT_ONCE]; /* connecting */
    size_t count;
    int family;                     /* of the first address */
    const struct addrinfo *next[2]; /* of that family, and of the others */
    int turn;                       /* whose is next */
    int64_t next_ms;                /* when that may begin */
    int problem;                    /* of the last that failed */
};

/* From here on the first address that is of the family, or is not. */
static const struct addrinfo *find_family(const struct addrinfo *at, int family, bool is_of_it)
{
    while (at && (at->ai_family == family) != is_of_it)
        at = at->ai_next;
    return at;
}

static struct race race_of(const struct addrinfo *list)
{
    struct race race = {.problem = ETIMEDOUT};

    if (!list)
        return race;
    race.family = list->ai_family;
    race.next[0] = list;
    race.next[1] = find_family(list, race.family, false);
    return race;
}

static bool race_has_next(const struct race *race)
{
    return race->next[0] || race->next[1];
}

/* Families take turns: a network that is broken for one of them costs one attempt, not all of its addresses.
 */
static const struct addrinfo *race_next(struct race *race)
{
    int turn = race->next[race->turn] ? race->turn : !race->turn;
    const struct addrinfo *address = race->next[turn];

    race->next[turn] = find_family(address->ai_next, race->family, turn == 0);
    race->turn = !turn;
    return address;
}

/* The descriptor when it connects at once, else -1. */
static int race_begin(struct race *race)
{
    const struct addrinfo *address = race_next(race);
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    race->next_ms = clock_ms() + NEXT_ADDRESS_MS;
    if (fd >= 0 && connect(fd, address->ai_addr, address->ai_addrlen) == 0)
        return fd;
    if (fd >= 0 && errno == EINPROGRESS) {
        race->fds[race->count++] = (struct pollfd){.fd = fd, .events = POLLOUT};
        return -1;
    }
    race->problem = errno;
    race->next_ms = 0;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* The descriptor that has won, taken out of the race, or -1; those that have failed are out too. */
static int race_look(struct race *race)
{
    for (size_t i = race->count; i-- > 0;) {
        int fd = race->fds[i].fd, problem = 0;
        socklen_t len = sizeof(problem);

        if (!race->fds[i].revents)
            continue;
        race->fds[i] = race->fds[--race->count];
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &len) == 0 && problem == 0)
            return fd;
        close(fd);
        if (problem)
            race->problem = problem;
        else
            race->problem = errno;
        race->next_ms = 0; /* no need to wait for what is over */
    }
    return -1;
}

int transport_connect_any(const struct addrinfo *list, const struct attempt *attempt)
{
    struct race race = race_of(list);
    int fd = -1;

    while (fd < 0 && (race_has_next(&race) || race.count > 0)) {
        if (is_over(attempt)) {
            race.problem = ETIMEDOUT;
            break;
        }
        bool may_begin = race_has_next(&race) && race.count < MOST_AT_ONCE;
        int wait_ms = TRANSPORT_SLICE_MS;
        if (may_begin)
            wait_ms = clock_left(race.next_ms);

        if (may_begin && wait_ms == 0) {
            fd = race_begin(&race);
            continue;
        }
        poll(race.fds, race.count, (int)int64_min(wait_ms, TRANSPORT_SLICE_MS));
        fd = race_look(&race);
    }
    while (race.count > 0)
        close(race.fds[--race.count].fd);
    errno = race.problem;
    return fd;
}

static int connect_unix(const char *path, const struct attempt *attempt, struct apphost_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    if (len >= sizeof(address.sun_path))
        return fail_set(error, APPHOST_E_ARGUMENT, "endpoint", "the socket path '%.120s' is too long", path);
    memcpy(address.sun_path, path, len);
    if (path[0] == '@')
        address.sun_path[0] = '\0';
    int fd = connect_address((struct sockaddr *)&address,
                             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] != '@')),
                             attempt);
    if (fd < 0)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint", "cannot connect to '%.120s': %s", path,
                        strerror(errno));
    return fd;
}

static void tune(int fd, const struct apphost_options *options)
{
    int one = 1, idle_s = (int)set_or(option_number(options, OPT_KEEP_ALIVE), 60);
    int interval_s = 5, probes = 3, user_ms = option_number(options, OPT_DEAD_PEER_TIMEOUT);

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (option_number(options, OPT_TCP_KEEP_ALIVE)) {
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
        setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    }
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_ms, sizeof(user_ms));
}

static int connect_host(const char *host, int port, const struct attempt *attempt,
                        struct apphost_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG}, *list = NULL;
    char service[16];

    if (strcmp(host, ".") == 0)
        host = "localhost";
    if (strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0')
        hints.ai_flags = AI_NUMERICHOST;
    snprintf(service, sizeof(service), "%d", port);
    int rc = getaddrinfo(host, service, &hints, &list);
    if (rc != 0)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint", "cannot resolve '%.120s': %s", host,
                        gai_strerror(rc));
    int fd = transport_connect_any(list, attempt), problem = errno;
    freeaddrinfo(list);
    if (fd < 0)
        return fail_set(error, APPHOST_E_CONNECT, "endpoint", "cannot connect to '%.120s' port %d: %s", host,
                        port, strerror(problem));
    tune(fd, attempt->options);
    return fd;
}

/* Reads an HTTP answer's head byte by byte, for not one byte of what follows it may be lost. */
static int read_tunnel_answer(struct transport *transport, const struct attempt *attempt,
                              struct apphost_error *error)
{
    char head[2048];
    size_t len = 0;

    while (len < sizeof(head) - 1 && !is_over(attempt)) {
        ssize_t got = transport_recv(transport, head + len, 1, TRANSPORT_SLICE_MS);

        if (got == TRANSPORT_AGAIN)
            continue;
        if (got <= 0)
            break;
        head[++len] = '\0';
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
            if (len > 12 && strncmp(head, "HTTP/1.", 7) == 0 && head[9] == '2')
                return 0;
            return fail_set(error, APPHOST_E_CONNECT, "tunnel", "the tunnel refused: %.*s",
                            (int)strcspn(head, "\r\n"), head);
        }
    }
    return fail_set(error, APPHOST_E_CONNECT, "tunnel", "the tunnel did not answer");
}

static int open_tunnel(struct transport *transport, const struct attempt *attempt, const char *host, int port,
                       struct apphost_error *error)
{
    const char *proxy = option_text(attempt->options, OPT_TUNNEL) + strlen("http:");
    struct endpoint via;
    char request[1024];

    if (endpoint_parse(proxy, &via, error) <= 0)
        return fail_set(error, APPHOST_E_CONFIG, "tunnel", "Tunnel cannot be parsed: %.200s", proxy);
    transport->fd = connect_host(via.host, via.port, attempt, error);
    endpoint_fini(&via);
    if (transport->fd < 0)
        return -1;
    snprintf(request, sizeof(request), "CONNECT %.300s:%d HTTP/1.1\r\nHost: %.300s:%d\r\n\r\n", host, port,
             host, port);
    if (transport_send_all(transport, attempt, request, strlen(request), error) < 0)
        return -1;
    return read_tunnel_answer(transport, attempt, error);
}

/* The receive timeout bounds the blocking recv(2) of transport_recv(); the send side never blocks. */
static void make_blocking(int fd)
{
    struct timeval slice = {.tv_usec = TRANSPORT_SLICE_MS * 1000};

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slice, sizeof(slice));
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

static int open_stream(struct transport *transport, const struct attempt *attempt,
                       const struct endpoint *endpoint, int port, struct apphost_error *error)
{
    const char *tls_host = option_text(attempt->options, OPT_SSL_HOST);

    if (endpoint->kind == ENDPOINT_UNIX)
        transport->fd = connect_unix(endpoint->host, attempt, error);
    else if (option_text(attempt->options, OPT_TUNNEL))
        return open_tunnel(transport, attempt, endpoint->host, port, error);
    else
        transport->fd = connect_host(endpoint->host, port, attempt, error);
    if (transport->fd < 0)
        return -1;
    if (!option_number(attempt->options, OPT_SSL)) {
        make_blocking(transport->fd);
        return 0;
    }
    if (!tls_host) {
        if (endpoint->kind == ENDPOINT_UNIX)
            tls_host = "localhost";
        else
            tls_host = endpoint->host;
    }
    transport->tls = tls_open(transport->fd, attempt, tls_host, error);
    if (transport->tls)
        return 0;
    return -1;
}

int transport_open(struct transport *transport, const struct attempt *attempt,
                   const struct endpoint *endpoint, int port, struct apphost_error *error)
{
    *transport = (struct transport){.fd = -1};
    if (open_stream(transport, attempt, endpoint, port, error) == 0)
        return 0;
    transport_close(transport);
    return -1;
}

void transport_close(struct transport *transport)
{
    tls_free(transport->tls);
    if (transport->fd >= 0)
        close(transport->fd);
    *transport = (struct transport){.fd = -1};
}

void transport_shutdown(struct transport *transport)
{
    if (transport->fd >= 0)
        shutdown(transport->fd, SHUT_RDWR);
}

/* ---- Moving bytes ---- */

int transport_wait(const struct transport *transport, short events, int wait_ms)
{
    struct pollfd poll_fd = {.fd = transport->fd, .events = events};

    if (poll(&poll_fd, 1, wait_ms) > 0)
        return poll_fd.revents;
    return 0;
}

ssize_t transport_send(struct transport *transport, const void *data, size_t len)
{
    if (transport->tls)
        return tls_send(transport->tls, data, len);
    ssize_t sent = send(transport->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return sent;
    if (errno == EAGAIN || errno == EINTR)
        return TRANSPORT_AGAIN;
    return -1;
}

static ssize_t recv_now(struct transport *transport, void *data, size_t len, int flags)
{
    ssize_t got = recv(transport->fd, data, len, flags);

    if (got >= 0)
        return got;
    if (errno == EAGAIN || errno == EINTR)
        return TRANSPORT_AGAIN;
    return -1;
}

ssize_t transport_recv(struct transport *transport, void *data, size_t len, int wait_ms)
{
    ssize_t got;

    if (!transport->tls && wait_ms >= TRANSPORT_SLICE_MS)
        return recv_now(transport, data, len, 0);
    if (transport->tls)
        got = tls_recv(transport->tls, data, len);
    else
        got = recv_now(transport, data, len, MSG_DONTWAIT);
    if (got != TRANSPORT_AGAIN || wait_ms == 0 || !transport_wait(transport, POLLIN, wait_ms))
        return got;
    if (transport->tls)
        return tls_recv(transport->tls, data, len);
    return recv_now(transport, data, len, MSG_DONTWAIT);
}

int transport_send_all(struct transport *transport, const struct attempt *attempt, const void *data,
                       size_t len, struct apphost_error *error)
{
    const char *p = data;

    while (len > 0) {
        ssize_t sent = transport_send(transport, p, len);

        if (sent == -1)
            return fail_set(error, APPHOST_E_CONNECT, NULL, "the connection broke while sending");
        if (sent == TRANSPORT_AGAIN && is_over(attempt))
            return fail_set(error, APPHOST_E_TIMEOUT, "connectTimeout", "the peer does not read");
        if (sent == TRANSPORT_AGAIN) {
            transport_wait(transport, POLLOUT, TRANSPORT_SLICE_MS);
            continue;
        }
        p += sent;
        len -= (size_t)sent;
    }
    return 0;
}
