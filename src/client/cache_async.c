/* The asynchronous operations: what each sends, and what it makes of the replies. */
#include "client/clock.h"
#include "client/fail.h"
#include "client/queue.h"

#include <stdlib.h>
#include <string.h>

/* A failure: absorbed as `absorbed` under fail-open, else -1 with the call's error. */
static void give_up(struct apphost_call *call, struct apphost_result *result, int absorbed)
{
    struct apphost_error failure = call->error;

    result->rc = cache_give_up(call->cache, &failure, absorbed, &call->error);
}

static void finish_get(struct apphost_call *call, struct apphost_result *result)
{
    if (!call->has_failed)
        result->rc = cache_read(call->cache, &call->key, call->replies.items[0], &call->value, &call->error);
    if (result->rc == 1)
        call->replies.items[0] = NULL; /* the value owns it */
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, result->rc ? COUNT_HITS : COUNT_MISSES, 1);
    result->data = call->value.data;
    result->len = call->value.len;
}

static void finish_refresh(struct apphost_call *call, struct apphost_result *result)
{
    if (!call->has_failed)
        result->rc = cache_read(call->cache, &call->key, call->replies.items[0], NULL, &call->error);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_REFRESHES, 1);
}

static void finish_set(struct apphost_call *call, struct apphost_result *result)
{
    if (!call->has_failed)
        result->rc = cache_write_check(call->cache, &call->replies, &call->error);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_SETS, 1);
}

static void finish_remove(struct apphost_call *call, struct apphost_result *result)
{
    const struct resp_reply *reply = call->has_failed ? NULL : call->replies.items[0];

    if (reply && reply->type == RESP_INTEGER)
        result->rc = reply->integer > 0;
    else if (reply)
        redis_fail_reply(call->redis, reply, &call->error);
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, COUNT_REMOVES, 1);
}

static void finish_command(struct apphost_call *call, struct apphost_result *result)
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

/* ---- Starting
 * ---------------------------------------------------------------------------------------------------- */

/* A failure that fail-open may absorb is delivered like a result; others are told at once. */
static struct apphost_call *start(struct apphost_call *call, const struct command *commands, size_t count,
                                  struct apphost_error *error)
{
    const struct batch batch = {
        .commands = commands, .count = count, .timeout_ms = call->cache->options.timeout_ms};
    struct apphost_error failure;

    if (breaker_enter(call->cache, &failure) < 0)
        return call_fail_later(call, &failure);
    return call_start(call, &batch, error);
}

static struct apphost_call *start_keyed(struct apphost_cache *cache, struct apphost_call *call,
                                        struct apphost_bytes key, const char *const words[],
                                        struct apphost_error *error)
{
    const char *argv[5];
    size_t lens[5], argc = 0;

    if (!call)
        return NULL;
    if (full_key_init(&call->key, cache, key, error) < 0) {
        call->key.data = call->key.small;
        call_free(call);
        return NULL;
    }
    call->cache = cache;
    call->redis = cache->redis;
    for (size_t i = 0; words[i]; i++) {
        argv[argc] = words[i];
        lens[argc++] = strlen(words[i]);
        if (i > 0)
            continue;
        argv[argc] = call->key.data;
        lens[argc++] = call->key.len;
    }
    return start(call, &(struct command){argc, argv, lens}, 1, error);
}

struct apphost_call *apphost_cache_get_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             struct apphost_bytes key, apphost_result_fn done, void *user,
                                             struct apphost_error *error)
{
    static const char *const words[] = {"HMGET", "absexp", "sldexp", "data", NULL};

    return start_keyed(cache, call_new(queue, done, user, finish_get, error), key, words, error);
}

struct apphost_call *apphost_cache_refresh_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                 struct apphost_bytes key, apphost_result_fn done, void *user,
                                                 struct apphost_error *error)
{
    static const char *const words[] = {"HMGET", "absexp", "sldexp", NULL};

    return start_keyed(cache, call_new(queue, done, user, finish_refresh, error), key, words, error);
}

struct apphost_call *apphost_cache_remove_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                struct apphost_bytes key, apphost_result_fn done, void *user,
                                                struct apphost_error *error)
{
    static const char *const words[] = {"UNLINK", NULL}, *const old[] = {"DEL", NULL};
    bool is_old = cache && atomic_load(&cache->has_no_unlink);

    return start_keyed(cache, call_new(queue, done, user, finish_remove, error), key, is_old ? old : words,
                       error);
}

struct apphost_call *apphost_cache_set_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             const struct apphost_entry *entry, apphost_result_fn done,
                                             void *user, struct apphost_error *error)
{
    struct command commands[CACHE_WRITE_COMMANDS];

    if (!cache || !entry) {
        fail_argument(error, cache ? "entry" : "cache", "is NULL");
        return NULL;
    }
    struct write *write = cache_write_new(cache, entry, error);
    struct apphost_call *call = write ? call_new(queue, done, user, finish_set, error) : NULL;
    if (call) {
        call->cache = cache;
        call->redis = cache->redis;
        call = start(call, commands, cache_write_commands(cache, write, 1, commands), error);
    }
    cache_write_free(write);
    return call;
}

struct apphost_call *apphost_redis_command_start(struct apphost_redis *redis, struct apphost_queue *queue,
                                                 const struct apphost_command *command,
                                                 apphost_result_fn done, void *user,
                                                 struct apphost_error *error)
{
    if (!redis || !command) {
        fail_argument(error, redis ? "command" : "redis", "is NULL");
        return NULL;
    }
    if (redis_check_command(redis, command, error) < 0)
        return NULL;
    struct apphost_call *call = call_new(queue, done, user, finish_command, error);
    if (!call)
        return NULL;
    call->redis = redis;
    const struct command one = {command->argc, command->argv, command->lens};
    return call_start(call, &(struct batch){.commands = &one, .count = 1}, error);
}
