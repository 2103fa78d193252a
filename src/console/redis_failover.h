/* apphost redis RES --failover, --partition NODE and --heal; see redis_failover.c. */
#ifndef CONSOLE_REDIS_FAILOVER_H
#define CONSOLE_REDIS_FAILOVER_H

#include "console/redis_link.h"

/* All of them: 0, 128 + signal, or -1. */
int redis_failover(struct redis_link *link, struct error *err);
int redis_partition(struct context *context, const char *resource, const char *node, struct error *err);
int redis_heal(struct context *context, const char *resource, struct error *err);

#endif
