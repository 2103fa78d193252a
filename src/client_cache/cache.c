/*
 * The cache: making it, keys, the common path of all operations, refresh and remaining. Reading and get are
 * in cache_get.c, get-many is in cache_many.c, writing in cache_set.c, removing in cache_remove.c, increment
 * in cache_increment.c, get-or-create in cache_create.c, the asynchronous calls in cache_async.c.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WARNING_EVERY_MS = 1000 };
#define REDIS_STRING_LIMIT ((size_t)512 << 20)

/* ---- Life ---- */

struct apphost_cache *cache_new(struct apphost_redis *redis, const struct apphost_cache_options *options,
                                const char *instance_name, struct apphost_error *error)
{
    struct apphost_cache *cache = calloc(1, sizeof(*cache));
    pthread_condattr_t attributes;

    if (cache && options)
        cache->options = *options;
    if (!cache || !(cache->prefix = strdup(bytes_or(instance_name, "")))) {
        free(cache);
        fail_memory(error);
        return NULL;
    }
    cache->options.instance_name = cache->prefix;
    cache->prefix_len = strlen(cache->prefix);
    cache->redis = redis;
    if (level_one_init(cache, error) < 0) {
        free(cache->prefix);
        free(cache);
        return NULL;
    }
    pthread_mutex_init(&cache->flights_lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cache->flights_changed, &attributes);
    pthread_cond_init(&cache->keeper_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return cache;
}

void cache_free(struct apphost_cache *cache)
{
    if (!cache)
        return;
    pthread_mutex_destroy(&cache->flights_lock);
    pthread_cond_destroy(&cache->flights_changed);
    pthread_cond_destroy(&cache->keeper_changed);
    level_release(cache->level);
    free(cache->prefix);
    free(cache);
}

struct apphost_redis *apphost_cache_redis(struct apphost_cache *cache)
{
    if (cache)
        return cache->redis;
    return NULL;
}

int full_key_init(struct full_key *full, const struct apphost_cache *cache, struct apphost_bytes key,
                  struct apphost_error *error)
{
    if (!cache)
        return fail_argument(error, "cache", "is NULL");
    if (!key.data)
        return fail_argument(error, "key", "is NULL");
    if (key.len > REDIS_STRING_LIMIT - cache->prefix_len)
        return fail_argument(error, "key", "is longer than the 512 MiB that Redis takes");

    full->len = cache->prefix_len + key.len;
    if (full->len <= sizeof(full->small))
        full->data = full->small;
    else
        full->data = malloc(full->len);
    if (!full->data)
        return fail_memory(error);
    memcpy(full->data, cache->prefix, cache->prefix_len);
    if (key.len > 0)
        memcpy(full->data + cache->prefix_len, key.data, key.len);
    full->hash = conn_hash_key(full->data, full->len);
    return 0;
}

void full_key_fini(struct full_key *full)
{
    if (full->data != full->small)
        free(full->data);
}

/* ---- The common path ---- */

void cache_finish(struct apphost_cache *cache, int64_t started_us, const struct apphost_error *failure)
{
    cache_count_latency(cache, clock_us() - started_us);
    breaker_leave(cache, failure);
}

int cache_run(struct apphost_cache *cache, enum dial_role role, const struct batch *batch,
              struct replies *replies, struct apphost_error *error)
{
    if (breaker_enter(cache, error) < 0)
        return -1;
    int64_t started = clock_us();
    int rc = redis_run(cache->redis, role, batch, replies, error);
    cache_finish(cache, started, rc < 0 ? error : NULL);
    return rc;
}

struct batch cache_batch(const struct full_key *key, const struct conn_command *commands, size_t count)
{
    return (struct batch){.commands = commands, .count = count, .key = key ? key->hash : KEY_ANY};
}

struct batch cache_question(const struct full_key *key, const struct conn_command *commands, size_t count)
{
    struct batch batch = cache_batch(key, commands, count);

    batch.is_read = true;
    return batch;
}

int cache_call(struct apphost_cache *cache, enum dial_role role, const struct batch *batch,
               struct replies *replies, struct apphost_error *error)
{
    struct batch again = *batch;

    again.is_idempotent = true;
    again.timeout_ms = cache->options.timeout_ms;
    return cache_run(cache, role, &again, replies, error);
}

bool cache_is_away(const struct apphost_error *error)
{
    bool is_useless = error->code == APPHOST_E_SERVER && (verdict_of(error->parameter) & VERDICT_ABSENT);

    return is_useless || is_outage(error->code);
}

bool cache_absorb(struct apphost_cache *cache, const struct apphost_error *error)
{
    if (!cache->options.fail_open || !cache_is_away(error))
        return false;
    cache_count(cache, COUNT_ABSORBED, 1);
    int64_t last = atomic_load(&cache->last_warning_ms), now = clock_ms();
    if ((last == 0 || now - last >= WARNING_EVERY_MS) &&
        atomic_compare_exchange_strong(&cache->last_warning_ms, &last, now))
        log_write(cache->redis->log, APPHOST_LOG_WARNING, LOG_CACHE, "Continuing without Redis: %s",
                  error->text);
    return true;
}

int cache_give_up(struct apphost_cache *cache, const struct apphost_error *local, int absorbed,
                  struct apphost_error *error)
{
    if (cache_absorb(cache, local))
        return absorbed;
    cache_count(cache, COUNT_ERRORS, 1);
    if (error)
        *error = *local;
    return -1;
}

static const char *refusal_effect(bool is_first)
{
    if (is_first)
        return "the commands of the transaction ran one by one";
    return "nothing was written";
}

/* A MULTI that was refused has let the others run one by one, and an EXEC that was may have left it open:
 * rights that were taken away just now. Another connection knows them. */
static int check_transaction(struct apphost_cache *cache, const struct replies *replies,
                             struct apphost_error *error)
{
    const struct resp_reply *first = replies->items[0], *last = replies->items[replies->count - 1];
    bool is_refused = first->type == RESP_ERROR;

    if (!is_refused && (last->type != RESP_ERROR || resp_reply_is_error(last, "EXECABORT")))
        return 0;
    redis_redial(cache->redis);
    if (!is_refused)
        first = last;
    return fail_set(error, APPHOST_E_SERVER, "NOPERM", "%.200s: %s; grant the user +multi and +exec",
                    first->str, refusal_effect(is_refused));
}

int cache_check_replies(struct apphost_cache *cache, const struct replies *replies,
                        struct apphost_error *error)
{
    if (replies->is_transaction && check_transaction(cache, replies, error) < 0)
        return -1;
    for (size_t i = 0; i < replies->count; i++) {
        const struct resp_reply *reply = replies->items[i];

        if (reply->type == RESP_ERROR)
            return redis_fail_reply(cache->redis, reply, error);
        for (size_t k = 0; reply->type == RESP_ARRAY && k < reply->count; k++)
            if (reply->elements[k].type == RESP_ERROR)
                return redis_fail_reply(cache->redis, &reply->elements[k], error);
    }
    return 0;
}

struct expire {
    struct conn_command command;
    const char *argv[3];
    size_t lens[3];
    char number[24];
};

static void fill_expire(struct expire *expire, const struct full_key *key, int64_t ttl_ms)
{
    const char *name = entry_expire_command(ttl_ms, expire->number);

    expire->argv[0] = name;
    expire->argv[1] = key->data;
    expire->argv[2] = expire->number;
    expire->lens[0] = strlen(name);
    expire->lens[1] = key->len;
    expire->lens[2] = strlen(expire->number);
    expire->command = (struct conn_command){3, expire->argv, expire->lens};
}

int cache_expire_later(struct apphost_cache *cache, const struct full_key *key, int64_t ttl_ms,
                       struct apphost_error *error)
{
    struct expire expire;

    (void)error;
    fill_expire(&expire, key, ttl_ms);
    redis_post(cache->redis, &expire.command, key->hash);
    return 0;
}

int cache_expire(struct apphost_cache *cache, const struct full_key *key, int64_t ttl_ms,
                 struct apphost_error *error)
{
    struct expire expire;
    struct replies replies;

    if (!cache->options.strict_wire)
        return cache_expire_later(cache, key, ttl_ms, error);
    fill_expire(&expire, key, ttl_ms);
    const struct batch batch = cache_batch(key, &expire.command, 1);
    if (cache_call(cache, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    int rc = 0;
    if (replies.items[0]->type == RESP_ERROR)
        rc = redis_fail_reply(cache->redis, replies.items[0], error);
    replies_free(&replies);
    return rc;
}

/* ---- Refresh, remaining ---- */

int apphost_cache_refresh(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_error *error)
{
    struct full_key full;
    struct apphost_error local;
    struct replies replies;
    const char *argv[5];
    size_t lens[5];

    if (full_key_init(&full, cache, key, error) < 0)
        return -1;
    const struct conn_command command = cache_hmget(&full, argv, lens, false);
    const struct batch batch = cache_question(&full, &command, 1);
    int rc = cache_call(cache, DIAL_PRIMARY, &batch, &replies, &local);
    if (rc == 0) {
        rc = cache_read(cache, &full, replies.items[0], &local);
        replies_free(&replies);
    }
    full_key_fini(&full);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    cache_count(cache, COUNT_REFRESHES, 1);
    return rc;
}

int cache_ask_integer(struct apphost_cache *cache, const char *name, const struct full_key *key,
                      long long *out, struct apphost_error *error)
{
    const char *const argv[] = {name, key->data};
    const size_t lens[] = {strlen(name), key->len};
    const struct conn_command command = {2, argv, lens};
    const struct batch batch = cache_batch(key, &command, 1);
    struct replies replies;

    if (cache_call(cache, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    int rc = 0;
    if (replies.items[0]->type != RESP_INTEGER)
        rc = redis_fail_reply(cache->redis, replies.items[0], error);
    *out = replies.items[0]->integer;
    replies_free(&replies);
    return rc;
}

int apphost_cache_remaining(struct apphost_cache *cache, struct apphost_bytes key, int64_t *remaining_ms,
                            struct apphost_error *error)
{
    struct full_key full;
    struct apphost_error local;
    long long left = 0;

    if (!remaining_ms)
        return fail_argument(error, "remaining_ms", "is NULL");
    if (full_key_init(&full, cache, key, error) < 0)
        return -1;
    int rc = cache_ask_integer(cache, "PTTL", &full, &left, &local);
    full_key_fini(&full);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    *remaining_ms = -1;
    if (left >= 0)
        *remaining_ms = left;
    return left != -2;
}

void apphost_cache_stats(const struct apphost_cache *cache, struct apphost_cache_stats *stats)
{
    const _Atomic uint64_t *from = cache->counters;
    struct level_stats level = {0};

    if (cache->level)
        level_stats(cache->level, &level);
    *stats = (struct apphost_cache_stats){
        .hits = atomic_load(&from[COUNT_HITS]) + level.hits,
        .misses = atomic_load(&from[COUNT_MISSES]),
        .sets = atomic_load(&from[COUNT_SETS]),
        .refreshes = atomic_load(&from[COUNT_REFRESHES]),
        .removes = atomic_load(&from[COUNT_REMOVES]),
        .errors = atomic_load(&from[COUNT_ERRORS]),
        .short_circuits = atomic_load(&from[COUNT_SHORT]),
        .absorbed = atomic_load(&from[COUNT_ABSORBED]),
        .compressed = atomic_load(&from[COUNT_PACKED]),
        .compressed_saved = atomic_load(&from[COUNT_PACKED_SAVED]),
        .stale = atomic_load(&from[COUNT_STALE]),
        .eager_refreshes = atomic_load(&from[COUNT_EAGER]),
        .creations = atomic_load(&from[COUNT_CREATED]),
        .creation_failures = atomic_load(&from[COUNT_CREATE_FAILURES]),
        .marks = atomic_load(&from[COUNT_MARKS]),
        .operations = atomic_load(&from[COUNT_OPERATIONS]),
        .latency_us_total = atomic_load(&from[COUNT_LATENCY]),
        .latency_us_max = atomic_load(&cache->latency_max),
        .level_one_hits = level.hits,
        .level_one_evictions = level.evicted,
        .level_one_entries = level.entries,
        .level_one_bytes = level.bytes,
    };
    for (int i = 0; i < APPHOST_LATENCY_BUCKETS; i++)
        stats->latency_us[i] = atomic_load(&cache->latency[i]);
}
