/* HTTP over libcurl's multi interface on the loop: calls with a whole answer, and streams that deliver as
 * they come.
 *
 * A transport is an interface, so that tests can put a fake server in the same process: http_open() makes the
 * real one for a unix socket or a TCP address. Calls that change something use a fresh connection (libcurl
 * re-sends a POST on a kept connection that died); reads keep one alive. Streams run on a multi handle of
 * their own.
 *
 * Promise: callbacks never run before the start function returned; `done` runs exactly once, and not at all
 * after http_cancel(). Answers are bounded. Everything on the loop's thread. */
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long an answer may take, all three said for every request: FOREVER where something else ends it. */
struct http_limits {
    struct limit head;  /* until the answer's head is here, connecting included */
    struct limit whole; /* until its last byte */
    struct limit idle;  /* between two bytes, the first one included */
};
/* A call: everything within this time. */
static inline struct http_limits http_within(int64_t ms)
{
    return (struct http_limits){LIMIT_MS(ms), LIMIT_MS(ms), FOREVER};
}
/* A stream that goes on for as long as the other side likes. */
static inline struct http_limits http_stream_within(struct limit head)
{
    return (struct http_limits){head, FOREVER, FOREVER};
}

struct http_request {
    const char *method; /* "GET", "HEAD", "POST", "DELETE", "PUT" */
    const char *path;   /* with query, starts with a slash */
    const char *body;   /* copied; NULL: none (a POST sends Content-Length: 0) */
    size_t body_length;
    const char *content_type;   /* NULL with a body: application/json */
    const char *const *headers; /* "Name: value", NULL-terminated, or NULL; copied */
    bool fresh;                 /* own connection, not kept */
    struct http_limits limits;
    size_t limit; /* of the answer's body in bytes; 0: 16 MiB. Streams: not limited */
    bool duplex;  /* asks for an upgrade: a stream into which http_write() may write once it is
                     open. Real transports only */
};

struct http_response {
    int status;
    const char
        *body; /* NUL-terminated; valid during the callback. Streams: what an answer >= 400 said (bounded) */
    size_t length;
    const char *api_version; /* the Api-Version header, or NULL */
    const char *server;      /* the Server header, or NULL */
};

struct http_call;
/* err is set for transport failures only (refused, timeout, cut, too large: ERROR_ENGINE, ERROR_TIMEOUT,
 * ERROR_CUT, ERROR_PROTOCOL); then response may be NULL. Any status is an answer. */
typedef void http_done_cb(const struct http_response *response, const struct error *err, void *data);
/* A piece of a stream's body (only for statuses below 400). */
typedef void http_data_cb(const char *bytes, size_t length, void *data);
/* A stream's answer began: its head arrived with a status below 400. Before the first on_data, at most once.
 */
typedef void http_open_cb(int status, void *data);

struct http_handlers {
    http_done_cb *done;
    http_data_cb *on_data; /* streams; NULL for calls */
    void *data;
    http_open_cb *on_open; /* streams; may be NULL */
    loop_cb *on_drained;   /* duplex: everything written is on its way; may be NULL */
};

struct http_transport;
struct http_transport_ops {
    struct http_call *(*start)(struct http_transport *transport, const struct http_request *request,
                               const struct http_handlers *handlers);
    void (*cancel)(struct http_call *call);
    /* Cancels what is in flight and closes; on_closed runs later, after which the transport is freed. */
    void (*close)(struct http_transport *transport, loop_cb *on_closed, void *data);
};
struct http_transport {
    const struct http_transport_ops *ops;
};

/* Where to connect. unix_path or url ("http://host:port", "https://…") is set. Strings are copied. */
struct http_address {
    const char *unix_path;
    const char *url;
    const char *ca_file, *cert_file, *key_file; /* TLS */
    bool skip_verify;
};
struct http_transport *http_open(struct loop *loop, const struct http_address *address, struct error *err);

static inline struct http_call *http_start(struct http_transport *t, const struct http_request *request,
                                           const struct http_handlers *handlers)
{
    return t->ops->start(t, request, handlers);
}
/* Each needs the transport the call was started on. The call is gone afterwards; NULL is allowed. */
static inline void http_cancel(struct http_transport *t, struct http_call *call)
{
    if (call)
        t->ops->cancel(call);
}
/* Duplex streams, from on_open on: the bytes are copied and follow what was written before. Returns how many
 * wait now; more than a few pieces: go on in on_drained. 0 also when the peer reads no more. */
size_t http_write(struct http_call *call, const char *bytes, size_t length);
/* Nothing follows: the peer reads its end of file after what waits; what it says still comes. */
void http_write_end(struct http_call *call);
static inline void http_close(struct http_transport *t, loop_cb *on_closed, void *data)
{
    t->ops->close(t, on_closed, data);
}

#endif
