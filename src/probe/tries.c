/* What all probes do alike: try, pause, try again, and tell the owner when something changed.
 *
 * Happy path: first try → probe_succeeded() → READY, then a look every interval. A failure before that is
 * kept and makes a growing pause; only one that is final is told. A failure afterwards is LOST, told at once
 * and tried again at once. */
#include "probe/internal.h"
#include "base/pick.h"

enum {
    FIRST_PAUSE_MS = 2,
    PAUSE_PART = 32,
    LAST_PAUSE_MS = 250,
    READY_INTERVAL_MS = 5000,
    ATTEMPT_TIMEOUT_MS = 2000
};

static int64_t attempt_ms(const struct probe *p)
{
    if (p->options.attempt_timeout_ms)
        return p->options.attempt_timeout_ms;
    return ATTEMPT_TIMEOUT_MS;
}

static void try_now(void *data)
{
    struct probe *p = data;
    p->is_trying = true;
    timer_start(&p->limit, attempt_ms(p));
    p->ops->start(p);
}

static void on_limit(void *data)
{
    struct probe *p = data;
    struct error err = {0};
    p->ops->cancel(p);
    error_set(&err, ERROR_TIMEOUT, "no answer within %lld ms", (long long)attempt_ms(p));
    probe_failed(p, false, &err);
}

/* A part of the time that has passed: what is ready is seen at most this part later than it could have been.
 */
static int64_t next_pause_ms(const struct probe *p)
{
    int64_t pause_ms = (loop_now_ms(p->loop) - p->since_ms) / PAUSE_PART;
    if (p->options.interval_ms)
        return p->options.interval_ms;
    if (pause_ms < FIRST_PAUSE_MS)
        return FIRST_PAUSE_MS;
    return int64_min(pause_ms, LAST_PAUSE_MS);
}

static void end_try(struct probe *p)
{
    p->is_trying = false;
    timer_stop(&p->limit);
}

void probe_succeeded(struct probe *p)
{
    end_try(p);
    error_clear(&p->last);
    p->was_final = false;
    int64_t interval_ms = READY_INTERVAL_MS;
    if (p->options.interval_ms)
        interval_ms = p->options.interval_ms;
    timer_start(&p->next, interval_ms);
    if (p->state == PROBE_READY)
        return;
    p->state = PROBE_READY;
    p->on_change(PROBE_READY, NULL, false, p->data);
}

void probe_failed(struct probe *p, bool is_final, struct error *err)
{
    bool is_news = p->state == PROBE_READY || (is_final && !p->was_final);
    end_try(p);
    error_clear(&p->last);
    error_move(&p->last, err);
    p->was_final = is_final;
    if (p->state == PROBE_READY) {
        p->state = PROBE_LOST;
        p->since_ms = loop_now_ms(p->loop);
    }
    timer_start(&p->next, next_pause_ms(p));
    if (is_news)
        p->on_change(p->state, &p->last, is_final, p->data);
}

void probe_tries_init(struct probe *p)
{
    p->since_ms = loop_now_ms(p->loop);
    turn_init(&p->first, try_now, p);
    timer_init(p->loop, &p->next, try_now, p);
    timer_init(p->loop, &p->limit, on_limit, p);
    loop_post(p->loop, &p->first);
}
