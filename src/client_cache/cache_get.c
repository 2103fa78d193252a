/*
 * Reading: an entry out of its reply, what reading it changes (a sliding expiration), and get.
 *
 * A reply belongs to whoever asked until reading_give() hands it to the value that points into it. What fails
 * is judged by cache_give_up(), which absorbs outages.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_cache/pack.h"

#include <stdlib.h>
#include <string.h>

void reading_give(struct reading *reading, struct resp_reply **reply, struct apphost_value *value)
{
    *value = reading->value;
    if (value->owner == *reply)
        *reply = NULL;
}

void reading_drop(struct reading *reading, const struct resp_reply *reply)
{
    if (reading->value.owner != reply)
        apphost_value_free(&reading->value);
    reading->value = (struct apphost_value){0};
}

/* The data field, which may be compressed. */
static int decode_data(struct resp_reply *reply, struct reading *reading, struct apphost_error *error)
{
    const struct resp_reply *data = &reply->elements[2];
    int rc = unpack(apphost_bytes(data->str, data->len), &reading->value);

    if (rc < 0)
        return fail_memory(error);
    if (rc == 0)
        reading->value = (struct apphost_value){.data = data->str, .len = data->len, .owner = reply};
    return 1;
}

int cache_decode(struct apphost_cache *cache, struct resp_reply *reply, struct reading *reading,
                 struct apphost_error *error)
{
    struct entry_times times;

    *reading = (struct reading){.left_ms = INT64_MAX};
    if (reply->type != RESP_ARRAY || reply->count < 2)
        return redis_fail_reply(cache->redis, reply, error);
    if (entry_decode(&reply->elements[0], &reply->elements[1], &times, error) < 0)
        return -1;
    if (times.sliding_ticks != ENTRY_NONE)
        reading->is_sliding = entry_slide(&times, clock_unix_ms(), &reading->ttl_ms);
    if (times.absolute_ticks != ENTRY_NONE)
        reading->left_ms = entry_left(&times, clock_unix_ms());
    if (reply->count < 3)
        return reply->elements[0].type != RESP_NIL || reply->elements[1].type != RESP_NIL;
    if (reply->elements[2].type != RESP_STRING) {
        reading->is_nothing = times.absolute_ticks != ENTRY_NONE;
        return 0;
    }
    return decode_data(reply, reading, error);
}

int cache_read(struct apphost_cache *cache, const struct full_key *key, struct resp_reply *reply,
               struct apphost_error *error)
{
    struct reading reading;
    int rc = cache_decode(cache, reply, &reading, error);

    reading_drop(&reading, reply);
    if (rc < 0 || (reading.is_sliding && cache_expire(cache, key, reading.ttl_ms, error) < 0))
        return -1;
    return rc;
}

struct conn_command cache_hmget(const struct full_key *key, const char *argv[5], size_t lens[5],
                                bool with_data)
{
    const char *const words[] = {"HMGET", key->data, "absexp", "sldexp", "data"};
    const size_t sizes[] = {5, key->len, 6, 6, 4};

    memcpy(argv, words, sizeof(words));
    memcpy(lens, sizes, sizeof(sizes));
    return (struct conn_command){4 + (size_t)with_data, argv, lens};
}

/* As cache_read(), and keeps what it read in level one. */
static int read_and_keep(struct apphost_cache *cache, const struct full_key *key, struct resp_reply *reply,
                         uint64_t ticket, struct reading *reading, struct apphost_error *error)
{
    int rc = cache_decode(cache, reply, reading, error);

    if (rc < 0 || (reading->is_sliding && cache_expire(cache, key, reading->ttl_ms, error) < 0)) {
        reading_drop(reading, reply);
        return -1;
    }
    if (rc == 1)
        level_one_put(cache, key, reading, ticket);
    return rc;
}

/* The server's answer. 1, 0, -1 with an error that is still to be judged. */
static int get_there(struct apphost_cache *cache, const struct full_key *full, struct apphost_value *value,
                     bool *is_nothing, struct apphost_error *error)
{
    struct reading reading = {0};
    struct replies replies;
    const char *argv[5];
    size_t lens[5];
    uint64_t ticket = level_one_ticket(cache, full);
    const struct conn_command command = cache_hmget(full, argv, lens, true);
    const struct batch batch = cache_question(full, &command, 1);

    if (cache_call(cache, cache_key_role(cache, full), &batch, &replies, error) < 0)
        return -1;
    int rc = read_and_keep(cache, full, replies.items[0], ticket, &reading, error);
    *is_nothing = rc == 0 && reading.is_nothing;
    if (rc == 1)
        reading_give(&reading, &replies.items[0], value);
    replies_free(&replies);
    big_keys_note(cache, full, value->len);
    return rc;
}

int cache_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
              bool *is_nothing, struct apphost_error *error)
{
    struct full_key full;
    struct apphost_error local;

    if (!value)
        return fail_argument(error, "value", "is NULL");
    *value = (struct apphost_value){0};
    *is_nothing = false;
    if (full_key_init(&full, cache, key, error) < 0)
        return -1;
    if (level_one_get(cache, &full, value)) {
        full_key_fini(&full);
        return 1;
    }
    int rc = get_there(cache, &full, value, is_nothing, &local);
    full_key_fini(&full);
    if (rc < 0)
        rc = cache_give_up(cache, &local, 0, error);
    if (rc >= 0)
        cache_count_read(cache, rc == 1);
    return rc;
}

int apphost_cache_get(struct apphost_cache *cache, struct apphost_bytes key, struct apphost_value *value,
                      struct apphost_error *error)
{
    bool is_nothing;

    return cache_get(cache, key, value, &is_nothing, error);
}

int apphost_cache_get_string(struct apphost_cache *cache, const char *key, char **text,
                             struct apphost_error *error)
{
    struct apphost_value value;

    if (!text)
        return fail_argument(error, "text", "is NULL");
    *text = NULL;
    int rc = apphost_cache_get(cache, apphost_str(key), &value, error);
    if (rc != 1)
        return rc;
    *text = malloc(value.len + 1);
    if (*text)
        memcpy(*text, value.data, value.len + 1);
    apphost_value_free(&value);
    if (*text)
        return 1;
    return fail_memory(error);
}
