/*
 * The asynchronous operations: starting them. What is made of the replies is in cache_async_finish.c.
 *
 * Happy path: a start function makes a call, launch() hands its batch to the connection; dispatch lets
 * `again` have a look (another server, another command?) and then `finish` make the result, before the
 * callback. Failures: what is wrong with the arguments is told at once, and so is a connection that takes
 * nothing, unless fail-open or the primary is still to have its say; everything else goes through `finish`.
 */
#include "client_cache/cache_async.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"

#include <stdlib.h>
#include <string.h>

static const char *const unlink_words[] = {"UNLINK", NULL}, *const delete_words[] = {"DEL", NULL};

static bool try_primary(struct apphost_call *call);

/* As in redis_run(): half for the replica, and what it has not used up for the primary. */
static int timeout_of(const struct apphost_call *call)
{
    int timeout_ms = call->cache->options.timeout_ms;

    if (call->again != try_primary || redis_is_cluster(call->redis))
        return timeout_ms;
    if (timeout_ms <= 0)
        timeout_ms = option_number(call->redis->options, OPT_ASYNC_TIMEOUT);
    if (call->role == DIAL_REPLICA)
        return timeout_ms / 2 + 1;
    int64_t left = timeout_ms - (clock_us() - call->started_us) / 1000;
    return (int)set_or(left, 1);
}

struct keyed {
    struct conn_command command;
    const char *argv[5];
    size_t lens[5];
};

/* What the call asks: its many keys, or its words with the key after the first, which `keyed` is for. */
static struct batch question_of(const struct apphost_call *call, struct keyed *keyed)
{
    struct batch batch = {.commands = call->many.commands,
                          .count = call->many.count,
                          .is_idempotent = true,
                          .is_read = call->words != unlink_words && call->words != delete_words,
                          .timeout_ms = timeout_of(call)};
    size_t argc = 0;

    if (call->removals.count > 0) {
        batch.commands = call->removals.commands;
        batch.count = call->removals.count;
        batch.is_each = true;
    }
    if (batch.count > 0)
        return batch;
    batch.key = call->key.hash;
    for (size_t i = 0; call->words[i]; i++) {
        keyed->argv[argc] = call->words[i];
        keyed->lens[argc++] = strlen(call->words[i]);
        if (i > 0)
            continue;
        keyed->argv[argc] = call->key.data;
        keyed->lens[argc++] = call->key.len;
    }
    keyed->command = (struct conn_command){argc, keyed->argv, keyed->lens};
    batch.commands = &keyed->command;
    batch.count = 1;
    return batch;
}

/* One more attempt with what was changed in the call; when it cannot even begin, the call fails with that. */
static bool send_again(struct apphost_call *call)
{
    struct apphost_error error;
    struct keyed keyed;
    const struct batch batch = question_of(call, &keyed);

    replies_free(&call->replies);
    if (call_send(call, &batch, &error) == 0)
        return true;
    call->has_failed = true;
    call->error = error;
    return false;
}

/* An open circuit breaker speaks for both. */
static bool try_primary(struct apphost_call *call)
{
    bool is_refused = !call->has_failed && redis_wants_primary(&call->replies);

    if (call->role != DIAL_REPLICA || call->error.code == APPHOST_E_OPEN ||
        (!call->has_failed && !is_refused))
        return false;
    call->role = DIAL_PRIMARY;
    return send_again(call);
}

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
    removals_use(&call->removals, delete_words[0]);
    return send_again(call);
}

static struct apphost_call *new_call(struct apphost_cache *cache, struct apphost_call *call,
                                     struct apphost_error *error)
{
    if (!call)
        return NULL;
    if (!cache) {
        fail_argument(error, "cache", "is NULL");
        call_free(call);
        return NULL;
    }
    call->cache = cache;
    call_belongs_to(call, cache->redis);
    return call;
}

/* It reads: from a replica first, where that is wanted and there is one. */
static void aim_at_replica(struct apphost_call *call)
{
    if (cache_read_role(call->cache) != DIAL_REPLICA)
        return;
    if (!redis_is_cluster(call->redis)) {
        struct conn *replica = redis_conn(call->redis, DIAL_REPLICA, NULL);

        if (!replica || conn_is_failing(replica) || conn_is_clogged(replica))
            return;
    }
    call->role = DIAL_REPLICA;
    call->again = try_primary;
}

/* Through the breaker to the connection. NULL (freed) when that takes nothing; but what `again` or fail-open
 * may mend, and an open breaker, is delivered like a result. */
static struct apphost_call *launch(struct apphost_call *call, const struct batch *batch,
                                   struct apphost_error *error)
{
    struct apphost_error failure;

    if (breaker_enter(call->cache, &failure) < 0)
        return call_fail_later(call, &failure);
    if (call_send(call, batch, &failure) == 0)
        return call;
    if (is_outage(failure.code) && (call->cache->options.fail_open || call->role == DIAL_REPLICA))
        return call_fail_later(call, &failure);
    cache_finish(call->cache, call->started_us, &failure);
    call_free(call);
    if (error)
        *error = failure;
    return NULL;
}

/* The value is in level one; else the server is to be asked, on the lane that the key is known for. */
static bool is_here(struct apphost_call *call)
{
    call->is_local = level_one_get(call->cache, &call->key, &call->value);
    if (call->is_local)
        return true;
    call->ticket = level_one_ticket(call->cache, &call->key);
    if (call->role == DIAL_PRIMARY)
        call->role = big_keys_lane(call->cache, &call->key);
    return false;
}

static struct apphost_call *launch_keyed(struct apphost_call *call, struct apphost_bytes key,
                                         const char *const words[], struct apphost_error *error)
{
    struct keyed keyed;

    if (!call)
        return NULL;
    call->words = words;
    if (full_key_init(&call->key, call->cache, key, error) < 0) {
        call_free(call);
        return NULL;
    }
    if (call->finish == call_finish_get && is_here(call))
        return call_ready(call);
    const struct batch batch = question_of(call, &keyed);
    return launch(call, &batch, error);
}

struct apphost_call *apphost_cache_get_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             struct apphost_bytes key, apphost_result_fn done, void *user,
                                             struct apphost_error *error)
{
    static const char *const words[] = {"HMGET", "absexp", "sldexp", "data", NULL};
    struct apphost_call *call = new_call(cache, call_new(queue, done, user, call_finish_get, error), error);

    if (call)
        aim_at_replica(call);
    return launch_keyed(call, key, words, error);
}

struct apphost_call *apphost_cache_refresh_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                 struct apphost_bytes key, apphost_result_fn done, void *user,
                                                 struct apphost_error *error)
{
    static const char *const words[] = {"HMGET", "absexp", "sldexp", NULL};

    return launch_keyed(new_call(cache, call_new(queue, done, user, call_finish_refresh, error), error), key,
                        words, error);
}

struct apphost_call *apphost_cache_remaining_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                   struct apphost_bytes key, apphost_result_fn done,
                                                   void *user, struct apphost_error *error)
{
    static const char *const words[] = {"PTTL", NULL};

    return launch_keyed(new_call(cache, call_new(queue, done, user, call_finish_remaining, error), error),
                        key, words, error);
}

/* What is removed, and how that is begun: by UNLINK, or by DEL where the server has none. */
struct removing {
    struct apphost_cache *cache;
    struct apphost_queue *queue;
    apphost_result_fn done;
    void *user;
    struct apphost_bytes key;        /* one */
    const struct apphost_keys *keys; /* or many */
    struct apphost_call *(*begin)(const struct removing *removing, const char *const words[],
                                  struct apphost_error *error);
};

static struct apphost_call *launch_removing(const struct removing *removing, struct apphost_error *error)
{
    struct apphost_cache *cache = removing->cache;
    struct apphost_error local = {0};

    for (;;) {
        bool is_old = cache && atomic_load(&cache->has_no_unlink);
        struct apphost_call *call = removing->begin(removing, is_old ? delete_words : unlink_words, &local);

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

static struct apphost_call *begin_remove(const struct removing *removing, const char *const words[],
                                         struct apphost_error *error)
{
    struct apphost_call *call =
        call_new(removing->queue, removing->done, removing->user, call_finish_remove, error);

    call = new_call(removing->cache, call, error);
    if (call)
        call->again = try_delete;
    return launch_keyed(call, removing->key, words, error);
}

struct apphost_call *apphost_cache_remove_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                struct apphost_bytes key, apphost_result_fn done, void *user,
                                                struct apphost_error *error)
{
    const struct removing removing = {
        .cache = cache, .queue = queue, .done = done, .user = user, .key = key, .begin = begin_remove};

    return launch_removing(&removing, error);
}

/* Nothing to do, which is said from the queue all the same. */
static struct apphost_call *call_nothing(struct apphost_call *call)
{
    call->cache = NULL;
    call->finish = call_finish_nothing;
    return call_ready(call);
}

static int check_keys(const struct apphost_keys *keys, struct apphost_error *error)
{
    if (!keys || (!keys->items && keys->count > 0))
        return fail_argument(error, "keys", "is NULL");
    return 0;
}

/* The keys, and room for what becomes of them. 0, -1. */
static int take_removals(struct apphost_call *call, const struct apphost_keys *keys,
                         struct apphost_error *error)
{
    if (check_keys(keys, error) < 0)
        return -1;
    if (keys->count == 0)
        return 0;
    call->outcomes = calloc(keys->count, sizeof(*call->outcomes));
    if (!call->outcomes)
        return fail_memory(error);
    return removals_init(&call->removals, call->cache, keys->items, keys->count, error);
}

static struct apphost_call *begin_removals(const struct removing *removing, const char *const words[],
                                           struct apphost_error *error)
{
    const struct apphost_keys *keys = removing->keys;
    struct keyed unused;
    struct apphost_call *call =
        call_new(removing->queue, removing->done, removing->user, call_finish_remove_many, error);

    call = new_call(removing->cache, call, error);
    if (!call || take_removals(call, keys, error) < 0) {
        call_free(call);
        return NULL;
    }
    if (keys->count == 0)
        return call_nothing(call);
    call->again = try_delete;
    call->words = words;
    removals_use(&call->removals, words[0]);
    const struct batch batch = question_of(call, &unused);
    return launch(call, &batch, error);
}

struct apphost_call *apphost_cache_remove_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                     const struct apphost_keys *keys, apphost_result_fn done,
                                                     void *user, struct apphost_error *error)
{
    const struct removing removing = {
        .cache = cache, .queue = queue, .done = done, .user = user, .keys = keys, .begin = begin_removals};

    return launch_removing(&removing, error);
}

/* The keys, and room for their values. 0, -1. */
static int take_keys(struct apphost_call *call, const struct apphost_keys *keys, struct apphost_error *error)
{
    if (check_keys(keys, error) < 0)
        return -1;
    if (keys->count == 0)
        return 0;
    call->values = calloc(keys->count, sizeof(*call->values));
    if (!call->values)
        return fail_memory(error);
    if (many_init(&call->many, call->cache, keys->items, keys->count, call->values, error) < 0)
        return -1;
    call->value_count = keys->count;
    call->many.expire = cache_expire_later;
    return 0;
}

struct apphost_call *apphost_cache_get_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                  const struct apphost_keys *keys, apphost_result_fn done,
                                                  void *user, struct apphost_error *error)
{
    struct apphost_call *call =
        new_call(cache, call_new(queue, done, user, call_finish_get_many, error), error);
    struct keyed unused;

    if (!call || take_keys(call, keys, error) < 0) {
        call_free(call);
        return NULL;
    }
    if (keys->count == 0)
        return call_nothing(call);
    if (call->many.count == 0) {
        call->is_local = true; /* all of it was in level one */
        return call_ready(call);
    }
    aim_at_replica(call);
    if (call->role == DIAL_PRIMARY)
        call->role = many_lane(&call->many);
    const struct batch batch = question_of(call, &unused);
    return launch(call, &batch, error);
}

/* NULL where there is no level one, or no memory: then all of it is forgotten. */
static uint64_t *hashes_of(const struct apphost_cache *cache, const struct writes *writes)
{
    uint64_t *hashes = NULL;

    if (cache->level)
        hashes = malloc(writes->count * sizeof(*hashes));
    for (size_t i = 0; hashes && i < writes->count; i++)
        hashes[i] = writes->items[i].key.hash;
    return hashes;
}

struct apphost_call *apphost_cache_set_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                  const struct apphost_entries *entries,
                                                  apphost_result_fn done, void *user,
                                                  struct apphost_error *error)
{
    struct apphost_call *call = new_call(cache, call_new(queue, done, user, call_finish_set, error), error);
    struct writes writes;

    if (call && (!entries || (!entries->items && entries->count > 0))) {
        fail_argument(error, "entries", "is NULL");
        call_free(call);
        return NULL;
    }
    if (!call)
        return NULL;
    if (entries->count == 0)
        return call_nothing(call);
    if (writes_init(&writes, cache, entries->items, entries->count, error) < 0) {
        call_free(call);
        return NULL;
    }
    call->entries = entries->count;
    call->wrote = hashes_of(cache, &writes);
    struct batch batch = writes_batch(&writes);
    batch.is_idempotent = true;
    batch.timeout_ms = cache->options.timeout_ms;
    writes_note(cache, &writes);
    call = launch(call, &batch, error);
    writes_fini(&writes);
    return call;
}

struct apphost_call *apphost_cache_set_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             const struct apphost_entry *entry, apphost_result_fn done,
                                             void *user, struct apphost_error *error)
{
    const struct apphost_entries one = {entry, 1};

    if (cache && !entry) {
        fail_argument(error, "entry", "is NULL");
        return NULL;
    }
    return apphost_cache_set_many_start(cache, queue, &one, done, user, error);
}

struct apphost_call *apphost_cache_increment_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                   const struct apphost_increment *increment,
                                                   apphost_result_fn done, void *user,
                                                   struct apphost_error *error)
{
    struct apphost_call *call =
        new_call(cache, call_new(queue, done, user, call_finish_increment, error), error);
    struct increment_wire wire;

    if (call && !increment)
        fail_argument(error, "increment", "is NULL");
    if (!call || !increment || increment_init(&call->increment, cache, increment->expiry, error) < 0 ||
        full_key_init(&call->key, cache, increment->key, error) < 0) {
        call_free(call);
        return NULL;
    }
    call->increment.key = &call->key;
    call->increment.expire = cache_expire_later;
    if (increment_encode(&call->increment, increment->by, &wire, error) < 0) {
        call_free(call);
        return NULL;
    }
    struct batch batch = cache_batch(&call->key, wire.commands, wire.count);
    batch.timeout_ms = cache->options.timeout_ms;
    call = launch(call, &batch, error);
    increment_wire_fini(&wire);
    return call;
}
