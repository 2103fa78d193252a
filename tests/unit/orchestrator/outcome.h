/* The answer to a request, kept for the test that asked. */
#ifndef TESTS_ORCHESTRATOR_OUTCOME_H
#define TESTS_ORCHESTRATOR_OUTCOME_H

#include "orchestrator/orchestrator.h"

struct outcome {
    bool done;
    struct error error;
    cJSON *report;
};

/* An orchestrator_done_cb; data is a struct outcome. Fails the test when it runs twice. */
void outcome_note(const struct error *error, const cJSON *report, void *data);
void outcome_clear(struct outcome *outcome);
/* A loop_cb for ends; data is a bool. */
void outcome_flag(void *data);

#endif
