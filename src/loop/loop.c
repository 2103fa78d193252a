/* The loop: one uv_timer for all timers, one uv_idle that is active while turns are queued.
 *
 * The clock handle is armed for the first timer of a sorted list; a virtual loop never arms it and moves its
 * own clock instead. The idle handle makes libuv poll without waiting, so input and output get their say
 * between two rounds of turns. Rounds and serial numbers make snapshots of the one list each: what a turn
 * posts, or a timer callback arms with a delay of 0, has to wait for the next round and cannot starve the
 * loop. */
#include "loop/testing.h"

#include "base/signals.h"

#include <string.h>
#include <time.h>
#include <utlist.h>

static void run_turns(struct loop *loop)
{
    uint64_t round = ++loop->round;
    while (loop->turns && loop->turns->round < round) {
        struct turn *turn = loop->turns;
        DL_DELETE(loop->turns, turn);
        turn->queued = false;
        turn->run(turn->data);
    }
}

/* A round in which something happened does not wait for input as well: whoever runs round by round until a
 * condition holds would otherwise sleep although it does. */
static void end_round(struct loop *loop)
{
    uv_stop(&loop->uv);
}

static void on_idle(uv_idle_t *idle)
{
    struct loop *loop = idle->data;
    run_turns(loop);
    end_round(loop);
    if (!loop->turns)
        uv_idle_stop(idle);
}

static void run_due_timers(struct loop *loop)
{
    int64_t now = loop_now_ms(loop);
    uint64_t last = loop->serial;
    struct timer *timer = loop->timers;
    while (timer && timer->due_ms <= now) {
        if (timer->serial > last) {
            timer = timer->next;
            continue;
        }
        timer_stop(timer);
        timer->run(timer->data);
        timer = loop->timers;
    }
}

static void on_clock(uv_timer_t *clock);

static void set_clock(struct loop *loop)
{
    if (loop->is_virtual || uv_is_closing((uv_handle_t *)&loop->clock))
        return;
    if (!loop->timers) {
        uv_timer_stop(&loop->clock);
        return;
    }
    int64_t delay = loop->timers->due_ms - loop_now_ms(loop);
    uv_timer_start(&loop->clock, on_clock, delay > 0 ? (uint64_t)delay : 0, 0);
}

static void on_clock(uv_timer_t *clock)
{
    struct loop *loop = clock->data;
    run_due_timers(loop);
    set_clock(loop);
    end_round(loop);
}

int loop_init(struct loop *loop, struct error *err)
{
    memset(loop, 0, sizeof *loop);
    int rc = uv_loop_init(&loop->uv);
    if (rc < 0)
        return error_set(err, ERROR_FAILED, "cannot create an event loop: %s", uv_strerror(rc));
    loop->uv.data = loop;
    uv_idle_init(&loop->uv, &loop->idle);
    uv_timer_init(&loop->uv, &loop->clock);
    loop->idle.data = loop->clock.data = loop;
    return 0;
}

int loop_init_virtual(struct loop *loop, struct error *err)
{
    int rc = loop_init(loop, err);
    loop->is_virtual = true;
    return rc;
}

int loop_fini(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->idle, NULL);
    uv_close((uv_handle_t *)&loop->clock, NULL);
    for (int i = 0; i < loop->signal_count; i++)
        uv_close((uv_handle_t *)&loop->signals[i].handle, NULL);

    /* Only handles that are closing already get their callbacks; a forgotten one must not keep us here. A
     * request that a thread still works on gets a moment. */
    int rc = uv_loop_close(&loop->uv);
    for (int i = 0; i < 1000 && rc == UV_EBUSY; i++) {
        if (i > 20)
            uv_sleep(1);
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        rc = uv_loop_close(&loop->uv);
    }
    if (rc == UV_EBUSY)
        return -1;
    return 0;
}

static bool step_virtual(struct loop *loop)
{
    if (loop->turns) {
        run_turns(loop);
        return true;
    }
    if (!loop->timers)
        return uv_run(&loop->uv, UV_RUN_NOWAIT) != 0;
    if (loop->timers->due_ms > loop->virtual_ms)
        loop->virtual_ms = loop->timers->due_ms;
    run_due_timers(loop);
    return true;
}

bool loop_run_once(struct loop *loop)
{
    if (loop->is_virtual)
        return step_virtual(loop);
    return uv_run(&loop->uv, UV_RUN_ONCE) != 0;
}

void loop_run(struct loop *loop)
{
    loop->stopping = false;
    while (!loop->stopping && loop_run_once(loop))
        ;
}

bool loop_run_until(struct loop *loop, bool (*is_over)(void *data), void *data)
{
    bool going = true;
    while (!is_over(data)) {
        if (!going)
            return false;
        going = loop_run_once(loop);
    }
    return true;
}

void loop_stop(struct loop *loop)
{
    loop->stopping = true;
    uv_stop(&loop->uv);
}

int64_t loop_now_ms(const struct loop *loop)
{
    if (loop->is_virtual)
        return loop->virtual_ms;
    return (int64_t)(uv_hrtime() / 1000000);
}

int64_t loop_wall_ns(const struct loop *loop)
{
    if (loop->is_virtual)
        return loop->virtual_ms * 1000000;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t loop_clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void turn_init(struct turn *turn, loop_cb *run, void *data)
{
    *turn = (struct turn){.run = run, .data = data};
}

void loop_post(struct loop *loop, struct turn *turn)
{
    if (turn->queued)
        return;
    turn->queued = true;
    turn->round = loop->round;
    DL_APPEND(loop->turns, turn);
    if (!loop->is_virtual)
        uv_idle_start(&loop->idle, on_idle);
}

void loop_unpost(struct loop *loop, struct turn *turn)
{
    if (!turn->queued)
        return;
    turn->queued = false;
    DL_DELETE(loop->turns, turn);
}

void timer_init(struct loop *loop, struct timer *timer, loop_cb *run, void *data)
{
    *timer = (struct timer){.loop = loop, .run = run, .data = data};
}

static int compare_due(const struct timer *a, const struct timer *b)
{
    if (a->due_ms != b->due_ms) {
        if (a->due_ms < b->due_ms)
            return -1;
        return 1;
    }
    if (a->serial < b->serial)
        return -1;
    return 1;
}

void timer_start(struct timer *timer, int64_t delay_ms)
{
    struct loop *loop = timer->loop;
    timer_stop(timer);
    timer->due_ms = loop_now_ms(loop) + (delay_ms > 0 ? delay_ms : 0);
    timer->serial = ++loop->serial;
    timer->armed = true;
    DL_INSERT_INORDER(loop->timers, timer, compare_due);
    set_clock(loop);
}

void timer_stop(struct timer *timer)
{
    if (!timer->armed)
        return;
    timer->armed = false;
    DL_DELETE(timer->loop->timers, timer);
    if (!timer->loop->timers)
        set_clock(timer->loop);
}

static void on_signal(uv_signal_t *handle, int signum)
{
    struct loop_signal *entry = handle->data;
    if (entry->run)
        entry->run(signum, entry->data);
}

int loop_watch_signal(struct loop *loop, int signum, loop_signal_cb *run, void *data, struct error *err)
{
    if (signals_stay_ignored(signum))
        return 0;
    if (loop->signal_count == LOOP_SIGNALS)
        return error_set(err, ERROR_FAILED, "too many signals to watch");

    struct loop_signal *entry = &loop->signals[loop->signal_count];
    *entry = (struct loop_signal){.run = run, .data = data};
    int rc = uv_signal_init(&loop->uv, &entry->handle);
    if (rc == 0) {
        loop->signal_count++;
        entry->handle.data = entry;
        rc = uv_signal_start(&entry->handle, on_signal, signum);
    }
    if (rc < 0)
        return error_set(err, ERROR_FAILED, "cannot watch signal %d: %s", signum, uv_strerror(rc));
    uv_unref((uv_handle_t *)&entry->handle);
    return 0;
}

void loop_expect_signal(struct loop *loop, int signum, bool is_expected)
{
    for (int i = 0; i < loop->signal_count; i++) {
        uv_handle_t *handle = (uv_handle_t *)&loop->signals[i].handle;
        if (loop->signals[i].handle.signum != signum)
            continue;
        if (is_expected)
            uv_ref(handle);
        else
            uv_unref(handle);
    }
}

void loop_unwatch_signal(struct loop *loop, int signum)
{
    for (int i = 0; i < loop->signal_count; i++)
        if (loop->signals[i].handle.signum == signum)
            uv_signal_stop(&loop->signals[i].handle);
}
