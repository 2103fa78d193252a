/*
 * Creating a value of an entry of HybridCache, here or on a thread of the library's. Happy path: the lease,
 * the caller's function, the entry. A thread owns its making and its flight, and holds the host's life.
 */
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/lock.h"
#include "client_cache/hybrid.h"

#include <stdlib.h>
#include <string.h>

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
    struct dated dated = {.key = creation->key, .created = marks_now()};

    if (create(creation->cache, &making->how, value, error) < 0) {
        cache_count(creation->cache, COUNT_CREATE_FAILURES, 1);
        return -1;
    }
    cache_count(creation->cache, COUNT_CREATED, 1);
    dated.is_nothing = !value->data;
    if (!is_kept || (dated.is_nothing && !hybrid_keeps_nothing(creation->cache, &making->how)))
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

static int run_wanted(struct making *making, struct apphost_value *value, struct apphost_error *error)
{
    if (making->may_be_off && flight_is_off(making->creation.cache, making->flight))
        return fail_set(error, APPHOST_E_CANCELLED, "cancel", "creating a value was called off");
    trace_parent_use(&making->parent);
    int rc = making_run(making, value, error);
    if (rc < 0)
        log_write(making->creation.cache->redis->log, APPHOST_LOG_WARNING, LOG_CACHE,
                  "A value could not be created in the background: %s", error->text);
    return rc;
}

static void work(struct job *job)
{
    struct making *making = (struct making *)job;
    struct apphost_cache *cache = making->creation.cache;
    struct life *life = cache->redis->life;
    struct apphost_value value = {0};
    struct apphost_error error = {0};

    int rc = run_wanted(making, &value, &error);
    flight_land(cache, making->flight, rc, &value, &error);
    apphost_value_free(&value);
    making_free(making);
    life_release(life);
}

int making_start(struct making *making, struct flight *flight)
{
    struct apphost_cache *cache = making->creation.cache;

    life_hold(cache->redis->life);
    making->flight = flight;
    making->job = (struct job){.cache = cache, .work = work};
    flight_hand_over(cache, flight, making->creation.key);
    if (makers_begin(&making->job, MAKERS_CREATE) == 0)
        return 0;
    life_release(cache->redis->life);
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
    making->may_be_off = false;
    return making;
}

void making_free(struct making *making)
{
    hybrid_release(&making->how);
    free(making);
}
