/* See script.h. Every answer comes from a turn of its own; a cancelled call is freed and never told. */
#include "script.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <utlist.h>

struct script script;

struct http_call {
    struct scripted *transport;
    struct http_call *prev, *next;
    struct http_handlers handlers;
    struct script_row *row;
    struct turn turn;
    bool opened;
    size_t told;
};

struct scripted {
    struct http_transport base;
    struct loop *loop;
    struct http_call *calls;
    struct turn closed;
    loop_cb *on_closed;
    void *data;
};

void script_reset(void)
{
    script = (struct script){0};
}

void script_add(struct script_row row)
{
    assert_true(script.row_count < SCRIPT_ROWS);
    script.rows[script.row_count++] = row;
}

void script_ping(const char *api_version)
{
    script_add((struct script_row){
        .method = "GET", .path = "/_ping", .status = 200, .body = "OK", .api_version = api_version});
}

static struct script_row *find_row(const char *method, const char *path)
{
    for (int i = 0; i < script.row_count; i++) {
        struct script_row *row = &script.rows[i];
        if (!row->used && strcmp(row->method, method) == 0 && str_starts(path, row->path))
            return row;
    }
    print_error("no row for %s %s\n", method, path);
    fail();
    return NULL;
}

static void drop(struct http_call *call)
{
    loop_unpost(call->transport->loop, &call->turn);
    DL_DELETE(call->transport->calls, call);
    script.open_calls--;
    free(call);
}

static void tell_done(struct http_call *call)
{
    struct http_handlers handlers = call->handlers;
    const struct script_row *row = call->row;
    drop(call);
    bool is_quiet = handlers.on_data && row->status < 400;
    const char *body = row->body && !is_quiet ? row->body : "";
    struct http_response response = {row->status, body, strlen(body), row->api_version, "Fake/1"};
    cleanup_error struct error err = {0};
    if (row->failure)
        error_set(&err, row->failure, "the transport failed");
    handlers.done(row->status > 0 ? &response : NULL, row->failure ? &err : NULL, handlers.data);
}

/* One step of an answer: the head, a piece, the end. */
static void on_turn(void *data)
{
    struct http_call *call = data;
    const struct script_row *row = call->row;
    bool is_stream = call->handlers.on_data && row->status > 0 && row->status < 400;
    size_t left = is_stream && row->body ? strlen(row->body) - call->told : 0;
    if (!is_stream || (call->opened && left == 0)) {
        tell_done(call);
        return;
    }
    loop_post(call->transport->loop, &call->turn);
    if (!call->opened) {
        call->opened = true;
        if (call->handlers.on_open)
            call->handlers.on_open(row->status, call->handlers.data);
        return;
    }
    size_t piece = row->piece && row->piece < left ? row->piece : left;
    call->told += piece;
    call->handlers.on_data(row->body + call->told - piece, piece, call->handlers.data);
}

static struct http_call *start(struct http_transport *base, const struct http_request *request,
                               const struct http_handlers *handlers)
{
    struct scripted *transport = (struct scripted *)base;
    struct http_call *call = xcalloc(1, sizeof *call);
    int n = script.request_count++;
    assert_true(n < SCRIPT_ROWS);
    snprintf(script.requests[n], sizeof script.requests[n], "%s %s %s", request->method, request->path,
             request->body ? request->body : "");
    snprintf(script.headers[n], sizeof script.headers[n], "%s", request->headers ? request->headers[0] : "");
    script.fresh[n] = request->fresh;
    call->transport = transport;
    call->handlers = *handlers;
    call->row = find_row(request->method, request->path);
    call->row->used = true;
    turn_init(&call->turn, on_turn, call);
    DL_APPEND(transport->calls, call);
    script.open_calls++;
    if (call->row->status != -1)
        loop_post(transport->loop, &call->turn);
    return call;
}

static void cancel(struct http_call *call)
{
    drop(call);
}

static void on_closed(void *data)
{
    struct scripted *transport = data;
    loop_cb *tell = transport->on_closed;
    void *tell_data = transport->data;
    free(transport);
    tell(tell_data);
}

static void close_transport(struct http_transport *base, loop_cb *closed, void *data)
{
    struct scripted *transport = (struct scripted *)base;
    while (transport->calls)
        drop(transport->calls);
    transport->on_closed = closed;
    transport->data = data;
    loop_post(transport->loop, &transport->closed);
}

struct http_transport *script_open(struct loop *loop)
{
    static const struct http_transport_ops ops = {.start = start, .cancel = cancel, .close = close_transport};
    struct scripted *transport = xcalloc(1, sizeof *transport);
    transport->base.ops = &ops;
    transport->loop = loop;
    turn_init(&transport->closed, on_closed, transport);
    return &transport->base;
}
