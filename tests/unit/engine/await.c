/* See await.h. The limit of a wait is time of the loop, virtual or not. */
#include "await.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct outcome *outcome_reset(struct outcome *outcome)
{
    error_clear(&outcome->err);
    cJSON_Delete(outcome->json);
    memset(outcome, 0, sizeof *outcome);
    return outcome;
}

static void keep(struct outcome *outcome, const struct engine_result *result)
{
    if (result->id)
        snprintf(outcome->id, sizeof outcome->id, "%s", result->id);
    if (result->output)
        snprintf(outcome->text, sizeof outcome->text, "%s", result->output);
    if (result->info)
        outcome->info = *result->info;
    outcome->exit_code = result->exit_code;
    outcome->container_count = result->container_count;
    const struct engine_container *from = result->container ? result->container : result->containers;
    if (from && (result->container || result->container_count)) {
        outcome->container = *from;
        snprintf(outcome->text, sizeof outcome->text, "%s", from->state);
    }
    if (result->json)
        outcome->json = cJSON_Duplicate(result->json, true);
}

void on_outcome(const struct engine_result *result, const struct error *err, void *data)
{
    struct outcome *outcome = data;
    outcome->calls++;
    outcome->done = true;
    if (err)
        error_copy(&outcome->err, err);
    else
        keep(outcome, result);
}

static void on_limit(void *data)
{
    *(bool *)data = true;
}

void await_flag(struct loop *loop, const bool *flag, int64_t limit_ms)
{
    bool late = false;
    struct timer timer;
    timer_init(loop, &timer, on_limit, &late);
    timer_start(&timer, limit_ms);
    while (!*flag && !late)
        loop_run_once(loop);
    timer_stop(&timer);
    assert_true(*flag);
}

void await_code(struct loop *loop, struct outcome *outcome, enum error_code code)
{
    await_flag(loop, &outcome->done, 60000);
    if (outcome->err.code != code)
        print_error("expected %s, got %s: %s\n", error_name(code), error_name(outcome->err.code),
                    outcome->err.text ? outcome->err.text : "success");
    assert_int_equal(outcome->err.code, code);
    assert_int_equal(outcome->calls, 1);
}
