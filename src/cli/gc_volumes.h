/* Data of projects whose folder is gone: listed, and removed when that is meant. Inside cli/ only. */
#ifndef CLI_GC_VOLUMES_H
#define CLI_GC_VOLUMES_H

#include "session/context.h"

/* Asks on a terminal; with -y it does not, with --dry-run nothing is removed; ERROR_USAGE where nobody can be
 * asked. Volumes that are in use are kept, with a warning. */
int gc_volumes(struct context *context, const char *root, struct error *err);

#endif
