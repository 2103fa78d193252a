/* Listening, and the first look at each connection: whose the peer is, and its head, which is only peeked at,
 * so that libmicrohttpd reads it again. A head that comes in pieces is looked at again after a pause that
 * doubles. */
#include "web/internal.h"

#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"
#include "machine/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 128, FIRST_PAUSE_MS = 2, LONGEST_PAUSE_MS = 250, DRAIN_LIMIT = 4 << 20, TLS_HELLO = 0x16 };

/* ---- one connection ---- */

/* The one thing that is due next. */
static void set_alarm(struct web_request *request, loop_cb *run, int64_t ms)
{
    timer_stop(&request->alarm);
    request->alarm.run = run;
    timer_start(&request->alarm, ms);
}

static void on_late(void *data)
{
    web_request_end(data);
}

/* Reads off what the client still sends: a socket that is closed with unread bytes would take the answer
 * back. */
static void on_leaving(uv_poll_t *poll, int status, int events)
{
    struct web_request *request = poll->data;
    char rest[4096];
    (void)events;
    for (ssize_t n = 1; n > 0 && request->drained < DRAIN_LIMIT;) {
        n = recv(request->fd, rest, sizeof rest, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
            status = -1;
        if (n > 0)
            request->drained += (size_t)n;
    }
    if (status < 0 || request->drained >= DRAIN_LIMIT)
        web_request_end(request);
}

static void refuse(struct web_request *request, const struct web_verdict *verdict)
{
    size_t length = 0;
    cleanup_free char *answer = web_refusal_bytes(verdict, &length);
    ssize_t sent = send(request->fd, answer, length, MSG_DONTWAIT | MSG_NOSIGNAL);

    log_debug("web: %d %s", verdict->status, verdict->code);
    if (sent != (ssize_t)length) {
        web_request_end(request);
        return;
    }
    shutdown(request->fd, SHUT_WR);
    request->stage = WEB_LEAVING;
    set_alarm(request, on_late, WEB_LINGER_MS);
    uv_poll_start(&request->poll, UV_READABLE, on_leaving);
}

static void on_disconnect(uv_poll_t *poll, int status, int events)
{
    struct web_request *request = poll->data;
    (void)status, (void)events;
    uv_poll_stop(poll);
    request->is_gone = true;
    if (request->stream)
        web_stream_lost(request->stream);
    else if (request->is_asked && !request->response && request->on_gone)
        request->on_gone(request->gone_data);
    web_daemon_wake(request);
}

/* The head is whole. */
static void judge(struct web_request *request, const char *bytes, size_t length)
{
    struct web_verdict verdict = {.code = "bad-request"};
    verdict.status = web_head_read(&request->head, bytes, length, &verdict.text);
    if (!verdict.status)
        verdict = web_judge(&request->head, &request->server->policy);
    if (verdict.status) {
        refuse(request, &verdict);
        return;
    }

    timer_stop(&request->alarm);
    request->stage = WEB_INSIDE;
    uv_poll_stop(&request->poll);
    if (web_daemon_take(request->server, request) && request->stage == WEB_INSIDE)
        uv_poll_start(&request->poll, UV_DISCONNECT, on_disconnect);
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void look_again(void *data)
{
    struct web_request *request = data;
    if (request->stage == WEB_READING)
        uv_poll_start(&request->poll, UV_READABLE, on_readable);
}

/* Level-triggered polling would not sleep on half a head. */
static void pause_reading(struct web_request *request)
{
    struct loop *loop = request->server->loop;
    int64_t left = request->begun_ms + WEB_HEAD_MS - loop_now_ms(loop);
    uv_poll_stop(&request->poll);
    if (left <= 0) {
        static const struct web_verdict late = {408, "too-slow", "the request did not come in time", NULL};
        refuse(request, &late);
        return;
    }
    request->pause_ms = request->pause_ms * 2;
    if (request->pause_ms > LONGEST_PAUSE_MS)
        request->pause_ms = LONGEST_PAUSE_MS;
    set_alarm(request, look_again, request->pause_ms);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    static const struct web_verdict too_long = {431, "too-large", "the head is too long", NULL};
    struct web_request *request = poll->data;
    char bytes[WEB_HEAD_LIMIT + 1];
    (void)events;
    ssize_t length = -1;
    if (status >= 0)
        length = recv(request->fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (length < 0 && status >= 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0 || bytes[0] == TLS_HELLO) {
        web_request_end(request);
        return;
    }

    size_t end = web_head_end(bytes, (size_t)length);
    if (end > 0)
        judge(request, bytes, end);
    else if (length > WEB_HEAD_LIMIT)
        refuse(request, &too_long);
    else if (memchr(bytes, '\0', (size_t)length) ||
             strncmp(bytes, "PRI * ", size_min(6, (size_t)length)) == 0)
        judge(request, bytes, (size_t)length);
    else
        pause_reading(request);
    mem_wipe(bytes, (size_t)length);
}

/* ---- who comes ---- */

/* Other users of this machine reach loopback too. Where the kernel does not tell, the token alone is the
 * guard. */
static bool is_ours(struct web_server *server, int fd)
{
    uid_t uid = 0;
    if (machine_tcp_peer(fd, &uid)) {
        if (uid == geteuid() || uid == 0)
            return true;
        log_warn("web: a connection of user %ld was refused", (long)uid);
        return false;
    }
    if (!server->is_uid_unknown)
        log_info("web: the kernel does not tell whose connections are");
    server->is_uid_unknown = true;
    return true;
}

/* How long nobody has begun to read, or to say anything: on an empty socket too. */
static void on_silent(void *data)
{
    struct web_request *request = data;
    if (request->stage == WEB_READING)
        web_request_end(request);
}

static void begin(struct web_server *server, int fd)
{
    struct web_request *request = xcalloc(1, sizeof *request);
    int one = 1;
    *request = (struct web_request){.server = server,
                                    .fd = fd,
                                    .begun_ms = loop_now_ms(server->loop),
                                    .pause_ms = FIRST_PAUSE_MS,
                                    .next = server->requests};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (uv_poll_init(&server->loop->uv, &request->poll, fd)) {
        close(fd);
        free(request);
        return;
    }

    request->poll.data = request;
    if (request->next)
        request->next->prev = request;
    server->requests = request;
    server->count++;
    timer_init(server->loop, &request->alarm, on_silent, request);
    timer_start(&request->alarm, WEB_HEAD_MS);
    uv_poll_start(&request->poll, UV_READABLE, on_readable);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct web_listener *listener = poll->data;
    struct web_server *server = listener->server;
    (void)status, (void)events;
    for (int i = 0; i < BACKLOG; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            return;
        if (server->count < server->limit && is_ours(server, fd))
            begin(server, fd);
        else
            close(fd);
    }
}

/* ---- listening ---- */

static int open_socket(int family, int port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    const struct sockaddr *address = (const struct sockaddr *)&v4;
    socklen_t size = sizeof v4;
    int one = 1, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;

    v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v6.sin6_addr = in6addr_loopback;
    if (family == AF_INET6) {
        address = (const struct sockaddr *)&v6;
        size = sizeof v6;
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!bind(fd, address, size) && !listen(fd, BACKLOG))
        return fd;
    int failed = -errno;
    close(fd);
    return failed;
}

static int port_of(int fd)
{
    struct sockaddr_in address = {0};
    socklen_t size = sizeof address;
    getsockname(fd, (struct sockaddr *)&address, &size);
    return ntohs(address.sin_port);
}

static int add_listener(struct web_server *server, struct web_listener *listener, int fd)
{
    listener->server = server;
    listener->fd = fd;
    if (uv_poll_init(&server->loop->uv, &listener->poll, fd))
        return -1;
    listener->is_open = true;
    listener->poll.data = listener;
    return uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

int web_accept_start(struct web_server *server, int port, bool is_must, struct error *err)
{
    int fd = open_socket(AF_INET, port);
    if (fd < 0 && port && !is_must)
        fd = open_socket(AF_INET, 0);
    if (fd < 0) {
        error_set(err, ERROR_PORT, "cannot listen on port %d of 127.0.0.1: %s", port, strerror(-fd));
        error_hint(err, "another one: --port N, or --port 0 for any that is free");
        return -1;
    }
    server->port = port_of(fd);
    if (add_listener(server, &server->listeners[0], fd))
        return error_set(err, ERROR_FAILED, "cannot watch the port %d", server->port);

    int other = open_socket(AF_INET6, server->port);
    if (other < 0)
        log_debug("web: nothing on ::1: %s", strerror(-other));
    else if (add_listener(server, &server->listeners[1], other))
        log_debug("web: ::1 cannot be watched");
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct web_listener *listener = handle->data;
    listener->is_open = false;
    web_server_check_closed(listener->server);
}

void web_accept_stop(struct web_server *server)
{
    for (size_t i = 0; i < WEB_LISTENERS; i++) {
        struct web_listener *listener = &server->listeners[i];
        if (!listener->is_open)
            continue;
        uv_poll_stop(&listener->poll);
        close(listener->fd);
        uv_close((uv_handle_t *)&listener->poll, on_listener_closed);
    }
}
