/* See outcome.h. */
#include "outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

void outcome_note(const struct error *error, const cJSON *report, void *data)
{
    struct outcome *outcome = data;
    assert_false(outcome->done);
    outcome->done = true;
    if (error)
        error_copy(&outcome->error, error);
    outcome->report = cJSON_Duplicate(report, true);
}

void outcome_clear(struct outcome *outcome)
{
    error_clear(&outcome->error);
    cJSON_Delete(outcome->report);
    memset(outcome, 0, sizeof *outcome);
}

void outcome_flag(void *data)
{
    *(bool *)data = true;
}
