/* What `up` would refuse on this machine: programs and folders that are not there, certificates that cannot
 * be used, ports that are taken. Asked by `validate`; nothing is started, and no engine is asked anything.
 * Inside cli/ only.
 *
 * Each finding becomes a problem of the project, at the position of the field that it is about: an error
 * where `up` would fail, a warning where it might not: the resource is optional or started by hand only, a
 * task runs before it and may make what is missing, or the fact is one of this moment (a port). */
#ifndef CLI_PREFLIGHT_H
#define CLI_PREFLIGHT_H

#include "session/context.h"

/* Adds to context->project.problems. */
void preflight(struct context *context);

#endif
