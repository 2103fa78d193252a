/*
 * Inside the library: what keeps level one right. The server itself says which keys below the cache's prefix
 * were written, expired or removed, by whomever (CLIENT TRACKING ON BCAST, RESP3), over a connection that is
 * for this alone. While that is not up, level one is shut.
 */
#ifndef CLIENT_CACHE_TRACKING_H
#define CLIENT_CACHE_TRACKING_H

#include "client_cache/level.h"
#include "client_redis/redis.h"

/* Starts a thread that ends with the client. What cannot be started is logged, and the level stays shut. */
void tracking_start(struct apphost_redis *redis, struct level *level, struct apphost_bytes prefix);

#endif
