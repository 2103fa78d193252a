/*
 * Increment: MULTI, the times of an entry that may be new (HSETNX), HINCRBY, what is needed to know about its
 * expiry, EXEC; then its time to live, where one is due.
 *
 * It is not idempotent: a lost connection is reported, for nobody knows whether the number was added. For the
 * same reason fail-open does not absorb anything here.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

int increment_init(struct increment *increment, const struct apphost_cache *cache,
                   struct apphost_expiry expiry, struct apphost_error *error)
{
    increment->expire = cache_expire;
    return entry_plan(expiry, clock_unix_ms(), cache->options.precise_expiry, &increment->plan, error);
}

void increment_encode(const struct increment *increment, int64_t by, struct increment_wire *wire)
{
    const struct full_key *key = increment->key;
    const char *const words[INCREMENT_COMMANDS][INCREMENT_WORDS] = {
        {"MULTI"},
        {"HSETNX", key->data, "absexp", wire->absolute},
        {"HSETNX", key->data, "sldexp", wire->sliding},
        {"HINCRBY", key->data, "data", wire->by},
        {"HMGET", key->data, "absexp", "sldexp"},
        {"PTTL", key->data},
        {"EXEC"},
    };

    snprintf(wire->absolute, sizeof(wire->absolute), "%" PRId64, increment->plan.absolute_ticks);
    snprintf(wire->sliding, sizeof(wire->sliding), "%" PRId64, increment->plan.sliding_ticks);
    snprintf(wire->by, sizeof(wire->by), "%" PRId64, by);
    memcpy(wire->argv, words, sizeof(words));
    for (size_t i = 0; i < INCREMENT_COMMANDS; i++) {
        size_t argc = 0;

        for (; argc < INCREMENT_WORDS && words[i][argc]; argc++)
            wire->lens[i][argc] = argc == 1 ? key->len : strlen(words[i][argc]);
        wire->commands[i] = (struct command){argc, wire->argv[i], wire->lens[i]};
    }
}

/* A new entry gets its first time to live; so does one whose creator died before this. A sliding one starts
 * anew. */
static int settle_ttl(struct apphost_cache *cache, const struct increment *increment,
                      const struct resp_reply *results, struct apphost_error *error)
{
    const struct resp_reply *fields = &results->elements[3], *ttl = &results->elements[4];
    bool is_new = results->elements[0].integer == 1 && results->elements[1].integer == 1;
    struct entry_times times;
    int64_t ttl_ms;

    if (fields->type != RESP_ARRAY || fields->count != 2)
        return redis_fail_reply(cache->redis, fields, error);
    if (is_new)
        return increment->plan.has_ttl
                   ? increment->expire(cache, increment->key, increment->plan.ttl_ms, error)
                   : 0;
    if (entry_decode(&fields->elements[0], &fields->elements[1], &times, error) < 0)
        return -1;
    if (entry_slide(&times, clock_unix_ms(), &ttl_ms))
        return increment->expire(cache, increment->key, ttl_ms, error);
    if (ttl->integer != -1 || times.absolute_ticks == ENTRY_NONE)
        return 0;
    struct entry_times only_end = {times.absolute_ticks, INT64_MAX};
    entry_slide(&only_end, clock_unix_ms(), &ttl_ms);
    return increment->expire(cache, increment->key, ttl_ms, error);
}

int increment_finish(struct apphost_cache *cache, const struct increment *increment,
                     const struct replies *replies, int64_t *sum, struct apphost_error *error)
{
    const struct resp_reply *results = replies->items[INCREMENT_COMMANDS - 1];

    if (cache_check_replies(cache, replies, error) < 0)
        return -1;
    if (results->type != RESP_ARRAY || results->count != INCREMENT_COMMANDS - 2)
        return redis_fail_reply(cache->redis, results, error);
    *sum = results->elements[2].integer;
    return settle_ttl(cache, increment, results, error);
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
        return fail_argument(error, cache ? "sum" : "cache", "is NULL");
    if (increment_init(&increment, cache, expiry, error) < 0 || full_key_init(&full, cache, key, error) < 0)
        return -1;
    increment.key = &full;
    increment_encode(&increment, by, &wire);
    const struct batch batch = {
        .commands = wire.commands, .count = INCREMENT_COMMANDS, .timeout_ms = cache->options.timeout_ms};
    int rc = cache_run(cache, DIAL_PRIMARY, &batch, &replies, &local);
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
