/* Flights: who creates, and who waits for it. See flight.h. */
#include "client_cache/flight.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"

#include <stdlib.h>
#include <string.h>

struct flight {
    struct flight *next;
    enum flight_kind kind;
    struct apphost_bytes key;
    size_t users; /* the owner and its waiters; the last frees */
    bool is_over;
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
    release_locked(flight);
    lock_drop(&cache->flights_lock);
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
    wait_locked(cache, flight, deadline_ms);
    if (flight->is_over)
        rc = flight->rc;
    if (rc == -1)
        *error = flight->error;
    else if (rc == FLIGHT_LATE && limits_are_cancelled())
        rc = limits_fail("waiting for a value", error);
    else if (rc >= 0 && flight->value.data && value_copy(value, flight->value.data, flight->value.len) < 0)
        rc = fail_memory(error);
    release_locked(flight);
    lock_drop(&cache->flights_lock);
    if (rc > 0)
        return 0;
    return rc;
}
