/* From options to a connected stream: unix path, numeric address, or name.
 *
 * A numeric address needs no resolver thread. A name may have several addresses ("localhost" is ::1 and
 * 127.0.0.1): they are tried in turn, and the failure of the last one is told. */
#include "base/mem.h"
#include "redis_conn/internal.h"

#include <string.h>
#include <sys/un.h>

static void fail(struct redis_conn *conn, int rc)
{
    struct error err = {0};
    error_set(&err, ERROR_FAILED, "cannot connect to %s: %s", conn->where, uv_strerror(rc));
    conn_fail(conn, false, &err);
}

/* One address failed: the next one's turn, if there is one. */
static void fail_address(struct redis_conn *conn, int rc)
{
    if (!conn->next_address) {
        fail(conn, rc);
    } else if (conn->has_io) {
        conn->retries = true;
        conn_close_io(conn);
    } else {
        conn_connect(conn);
    }
}

static void on_connect(uv_connect_t *request, int rc)
{
    struct redis_conn *conn = request->data;
    if (rc == UV_ECANCELED || conn->is_released || conn->is_ended)
        return;
    if (rc == 0)
        conn_connected(conn);
    else
        fail_address(conn, rc);
}

static void connect_tcp(struct redis_conn *conn, const struct sockaddr *address)
{
    int rc = uv_tcp_init(&conn->loop->uv, &conn->io.tcp);
    if (rc == 0) {
        conn->has_io = true;
        conn->holds++;
        conn->io.handle.data = conn;
        rc = uv_tcp_connect(&conn->connect, &conn->io.tcp, address, on_connect);
    }
    if (rc == 0)
        uv_tcp_nodelay(&conn->io.tcp, 1);
    else
        fail_address(conn, rc);
}

static void connect_unix(struct redis_conn *conn)
{
    /* uv_pipe_connect() would cut a longer one short without a word. */
    if (strlen(conn->options.unix_path) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        fail(conn, UV_ENAMETOOLONG);
        return;
    }
    uv_pipe_init(&conn->loop->uv, &conn->io.pipe, 0);
    conn->has_io = true;
    conn->holds++;
    conn->io.handle.data = conn;
    uv_pipe_connect(&conn->connect, &conn->io.pipe, conn->options.unix_path, on_connect);
}

static void connect_next(struct redis_conn *conn)
{
    const struct addrinfo *address = conn->next_address;
    conn->next_address = address->ai_next;
    connect_tcp(conn, address->ai_addr);
}

static void on_resolved(uv_getaddrinfo_t *request, int rc, struct addrinfo *addresses)
{
    struct redis_conn *conn = request->data;
    conn->addresses = conn->next_address = addresses;
    if (!conn->is_released && rc < 0)
        fail(conn, rc);
    else if (!conn->is_released)
        connect_next(conn);
    conn_drop(conn);
}

static void resolve(struct redis_conn *conn)
{
    static const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    cleanup_free char *service = xasprintf("%d", conn->options.port);
    int rc =
        uv_getaddrinfo(&conn->loop->uv, &conn->resolve, on_resolved, conn->options.host, service, &hints);
    if (rc < 0)
        fail(conn, rc);
    else
        conn->holds++;
}

void conn_connect(struct redis_conn *conn)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    conn->connect.data = conn->resolve.data = conn;
    if (conn->next_address)
        connect_next(conn);
    else if (conn->options.unix_path)
        connect_unix(conn);
    else if (uv_ip4_addr(conn->options.host, conn->options.port, &v4) == 0)
        connect_tcp(conn, (const struct sockaddr *)&v4);
    else if (uv_ip6_addr(conn->options.host, conn->options.port, &v6) == 0)
        connect_tcp(conn, (const struct sockaddr *)&v6);
    else
        resolve(conn);
}
