/* `--target swarm` of ps, logs and events: what the project has in the swarm that the engine in use manages,
 * found by its labels; no supervisor has a part in it. Inside cli/ only. */
#ifndef CLI_LOOK_SWARM_H
#define CLI_LOOK_SWARM_H

#include "deploy/deploy.h"
#include "engine/once.h"
#include "logs/logs.h"
#include "session/context.h"
#include "ui/log_view.h"

#define TARGET_OPTION                                                                                        \
    {                                                                                                        \
        .name = "target", .type = OPTION_CHOICE, .value = "TARGET", .choices = "swarm",                      \
        .help = "what was deployed there, instead of what runs here"                                         \
    }

static inline bool looks_at_swarm(const struct context *context)
{
    return args_value(&context->args, "target") != NULL;
}

/* The engine that manages the swarm; the caller closes it, also after a failure. */
int look_swarm_open(struct context *context, struct engine_once *once, struct error *err);
/* Of a name that the command line has, and none of the services; ERROR_NOT_RUNNING. */
int look_swarm_check_names(const struct context *context, const struct deploy_services *services,
                           struct error *err);
bool look_swarm_is_meant(const struct context *context, const char *name);

int ps_swarm(struct context *context, struct error *err);
/* The view has been prepared for standard output. */
int logs_swarm(struct context *context, struct log_view *view, const struct log_reader_options *options,
               struct error *err);
int events_swarm(struct context *context, struct error *err);

#endif
