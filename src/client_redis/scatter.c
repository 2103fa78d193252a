/*
 * A batch on a cluster: sending its units, and what the answers mean. See scatter.h.
 *
 * A round sends every unit that is still to be done, one batch a node, and ends with the last answer, on
 * whatever thread that comes. MOVED and ASK go on at once; TRYAGAIN, CLUSTERDOWN, a node that is gone, wait a
 * moment on the cluster's thread. What a node refused has not been done, so it may always go elsewhere; what
 * was under way when a connection was lost may only where the batch is idempotent. When time is up the last
 * answer of a unit stands: the server's words are better than ours.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_base/verdict.h"
#include "client_redis/scatter_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAUSE_MS = 20, MOST_PAUSES = 10, PATIENCE_MS = 1000 };

/* ---- Where a unit goes ---- */

/* A replica that can be asked now, in turn; NULL for none. */
static struct cluster_node *pick_replica(const struct shard *shard)
{
    size_t first = shard->count ? (size_t)clock_random(shard->count) : 0;

    for (size_t i = 0; i < shard->count; i++) {
        struct cluster_node *node = shard->replicas[(first + i) % shard->count];
        struct conn *conn = lanes_conn(&node->lanes, DIAL_REPLICA, NULL);

        if (conn && !conn_is_failing(conn) && !conn_is_clogged(conn))
            return node;
    }
    return NULL;
}

static struct lanes *lanes_of(struct scatter *scatter, const struct unit *unit, enum dial_role *role)
{
    struct shard *shard = cluster_shard(scatter->cluster, unit->slot);
    struct cluster_node *replica = NULL;

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

struct lanes *scatter_lanes(struct apphost_redis *redis, const struct conn_command *command)
{
    struct cluster *cluster = atomic_load(&redis->cluster);
    struct shard *shard = NULL;

    if (cluster && cluster_is_on(cluster))
        shard = cluster_shard(cluster, slot_of_command(command));
    return shard ? &shard->primary->lanes : &redis->lanes;
}

/* ---- What answers mean ---- */

/* A node of a cluster says that a key is elsewhere. */
bool scatter_is_elsewhere(const struct replies *replies)
{
    for (size_t i = 0; i < replies->count; i++)
        if (replies->items[i] && replies->items[i]->type == RESP_ERROR &&
            (verdict_of_text(replies->items[i]->str) & VERDICT_ELSEWHERE))
            return true;
    return false;
}

/* The first reply that sends a unit elsewhere or asks it to wait, NULL when it is done. */
const struct resp_reply *scatter_refusal(struct resp_reply *const *replies, size_t count, unsigned *verdict)
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

void scatter_judge(struct scatter *scatter, struct unit *unit, const char *from)
{
    struct redirection to;
    unsigned verdict = 0;
    const struct resp_reply *refusal = scatter_refusal(&scatter->items[unit->reply], unit->replies, &verdict);

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
    struct cluster_node *node = cluster_redirect(scatter->cluster, &to, from);
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

void scatter_clear(struct scatter *scatter, const struct unit *unit)
{
    for (size_t i = 0; i < unit->replies; i++) {
        resp_reply_free(scatter->items[unit->reply + i]);
        scatter->items[unit->reply + i] = NULL;
    }
}

/* Whether what failed in this way may be tried again. */
bool scatter_may_repeat(const struct scatter *scatter, const struct apphost_error *failure)
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
    scatter_clear(scatter, unit);
    unit->failure = *failure;
    unit->ask = NULL;
    unit->is_done = !scatter_may_repeat(scatter, failure);
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
    struct conn_command *commands;
    size_t command_count;
};

static void free_group(struct group *group)
{
    free(group->units);
    free(group->commands);
    free(group);
}

static void let_go(struct scatter *scatter)
{
    if (atomic_fetch_sub(&scatter->outstanding, 1) == 1)
        scatter_end(scatter);
}

static void take_replies(struct group *group, struct replies *replies)
{
    size_t at = 0;

    for (size_t i = 0; i < group->count; i++) {
        struct unit *unit = group->units[i];

        if (unit->ask)
            at++; /* the answer to ASKING */
        scatter_clear(group->scatter, unit);
        for (size_t k = 0; k < unit->replies; k++, at++) {
            group->scatter->items[unit->reply + k] = replies->items[at];
            replies->items[at] = NULL;
        }
        unit->failure.code = APPHOST_OK;
        scatter_judge(group->scatter, unit, group->address);
    }
    replies_free(replies);
}

static void on_group(void *user, struct replies *replies, const struct timing *times,
                     const struct apphost_error *error)
{
    struct group *group = user;
    struct scatter *scatter = group->scatter;

    if (times && times->received_ns && !atomic_exchange(&scatter->is_timed, true))
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
    struct conn_command *to = group->commands;
    size_t n = group->command_count;

    group->units[group->count++] = unit;
    if (unit->ask)
        to[n++] = (struct conn_command){1, asking_argv, asking_lens};
    if (scatter->is_transaction)
        to[n++] = (struct conn_command){1, multi_argv, multi_lens};
    for (size_t i = 0; i < unit->count; i++)
        to[n++] = scatter->batch.commands[unit->first + i];
    if (scatter->is_transaction)
        to[n++] = (struct conn_command){1, exec_argv, exec_lens};
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
    batch.timeout_ms = (int)set_or(left_ms, 1);
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
void scatter_begin(struct scatter *scatter)
{
    size_t count = scatter->unit_count;
    struct unit **units = calloc(count, sizeof(*units));
    struct lanes **to = calloc(count, sizeof(*to));
    enum dial_role *roles = calloc(count, sizeof(*roles));
    struct apphost_error error = {0};

    scatter->rounds++;
    atomic_store(&scatter->has_to_pause, false);
    atomic_store(&scatter->outstanding, 1);
    if (!units || !to || !roles)
        count = 0; /* memory is out: nothing goes out in this round */
    for (size_t i = 0; i < count; i++) {
        units[i] = &scatter->units[i];
        if (!units[i]->is_done)
            to[i] = lanes_of(scatter, units[i], &roles[i]);
    }
    for (size_t i = 0; i < count; i++) {
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

/* Where each has a result of its own, one that cannot be had takes nothing from the others. */
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

/* Each of its replies; false: memory is out. */
static bool answer_by_failure(struct scatter *scatter, const struct unit *unit)
{
    for (size_t i = 0; i < unit->replies; i++) {
        scatter->items[unit->reply + i] = make_error(&unit->failure);
        if (!scatter->items[unit->reply + i])
            return false;
    }
    return true;
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
    if (failed == scatter->unit_count || !(scatter->batch.is_read || scatter->batch.is_each))
        return failure;
    for (size_t i = 0; i < scatter->unit_count; i++) {
        const struct unit *unit = &scatter->units[i];

        if (!scatter->items[unit->reply] && !answer_by_failure(scatter, unit))
            return failure;
    }
    return NULL;
}

/* What other nodes have done is not taken back, and is not to be taken for nothing. */
static void tell_partial(const struct scatter *scatter, struct apphost_error *error)
{
    size_t done = 0, len = strlen(error->text);

    for (size_t i = 0; i < scatter->unit_count; i++)
        done += scatter->items[scatter->units[i].reply] != NULL;
    if (done > 0 && !scatter->batch.is_read)
        snprintf(error->text + len, sizeof(error->text) - len, "; %zu of %zu were executed by other nodes",
                 done, scatter->unit_count);
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
        tell_partial(scatter, &error);
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
    scatter_free(scatter);
    done(user, &replies, &times, failure ? &error : NULL);
    replies_free(&replies);
}

void scatter_end(struct scatter *scatter)
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
        int64_t pauses = int64_min(scatter->rounds, MOST_PAUSES);

        scatter->due_ms += PAUSE_MS * pauses + (int64_t)clock_random(PAUSE_MS);
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
        scatter_clear(scatter, &scatter->units[i]);
        fail_set(&scatter->units[i].failure, APPHOST_E_CLOSED, NULL, "the connection was closed");
    }
    if (is_over || is_closed)
        finish(scatter);
    else
        scatter_begin(scatter);
}
