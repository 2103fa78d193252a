/*
 * Get-or-create, without a stampede.
 *
 * In the process: the first caller that misses owns a *flight*; later callers of the same key wait for it and
 * copy its result. Across processes: the owner takes a lease (SET key:lease NX PX); who does not get it polls
 * for the entry until it is there, the lease is gone, or its time is up. Every failure on the way leads to
 * creating: the worst case is two creators, never none.
 *
 * That there is no value can be kept as well, as an entry without data, which .NET and a plain get take for a
 * miss. Who did not ask for that creates, as if it was none.
 *
 * The lease is given back with a plain delete, and only in the first half of its time: then it is still ours
 * by any clock, and no script is needed that an ACL might forbid.
 */
#include "client_cache/cache.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_LEASE_MS = 10000, POLL_LEAST_MS = 5, POLL_MOST_MS = 100 };

struct flight {
    struct flight *next;
    struct apphost_bytes key;
    size_t users; /* the owner and its waiters; the last frees */
    bool is_over;
    int rc;
    struct apphost_value value;
    struct apphost_error error;
};

/* ---- Flights ---- */

static struct flight *find_flight(struct apphost_cache *cache, struct apphost_bytes key)
{
    struct flight *at = cache->flights;

    while (at && (at->is_over || at->key.len != key.len || memcmp(at->key.data, key.data, key.len) != 0))
        at = at->next;
    return at;
}

/* Joins the flight of this key or begins one; NULL when memory is out. */
static struct flight *join(struct apphost_cache *cache, struct apphost_bytes key, bool *is_owner)
{
    lock_take(&cache->flights_lock);
    struct flight *flight = find_flight(cache, key);
    *is_owner = !flight;
    if (!flight && (flight = calloc(1, sizeof(*flight)))) {
        flight->key = key; /* the owner's: it outlives the time in which anybody looks at it */
        flight->next = cache->flights;
        cache->flights = flight;
    }
    if (flight)
        flight->users++;
    lock_drop(&cache->flights_lock);
    return flight;
}

static void release_locked(struct flight *flight)
{
    if (--flight->users > 0)
        return;
    apphost_value_free(&flight->value);
    free(flight);
}

static void land(struct apphost_cache *cache, struct flight *flight, int rc,
                 const struct apphost_value *value, const struct apphost_error *error)
{
    lock_take(&cache->flights_lock);
    struct flight **at = &cache->flights;
    while (*at != flight)
        at = &(*at)->next;
    *at = flight->next;
    flight->is_over = true;
    flight->rc = rc;
    if (rc < 0)
        flight->error = *error;
    else if (flight->users > 1 && value->data && value_copy(&flight->value, value->data, value->len) < 0)
        flight->rc = fail_memory(&flight->error);
    pthread_cond_broadcast(&cache->flights_changed);
    release_locked(flight);
    lock_drop(&cache->flights_lock);
}

/* 0 with a copy of the owner's result, -1 with its error; -2 when it took too long. */
static int ride(struct apphost_cache *cache, struct flight *flight, int64_t deadline_ms,
                struct apphost_value *value, struct apphost_error *error)
{
    struct timespec deadline = {deadline_ms / 1000, (deadline_ms % 1000) * 1000000};
    int rc = 0;

    lock_take(&cache->flights_lock);
    while (!flight->is_over && rc == 0)
        rc = pthread_cond_timedwait(&cache->flights_changed, &cache->flights_lock, &deadline);
    rc = -2;
    if (flight->is_over)
        rc = flight->rc;
    if (rc == -1)
        *error = flight->error;
    else if (rc >= 0 && flight->value.data && value_copy(value, flight->value.data, flight->value.len) < 0)
        rc = fail_memory(error);
    release_locked(flight);
    lock_drop(&cache->flights_lock);
    if (rc > 0)
        return 0;
    return rc;
}

/* ---- The lease ---- */

struct lease {
    struct full_key key;
    char token[24]; /* whose it is */
    int64_t taken_ms;
    int length_ms;
    bool is_held;
};

static int lease_init(struct lease *lease, struct apphost_cache *cache, struct apphost_bytes key,
                      int length_ms, struct apphost_error *error)
{
    static const char suffix[] = ":lease";
    struct full_key plain;
    char *joined;

    *lease = (struct lease){.length_ms = length_ms};
    snprintf(lease->token, sizeof(lease->token), "%016llx", (unsigned long long)clock_random(UINT64_MAX));
    if (full_key_init(&plain, cache, key, error) < 0)
        return -1;
    joined = malloc(plain.len + sizeof(suffix));
    if (joined) {
        memcpy(joined, plain.data, plain.len);
        memcpy(joined + plain.len, suffix, sizeof(suffix));
        lease->key.data = joined;
        lease->key.len = plain.len + sizeof(suffix) - 1;
        lease->key.hash = conn_hash_key(joined, lease->key.len);
    }
    full_key_fini(&plain);
    if (joined)
        return 0;
    return fail_memory(error);
}

/* The answers to SET NX and GET: 1 taken, 0 somebody else has it, -1. */
static int judge_lease(const struct lease *lease, struct apphost_cache *cache, const struct replies *replies,
                       struct apphost_error *error)
{
    const struct resp_reply *taken = replies->items[0], *owner = replies->items[1];

    if (taken->type == RESP_STATUS)
        return 1;
    if (taken->type != RESP_NIL)
        return redis_fail_reply(cache->redis, taken, error);
    /* The connection was lost after a first SET had come through: it was ours. */
    return resp_reply_is(owner, lease->token);
}

/* 1 taken, 0 somebody else has it, -1. May be sent twice: whose the lease is says the GET. */
static int lease_take(struct lease *lease, struct apphost_cache *cache, struct apphost_error *error)
{
    char length[24];
    const char *const set[] = {"SET", lease->key.data, lease->token, "NX", "PX", length};
    const char *const get[] = {"GET", lease->key.data};
    struct replies replies;

    snprintf(length, sizeof(length), "%d", lease->length_ms);
    const size_t set_lens[] = {3, lease->key.len, strlen(lease->token), 2, 2, strlen(length)};
    const size_t get_lens[] = {3, lease->key.len};
    const struct command commands[] = {{6, set, set_lens}, {2, get, get_lens}};
    const struct batch batch = cache_batch(&lease->key, commands, 2);
    lease->taken_ms = clock_ms();
    if (cache_call(cache, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    int rc = judge_lease(lease, cache, &replies, error);
    replies_free(&replies);
    lease->is_held = rc == 1;
    return rc;
}

static void lease_fini(struct lease *lease, struct apphost_cache *cache)
{
    const char *const argv[] = {"DEL", lease->key.data};
    const size_t lens[] = {3, lease->key.len};
    const struct command command = {2, argv, lens};

    if (lease->is_held && clock_ms() - lease->taken_ms < lease->length_ms / 2)
        redis_post(cache->redis, &command, lease->key.hash);
    free(lease->key.data);
}

/* ---- Creating ---- */

/* 0 with a value, 1 there is none, -1. */
static int create_value(const struct apphost_create *create, struct apphost_value *value,
                        struct apphost_error *error)
{
    void *data = NULL;
    size_t len = 0;

    fail_set(error, APPHOST_E_ARGUMENT, "create", "the value could not be created");
    user_code();
    int rc = create->create(create->user, &data, &len, error);
    if (rc == 0 && value_copy(value, data ? data : "", len) < 0)
        rc = fail_memory(error);
    free(data);
    if (rc == APPHOST_NOTHING && create->nothing_ms > 0)
        return 1;
    if (rc == 0)
        return 0;
    return -1;
}

/* An entry without data: MULTI, DEL, HMSET, PEXPIRE, EXEC. */
static int send_nothing(struct apphost_cache *cache, const struct full_key *key,
                        const struct apphost_create *create, struct apphost_error *error)
{
    struct entry_plan plan;
    char absolute[24], ttl[24];

    if (entry_plan(apphost_expire_in(create->nothing_ms), clock_unix_ms(), true, &plan, error) < 0)
        return -1;
    snprintf(absolute, sizeof(absolute), "%lld", (long long)plan.absolute_ticks);
    snprintf(ttl, sizeof(ttl), "%lld", (long long)plan.ttl_ms);
    const char *const multi[] = {"MULTI"}, *const del[] = {"DEL", key->data}, *const exec[] = {"EXEC"};
    const char *const hmset[] = {"HMSET", key->data, "absexp", absolute, "sldexp", "-1"};
    const char *const expire[] = {"PEXPIRE", key->data, ttl};
    const size_t one[] = {5}, del_lens[] = {3, key->len}, end[] = {4};
    const size_t hmset_lens[] = {5, key->len, 6, strlen(absolute), 6, 2};
    const size_t expire_lens[] = {7, key->len, strlen(ttl)};
    const struct command commands[] = {{1, multi, one},
                                       {2, del, del_lens},
                                       {6, hmset, hmset_lens},
                                       {3, expire, expire_lens},
                                       {1, exec, end}};
    const struct batch batch = cache_batch(key, commands, 5);
    struct replies replies;

    if (cache_call(cache, DIAL_PRIMARY, &batch, &replies, error) < 0)
        return -1;
    int rc = cache_check_replies(cache, &replies, error);
    replies_free(&replies);
    return rc;
}

static int keep_nothing(struct apphost_cache *cache, struct apphost_bytes key,
                        const struct apphost_create *create, struct apphost_error *error)
{
    struct apphost_error local;
    struct full_key full;

    if (cache->options.strict_wire)
        return 0; /* .NET has no such entries */
    if (full_key_init(&full, cache, key, error) < 0)
        return -1;
    int rc = send_nothing(cache, &full, create, &local);
    level_one_forget(cache, full.hash);
    full_key_fini(&full);
    if (rc < 0)
        return cache_give_up(cache, &local, 0, error);
    return 0;
}

/* What was created at one time does not end at one time. */
static struct apphost_expiry jittered(const struct apphost_create *create)
{
    struct apphost_expiry expiry = create->expiry;

    if (create->jitter_ms > 0 && (expiry.flags & APPHOST_RELATIVE) &&
        expiry.relative_ms < INT64_MAX - create->jitter_ms)
        expiry.relative_ms += (int64_t)clock_random((uint64_t)create->jitter_ms + 1);
    return expiry;
}

/* Is it there, or is it known that it is not? 1, 0, -1. */
static int look(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_create *create,
                struct apphost_value *value, struct apphost_error *error)
{
    bool is_nothing;
    int rc = cache_get(cache, key, value, &is_nothing, error);

    if (rc == 0 && is_nothing && create->nothing_ms > 0)
        return 1;
    return rc;
}

static int create_and_set(struct apphost_cache *cache, struct apphost_bytes key,
                          const struct apphost_create *create, struct apphost_value *value,
                          struct apphost_error *error)
{
    int rc = create_value(create, value, error);

    if (rc < 0)
        return -1;
    if (rc > 0)
        return keep_nothing(cache, key, create, error);
    if (apphost_cache_set(cache, key, value->data, value->len, jittered(create), error) == 0)
        return 0;
    apphost_value_free(value);
    return -1;
}

/* Polls while another process creates. 1 with its value, 0 when it is this caller's turn: the lease is taken,
 * its time is up, or there is no way to Redis. */
static int await_other(struct apphost_cache *cache, struct apphost_bytes key,
                       const struct apphost_create *create, struct lease *lease, struct apphost_value *value)
{
    int64_t deadline = clock_ms() + lease->length_ms;
    int pause_ms = POLL_LEAST_MS;
    struct apphost_error ignored;

    while (clock_left(deadline) > 0) {
        poll(NULL, 0, pause_ms + (int)clock_random((uint64_t)pause_ms));
        if (pause_ms * 2 > POLL_MOST_MS)
            pause_ms = POLL_MOST_MS;
        else
            pause_ms = pause_ms * 2;
        int rc = look(cache, key, create, value, &ignored);
        if (rc != 0)
            return rc > 0;
        if (lease_take(lease, cache, &ignored) != 0)
            return 0;
    }
    return 0;
}

/* The owner's part. 0 with a value, -1. */
static int fly(struct apphost_cache *cache, struct apphost_bytes key, const struct apphost_create *create,
               struct apphost_value *value, struct apphost_error *error)
{
    struct apphost_error ignored;
    struct lease lease;
    int found = 0;

    if (lease_init(&lease, cache, key, create->lease_ms > 0 ? create->lease_ms : DEFAULT_LEASE_MS, error) < 0)
        return -1;
    int taken = lease_take(&lease, cache, &ignored), rc;
    if (taken < 0 && cache_absorb(cache, &ignored)) {
        /* No way to Redis: asking it once more would only cost another timeout. */
        rc = create_value(create, value, error);
        lease_fini(&lease, cache);
        return rc < 0 ? rc : 0;
    }
    if (taken == 0)
        found = await_other(cache, key, create, &lease, value);
    /* Between our last miss and our lease another may have come and gone. */
    if (!found && lease.is_held)
        found = look(cache, key, create, value, &ignored) == 1;
    if (found)
        rc = 0;
    else
        rc = create_and_set(cache, key, create, value, error);
    lease_fini(&lease, cache);
    return rc;
}

int apphost_cache_get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                                const struct apphost_create *create, struct apphost_value *value,
                                struct apphost_error *error)
{
    struct apphost_error local;
    bool is_owner;

    if (!create || !create->create)
        return fail_argument(error, "create", "is NULL");
    int rc = look(cache, key, create, value, error);
    if (rc != 0)
        return rc;
    int64_t deadline = clock_ms() + (create->lease_ms > 0 ? create->lease_ms : DEFAULT_LEASE_MS);
    struct flight *flight = join(cache, key, &is_owner);
    if (!flight)
        return fail_memory(error);
    if (is_owner) {
        rc = fly(cache, key, create, value, &local);
        land(cache, flight, rc, value, &local);
    } else {
        rc = ride(cache, flight, deadline, value, &local);
        if (rc == 0 && !value->data && create->nothing_ms <= 0)
            rc = -2; /* the owner keeps that there is nothing, this caller does not know of that */
    }
    if (rc == -2)
        rc = create_and_set(cache, key, create, value, &local);
    if (rc < 0 && error)
        *error = local;
    return rc;
}
