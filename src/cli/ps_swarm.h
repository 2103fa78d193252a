/* `ps --target swarm`. Inside cli/ only. */
#ifndef CLI_PS_SWARM_H
#define CLI_PS_SWARM_H

#include "session/context.h"

/* Lists what the project has in the swarm that the engine in use manages. */
int ps_swarm(struct context *context, struct error *err);

#endif
