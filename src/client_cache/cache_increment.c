/*
 * Increment: one transaction that leaves no moment in which a number exists without its expiry, whoever dies
 * or may not what. What is to expire is made under a name of its own, gets its time to live, and is renamed
 * where there is no number yet:
 *
 *     MULTI, HMSET new, EXPIRE new, RENAMENX new key, DEL new, HINCRBY key, HMGET and PTTL of key, EXEC
 *
 * so that an existing entry keeps its own expiry. Without an expiry: MULTI, HSETNX twice, HINCRBY, HMGET,
 * PTTL, EXEC. Afterwards the window of a sliding entry starts anew.
 *
 * It is not idempotent: a lost connection is reported, for nobody knows whether the number was added. For the
 * same reason fail-open does not absorb anything here.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_redis/slots.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int increment_init(struct increment *increment, const struct apphost_cache *cache,
                   struct apphost_expiry expiry, struct apphost_error *error)
{
    increment->expire = cache_expire;
    return entry_plan(expiry, clock_unix_ms(), cache->options.precise_expiry, &increment->plan, error);
}

static void add_command(struct increment_wire *wire, const char *const words[INCREMENT_WORDS])
{
    size_t n = wire->count++, argc = 0;
    const struct increment *increment = wire->increment;

    for (; argc < INCREMENT_WORDS && words[argc]; argc++) {
        size_t len;

        if (words[argc] == increment->key->data)
            len = increment->key->len;
        else if (words[argc] == wire->fresh)
            len = wire->fresh_len;
        else
            len = strlen(words[argc]);
        wire->argv[n][argc] = words[argc];
        wire->lens[n][argc] = len;
    }
    wire->commands[n] = (struct conn_command){argc, wire->argv[n], wire->lens[n]};
}

#define ADD(wire, ...) add_command(wire, (const char *const[INCREMENT_WORDS]){__VA_ARGS__})

/* In a cluster both names have to be in one slot. Braces around the whole key see to it, unless it has braces
 * of its own; then those do, or a number that happens to. */
static int make_fresh(struct increment_wire *wire, struct apphost_error *error)
{
    enum { SPARE = 40, TRIES = 1000000 };
    const struct full_key *key = wire->increment->key;
    int slot = slot_of_key(key->data, key->len);

    wire->fresh = malloc(key->len + SPARE);
    if (!wire->fresh)
        return fail_memory(error);
    wire->fresh[0] = '{';
    memcpy(wire->fresh + 1, key->data, key->len);
    int more = snprintf(wire->fresh + 1 + key->len, SPARE - 1, "}:apphost:new");
    wire->fresh_len = 1 + key->len + (size_t)more;
    for (int i = 0; slot_of_key(wire->fresh, wire->fresh_len) != slot && i < TRIES; i++) {
        memcpy(wire->fresh, key->data, key->len);
        more = snprintf(wire->fresh + key->len, SPARE, ":apphost:new:%d", i);
        wire->fresh_len = key->len + (size_t)more;
    }
    return 0;
}

/* A time below a second is over at once; it is a millisecond here, for what is gone cannot be renamed. */
static int add_fresh(struct increment_wire *wire, struct apphost_error *error)
{
    const struct entry_plan *plan = &wire->increment->plan;
    const char *expire = entry_expire_command(set_or(plan->ttl_ms, 1), wire->ttl);

    if (make_fresh(wire, error) < 0)
        return -1;
    ADD(wire, "HMSET", wire->fresh, "absexp", wire->absolute, "sldexp", wire->sliding);
    ADD(wire, expire, wire->fresh, wire->ttl);
    ADD(wire, "RENAMENX", wire->fresh, wire->increment->key->data);
    ADD(wire, "DEL", wire->fresh);
    return 0;
}

int increment_encode(const struct increment *increment, int64_t by, struct increment_wire *wire,
                     struct apphost_error *error)
{
    const char *key = increment->key->data;

    wire->increment = increment;
    wire->fresh = NULL;
    wire->count = 0;
    snprintf(wire->absolute, sizeof(wire->absolute), "%" PRId64, increment->plan.absolute_ticks);
    snprintf(wire->sliding, sizeof(wire->sliding), "%" PRId64, increment->plan.sliding_ticks);
    snprintf(wire->by, sizeof(wire->by), "%" PRId64, by);
    ADD(wire, "MULTI");
    if (increment->plan.has_ttl && add_fresh(wire, error) < 0)
        return -1;
    if (!increment->plan.has_ttl) {
        ADD(wire, "HSETNX", key, "absexp", wire->absolute);
        ADD(wire, "HSETNX", key, "sldexp", wire->sliding);
    }
    ADD(wire, "HINCRBY", key, "data", wire->by);
    ADD(wire, "HMGET", key, "absexp", "sldexp");
    ADD(wire, "PTTL", key);
    ADD(wire, "EXEC");
    return 0;
}

void increment_wire_fini(struct increment_wire *wire)
{
    free(wire->fresh);
    wire->fresh = NULL;
}

/* The results of EXEC end with these. */
struct outcome {
    const struct resp_reply *sum, *fields, *ttl;
    bool is_new;
};

static int read_outcome(struct apphost_cache *cache, const struct increment *increment,
                        const struct resp_reply *results, struct outcome *out, struct apphost_error *error)
{
    size_t count = 5 + 2 * (size_t)increment->plan.has_ttl;

    if (results->type != RESP_ARRAY || results->count != count)
        return redis_fail_reply(cache->redis, results, error);
    out->sum = &results->elements[count - 3];
    out->fields = &results->elements[count - 2];
    out->ttl = &results->elements[count - 1];
    out->is_new = increment->plan.has_ttl && results->elements[2].integer == 1;
    if (out->fields->type != RESP_ARRAY || out->fields->count != 2)
        return redis_fail_reply(cache->redis, out->fields, error);
    return 0;
}

/* A sliding entry starts anew; one whose creator, of another kind, died before its expiry gets it now. */
static int settle_ttl(struct apphost_cache *cache, const struct increment *increment,
                      const struct outcome *outcome, struct apphost_error *error)
{
    struct entry_times times;
    int64_t ttl_ms;

    if (outcome->is_new)
        return 0;
    if (entry_decode(&outcome->fields->elements[0], &outcome->fields->elements[1], &times, error) < 0)
        return -1;
    if (entry_slide(&times, clock_unix_ms(), &ttl_ms))
        return increment->expire(cache, increment->key, ttl_ms, error);
    if (outcome->ttl->integer != -1 || times.absolute_ticks == ENTRY_NONE)
        return 0;
    struct entry_times only_end = {times.absolute_ticks, INT64_MAX};
    entry_slide(&only_end, clock_unix_ms(), &ttl_ms);
    return increment->expire(cache, increment->key, ttl_ms, error);
}

int increment_finish(struct apphost_cache *cache, const struct increment *increment,
                     const struct replies *replies, int64_t *sum, struct apphost_error *error)
{
    struct outcome outcome = {.is_new = false};

    if (cache_check_replies(cache, replies, error) < 0 ||
        read_outcome(cache, increment, replies->items[replies->count - 1], &outcome, error) < 0)
        return -1;
    *sum = outcome.sum->integer;
    return settle_ttl(cache, increment, &outcome, error);
}

int apphost_cache_increment(struct apphost_cache *cache, struct apphost_bytes key, int64_t by,
                            struct apphost_expiry expiry, int64_t *sum, struct apphost_error *error)
{
    struct increment increment;
    struct increment_wire wire;
    struct full_key full;
    struct apphost_error local;
    struct replies replies;

    if (!sum || !cache)
        return fail_null(error, cache, "cache", "sum");
    if (increment_init(&increment, cache, expiry, error) < 0 || full_key_init(&full, cache, key, error) < 0)
        return -1;
    increment.key = &full;
    int rc = increment_encode(&increment, by, &wire, &local);
    struct batch batch = cache_batch(&full, wire.commands, wire.count);
    batch.timeout_ms = cache->options.timeout_ms;
    if (rc == 0)
        rc = cache_run(cache, DIAL_PRIMARY, &batch, &replies, &local);
    level_one_forget(cache, full.hash);
    increment_wire_fini(&wire);
    if (rc == 0) {
        rc = increment_finish(cache, &increment, &replies, sum, &local);
        replies_free(&replies);
    }
    full_key_fini(&full);
    if (rc < 0) {
        cache_count(cache, COUNT_ERRORS, 1);
        if (error)
            *error = local;
    }
    return rc;
}
