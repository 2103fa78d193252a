/*
 * The threads of a cache. See makers.h. All of it is under the lock of the flights, and no work is done
 * there. Each thread holds the host's life, for it looks into the cache when its work has let go of that.
 */
#include "client_cache/makers.h"
#include "client_base/clock.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_base/thread.h"
#include "client_cache/flight.h"

/* Redis answers or is given up; more threads than that would only wait in another place. */
static const struct {
    int threads;
    size_t waiting;
} most[MAKERS_KINDS] = {[MAKERS_ASK] = {16, 65536}, [MAKERS_CREATE] = {64, 65536}};

/* ---- Working ---- */

static struct job *pop_locked(struct makers *makers)
{
    struct job *job = makers->first;

    if (!job)
        return NULL;
    makers->first = job->next;
    if (!makers->first)
        makers->last = NULL;
    makers->waiting--;
    return job;
}

static void push_locked(struct makers *makers, struct job *job)
{
    job->next = NULL;
    if (makers->last)
        makers->last->next = job;
    else
        makers->first = job;
    makers->last = job;
    makers->waiting++;
}

static struct job *next_job(struct apphost_cache *cache, struct makers *makers)
{
    lock_take(&cache->flights_lock);
    struct job *job = pop_locked(makers);
    if (!job)
        makers->threads--;
    lock_drop(&cache->flights_lock);
    return job;
}

static void *work(void *user)
{
    struct job *job = user;
    struct apphost_cache *cache = job->cache;
    struct makers *makers = &cache->makers[job->kind];
    struct life *life = cache->redis->life;

    while (job) {
        job->work(job);
        job = next_job(cache, makers);
    }
    life_release(life);
    return NULL;
}

/* A thread for it alone; without one it waits for another's, if there are others. */
static int start(struct job *job, struct makers *makers)
{
    struct apphost_cache *cache = job->cache;
    int rc = 0;

    life_hold(cache->redis->life);
    if (thread_start(work, job) == 0)
        return 0;
    lock_take(&cache->flights_lock);
    if (--makers->threads > 0)
        push_locked(makers, job);
    else
        rc = -1;
    lock_drop(&cache->flights_lock);
    life_release(cache->redis->life);
    return rc;
}

int makers_begin(struct job *job, enum makers_kind kind)
{
    struct apphost_cache *cache = job->cache;
    struct makers *makers = &cache->makers[kind];
    int rc = 0;

    job->kind = kind;
    lock_take(&cache->flights_lock);
    bool has_room = makers->threads < most[kind].threads;
    if (has_room)
        makers->threads++;
    else if (makers->waiting >= most[kind].waiting || (job->due_ms && keeper_need(cache, job->due_ms) < 0))
        rc = -1;
    else
        push_locked(makers, job);
    lock_drop(&cache->flights_lock);
    if (has_room)
        return start(job, makers);
    return rc;
}

/* ---- The keeper ---- */

/* Takes out what is late; when the next will be, INT64_MAX for never. */
static int64_t take_late_locked(struct makers *makers, int64_t now_ms, struct job **late)
{
    struct job *job, *rest = makers->first;
    int64_t next_ms = INT64_MAX;

    makers->first = makers->last = NULL;
    makers->waiting = 0;
    while ((job = rest)) {
        rest = job->next;
        if (job->due_ms == 0 || job->due_ms > now_ms) {
            next_ms = int64_min(next_ms, set_or(job->due_ms, INT64_MAX));
            push_locked(makers, job);
            continue;
        }
        job->next = *late;
        *late = job;
    }
    return next_ms;
}

static void tell_late(struct job *late)
{
    while (late) {
        struct job *next = late->next;

        late->late(late);
        late = next;
    }
}

/* False: nobody waits for a clock any more. */
static bool keep(struct apphost_cache *cache)
{
    struct job *late = NULL;
    struct rider *riders = NULL;
    int64_t now_ms = clock_ms();

    lock_take(&cache->flights_lock);
    int64_t next_ms = flights_take_late(cache, now_ms, &riders);
    for (int i = 0; i < MAKERS_KINDS; i++)
        next_ms = int64_min(next_ms, take_late_locked(&cache->makers[i], now_ms, &late));
    bool is_needed = late || riders || next_ms < INT64_MAX;
    cache->keeper_ms = next_ms;
    if (!is_needed)
        cache->keeper_ms = 0;
    if (is_needed && !late && !riders) {
        struct timespec until = {next_ms / 1000, (next_ms % 1000) * 1000000};

        pthread_cond_timedwait(&cache->keeper_changed, &cache->flights_lock, &until);
    }
    lock_drop(&cache->flights_lock);
    tell_late(late);
    riders_tell_late(riders);
    return is_needed;
}

static void *keeper(void *user)
{
    struct apphost_cache *cache = user;
    struct life *life = cache->redis->life;

    while (keep(cache))
        continue;
    life_release(life);
    return NULL;
}

int keeper_need(struct apphost_cache *cache, int64_t due_ms)
{
    bool is_there = cache->keeper_ms != 0;

    if (is_there && cache->keeper_ms <= due_ms)
        return 0;
    cache->keeper_ms = due_ms;
    if (is_there) {
        pthread_cond_signal(&cache->keeper_changed);
        return 0;
    }
    life_hold(cache->redis->life);
    if (thread_start(keeper, cache) == 0)
        return 0;
    cache->keeper_ms = 0;
    life_release(cache->redis->life);
    return -1;
}
