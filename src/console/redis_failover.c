/* Failures on purpose. apphost redis RES --failover: another node becomes primary, as planned: the servers
 * hand over without losing a write.
 *
 * A replication is told at its primary (FAILOVER), a cluster at the replica that is to take over (CLUSTER
 * FAILOVER), and over when that server itself says that it is primary. Sentinels are asked for a failover,
 * choose by themselves, and it is over when another one is seen as primary. Failures: nobody replicates it;
 * the server's own refusal; it takes longer than its own limit: then who is primary has not changed.
 *
 * --partition NODE takes a container off the project's network, on which the others reach it: it runs on and
 * serves what is inside of it, everybody else has lost it, and what they do about it is theirs. --heal puts
 * all of them back. */
#include "console/redis_failover.h"
#include "control/requests.h"
#include "session/await.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"

#include <stdlib.h>
#include <string.h>

/* A cluster's replica gives a failover up after 5 s, and tells nobody (Redis 7.0, CLUSTER_MF_TIMEOUT). */
enum { PAUSE_MS = 50, HAND_OVER_MS = 30000, AGAIN_MS = 6000 };
#define REPLICA_OF "replica of "

struct hand_over {
    char *from, *to;                    /* names */
    char *host, *port;                  /* of the latter */
    char *resource, *sentinel, *called; /* whose nodes they are; who chooses, and what it calls the primary */
    const char *still;                  /* what `from` is until it is over */
    bool is_cluster, is_over, is_refused;
    struct error refusal;
};

static const struct view_resource *find(const struct view *view, const char *name)
{
    for (size_t i = 0; i < view->resource_count; i++)
        if (str_eq(view->resources[i].name, name))
            return &view->resources[i];
    return NULL;
}

static const char *role_of(const struct view_resource *node)
{
    return text_or_empty(node->role);
}

static bool is_replica_of(const struct view_resource *node, const char *primary)
{
    const char *role = role_of(node);
    return str_starts(role, REPLICA_OF) && (!primary || str_eq(role + strlen(REPLICA_OF), primary));
}

/* A replica that is named takes over itself; of a primary the first of its replicas. */
static const struct view_resource *choose(const struct view *view, const char *name)
{
    const struct view_resource *named = find(view, name);
    if (named && is_replica_of(named, NULL))
        return named;
    for (size_t i = 0; i < view->resource_count; i++)
        if (is_replica_of(&view->resources[i], name))
            return &view->resources[i];
    return NULL;
}

static void note_sentinel(const struct view *view, struct hand_over *plan)
{
    for (size_t i = 0; i < view->resource_count && !plan->sentinel; i++) {
        const struct view_resource *node = &view->resources[i];
        if (str_eq(node->replica_of, plan->resource) && str_eq(node->role, "sentinel"))
            plan->sentinel = xstrdup(node->name);
    }
}

static int choose_both(struct redis_link *link, struct hand_over *plan, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&link->context->client, ANSWER_LIMIT, &view, err))
        return -1;
    const struct view_resource *to = choose(view, link->resource);
    if (!to) {
        error_set(err, ERROR_USAGE, "nobody replicates %s", link->resource);
        error_hint(err,
                   "`replication`, `sentinel` and `cluster` with replicas have somebody who can take over");
        return -1;
    }

    plan->from = xstrdup(role_of(to) + strlen(REPLICA_OF));
    plan->to = xstrdup(to->name);
    plan->host = xstrdup(text_or_empty(to->host));
    plan->port = xasprintf("%lld", (long long)to->port);
    plan->resource = xstrdup(text_or_empty(to->replica_of));

    note_sentinel(view, plan);
    if (!plan->sentinel || !str_eq(link->resource, plan->to))
        return 0;
    error_set(err, ERROR_USAGE, "who takes over is chosen by the sentinels of %s", plan->resource);
    error_hint(err, "apphost redis %s --failover", plan->resource);
    return -1;
}

static void on_answer(const struct resp_reply *reply, void *data)
{
    struct hand_over *plan = data;
    plan->is_refused = reply->type == RESP_ERROR;
    if (plan->is_refused)
        redis_link_answer(reply, &plan->refusal);
}

static int ask(struct redis_link *link, const char *const *words, redis_reply_cb *on_reply,
               struct hand_over *plan, struct error *err)
{
    struct redis_data_words command = {0};
    size_t lengths[8];
    const char *copies[8];
    for (; words[command.count]; command.count++) {
        copies[command.count] = words[command.count];
        lengths[command.count] = strlen(words[command.count]);
    }
    command.arguments = copies;
    command.lengths = lengths;
    return redis_link_ask(link, &command, on_reply, plan, err);
}

/* Of all that it watches the first one: we tell it no other. */
static void on_primaries(const struct resp_reply *reply, void *data)
{
    struct hand_over *plan = data;
    const struct resp_reply *row = NULL;
    if (reply->type == RESP_ARRAY && reply->count)
        row = &reply->elements[0];
    if (row && row->type == RESP_ARRAY && row->count > 1)
        plan->called = xstrdup_null(row->elements[1].str);
}

static int tell_sentinel(struct redis_link *link, struct hand_over *plan, struct error *err)
{
    static const char *const primaries[] = {"SENTINEL", "MASTERS", NULL};
    int code = ask(link, primaries, on_primaries, plan, err);
    const char *const words[] = {"SENTINEL", "FAILOVER", text_or_empty(plan->called), NULL};
    if (code)
        return code;
    return ask(link, words, on_answer, plan, err);
}

static int tell(struct context *context, struct hand_over *plan, struct error *err)
{
    const char *const in_cluster[] = {"CLUSTER", "FAILOVER", NULL};
    const char *const at_primary[] = {"FAILOVER", "TO", plan->host, plan->port, "TIMEOUT", "10000", NULL};
    struct redis_link link;
    const char *who = plan->from;
    const char *const *words = at_primary;
    if (plan->is_cluster) {
        who = plan->to;
        words = in_cluster;
    } else if (plan->sentinel) {
        who = plan->sentinel;
    }

    int code = redis_link_init(&link, context, who, err);
    if (code == 0 && plan->sentinel)
        code = tell_sentinel(&link, plan, err);
    else if (code == 0)
        code = ask(&link, words, on_answer, plan, err);
    redis_link_fini(&link);
    if (code == 0 && plan->is_refused) {
        error_move(err, &plan->refusal);
        return -1;
    }
    return code;
}

static void end_pause(void *data)
{
    *(bool *)data = true;
}

static int pause_a_while(struct client *client, struct error *err)
{
    bool is_over = false;
    struct timer timer;
    struct wait wait = {
        .fact = &is_over, .what = "the next look", .limit = FOREVER}; /* its own timer ends it */
    timer_init(&client->loop, &timer, end_pause, &is_over);
    timer_start(&timer, PAUSE_MS);
    int code = await(client, &wait, err);
    timer_stop(&timer);
    return code;
}

/* Once our table says so, too: who comes by the resource's name is sent to whom it names. */
static int look_at_heir(struct context *context, struct hand_over *plan, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    const struct view_resource *from = view_find(view, plan->from), *to = view_find(view, plan->to);
    bool is_primary_still = from && str_eq(from->role, "primary");
    plan->is_over = to && str_eq(to->role, "primary") && !is_primary_still;
    return 0;
}

/* Whoever the sentinels have chosen, once the former one has heard of it. */
static int look_for_primary(struct context *context, struct hand_over *plan, struct error *err)
{
    cleanup_view struct view *view = NULL;
    const char *found = plan->from;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct view_resource *node = &view->resources[i];
        bool is_primary = str_eq(node->replica_of, plan->resource) && str_eq(node->role, "primary");
        if (is_primary && str_eq(node->name, plan->from))
            return 0;
        if (is_primary)
            found = node->name;
    }

    plan->is_over = !str_eq(found, plan->from);
    free(plan->to);
    plan->to = xstrdup(found);
    return 0;
}

/* What it answers says nothing new: the next look tells whether it has become primary meanwhile. */
static int tell_again(struct context *context, struct hand_over *plan)
{
    cleanup_error struct error refusal = {0};
    int code = tell(context, plan, &refusal);
    plan->is_refused = false;
    if (code > 0)
        return code;
    return 0;
}

static bool is_past(struct context *context, int64_t ms)
{
    return loop_now_ms(&context->client.loop) > ms;
}

typedef int look_fn(struct context *context, struct hand_over *plan, struct error *err);

/* Looks until it has come true; what is true until then stands in plan->still. */
static int look_until_over(struct context *context, look_fn *look, struct hand_over *plan, struct error *err)
{
    int64_t begun_ms = loop_now_ms(&context->client.loop), again_ms = begun_ms + AGAIN_MS;
    for (;;) {
        int code = look(context, plan, err);
        if (code || plan->is_over)
            return code;
        if (is_past(context, begun_ms + HAND_OVER_MS))
            return error_set(err, ERROR_TIMEOUT, "%s is %s still, after %d s", plan->from, plan->still,
                             HAND_OVER_MS / 1000);

        code = pause_a_while(&context->client, err);
        if (!code && plan->is_cluster && is_past(context, again_ms)) {
            again_ms = loop_now_ms(&context->client.loop) + AGAIN_MS;
            code = tell_again(context, plan);
        }
        if (code)
            return code;
    }
}

static void report(const struct context *context, const struct hand_over *plan)
{
    const struct output *output = &context->output;
    if (!output->json) {
        output_note(output, "%s is primary now, in place of %s", plan->to, plan->from);
        return;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "action", "failover");
    json_add_string(document, "primary", plan->to);
    json_add_string(document, "former", plan->from);
    output_json(document);
}

static int ended(const struct context *context, int code)
{
    if (code > 0)
        return signals_exit_code(context->client.signum);
    return code;
}

int redis_failover(struct redis_link *link, struct error *err)
{
    struct context *context = link->context;
    struct hand_over hand_over = {.is_cluster = link->is_cluster, .still = "primary"};
    look_fn *look = look_at_heir;
    int code = choose_both(link, &hand_over, err);
    if (code == 0)
        code = tell(context, &hand_over, err);
    if (hand_over.sentinel)
        look = look_for_primary;
    if (code == 0)
        code = look_until_over(context, look, &hand_over, err);
    if (code == 0)
        report(context, &hand_over);

    free(hand_over.from);
    free(hand_over.to);
    free(hand_over.host);
    free(hand_over.port);
    free(hand_over.resource);
    free(hand_over.sentinel);
    free(hand_over.called);
    return ended(context, code);
}

/* ---- partitions ---- */

static int tell_supervisor(struct context *context, enum ask ask, const char *name, struct limit limit,
                           struct error *err)
{
    cleanup_strlist struct strlist names = {0};
    strlist_add(&names, name);
    const struct ask_resources request = client_names(&names);
    return client_call(&context->client, ask, record_to_json(&ask_resources_record, &request), limit, NULL,
                       err);
}

/* The node of the resource, which a network could be taken from. */
static int check_node(const struct view *view, const char *resource, const char *name, struct error *err)
{
    const struct view_resource *node = find(view, name);
    if (!node || !node->topology || !str_eq(node->replica_of, resource))
        return error_set(err, ERROR_USAGE, "%s is no node of %s", name, resource);
    if (node->node_kind == VIEW_CONTAINER)
        return 0;
    error_set(err, ERROR_USAGE, "%s is a process of this machine: there is no network to cut it off from",
              name);
    error_hint(err, "use an engine of containers; or end it: apphost kill %s", name);
    return -1;
}

static void report_partition(const struct context *context, const char *action, const char *name,
                             const char *said)
{
    const struct output *output = &context->output;
    if (!output->json) {
        output_note(output, "%s %s", name, said);
        return;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "action", action);
    json_add_string(document, "node", name);
    output_json(document);
}

/* plan->to is cut off; or nobody is any more, and all that run are seen by the others and have a role. */
static int look_for_cut(struct context *context, struct hand_over *plan, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    plan->is_over = !plan->to;
    for (size_t i = 0; i < view->resource_count; i++) {
        const struct view_resource *node = &view->resources[i];
        bool is_cut = str_eq(node->role, ROLE_CUT_OFF);
        bool is_ours = node->topology && str_eq(node->replica_of, plan->resource);
        if (plan->to && is_cut && str_eq(node->name, plan->to))
            plan->is_over = true;
        if (!plan->to && is_ours && node->state == VIEW_READY && (is_cut || !node->role))
            plan->is_over = false;
    }
    return 0;
}

int redis_partition(struct context *context, const char *resource, const char *node, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err) || check_node(view, resource, node, err))
        return -1;
    struct hand_over cut = {.from = (char *)node, .to = (char *)node, .still = "on its network"};
    int code = tell_supervisor(context, ASK_CUT, node, ANSWER_LIMIT, err);
    if (code == 0)
        code = look_until_over(context, look_for_cut, &cut, err);
    if (code == 0)
        report_partition(context, "partition", node, "is cut off: it runs, and nobody reaches it");
    return ended(context, code);
}

int redis_heal(struct context *context, const char *resource, struct error *err)
{
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    struct hand_over heal = {.from = (char *)resource, .resource = (char *)resource, .still = "not whole"};
    int code = tell_supervisor(context, ASK_HEAL, resource, FOREVER, err); /* ends when it is ready */
    if (code == 0)
        code = look_until_over(context, look_for_cut, &heal, err);
    if (code == 0)
        report_partition(context, "heal", resource, "is whole again");
    return ended(context, code);
}
