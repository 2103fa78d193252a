/* apphost redis RES --failover; see redis_failover.c. */
#ifndef CONSOLE_REDIS_FAILOVER_H
#define CONSOLE_REDIS_FAILOVER_H

#include "console/redis_link.h"

/* 0, 128 + signal, or -1. */
int redis_failover(struct redis_link *link, struct error *err);

#endif
