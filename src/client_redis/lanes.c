/* Connections to one server: making them, choosing among them, ending them. See lanes.h. */
#include "client_redis/lanes.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_redis/redis.h"

static struct conn *make_locked(struct lanes *lanes, enum dial_role role, struct apphost_error *error)
{
    struct apphost_redis *redis = lanes->redis;
    const struct apphost_options *options = lanes->options;

    if (!options && !redis->is_closed && lanes->resolve_locked(redis, error) < 0)
        return NULL;
    if (atomic_load(&lanes->conns[role])) /* before, or while the options were made */
        return atomic_load(&lanes->conns[role]);
    if (redis->is_closed) {
        fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
        return NULL;
    }
    if (!options)
        options = redis->options;
    enum dial_role dialled = role;
    if (role == DIAL_BULK)
        dialled = DIAL_PRIMARY;
    struct conn *conn = conn_new(options, dialled, redis->log, error);
    if (!conn)
        return NULL;
    conn_set_suffix(conn, redis->suffix);
    if (lanes->options)
        conn_set_impatient(conn);
    if (redis->tracer)
        conn_set_timed(conn);
    atomic_store(&lanes->conns[role], conn);
    return conn;
}

struct conn *lanes_conn(struct lanes *lanes, enum dial_role role, struct apphost_error *error)
{
    struct conn *conn = atomic_load(&lanes->conns[role]);

    if (conn)
        return conn;
    lock_take(&lanes->redis->lock);
    conn = make_locked(lanes, role, error);
    lock_drop(&lanes->redis->lock);
    return conn;
}

static bool is_big(const struct batch *batch)
{
    size_t bytes = 0;

    for (size_t i = 0; i < batch->count && bytes < REDIS_BIG; i++)
        for (size_t k = 0; batch->commands[i].lens && k < batch->commands[i].argc; k++)
            bytes += batch->commands[i].lens[k];
    return bytes >= REDIS_BIG;
}

enum dial_role lanes_pick(struct lanes *lanes, enum dial_role wanted, const struct batch *batch)
{
    enum dial_role lane = DIAL_PRIMARY, other = DIAL_BULK;

    if (wanted == DIAL_REPLICA)
        return wanted;
    if (wanted == DIAL_BULK || is_big(batch)) {
        lane = DIAL_BULK;
        other = DIAL_PRIMARY;
    }
    struct conn *conn = atomic_load(&lanes->conns[lane]), *beside = atomic_load(&lanes->conns[other]);
    if (beside && conn_owes(beside, batch->key))
        return other;
    if (lane == DIAL_BULK || !conn || !conn_is_clogged(conn))
        return lane;
    beside = lanes_conn(lanes, DIAL_BULK, NULL);
    if (!beside || conn_is_clogged(beside) || conn_is_failing(beside) || conn_owes(conn, batch->key))
        return lane;
    return DIAL_BULK;
}

void lanes_redial(struct lanes *lanes)
{
    static const enum dial_role primaries[] = {DIAL_PRIMARY, DIAL_BULK};

    for (size_t i = 0; i < 2; i++) {
        struct conn *conn = atomic_load(&lanes->conns[primaries[i]]);

        if (conn)
            conn_redial(conn);
    }
}

void lanes_shut(struct lanes *lanes)
{
    for (int role = 0; role < DIAL_ROLES; role++) {
        struct conn *conn = atomic_load(&lanes->conns[role]);

        if (conn)
            conn_shut(conn);
    }
}

void lanes_close(struct lanes *lanes)
{
    for (int role = 0; role < DIAL_ROLES; role++)
        conn_close(atomic_exchange(&lanes->conns[role], NULL));
}
