/* Commands that a later version brings. They answer so, and never do half of something. */
#include "session/context.h"

static int not_yet(struct context *context, struct error *err)
{
    error_set(err, ERROR_USAGE, "apphost %s: not yet, a later version will have it",
              context->args.command->name);
    return -1;
}

const struct command cmd_deploy = {
    .name = "deploy",
    .summary = "roll out to another engine (not yet)",
    .usage = "TARGET",
    .description = "Not yet: a later version will have it.",
    .group = GROUP_MANIFEST,
    .most = -1,
    .run = not_yet,
};
