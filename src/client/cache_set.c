/*
 * Writing: set, set-many, increment.
 *
 * Default wire: MULTI, per entry HMSET and EXPIRE (or PERSIST, which takes away what an earlier entry left),
 * EXEC; one round trip, all or nothing. Behind a proxy the same without MULTI and EXEC. Strict wire, as .NET
 * 9 writes: HMSET and EXPIRE where there is an expiry, pipelined.
 */
#include "client/cache.h"
#include "client/clock.h"
#include "client/fail.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_STRING_LIMIT ((size_t)512 << 20)

/* What one entry puts on the wire. */
struct write {
    struct full_key key;
    char absolute[24], sliding[24], ttl[24];
    const char *argv[8], *ttl_argv[3];
    size_t lens[8], ttl_lens[3];
    size_t ttl_argc; /* 0: no second command */
};

static const char *const multi_argv[] = {"MULTI"}, *const exec_argv[] = {"EXEC"};
static const size_t multi_lens[] = {5}, exec_lens[] = {4};

static void fill_data(struct write *write, const struct entry_plan *plan, struct apphost_bytes data)
{
    snprintf(write->absolute, sizeof(write->absolute), "%" PRId64, plan->absolute_ticks);
    snprintf(write->sliding, sizeof(write->sliding), "%" PRId64, plan->sliding_ticks);
    const char *const argv[8] = {"HMSET",  write->key.data, "absexp", write->absolute,
                                 "sldexp", write->sliding,  "data",   data.data ? data.data : ""};
    const size_t lens[8] = {5, write->key.len,         6, strlen(write->absolute),
                            6, strlen(write->sliding), 4, data.len};

    memcpy(write->argv, argv, sizeof(argv));
    memcpy(write->lens, lens, sizeof(lens));
}

static void fill_ttl(struct write *write, const struct entry_plan *plan, bool is_strict)
{
    const char *name = plan->has_ttl ? entry_expire_command(plan->ttl_ms, write->ttl) : "PERSIST";

    write->ttl_argc = plan->has_ttl ? 3 : is_strict ? 0 : 2;
    write->ttl_argv[0] = name;
    write->ttl_argv[1] = write->key.data;
    write->ttl_argv[2] = write->ttl;
    write->ttl_lens[0] = strlen(name);
    write->ttl_lens[1] = write->key.len;
    write->ttl_lens[2] = strlen(write->ttl);
}

static int write_init(struct write *write, const struct apphost_cache *cache,
                      const struct apphost_entry *entry, int64_t now, struct apphost_error *error)
{
    struct entry_plan plan;

    if (!entry->data.data)
        return fail_argument(error, "value", "is NULL");
    if (entry->data.len > REDIS_STRING_LIMIT)
        return fail_argument(error, "value", "is longer than the 512 MiB that Redis takes");
    if (entry_plan(entry->expiry, now, cache->options.precise_expiry, &plan, error) < 0)
        return -1;
    if (full_key_init(&write->key, cache, entry->key, error) < 0)
        return -1;
    fill_data(write, &plan, entry->data);
    fill_ttl(write, &plan, cache->options.strict_wire);
    return 0;
}

/* The most telling error among the replies of a transaction: EXECABORT only says that there was one. */
static int check_replies(struct apphost_cache *cache, const struct resp_reply *const *items, size_t count,
                         struct apphost_error *error)
{
    for (size_t i = 0; i < count; i++) {
        const struct resp_reply *reply = items[i];

        if (reply->type == RESP_ERROR)
            return redis_fail_reply(cache->redis, reply, error);
        for (size_t k = 0; reply->type == RESP_ARRAY && k < reply->count; k++)
            if (reply->elements[k].type == RESP_ERROR)
                return redis_fail_reply(cache->redis, &reply->elements[k], error);
    }
    return 0;
}

/* A proxy, or a command map without it, takes no transaction: then the commands go without, in one send. */
static bool is_atomic(const struct apphost_cache *cache)
{
    struct conn *conn = cache->options.strict_wire ? NULL : redis_conn(cache->redis, DIAL_PRIMARY, NULL);

    return conn && option_command(conn_options(conn), "MULTI", strlen("MULTI")) &&
           option_command(conn_options(conn), "EXEC", strlen("EXEC"));
}

size_t cache_write_commands(const struct apphost_cache *cache, const struct write *writes, size_t count,
                            struct command *commands)
{
    bool has_multi = is_atomic(cache);
    size_t n = 0;

    if (has_multi)
        commands[n++] = (struct command){1, multi_argv, multi_lens};
    for (size_t i = 0; i < count; i++) {
        commands[n++] = (struct command){8, writes[i].argv, writes[i].lens};
        if (writes[i].ttl_argc)
            commands[n++] = (struct command){writes[i].ttl_argc, writes[i].ttl_argv, writes[i].ttl_lens};
    }
    if (has_multi)
        commands[n++] = (struct command){1, exec_argv, exec_lens};
    return n;
}

int cache_write_check(struct apphost_cache *cache, const struct replies *replies, struct apphost_error *error)
{
    return check_replies(cache, (const struct resp_reply *const *)replies->items, replies->count, error);
}

struct write *cache_write_new(const struct apphost_cache *cache, const struct apphost_entry *entry,
                              struct apphost_error *error)
{
    struct write *write = calloc(1, sizeof(*write));

    if (!write)
        fail_memory(error);
    else if (write_init(write, cache, entry, clock_unix_ms(), error) == 0)
        return write;
    free(write);
    return NULL;
}

void cache_write_free(struct write *write)
{
    if (!write)
        return;
    full_key_fini(&write->key);
    free(write);
}

static int send_writes(struct apphost_cache *cache, const struct write *writes, size_t count,
                       struct apphost_error *error)
{
    struct command few[CACHE_WRITE_COMMANDS],
        *commands = count == 1 ? few : calloc(count * 2 + 2, sizeof(*commands));
    struct replies replies;

    if (!commands)
        return fail_memory(error);
    size_t n = cache_write_commands(cache, writes, count, commands);
    int rc = cache_call(cache, DIAL_PRIMARY, commands, n, &replies, error);
    if (rc == 0) {
        rc = cache_write_check(cache, &replies, error);
        replies_free(&replies);
    }
    if (commands != few)
        free(commands);
    return rc;
}

int apphost_cache_set_many(struct apphost_cache *cache, const struct apphost_entry *entries, size_t count,
                           struct apphost_error *error)
{
    struct apphost_error local = {0};
    int64_t now = clock_unix_ms();
    size_t ready = 0;
    int rc = 0;

    if (!cache || (!entries && count > 0))
        return fail_argument(error, cache ? "entries" : "cache", "is NULL");
    if (count == 0)
        return 0;
    struct write one, *writes = count == 1 ? &one : calloc(count, sizeof(*writes));
    if (!writes)
        return fail_memory(error);
    while (ready < count && (rc = write_init(&writes[ready], cache, &entries[ready], now, &local)) == 0)
        ready++;
    if (rc == 0)
        rc = send_writes(cache, writes, count, &local);
    for (size_t i = 0; i < ready; i++)
        full_key_fini(&writes[i].key);
    if (writes != &one)
        free(writes);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    cache_count(cache, COUNT_SETS, count);
    return 0;
}

int apphost_cache_set(struct apphost_cache *cache, struct apphost_bytes key, const void *data, size_t len,
                      struct apphost_expiry expiry, struct apphost_error *error)
{
    const struct apphost_entry entry = {key, {data, len}, expiry};

    return apphost_cache_set_many(cache, &entry, 1, error);
}

int apphost_cache_set_string(struct apphost_cache *cache, const char *key, const char *text,
                             struct apphost_expiry expiry, struct apphost_error *error)
{
    if (!text)
        return fail_argument(error, "value", "is NULL");
    return apphost_cache_set(cache, apphost_str(key), text, strlen(text), expiry, error);
}

/* ---- Increment
 * -------------------------------------------------------------------------------------------------- */

enum { INCREMENT_COMMANDS = 7 };

struct increment {
    struct full_key key;
    struct entry_plan plan;
    char absolute[24], sliding[24], by[24];
};

static int run_increment(struct apphost_cache *cache, const struct increment *increment,
                         struct replies *replies, struct apphost_error *error)
{
    const char *key = increment->key.data;
    size_t len = increment->key.len, absolute = strlen(increment->absolute),
           sliding = strlen(increment->sliding);
    const char *const set_absolute[] = {"HSETNX", key, "absexp", increment->absolute};
    const char *const set_sliding[] = {"HSETNX", key, "sldexp", increment->sliding};
    const char *const add[] = {"HINCRBY", key, "data", increment->by};
    const char *const read[] = {"HMGET", key, "absexp", "sldexp"};
    const char *const ttl[] = {"PTTL", key};
    const struct command commands[INCREMENT_COMMANDS] = {
        {1, multi_argv, multi_lens},
        {4, set_absolute, (const size_t[]){6, len, 6, absolute}},
        {4, set_sliding, (const size_t[]){6, len, 6, sliding}},
        {4, add, (const size_t[]){7, len, 4, strlen(increment->by)}},
        {4, read, (const size_t[]){5, len, 6, 6}},
        {2, ttl, (const size_t[]){4, len}},
        {1, exec_argv, exec_lens},
    };
    const struct batch batch = {
        .commands = commands, .count = INCREMENT_COMMANDS, .timeout_ms = cache->options.timeout_ms};

    /* Not idempotent: a lost connection is reported, for nobody knows whether the number was added. */
    if (breaker_enter(cache, error) < 0)
        return -1;
    int rc = redis_run(cache->redis, DIAL_PRIMARY, &batch, replies, error);
    breaker_leave(cache, rc < 0 ? error : NULL);
    return rc;
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
        return increment->plan.has_ttl ? cache_expire(cache, &increment->key, increment->plan.ttl_ms, error)
                                       : 0;
    if (entry_decode(&fields->elements[0], &fields->elements[1], &times, error) < 0)
        return -1;
    if (entry_slide(&times, clock_unix_ms(), &ttl_ms))
        return cache_expire(cache, &increment->key, ttl_ms, error);
    if (ttl->integer != -1 || times.absolute_ticks == ENTRY_NONE)
        return 0;
    struct entry_times only_end = {times.absolute_ticks, INT64_MAX};
    entry_slide(&only_end, clock_unix_ms(), &ttl_ms);
    return cache_expire(cache, &increment->key, ttl_ms, error);
}

static int finish_increment(struct apphost_cache *cache, const struct increment *increment,
                            struct replies *replies, int64_t *sum, struct apphost_error *error)
{
    const struct resp_reply *results = replies->items[INCREMENT_COMMANDS - 1];

    if (check_replies(cache, (const struct resp_reply *const *)replies->items, INCREMENT_COMMANDS, error) < 0)
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
    struct apphost_error local;
    struct replies replies;

    if (!sum || !cache)
        return fail_argument(error, cache ? "sum" : "cache", "is NULL");
    if (entry_plan(expiry, clock_unix_ms(), cache->options.precise_expiry, &increment.plan, error) < 0 ||
        full_key_init(&increment.key, cache, key, error) < 0)
        return -1;
    snprintf(increment.absolute, sizeof(increment.absolute), "%" PRId64, increment.plan.absolute_ticks);
    snprintf(increment.sliding, sizeof(increment.sliding), "%" PRId64, increment.plan.sliding_ticks);
    snprintf(increment.by, sizeof(increment.by), "%" PRId64, by);
    int rc = run_increment(cache, &increment, &replies, &local);
    if (rc == 0) {
        rc = finish_increment(cache, &increment, &replies, sum, &local);
        replies_free(&replies);
    }
    full_key_fini(&increment.key);
    if (rc < 0) {
        cache_count(cache, COUNT_ERRORS, 1);
        if (error)
            *error = local;
    }
    return rc;
}
