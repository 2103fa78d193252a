/* Private to room redis_conn: the connection's state, and the seam between its two halves.
 *
 * connect.c finds addresses and makes the transport; redis_conn.c owns the object and moves commands and
 * replies. */
#ifndef REDIS_CONN_INTERNAL_H
#define REDIS_CONN_INTERNAL_H

#include "base/str.h"
#include "redis_conn/redis_conn.h"
#include "redis_conn/tls.h"

struct pending {
    redis_reply_cb *on_reply;
    void *data;
    struct pending *prev, *next;
};

struct redis_conn {
    struct loop *loop;
    struct redis_conn_options options; /* strings are ours */
    char *where;                       /* "127.0.0.1:6379", for texts */

    uv_getaddrinfo_t resolve;
    struct addrinfo *addresses, *next_address;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } io;
    uv_connect_t connect;
    uv_write_t write;
    int holds;    /* what libuv or a running callback still knows of us: the memory stays */
    bool has_io;  /* the handle is open */
    bool retries; /* when the handle is closed, the next address is tried */

    struct redis_tls *tls;
    struct resp_reader *reader;
    struct resp_buffer out, sending;
    struct strbuf cipher; /* what TLS made of `sending`, being sent */
    struct pending *pending;
    size_t pending_count;

    bool is_open; /* commands may flow */
    bool is_writing;
    bool is_ended; /* failed: only the closing callbacks are left */
    bool is_released;
    bool is_final;
    struct error failure;
    struct turn end_turn; /* tells the owner about the failure */
};

/* Starts to resolve and connect. Ends in conn_connected() or conn_fail(). */
void conn_connect(struct redis_conn *conn);
/* The transport stands. */
void conn_connected(struct redis_conn *conn);
/* Ends the connection with *failure (moved). The owner learns it in a later turn. */
void conn_fail(struct redis_conn *conn, bool is_final, struct error *failure);
void conn_close_io(struct redis_conn *conn);
/* Lets go of one hold; the last one after the release frees. */
void conn_drop(struct redis_conn *conn);

#endif
