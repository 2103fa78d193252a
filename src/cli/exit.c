/* See exit.h. */
#include "cli/exit.h"

#include "base/signals.h"

#pragma GCC diagnostic error "-Wswitch-enum"

struct result exit_result(const struct context *context, int code, const struct error *error)
{
    bool is_stopped = error->code == ERROR_CANCELLED && context->client.interrupts && !context->is_told;
    if (code >= 0)
        return (struct result){.outcome = OUTCOME_CODE, .code = code};
    if (is_stopped)
        return (struct result){.outcome = OUTCOME_SIGNAL, .code = context->client.signum};
    return (struct result){.outcome = OUTCOME_FAILED, .error = error};
}

static int code_of(const struct context *context, const struct error *error)
{
    const struct command *command = context->args.command;
    bool is_told_apart = context->has_other_codes || (command && command->own_failure_125);
    if (is_told_apart && error->origin != ORIGIN_COMMAND)
        return EXIT_OWN_FAILURE;
    return error_exit_code(error);
}

int exit_code(const struct context *context, const struct result *result)
{
    switch (result->outcome) {
    case OUTCOME_CODE:
        return result->code;
    case OUTCOME_SIGNAL:
        return signals_exit_code(result->code);
    case OUTCOME_FAILED:
        return code_of(context, result->error);
    case OUTCOME_UNKNOWN:
        break;
    }
    return EXIT_OWN_FAILURE;
}

int exit_misused(void)
{
    return error_exit_code(&(struct error){.code = ERROR_USAGE});
}
