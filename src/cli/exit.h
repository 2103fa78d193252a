/* The one place where an end becomes the program's exit code.
 *
 * Cause and origin are two things: 126 and 127 are about the command that `run` and `exec` were given; the
 * same failure of a resource is a resource that failed. By the table of base/error.c, and by whether the
 * program's own failures are told from somebody's exit code: then they are 125, as is an end of which nothing
 * was learnt. */
#ifndef CLI_EXIT_H
#define CLI_EXIT_H

#include "session/context.h"

enum outcome {
    OUTCOME_UNKNOWN, /* nothing was learnt: how every result starts */
    OUTCOME_CODE,    /* it has a code of its own */
    OUTCOME_SIGNAL,  /* the user's signal ended it */
    OUTCOME_FAILED,
};

struct result {
    enum outcome outcome;
    int code;                  /* or the signal */
    const struct error *error; /* of a failure */
};

/* What came of a command's run(): code below 0 is a failure, or the user's signal. */
struct result exit_result(const struct context *context, int code, const struct error *error);
int exit_code(const struct context *context, const struct result *result);
/* Of a line that asks for nothing. */
int exit_misused(void);

#endif
