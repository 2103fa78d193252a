/* Running one operation of the engine to its end, and keeping what it said. Uses cmocka's assertions. */
#ifndef TESTS_ENGINE_AWAIT_H
#define TESTS_ENGINE_AWAIT_H

#include "engine/engine.h"

struct outcome {
    bool done;
    int calls;
    struct error err;
    char id[128];
    char text[8192];                   /* output, state, or version */
    struct engine_container container; /* its texts are borrowed from json */
    struct engine_info info;
    int container_count, exit_code;
    cJSON *json; /* a copy */
};
/* Forgets the last outcome; data for the callback below. */
struct outcome *outcome_reset(struct outcome *outcome);
void on_outcome(const struct engine_result *result, const struct error *err, void *data);

/* Runs the loop until *flag, failing the test after limit_ms of the loop's time. */
void await_flag(struct loop *loop, const bool *flag, int64_t limit_ms);
/* Runs until the operation ended; asserts that it ended with this code (ERROR_NONE: well). */
void await_code(struct loop *loop, struct outcome *outcome, enum error_code code);
#define await_ok(loop, outcome) await_code(loop, outcome, ERROR_NONE)

#endif
