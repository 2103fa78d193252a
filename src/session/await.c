/* The only place of cli/ that turns a loop. See await.h. */
#include "session/await.h"

#include "ui/output.h"

struct watchman {
    struct client *client;
    const struct wait *wait;
    struct timer alarm;
    int interrupts; /* at the beginning */
    bool is_late;
};

static void on_alarm(void *data)
{
    struct watchman *watchman = data;
    watchman->is_late = true;
}

static bool is_interrupted(const struct watchman *watchman)
{
    return !watchman->wait->is_steady && watchman->client->interrupts != watchman->interrupts;
}

static bool is_over(void *data)
{
    const struct watchman *watchman = data;
    const struct wait *wait = watchman->wait;
    const struct client *client = watchman->client;
    if (client->after_turn)
        client->after_turn(client->turn_data);
    if (wait->judge)
        wait->judge(wait->data);
    return *wait->fact || watchman->is_late || is_interrupted(watchman);
}

static int explain(const struct watchman *watchman, struct error *err)
{
    const struct wait *wait = watchman->wait;
    char limit[24];
    if (!watchman->is_late)
        return error_set(err, ERROR_FAILED, "%s did not come, and nothing is left that could happen",
                         wait->what);
    output_elapsed(wait->limit.ms, limit);
    return error_set(err, ERROR_TIMEOUT, "%s did not come within %s", wait->what, limit);
}

int await(struct client *client, const struct wait *wait, struct error *err)
{
    struct watchman watchman = {.client = client, .wait = wait, .interrupts = client->interrupts};
    limit_check(wait->limit);
    timer_init(&client->loop, &watchman.alarm, on_alarm, &watchman);
    if (!wait->limit.is_forever)
        timer_start(&watchman.alarm, wait->limit.ms);

    loop_run_until(&client->loop, is_over, &watchman);
    timer_stop(&watchman.alarm);

    if (*wait->fact)
        return 0;
    return is_interrupted(&watchman) ? AWAIT_INTERRUPTED : explain(&watchman, err);
}

int await_interrupted(struct error *err)
{
    return error_set(err, ERROR_CANCELLED, "interrupted");
}
