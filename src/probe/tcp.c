/* A TCP connection that can be made is enough. redis_conn does the connecting; not one byte is sent. */
#include "probe/internal.h"

static void drop_conn(struct probe *p)
{
    redis_conn_free(p->conn);
    p->conn = NULL;
}

static void on_connected(void *data)
{
    struct probe *p = data;
    drop_conn(p);
    probe_succeeded(p);
}

static void on_closed(const struct error *err, bool is_final, void *data)
{
    struct probe *p = data;
    struct error copy = {0};
    error_copy(&copy, err);
    drop_conn(p);
    probe_failed(p, is_final, &copy);
}

static void start(struct probe *p)
{
    struct redis_conn_options options = {
        .host = p->options.host,
        .port = p->options.port,
        .unix_path = p->options.unix_path,
        .on_connected = on_connected,
        .on_closed = on_closed,
        .data = p,
    };
    p->conn = redis_conn_open(p->loop, &options);
}

const struct probe_ops probe_tcp = {.start = start, .cancel = drop_conn};
