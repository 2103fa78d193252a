/*
 * Inside the batches of a cluster: what they are made of, and what scatter_make.c (cutting a batch into
 * units), scatter.c (rounds and answers) and scatter_call.c (the ways in) share.
 *
 * A scatter belongs to whoever has its round: the caller, then the groups under way, each to its own units,
 * and between two rounds the cluster's thread.
 */
#ifndef CLIENT_REDIS_SCATTER_INTERNAL_H
#define CLIENT_REDIS_SCATTER_INTERNAL_H

#include "client_redis/cluster.h"
#include "client_redis/scatter.h"

/* Commands that stay together: one, or those about one entry between MULTI and EXEC. */
struct unit {
    int slot;
    size_t first, count;      /* of the commands */
    size_t reply, replies;    /* in scatter->items */
    struct cluster_node *ask; /* where to ask, this once */
    bool is_done, wants_primary;
    struct apphost_error failure; /* when no reply has come */
};

struct scatter {
    struct scatter *next; /* among those that wait for their time */
    struct apphost_redis *redis;
    struct cluster *cluster;
    enum dial_role role;
    struct batch batch; /* a copy, in one block of memory */
    void *block;
    bool is_transaction;
    struct unit *units;
    size_t unit_count;
    struct resp_reply **items;
    size_t item_count;
    _Atomic size_t outstanding;
    int64_t deadline_ms, due_ms;
    unsigned rounds;
    atomic_bool has_to_pause;
    atomic_bool is_timed; /* one of the groups has set `times` */
    struct timing times;
    conn_done_fn done;
    void *user;
};

/* NULL with an error. */
struct scatter *scatter_new(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                            struct apphost_error *error);
void scatter_free(struct scatter *scatter);

/* The first reply that sends a unit elsewhere or asks it to wait, NULL when it is done. */
const struct resp_reply *scatter_refusal(struct resp_reply *const *replies, size_t count, unsigned *verdict);

/* What the replies of a unit mean; `from` is the host that gave them. */
void scatter_judge(struct scatter *scatter, struct unit *unit, const char *from);
void scatter_clear(struct scatter *scatter, const struct unit *unit);

/* Whether what failed in this way may be tried again. */
bool scatter_may_repeat(const struct scatter *scatter, const struct apphost_error *failure);

/* A round, and what follows it; the scatter may be gone when they return. */
void scatter_begin(struct scatter *scatter);
void scatter_end(struct scatter *scatter);

#endif
