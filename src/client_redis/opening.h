/* Opening a dedicated connection within its limit: see opening.c. */
#ifndef CLIENT_REDIS_OPENING_H
#define CLIENT_REDIS_OPENING_H

#include "client_redis/own.h"

struct apphost_connection;

/* Dials own, which is the connection's. 0; -1 and the connection is not the caller's any more. */
int opening_within(struct apphost_connection *connection, struct own *own, int timeout_ms,
                   struct apphost_error *error);

#endif
