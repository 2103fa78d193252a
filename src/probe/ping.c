/* AUTH and PING on one connection that is kept: only PONG counts, and the connection's end is seen at once.
 *
 * A published port accepts connections before the server behind it listens, so a connection alone says
 * nothing. While the server is loading the connection stays and PING is sent again; after any other refusal
 * the next try starts afresh. */
#include "base/mem.h"
#include "probe/internal.h"

#include <string.h>

static void drop_conn(struct probe *p)
{
    redis_conn_free(p->conn);
    p->conn = NULL;
}

static void on_closed(const struct error *err, bool is_final, void *data)
{
    struct probe *p = data;
    struct error copy = {0};
    error_copy(&copy, err);
    drop_conn(p);
    if (p->is_trying || p->state == PROBE_READY)
        probe_failed(p, is_final, &copy);
    else
        error_clear(&copy);
}

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct probe *p = data;
    struct error err = {0};
    if (!reply) /* on_closed() follows and knows why */
        return;
    if (resp_reply_is(reply, "PONG")) {
        probe_succeeded(p);
        return;
    }

    bool is_final = false;
    if (reply->type == RESP_ERROR)
        is_final = redis_explain(reply, &err);
    else
        error_set(&err, ERROR_PROTOCOL, "PING was answered with a %s instead of PONG",
                  resp_type_name(reply->type));
    if (!resp_reply_is_error(reply, "LOADING"))
        drop_conn(p);
    probe_failed(p, is_final, &err);
}

static void start(struct probe *p)
{
    static const char *const ping[] = {"PING", NULL};
    struct redis_conn_options options = {
        .host = p->options.host,
        .port = p->options.port,
        .unix_path = p->options.unix_path,
        .username = p->options.username,
        .password = p->options.password,
        .tls = p->options.tls,
        .ca_file = p->options.ca_file,
        .tls_name = p->options.tls_name,
        .limits = {.depth = 8, .bulk = 64 * 1024, .elements = 1024, .total = 64 * 1024},
        .on_closed = on_closed,
        .data = p,
    };

    if (!p->conn)
        p->conn = redis_conn_open(p->loop, &options);
    redis_conn_words(p->conn, ping, on_reply, p, NULL);
}

const struct probe_ops probe_ping = {.start = start, .cancel = drop_conn};
