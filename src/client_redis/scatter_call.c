/*
 * The ways into a cluster: waiting, without waiting, and with a first round that was made before anybody
 * knew.
 *
 * A call about one slot whose node is connected goes there like any other call, on its caller's thread; only
 * what that node refuses, and what is about several slots, becomes a scatter.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_redis/scatter_internal.h"

#include <string.h>

/* Whether the replies are those of one unit each, as they stand; they are taken then. */
static bool adopt(struct scatter *scatter, struct replies *replies)
{
    if (scatter->item_count != replies->count)
        return false;
    for (size_t i = 0; i < replies->count; i++) {
        scatter->items[i] = replies->items[i];
        replies->items[i] = NULL;
    }
    replies_free(replies);
    return true;
}

/* The first round was a batch like any other, at a server of which nobody knew what it is. */
static void on_first(void *user, struct replies *replies, const struct timing *times,
                     const struct apphost_error *error)
{
    struct scatter *scatter = user;

    if (error || !scatter_is_elsewhere(replies) || cluster_begin(scatter->cluster, NULL) < 0) {
        conn_done_fn done = scatter->done;

        user = scatter->user;
        scatter_free(scatter);
        done(user, replies, times, error);
        return;
    }
    if (!adopt(scatter, replies)) {
        replies_free(replies);
        scatter_begin(scatter);
        return;
    }
    for (size_t i = 0; i < scatter->unit_count; i++)
        scatter_judge(scatter, &scatter->units[i], "");
    scatter_end(scatter);
}

static int timeout_of(const struct scatter *scatter, enum option_id usual)
{
    if (scatter->batch.timeout_ms > 0)
        return scatter->batch.timeout_ms;
    return option_number(scatter->redis->options, usual);
}

int scatter_start(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                  conn_done_fn done, void *user, struct apphost_error *error)
{
    struct scatter *scatter = scatter_new(redis, role, batch, error);

    if (!scatter)
        return -1;
    scatter->done = done;
    scatter->user = user;
    scatter->deadline_ms = clock_ms() + timeout_of(scatter, OPT_ASYNC_TIMEOUT);
    if (cluster_is_on(scatter->cluster)) {
        scatter_begin(scatter);
        return 0;
    }
    enum dial_role lane = lanes_pick(&redis->lanes, role, batch);
    struct conn *conn = lanes_conn(&redis->lanes, lane, error);
    if (conn && conn_start(conn, batch, on_first, scatter, error) == 0)
        return 0;
    scatter_free(scatter);
    return -1;
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_done;
    int rc;
    struct replies *replies;
    struct apphost_error *error;
};

static void on_done(void *user, struct replies *replies, const struct timing *times,
                    const struct apphost_error *error)
{
    struct waiter *waiter = user;

    (void)times;
    lock_take(&waiter->lock);
    if (error) {
        waiter->rc = -1;
        if (waiter->error)
            *waiter->error = *error;
    } else {
        *waiter->replies = *replies;
        if (replies->items == &replies->one)
            waiter->replies->items = &waiter->replies->one;
        *replies = (struct replies){0};
    }
    waiter->is_done = true;
    pthread_cond_signal(&waiter->changed);
    lock_drop(&waiter->lock);
}

/* Makes the first round, unless its replies are there already, and waits for the last. */
static int wait_for(struct scatter *scatter, struct replies *first, struct replies *replies,
                    struct apphost_error *error)
{
    struct waiter waiter = {.replies = replies, .error = error};

    pthread_mutex_init(&waiter.lock, NULL);
    pthread_cond_init(&waiter.changed, NULL);
    scatter->done = on_done;
    scatter->user = &waiter;
    if (first) {
        for (size_t i = 0; i < scatter->unit_count; i++)
            scatter_judge(scatter, &scatter->units[i], "");
        scatter_end(scatter);
    } else {
        scatter_begin(scatter);
    }
    lock_take(&waiter.lock);
    while (!waiter.is_done)
        pthread_cond_wait(&waiter.changed, &waiter.lock);
    lock_drop(&waiter.lock);
    pthread_mutex_destroy(&waiter.lock);
    pthread_cond_destroy(&waiter.changed);
    return waiter.rc;
}

static int resume(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                  int64_t deadline_ms, struct replies *replies, struct apphost_error *error)
{
    struct scatter *scatter = scatter_new(redis, role, batch, error);
    struct replies first = *replies;

    if (first.items == &replies->one)
        first.items = &first.one;
    *replies = (struct replies){0};
    if (!scatter) {
        replies_free(&first);
        return -1;
    }
    scatter->deadline_ms = deadline_ms;
    bool is_adopted = adopt(scatter, &first);
    /* A transaction over several slots, which the server has refused as a whole. */
    if (!is_adopted)
        replies_free(&first);
    return wait_for(scatter, is_adopted ? &first : NULL, replies, error);
}

int scatter_resume(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                   struct replies *replies, struct apphost_error *error)
{
    int timeout_ms = batch->timeout_ms;

    if (timeout_ms <= 0)
        timeout_ms = option_number(redis->options, OPT_SYNC_TIMEOUT);
    return resume(redis, role, batch, clock_ms() + timeout_ms, replies, error);
}

/* One slot, or none, and a node that can be asked directly; else NULL. */
static struct conn *find_direct(struct apphost_redis *redis, enum dial_role role, const struct batch *batch)
{
    struct cluster *cluster = cluster_of(redis, NULL);
    struct shard *shard = NULL;
    char address[128];
    int port, slot = SLOT_ANY;

    if (!cluster || role == DIAL_REPLICA)
        return NULL;
    for (size_t i = 0; i < batch->count; i++) {
        int own = slot_of_command(&batch->commands[i]);

        if (own != SLOT_ANY && slot != SLOT_ANY && own != slot)
            return NULL;
        if (own != SLOT_ANY)
            slot = own;
    }
    struct lanes *lanes = &redis->lanes;
    shard = cluster_shard(cluster, slot);
    if (!shard && slot != SLOT_ANY)
        return NULL;
    if (shard)
        lanes = &shard->primary->lanes;
    struct conn *conn = lanes_conn(lanes, lanes_pick(lanes, role, batch), NULL);
    return conn && conn_is_up(conn, address, &port) ? conn : NULL;
}

static bool is_final(const struct replies *replies)
{
    unsigned verdict;

    return !scatter_refusal(replies->items, replies->count, &verdict);
}

int scatter_run(struct apphost_redis *redis, enum dial_role role, const struct batch *batch,
                struct replies *replies, struct apphost_error *error)
{
    struct conn *direct = find_direct(redis, role, batch);
    struct apphost_error failure = {0};
    int timeout_ms = batch->timeout_ms;

    if (timeout_ms <= 0)
        timeout_ms = option_number(redis->options, OPT_SYNC_TIMEOUT);
    int64_t deadline_ms = clock_ms() + timeout_ms;
    if (direct && conn_call(direct, batch, replies, &failure) == 0) {
        if (is_final(replies))
            return 0;
        return resume(redis, role, batch, deadline_ms, replies, error);
    }
    struct scatter *scatter = scatter_new(redis, role, batch, error);
    if (!scatter)
        return -1;
    scatter->deadline_ms = deadline_ms;
    if (!direct)
        return wait_for(scatter, NULL, replies, error);
    if (clock_left(deadline_ms) > 0 && scatter_may_repeat(scatter, &failure)) {
        cluster_is_wrong(scatter->cluster);
        return wait_for(scatter, NULL, replies, error);
    }
    scatter_free(scatter);
    if (error)
        *error = failure;
    return -1;
}
