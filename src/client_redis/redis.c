/*
 * The named client: first use, running batches, and what error replies mean.
 *
 * First use resolves the options (connection string, ConfigurationOptions sections, callback) once; an error
 * is not kept, so that a caller sees it each time. The conn objects are published through atomics: after
 * first use no lock is taken.
 */
#include "client_redis/redis.h"
#include "client_base/pick.h"
#include "client_redis/cluster.h"
#include "client_redis/own.h"
#include "client_redis/scatter.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/verdict.h"
#include "client_base/lock.h"

#include <stdlib.h>
#include <string.h>

static int resolve_locked(struct apphost_redis *redis, struct apphost_error *error);

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
    redis->lanes.resolve_locked = resolve_locked;
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
                      text_or(option_rows[id].key, option_rows[id].config_name), redis->name);
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
    if (!options)
        return -1;
    return 0;
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
        at->end(at, APPHOST_E_CLOSED);
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
    int rc = resolve_locked(redis, error);
    lock_drop(&redis->lock);
    if (rc < 0)
        return NULL;
    return redis->options;
}

bool apphost_redis_is_connected(struct apphost_redis *redis)
{
    struct conn *conn = redis ? atomic_load(&redis->lanes.conns[DIAL_PRIMARY]) : NULL;
    char address[128];
    int port;

    return conn && conn_is_up(conn, address, &port);
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
    enum apphost_code code = APPHOST_E_SERVER;
    if (verdict & VERDICT_AUTH)
        code = APPHOST_E_AUTH;
    if (verdict & VERDICT_ELSEWHERE)
        return fail_set(error, APPHOST_E_UNSUPPORTED, word,
                        "%.200s: in a cluster one command may be about the keys of one slot only, and a "
                        "connection of its own is about one node",
                        reply->str);
    return fail_set(error, code, word, "%.400s", reply->str);
}

int redis_fail_reply(struct apphost_redis *redis, const struct resp_reply *reply, struct apphost_error *error)
{
    if (reply->type == RESP_ERROR && (verdict_of_text(reply->str) & VERDICT_REDIAL))
        redis_redial(redis);
    return redis_explain_reply(reply, error);
}
