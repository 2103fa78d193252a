/*
 * Get-or-create, without a stampede: a flight in the process, a lease across processes (flight.h).
 *
 * That there is no value can be kept as well, as an entry without data, which .NET and a plain get take for a
 * miss. Who did not ask for that creates, as if it was none.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_cache/flight.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 0 with a value, 1 there is none, -1. */
static int create_value(struct apphost_cache *cache, const struct apphost_create *create,
                        struct apphost_value *value, struct apphost_error *error)
{
    int rc = creation_call(cache, create->create, create->user, value, error);

    if (rc == APPHOST_NOTHING && create->nothing_ms <= 0)
        return -1;
    return rc;
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
    const struct conn_command commands[] = {{1, multi, one},
                                            {2, del, del_lens},
                                            {6, hmset, hmset_lens},
                                            {3, expire, expire_lens},
                                            {1, exec, end}};
    struct batch batch = cache_batch(key, commands, 5);
    struct replies replies;

    if (!cache_has_transactions(cache))
        batch = cache_batch(key, commands + 1, 3);

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
    int rc = create_value(cache, create, value, error);

    if (rc < 0)
        return -1;
    if (rc > 0)
        return keep_nothing(cache, key, create, error);
    if (apphost_cache_set(cache, key, value->data, value->len, jittered(create), error) == 0)
        return 0;
    apphost_value_free(value);
    return -1;
}

static int look_there(const struct creation *creation, struct apphost_value *value,
                      struct apphost_error *error)
{
    return look(creation->cache, creation->key, creation->how, value, error);
}

static int make_there(const struct creation *creation, bool is_kept, struct apphost_value *value,
                      struct apphost_error *error)
{
    int rc;

    if (is_kept)
        return create_and_set(creation->cache, creation->key, creation->how, value, error);
    rc = create_value(creation->cache, creation->how, value, error);
    return failed_or_0(rc);
}

static int get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                         const struct apphost_create *create, struct apphost_value *value,
                         struct apphost_error *error)
{
    struct apphost_error local;
    bool is_owner;

    int rc = look(cache, key, create, value, error);
    if (rc != 0)
        return rc;
    int64_t deadline = clock_ms() + set_or(create->lease_ms, LEASE_MS);
    struct flight *flight = flight_join(cache, key, FLIGHT_PLAIN, &is_owner);
    if (!flight)
        return fail_memory(error);
    if (is_owner) {
        const struct creation creation = {cache, key, create, create->lease_ms, look_there, make_there};

        rc = creation_run(&creation, value, &local);
        flight_land(cache, flight, rc, value, &local);
    } else {
        rc = flight_ride(cache, flight, deadline, value, &local);
        if (rc == 0 && !value->data && create->nothing_ms <= 0)
            rc = FLIGHT_LATE; /* the owner keeps that there is nothing, this caller does not know of that */
    }
    if (rc == FLIGHT_LATE)
        rc = create_and_set(cache, key, create, value, &local);
    if (rc < 0 && error)
        *error = local;
    return rc;
}

int apphost_cache_get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                                const struct apphost_create *create, struct apphost_value *value,
                                struct apphost_error *error)
{
    if (!create || !create->create)
        return fail_argument(error, "create", "is NULL");
    int64_t before = limits_enter();
    int rc = get_or_create(cache, key, create, value, error);
    limits_leave(before);
    return rc;
}
