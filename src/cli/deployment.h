/* What `publish` and `deploy` share: the manifest as a deployment, and what is remembered of other engines in
 * the project's state folder. Inside cli/ only. */
#ifndef CLI_DEPLOYMENT_H
#define CLI_DEPLOYMENT_H

#include "session/context.h"
#include "deployment/deployment.h"
#include "state/state.h"

/* The last rows of both commands' options; `more`: what else is to be said of the tools. */
#define DEPLOYMENT_OPTIONS(more)                                                                             \
    {.name = "with-tools", .type = OPTION_FLAG, .help = "Insight and Commander too" more},                   \
    {                                                                                                        \
        .name = NULL                                                                                         \
    }

struct cli_deployment {
    struct deployment *deployment;
    struct state *state;
    struct deployment_store store; /* state_deployed_get() and _set() */
};

/* Lowers the manifest (NEEDS_MODEL) for a target; its problems are printed, and notes unless quiet. Opens
 * the state folder. -1 with ERROR_MANIFEST. */
int cli_deployment_open(struct cli_deployment *c, struct context *context,
                        const struct deployment_options *options, struct error *err);
void cli_deployment_close(struct cli_deployment *c);
/* The target that a command line names; ERROR_USAGE with those that there are. */
int cli_deployment_target(const struct context *context, enum deployment_target *target, struct error *err);

#endif
