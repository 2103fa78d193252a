/*
 * The lease on a creation, and what who creates does under it. See flight.h.
 *
 * The lease is given back with a plain delete, and only in the first half of its time: then it is still ours
 * by any clock, and no script is needed that an ACL might forbid.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_cache/flight.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_LEAST_MS = 5, POLL_MOST_MS = 100 };

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
    const struct conn_command commands[] = {{6, set, set_lens}, {2, get, get_lens}};
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
    const struct conn_command command = {2, argv, lens};

    if (lease->is_held && clock_ms() - lease->taken_ms < lease->length_ms / 2)
        redis_post(cache->redis, &command, lease->key.hash);
    free(lease->key.data);
}

/* ---- Creating under it ---- */

/* Unless the caller is called off. */
static void pause_for(int pause_ms)
{
    int64_t until_ms = limits_until(clock_ms() + pause_ms);

    while (clock_left(until_ms) > 0 && !limits_are_cancelled())
        poll(NULL, 0, (int)clock_left(limits_slice(until_ms)));
}

static bool is_called_off(void)
{
    return limits_are_cancelled() || limits_are_over();
}

/* Polls while another process creates. 1 with its value, 0 when it is this caller's turn: the lease is taken,
 * its time is up, or there is no way to Redis. And when the caller's own time is up, or it was called off. */
static int await_other(const struct creation *creation, struct lease *lease, struct apphost_value *value)
{
    int64_t deadline = clock_ms() + lease->length_ms;
    int pause_ms = POLL_LEAST_MS;
    struct apphost_error ignored;

    while (clock_left(deadline) > 0 && !is_called_off()) {
        pause_for(pause_ms + (int)clock_random((uint64_t)pause_ms));
        if (pause_ms * 2 > POLL_MOST_MS)
            pause_ms = POLL_MOST_MS;
        else
            pause_ms = pause_ms * 2;
        int rc = creation->look(creation, value, &ignored);
        if (rc != 0)
            return rc > 0;
        if (lease_take(lease, creation->cache, &ignored) != 0)
            return 0;
    }
    return 0;
}

/* There is no value from elsewhere? 1 with it, 0. */
static int find(const struct creation *creation, struct lease *lease, int taken, struct apphost_value *value)
{
    struct apphost_error ignored;
    int found = 0;

    if (taken == 0)
        found = await_other(creation, lease, value);
    /* Between our last miss and our lease another may have come and gone. */
    if (!found && lease->is_held)
        found = creation->look(creation, value, &ignored) == 1;
    return found;
}

int creation_call(struct apphost_cache *cache, apphost_create_fn create, void *user,
                  struct apphost_value *value, struct apphost_error *error)
{
    struct tracer *tracer = cache->redis->tracer;
    struct creation_span span;
    void *data = NULL;
    size_t len = 0;

    if (limits_are_cancelled())
        return limits_fail("creating a value", error);
    fail_set(error, APPHOST_E_ARGUMENT, "create", "the value could not be created");
    limits_leave(0); /* what was created is kept, however long it took */
    tracer_begin(tracer, &span);
    user_code();
    int rc = create(user, &data, &len, error);
    if (rc == 0 && value_copy(value, bytes_or(data, ""), len) < 0)
        rc = fail_memory(error);
    free(data);
    if (rc != 0 && rc != APPHOST_NOTHING)
        rc = -1;
    tracer_end(tracer, &span, rc < 0 ? error : NULL);
    return rc;
}

int creation_run(const struct creation *creation, struct apphost_value *value, struct apphost_error *error)
{
    struct apphost_cache *cache = creation->cache;
    int length_ms = (int)set_or(creation->lease_ms, LEASE_MS);
    struct apphost_error ignored;
    struct lease lease;
    int rc = 0;

    if (lease_init(&lease, cache, creation->key, length_ms, error) < 0)
        return -1;
    int taken = lease_take(&lease, cache, &ignored);
    if (taken < 0 && cache_absorb(cache, &ignored)) {
        /* No way to Redis: asking it once more would only cost another timeout. */
        rc = creation->make(creation, false, value, error);
    } else if (!find(creation, &lease, taken, value)) {
        if (taken == 0 && !lease.is_held && limits_are_over())
            rc = limits_late("waiting for another process to create", error);
        else
            rc = creation->make(creation, true, value, error);
    }
    lease_fini(&lease, cache);
    return rc;
}
