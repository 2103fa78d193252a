/* What the files of the room share: what is seen of the members, and what the rules of a kind say to it.
 *
 * Rules are pure: they read replies into what is seen, and make orders of what is seen. topology.c does the
 * talking. */
#ifndef TOPOLOGY_INTERNAL_H
#define TOPOLOGY_INTERNAL_H

#include "topology/topology.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>

/* Sentinels are asked other things than servers are. */
enum { SENTINEL_LOOKS = 3, MOST_LOOKS = 6, NOBODY = -1, ROUNDS_ALONE = 10 };
/* Stands in an order for the password of whom it is given. */
#define ORDER_PASSWORD "\x01"

struct cluster_table;

enum seen_role { ROLE_UNKNOWN, ROLE_PRIMARY, ROLE_REPLICA, ROLE_SENTINEL };
/* What a member said of itself in this round. */
struct topology_seen {
    bool is_known; /* it answered everything */
    enum seen_role role;
    char *of_host; /* a replica: of whom; a sentinel: whom it watches, or NULL */
    int of_port;
    bool is_linked; /* a replica: it has its primary's data, and gets what is new; a
                     * sentinel: it sees nothing wrong, and does nothing about it */
    char *fed;      /* a primary: " 7002 7003 ", the ports of the replicas that get what is new; or NULL */
    int64_t offset; /* of the stream of changes; a sentinel: how new its word is */
    char id[41];    /* a sentinel: who it is, and how many others it knows */
    int replicas, others;
    struct cluster_table *table; /* a cluster's member: whom it knows; see cluster.h */
};
void seen_clear(struct topology_seen *seen);

struct member {
    const char *name, *host; /* where it is, or was; NULL: it never ran */
    int port, bus_port;
    bool is_here; /* it runs */
    struct topology_seen seen;
};
/* All there is to judge by. */
struct standing {
    const struct topology_options *options;
    const struct member *members;
    int primary;      /* who it was last, and has not gone since; or NOBODY */
    int rounds_alone; /* in a row in which nobody was primary: while a primary hands over nobody is */
};

struct order {
    size_t to; /* member */
    struct strlist words;
};
struct judgement {
    bool is_formed;
    char *trouble; /* what is missing, or NULL */
    bool is_final; /* and it cannot come */
    int primary;   /* or NOBODY */
    bool is_alone; /* nobody is primary */
    struct order *orders;
    size_t order_count;
};
void judgement_clear(struct judgement *judgement);
/* The words are separated by single blanks. */
void judgement_order(struct judgement *judgement, size_t to, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The first trouble counts. */
void judgement_trouble(struct judgement *judgement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, and nothing that is done here or that the servers do can end it. */
void judgement_final(struct judgement *judgement, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

struct rules {
    const char *const *looks[MOST_LOOKS]; /* commands; from SENTINEL_LOOKS on a sentinel's */
    /* False: the reply is none to that question. */
    bool (*read)(const struct topology_options *options, struct topology_seen *seen, size_t look,
                 const struct resp_reply *reply);
    void (*judge)(const struct standing *standing, struct judgement *out);
};
extern const struct rules replication_rules, cluster_rules, sentinel_rules;
const struct rules *rules_of(enum model_topology_kind kind);

/* The member that answers there, or NOBODY. */
int standing_find(const struct standing *standing, const char *host, int port);
/* Says who is missing; true: nobody is. */
bool standing_is_complete(const struct standing *standing, struct judgement *out);
/* Whether all servers replicate out->primary; who does not is told to. */
void judge_replicas_of(const struct standing *standing, bool may_order, struct judgement *out);
/* It gets each change from now on: the primary says so, not its replica alone. */
bool standing_is_fed(const struct standing *standing, int primary, int replica);
/* Reads the reply to ROLE of a server that holds data. */
bool seen_read_role(struct topology_seen *seen, const struct resp_reply *reply);

#endif
