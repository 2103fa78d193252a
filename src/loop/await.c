/* The only place that turns a loop for somebody who blocks. See await.h. */
#include "loop/await.h"

#include "base/str.h"

#include <errno.h>
#include <poll.h>

struct watchman {
    const struct wait *wait;
    const struct await_watch *watch;
    struct timer alarm;
    bool is_late, is_interrupted;
};

static void on_alarm(void *data)
{
    struct watchman *watchman = data;
    watchman->is_late = true;
}

static bool is_over(void *data)
{
    struct watchman *watchman = data;
    const struct wait *wait = watchman->wait;
    const struct await_watch *watch = watchman->watch;
    watchman->is_interrupted = watch && watch->is_interrupted(watch->data);
    if (wait->judge)
        wait->judge(wait->data);
    return *wait->fact || watchman->is_late || watchman->is_interrupted;
}

static int explain(const struct watchman *watchman, struct error *err)
{
    const struct wait *wait = watchman->wait;
    char limit[24];
    if (!watchman->is_late)
        return error_set(err, ERROR_FAILED, "%s did not come, and nothing is left that could happen",
                         wait->what);
    str_elapsed(wait->limit.ms, limit);
    return error_set(err, ERROR_TIMEOUT, "%s did not come within %s", wait->what, limit);
}

int loop_await(struct loop *loop, const struct wait *wait, const struct await_watch *watch, struct error *err)
{
    struct watchman watchman = {.wait = wait, .watch = watch};
    limit_check(wait->limit);
    timer_init(loop, &watchman.alarm, on_alarm, &watchman);
    if (!wait->limit.is_forever)
        timer_start(&watchman.alarm, wait->limit.ms);

    loop_run_until(loop, is_over, &watchman);
    timer_stop(&watchman.alarm);

    if (*wait->fact)
        return 0;
    if (watchman.is_interrupted)
        return AWAIT_INTERRUPTED;
    return explain(&watchman, err);
}

int loop_await_input(struct loop *loop, int fd, const struct await_watch *watch)
{
    struct uv_loop_s *uv = &loop->uv;
    short ready = 0;

    while (!ready) {
        uv_run(uv, UV_RUN_NOWAIT);
        if (watch && watch->is_interrupted(watch->data))
            return AWAIT_INTERRUPTED;
        struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = uv_backend_fd(uv), .events = POLLIN}};
        if (poll(fds, 2, uv_backend_timeout(uv)) >= 0)
            ready = fds[0].revents;
        else if (errno != EINTR)
            return -1;
    }
    return 0;
}

void loop_catch_up(struct loop *loop)
{
    while (uv_run(&loop->uv, UV_RUN_NOWAIT) && uv_backend_timeout(&loop->uv) == 0)
        continue;
}
