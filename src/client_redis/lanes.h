/*
 * Inside the library: the connections to one server, or to whatever the options of a client lead to: one for
 * small calls, one for big values, one to a replica. Each is made when it is first needed.
 */
#ifndef CLIENT_REDIS_LANES_H
#define CLIENT_REDIS_LANES_H

#include "client_conn/conn.h"

struct apphost_redis;

struct lanes {
    struct apphost_redis *redis;
    struct apphost_options *options; /* of a node of a cluster; NULL: the client's */
    /* Makes the client's, once, entered and left with its lock. */
    int (*resolve_locked)(struct apphost_redis *redis, struct apphost_error *error);
    _Atomic(struct conn *) conns[DIAL_ROLES]; /* by dial_role; after first use no lock is taken */
};

/* Bytes from which on a value has a connection of its own: small calls do not wait behind it. */
enum { REDIS_BIG = 1024 * 1024 };

/* NULL with the delayed error of the configuration, or when the client was closed. */
struct conn *lanes_conn(struct lanes *lanes, enum dial_role role, struct apphost_error *error);

/*
 * Which connection a batch takes. What is big, or is known to be answered by something big (DIAL_BULK is
 * wanted), has a connection of its own, and while something big that nobody expected comes in on the other,
 * small ones take it too. But what is about a key that has something under way which nobody awaits (a time to
 * live that was posted, a write whose caller gave up) follows it on the same connection.
 */
enum dial_role lanes_pick(struct lanes *lanes, enum dial_role wanted, const struct batch *batch);

/* Every connection to the primary is dialed again: it is not what it was. */
void lanes_redial(struct lanes *lanes);
void lanes_shut(struct lanes *lanes);
void lanes_close(struct lanes *lanes);

#endif
