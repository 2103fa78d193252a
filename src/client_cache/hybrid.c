/*
 * Get-or-create of entries of HybridCache. Happy path: what is fresh is given. Else one creation a key is
 * under way (flight.h); who has a stale value waits for its soft time-out and gives that, who has none waits
 * for the hard one. Without time-outs the first caller creates itself; with one a thread does, which goes on
 * when all have left.
 *
 * A failure, or a wait in vain, is remembered for a while, so that not every caller of a stale value pays for
 * it.
 *
 * Redis is away: what level one knew last is the stale value. With fail-open it is made anew, else the stale
 * one is given at once.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/pick.h"
#include "client_base/lock.h"
#include "client_cache/hybrid.h"

#include <limits.h>
#include <string.h>

enum { THROTTLE_MS = 30000 };

/* ---- Looking ---- */

/* The time of the look: who has a stale value waits no longer for Redis than for a creation. 0: as usual. */
static int patience(const struct hybrid_call *asking)
{
    const struct apphost_cache *cache = asking->cache;
    int usual_ms = (int)set_or(cache->options.timeout_ms, INT_MAX), soft_ms = asking->how->soft_ms;
    struct finding last;

    if (soft_ms <= 0 || soft_ms >= usual_ms || !level_one_is_shut(cache) ||
        !hybrid_recall(asking->cache, asking->key, asking->how, &last))
        return 0;
    apphost_value_free(&last.value);
    return soft_ms;
}

static int look(struct hybrid_call *asking, struct apphost_error *error)
{
    const struct apphost_limits before = limits_narrow(patience(asking));
    int rc = hybrid_look(asking->cache, asking->key, asking->how, &asking->finding, error);

    apphost_limits_set(&before);
    if (!asking->finding.is_away || !hybrid_recall(asking->cache, asking->key, asking->how, &asking->finding))
        return rc;
    asking->is_settled = rc < 0;
    return 0;
}

/* ---- After a failure ---- */

static struct throttle *throttle_of(struct hybrid_call *asking, uint64_t *hash)
{
    *hash = conn_hash_key(asking->key.data, asking->key.len);
    return &asking->cache->throttles[*hash % THROTTLES];
}

static bool is_throttled(struct hybrid_call *asking)
{
    uint64_t hash;
    struct throttle *throttle = throttle_of(asking, &hash);

    lock_take(&asking->cache->flights_lock);
    bool is = throttle->hash == hash && throttle->until_ms > clock_ms();
    lock_drop(&asking->cache->flights_lock);
    return is;
}

/* Until then; 0: it is over. */
static void set_throttle(struct hybrid_call *asking, int64_t until_ms)
{
    uint64_t hash;
    struct throttle *throttle = throttle_of(asking, &hash);

    lock_take(&asking->cache->flights_lock);
    if (until_ms > 0 || throttle->hash == hash)
        *throttle = (struct throttle){hash, until_ms};
    lock_drop(&asking->cache->flights_lock);
}

static void begin_throttle(struct hybrid_call *asking)
{
    set_throttle(asking, clock_ms() + set_or(asking->how->throttle_ms, THROTTLE_MS));
}

/* ---- Having it made ---- */

struct making *hybrid_new_making(struct hybrid_call *asking, struct apphost_error *error)
{
    struct making *making = making_new(asking->cache, asking->key, asking->how, asking->finding.created);

    if (!making)
        fail_memory(error);
    else
        asking->is_handed_over = true;
    return making;
}

static int make_here(struct hybrid_call *asking, struct apphost_value *value, struct apphost_error *error)
{
    struct making *making = hybrid_new_making(asking, error);

    if (!making)
        return -1;
    int rc = making_run(making, value, error);
    making_free(making);
    return rc;
}

/* By this caller, for all that wait. */
static int make_and_land(struct hybrid_call *asking, struct flight *flight, struct apphost_value *value,
                         struct apphost_error *error)
{
    int rc = make_here(asking, value, error);

    flight_land(asking->cache, flight, rc, value, error);
    return rc;
}

static int fail_late(int limit_ms, struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_TIMEOUT, "hard_ms", "the value was not created within %d ms", limit_ms);
}

/* The owner of a flight within a limit: by a thread; 0, -1 and FLIGHT_LATE as of riding. */
static int make_within(struct hybrid_call *asking, struct flight *flight, int limit_ms,
                       struct apphost_value *value, struct apphost_error *error)
{
    struct apphost_cache *cache = asking->cache;
    struct making *making = hybrid_new_making(asking, error);

    if (!making) {
        flight_land(cache, flight, -1, value, error);
        return -1;
    }
    flight_hold(cache, flight);
    if (making_start(making, flight) == 0)
        return flight_ride(cache, flight, clock_ms() + limit_ms, value, error);
    /* Its time cannot be kept without a thread. */
    flight_leave(cache, flight);
    fail_set(error, APPHOST_E_BUSY, "create", "no thread can be had, or too many creations wait for one");
    flight_land(cache, flight, -1, value, error);
    making_free(making);
    return -1;
}

static int lease_of(const struct apphost_hybrid *how)
{
    return (int)set_or(how->lease_ms, LEASE_MS);
}

/* 0 with the value, -1, FLIGHT_LATE. */
static int have_made(struct hybrid_call *asking, int limit_ms, struct apphost_value *value,
                     struct apphost_error *error)
{
    bool is_owner;

    if (limits_are_cancelled())
        return limits_fail("creating a value", error);
    struct flight *flight = flight_join(asking->cache, asking->key, FLIGHT_HYBRID, &is_owner);
    if (!flight)
        return fail_memory(error);
    if (is_owner && limit_ms > 0)
        return make_within(asking, flight, limit_ms, value, error);
    if (is_owner)
        return make_and_land(asking, flight, value, error);
    if (limit_ms > 0)
        return flight_ride(asking->cache, flight, clock_ms() + limit_ms, value, error);

    int rc = flight_ride(asking->cache, flight, clock_ms() + lease_of(asking->how), value, error);
    if (rc == FLIGHT_LATE)
        rc = make_here(asking, value, error);
    return rc;
}

/* ---- Deciding ---- */

/* Nobody waits for it; where one is under way already, that is the one. */
static void refresh(struct hybrid_call *asking)
{
    struct apphost_value none = {0};
    struct apphost_error error = {0};
    bool is_owner;
    struct flight *flight = flight_join(asking->cache, asking->key, FLIGHT_HYBRID, &is_owner);

    if (!flight)
        return;
    if (!is_owner) {
        flight_leave(asking->cache, flight);
        return;
    }
    begin_throttle(asking); /* one that fails is not tried again at once */
    struct making *making = hybrid_new_making(asking, &error);
    if (making && making_start(making, flight) == 0) {
        cache_count(asking->cache, COUNT_EAGER, 1);
        return;
    }
    fail_set(&error, APPHOST_E_MEMORY, NULL, "no thread can be had");
    flight_land(asking->cache, flight, -1, &none, &error);
    if (making)
        making_free(making);
}

static int give_found(struct hybrid_call *asking, struct apphost_value *value, int rc)
{
    *value = asking->finding.value;
    asking->finding.value = (struct apphost_value){0};
    if (rc == APPHOST_STALE)
        cache_count(asking->cache, COUNT_STALE, 1);
    return rc;
}

/* The value may take so long, and is better than the one that was found, or than none. */
static int want(struct hybrid_call *asking, bool wants_better, int limit_ms)
{
    asking->wants_better = wants_better;
    asking->limit_ms = limit_ms;
    return HYBRID_MAKE;
}

static int decide(struct hybrid_call *asking, struct apphost_value *value)
{
    if (asking->is_settled)
        return give_found(asking, value, APPHOST_STALE);
    if (asking->finding.state == HYBRID_FRESH) {
        if (hybrid_is_due(&asking->finding, asking->how) && !is_throttled(asking))
            refresh(asking);
        return give_found(asking, value, APPHOST_FRESH);
    }
    if (asking->finding.state != HYBRID_OLD || asking->how->stale_ms <= 0)
        return want(asking, false, asking->how->hard_ms);
    if (is_throttled(asking))
        return give_found(asking, value, APPHOST_STALE);
    return want(asking, true, asking->how->soft_ms);
}

int hybrid_ask(struct hybrid_call *asking, struct apphost_value *value, struct apphost_error *error)
{
    if (look(asking, error) < 0)
        return -1;
    return decide(asking, value);
}

int hybrid_conclude(struct hybrid_call *asking, int made, struct apphost_value *value,
                    struct apphost_error *error)
{
    if (made == 0) {
        set_throttle(asking, 0);
        return APPHOST_CREATED;
    }
    if (made == FLIGHT_LATE)
        fail_late(asking->limit_ms, error);
    if (error->code == APPHOST_E_CANCELLED || !asking->wants_better)
        return -1;
    begin_throttle(asking);
    return give_found(asking, value, APPHOST_STALE);
}

/* ---- The calls ---- */

int hybrid_check(const struct apphost_cache *cache, const struct apphost_hybrid *how,
                 struct apphost_error *error)
{
    if (!cache)
        return fail_argument(error, "cache", "is NULL");
    if (!how || !how->create)
        return fail_argument(error, "create", "is NULL");
    if (how->soft_ms < 0 || how->hard_ms < 0 || how->throttle_ms < 0)
        return fail_argument(error, "soft_ms, hard_ms, throttle_ms", "must not be negative");
    if (how->eager_percent < 0 || how->eager_percent > 99)
        return fail_argument(error, "eager_percent", "is not within 0 and 99");
    if (!how->tags && how->tag_count > 0)
        return fail_argument(error, "tags", "is NULL");
    return 0;
}

static int get_or_create(struct hybrid_call *asking, struct apphost_value *value, struct apphost_error *error)
{
    int64_t before = limits_enter();
    int rc = hybrid_ask(asking, value, error);

    if (rc == HYBRID_MAKE) {
        rc = have_made(asking, asking->limit_ms, value, error);
        rc = hybrid_conclude(asking, rc, value, error);
    }
    limits_leave(before);
    return rc;
}

int apphost_hybrid_get_or_create(struct apphost_cache *cache, struct apphost_bytes key,
                                 const struct apphost_hybrid *how, struct apphost_value *value,
                                 struct apphost_error *error)
{
    struct hybrid_call asking = {.cache = cache, .key = key};
    struct apphost_error local = {0};
    struct apphost_hybrid told;

    int rc = hybrid_check(cache, how, &local);
    if (rc == 0 && !value)
        rc = fail_argument(&local, "value", "is NULL");
    if (rc == 0) {
        told = hybrid_told(cache, how);
        asking.how = &told;
        *value = (struct apphost_value){0};
        rc = get_or_create(&asking, value, &local);
    }
    apphost_value_free(&asking.finding.value);
    if (how && !asking.is_handed_over)
        hybrid_release(how);
    if (rc < 0 && error)
        *error = local;
    return rc;
}
