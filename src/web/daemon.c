/* libmicrohttpd on the loop: it has no thread and no listening socket, only sockets that accept.c has looked
 * at.
 *
 * Its epoll is level-polled by ours; after each run it says when it wants to run again, and zero means at
 * once. A suspended connection is outside of its epoll, so we watch for the client's end ourselves, and
 * resume all before it is stopped. */
#include "web/internal.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 32 };

static void wake(struct web_server *server)
{
    loop_post(server->loop, &server->pump);
}

static void pump(void *data)
{
    struct web_server *server = data;
    MHD_UNSIGNED_LONG_LONG wait_ms = 0;
    int rounds = 0;
    bool has_limit = true;
    while (server->daemon && has_limit && wait_ms == 0 && rounds++ < ROUNDS) {
        MHD_run(server->daemon);
        has_limit = MHD_get_timeout(server->daemon, &wait_ms) == MHD_YES;
    }
    timer_stop(&server->alarm);
    if (!server->daemon || !has_limit)
        return;
    if (wait_ms == 0)
        wake(server);
    else
        timer_start(&server->alarm, (int64_t)wait_ms);
}

static void on_events(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    pump(poll->data);
}

/* ---- one request ---- */

void web_daemon_wake(struct web_request *request)
{
    if (request->is_suspended) {
        request->is_suspended = false;
        MHD_resume_connection(request->mhd);
    }
    wake(request->server);
}

static void take_body(struct web_request *request, const char *bytes, size_t length)
{
    struct web_server *server = request->server;
    const struct web_policy *policy = &server->policy;
    if ((int64_t)(request->body.length + length) > policy->body_limit)
        request->is_too_long = true;
    if (policy->bodies_limit && server->bodies + (int64_t)length > policy->bodies_limit)
        request->is_too_much = true;
    if (request->is_too_long || request->is_too_much)
        return;
    strbuf_add(&request->body, bytes, length);
    server->bodies += (int64_t)length;
}

static void ask(struct web_request *request)
{
    static const struct web_verdict too_long = {413, "too-large", "the body is larger than is taken here",
                                                NULL};
    static const struct web_verdict too_much = {503, "busy", "too much is coming in at the same time", NULL};
    request->is_asked = true;
    if (request->is_too_long)
        web_reply_refusal(request, &too_long);
    else if (request->is_too_much)
        web_reply_refusal(request, &too_much);
    else
        request->server->handler(request, request->server->data);
}

static enum MHD_Result on_access(void *data, struct MHD_Connection *mhd, const char *url, const char *method,
                                 const char *version, const char *upload, size_t *upload_size, void **own)
{
    (void)data, (void)url, (void)method, (void)version;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct web_request *request = info->socket_context;

    if (!*own) {
        *own = request;
        return MHD_YES;
    }
    if (*upload_size) {
        take_body(request, upload, *upload_size);
        *upload_size = 0;
        return MHD_YES;
    }
    if (!request->is_asked && !request->is_gone)
        ask(request);
    if (request->is_gone)
        return MHD_NO;
    if (request->response)
        return MHD_queue_response(mhd, (unsigned)request->status, request->response);
    request->is_suspended = true;
    MHD_suspend_connection(mhd);
    return MHD_YES;
}

/* The socket is about to be closed by libmicrohttpd. */
static void on_end(struct web_request *request)
{
    request->fd = -1;
    if (request->stream)
        web_stream_lost(request->stream);
    else if (request->is_asked && !request->response && !request->is_gone && request->on_gone)
        request->on_gone(request->gone_data);
    if (request->response)
        MHD_destroy_response(request->response);
    request->response = NULL;
    web_request_end(request);
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct web_server *server = data;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = server->adding;
        server->adding->mhd = mhd;
    } else if (*context) {
        on_end(*context);
    }
}

bool web_daemon_take(struct web_server *server, struct web_request *request)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    getpeername(request->fd, (struct sockaddr *)&address, &size);
    server->adding = request;
    /* On a failure it has closed the socket. */
    bool is_taken =
        MHD_add_connection(server->daemon, request->fd, (struct sockaddr *)&address, size) == MHD_YES;
    server->adding = NULL;
    wake(server);
    if (is_taken)
        return true;
    request->fd = -1;
    web_request_end(request);
    return false;
}

/* ---- start and stop ---- */

__attribute__((format(printf, 2, 0))) static void log_line(void *data, const char *format, va_list args)
{
    (void)data;
    cleanup_free char *line = xvasprintf(format, args);
    line[strcspn(line, "\r\n")] = '\0';
    log_debug("web: %s", line);
}

int web_daemon_start(struct web_server *server, struct error *err)
{
    enum { FLAGS = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME };
    if (libmicrohttpd_open(err) < 0)
        return -1;
    turn_init(&server->pump, pump, server);
    timer_init(server->loop, &server->alarm, pump, server);
    server->daemon =
        MHD_start_daemon(FLAGS, 0, NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, log_line, NULL,
                         MHD_OPTION_NOTIFY_CONNECTION, on_connection, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)server->limit, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)WEB_BODY_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)WEB_POOL,
                         MHD_OPTION_CONNECTION_MEMORY_INCREMENT, (size_t)WEB_POOL_STEP, MHD_OPTION_END);

    const union MHD_DaemonInfo *info = NULL;
    if (server->daemon)
        info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (!info || uv_poll_init(&server->loop->uv, &server->poll, info->epoll_fd))
        return error_set(err, ERROR_FAILED, "the HTTP library does not start");
    server->has_poll = true;
    server->poll.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_events);
    return 0;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct web_server *server = handle->data;
    server->has_poll = false;
    web_server_check_closed(server);
}

void web_daemon_stop(struct web_server *server)
{
    for (struct web_request *request = server->requests; request; request = request->next) {
        request->is_gone = true;
        if (request->is_suspended)
            web_daemon_wake(request);
    }
    if (server->has_poll) {
        uv_poll_stop(&server->poll);
        uv_close((uv_handle_t *)&server->poll, on_poll_closed);
    }

    if (server->daemon) {
        MHD_run(server->daemon);
        MHD_stop_daemon(server->daemon);
    }
    server->daemon = NULL;
    loop_unpost(server->loop, &server->pump);
    timer_stop(&server->alarm);
}
