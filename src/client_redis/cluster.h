/*
 * Inside the library: a Redis Cluster behind a named client.
 *
 * That there is one is learnt from the handshake (HELLO says so) or from the first redirection. Then a thread
 * of the cluster's keeps the map from slots to shards: it alone asks for it (CLUSTER SLOTS of whatever node
 * answers), whoever finds it wrong only says so, and so it is asked once however many notice at a time.
 *
 * Nodes live until the client does, and so do shards (those that are the same are shared): reading the map
 * takes no lock. A node that left the cluster loses its connections.
 */
#ifndef CLIENT_REDIS_CLUSTER_H
#define CLIENT_REDIS_CLUSTER_H

#include "client_redis/redis.h"
#include "client_redis/slots.h"

enum { SHARD_REPLICAS = 7 };

struct cluster_node {
    struct cluster_node *next;
    struct lanes lanes;
    char *host;
    int port;
    bool is_seen; /* by the map that is being read */
};

struct shard {
    struct shard *next;
    struct cluster_node *primary;
    struct cluster_node *replicas[SHARD_REPLICAS];
    size_t count;
};

struct scatter;

struct cluster {
    struct apphost_redis *redis;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the map, and what the thread has to do */
    atomic_bool is_on;
    bool has_thread, is_over, is_stale;
    int64_t read_ms; /* when the map was asked for */
    struct cluster_node *nodes;
    struct shard *shards;
    struct retired *retired; /* connections of nodes that left */
    struct scatter *waiting; /* to go on at their time */
    _Atomic(struct shard *) slots[SLOTS];
};

/* Of a client, made when it is first needed; nothing is asked before cluster_begin(). NULL with an error. */
struct cluster *cluster_of(struct apphost_redis *redis, struct apphost_error *error);

/* Ends all waits; its connections; itself, when nobody is in it any more (NULL is allowed). */
void cluster_end(struct cluster *cluster);
void cluster_close(struct cluster *cluster);
void cluster_free(struct cluster *cluster);

/* There is a cluster: its thread reads the map. 0, -1. */
int cluster_begin(struct cluster *cluster, struct apphost_error *error);
bool cluster_is_on(struct cluster *cluster);

/* The map is wrong, or a node is gone. */
void cluster_is_wrong(struct cluster *cluster);

/* It names no replica where one is wanted: asked again now and then, for a server keeps quiet about new ones.
 */
void cluster_is_lacking(struct cluster *cluster);

/* Where the slot moved, from now on; or where to ask, once. */
struct cluster_node *cluster_redirect(struct cluster *cluster, const struct redirection *to,
                                      const char *from);

/* The shard of a slot, NULL when it is not known. */
struct shard *cluster_shard(struct cluster *cluster, int slot);

/* scatter.c: what waits for its time goes on, on the cluster's thread. */
void cluster_wait(struct cluster *cluster, struct scatter *scatter);
int64_t scatter_due(const struct scatter *scatter);
struct scatter **scatter_next(struct scatter *scatter);
void scatter_go_on(struct scatter *scatter);

#endif
