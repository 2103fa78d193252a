/*
 * The map of a cluster: nodes, shards, slots, and the thread that keeps it. See cluster.h.
 *
 * Failure: while no node answers, the map stays as it was and is asked for again and again with a pause; what
 * it says may be old at any time, for the nodes themselves have the last word by their redirections.
 */
#include "client_redis/cluster.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_MS = 1000, PAUSE_MS = 100, AGAIN_MS = 5000, IDLE_MS = 60000 };

/* A connection of a node that left: somebody may still be in it. */
struct retired {
    struct retired *next;
    struct conn *conn;
};

static struct cluster *cluster_new(struct apphost_redis *redis)
{
    struct cluster *cluster = calloc(1, sizeof(*cluster));
    pthread_condattr_t attributes;

    if (!cluster)
        return NULL;
    cluster->redis = redis;
    pthread_mutex_init(&cluster->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&cluster->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return cluster;
}

struct cluster *cluster_of(struct apphost_redis *redis, struct apphost_error *error)
{
    struct cluster *cluster = atomic_load(&redis->cluster);

    if (cluster)
        return cluster;
    lock_take(&redis->lock);
    cluster = atomic_load(&redis->cluster);
    if (!cluster && !redis->is_closed) {
        cluster = cluster_new(redis);
        if (!cluster)
            fail_memory(error);
        atomic_store(&redis->cluster, cluster);
    } else if (!cluster) {
        fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    }
    lock_drop(&redis->lock);
    return cluster;
}

/* ---- Nodes and shards ---- */

static void free_node(struct cluster_node *node)
{
    apphost_options_free(node->lanes.options);
    free(node->host);
    free(node);
}

static struct cluster_node *new_node(struct cluster *cluster, const char *host, int port)
{
    struct cluster_node *node = calloc(1, sizeof(*node));
    char text[300];

    if (!node)
        return NULL;
    node->host = strdup(host);
    node->port = port;
    node->lanes.redis = cluster->redis;
    node->lanes.options = apphost_options_copy(cluster->redis->options);
    if (host[0] == '/' || host[0] == '@') /* the socket of the node that names none */
        snprintf(text, sizeof(text), "!%s", host);
    else if (strchr(host, ':'))
        snprintf(text, sizeof(text), "[%s]:%d", host, port);
    else
        snprintf(text, sizeof(text), "%s:%d", host, port);
    if (node->lanes.options)
        apphost_options_clear_endpoints(node->lanes.options);
    if (node->host && node->lanes.options &&
        apphost_options_add_endpoint(node->lanes.options, text, NULL) == 0)
        return node;
    free_node(node);
    return NULL;
}

static struct cluster_node *find_node_locked(struct cluster *cluster, const char *host, int port)
{
    struct cluster_node *node = cluster->nodes;

    while (node && (node->port != port || strcmp(node->host, host) != 0))
        node = node->next;
    if (node)
        return node;
    node = new_node(cluster, host, port);
    if (!node)
        return NULL;
    node->next = cluster->nodes;
    cluster->nodes = node;
    return node;
}

static bool is_same_shard(const struct shard *a, const struct shard *b)
{
    return a->primary == b->primary && a->count == b->count &&
           memcmp(a->replicas, b->replicas, a->count * sizeof(a->replicas[0])) == 0;
}

/* One that is like this, which is kept. */
static struct shard *find_shard_locked(struct cluster *cluster, const struct shard *like)
{
    struct shard *shard = cluster->shards;

    while (shard && !is_same_shard(shard, like))
        shard = shard->next;
    if (shard)
        return shard;
    shard = malloc(sizeof(*shard));
    if (!shard)
        return NULL;
    *shard = *like;
    shard->next = cluster->shards;
    cluster->shards = shard;
    return shard;
}

struct shard *cluster_shard(struct cluster *cluster, int slot)
{
    if (slot == SLOT_ANY)
        return NULL;
    return atomic_load_explicit(&cluster->slots[slot], memory_order_acquire);
}

struct cluster_node *cluster_redirect(struct cluster *cluster, const struct redirection *to, const char *from)
{
    lock_take(&cluster->lock);
    const char *host = pick(to->host[0], to->host, from);
    struct cluster_node *node = find_node_locked(cluster, host, to->port);
    const struct shard like = {.primary = node};
    const struct shard *known = cluster_shard(cluster, to->slot);
    if (node && !to->is_ask && (!known || known->primary != node))
        atomic_store(&cluster->slots[to->slot], find_shard_locked(cluster, &like));
    lock_drop(&cluster->lock);
    return node;
}

/* ---- Reading the map ---- */

static struct cluster_node *read_node(struct cluster *cluster, const struct resp_reply *row, const char *from)
{
    if (row->type != RESP_ARRAY || row->count < 2 || row->elements[1].type != RESP_INTEGER)
        return NULL;
    const struct resp_reply *host = &row->elements[0];
    bool is_named = host->type == RESP_STRING && host->len > 0 && !resp_reply_is(host, "?");
    if (is_named)
        from = host->str;

    struct cluster_node *node = find_node_locked(cluster, from, (int)row->elements[1].integer);
    if (node)
        node->is_seen = true;
    return node;
}

/* [first, last, primary, replica...] */
static int read_row(struct cluster *cluster, const struct resp_reply *row, const char *from)
{
    struct shard like = {.count = 0};

    if (row->type != RESP_ARRAY || row->count < 3)
        return -1;
    long long first = row->elements[0].integer, last = row->elements[1].integer;
    if (first < 0 || last >= SLOTS || first > last)
        return -1;
    like.primary = read_node(cluster, &row->elements[2], from);
    for (size_t i = 3; i < row->count && like.count < SHARD_REPLICAS; i++) {
        struct cluster_node *replica = read_node(cluster, &row->elements[i], from);

        if (replica)
            like.replicas[like.count++] = replica;
    }
    if (!like.primary)
        return -1;
    struct shard *shard = find_shard_locked(cluster, &like);
    if (!shard)
        return -1;
    for (long long slot = first; slot <= last; slot++)
        atomic_store_explicit(&cluster->slots[slot], shard, memory_order_release);
    return 0;
}

/* Nobody asks them any more; who is still in one of their connections is sent away. */
static void retire_locked(struct cluster *cluster, struct cluster_node *node)
{
    for (int role = 0; role < DIAL_ROLES; role++) {
        struct conn *conn = atomic_exchange(&node->lanes.conns[role], NULL);
        struct retired *retired = conn ? malloc(sizeof(*retired)) : NULL;

        if (!conn)
            continue;
        conn_shut(conn);
        if (!retired)
            continue; /* memory is out: it stays behind */
        retired->conn = conn;
        retired->next = cluster->retired;
        cluster->retired = retired;
    }
}

static int read_map(struct cluster *cluster, const struct resp_reply *rows, const char *from)
{
    int good = 0;

    if (rows->type != RESP_ARRAY)
        return -1;
    lock_take(&cluster->lock);
    for (struct cluster_node *node = cluster->nodes; node; node = node->next)
        node->is_seen = false;
    for (size_t i = 0; i < rows->count; i++)
        good += read_row(cluster, &rows->elements[i], from) == 0;
    for (struct cluster_node *node = cluster->nodes; node && good > 0; node = node->next)
        if (!node->is_seen)
            retire_locked(cluster, node);
    lock_drop(&cluster->lock);
    return good > 0 ? 0 : -1;
}

static int ask_conn(struct cluster *cluster, struct conn *conn)
{
    static const char *const argv[] = {"CLUSTER", "SLOTS"};
    const struct conn_command command = {2, argv, NULL};
    const struct batch batch = {.commands = &command, .count = 1, .key = KEY_NONE, .timeout_ms = ASK_MS};
    struct replies replies;
    char address[128];
    int port;

    if (!conn || conn_call(conn, &batch, &replies, NULL) < 0)
        return -1;
    conn_is_up(conn, address, &port);
    int rc = read_map(cluster, replies.items[0], address);
    replies_free(&replies);
    return rc;
}

/* Nodes of which a connection is up, then the client's own way in, then the others. */
static int ask_nodes(struct cluster *cluster)
{
    char address[128];
    int port;

    lock_take(&cluster->lock);
    struct cluster_node *first = cluster->nodes;
    lock_drop(&cluster->lock);
    for (struct cluster_node *node = first; node; node = node->next) {
        struct conn *conn = atomic_load(&node->lanes.conns[DIAL_PRIMARY]);

        if (conn && conn_is_up(conn, address, &port) && ask_conn(cluster, conn) == 0)
            return 0;
    }
    struct conn *way_in = lanes_conn(&cluster->redis->lanes, DIAL_PRIMARY, NULL);
    if (way_in && !conn_is_failing(way_in) && ask_conn(cluster, way_in) == 0)
        return 0;
    for (struct cluster_node *node = first; node; node = node->next) {
        struct conn *conn = lanes_conn(&node->lanes, DIAL_PRIMARY, NULL);

        if (conn && !conn_is_up(conn, address, &port) && ask_conn(cluster, conn) == 0)
            return 0;
    }
    return -1;
}

/* ---- The thread ---- */

static struct scatter *take_due_locked(struct cluster *cluster, int64_t now)
{
    struct scatter **at = &cluster->waiting, *due = NULL;

    while (*at) {
        struct scatter *scatter = *at;

        if (scatter_due(scatter) > now && !cluster->is_over) {
            at = scatter_next(scatter);
            continue;
        }
        *at = *scatter_next(scatter);
        *scatter_next(scatter) = due;
        due = scatter;
    }
    return due;
}

static void go_on(struct scatter *list)
{
    while (list) {
        struct scatter *next = *scatter_next(list);

        scatter_go_on(list);
        list = next;
    }
}

/* Entered and left with the lock. */
static void refresh_locked(struct cluster *cluster)
{
    cluster->is_stale = false;
    cluster->read_ms = clock_ms();
    lock_drop(&cluster->lock);
    int rc = ask_nodes(cluster);
    lock_take(&cluster->lock);
    if (rc < 0)
        cluster->is_stale = true;
    pthread_cond_broadcast(&cluster->changed);
}

static void sleep_locked(struct cluster *cluster)
{
    int64_t until_ms = clock_ms() + IDLE_MS;

    if (cluster->is_stale && cluster->read_ms + PAUSE_MS < until_ms)
        until_ms = cluster->read_ms + PAUSE_MS;
    for (struct scatter *at = cluster->waiting; at; at = *scatter_next(at))
        if (scatter_due(at) < until_ms)
            until_ms = scatter_due(at);
    struct timespec until = {until_ms / 1000, (until_ms % 1000) * 1000000};
    if (until_ms > clock_ms())
        pthread_cond_timedwait(&cluster->changed, &cluster->lock, &until);
}

static void *work(void *user)
{
    struct cluster *cluster = user;

    lock_take(&cluster->lock);
    while (!cluster->is_over || cluster->waiting) {
        struct scatter *due = take_due_locked(cluster, clock_ms());

        if (cluster->read_ms + IDLE_MS <= clock_ms())
            cluster->is_stale = true;
        if (due) {
            lock_drop(&cluster->lock);
            go_on(due);
            lock_take(&cluster->lock);
        } else if (!cluster->is_over && cluster->is_stale && cluster->read_ms + PAUSE_MS <= clock_ms()) {
            refresh_locked(cluster);
        } else if (!cluster->is_over) {
            sleep_locked(cluster);
        }
    }
    cluster->has_thread = false;
    pthread_cond_broadcast(&cluster->changed);
    lock_drop(&cluster->lock);
    return NULL;
}

static int start_locked(struct cluster *cluster)
{
    int rc = thread_start(work, cluster);

    cluster->has_thread = rc == 0;
    return rc;
}

int cluster_begin(struct cluster *cluster, struct apphost_error *error)
{
    int rc = 0;

    lock_take(&cluster->lock);
    if (cluster->is_over) {
        rc = fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    } else if (!cluster->has_thread) {
        cluster->is_stale = true;
        if (start_locked(cluster) < 0)
            rc = fail_set(error, APPHOST_E_MEMORY, NULL, "cannot start a thread for the cluster");
    }
    atomic_store(&cluster->is_on, rc == 0);
    lock_drop(&cluster->lock);
    return rc;
}

bool cluster_is_on(struct cluster *cluster)
{
    return atomic_load_explicit(&cluster->is_on, memory_order_relaxed);
}

void cluster_is_wrong(struct cluster *cluster)
{
    lock_take(&cluster->lock);
    cluster->is_stale = true;
    pthread_cond_broadcast(&cluster->changed);
    lock_drop(&cluster->lock);
}

void cluster_is_lacking(struct cluster *cluster)
{
    lock_take(&cluster->lock);
    if (!cluster->is_stale && cluster->read_ms + AGAIN_MS <= clock_ms()) {
        cluster->is_stale = true;
        pthread_cond_broadcast(&cluster->changed);
    }
    lock_drop(&cluster->lock);
}

void cluster_wait(struct cluster *cluster, struct scatter *scatter)
{
    lock_take(&cluster->lock);
    bool is_late = cluster->is_over && !cluster->has_thread;
    if (!is_late) {
        *scatter_next(scatter) = cluster->waiting;
        cluster->waiting = scatter;
        pthread_cond_broadcast(&cluster->changed);
    }
    lock_drop(&cluster->lock);
    if (is_late)
        scatter_go_on(scatter); /* which sees that it is over */
}

/* ---- The end ---- */

void cluster_end(struct cluster *cluster)
{
    lock_take(&cluster->lock);
    cluster->is_over = true;
    for (struct cluster_node *node = cluster->nodes; node; node = node->next)
        lanes_shut(&node->lanes);
    pthread_cond_broadcast(&cluster->changed);
    lock_drop(&cluster->lock);
}

void cluster_close(struct cluster *cluster)
{
    lock_take(&cluster->lock);
    while (cluster->has_thread)
        pthread_cond_wait(&cluster->changed, &cluster->lock);
    lock_drop(&cluster->lock);
    for (struct cluster_node *node = cluster->nodes; node; node = node->next)
        lanes_close(&node->lanes);
    while (cluster->retired) {
        struct retired *next = cluster->retired->next;

        conn_close(cluster->retired->conn);
        free(cluster->retired);
        cluster->retired = next;
    }
}

void cluster_free(struct cluster *cluster)
{
    if (!cluster)
        return;
    while (cluster->nodes) {
        struct cluster_node *next = cluster->nodes->next;

        free_node(cluster->nodes);
        cluster->nodes = next;
    }
    while (cluster->shards) {
        struct shard *next = cluster->shards->next;

        free(cluster->shards);
        cluster->shards = next;
    }
    pthread_mutex_destroy(&cluster->lock);
    pthread_cond_destroy(&cluster->changed);
    free(cluster);
}
