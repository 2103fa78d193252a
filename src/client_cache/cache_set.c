/*
 * Writing: set and set-many. `struct writes` is one transaction on its way, of the blocking and of the
 * asynchronous calls.
 *
 * Default wire: MULTI, per entry HMSET and EXPIRE (or PERSIST, which takes away what an earlier entry left),
 * EXEC; one round trip, all or nothing. Behind a proxy the same without MULTI and EXEC. Strict wire, as .NET
 * 9 writes: HMSET and EXPIRE where there is an expiry, pipelined.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_cache/pack.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REDIS_STRING_LIMIT ((size_t)512 << 20)

static const char *const multi_argv[] = {"MULTI"}, *const exec_argv[] = {"EXEC"};
static const size_t multi_lens[] = {5}, exec_lens[] = {4};

static void fill_data(struct write *write, const struct entry_plan *plan, struct apphost_bytes data)
{
    snprintf(write->absolute, sizeof(write->absolute), "%" PRId64, plan->absolute_ticks);
    snprintf(write->sliding, sizeof(write->sliding), "%" PRId64, plan->sliding_ticks);
    const char *const argv[WRITE_WORDS] = {"HMSET",  write->key.data, "absexp", write->absolute,
                                           "sldexp", write->sliding,  "data",   bytes_or(data.data, "")};
    const size_t lens[WRITE_WORDS] = {5, write->key.len,         6, strlen(write->absolute),
                                      6, strlen(write->sliding), 4, data.len};

    memcpy(write->argv, argv, sizeof(argv));
    memcpy(write->lens, lens, sizeof(lens));
}

static void fill_ttl(struct write *write, const struct entry_plan *plan, bool is_strict)
{
    const char *name = "PERSIST";

    write->ttl[0] = '\0';
    write->ttl_argc = 2;
    if (plan->has_ttl) {
        name = entry_expire_command(plan->ttl_ms, write->ttl);
        write->ttl_argc = 3;
    } else if (is_strict) {
        write->ttl_argc = 0;
    }
    write->ttl_argv[0] = name;
    write->ttl_argv[1] = write->key.data;
    write->ttl_argv[2] = write->ttl;
    write->ttl_lens[0] = strlen(name);
    write->ttl_lens[1] = write->key.len;
    write->ttl_lens[2] = strlen(write->ttl);
}

/* Compressed where that is wanted and pays. */
static struct apphost_bytes data_of(struct write *write, struct apphost_cache *cache,
                                    struct apphost_bytes data)
{
    size_t least = cache->options.compress_above, len;

    write->packed = NULL;
    if (least == 0 || data.len <= least || cache->options.strict_wire)
        return data;
    write->packed = pack(data, &len);
    if (!write->packed)
        return data;
    cache_count(cache, COUNT_PACKED, 1);
    cache_count(cache, COUNT_PACKED_SAVED, data.len - len);
    return apphost_bytes(write->packed, len);
}

static int write_init(struct write *write, struct apphost_cache *cache, const struct apphost_entry *entry,
                      int64_t now, struct apphost_error *error)
{
    struct entry_plan plan;

    if (!entry->data.data && entry->data.len > 0)
        return fail_argument(error, "value", "is NULL");
    if (entry->data.len > REDIS_STRING_LIMIT)
        return fail_argument(error, "value", "is longer than the 512 MiB that Redis takes");
    if (entry_plan(entry->expiry, now, cache->options.precise_expiry, &plan, error) < 0)
        return -1;
    if (full_key_init(&write->key, cache, entry->key, error) < 0)
        return -1;
    fill_data(write, &plan, data_of(write, cache, entry->data));
    fill_ttl(write, &plan, cache->options.strict_wire);
    return 0;
}

bool cache_has_transactions(const struct apphost_cache *cache)
{
    struct conn *conn = redis_conn(cache->redis, DIAL_PRIMARY, NULL);

    return conn && option_command(conn_options(conn), "MULTI", strlen("MULTI")) &&
           option_command(conn_options(conn), "EXEC", strlen("EXEC"));
}

static void fill_commands(struct writes *writes, bool has_multi)
{
    struct conn_command *commands = writes->commands;
    size_t n = 0;

    if (has_multi)
        commands[n++] = (struct conn_command){1, multi_argv, multi_lens};
    for (size_t i = 0; i < writes->count; i++) {
        const struct write *at = &writes->items[i];

        commands[n++] = (struct conn_command){WRITE_WORDS, at->argv, at->lens};
        if (at->ttl_argc)
            commands[n++] = (struct conn_command){at->ttl_argc, at->ttl_argv, at->ttl_lens};
    }
    if (has_multi)
        commands[n++] = (struct conn_command){1, exec_argv, exec_lens};
    writes->command_count = n;
}

int writes_init(struct writes *writes, struct apphost_cache *cache, const struct apphost_entry *entries,
                size_t count, struct apphost_error *error)
{
    int64_t now = clock_unix_ms();
    int rc = 0;

    writes->count = 0;
    if (count == 1) {
        writes->items = &writes->one;
        writes->commands = writes->few;
    } else {
        writes->items = calloc(count, sizeof(*writes->items));
        writes->commands = calloc(count * 2 + 2, sizeof(*writes->commands));
    }
    if (!writes->items || !writes->commands)
        rc = fail_memory(error);
    for (; rc == 0 && writes->count < count; writes->count += rc == 0)
        rc = write_init(&writes->items[writes->count], cache, &entries[writes->count], now, error);
    if (rc == 0)
        fill_commands(writes, !cache->options.strict_wire && cache_has_transactions(cache));
    else
        writes_fini(writes);
    return rc;
}

void writes_fini(struct writes *writes)
{
    for (size_t i = 0; i < writes->count; i++) {
        full_key_fini(&writes->items[i].key);
        free(writes->items[i].packed);
    }
    if (writes->items != &writes->one)
        free(writes->items);
    if (writes->commands != writes->few)
        free(writes->commands);
}

/* About its one key, or about several. */
struct batch writes_batch(const struct writes *writes)
{
    const struct full_key *key = NULL;
    if (writes->count == 1)
        key = &writes->items[0].key;

    return cache_batch(key, writes->commands, writes->command_count);
}

void writes_note(struct apphost_cache *cache, const struct writes *writes)
{
    for (size_t i = 0; i < writes->count; i++)
        big_keys_note(cache, &writes->items[i].key, writes->items[i].lens[WRITE_WORDS - 1]);
}

int apphost_cache_set_many(struct apphost_cache *cache, const struct apphost_entry *entries, size_t count,
                           struct apphost_error *error)
{
    struct apphost_error local = {0};
    struct replies replies;
    struct writes writes;

    if (!cache || (!entries && count > 0))
        return fail_null(error, cache, "cache", "entries");
    if (count == 0)
        return 0;
    int rc = writes_init(&writes, cache, entries, count, &local);
    if (rc == 0) {
        writes_note(cache, &writes);
        const struct batch batch = writes_batch(&writes);
        rc = cache_call(cache, DIAL_PRIMARY, &batch, &replies, &local);
        level_one_forget_writes(cache, &writes);
        writes_fini(&writes);
        if (rc == 0) {
            rc = cache_check_replies(cache, &replies, &local);
            replies_free(&replies);
        }
    }
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
