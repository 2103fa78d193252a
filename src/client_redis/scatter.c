/*
 * A batch on a cluster: cutting it into units, sending them, and what the answers mean. See scatter.h.
 *
 * A round sends every unit that is still to be done, one batch a node, and ends with the last answer, on
 * whatever thread that comes. MOVED and ASK go on at once; TRYAGAIN, CLUSTERDOWN, a node that is gone, wait a
 * moment on the cluster's thread. What a node refused has not been done, so it may always go elsewhere; what
 * was under way when a connection was lost may only where the batch is idempotent. When time is up the last
 * answer of a unit stands: the server's words are better than ours.
 */
#include "client_redis/scatter.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/verdict.h"
#include "client_redis/cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 20, MOST_PAUSE_MS = 200, PATIENCE_MS = 1000 };

/* Commands that stay together: one, or those about one entry between MULTI and EXEC. */
struct unit {
    int slot;
    size_t first, count;   /* of the commands */
    size_t reply, replies; /* in scatter->items */
    struct node *ask;      /* where to ask, this once */
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
    struct timing times;
    conn_done_fn done;
    void *user;
};

/* ---- Making one ---- */

/* The commands, their words, their text. */
static int copy_batch(struct scatter *scatter, const struct batch *batch)
{
    size_t size = batch->count * sizeof(struct command);

    for (size_t i = 0; i < batch->count; i++) {
        const struct command *command = &batch->commands[i];

        size += command->argc * (sizeof(char *) + sizeof(size_t));
        for (size_t k = 0; k < command->argc; k++)
            size += command->lens ? command->lens[k] : strlen(command->argv[k]);
    }
    struct command *copies = scatter->block = malloc(size + sizeof(struct command));
    if (!copies)
        return -1;
    const char **argv = (const char **)(copies + batch->count);
    size_t words = 0;
    for (size_t i = 0; i < batch->count; i++)
        words += batch->commands[i].argc;
    size_t *lens = (size_t *)(argv + words);
    char *text = (char *)(lens + words);
    for (size_t i = 0; i < batch->count; i++) {
        const struct command *command = &batch->commands[i];

        copies[i] = (struct command){command->argc, argv, lens};
        for (size_t k = 0; k < command->argc; k++) {
            size_t len = command->lens ? command->lens[k] : strlen(command->argv[k]);

            if (len > 0)
                memcpy(text, command->argv[k], len);
            *argv++ = text;
            *lens++ = len;
            text += len;
        }
    }
    scatter->batch = *batch;
    scatter->batch.commands = copies;
    scatter->batch.times = NULL;
    return 0;
}

static void free_scatter(struct scatter *scatter)
{
    for (size_t i = 0; scatter->items && i < scatter->item_count; i++)
        resp_reply_free(scatter->items[i]);
    free(scatter->items);
    free(scatter->units);
    free(scatter->block);
    free(scatter);
}

static void add_unit(struct scatter *scatter, int slot, size_t first, size_t count)
{
    struct unit *unit = &scatter->units[scatter->unit_count++];

    *unit = (struct unit){.slot = slot, .first = first, .count = count, .reply = scatter->item_count};
    unit->replies = count;
    if (scatter->is_transaction)
        unit->replies += 2; /* of MULTI and EXEC */
    scatter->item_count += unit->replies;
}

static bool has_same_key(const struct command *a, const struct command *b)
{
    return a->argc > 1 && b->argc > 1 && a->lens[1] == b->lens[1] &&
           memcmp(a->argv[1], b->argv[1], a->lens[1]) == 0;
}

/* Between MULTI and EXEC: entry by entry, for of several keys of a slot that is being moved some are here and
 * some there. What may not be repeated stays whole. */
static void cut_transaction(struct scatter *scatter)
{
    const struct batch *batch = &scatter->batch;
    size_t last = batch->count - 1;

    if (!batch->is_idempotent) {
        add_unit(scatter, slot_of_command(&batch->commands[last - 1]), 1, last - 1);
        return;
    }
    for (size_t i = 1, first = 1; i < last; i++) {
        if (i + 1 < last && has_same_key(&batch->commands[i], &batch->commands[i + 1]))
            continue;
        add_unit(scatter, slot_of_command(&batch->commands[first]), first, i + 1 - first);
        first = i + 1;
    }
}

static int cut(struct scatter *scatter)
{
    const struct batch *batch = &scatter->batch;

    scatter->is_transaction = batch->count > 2 && batch->commands[0].lens[0] == 5 &&
                              memcmp(batch->commands[0].argv[0], "MULTI", 5) == 0;
    scatter->units = malloc(batch->count * sizeof(*scatter->units));
    if (scatter->units && scatter->is_transaction)
        cut_transaction(scatter);
    for (size_t i = 0; scatter->units && !scatter->is_transaction && i < batch->count; i++)
        add_unit(scatter, slot_of_command(&batch->commands[i]), i, 1);
    if (scatter->item_count > 0)
        scatter->items = calloc(scatter->item_count, sizeof(*scatter->items));
    return scatter->items ? 0 : -1;
}

static struct scatter *new_scatter(struct apphost_redis *redis, enum dial_role role,
                                   const struct batch *batch, struct apphost_error *error)
{
    struct cluster *cluster = redis_cluster(redis, error);
    struct scatter *scatter = cluster ? calloc(1, sizeof(*scatter)) : NULL;

    if (!cluster)
        return NULL;
    if (scatter) {
        scatter->redis = redis;
        scatter->cluster = cluster;
        scatter->role = role;
    }
    if (scatter && copy_batch(scatter, batch) == 0 && cut(scatter) == 0)
        return scatter;
    if (scatter)
        free_scatter(scatter);
    fail_memory(error);
    return NULL;
}

/* ---- Where a unit goes ---- */

/* A replica that can be asked now, in turn; NULL for none. */
static struct node *pick_replica(const struct shard *shard)
{
    size_t first = shard->count ? (size_t)clock_random(shard->count) : 0;

    for (size_t i = 0; i < shard->count; i++) {
        struct node *node = shard->replicas[(first + i) % shard->count];
        struct conn *conn = lanes_conn(&node->lanes, DIAL_REPLICA, NULL);

        if (conn && !conn_is_failing(conn) && !conn_is_clogged(conn))
            return node;
    }
    return NULL;
}

static struct lanes *lanes_of(struct scatter *scatter, const struct unit *unit, enum dial_role *role)
{
    struct shard *shard = cluster_shard(scatter->cluster, unit->slot);
    struct node *replica = NULL;

    *role = scatter->role == DIAL_REPLICA ? DIAL_PRIMARY : scatter->role;
    if (unit->ask)
        return &unit->ask->lanes;
    if (!shard)
        return &scatter->redis->lanes;
    if (scatter->role == DIAL_REPLICA && !unit->wants_primary)
        replica = pick_replica(shard);
    if (scatter->role == DIAL_REPLICA && shard->count == 0)
        cluster_is_lacking(scatter->cluster);
    if (!replica)
        return &shard->primary->lanes;
    *role = DIAL_REPLICA;
    return &replica->lanes;
}

struct lanes *scatter_lanes(struct apphost_redis *redis, const struct command *command)
{
    struct cluster *cluster = atomic_load(&redis->cluster);
    struct shard *shard = NULL;

    if (cluster && cluster_is_on(cluster))
        shard = cluster_shard(cluster, slot_of_command(command));
    return shard ? &shard->primary->lanes : &redis->lanes;
}

/* ---- What answers mean ---- */

/* The first reply that sends a unit elsewhere or asks it to wait, NULL when it is done. */
static const struct resp_reply *find_refusal(struct resp_reply *const *replies, size_t count,
                                             unsigned *verdict)
{
    for (size_t i = 0; i < count; i++) {
        if (replies[i]->type != RESP_ERROR)
            continue;
        *verdict = verdict_of_text(replies[i]->str);
        if (strncmp(replies[i]->str, "CROSSSLOT", 9) != 0 &&
            (*verdict & (VERDICT_ELSEWHERE | VERDICT_PRIMARY | VERDICT_REDIAL)))
            return replies[i];
    }
    return NULL;
}

/* Whether all commands of a transaction are sent to the other node. Else some of its keys are still here, and
 * there they would be made a second time: it has to wait until the slot has moved. */
static bool is_wholly_there(const struct scatter *scatter, const struct unit *unit)
{
    for (size_t i = 0; scatter->is_transaction && i < unit->count; i++)
        if (!resp_reply_is_error(scatter->items[unit->reply + 1 + i], "ASK"))
            return false;
    return true;
}

static void judge_unit(struct scatter *scatter, struct unit *unit, const char *from)
{
    struct redirection to;
    unsigned verdict = 0;
    const struct resp_reply *refusal = find_refusal(&scatter->items[unit->reply], unit->replies, &verdict);

    unit->ask = NULL;
    unit->is_done = !refusal;
    if (!refusal)
        return;
    bool is_on = cluster_is_on(scatter->cluster);
    if (redirection_parse(refusal->str, &to) < 0) {
        unit->is_done = !is_on;
        if (!is_on)
            return;
        /* A replica that cannot tell now, or a node that has to be waited for. */
        if (scatter->role == DIAL_REPLICA && !unit->wants_primary)
            unit->wants_primary = true;
        else
            atomic_store(&scatter->has_to_pause, true);
        cluster_is_wrong(scatter->cluster);
        return;
    }
    struct node *node = cluster_redirect(scatter->cluster, &to, from);
    if (to.is_ask && !is_wholly_there(scatter, unit))
        atomic_store(&scatter->has_to_pause, true);
    else if (to.is_ask)
        unit->ask = node;
    else if (!is_on)
        cluster_begin(scatter->cluster, NULL);
    else
        cluster_is_wrong(scatter->cluster);
    if (!node)
        atomic_store(&scatter->has_to_pause, true);
    if (scatter->role == DIAL_REPLICA)
        unit->wants_primary = true;
}

static void clear_replies(struct scatter *scatter, const struct unit *unit)
{
    for (size_t i = 0; i < unit->replies; i++) {
        resp_reply_free(scatter->items[unit->reply + i]);
        scatter->items[unit->reply + i] = NULL;
    }
}

/* Whether what failed in this way may be tried again. */
static bool may_repeat(const struct scatter *scatter, const struct apphost_error *failure)
{
    bool was_sent = strcmp(failure->parameter, "endpoint") == 0 || failure->code == APPHOST_E_TIMEOUT;

    if (failure->code != APPHOST_E_CONNECT && failure->code != APPHOST_E_TIMEOUT &&
        failure->code != APPHOST_E_CLOSED)
        return false;
    if (!cluster_is_on(scatter->cluster))
        return false;
    return scatter->batch.is_idempotent || !was_sent;
}

static void fail_unit(struct scatter *scatter, struct unit *unit, const struct apphost_error *failure)
{
    clear_replies(scatter, unit);
    unit->failure = *failure;
    unit->ask = NULL;
    unit->is_done = !may_repeat(scatter, failure);
    unit->wants_primary = true;
    if (unit->is_done)
        return;
    atomic_store(&scatter->has_to_pause, true);
    cluster_is_wrong(scatter->cluster);
}

/* ---- Rounds ---- */

/* What goes to one node in one round. */
struct group {
    struct scatter *scatter;
    struct lanes *lanes;
    enum dial_role role;
    char address[128];
    struct unit **units;
    size_t count;
    struct command *commands;
    size_t command_count;
};

static void free_group(struct group *group)
{
    free(group->units);
    free(group->commands);
    free(group);
}

static void end_round(struct scatter *scatter);

static void let_go(struct scatter *scatter)
{
    if (atomic_fetch_sub(&scatter->outstanding, 1) == 1)
        end_round(scatter);
}

static void take_replies(struct group *group, struct replies *replies)
{
    size_t at = 0;

    for (size_t i = 0; i < group->count; i++) {
        struct unit *unit = group->units[i];

        if (unit->ask)
            at++; /* the answer to ASKING */
        clear_replies(group->scatter, unit);
        for (size_t k = 0; k < unit->replies; k++, at++) {
            group->scatter->items[unit->reply + k] = replies->items[at];
            replies->items[at] = NULL;
        }
        unit->failure.code = APPHOST_OK;
        judge_unit(group->scatter, unit, group->address);
    }
    replies_free(replies);
}

static void on_group(void *user, struct replies *replies, const struct timing *times,
                     const struct apphost_error *error)
{
    struct group *group = user;
    struct scatter *scatter = group->scatter;

    if (times && times->received_ns)
        scatter->times = *times;
    if (!error)
        take_replies(group, replies);
    for (size_t i = 0; error && i < group->count; i++)
        fail_unit(scatter, group->units[i], error);
    free_group(group);
    let_go(scatter);
}

static const char *const asking_argv[] = {"ASKING"}, *const multi_argv[] = {"MULTI"},
                         *const exec_argv[] = {"EXEC"};
static const size_t asking_lens[] = {6}, multi_lens[] = {5}, exec_lens[] = {4};

static void add_to_group(struct group *group, struct unit *unit)
{
    const struct scatter *scatter = group->scatter;
    struct command *to = group->commands;
    size_t n = group->command_count;

    group->units[group->count++] = unit;
    if (unit->ask)
        to[n++] = (struct command){1, asking_argv, asking_lens};
    if (scatter->is_transaction)
        to[n++] = (struct command){1, multi_argv, multi_lens};
    for (size_t i = 0; i < unit->count; i++)
        to[n++] = scatter->batch.commands[unit->first + i];
    if (scatter->is_transaction)
        to[n++] = (struct command){1, exec_argv, exec_lens};
    group->command_count = n;
}

static struct group *new_group(struct scatter *scatter, struct lanes *lanes, enum dial_role role)
{
    struct group *group = calloc(1, sizeof(*group));

    if (!group)
        return NULL;
    group->scatter = scatter;
    group->lanes = lanes;
    group->role = role;
    group->units = malloc(scatter->unit_count * sizeof(*group->units));
    group->commands = malloc((scatter->batch.count + 3 * scatter->unit_count) * sizeof(*group->commands));
    if (group->units && group->commands)
        return group;
    free_group(group);
    return NULL;
}

static int start_group(struct group *group, struct apphost_error *error)
{
    struct scatter *scatter = group->scatter;
    struct batch batch = scatter->batch;
    int port, left_ms = clock_left(scatter->deadline_ms);

    batch.commands = group->commands;
    batch.count = group->command_count;
    enum dial_role role = lanes_pick(group->lanes, group->role, &batch);
    struct conn *conn = lanes_conn(group->lanes, role, error);
    if (!conn)
        return -1;
    bool is_up = conn_is_up(conn, group->address, &port);
    if (!is_up && batch.is_idempotent && cluster_is_on(scatter->cluster) && left_ms > PATIENCE_MS)
        left_ms = PATIENCE_MS;
    batch.timeout_ms = left_ms > 0 ? left_ms : 1;
    return conn_start(conn, &batch, on_group, group, error);
}

/* Units of one node, in their order. */
static struct group *gather(struct scatter *scatter, struct unit *const *units, struct lanes **to,
                            const enum dial_role *roles, size_t first)
{
    struct group *group = new_group(scatter, to[first], roles[first]);
    struct lanes *lanes = to[first];

    for (size_t i = first; i < scatter->unit_count; i++) {
        if (to[i] != lanes)
            continue;
        if (group)
            add_to_group(group, units[i]);
        to[i] = NULL;
    }
    return group;
}

static void fail_group(struct group *group, const struct apphost_error *error)
{
    struct replies none = {0};

    on_group(group, &none, NULL, error);
}

/* Everything that is still to be done goes out. The round holds itself until it has begun all. */
static void begin_round(struct scatter *scatter)
{
    size_t count = scatter->unit_count;
    struct unit **units = calloc(count, sizeof(*units));
    struct lanes **to = calloc(count, sizeof(*to));
    enum dial_role *roles = calloc(count, sizeof(*roles));
    struct apphost_error error = {0};

    scatter->rounds++;
    atomic_store(&scatter->has_to_pause, false);
    atomic_store(&scatter->outstanding, 1);
    for (size_t i = 0; i < count && units && to && roles; i++) {
        units[i] = &scatter->units[i];
        if (!units[i]->is_done)
            to[i] = lanes_of(scatter, units[i], &roles[i]);
    }
    for (size_t i = 0; i < count && units && to && roles; i++) {
        if (!to[i])
            continue;
        atomic_fetch_add(&scatter->outstanding, 1);
        struct group *group = gather(scatter, units, to, roles, i);
        if (!group)
            let_go(scatter); /* memory is out; its units stay, and time runs out */
        else if (start_group(group, &error) < 0)
            fail_group(group, &error);
    }
    free(units);
    free(to);
    free(roles);
    let_go(scatter);
}

/* ---- The end ---- */

/* For readers of several keys one that cannot be had takes nothing from the others. */
static struct resp_reply *make_error(const struct apphost_error *failure)
{
    char text[600];
    int len = snprintf(text, sizeof(text), "CLUSTERDOWN %s", failure->text);
    struct resp_reply *reply = malloc(sizeof(*reply) + (size_t)len + 1);

    if (!reply)
        return NULL;
    *reply = (struct resp_reply){
        .type = RESP_ERROR, .str = (char *)(reply + 1), .len = (size_t)len, .is_block = true};
    memcpy(reply->str, text, (size_t)len + 1);
    return reply;
}

static const struct apphost_error *settle(struct scatter *scatter)
{
    const struct apphost_error *failure = NULL;
    size_t failed = 0;

    for (size_t i = 0; i < scatter->unit_count; i++) {
        if (scatter->items[scatter->units[i].reply])
            continue;
        failed++;
        if (!failure)
            failure = &scatter->units[i].failure;
    }
    if (failed == scatter->unit_count || !scatter->batch.is_read)
        return failure;
    for (size_t i = 0; i < scatter->unit_count; i++) {
        struct unit *unit = &scatter->units[i];

        for (size_t k = 0; !scatter->items[unit->reply] && k < unit->replies; k++)
            scatter->items[unit->reply + k] = make_error(&unit->failure);
        if (!scatter->items[unit->reply])
            return failure;
    }
    return NULL;
}

static void finish(struct scatter *scatter)
{
    struct replies replies = {0};
    struct apphost_error error = {0};
    const struct apphost_error *failure = settle(scatter);

    if (failure) {
        error = *failure;
        if (error.code == APPHOST_OK)
            fail_set(&error, APPHOST_E_TIMEOUT, "asyncTimeout", "no node of the cluster answered in time");
    } else {
        replies = (struct replies){.items = scatter->items, .count = scatter->item_count};
        replies.is_transaction = scatter->is_transaction;
        if (replies.count == 1) {
            replies.one = scatter->items[0];
            replies.items = &replies.one;
        } else {
            scatter->items = NULL;
        }
        scatter->item_count = 0;
    }
    struct timing times = scatter->times;
    conn_done_fn done = scatter->done;
    void *user = scatter->user;
    free_scatter(scatter);
    done(user, &replies, &times, failure ? &error : NULL);
    replies_free(&replies);
}

static void end_round(struct scatter *scatter)
{
    bool is_done = true;

    for (size_t i = 0; i < scatter->unit_count; i++)
        is_done = is_done && scatter->units[i].is_done;
    if (is_done || clock_left(scatter->deadline_ms) == 0) {
        finish(scatter);
        return;
    }
    scatter->due_ms = clock_ms();
    if (atomic_load(&scatter->has_to_pause)) {
        int64_t pause_ms = (int64_t)PAUSE_MS * (int64_t)(scatter->rounds < 10 ? scatter->rounds : 10);

        scatter->due_ms += pause_ms + (int64_t)clock_random(PAUSE_MS);
    }
    if (scatter->due_ms > scatter->deadline_ms)
        scatter->due_ms = scatter->deadline_ms;
    cluster_wait(scatter->cluster, scatter);
}

int64_t scatter_due(const struct scatter *scatter)
{
    return scatter->due_ms;
}

struct scatter **scatter_next(struct scatter *scatter)
{
    return &scatter->next;
}

/* At the deadline there is a last round: its answers, if any, come at once or not at all. */
void scatter_go_on(struct scatter *scatter)
{
    bool is_over = clock_left(scatter->deadline_ms) == 0;

    lock_take(&scatter->cluster->lock);
    bool is_closed = scatter->cluster->is_over;
    lock_drop(&scatter->cluster->lock);
    for (size_t i = 0; is_closed && i < scatter->unit_count; i++) {
        if (scatter->units[i].is_done)
            continue;
        clear_replies(scatter, &scatter->units[i]);
        fail_set(&scatter->units[i].failure, APPHOST_E_CLOSED, NULL, "the connection was closed");
    }
    if (is_over || is_closed)
        finish(scatter);
    else
        begin_round(scatter);
}

/* ---- From outside ---- */

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

    if (error || !redis_is_elsewhere(replies) || cluster_begin(scatter->cluster, NULL) < 0) {
        conn_done_fn done = scatter->done;

        user = scatter->user;
        free_scatter(scatter);
        done(user, replies, times, error);
        return;
    }
    if (!adopt(scatter, replies)) {
        replies_free(replies);
        begin_round(scatter);
        return;
    }
    for (size_t i = 0; i < scatter->unit_count; i++)
        judge_unit(scatter, &scatter->units[i], "");
    end_round(scatter);
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
    struct scatter *scatter = new_scatter(redis, role, batch, error);

    if (!scatter)
        return -1;
    scatter->done = done;
    scatter->user = user;
    scatter->deadline_ms = clock_ms() + timeout_of(scatter, OPT_ASYNC_TIMEOUT);
    if (cluster_is_on(scatter->cluster)) {
        begin_round(scatter);
        return 0;
    }
    enum dial_role lane = lanes_pick(&redis->lanes, role, batch);
    struct conn *conn = lanes_conn(&redis->lanes, lane, error);
    if (conn && conn_start(conn, batch, on_first, scatter, error) == 0)
        return 0;
    free_scatter(scatter);
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
            judge_unit(scatter, &scatter->units[i], "");
        end_round(scatter);
    } else {
        begin_round(scatter);
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
    struct scatter *scatter = new_scatter(redis, role, batch, error);
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
    struct cluster *cluster = redis_cluster(redis, NULL);
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

    return !find_refusal(replies->items, replies->count, &verdict);
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
    struct scatter *scatter = new_scatter(redis, role, batch, error);
    if (!scatter)
        return -1;
    scatter->deadline_ms = deadline_ms;
    if (!direct)
        return wait_for(scatter, NULL, replies, error);
    if (clock_left(deadline_ms) > 0 && may_repeat(scatter, &failure)) {
        cluster_is_wrong(scatter->cluster);
        return wait_for(scatter, NULL, replies, error);
    }
    free_scatter(scatter);
    if (error)
        *error = failure;
    return -1;
}
