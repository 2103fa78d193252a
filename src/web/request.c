/* A request, and the server that it belongs to: what is asked about it, and how both are freed when the last
 * handle is closed. */
#include "web/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

static void policy_free(struct web_policy *policy)
{
    strlist_free(&policy->hosts);
    strlist_free(&policy->guests);
}

/* The last handle is closed. */
void web_server_check_closed(struct web_server *server)
{
    bool is_open = server->has_poll || server->count;
    for (size_t i = 0; i < WEB_LISTENERS; i++)
        is_open = is_open || server->listeners[i].is_open;
    if (!server->is_closing || is_open)
        return;
    loop_cb *closed = server->closed;
    void *data = server->closed_data;
    policy_free(&server->policy);
    free(server);
    if (closed)
        closed(data);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct web_request *request = handle->data;
    struct web_server *server = request->server;
    free(request);
    server->count--;
    web_server_check_closed(server);
}

void web_request_end(struct web_request *request)
{
    struct web_server *server = request->server;
    if (request->stage == WEB_OVER)
        return;
    request->stage = WEB_OVER;
    timer_stop(&request->alarm);
    uv_poll_stop(&request->poll);
    if (request->fd >= 0)
        close(request->fd);
    if (request->prev)
        request->prev->next = request->next;
    else
        server->requests = request->next;
    if (request->next)
        request->next->prev = request->prev;

    web_head_free(&request->head);
    server->bodies -= (int64_t)request->body.length;
    if (request->body.length)
        mem_wipe(request->body.data, request->body.length); /* it may be the token */
    strbuf_free(&request->body);
    uv_close((uv_handle_t *)&request->poll, on_handle_closed);
}

const struct web_head *web_request_head(const struct web_request *request)
{
    return &request->head;
}

const char *web_request_body(const struct web_request *request, size_t *length)
{
    if (length)
        *length = request->body.length;
    return strbuf_text(&request->body);
}

void web_request_watch(struct web_request *request, loop_cb *on_gone, void *data)
{
    request->on_gone = on_gone;
    request->gone_data = data;
}
