/*
 * Get-many: one HMGET a key, in one round trip. `struct many` is what such a question is made of; the
 * asynchronous call keeps one until its replies have come.
 */
#include "client_cache/cache.h"
#include "client_base/fail.h"

#include <stdlib.h>
#include <string.h>

void many_fini(struct many *many)
{
    for (size_t i = 0; many->keys && i < many->count; i++)
        full_key_fini(&many->keys[i]);
    free(many->keys);
    free(many->commands);
    free(many->argv);
    free(many->lens);
    *many = (struct many){.count = 0};
}

static int fill_many(struct many *many, const struct apphost_bytes *keys, size_t count,
                     struct apphost_error *error)
{
    if (!many->keys || !many->commands || !many->argv || !many->lens)
        return fail_memory(error);
    for (; many->count < count; many->count++) {
        size_t i = many->count;

        if (full_key_init(&many->keys[i], many->cache, keys[i], error) < 0)
            return -1;
        many->commands[i] = cache_hmget(&many->keys[i], many->argv[i], many->lens[i], true);
    }
    return 0;
}

int many_init(struct many *many, struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
              struct apphost_error *error)
{
    *many = (struct many){.cache = cache, .expire = cache_expire};
    if (count > SIZE_MAX / sizeof(*many->keys))
        return fail_memory(error);
    /* Not zeroed: of a hundred keys that would be thirty kilobytes, and all of it is filled in. */
    many->keys = malloc(count * sizeof(*many->keys));
    many->commands = malloc(count * sizeof(*many->commands));
    many->argv = malloc(count * sizeof(*many->argv));
    many->lens = malloc(count * sizeof(*many->lens));
    if (fill_many(many, keys, count, error) == 0)
        return 0;
    many_fini(many);
    return -1;
}

/* One big value would keep all that comes after it waiting. */
enum dial_role many_lane(const struct many *many)
{
    enum dial_role lane = DIAL_PRIMARY;

    for (size_t i = 0; i < many->count && lane == DIAL_PRIMARY; i++)
        lane = big_keys_lane(many->cache, &many->keys[i]);
    return lane;
}

/* One entry: 1 with its value, which owns the reply from now on; 0, -1. */
static int read_one(const struct many *many, size_t i, struct replies *replies, struct apphost_value *value,
                    struct apphost_error *error)
{
    struct reading reading;
    int rc = cache_decode(many->cache, replies->items[i], &reading, error);

    if (rc < 0 ||
        (reading.is_sliding && many->expire(many->cache, &many->keys[i], reading.ttl_ms, error) < 0))
        return -1;
    if (rc == 1) {
        *value = reading.value;
        replies->items[i] = NULL;
    }
    big_keys_note(many->cache, &many->keys[i], reading.value.len);
    return rc;
}

/* A key that cannot be read takes nothing from the others. */
int many_read(const struct many *many, struct replies *replies, struct apphost_value *values,
              struct apphost_error *error)
{
    struct apphost_error failure = {0};
    size_t failed = 0;
    int hits = 0;

    error->code = APPHOST_OK;
    for (size_t i = 0; i < many->count; i++) {
        int rc = read_one(many, i, replies, &values[i], &failure);

        if (rc >= 0) {
            hits += rc;
            continue;
        }
        values[i].code = failure.code;
        if (failed++ == 0)
            *error = failure;
    }
    if (failed == many->count)
        return -1;
    return hits;
}

int many_finish(const struct many *many, int hits, struct apphost_value *values,
                const struct apphost_error *local, struct apphost_error *error)
{
    size_t failed = 0;

    if (hits < 0) {
        hits = cache_give_up(many->cache, local, 0, error);
        for (size_t i = 0; hits == 0 && i < many->count; i++)
            values[i].code = APPHOST_OK;
    } else if (error) {
        *error = *local;
    }
    if (hits < 0)
        return hits;
    for (size_t i = 0; i < many->count; i++)
        failed += values[i].code != APPHOST_OK;
    cache_count(many->cache, COUNT_HITS, (uint64_t)hits);
    cache_count(many->cache, COUNT_MISSES, many->count - failed - (uint64_t)hits);
    cache_count(many->cache, COUNT_ERRORS, failed);
    return hits;
}

int apphost_cache_get_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
                           struct apphost_value *values, struct apphost_error *error)
{
    struct apphost_error local;
    struct replies replies;
    struct many many;

    if (!cache || !keys || !values)
        return fail_argument(error, !cache ? "cache" : !keys ? "keys" : "values", "is NULL");
    memset(values, 0, count * sizeof(*values));
    if (count == 0)
        return 0;
    if (many_init(&many, cache, keys, count, error) < 0)
        return -1;
    const struct batch batch = cache_question(NULL, many.commands, count);
    enum dial_role role = cache_read_role(cache);
    if (role == DIAL_PRIMARY)
        role = many_lane(&many);
    int hits = cache_call(cache, role, &batch, &replies, &local);
    if (hits == 0) {
        hits = many_read(&many, &replies, values, &local);
        replies_free(&replies);
    }
    hits = many_finish(&many, hits, values, &local, error);
    many_fini(&many);
    return hits;
}
