/* What `apphost doctor` looks at: a table of checks, each adding findings. */
#ifndef DOCTOR_DOCTOR_H
#define DOCTOR_DOCTOR_H

#include "session/context.h"
#include "engine/once.h"

enum doctor_status { DOCTOR_PASS, DOCTOR_WARNING, DOCTOR_FAIL, DOCTOR_STATUS_COUNT };

struct doctor_finding {
    enum doctor_status status;
    const char *category, *message;
    const char *fix; /* NULL: nothing to do, of a pass */
};

struct doctor {
    struct context *context;
    struct engine_once engine;
    bool has_engine;       /* it answers */
    struct error manifest; /* why there is no plan, where there is none */
    struct doctor_finding *findings;
    size_t finding_count;
    struct arena arena;   /* of their texts */
    const char *category; /* of the check that runs */
    int counts[DOCTOR_STATUS_COUNT];
    struct error first; /* failure */
};

/* Texts are copied. What is not as it should be has a fix: there is no way to add it without one. */
void doctor_pass(struct doctor *doctor, const char *message);
void doctor_warn(struct doctor *doctor, const char *message, const char *fix) __attribute__((nonnull));
void doctor_refuse(struct doctor *doctor, const char *message, const char *fix) __attribute__((nonnull));
/* An error as a failure; its hint is the fix, and where it has none, one that goes by its kind. */
void doctor_fail(struct doctor *doctor, const struct error *error);

/* {"status","message","fix"?,"category"}; the caller deletes. */
cJSON *finding_json(const struct doctor_finding *finding);

struct doctor_check {
    const char *category;
    void (*run)(struct doctor *doctor);
};
/* Ends with a NULL category. */
extern const struct doctor_check doctor_checks[];

/* doctor_program.c */
void doctor_check_program(struct doctor *doctor);

/* doctor_sessions.c */
void doctor_check_sessions(struct doctor *doctor);

#endif
