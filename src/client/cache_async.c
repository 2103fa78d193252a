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

/* Never waits, for this is the thread of a loop. */
static int read_reply(struct apphost_call *call, struct reading *reading)
{
    *reading = (struct reading){.is_sliding = false};
    if (call->has_failed)
        return -1;
    int rc = cache_decode(call->cache, call->replies.items[0], reading, &call->error);
    if (rc >= 0 && reading->is_sliding)
        cache_expire_later(call->cache, &call->key, reading->ttl_ms);
    return rc;
}

static void finish_get(struct apphost_call *call, struct apphost_result *result)
{
    struct reading reading;

    result->rc = read_reply(call, &reading);
    if (result->rc == 1) {
        call->value = reading.value;
        call->replies.items[0] = NULL; /* the value owns it */
    }
    if (result->rc < 0)
        give_up(call, result, 0);
    if (result->rc >= 0)
        cache_count(call->cache, result->rc ? COUNT_HITS : COUNT_MISSES, 1);
    result->data = call->value.data;
    result->len = call->value.len;
}

static void finish_refresh(struct apphost_call *call, struct apphost_result *result)
{
    struct reading reading;

    result->rc = read_reply(call, &reading);
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

static int timeout_of(const struct apphost_call *call, enum dial_role role)
{
    int timeout_ms = call->cache->options.timeout_ms;
    struct conn *conn = redis_conn(call->redis, role, NULL);

    if (!call->cache->options.read_from_replica || !conn)
        return timeout_ms;
    /* As in redis_run(): half for the replica, half for the primary. */
    if (timeout_ms <= 0)
        timeout_ms = option_number(conn_options(conn), OPT_ASYNC_TIMEOUT);
    return timeout_ms / 2 + 1;
}

/* Sends the call's words, its key after the first. */
static int send_words(struct apphost_call *call, struct apphost_error *error)
{
    const char *argv[5];
    size_t lens[5], argc = 0;

    for (size_t i = 0; call->words[i]; i++) {
        argv[argc] = call->words[i];
        lens[argc++] = strlen(call->words[i]);
        if (i > 0)
            continue;
        argv[argc] = call->key.data;
        lens[argc++] = call->key.len;
    }
    const struct batch batch = {.commands = &(struct command){argc, argv, lens},
                                .count = 1,
                                .is_idempotent = true,
                                .timeout_ms = timeout_of(call, call->role)};
    return call_send(call, &batch, error);
}

/* One more attempt with what was changed in the call; when it cannot even begin, the call fails with that. */
static bool send_again(struct apphost_call *call)
{
    struct apphost_error error;

    replies_free(&call->replies);
    if (send_words(call, &error) == 0)
        return true;
    call->has_failed = true;
    call->error = error;
    return false;
}

static bool try_primary(struct apphost_call *call)
{
    if (call->role == DIAL_PRIMARY || !call->has_failed)
        return false;
    call->role = DIAL_PRIMARY;
    return send_again(call);
}

static const char *const unlink_words[] = {"UNLINK", NULL}, *const delete_words[] = {"DEL", NULL};

static bool try_delete(struct apphost_call *call)
{
    struct apphost_error error = {0};

    if (call->words == delete_words || call->has_failed || call->replies.items[0]->type != RESP_ERROR)
        return false;
    redis_fail_reply(call->redis, call->replies.items[0], &error);
    if (!cache_lacks_unlink(&error))
        return false;
    atomic_store(&call->cache->has_no_unlink, true);
    call->words = delete_words;
    return send_again(call);
}

/* What fail-open may absorb, a breaker that is open, is delivered like a result; other failures are told at
 * once. */
static struct apphost_call *start_keyed(struct apphost_cache *cache, struct apphost_call *call,
                                        struct apphost_bytes key, const char *const words[],
                                        struct apphost_error *error)
{
    struct apphost_error failure;

    if (!call)
        return NULL;
    if (full_key_init(&call->key, cache, key, error) < 0) {
        call->key.data = call->key.small;
        call_free(call);
        return NULL;
    }
    call->cache = cache;
    call->redis = cache->redis;
    call->words = words;
    if (breaker_enter(cache, &failure) < 0)
        return call_fail_later(call, &failure);
    if (send_words(call, error) == 0)
        return call;
    call_free(call);
    return NULL;
}

struct apphost_call *apphost_cache_get_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             struct apphost_bytes key, apphost_result_fn done, void *user,
                                             struct apphost_error *error)
{
    static const char *const words[] = {"HMGET", "absexp", "sldexp", "data", NULL};
    struct apphost_call *call = call_new(queue, done, user, finish_get, error);
    struct conn *replica = call && cache && cache->options.read_from_replica
                               ? redis_conn(cache->redis, DIAL_REPLICA, NULL)
                               : NULL;

    if (replica && !conn_is_failing(replica)) {
        call->role = DIAL_REPLICA;
        call->again = try_primary;
    }
    return start_keyed(cache, call, key, words, error);
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
    struct apphost_error local = {0};

    for (;;) {
        bool is_old = cache && atomic_load(&cache->has_no_unlink);
        struct apphost_call *call = call_new(queue, done, user, finish_remove, &local);

        if (call)
            call->again = try_delete;
        call = start_keyed(cache, call, key, is_old ? delete_words : unlink_words, &local);
        if (call)
            return call;
        if (is_old || local.code != APPHOST_E_UNSUPPORTED)
            break;
        atomic_store(&cache->has_no_unlink, true); /* by the command map */
    }
    if (error)
        *error = local;
    return NULL;
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
        struct batch batch = {.commands = commands,
                              .count = cache_write_commands(cache, write, 1, commands),
                              .is_idempotent = true,
                              .timeout_ms = cache->options.timeout_ms};
        struct apphost_error failure;

        call = breaker_enter(cache, &failure) < 0 ? call_fail_later(call, &failure)
                                                  : call_start(call, &batch, error);
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
