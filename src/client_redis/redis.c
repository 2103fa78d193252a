/*
 * The named client: first use, running batches, and what error replies mean.
 *
 * First use resolves the options (connection string, ConfigurationOptions sections, callback) once; an error
 * is not kept, so that a caller sees it each time. The conn objects are published through atomics: after
 * first use no lock is taken.
 */
#include "client_redis/redis.h"
#include "client_redis/own.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/verdict.h"
#include "client_base/lock.h"

#include <stdlib.h>
#include <string.h>

struct apphost_redis *redis_new(const char *name, const struct apphost_client_options *callbacks,
                                const struct apphost_config *config, const struct log *log,
                                struct apphost_error *error)
{
    struct apphost_redis *redis = calloc(1, sizeof(*redis));

    if (!redis || !(redis->name = strdup(name))) {
        free(redis);
        fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&redis->lock, NULL);
    pthread_cond_init(&redis->resolved, NULL);
    redis->config = config;
    redis->log = log;
    if (callbacks)
        redis->callbacks = *callbacks;
    settings_load(&redis->settings, config, name, &redis->settings_error);
    user_code();
    if (redis->callbacks.settings)
        redis->callbacks.settings(&redis->settings, redis->callbacks.user);
    return redis;
}

void redis_disconnect(struct apphost_redis *redis)
{
    apphost_redis_close(redis);
    for (int role = 0; role < DIAL_ROLES; role++)
        conn_close(atomic_exchange(&redis->conns[role], NULL));
}

void redis_free(struct apphost_redis *redis)
{
    if (!redis)
        return;
    redis_disconnect(redis);
    redis_asked_free(redis);
    apphost_options_free(redis->options);
    settings_fini(&redis->settings);
    pthread_mutex_destroy(&redis->lock);
    pthread_cond_destroy(&redis->resolved);
    free(redis->name);
    free(redis);
}

static void log_missed(const struct apphost_redis *redis, const struct apphost_options *options)
{
    for (int id = 0; id < OPT_COUNT; id++)
        if (options->values[id].is_set && option_is_missed(options, (enum option_id)id))
            log_write(redis->log, APPHOST_LOG_INFORMATION, LOG_REDIS,
                      "The option %s of '%s' is known and has no effect here",
                      option_rows[id].key ? option_rows[id].key : option_rows[id].config_name, redis->name);
}

/* Without the lock: callbacks of the caller run in here. */
static struct apphost_options *make_options(struct apphost_redis *redis, struct apphost_error *error)
{
    struct apphost_options *options = settings_options(&redis->settings, redis->config, redis->name, error);

    if (!options)
        return NULL;
    user_code();
    if (redis->callbacks.options)
        redis->callbacks.options(options, redis->callbacks.user);
    if (options->endpoint_count == 0) {
        apphost_options_free(options);
        settings_fail_endpoints(redis->name, error);
        return NULL;
    }
    log_missed(redis, options);
    return options;
}

/* Waits until no other thread makes the options. 0, -1. */
static int await_resolver_locked(struct apphost_redis *redis, struct apphost_error *error)
{
    while (redis->is_resolving && !redis->is_closed) {
        if (pthread_equal(redis->resolver, pthread_self()))
            return fail_argument(error, "redis", "is used by the callback that makes its options");
        pthread_cond_wait(&redis->resolved, &redis->lock);
    }
    if (redis->is_resolving)
        return fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    return 0;
}

/* Entered and left with the lock. One thread makes the options, once; others wait for it. */
static int resolve_locked(struct apphost_redis *redis, struct apphost_error *error)
{
    if (await_resolver_locked(redis, error) < 0)
        return -1;
    if (redis->options)
        return 0;
    if (redis->settings_error.code) {
        if (error)
            *error = redis->settings_error;
        return -1;
    }
    redis->is_resolving = true;
    redis->resolver = pthread_self();
    lock_drop(&redis->lock);
    struct apphost_options *options = make_options(redis, error);
    lock_take(&redis->lock);
    redis->options = options;
    redis->is_resolving = false;
    pthread_cond_broadcast(&redis->resolved);
    return options ? 0 : -1;
}

static struct conn *make_conn_locked(struct apphost_redis *redis, enum dial_role role,
                                     struct apphost_error *error)
{
    struct conn *conn = NULL;

    if (!redis->is_closed && resolve_locked(redis, error) < 0)
        return NULL;
    if (atomic_load(&redis->conns[role])) /* before, or while the options were made */
        return atomic_load(&redis->conns[role]);
    if (redis->is_closed)
        fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    else
        conn = conn_new(redis->options, role == DIAL_BULK ? DIAL_PRIMARY : role, redis->log, error);
    if (!conn)
        return NULL;
    conn_set_suffix(conn, redis->suffix);
    if (redis->tracer)
        conn_set_timed(conn);
    atomic_store(&redis->conns[role], conn);
    return conn;
}

static struct conn *make_conn(struct apphost_redis *redis, enum dial_role role, struct apphost_error *error)
{
    lock_take(&redis->lock);
    struct conn *conn = make_conn_locked(redis, role, error);
    lock_drop(&redis->lock);
    return conn;
}

struct conn *redis_conn(struct apphost_redis *redis, enum dial_role role, struct apphost_error *error)
{
    struct conn *conn = atomic_load(&redis->conns[role]);

    return conn ? conn : make_conn(redis, role, error);
}

void apphost_redis_close(struct apphost_redis *redis)
{
    if (!redis)
        return;
    lock_take(&redis->lock);
    redis->is_closed = true;
    pthread_cond_broadcast(&redis->resolved);
    for (int role = 0; role < DIAL_ROLES; role++) {
        struct conn *conn = atomic_load(&redis->conns[role]);

        if (conn)
            conn_shut(conn);
    }
    for (struct own *at = redis->owns; at; at = at->next)
        own_end(at, APPHOST_E_CLOSED);
    lock_drop(&redis->lock);
}

const struct apphost_options *apphost_redis_options(struct apphost_redis *redis, struct apphost_error *error)
{
    if (!redis) {
        fail_argument(error, "redis", "is NULL");
        return NULL;
    }
    lock_take(&redis->lock);
    int rc = resolve_locked(redis, error);
    lock_drop(&redis->lock);
    return rc < 0 ? NULL : redis->options;
}

bool apphost_redis_is_connected(struct apphost_redis *redis)
{
    struct conn *conn = redis ? atomic_load(&redis->conns[DIAL_PRIMARY]) : NULL;
    char address[128];
    int port;

    return conn && conn_is_up(conn, address, &port);
}

/* ---- Running
 * ---------------------------------------------------------------------------------------------------- */

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
    record.replies = rc == 0 ? replies : NULL;
    record.error = rc < 0 ? &local : NULL;
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
    static const enum dial_role primaries[] = {DIAL_PRIMARY, DIAL_BULK};

    for (size_t i = 0; i < 2; i++) {
        struct conn *conn = atomic_load(&redis->conns[primaries[i]]);

        if (conn)
            conn_redial(conn);
    }
}

static bool is_big(const struct batch *batch)
{
    size_t bytes = 0;

    for (size_t i = 0; i < batch->count && bytes < REDIS_BIG; i++)
        for (size_t k = 0; batch->commands[i].lens && k < batch->commands[i].argc; k++)
            bytes += batch->commands[i].lens[k];
    return bytes >= REDIS_BIG;
}

enum dial_role redis_lane(struct apphost_redis *redis, enum dial_role wanted, const struct batch *batch)
{
    enum dial_role lane = DIAL_PRIMARY, other = DIAL_BULK;

    if (wanted == DIAL_REPLICA)
        return wanted;
    if (wanted == DIAL_BULK || is_big(batch)) {
        lane = DIAL_BULK;
        other = DIAL_PRIMARY;
    }
    struct conn *conn = atomic_load(&redis->conns[lane]), *beside = atomic_load(&redis->conns[other]);
    if (beside && conn_owes(beside, batch->key))
        return other;
    if (lane == DIAL_BULK || !conn || !conn_is_clogged(conn))
        return lane;
    beside = redis_conn(redis, DIAL_BULK, NULL);
    if (!beside || conn_is_clogged(beside) || conn_is_failing(beside) || conn_owes(conn, batch->key))
        return lane;
    return DIAL_BULK;
}

int redis_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
              struct replies *replies, struct apphost_error *error)
{
    struct conn *conn = redis_conn(redis, redis_lane(redis, role, batch), error);

    if (!conn)
        return -1;
    if (role != DIAL_REPLICA)
        return run_on(redis, conn, batch, replies, error);
    struct batch first = *batch, second = *batch;
    if (second.timeout_ms <= 0)
        second.timeout_ms = option_number(conn_options(conn), OPT_SYNC_TIMEOUT);
    first.timeout_ms = second.timeout_ms / 2 + 1;
    int64_t deadline_ms = clock_ms() + second.timeout_ms;
    if (!conn_is_failing(conn) && !conn_is_clogged(conn) && run_on(redis, conn, &first, replies, NULL) == 0) {
        if (!redis_wants_primary(replies))
            return 0;
        replies_free(replies);
    }
    /* What the replica has not used up is the primary's. */
    second.timeout_ms = clock_left(deadline_ms) > 0 ? clock_left(deadline_ms) : 1;
    conn = redis_conn(redis, redis_lane(redis, DIAL_PRIMARY, &second), error);
    return conn ? run_on(redis, conn, &second, replies, error) : -1;
}

static void ignore_reply(void *user, struct replies *replies, const struct timing *times,
                         const struct apphost_error *error)
{
    (void)user;
    (void)times;
    (void)replies;
    (void)error;
}

void redis_post(struct apphost_redis *redis, const struct command *command, uint64_t key)
{
    const struct batch batch = {.commands = command, .count = 1, .key = key};
    struct conn *conn = redis_conn(redis, redis_lane(redis, DIAL_PRIMARY, &batch), NULL);
    char address[128];
    int port;

    if (conn && conn_is_up(conn, address, &port))
        conn_post(conn, &batch);
    else if (conn)
        conn_start(conn, &batch, ignore_reply, NULL, NULL);
}

/* ---- Error replies
 * ---------------------------------------------------------------------------------------------- */

int redis_explain_reply(const struct resp_reply *reply, struct apphost_error *error)
{
    char word[64] = "";

    if (reply->type != RESP_ERROR)
        return fail_set(error, APPHOST_E_PROTOCOL, NULL,
                        "the server answered with %s, which makes no sense here",
                        resp_type_name(reply->type));
    verdict_word(reply->str, word);
    unsigned verdict = verdict_of(word);
    if (verdict & VERDICT_ELSEWHERE)
        return fail_set(error, APPHOST_E_UNSUPPORTED, word,
                        "the server is a node of a Redis Cluster and the key lives elsewhere (%.120s): keys "
                        "are not routed "
                        "to nodes here; use a single server, a sentinel setup, or a proxy",
                        reply->str);
    return fail_set(error, verdict & VERDICT_AUTH ? APPHOST_E_AUTH : APPHOST_E_SERVER, word, "%.400s",
                    reply->str);
}

int redis_fail_reply(struct apphost_redis *redis, const struct resp_reply *reply, struct apphost_error *error)
{
    if (reply->type == RESP_ERROR && (verdict_of_text(reply->str) & VERDICT_REDIAL))
        redis_redial(redis);
    return redis_explain_reply(reply, error);
}
