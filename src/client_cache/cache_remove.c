/*
 * Removing: one key, or many in one round trip. UNLINK, which frees in the background; DEL where that cannot
 * be had.
 */
#include "client_cache/cache.h"
#include "client_base/fail.h"
#include "client_base/verdict.h"

#include <stdlib.h>
#include <string.h>

bool cache_lacks_unlink(const struct apphost_error *error)
{
    return error->code == APPHOST_E_UNSUPPORTED || verdict_says(SAYS_NO_COMMAND, error->text) ||
           strcmp(error->parameter, "NOPERM") == 0;
}

static int remove_key(struct apphost_cache *cache, const struct full_key *key, long long *count,
                      struct apphost_error *error)
{
    if (!atomic_load(&cache->has_no_unlink)) {
        if (cache_ask_integer(cache, "UNLINK", key, count, error) == 0)
            return 0;
        if (!cache_lacks_unlink(error))
            return -1;
        atomic_store(&cache->has_no_unlink, true);
    }
    return cache_ask_integer(cache, "DEL", key, count, error);
}

int apphost_cache_remove(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_error *error)
{
    struct full_key full;
    struct apphost_error local;
    long long count = 0;

    if (full_key_init(&full, cache, key, error) < 0)
        return -1;
    int rc = remove_key(cache, &full, &count, &local);
    level_one_forget(cache, full.hash);
    full_key_fini(&full);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    cache_count(cache, COUNT_REMOVES, 1);
    return count > 0;
}

/* ---- Many ---- */

void removals_fini(struct removals *removals)
{
    for (size_t i = 0; i < removals->count; i++)
        full_key_fini(&removals->items[i].key);
    free(removals->items);
    free(removals->commands);
    *removals = (struct removals){.count = 0};
}

int removals_init(struct removals *removals, struct apphost_cache *cache, const struct apphost_bytes *keys,
                  size_t count, struct apphost_error *error)
{
    int rc = 0;

    *removals = (struct removals){.cache = cache};
    removals->items = calloc(count, sizeof(*removals->items));
    removals->commands = calloc(count, sizeof(*removals->commands));
    if (!removals->items || !removals->commands)
        rc = fail_memory(error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = full_key_init(&removals->items[i].key, cache, keys[i], error);
        removals->count += rc == 0;
    }
    if (rc < 0)
        removals_fini(removals);
    return rc;
}

void removals_use(struct removals *removals, const char *word)
{
    for (size_t i = 0; i < removals->count; i++) {
        struct removal *item = &removals->items[i];

        item->argv[0] = word;
        item->argv[1] = item->key.data;
        item->lens[0] = strlen(word);
        item->lens[1] = item->key.len;
        removals->commands[i] = (struct conn_command){2, item->argv, item->lens};
    }
}

/* 0 with a reply to each, -1. */
static int send_removals(struct removals *removals, struct replies *replies, struct apphost_error *error)
{
    struct apphost_cache *cache = removals->cache;
    struct batch batch = cache_batch(NULL, removals->commands, removals->count);

    batch.is_each = true;
    if (!atomic_load(&cache->has_no_unlink)) {
        removals_use(removals, "UNLINK");
        int rc = cache_call(cache, DIAL_PRIMARY, &batch, replies, error);
        bool is_refused = rc == 0 && replies->items[0]->type == RESP_ERROR;

        if (is_refused)
            redis_explain_reply(replies->items[0], error);
        if (!is_refused && rc == 0)
            return 0;
        if (!cache_lacks_unlink(error))
            return rc;
        replies_free(replies);
        atomic_store(&cache->has_no_unlink, true);
    }
    removals_use(removals, "DEL");
    return cache_call(cache, DIAL_PRIMARY, &batch, replies, error);
}

int removals_read(const struct removals *removals, const struct replies *replies,
                  struct apphost_outcome *outcomes, struct apphost_error *error)
{
    struct apphost_cache *cache = removals->cache;
    struct apphost_error failure;
    size_t failed = 0;
    int there = 0;

    error->code = APPHOST_OK;
    for (size_t i = 0; i < removals->count; i++) {
        const struct resp_reply *reply = replies->items[i];

        if (reply->type == RESP_INTEGER) {
            outcomes[i].rc = reply->integer > 0;
            there += outcomes[i].rc;
            continue;
        }
        redis_fail_reply(cache->redis, reply, &failure);
        if (cache_absorb(cache, &failure))
            continue;
        outcomes[i] = (struct apphost_outcome){-1, failure.code};
        if (failed++ == 0)
            *error = failure;
    }
    if (failed == removals->count)
        return -1;
    cache_count(cache, COUNT_REMOVES, removals->count - failed);
    cache_count(cache, COUNT_ERRORS, failed);
    return there;
}

void removals_forget(const struct removals *removals)
{
    for (size_t i = 0; i < removals->count; i++)
        level_one_forget(removals->cache, removals->items[i].key.hash);
}

int removals_give_up(const struct removals *removals, struct apphost_outcome *outcomes,
                     const struct apphost_error *local, struct apphost_error *error)
{
    struct apphost_outcome outcome = {cache_give_up(removals->cache, local, 0, error), APPHOST_OK};

    if (outcome.rc < 0)
        outcome.code = local->code;
    for (size_t i = 0; i < removals->count; i++)
        outcomes[i] = outcome;
    return outcome.rc;
}

/* 0 or more, -1 with an error that is still to be judged. */
static int remove_all(struct removals *removals, struct apphost_outcome *outcomes,
                      struct apphost_error *error)
{
    struct replies replies = {0};
    int rc = send_removals(removals, &replies, error);

    if (rc == 0)
        rc = removals_read(removals, &replies, outcomes, error);
    replies_free(&replies);
    removals_forget(removals);
    return rc;
}

int apphost_cache_remove_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
                              struct apphost_outcome *outcomes, struct apphost_error *error)
{
    struct apphost_error local = {0};
    struct removals removals;

    if (!cache)
        return fail_argument(error, "cache", "is NULL");
    if (!keys || !outcomes)
        return fail_null(error, keys, "keys", "outcomes");
    memset(outcomes, 0, count * sizeof(*outcomes));
    if (count == 0)
        return 0;
    if (removals_init(&removals, cache, keys, count, error) < 0)
        return -1;

    int rc = remove_all(&removals, outcomes, &local);
    if (rc < 0)
        rc = removals_give_up(&removals, outcomes, &local, error);
    else if (error)
        *error = local;
    removals_fini(&removals);
    return rc;
}
