/* What the members of a cluster say of each other; see cluster_table.c. Internal to the room. */
#ifndef TOPOLOGY_CLUSTER_H
#define TOPOLOGY_CLUSTER_H

#include "topology/internal.h"

enum { CLUSTER_ID = 40, CLUSTER_SLOTS = 16384 };

struct cluster_peer {
    char id[CLUSTER_ID + 1], of[CLUSTER_ID + 1]; /* of: a replica's primary */
    char host[64];
    int port;
    long long epoch;
    char *slots; /* "0-5460 77 " */
    bool is_self, is_replica, is_handshake, is_failed, is_linked;
};
struct cluster_table {
    struct cluster_peer *peers;
    size_t count;
    int self;
    bool is_ok; /* cluster_state */
};

/* NULL: the text is no table. */
struct cluster_table *cluster_table_read(const char *text);
void cluster_table_free(struct cluster_table *table);
/* Not among those that are still shaking hands. */
const struct cluster_peer *cluster_find(const struct cluster_table *table, const char *id);
const struct cluster_peer *cluster_self(const struct cluster_table *table);
/* marks: one a slot. */
void cluster_mark_slots(const char *slots, bool *marks);
/* Who has which slots, the same text for the same map. The caller frees. */
char *cluster_map(const struct cluster_table *table);

#endif
