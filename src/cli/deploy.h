/* `deploy`: one function a target, each in its own file. Inside cli/ only. */
#ifndef CLI_DEPLOY_H
#define CLI_DEPLOY_H

#include "cli/deployment.h"
#include "session/context.h"

struct deploy_options {
    bool diff;     /* only say what would change */
    bool remove;   /* take away what is ours; */
    bool volumes;  /* with the data */
    bool rollback; /* what the last deploy changed */
    bool yes;      /* do not ask */
    bool with_tools;
    bool takes_over;                      /* what another machine deployed */
    int64_t wait_ms;                      /* 0: the target's default */
    const char *context_name, *namespace; /* kubernetes: of kubectl; or NULL */
    struct strlist places;                /* swarm: "cache=node" */
};

int cli_deploy_swarm(struct context *context, const struct deploy_options *options, struct error *err);

#endif
