/* Marks: reading them, and setting them (apphost_hybrid_remove_by_tag, …_by_prefix). See marks.h. */
#include "client_cache/marks.h"
#include "client_base/clock.h"
#include "client_base/fail.h"

#include <apphost/hybrid.h>

#include <stdlib.h>
#include <string.h>

#define UNIX_EPOCH_TICKS INT64_C(621355968000000000)
#define LIFE_MS (INT64_C(1000) * 24 * 3600 * 1000) /* of a mark, as HybridCache's */

enum { TICKS_SIZE = 8, LENGTH_SIZE = 8 };

static const char tag_prefix[] = "__MSFT_HCT__", wildcard[] = "*", list_key[] = "__APPHOST_PREFIXES__";

int64_t marks_now(void)
{
    return UNIX_EPOCH_TICKS + clock_unix_ns() / 100;
}

static void put_ticks(unsigned char out[TICKS_SIZE], int64_t ticks)
{
    for (int i = 0; i < TICKS_SIZE; i++)
        out[i] = (unsigned char)((uint64_t)ticks >> 8 * i);
}

static int64_t ticks_of(const void *data)
{
    const unsigned char *bytes = data;
    uint64_t ticks = 0;

    for (int i = 0; i < TICKS_SIZE; i++)
        ticks |= (uint64_t)bytes[i] << 8 * i;
    return (int64_t)ticks;
}

/* The cache's key of a tag, for free(3). */
static char *tag_key(struct apphost_bytes tag, size_t *len)
{
    char *key = malloc(sizeof(tag_prefix) + tag.len);

    if (!key)
        return NULL;
    *len = sizeof(tag_prefix) - 1;
    memcpy(key, tag_prefix, *len);
    if (tag.len > 0)
        memcpy(key + *len, tag.data, tag.len);
    *len += tag.len;
    return key;
}

/* ---- Which ---- */

static int add(struct marks *marks, struct apphost_bytes key, bool is_list, struct apphost_error *error)
{
    struct removal_mark *mark = &marks->items[marks->count];

    *mark = (struct removal_mark){.is_list = is_list};
    if (full_key_init(&mark->key, marks->cache, key, error) < 0)
        return -1;
    if (marks->is_recalled)
        level_one_recall_mark(marks->cache, &mark->key, &mark->value);
    else if (!level_one_get_mark(marks->cache, &mark->key, &mark->value))
        mark->ticket = level_one_ticket(marks->cache, &mark->key);
    marks->count++;
    return 0;
}

static int add_tag(struct marks *marks, struct apphost_bytes tag, struct apphost_error *error)
{
    size_t len;
    char *key = tag_key(tag, &len);

    if (!key)
        return fail_memory(error);
    int rc = add(marks, apphost_bytes(key, len), false, error);
    free(key);
    if (rc == 0)
        marks->items[marks->count - 1].tag = tag;
    return rc;
}

void marks_fini(struct marks *marks)
{
    for (size_t i = 0; i < marks->count; i++) {
        full_key_fini(&marks->items[i].key);
        apphost_value_free(&marks->items[i].value);
    }
    free(marks->items);
    *marks = (struct marks){0};
}

int marks_init(struct marks *marks, struct apphost_cache *cache, const struct apphost_bytes *tags,
               size_t count, struct apphost_error *error)
{
    int rc = 0;

    *marks = (struct marks){.cache = cache,
                            .items = malloc((count + 2) * sizeof(*marks->items)),
                            .is_recalled = marks->is_recalled};
    if (!marks->items)
        return fail_memory(error);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = add_tag(marks, tags[i], error);
    if (rc < 0)
        marks_fini(marks);
    return rc;
}

int marks_add_common(struct marks *marks, struct apphost_error *error)
{
    if (add_tag(marks, apphost_str(wildcard), error) == 0 &&
        add(marks, apphost_str(list_key), true, error) == 0)
        return 0;
    marks_fini(marks);
    return -1;
}

bool marks_know(const struct marks *marks, struct apphost_bytes tag)
{
    for (size_t i = 0; i < marks->count; i++) {
        const struct removal_mark *mark = &marks->items[i];

        if (!mark->is_list && mark->tag.len == tag.len && memcmp(mark->tag.data, tag.data, tag.len) == 0)
            return true;
    }
    return false;
}

/* ---- Asking ---- */

size_t marks_ask(struct marks *marks, struct conn_command *commands)
{
    static const char *const words[] = {"HGET", "HGETALL"};
    size_t asked = 0;

    for (size_t i = 0; i < marks->count; i++) {
        struct removal_mark *mark = &marks->items[i];

        if (mark->value.data)
            continue;
        mark->argv[0] = words[mark->is_list];
        mark->argv[1] = mark->key.data;
        mark->argv[2] = "data";
        mark->lens[0] = strlen(mark->argv[0]);
        mark->lens[1] = mark->key.len;
        mark->lens[2] = 4;
        commands[asked++] = (struct conn_command){3 - (size_t)mark->is_list, mark->argv, mark->lens};
    }
    return asked;
}

/* Something else than a moment counts as this one, as it does for HybridCache. */
static int take_tag(struct removal_mark *mark, const struct resp_reply *reply)
{
    unsigned char ticks[TICKS_SIZE] = {0};

    if (reply->type == RESP_STRING && reply->len == TICKS_SIZE)
        memcpy(ticks, reply->str, TICKS_SIZE);
    else if (reply->type == RESP_STRING)
        put_ticks(ticks, marks_now());
    return value_copy(&mark->value, ticks, sizeof(ticks));
}

/* Ticks, length, prefix; one after the other. */
static int take_list(struct removal_mark *mark, const struct resp_reply *reply)
{
    size_t size = 0, at = 0;

    for (size_t i = 0; i + 1 < reply->count; i += 2)
        size += TICKS_SIZE + LENGTH_SIZE + reply->elements[i].len;
    unsigned char *list = malloc(size + 1);
    if (!list)
        return -1;
    for (size_t i = 0; i + 1 < reply->count; i += 2) {
        const struct resp_reply *prefix = &reply->elements[i], *moment = &reply->elements[i + 1];

        if (moment->len == TICKS_SIZE)
            memcpy(list + at, moment->str, TICKS_SIZE);
        else
            put_ticks(list + at, marks_now());
        put_ticks(list + at + TICKS_SIZE, (int64_t)prefix->len);
        memcpy(list + at + TICKS_SIZE + LENGTH_SIZE, prefix->str, prefix->len);
        at += TICKS_SIZE + LENGTH_SIZE + prefix->len;
    }
    int rc = value_copy(&mark->value, list, size);
    free(list);
    return rc;
}

static int take_one(struct marks *marks, struct removal_mark *mark, const struct resp_reply *reply,
                    struct apphost_error *error)
{
    bool is_list = reply->type == RESP_ARRAY || reply->type == RESP_MAP;
    int rc;

    if (mark->is_list ? !is_list : (reply->type != RESP_STRING && reply->type != RESP_NIL))
        return redis_fail_reply(marks->cache->redis, reply, error);
    if (mark->is_list)
        rc = take_list(mark, reply);
    else
        rc = take_tag(mark, reply);
    if (rc < 0)
        return fail_memory(error);
    level_one_put_mark(marks->cache, &mark->key, &mark->value, mark->ticket);
    return 0;
}

int marks_take(struct marks *marks, const struct replies *replies, size_t first, struct apphost_error *error)
{
    for (size_t i = 0; i < marks->count; i++) {
        struct removal_mark *mark = &marks->items[i];

        if (!mark->value.data && take_one(marks, mark, replies->items[first++], error) < 0)
            return -1;
    }
    return 0;
}

/* ---- What they say ---- */

static bool list_hides(const struct apphost_value *list, struct apphost_bytes key, int64_t created)
{
    for (size_t at = 0; at < list->len;) {
        int64_t moment = ticks_of(list->data + at);
        size_t len = (size_t)ticks_of(list->data + at + TICKS_SIZE);
        const char *prefix = list->data + at + TICKS_SIZE + LENGTH_SIZE;

        if (created <= moment && len <= key.len && memcmp(prefix, key.data, len) == 0)
            return true;
        at += TICKS_SIZE + LENGTH_SIZE + len;
    }
    return false;
}

bool marks_hide(const struct marks *marks, struct apphost_bytes key, int64_t created)
{
    for (size_t i = 0; i < marks->count; i++) {
        const struct removal_mark *mark = &marks->items[i];

        if (mark->is_list && list_hides(&mark->value, key, created))
            return true;
        if (!mark->is_list && created <= ticks_of(mark->value.data))
            return true;
    }
    return false;
}

/* ---- Setting ---- */

int apphost_hybrid_remove_by_tag(struct apphost_cache *cache, struct apphost_bytes tag,
                                 struct apphost_error *error)
{
    unsigned char ticks[TICKS_SIZE];
    size_t len;

    if (!cache || !tag.data)
        return fail_null(error, cache, "cache", "tag");
    if (tag.len == 0)
        return fail_argument(error, "tag", "is empty");
    char *key = tag_key(tag, &len);
    if (!key)
        return fail_memory(error);

    put_ticks(ticks, marks_now());
    int rc = apphost_cache_set(cache, apphost_bytes(key, len), ticks, sizeof(ticks),
                               apphost_expire_in(LIFE_MS), error);
    free(key);
    if (rc == 0)
        cache_count(cache, COUNT_MARKS, 1);
    return rc;
}

/* HSET, and the life of the hash: both or none. */
static int send_prefix(struct apphost_cache *cache, const struct full_key *list, struct apphost_bytes prefix,
                       struct apphost_error *error)
{
    unsigned char ticks[TICKS_SIZE];
    static const char life[] = "86400000000";
    const char *const hset[] = {"HSET", list->data, prefix.data, (const char *)ticks};
    const char *const expire[] = {"PEXPIRE", list->data, life};
    const size_t hset_lens[] = {4, list->len, prefix.len, sizeof(ticks)};
    const size_t expire_lens[] = {7, list->len, sizeof(life) - 1};
    const char *const multi[] = {"MULTI"}, *const exec[] = {"EXEC"};
    const size_t multi_lens[] = {5}, exec_lens[] = {4};
    const struct conn_command commands[] = {
        {1, multi, multi_lens}, {4, hset, hset_lens}, {3, expire, expire_lens}, {1, exec, exec_lens}};
    struct batch batch = cache_batch(list, commands, 4);
    struct replies replies;

    if (!cache_has_transactions(cache))
        batch = cache_batch(list, commands + 1, 2);
    put_ticks(ticks, marks_now());
    if (cache_call(cache, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    int rc = cache_check_replies(cache, &replies, error);
    replies_free(&replies);
    return rc;
}

int apphost_hybrid_remove_by_prefix(struct apphost_cache *cache, struct apphost_bytes prefix,
                                    struct apphost_error *error)
{
    struct apphost_error local;
    struct full_key list;

    if (!cache || !prefix.data)
        return fail_null(error, cache, "cache", "prefix");
    if (prefix.len == 0)
        return apphost_hybrid_remove_by_tag(cache, apphost_str(wildcard), error);
    if (full_key_init(&list, cache, apphost_str(list_key), error) < 0)
        return -1;

    int rc = send_prefix(cache, &list, prefix, &local);
    level_one_forget(cache, list.hash);
    full_key_fini(&list);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    cache_count(cache, COUNT_MARKS, 1);
    return 0;
}
