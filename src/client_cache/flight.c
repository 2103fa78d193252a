/* Flights: who creates, and who waits for it. See flight.h. */
#include "client_cache/flight.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_cache/makers.h"

#include <stdlib.h>
#include <string.h>

struct flight {
    struct flight *next;
    enum flight_kind kind;
    struct apphost_bytes key;
    size_t users; /* the owner and its waiters; the last frees */
    struct rider *riders;
    size_t rider_count;
    bool is_over;
    bool goes_on; /* somebody left because of the time */
    int rc;
    struct apphost_value value;
    struct apphost_error error;
};

static bool is_about(const struct flight *flight, struct apphost_bytes key, enum flight_kind kind)
{
    return !flight->is_over && flight->kind == kind && flight->key.len == key.len &&
           memcmp(flight->key.data, key.data, key.len) == 0;
}

static struct flight *find_flight(struct apphost_cache *cache, struct apphost_bytes key,
                                  enum flight_kind kind)
{
    struct flight *at = cache->flights;

    while (at && !is_about(at, key, kind))
        at = at->next;
    return at;
}

struct flight *flight_join(struct apphost_cache *cache, struct apphost_bytes key, enum flight_kind kind,
                           bool *is_owner)
{
    lock_take(&cache->flights_lock);
    struct flight *flight = find_flight(cache, key, kind);
    *is_owner = !flight;
    if (!flight && (flight = calloc(1, sizeof(*flight)))) {
        flight->key = key;
        flight->kind = kind;
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

void flight_hand_over(struct apphost_cache *cache, struct flight *flight, struct apphost_bytes key)
{
    lock_take(&cache->flights_lock);
    flight->key = key;
    lock_drop(&cache->flights_lock);
}

void flight_hold(struct apphost_cache *cache, struct flight *flight)
{
    lock_take(&cache->flights_lock);
    flight->users++;
    lock_drop(&cache->flights_lock);
}

void flight_leave(struct apphost_cache *cache, struct flight *flight)
{
    lock_take(&cache->flights_lock);
    release_locked(flight);
    lock_drop(&cache->flights_lock);
}

/* Each has a hold of the flight, which goes with it. */
static void tell_riders(struct apphost_cache *cache, struct flight *flight, struct rider *rider)
{
    size_t count = 0;

    for (struct rider *next; rider; rider = next, count++) {
        next = rider->next;
        rider->done(rider, flight->rc, &flight->value, &flight->error);
    }
    if (count == 0)
        return;
    lock_take(&cache->flights_lock);
    flight->users -= count - 1;
    release_locked(flight);
    lock_drop(&cache->flights_lock);
}

void flight_land(struct apphost_cache *cache, struct flight *flight, int rc,
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

    struct rider *riders = flight->riders;
    flight->riders = NULL;
    release_locked(flight);
    lock_drop(&cache->flights_lock);
    if (riders)
        tell_riders(cache, flight, riders);
}

/* ---- Without a thread ---- */

void flight_board(struct flight *flight, struct rider *rider)
{
    struct apphost_cache *cache = rider->cache;

    rider->flight = flight;
    rider->next = NULL;
    lock_take(&cache->flights_lock);
    bool is_over = flight->is_over;
    if (!is_over) {
        rider->next = flight->riders;
        flight->riders = rider;
        flight->rider_count++;
        if (rider->due_ms && keeper_need(cache, rider->due_ms) < 0)
            rider->due_ms = 0; /* better late than never */
    }
    lock_drop(&cache->flights_lock);
    if (is_over)
        tell_riders(cache, flight, rider);
}

bool flight_is_off(struct apphost_cache *cache, const struct flight *flight)
{
    lock_take(&cache->flights_lock);
    bool is_off = !flight->goes_on && flight->rider_count > 0 && flight->users == flight->rider_count + 1;
    for (const struct rider *rider = flight->riders; rider && is_off; rider = rider->next)
        is_off = rider->is_off(rider);
    lock_drop(&cache->flights_lock);
    return is_off;
}

static int64_t take_late(struct flight *flight, int64_t now_ms, struct rider **late)
{
    int64_t next_ms = INT64_MAX;

    for (struct rider **at = &flight->riders; *at;) {
        struct rider *rider = *at;

        if (rider->due_ms == 0 || rider->due_ms > now_ms) {
            next_ms = int64_min(next_ms, set_or(rider->due_ms, INT64_MAX));
            at = &rider->next;
            continue;
        }
        *at = rider->next;
        rider->next = *late;
        *late = rider;
        flight->rider_count--;
        flight->goes_on = true;
    }
    return next_ms;
}

int64_t flights_take_late(struct apphost_cache *cache, int64_t now_ms, struct rider **late)
{
    int64_t next_ms = INT64_MAX;

    for (struct flight *flight = cache->flights; flight; flight = flight->next)
        next_ms = int64_min(next_ms, take_late(flight, now_ms, late));
    return next_ms;
}

void riders_tell_late(struct rider *late)
{
    static const struct apphost_value none = {0};

    while (late) {
        struct rider *next = late->next;
        struct flight *flight = late->flight;
        struct apphost_cache *cache = late->cache;

        late->done(late, FLIGHT_LATE, &none, NULL);
        flight_leave(cache, flight);
        late = next;
    }
}

/* Until it has landed, or the time is up. */
static void wait_locked(struct apphost_cache *cache, const struct flight *flight, int64_t deadline_ms)
{
    while (!flight->is_over && clock_left(deadline_ms) > 0 && !limits_are_cancelled()) {
        int64_t until_ms = limits_slice(deadline_ms);
        struct timespec until = {until_ms / 1000, (until_ms % 1000) * 1000000};

        pthread_cond_timedwait(&cache->flights_changed, &cache->flights_lock, &until);
    }
}

int flight_ride(struct apphost_cache *cache, struct flight *flight, int64_t deadline_ms,
                struct apphost_value *value, struct apphost_error *error)
{
    int rc = FLIGHT_LATE;

    lock_take(&cache->flights_lock);
    wait_locked(cache, flight, limits_until(deadline_ms));
    if (flight->is_over)
        rc = flight->rc;
    else if (!limits_are_cancelled())
        flight->goes_on = true;
    if (rc == -1)
        *error = flight->error;
    else if (rc == FLIGHT_LATE && limits_are_cancelled())
        rc = limits_fail("waiting for a value", error);
    else if (rc == FLIGHT_LATE && limits_are_over())
        rc = limits_late("waiting for a value", error);
    else if (rc >= 0 && flight->value.data && value_copy(value, flight->value.data, flight->value.len) < 0)
        rc = fail_memory(error);
    release_locked(flight);
    lock_drop(&cache->flights_lock);
    if (rc > 0)
        return 0;
    return rc;
}
