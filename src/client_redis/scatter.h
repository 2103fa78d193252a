/*
 * Inside the library: a batch on a cluster. It is cut into units that stay together (a command, or a
 * transaction of the commands about one entry), these go to their nodes all at once, and what a node sends
 * elsewhere goes there in the next round, until all have their replies or the time is up.
 */
#ifndef CLIENT_REDIS_SCATTER_H
#define CLIENT_REDIS_SCATTER_H

#include "client_redis/redis.h"

/* As conn_call(): replies in the order of the commands; of a transaction about several entries those of its
 * parts, one after the other. */
int scatter_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                struct replies *replies, struct apphost_error *error);

/* The same when the first round was made elsewhere: *replies are its replies, which are taken. */
int scatter_resume(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                   struct replies *replies, struct apphost_error *error);

/* As conn_start(). The batch is copied. */
int scatter_start(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                  conn_done_fn done, void *user, struct apphost_error *error);

/* Whether a node of a cluster says that a key is on another. */
bool scatter_is_elsewhere(const struct replies *replies);

/* Where a command goes: to the client's connections, or a node's. */
struct lanes *scatter_lanes(struct apphost_redis *redis, const struct conn_command *command);

#endif
