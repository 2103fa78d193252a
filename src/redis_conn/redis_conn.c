/* The connection object: commands out, replies in, and one way to end.
 *
 * Out: commands gather in `out` while a write is on its way; on_written() sends what gathered. In: the socket
 * reads straight into the RESP reader (with TLS: through the filter). AUTH is an ordinary first command whose
 * refusal ends the connection. Every end goes through conn_fail(), which closes and posts a turn: there the
 * waiting callbacks get their NULL and the owner its on_closed.
 *
 * A connection may be one of hundreds that say PING once in a while, so it keeps no input buffer while
 * nothing is asked: the reader gives its own back (relax), and what TLS reads lives from on_alloc to on_read.
 *
 * A failed write is not an end: the peer may have said why before it closed, so reading goes on until it
 * ends, too. */
#include "redis_conn/redis_conn.h"
#include "base/mem.h"
#include "base/pick.h"
#include "redis_conn/internal.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

enum { OUT_LIMIT = 64 * 1024 * 1024, READ_ROOM = 16 * 1024 };

static void flush(struct redis_conn *conn);

/* ---- life ---- */

static void free_conn(struct redis_conn *conn)
{
    struct redis_conn_options *o = &conn->options;
    char *strings[] = {(char *)o->host,    (char *)o->unix_path, (char *)o->username, (char *)o->password,
                       (char *)o->ca_file, (char *)o->tls_name,  conn->where};

    if (o->password)
        mem_wipe((char *)o->password, strlen(o->password));
    for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
        free(strings[i]);
    if (conn->addresses)
        uv_freeaddrinfo(conn->addresses);
    tls_free(conn->tls);
    resp_reader_free(conn->reader);
    resp_buffer_fini(&conn->out);
    resp_buffer_fini(&conn->sending);
    strbuf_free(&conn->cipher);
    error_clear(&conn->failure);
    free(conn);
}

void conn_drop(struct redis_conn *conn)
{
    if (--conn->holds == 0 && conn->is_released)
        free_conn(conn);
}

static void on_io_closed(uv_handle_t *handle)
{
    struct redis_conn *conn = handle->data;
    if (conn->retries && !conn->is_released) {
        conn->retries = false;
        conn_connect(conn);
    }
    conn_drop(conn);
}

void conn_close_io(struct redis_conn *conn)
{
    if (!conn->has_io)
        return;
    conn->has_io = false;
    uv_close(&conn->io.handle, on_io_closed);
}

static void drop_pending(struct redis_conn *conn, struct pending *entry)
{
    DL_DELETE(conn->pending, entry);
    conn->pending_count--;
    free(entry);
}

static void on_end_turn(void *data)
{
    struct redis_conn *conn = data;
    conn->holds++;
    while (conn->pending && !conn->is_released) {
        struct pending entry = *conn->pending;
        drop_pending(conn, conn->pending);
        if (entry.on_reply)
            entry.on_reply(NULL, entry.data);
    }
    if (!conn->is_released && conn->options.on_closed)
        conn->options.on_closed(&conn->failure, conn->is_final, conn->options.data);
    conn_drop(conn);
}

void conn_fail(struct redis_conn *conn, bool is_final, struct error *failure)
{
    if (conn->is_ended || conn->is_released) {
        error_clear(failure);
        return;
    }
    conn->is_ended = true;
    conn->is_open = false;
    conn->is_final = is_final;
    error_move(&conn->failure, failure);
    conn_close_io(conn);
    loop_post(conn->loop, &conn->end_turn);
}

static void fail_lost(struct redis_conn *conn, const char *why)
{
    struct error err = {0};
    error_set(&err, ERROR_FAILED, "%s closed the connection%s%s", conn->where, text_if(why, ": "),
              text_or_empty(why));
    conn_fail(conn, false, &err);
}

static void fail_protocol(struct redis_conn *conn, const char *why)
{
    struct error err = {0};
    error_set(&err, ERROR_PROTOCOL, "%s does not speak the Redis protocol: %s", conn->where, why);
    conn_fail(conn, false, &err);
}

/* ---- replies ---- */

static void on_auth_reply(const struct resp_reply *reply, void *data)
{
    struct redis_conn *conn = data;
    struct error err = {0};
    if (!reply || reply->type != RESP_ERROR)
        return;
    bool is_final = redis_explain(reply, &err);
    conn_fail(conn, is_final, &err);
}

static void take_reply(struct redis_conn *conn, const struct resp_reply *reply)
{
    struct error err = {0};

    if (reply->type == RESP_PUSH) {
        if (conn->options.on_push)
            conn->options.on_push(reply, conn->options.data);
    } else if (conn->pending) {
        struct pending entry = *conn->pending;
        drop_pending(conn, conn->pending);
        if (entry.on_reply)
            entry.on_reply(reply, entry.data);
    } else if (reply->type == RESP_ERROR) { /* a server that refuses a connection says so unasked */
        bool is_final = redis_explain(reply, &err);
        conn_fail(conn, is_final, &err);
    } else if (conn->options.push_unasked) {
        if (conn->options.on_push)
            conn->options.on_push(reply, conn->options.data);
    } else {
        fail_protocol(conn, "a reply that nobody asked for");
    }
}

static void take_replies(struct redis_conn *conn)
{
    struct resp_reply *reply = NULL;
    int rc = 0;
    conn->holds++;
    while (!conn->is_ended && !conn->is_released && (rc = resp_reader_next(conn->reader, &reply)) > 0) {
        take_reply(conn, reply);
        resp_reply_free(reply);
    }
    if (rc < 0)
        fail_protocol(conn, resp_reader_error(conn->reader));
    conn_drop(conn);
}

/* ---- input ---- */

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buf)
{
    struct redis_conn *conn = handle->data;
    size_t room = READ_ROOM;
    (void)size;
    char *space;
    if (conn->tls)
        space = xmalloc(room);
    else
        space = resp_reader_space(conn->reader, room, &room);
    if (!space)
        room = 0;
    *buf = uv_buf_init(space, (unsigned)size_min(room, UINT32_MAX));
}

/* False when the peer ended the encrypted stream. */
static bool decrypt(struct redis_conn *conn)
{
    for (;;) {
        size_t room;
        char *space = resp_reader_space(conn->reader, READ_ROOM, &room);
        int n = -1;
        if (space)
            n = tls_read(conn->tls, space, room);
        if (n <= 0)
            return n == 0;
        resp_reader_commit(conn->reader, (size_t)n);
    }
}

static void shake_hands(struct redis_conn *conn)
{
    struct error err = {0};
    bool is_final = false;
    int rc = tls_handshake(conn->tls, &is_final, &err);
    conn->is_open = rc == 1;
    flush(conn);
    if (rc < 0)
        conn_fail(conn, is_final, &err);
}

static void take_cipher(struct redis_conn *conn, const char *bytes, size_t length)
{
    if (tls_feed(conn->tls, bytes, length) < 0) {
        fail_lost(conn, "out of memory");
        return;
    }

    if (!conn->is_open)
        shake_hands(conn);
    if (!conn->is_open)
        return;
    conn->holds++;
    bool is_alive = decrypt(conn);
    take_replies(conn);
    if (!is_alive)
        fail_lost(conn, NULL);
    else if (!conn->is_ended)
        flush(conn);
    conn_drop(conn);
}

static void take_input(struct redis_conn *conn, const char *bytes, ssize_t n)
{
    if (conn->is_ended || conn->is_released || n == 0)
        return;
    if (n < 0) {
        fail_lost(conn, n == UV_EOF ? NULL : uv_strerror((int)n));
        return;
    }

    if (conn->options.on_bytes) {
        conn->options.on_bytes(conn->options.data);
        return;
    }
    if (conn->tls) {
        take_cipher(conn, bytes, (size_t)n);
        return;
    }
    resp_reader_commit(conn->reader, (size_t)n);
    take_replies(conn);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct redis_conn *conn = stream->data;
    cleanup_free char *cipher = NULL;
    if (conn->tls)
        cipher = buf->base;
    conn->holds++;
    take_input(conn, cipher, n);
    if (!conn->pending)
        resp_reader_relax(conn->reader);
    conn_drop(conn);
}

/* ---- output ---- */

static void on_written(uv_write_t *write, int rc)
{
    struct redis_conn *conn = write->data;
    conn->is_writing = false;
    if (conn->sending.len) /* it may have held the password */
        mem_wipe(conn->sending.data, conn->sending.len);
    resp_buffer_consume(&conn->sending, conn->sending.len);
    strbuf_truncate(&conn->cipher, 0);
    if (rc == 0 && !conn->is_released && !conn->is_ended)
        flush(conn);
}

static uv_buf_t take_output(struct redis_conn *conn)
{
    struct resp_buffer gathered = conn->out;
    if (conn->is_open) {
        conn->out = conn->sending;
        conn->sending = gathered;
    }
    if (!conn->tls)
        return uv_buf_init(conn->sending.data, (unsigned)conn->sending.len);
    if (conn->is_open && tls_write(conn->tls, conn->sending.data, conn->sending.len) < 0)
        fail_lost(conn, "TLS failed");
    tls_take(conn->tls, &conn->cipher);
    return uv_buf_init(conn->cipher.data, (unsigned)conn->cipher.length);
}

static void flush(struct redis_conn *conn)
{
    if (conn->is_writing || conn->is_ended || !conn->has_io)
        return;
    uv_buf_t buf = take_output(conn);
    if (buf.len == 0 || conn->is_ended)
        return;
    conn->write.data = conn;
    conn->is_writing = uv_write(&conn->write, &conn->io.stream, &buf, 1, on_written) == 0;
}

void conn_connected(struct redis_conn *conn)
{
    struct error err = {0};

    conn->holds++;
    if (conn->options.on_connected)
        conn->options.on_connected(conn->options.data);

    if (!conn->is_released) {
        uv_read_start(&conn->io.stream, on_alloc, on_read);
        if (conn->options.tls) {
            const char *name = conn->options.tls_name;
            if (!name)
                name = conn->options.host;
            conn->tls = tls_new(text_or(name, "localhost"), conn->options.ca_file, &err);
            if (conn->tls)
                shake_hands(conn);
            else
                conn_fail(conn, true, &err);
        } else {
            conn->is_open = true;
            flush(conn);
        }
    }

    conn_drop(conn);
}

/* ---- the front door ---- */

static void authenticate(struct redis_conn *conn)
{
    const struct redis_conn_options *o = &conn->options;
    const char *by_user[] = {"AUTH", o->username, o->password, NULL};
    const char *by_password[] = {"AUTH", o->password, NULL};
    if (o->password)
        redis_conn_words(conn, o->username ? by_user : by_password, on_auth_reply, conn, NULL);
}

struct redis_conn *redis_conn_open(struct loop *loop, const struct redis_conn_options *options)
{
    struct redis_conn *conn = xcalloc(1, sizeof *conn);
    struct redis_conn_options *o = &conn->options;
    conn->loop = loop;
    *o = *options;
    o->host = xstrdup_null(text_or(options->host, "127.0.0.1"));
    o->unix_path = xstrdup_null(options->unix_path);
    o->username = xstrdup_null(options->username);
    o->password = xstrdup_null(options->password);
    o->ca_file = xstrdup_null(options->ca_file);
    o->tls_name = xstrdup_null(options->tls_name);
    if (o->unix_path)
        conn->where = xstrdup(o->unix_path);
    else if (strchr(o->host, ':'))
        conn->where = xasprintf("[%s]:%d", o->host, o->port);
    else
        conn->where = xasprintf("%s:%d", o->host, o->port);

    size_t limit = size_or(o->out_limit, OUT_LIMIT);
    resp_buffer_init(&conn->out, limit);
    resp_buffer_init(&conn->sending, limit);
    conn->cipher.limit = limit + limit / 4 + READ_ROOM;
    turn_init(&conn->end_turn, on_end_turn, conn);
    conn->reader = resp_reader_new(&o->limits);
    conn->holds = 1;
    authenticate(conn);
    conn_connect(conn);
    return conn;
}

int redis_conn_command(struct redis_conn *conn, const struct redis_command *command, struct error *err)
{
    if (conn->is_ended)
        return error_set(err, ERROR_NOT_RUNNING, "the connection to %s has ended", conn->where);
    if (resp_append_command(&conn->out, command->count, command->arguments, command->lengths) < 0)
        return error_set(err, ERROR_SPACE, "too much is waiting to be sent to %s", conn->where);
    struct pending *entry = xcalloc(1, sizeof *entry);
    entry->on_reply = command->on_reply;
    entry->data = command->data;
    DL_APPEND(conn->pending, entry);
    conn->pending_count++;
    if (conn->is_open)
        flush(conn);
    return 0;
}

int redis_conn_words(struct redis_conn *conn, const char *const *words, redis_reply_cb *on_reply, void *data,
                     struct error *err)
{
    struct redis_command command = {.arguments = words, .on_reply = on_reply, .data = data};
    while (words[command.count])
        command.count++;
    return redis_conn_command(conn, &command, err);
}

size_t redis_conn_pending(const struct redis_conn *conn)
{
    return conn->pending_count;
}

void redis_conn_free(struct redis_conn *conn)
{
    if (!conn)
        return;
    conn->is_released = true;
    loop_unpost(conn->loop, &conn->end_turn);
    while (conn->pending)
        drop_pending(conn, conn->pending);
    conn_close_io(conn);
    conn_drop(conn);
}
