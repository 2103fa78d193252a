/*
 * The asynchronous operations: what they make of the replies, on the queue's thread. The rules are those of
 * the blocking calls, and most of the code; but nothing here waits.
 */
#include "client_cache/cache_async.h"

/* A failure: absorbed as `absorbed` under fail-open, else -1 with the call's error. */
static void give_up(struct apphost_call *call, struct apphost_result *result, int absorbed)
{
    struct apphost_error failure = call->error;

    result->rc = cache_give_up(call->cache, &failure, absorbed, &call->error);
}

/* Never waits, for this is the thread of a loop. */
static int read_reply(struct apphost_call *call, struct reading *reading)
{
    *reading = (struct reading){.is_sliding = false};
    if (call->has_failed)
        return -1;
    int rc = cache_decode(call->cache, call->replies.items[0], reading, &call->error);
    if (rc >= 0 && reading->is_sliding)
        cache_expire_later(call->cache, &call->key, reading->ttl_ms, NULL);
    return rc;
}

/* Of the server; what it has is kept in level one. */
static int read_value(struct apphost_call *call)
{
    struct reading reading;
    int rc = read_reply(call, &reading);

    if (rc == 1) {
        level_one_put(call->cache, &call->key, &reading, call->ticket);
        reading_give(&reading, &call->replies.items[0], &call->value);
    }
    big_keys_note(call->cache, &call->key, call->value.len);
    return rc;
}

void call_finish_get(struct apphost_call *call, struct apphost_result *result)
{
    result->rc = 1;
    if (!call->is_local)
        result->rc = read_value(call);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0 && !call->is_local)
        cache_count_read(call->cache, result->rc == 1);
    result->data = call->value.data;
    result->len = call->value.len;
}

void call_finish_refresh(struct apphost_call *call, struct apphost_result *result)
{
    struct reading reading;

    result->rc = read_reply(call, &reading);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_REFRESHES, 1);
}

void call_finish_get_many(struct apphost_call *call, struct apphost_result *result)
{
    int hits = -1;
    if (!call->has_failed)
        hits = many_read(&call->many, &call->replies, call->values, &call->error);
    struct apphost_error failure = call->error;

    result->rc = many_finish(&call->many, hits, call->values, &failure, &call->error);
    if (result->rc < 0)
        return;
    result->values = call->values;
    result->count = call->value_count;
}

static void forget_written(struct apphost_call *call)
{
    if (!call->cache->level)
        return;
    if (!call->wrote)
        level_clear(call->cache->level);
    for (size_t i = 0; call->wrote && i < call->entries; i++)
        level_drop(call->cache->level, call->wrote[i]);
}

void call_finish_set(struct apphost_call *call, struct apphost_result *result)
{
    forget_written(call);
    if (!call->has_failed)
        result->rc = cache_check_replies(call->cache, &call->replies, &call->error);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_SETS, call->entries);
}

/* The one reply of a call, an integer. 0, -1. */
static int read_integer(struct apphost_call *call, int64_t *number)
{
    if (call->has_failed)
        return -1;
    if (call->replies.items[0]->type != RESP_INTEGER)
        return redis_fail_reply(call->redis, call->replies.items[0], &call->error);
    *number = call->replies.items[0]->integer;
    return 0;
}

void call_finish_remove(struct apphost_call *call, struct apphost_result *result)
{
    int64_t count = 0;

    level_one_forget(call->cache, call->key.hash);
    if (read_integer(call, &count) == 0)
        result->rc = count > 0;
    else
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_REMOVES, 1);
}

void call_finish_remove_many(struct apphost_call *call, struct apphost_result *result)
{
    removals_forget(&call->removals);
    if (!call->has_failed)
        result->rc = removals_read(&call->removals, &call->replies, call->outcomes, &call->error);
    struct apphost_error failure = call->error;

    if (result->rc < 0)
        result->rc = removals_give_up(&call->removals, call->outcomes, &failure, &call->error);
    result->outcomes = call->outcomes;
    result->count = call->removals.count;
}

void call_finish_remaining(struct apphost_call *call, struct apphost_result *result)
{
    int64_t left = 0;

    result->number = -1;
    if (read_integer(call, &left) < 0) {
        give_up(call, result, 0);
        return;
    }
    result->rc = left != -2;
    result->number = -1;
    if (left >= 0)
        result->number = left;
}

/* As the blocking one: fail-open absorbs nothing, for there is no sum to make up. */
void call_finish_increment(struct apphost_call *call, struct apphost_result *result)
{
    level_one_forget(call->cache, call->key.hash);
    if (!call->has_failed)
        result->rc =
            increment_finish(call->cache, &call->increment, &call->replies, &result->number, &call->error);
    if (result->rc < 0)
        cache_count(call->cache, COUNT_ERRORS, 1);
}

void call_finish_nothing(struct apphost_call *call, struct apphost_result *result)
{
    (void)call;
    result->rc = 0;
}

void call_finish_command(struct apphost_call *call, struct apphost_result *result)
{
    if (call->has_failed)
        return;
    if (call->replies.items[0]->type == RESP_ERROR) {
        redis_fail_reply(call->redis, call->replies.items[0], &call->error);
        return;
    }
    result->rc = 0;
    result->reply = (const struct apphost_reply *)call->replies.items[0];
}
