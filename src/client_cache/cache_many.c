/*
 * Get-many: one HMGET a key, in one round trip. `struct many` is what such a question is made of; the
 * asynchronous call keeps one until its replies have come. What level one has is not asked for, and what
 * comes is kept there.
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
    free(many->places);
    free(many->commands);
    free(many->argv);
    free(many->lens);
    *many = (struct many){.count = 0};
}

/* Not zeroed: of a hundred keys that would be thirty kilobytes, and all of it is filled in. */
static int make_room(struct many *many, size_t count, struct apphost_error *error)
{
    if (count > SIZE_MAX / sizeof(*many->keys))
        return fail_memory(error);
    many->keys = malloc(count * sizeof(*many->keys));
    many->places = malloc(count * sizeof(*many->places));
    many->commands = malloc(count * sizeof(*many->commands));
    many->argv = malloc(count * sizeof(*many->argv));
    many->lens = malloc(count * sizeof(*many->lens));
    if (!many->keys || !many->places || !many->commands || !many->argv || !many->lens)
        return fail_memory(error);
    return 0;
}

/* What level one has is not asked for. */
static int add_key(struct many *many, struct apphost_bytes key, size_t index, struct apphost_value *value,
                   struct apphost_error *error)
{
    size_t i = many->count;
    struct full_key *full = &many->keys[i];

    if (full_key_init(full, many->cache, key, error) < 0)
        return -1;
    if (level_one_get(many->cache, full, value)) {
        full_key_fini(full);
        many->found++;
        return 0;
    }
    many->places[i] = (struct many_place){index, level_one_ticket(many->cache, full)};
    many->commands[i] = cache_hmget(full, many->argv[i], many->lens[i], true);
    many->count++;
    return 0;
}

int many_init(struct many *many, struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
              struct apphost_value *values, struct apphost_error *error)
{
    int rc;

    *many = (struct many){.cache = cache, .expire = cache_expire};
    rc = make_room(many, count, error);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_key(many, keys[i], i, &values[i], error);
    if (rc == 0)
        return 0;

    for (size_t i = 0; i < count; i++)
        apphost_value_free(&values[i]);
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
        (reading.is_sliding && many->expire(many->cache, &many->keys[i], reading.ttl_ms, error) < 0)) {
        reading_drop(&reading, replies->items[i]);
        return -1;
    }
    if (rc == 1) {
        level_one_put(many->cache, &many->keys[i], &reading, many->places[i].ticket);
        reading_give(&reading, &replies->items[i], value);
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
    int hits = (int)many->found;

    error->code = APPHOST_OK;
    for (size_t i = 0; i < many->count; i++) {
        struct apphost_value *value = &values[many->places[i].index];
        int rc = read_one(many, i, replies, value, &failure);

        if (rc >= 0) {
            hits += rc;
            continue;
        }
        if (cache_absorb(many->cache, &failure))
            continue;
        value->code = failure.code;
        if (failed++ == 0)
            *error = failure;
    }
    if (failed > 0 && failed == many->count)
        return -1;
    return hits;
}

static void set_codes(const struct many *many, struct apphost_value *values, enum apphost_code code)
{
    for (size_t i = 0; i < many->count; i++)
        values[many->places[i].index].code = code;
}

/* Nothing could be read there: what level one had is a result all the same. */
static int finish_failed(const struct many *many, struct apphost_value *values,
                         const struct apphost_error *local, struct apphost_error *error)
{
    int rc = cache_give_up(many->cache, local, 0, error);

    if (rc == 0) {
        set_codes(many, values, APPHOST_OK);
        cache_count(many->cache, COUNT_MISSES, many->count);
    } else if (many->found > 0) {
        set_codes(many, values, local->code);
    } else {
        return -1;
    }
    return (int)many->found;
}

int many_finish(const struct many *many, int hits, struct apphost_value *values,
                const struct apphost_error *local, struct apphost_error *error)
{
    size_t failed = 0, found = (size_t)hits - many->found;

    if (hits < 0)
        return finish_failed(many, values, local, error);
    if (error)
        *error = *local;
    for (size_t i = 0; i < many->count; i++)
        failed += values[many->places[i].index].code != APPHOST_OK;
    cache_count(many->cache, COUNT_HITS, found); /* level one counts its own */
    cache_count(many->cache, COUNT_MISSES, many->count - failed - found);
    cache_count(many->cache, COUNT_ERRORS, failed);
    return hits;
}

/* The server's part. */
static int ask(const struct many *many, struct apphost_value *values, struct apphost_error *error)
{
    const struct batch batch = cache_question(NULL, many->commands, many->count);
    enum dial_role role = cache_read_role(many->cache);
    struct replies replies;

    error->code = APPHOST_OK;
    if (many->count == 0)
        return (int)many->found;
    if (role == DIAL_PRIMARY)
        role = many_lane(many);
    if (cache_call(many->cache, role, &batch, &replies, error) < 0)
        return -1;
    int hits = many_read(many, &replies, values, error);
    replies_free(&replies);
    return hits;
}

int apphost_cache_get_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count,
                           struct apphost_value *values, struct apphost_error *error)
{
    struct apphost_error local;
    struct many many;

    if (!cache)
        return fail_argument(error, "cache", "is NULL");
    if (!keys || !values)
        return fail_null(error, keys, "keys", "values");
    memset(values, 0, count * sizeof(*values));
    if (count == 0)
        return 0;
    if (many_init(&many, cache, keys, count, values, error) < 0)
        return -1;
    int hits = ask(&many, values, &local);
    hits = many_finish(&many, hits, values, &local, error);
    many_fini(&many);
    return hits;
}
