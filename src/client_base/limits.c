/* Limits of a thread's calls. See apphost/limits.h. */
#include "client_base/limits.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { SLICE_MS = 20 };

struct apphost_cancel {
    atomic_bool is_cancelled;
};

static _Thread_local struct apphost_limits own;
static _Thread_local int64_t
    whole_ms; /* when the call of several commands has to end that the thread is in */

struct apphost_cancel *apphost_cancel_new(void)
{
    return calloc(1, sizeof(struct apphost_cancel));
}

void apphost_cancel_free(struct apphost_cancel *cancel)
{
    free(cancel);
}

void apphost_cancel(struct apphost_cancel *cancel)
{
    if (cancel)
        atomic_store(&cancel->is_cancelled, true);
}

bool apphost_is_cancelled(const struct apphost_cancel *cancel)
{
    return cancel && atomic_load(&cancel->is_cancelled);
}

void apphost_limits_set(const struct apphost_limits *limits)
{
    static const struct apphost_limits none = {0};

    if (!limits)
        limits = &none;
    own = *limits;
}

int limits_timeout(int timeout_ms)
{
    if (own.timeout_ms > 0)
        timeout_ms = own.timeout_ms;
    if (whole_ms > 0 && clock_left(whole_ms) < timeout_ms)
        timeout_ms = (int)set_or(clock_left(whole_ms), 1);
    return timeout_ms;
}

int64_t limits_enter(void)
{
    int64_t before = whole_ms;

    if (whole_ms == 0 && own.timeout_ms > 0)
        whole_ms = clock_ms() + own.timeout_ms;
    return before;
}

void limits_leave(int64_t before)
{
    whole_ms = before;
}

int64_t limits_until(int64_t deadline_ms)
{
    if (whole_ms > 0 && whole_ms < deadline_ms)
        return whole_ms;
    return deadline_ms;
}

bool limits_are_over(void)
{
    return whole_ms > 0 && clock_left(whole_ms) == 0;
}

int limits_late(const char *what, struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_TIMEOUT, "timeout_ms", "%.40s took longer than the %d ms of this thread",
                    what, own.timeout_ms);
}

struct apphost_limits limits_narrow(int timeout_ms)
{
    struct apphost_limits before = own;

    if (timeout_ms > 0 && (own.timeout_ms <= 0 || timeout_ms < own.timeout_ms))
        own.timeout_ms = timeout_ms;
    return before;
}

bool limits_are_cancelled(void)
{
    return apphost_is_cancelled(own.cancel);
}

int64_t limits_slice(int64_t deadline_ms)
{
    int64_t slice_ms;

    if (!own.cancel)
        return deadline_ms;
    slice_ms = clock_ms() + SLICE_MS;
    if (slice_ms < deadline_ms)
        return slice_ms;
    return deadline_ms;
}

int limits_fail(const char *what, struct apphost_error *error)
{
    return fail_set(error, APPHOST_E_CANCELLED, "cancel", "%.40s was called off", what);
}
