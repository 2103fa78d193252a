/*
 * Creating a value of an entry of HybridCache, here or on a thread of the library's. Happy path: the lease,
 * the caller's function, the entry. A thread owns its making and its flight, and holds the host's life. An
 * asynchronous call is the blocking one on a thread, which owns the call until it is in its queue.
 */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/lock.h"
#include "client_base/thread.h"
#include "client_cache/hybrid.h"
#include "client_cache/queue.h"

#include <stdlib.h>
#include <string.h>

enum { MAKERS_MOST = 64 };

struct making {
    struct creation creation;
    struct apphost_hybrid how;
    struct trace_parent parent; /* of what asked for it */
    int64_t seen;
    struct flight *flight;       /* of one on a thread */
    struct apphost_bytes tags[]; /* then the bytes of tags and key */
};

void hybrid_release(const struct apphost_hybrid *how)
{
    user_code();
    if (how->release)
        how->release(how->user);
}

/* ---- Creating ---- */

/* 1, 0, -1: only what is newer than what there was. */
static int look(const struct creation *creation, struct apphost_value *value, struct apphost_error *error)
{
    const struct making *making = creation->how;
    struct finding finding;

    if (hybrid_look(creation->cache, creation->key, &making->how, &finding, error) < 0)
        return -1;
    if (finding.state == HYBRID_FRESH && finding.created > making->seen) {
        *value = finding.value;
        return 1;
    }
    apphost_value_free(&finding.value);
    return 0;
}

/* The caller's function. 0 with a value, or with none where there is nothing; -1. */
static int create(struct apphost_cache *cache, const struct apphost_hybrid *how, struct apphost_value *value,
                  struct apphost_error *error)
{
    int rc = creation_call(cache, how->create, how->user, value, error);

    return failed_or_0(rc);
}

static int make(const struct creation *creation, bool is_kept, struct apphost_value *value,
                struct apphost_error *error)
{
    const struct making *making = creation->how;
    struct dated dated = {creation->key, {NULL, 0}, marks_now()};

    if (create(creation->cache, &making->how, value, error) < 0) {
        cache_count(creation->cache, COUNT_CREATE_FAILURES, 1);
        return -1;
    }
    cache_count(creation->cache, COUNT_CREATED, 1);
    if (!is_kept || !value->data)
        return 0;
    dated.data = apphost_bytes(value->data, value->len);
    if (hybrid_write(creation->cache, &dated, &making->how, error) == 0)
        return 0;
    apphost_value_free(value);
    return -1;
}

int making_run(struct making *making, struct apphost_value *value, struct apphost_error *error)
{
    return creation_run(&making->creation, value, error);
}

/* ---- On a thread ---- */

static void *work(void *user)
{
    struct making *making = user;
    struct apphost_cache *cache = making->creation.cache;
    struct life *life = cache->redis->life;
    struct apphost_value value = {0};
    struct apphost_error error = {0};

    trace_parent_use(&making->parent);
    int rc = making_run(making, &value, &error);
    flight_land(cache, making->flight, rc, &value, &error);
    apphost_value_free(&value);
    if (rc < 0)
        log_write(cache->redis->log, APPHOST_LOG_WARNING, LOG_CACHE,
                  "A value could not be created in the background: %s", error.text);
    making_free(making);
    atomic_fetch_sub(&cache->makers, 1);
    life_release(life);
    return NULL;
}

int making_start(struct making *making, struct flight *flight)
{
    struct apphost_cache *cache = making->creation.cache;

    if (atomic_fetch_add(&cache->makers, 1) < MAKERS_MOST) {
        life_hold(cache->redis->life);
        making->flight = flight;
        flight_hand_over(cache, flight, making->creation.key);
        if (thread_start(work, making) == 0)
            return 0;
        life_release(cache->redis->life);
    }
    atomic_fetch_sub(&cache->makers, 1);
    return -1;
}

/* ---- Life ---- */

static char *copy_bytes(char *at, struct apphost_bytes from, struct apphost_bytes *to)
{
    if (from.len > 0)
        memcpy(at, from.data, from.len);
    *to = apphost_bytes(at, from.len);
    return at + from.len;
}

struct making *making_new(struct apphost_cache *cache, struct apphost_bytes key,
                          const struct apphost_hybrid *how, int64_t seen)
{
    size_t size = sizeof(struct making) + how->tag_count * sizeof(struct apphost_bytes) + key.len + 1;

    for (size_t i = 0; i < how->tag_count; i++)
        size += how->tags[i].len;
    struct making *making = malloc(size);
    if (!making)
        return NULL;

    char *at = (char *)(making->tags + how->tag_count);
    making->how = *how;
    making->how.tags = making->tags;
    for (size_t i = 0; i < how->tag_count; i++)
        at = copy_bytes(at, how->tags[i], &making->tags[i]);
    copy_bytes(at, key, &making->creation.key);
    making->creation.cache = cache;
    making->creation.how = making;
    making->creation.lease_ms = how->lease_ms;
    making->creation.look = look;
    making->creation.make = make;
    making->parent = trace_parent_of_thread();
    making->seen = seen;
    making->flight = NULL;
    return making;
}

void making_free(struct making *making)
{
    hybrid_release(&making->how);
    free(making);
}

/* ---- The whole call on a thread ---- */

/* It has its own copy of the request, and says itself that `user` is free. */
static void *work_call(void *user)
{
    struct apphost_call *call = user;
    struct making *making = call->making;
    struct apphost_cache *cache = call->cache;

    trace_parent_use(&making->parent);
    call->made =
        apphost_hybrid_get_or_create(cache, making->creation.key, &making->how, &call->value, &call->error);
    call->has_failed = call->made < 0;
    free(making);
    call->making = NULL;
    atomic_fetch_sub(&cache->makers, 1);
    call_ready(call);
    return NULL;
}

static void finish_call(struct apphost_call *call, struct apphost_result *result)
{
    result->rc = call->made;
    result->data = call->value.data;
    result->len = call->value.len;
}

static int start_call(struct apphost_call *call, const struct apphost_hybrid_request *request,
                      struct apphost_error *error)
{
    struct apphost_cache *cache = call->cache;
    int rc = 0;

    call->making = making_new(cache, request->key, &request->how, 0);
    if (!call->making)
        return fail_memory(error);
    if (atomic_fetch_add(&cache->makers, 1) >= MAKERS_MOST)
        rc = fail_set(error, APPHOST_E_BUSY, "create", "%d creations are under way", MAKERS_MOST);
    else if (thread_start(work_call, call) < 0)
        rc = fail_set(error, APPHOST_E_MEMORY, NULL, "no thread can be had");
    if (rc == 0)
        return 0;
    atomic_fetch_sub(&cache->makers, 1);
    free(call->making);
    call->making = NULL;
    return -1;
}

static int begin_call(struct apphost_call *call, const struct apphost_hybrid_request *request,
                      struct apphost_error *error)
{
    struct finding finding;

    if (hybrid_check(call->cache, &request->how, error) < 0)
        return -1;
    const struct apphost_hybrid told = hybrid_told(call->cache, &request->how);
    if (!hybrid_peek(call->cache, request->key, &told, &finding))
        return start_call(call, request, error);
    call->made = APPHOST_FRESH;
    call->value = finding.value;
    hybrid_release(&request->how);
    call_ready(call);
    return 0;
}

struct apphost_call *apphost_hybrid_get_or_create_start(struct apphost_cache *cache,
                                                        struct apphost_queue *queue,
                                                        const struct apphost_hybrid_request *request,
                                                        apphost_result_fn done, void *user,
                                                        struct apphost_error *error)
{
    struct apphost_call *call = NULL;

    if (!request) {
        fail_argument(error, "request", "is NULL");
        return NULL;
    }
    if (!cache)
        fail_argument(error, "cache", "is NULL");
    else
        call = call_new(queue, done, user, finish_call, error);
    if (call) {
        call->cache = cache;
        call->is_local = true; /* what it asks is counted where it is asked */
        call_belongs_to(call, cache->redis);
    }

    if (call && begin_call(call, request, error) == 0)
        return call;
    hybrid_release(&request->how);
    call_free(call);
    return NULL;
}
