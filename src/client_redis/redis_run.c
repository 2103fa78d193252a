/*
 * Running batches on a named client: on its connections, from a replica first, or on the nodes of a cluster.
 */
#include "client_base/clock.h"
#include "client_base/limits.h"
#include "client_base/verdict.h"
#include "client_redis/cluster.h"
#include "client_redis/redis.h"
#include "client_redis/scatter.h"

static int run_on(struct apphost_redis *redis, struct conn *conn, const struct batch *batch,
                  struct replies *replies, struct apphost_error *error)
{
    struct apphost_error local;
    char address[128];
    struct trace_batch record = {.batch = batch, .address = address};

    if (!redis->tracer)
        return conn_call(conn, batch, replies, error);
    struct batch timed = *batch;
    timed.times = &record.times;
    record.start_ns = clock_unix_ns();
    int rc = conn_call(conn, &timed, replies, &local);
    record.end_ns = clock_unix_ns();
    if (rc == 0)
        record.replies = replies;
    else
        record.error = &local;
    record.database = option_number(conn_options(conn), OPT_DEFAULT_DATABASE);
    conn_is_up(conn, address, &record.port);
    tracer_record(redis->tracer, &record);
    if (rc < 0 && error)
        *error = local;
    return rc;
}

bool redis_wants_primary(const struct replies *replies)
{
    for (size_t i = 0; i < replies->count; i++)
        if (replies->items[i] && replies->items[i]->type == RESP_ERROR &&
            (verdict_of_text(replies->items[i]->str) & VERDICT_PRIMARY))
            return true;
    return false;
}

void redis_redial(struct apphost_redis *redis)
{
    lanes_redial(&redis->lanes);
}

/* The handshake may have told, or a redirection. */
bool redis_is_cluster(struct apphost_redis *redis)
{
    struct cluster *cluster = atomic_load(&redis->cluster);
    struct conn *conn = atomic_load(&redis->lanes.conns[DIAL_PRIMARY]);

    if (cluster && cluster_is_on(cluster))
        return true;
    if (!conn || conn_kind(conn) != CONN_KIND_CLUSTER)
        return false;
    cluster = cluster_of(redis, NULL);
    return cluster && cluster_begin(cluster, NULL) == 0;
}

/* From a replica first; what it has not used up is the primary's. */
static int run_on_replica(struct apphost_redis *redis, const struct batch *batch, struct replies *replies,
                          struct apphost_error *error)
{
    struct conn *conn = redis_conn(redis, DIAL_REPLICA, error);
    struct batch first = *batch, second = *batch;

    if (!conn)
        return -1;
    if (second.timeout_ms <= 0)
        second.timeout_ms = option_number(conn_options(conn), OPT_SYNC_TIMEOUT);
    first.timeout_ms = second.timeout_ms / 2 + 1;
    int64_t deadline_ms = clock_ms() + second.timeout_ms;
    if (!conn_is_failing(conn) && !conn_is_clogged(conn) && run_on(redis, conn, &first, replies, NULL) == 0) {
        if (!redis_wants_primary(replies))
            return 0;
        replies_free(replies);
    }
    second.timeout_ms = clock_left(deadline_ms);
    if (second.timeout_ms == 0)
        second.timeout_ms = 1;
    conn = redis_conn(redis, lanes_pick(&redis->lanes, DIAL_PRIMARY, &second), error);
    return conn ? run_on(redis, conn, &second, replies, error) : -1;
}

static int run_routed(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                      struct replies *replies, struct apphost_error *error)
{
    struct apphost_error local;
    struct trace_batch record = {.batch = batch, .address = redis->name};

    record.start_ns = clock_unix_ns();
    int rc = scatter_run(redis, role, batch, replies, &local);
    record.end_ns = clock_unix_ns();
    if (rc == 0)
        record.replies = replies;
    else
        record.error = &local;
    if (redis->tracer)
        tracer_record(redis->tracer, &record);
    if (rc < 0 && error)
        *error = local;
    return rc;
}

static int run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
               struct replies *replies, struct apphost_error *error)
{
    int rc;

    if (redis_is_cluster(redis))
        return run_routed(redis, role, batch, replies, error);
    if (role == DIAL_REPLICA) {
        rc = run_on_replica(redis, batch, replies, error);
    } else {
        struct conn *conn = redis_conn(redis, lanes_pick(&redis->lanes, role, batch), error);

        rc = conn ? run_on(redis, conn, batch, replies, error) : -1;
    }
    if (rc < 0 || !scatter_is_elsewhere(replies))
        return rc;
    struct cluster *cluster = cluster_of(redis, error);
    if (!cluster || cluster_begin(cluster, error) < 0) {
        replies_free(replies);
        return -1;
    }
    return scatter_resume(redis, role, batch, replies, error);
}

int redis_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
              struct replies *replies, struct apphost_error *error)
{
    struct batch limited = *batch;

    if (limits_are_cancelled())
        return limits_fail(batch->commands[0].argv[0], error);
    limited.timeout_ms = limits_timeout(batch->timeout_ms);
    return run(redis, role, &limited, replies, error);
}

static int start(struct apphost_redis *redis, enum dial_role *role, const struct batch *batch,
                 conn_done_fn done, void *user, struct apphost_error *error)
{
    struct conn *first = lanes_conn(&redis->lanes, DIAL_PRIMARY, error);

    if (!first)
        return -1;
    /* Before the first connection nobody knows; the batch is kept then, in case it has to go elsewhere. */
    if (redis_is_cluster(redis) || conn_kind(first) != CONN_KIND_PLAIN)
        return scatter_start(redis, *role, batch, done, user, error);
    *role = lanes_pick(&redis->lanes, *role, batch);
    struct conn *conn = lanes_conn(&redis->lanes, *role, error);
    if (!conn)
        return -1;
    return conn_start(conn, batch, done, user, error);
}

int redis_start(struct apphost_redis *redis, enum dial_role *role, const struct batch *batch,
                conn_done_fn done, void *user, struct apphost_error *error)
{
    struct batch limited = *batch;

    limited.timeout_ms = limits_timeout(batch->timeout_ms);
    return start(redis, role, &limited, done, user, error);
}

static void ignore_reply(void *user, struct replies *replies, const struct timing *times,
                         const struct apphost_error *error)
{
    (void)user;
    (void)times;
    (void)replies;
    (void)error;
}

void redis_post(struct apphost_redis *redis, const struct conn_command *command, uint64_t key)
{
    const struct batch batch = {.commands = command, .count = 1, .key = key};
    struct lanes *lanes = scatter_lanes(redis, command);
    struct conn *conn = lanes_conn(lanes, lanes_pick(lanes, DIAL_PRIMARY, &batch), NULL);
    char address[128];
    int port;

    if (conn && conn_is_up(conn, address, &port))
        conn_post(conn, &batch);
    else if (conn)
        conn_start(conn, &batch, ignore_reply, NULL, NULL);
}
