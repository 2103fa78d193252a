/* Several servers that are one: what they are told so that they become it, and whether they are.
 *
 * A topology knows its members by number and, of those that run, where they answer. It looks at all of them
 * in rounds over connections of its own, compares with what is wanted, and tells each what is missing; then
 * it looks again. So a cold start, a member that comes back, data that was kept from an earlier session and a
 * failover that somebody else began are one case: only what is seen counts, nothing is remembered but who was
 * primary last.
 *
 * Happy path: topology_join() for each member once it answers a PING; on_changed runs when the topology is
 * formed, a role has changed, or something has been missing for a while. Failures: a member that does not
 * answer is tried again for ever, and topology_trouble() says what is missing; there is no deadline in here:
 * whoever waits has one. Data that can never become what is wanted are left alone: topology_is_hopeless().
 * The primary goes: nothing is done about it here beyond what the servers do themselves.
 *
 * Promise: on_changed never runs inside of a call of this room, and not after topology_free(). Strings are
 * copied. Everything on the loop's thread. */
#ifndef TOPOLOGY_TOPOLOGY_H
#define TOPOLOGY_TOPOLOGY_H

#include "loop/loop.h"
#include "model/model.h"
#include "redis_conn/redis_conn.h"

struct topology;

struct topology_options {
    enum model_topology_kind kind;
    int shards, sentinels, quorum;
    const char *primary_name; /* as the sentinels call it */
    size_t count;             /* members: shards, each with its replicas; then the sentinels */
    bool keeps_data;          /* what they hold outlives them: nothing of it is given up */
    loop_cb *on_changed;
    void *data;
};
struct topology *topology_new(struct loop *loop, const struct topology_options *options);
void topology_free(struct topology *topology);

/* An instance of the member runs, and is called and reached so. Of `where` its address, its user and its
 * certificate are taken. bus_port: where a cluster's members talk to each other; else 0. */
void topology_join(struct topology *topology, size_t member, const char *name,
                   const struct redis_conn_options *where, int bus_port);
void topology_leave(struct topology *topology, size_t member);

/* All members are there, and each is what it should be. */
bool topology_is_formed(const struct topology *topology);
/* What is missing, in words; NULL: nothing. */
const char *topology_trouble(const struct topology *topology);
/* The same has been missing for a while. */
bool topology_is_held_up(const struct topology *topology);
/* What is missing cannot come by itself, nor by us: somebody has to mend what the members hold. */
bool topology_is_hopeless(const struct topology *topology);
/* "primary", "replica of cache-1", "sentinel"; NULL: not known. */
const char *topology_role(const struct topology *topology, size_t member);

#endif
