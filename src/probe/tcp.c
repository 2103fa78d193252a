/* A TCP connection that can be made is enough; not one byte is sent. redis_conn does the connecting.
 *
 * Unless the port is an engine's: its proxy (docker-proxy, rootlessport, slirp4netns) accepts first, connects
 * to the container then, and closes when nothing listens there. So a connection has to be held, or to bring
 * bytes. docker-proxy's end comes 0.2 ms after the connection, 1.7 ms at most among 500 on a machine with
 * load 4 (Docker 20.10): a tenth of a second is far beyond it, and nobody who waits for a server notices. An
 * engine that is further away, or a machine that is slow, shows in how long connecting takes; several times
 * that is waited as well. */
#include "probe/internal.h"

enum { HOLD_MS = 100, HOLD_PER_CONNECT = 5, HOLD_MOST_MS = 1000 };

static void drop_conn(struct probe *p)
{
    if (p->conn)
        timer_stop(&p->hold);
    redis_conn_free(p->conn);
    p->conn = NULL;
}

static void succeed(void *data)
{
    struct probe *p = data;
    drop_conn(p);
    probe_succeeded(p);
}

static int64_t hold_ms(const struct probe *p)
{
    int64_t ms = (loop_now_ms(p->loop) - p->tried_ms) * HOLD_PER_CONNECT;
    if (ms < HOLD_MS)
        return HOLD_MS;
    if (ms < HOLD_MOST_MS)
        return ms;
    return HOLD_MOST_MS;
}

static void on_connected(void *data)
{
    struct probe *p = data;
    if (!p->options.proxied_port) {
        succeed(p);
        return;
    }
    p->is_connected = true;
    timer_stop(&p->limit); /* the end is certain now */
    timer_start(&p->hold, hold_ms(p));
}

static void on_closed(const struct error *err, bool is_final, void *data)
{
    struct probe *p = data;
    struct error failure = {0};
    if (p->is_connected)
        error_set(&failure, ERROR_RESOURCE,
                  "the engine's proxy accepts connections on %s:%d, nothing inside the container answers on "
                  "port %d",
                  p->options.host, p->options.port, p->options.proxied_port);
    else
        error_copy(&failure, err);
    drop_conn(p);
    probe_failed(p, is_final, &failure);
}

static void start(struct probe *p)
{
    struct redis_conn_options options = {
        .host = p->options.host,
        .port = p->options.port,
        .unix_path = p->options.unix_path,
        .on_connected = on_connected,
        .on_bytes = succeed,
        .on_closed = on_closed,
        .data = p,
    };
    timer_init(p->loop, &p->hold, succeed, p);
    p->is_connected = false;
    p->tried_ms = loop_now_ms(p->loop);
    p->conn = redis_conn_open(p->loop, &options);
}

const struct probe_ops probe_tcp = {.start = start, .cancel = drop_conn};
