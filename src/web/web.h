/* The door of a local web page: HTTP/1.1 on loopback, for this user alone, strict before anything is routed.
 *
 * Happy path: web_listen(), then each request that may come in reaches the handler with its whole body; the
 * handler answers at once or later, by web_reply() or with a stream. Before that each connection is looked at
 * by us: whose the peer is (machine/peer.h), the head byte by byte (head.h), names and origins (door.h). Only
 * then libmicrohttpd gets the socket, for framing and writing. A connection carries one request, so that
 * there is no second head that nobody has looked at.
 *
 * Failure modes: everything refused is answered as JSON {"code","message","hint"} and closed, or closed
 * without a word where no HTTP is spoken. Heads, bodies, connections, time and what waits for a slow reader
 * are bounded; a client that is gone is noticed though nothing is sent.
 *
 * Ownership: a request is the server's, valid until it was answered or on_gone ran; texts borrowed from it as
 * well. All on the loop's thread. Promise: no callback before web_listen() returned, none after web_close()
 * called `closed`. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include "base/error.h"
#include "base/json.h"
#include "loop/loop.h"
#include "web/door.h"
#include "web/keys.h"
#include "web/query.h"

#include <stdbool.h>
#include <stddef.h>

struct web_server;
struct web_request;
typedef void web_handler(struct web_request *request, void *data);

struct web_options {
    struct loop *loop;
    int port;                 /* wanted; 0: any */
    bool is_port_must;        /* that one or none */
    struct web_policy policy; /* taken over */
    int connections;          /* at most; 0: 200 */
    web_handler *handler;
    void *data;
};

/* On 127.0.0.1, and on ::1 where there is one. ERROR_PORT when the port is taken. */
struct web_server *web_listen(struct web_options *options, struct error *err);
int web_port(const struct web_server *server);
/* Ends all connections; `closed` runs once everything is freed. */
void web_close(struct web_server *server, loop_cb *closed, void *data);

/* ---- a request ---- */
const struct web_head *web_request_head(const struct web_request *request);
/* NUL-terminated. */
const char *web_request_body(const struct web_request *request, size_t *length);
/* Told when the client leaves before it was answered; the request is gone then. */
void web_request_watch(struct web_request *request, loop_cb *on_gone, void *data);

/* ---- answers: exactly one ---- */
struct web_reply {
    int status;       /* 0: 200 */
    const char *type; /* NULL: application/json */
    /* Either what is taken over, or what stays as it is for as long as the program runs. */
    char *body;
    const void *fixed;
    size_t length;
    bool is_packed;         /* gzip */
    const char *etag;       /* with it: kept, and asked about each time; else never stored */
    const char *cookie;     /* Set-Cookie */
    const char *attachment; /* a file's name */
};
void web_reply(struct web_request *request, const struct web_reply *reply);
void web_reply_json(struct web_request *request, int status, cJSON *json); /* takes it */
void web_reply_refusal(struct web_request *request, const struct web_verdict *verdict);

/* ---- answers that go on ---- */
struct web_stream;
struct web_stream_options {
    const char *type;
    const char *attachment;
    size_t limit;      /* bytes that may wait for the reader; 0: 1 MiB */
    loop_cb *on_drain; /* everything was taken that waited; NULL: nobody asks */
    loop_cb *on_gone;  /* the client left: the stream is gone after this */
    void *data;
};
struct web_stream *web_reply_stream(struct web_request *request, const struct web_stream_options *options);
/* False: it would be more than may wait; nothing was added. */
bool web_stream_write(struct web_stream *stream, const void *bytes, size_t length);
size_t web_stream_waiting(const struct web_stream *stream);
/* What waits is still sent; no callback any more. */
void web_stream_end(struct web_stream *stream);

#endif
