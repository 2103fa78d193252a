/*
 * The named client: first use, running batches, and what error replies mean.
 *
 * First use resolves the options (connection string, ConfigurationOptions sections, callback) once; an error
 * is not kept, so that a caller sees it each time. The conn objects are published through atomics: after
 * first use no lock is taken.
 */
#include "client_redis/redis.h"
#include "client_redis/cluster.h"
#include "client_redis/own.h"
#include "client_redis/scatter.h"
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
    redis->lanes.redis = redis;
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
    if (atomic_load(&redis->cluster))
        cluster_close(atomic_load(&redis->cluster));
    lanes_close(&redis->lanes);
}

void redis_free(struct apphost_redis *redis)
{
    if (!redis)
        return;
    redis_disconnect(redis);
    cluster_free(atomic_load(&redis->cluster));
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
int redis_resolve_locked(struct apphost_redis *redis, struct apphost_error *error)
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

struct conn *redis_conn(struct apphost_redis *redis, enum dial_role role, struct apphost_error *error)
{
    return lanes_conn(&redis->lanes, role, error);
}

void apphost_redis_close(struct apphost_redis *redis)
{
    if (!redis)
        return;
    lock_take(&redis->lock);
    redis->is_closed = true;
    pthread_cond_broadcast(&redis->resolved);
    lanes_shut(&redis->lanes);
    for (struct own *at = redis->owns; at; at = at->next)
        own_end(at, APPHOST_E_CLOSED);
    lock_drop(&redis->lock);
    if (atomic_load(&redis->cluster))
        cluster_end(atomic_load(&redis->cluster));
}

const struct apphost_options *apphost_redis_options(struct apphost_redis *redis, struct apphost_error *error)
{
    if (!redis) {
        fail_argument(error, "redis", "is NULL");
        return NULL;
    }
    lock_take(&redis->lock);
    int rc = redis_resolve_locked(redis, error);
    lock_drop(&redis->lock);
    return rc < 0 ? NULL : redis->options;
}

bool apphost_redis_is_connected(struct apphost_redis *redis)
{
    struct conn *conn = redis ? atomic_load(&redis->lanes.conns[DIAL_PRIMARY]) : NULL;
    char address[128];
    int port;

    return conn && conn_is_up(conn, address, &port);
}

/* ---- Running ---- */

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
    cluster = redis_cluster(redis, NULL);
    return cluster && cluster_begin(cluster, NULL) == 0;
}

struct cluster *redis_cluster(struct apphost_redis *redis, struct apphost_error *error)
{
    struct cluster *cluster = atomic_load(&redis->cluster);

    if (cluster)
        return cluster;
    lock_take(&redis->lock);
    cluster = atomic_load(&redis->cluster);
    if (!cluster && !redis->is_closed) {
        cluster = cluster_new(redis);
        if (!cluster)
            fail_memory(error);
        atomic_store(&redis->cluster, cluster);
    } else if (!cluster) {
        fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    }
    lock_drop(&redis->lock);
    return cluster;
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

/* A node of a cluster says that a key is elsewhere. */
bool redis_is_elsewhere(const struct replies *replies)
{
    for (size_t i = 0; i < replies->count; i++)
        if (replies->items[i] && replies->items[i]->type == RESP_ERROR &&
            (verdict_of_text(replies->items[i]->str) & VERDICT_ELSEWHERE))
            return true;
    return false;
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

int redis_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
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
    if (rc < 0 || !redis_is_elsewhere(replies))
        return rc;
    struct cluster *cluster = redis_cluster(redis, error);
    if (!cluster || cluster_begin(cluster, error) < 0) {
        replies_free(replies);
        return -1;
    }
    return scatter_resume(redis, role, batch, replies, error);
}

int redis_start(struct apphost_redis *redis, enum dial_role *role, const struct batch *batch,
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
    return conn ? conn_start(conn, batch, done, user, error) : -1;
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
    struct lanes *lanes = scatter_lanes(redis, command);
    struct conn *conn = lanes_conn(lanes, lanes_pick(lanes, DIAL_PRIMARY, &batch), NULL);
    char address[128];
    int port;

    if (conn && conn_is_up(conn, address, &port))
        conn_post(conn, &batch);
    else if (conn)
        conn_start(conn, &batch, ignore_reply, NULL, NULL);
}

/* ---- Error replies ---- */

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
                        "%.200s: in a cluster one command may be about the keys of one slot only, and a "
                        "connection of its own is about one node",
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
