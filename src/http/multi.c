/* libcurl's multi interface on the loop: sockets are watched with uv_poll, its timeout is one timer.
 *
 * libcurl tells which sockets to watch (on_socket) and when to be called again (on_timeout); both only record
 * that. After every curl_multi_socket_action() all messages are drained, then the callers are told. A
 * socket's uv_poll is closed the moment libcurl lets go of it, because the descriptor's number is reused at
 * once; the memory goes in the close callback, and the transport waits for the last of them. */
#include "http/internal.h"

#include "base/mem.h"

#include <stdlib.h>

struct socket_watch {
    uv_poll_t poll;
    struct http_multi *multi;
    curl_socket_t fd;
};

static void drain(struct http_multi *multi)
{
    int left;

    CURLMsg *message;

    while ((message = curl_multi_info_read(multi->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        /* The message dies with the handle's removal. */
        CURLcode code = message->data.result;
        struct http_call *call = NULL;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        if (code == CURLE_OK && call->duplex) {
            http_duplex_begin(call);
            continue;
        }
        http_set_error(call, code);
        http_call_end(call);
    }
}

static void act(struct http_multi *multi, curl_socket_t fd, int events)
{
    int running;
    curl_multi_socket_action(multi->multi, fd, events, &running);
    drain(multi);
    http_dispatch(multi->transport);
}

static void on_timer(void *data)
{
    act(data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    int flags = 0;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    if (status < 0)
        flags = CURL_CSELECT_ERR;
    act(watch->multi, watch->fd, flags);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct socket_watch *watch = handle->data;
    struct real_transport *transport = watch->multi->transport;
    free(watch);
    http_handle_closed(transport);
}

static void unwatch(struct http_multi *multi, curl_socket_t fd, struct socket_watch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->poll);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
    curl_multi_assign(multi->multi, fd, NULL);
}

static struct socket_watch *watch_socket(struct http_multi *multi, curl_socket_t fd)
{
    struct socket_watch *watch = xcalloc(1, sizeof *watch);
    watch->multi = multi;
    watch->fd = fd;
    if (uv_poll_init(&multi->transport->loop->uv, &watch->poll, fd) < 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    multi->transport->handles++;
    curl_multi_assign(multi->multi, fd, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *socket_data)
{
    (void)easy;
    struct http_multi *multi = data;
    struct socket_watch *watch = socket_data;
    if (what == CURL_POLL_REMOVE) {
        unwatch(multi, fd, watch);
        return 0;
    }
    if (!watch && !(watch = watch_socket(multi, fd)))
        return -1;

    int events = 0;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    if (uv_poll_start(&watch->poll, events, on_poll) < 0)
        return -1;
    return 0;
}

static int on_timeout(CURLM *handle, long timeout_ms, void *data)
{
    (void)handle;
    struct http_multi *multi = data;
    if (timeout_ms < 0)
        timer_stop(&multi->timer);
    else
        timer_start(&multi->timer, timeout_ms);
    return 0;
}

int http_multi_init(struct http_multi *multi, struct real_transport *transport)
{
    multi->transport = transport;
    timer_init(transport->loop, &multi->timer, on_timer, multi);
    multi->multi = curl_multi_init();
    if (!multi->multi)
        return -1;
    curl_multi_setopt(multi->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi->multi, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
    curl_multi_setopt(multi->multi, CURLMOPT_TIMERDATA, multi);
    /* Kept connections only: MAX_HOST_CONNECTIONS stays 0, a limit starves calls behind streams. */
    curl_multi_setopt(multi->multi, CURLMOPT_MAXCONNECTS, 8L);
    return 0;
}

void http_multi_fini(struct http_multi *multi)
{
    if (multi->multi)
        curl_multi_cleanup(multi->multi);
    multi->multi = NULL;
    timer_stop(&multi->timer);
}
