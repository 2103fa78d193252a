/* What the files of this room share: the server, and a connection on its way. */
#ifndef WEB_INTERNAL_H
#define WEB_INTERNAL_H

#include "web/web.h"

#include "library/microhttpd.h"
#include <uv.h>

enum { WEB_LISTENERS = 2, WEB_POOL = 32 << 10, WEB_POOL_STEP = 1 << 10 };
enum { WEB_HEAD_MS = 10000, WEB_LINGER_MS = 1000, WEB_BODY_S = 30 };

enum web_stage {
    WEB_READING, /* the head comes */
    WEB_LEAVING, /* refused: until the client has read that */
    WEB_INSIDE,  /* libmicrohttpd has the socket */
    WEB_OVER,
};

/* The connection and its one request. */
struct web_request {
    struct web_server *server;
    struct web_request *prev, *next;
    enum web_stage stage;
    int fd; /* until it is libmicrohttpd's */
    uv_poll_t poll;
    struct timer alarm; /* the end of a stage; while reading, the next look */
    int64_t begun_ms, pause_ms;
    size_t drained;

    struct web_head head;
    struct strbuf body;
    bool is_too_long, is_too_much, is_asked, is_suspended, is_gone;
    struct MHD_Connection *mhd;
    struct MHD_Response *response;
    int status;
    struct web_stream *stream;
    loop_cb *on_gone;
    void *gone_data;
};

struct web_listener {
    struct web_server *server;
    int fd;
    uv_poll_t poll;
    bool is_open;
};

struct web_server {
    struct loop *loop;
    struct web_policy policy;
    web_handler *handler;
    void *data;
    int port, limit, count;
    int64_t bodies; /* bytes of all that have come so far and are not answered */
    struct web_listener listeners[WEB_LISTENERS];
    struct web_request *requests;
    struct web_request *adding; /* while libmicrohttpd is given one */

    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    bool has_poll;
    struct turn pump;
    struct timer alarm;

    bool is_closing, is_uid_unknown;
    loop_cb *closed;
    void *closed_data;
};

struct web_stream {
    struct web_request *request;
    struct web_stream_options options;
    struct strbuf waiting;
    bool is_over;
};

/* accept.c */
int web_accept_start(struct web_server *server, int port, bool is_must, struct error *err);
void web_accept_stop(struct web_server *server);

/* request.c */
/* Out of the list, and freed when its handle is closed. Its socket is libmicrohttpd's, or closed. */
void web_request_end(struct web_request *request);
/* A handle is closed: when it was the last one, the server is freed. */
void web_server_check_closed(struct web_server *server);

/* daemon.c */
int web_daemon_start(struct web_server *server, struct error *err);
void web_daemon_stop(struct web_server *server);
/* The socket becomes libmicrohttpd's. False: it would not have it, and it is closed. */
bool web_daemon_take(struct web_server *server, struct web_request *request);
/* An answer is there, or more of it; or nobody waits for one any more. */
void web_daemon_wake(struct web_request *request);

/* reply.c */
/* The headers that say what it is, and those that every answer has. */
void web_dress(struct MHD_Response *response, const struct web_reply *reply);
/* The whole answer as bytes, for sockets that libmicrohttpd never gets. The caller frees. */
char *web_refusal_bytes(const struct web_verdict *verdict, size_t *length);

/* stream.c */
void web_stream_lost(struct web_stream *stream);

#endif
