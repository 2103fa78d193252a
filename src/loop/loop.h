/* The event loop: libuv behind a small vocabulary.
 *
 * A loop offers turns (work between events), timers, signals and a clean end. All time of the program goes
 * through it, so that tests can run on virtual time: loop_init_virtual() makes a loop whose clock jumps to
 * the next timer as soon as nothing else is to do. Timers and turns are plain members of longer-lived
 * objects: no handle to close, disarming is enough, and an object may be freed when its timers are stopped
 * and its turns are not queued.
 *
 * Turns: loop_post() queues one; the queue is run between events as a FIFO snapshot (what a turn posts runs
 * in the next round, after input/output had its say). Posting a turn that is queued already does nothing.
 *
 * Threads: everything belongs to the thread that runs the loop. Units: milliseconds on a monotonic clock. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include "base/error.h"
#include "loop/limit.h"

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct loop;
typedef void loop_cb(void *data);

struct turn {
    loop_cb *run;
    void *data;
    bool queued;
    uint64_t round; /* posted in this round: runs in the next */
    struct turn *prev, *next;
};

struct timer {
    struct loop *loop;
    loop_cb *run;
    void *data;
    int64_t due_ms;
    uint64_t serial; /* arming order: equal times run in it */
    bool armed;
    struct timer *prev, *next;
};

enum { LOOP_SIGNALS = 8 };
typedef void loop_signal_cb(int signum, void *data);
struct loop_signal {
    uv_signal_t handle;
    loop_signal_cb *run;
    void *data;
};

struct loop {
    uv_loop_t uv; /* for the rooms that own libuv handles: process, http, control, probe */
    bool is_virtual;
    bool stopping;
    int64_t virtual_ms;
    uint64_t serial;
    struct turn *turns;
    uint64_t round;
    struct timer *timers; /* sorted by due time */
    uv_idle_t idle;
    uv_timer_t clock;
    struct loop_signal signals[LOOP_SIGNALS];
    int signal_count;
};

int loop_init(struct loop *loop, struct error *err);
int loop_init_virtual(struct loop *loop, struct error *err);
/* Closes the loop's own handles, lets closing handles of others finish, and returns 0 when uv_loop_close()
 * found nothing left, else -1 (a bug: somebody did not close). Safe to call once only. */
int loop_fini(struct loop *loop);
/* Runs until loop_stop(), or until nothing is left that could happen. */
void loop_run(struct loop *loop);
/* Runs until is_over says so: asked before the first round and after each. False when nothing is left that
 * could happen. */
bool loop_run_until(struct loop *loop, bool (*is_over)(void *data), void *data);
void loop_stop(struct loop *loop);

int64_t loop_now_ms(const struct loop *loop);
/* Wall clock, nanoseconds since 1970; virtual loops start at 0. */
int64_t loop_wall_ns(const struct loop *loop);

/* The monotonic clock as it is now, for blocking code that runs no loop. Milliseconds. */
int64_t loop_clock_ms(void);

void turn_init(struct turn *turn, loop_cb *run, void *data);
void loop_post(struct loop *loop, struct turn *turn);
void loop_unpost(struct loop *loop, struct turn *turn);

void timer_init(struct loop *loop, struct timer *timer, loop_cb *run, void *data);
/* Arms (or re-arms) the timer: runs once, `delay_ms` from now; a delay of 0 runs in the next round, never at
 * once. */
void timer_start(struct timer *timer, int64_t delay_ms);
void timer_stop(struct timer *timer);
static inline bool timer_is_armed(const struct timer *timer)
{
    return timer->armed;
}

/* Watches a signal until loop_fini (closing earlier would restore the default action). Does not keep the loop
 * alive. HUP, INT and QUIT that were ignored when we were started stay ignored: nothing is watched then. */
int loop_watch_signal(struct loop *loop, int signum, loop_signal_cb *run, void *data, struct error *err);
/* A watched signal is (no longer) something that the loop waits for: it keeps the loop alive. */
void loop_expect_signal(struct loop *loop, int signum, bool is_expected);
/* Nobody is told of it any more; its action is the default one again. */
void loop_unwatch_signal(struct loop *loop, int signum);

#endif
