/* The root node: the engine itself, reachable → located → subscribed → listed → surveyed.
 *
 * Subscribed before listed, so that nothing falls into a gap. What becomes of all when it is lost is in
 * engine_lost.c. Only an engine that never answered makes requests fail at once: that is what its user has to
 * know first.
 *
 * Row `surveyed` is for `down`: networks and volumes that an earlier session left are found by label. */
#include "orchestrator/internal.h"

#include "base/log.h"
#include "base/ours.h"

#include <string.h>

enum { LIST_LIMIT = 5 };
enum { ROW_LIMIT_MS = 20000, LEAVING_LIMIT_MS = 1000 };

/* ---- reachable ---- */

static bool is_reachable(const struct node *root)
{
    return root->facts.reachable;
}

static void on_ping(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *root = data;
    node_op_end(root);
    if (err) {
        engine_lose(root->o, err);
        return;
    }
    facts_reach(root);
    root->o->reached_once = true;
}

static void ping(struct node *root)
{
    node_op_begin(root, OP_PING, engine_ping(root->o->services.engine, on_ping, root));
}

/* ---- subscribed ---- */

static bool is_subscribed(const struct node *root)
{
    return root->facts.subscribed;
}

static void on_open(void *data)
{
    struct node *root = data;
    facts_subscribe(root);
    node_wake(root);
}

static void on_event(const struct engine_event *event, void *data)
{
    struct node *root = data;
    facts_of_event(root->o, event);
}

static void on_events_end(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *root = data;
    root->o->events = NULL;
    cleanup_error struct error lost = {0};
    if (!err) {
        error_set(&lost, ERROR_ENGINE, "the engine closed its event stream");
        err = &lost;
    }
    engine_lose(root->o, err);
}

static void subscribe(struct node *root)
{
    struct orchestrator *o = root->o;
    if (!o->events)
        o->events = engine_events(o->services.engine, 0, on_open, on_event, on_events_end, root);
}

/* ---- listed ---- */

static bool is_listed(const struct node *root)
{
    return root->facts.listed;
}

static void on_listed(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *root = data;
    struct orchestrator *o = root->o;
    bool disturbed = root->facts.disturbed;
    node_op_end(root);

    if (err) {
        engine_lose(o, err);
        return;
    }

    if (!o->events) /* lost meanwhile */
        return;
    if (disturbed && facts_retry(root) < LIST_LIMIT)
        return; /* older than an event: once more */

    facts_count_retries(root, 0);
    facts_count_restarts(root, 0);
    facts_list(root, true);
    if (!o->connected_once && o->services.on_reached)
        o->services.on_reached(o->services.data);
    o->connected_once = true;
    o->lost_ms = -1;
    error_clear(&root->error);
    facts_of_list(o, result->containers, result->container_count);
    values_settle(o);
    orchestrator_wake_all(o);
    requests_changed(o);
}

static char *project_label(const struct orchestrator *o)
{
    if (o->plan)
        return xasprintf(LABEL_PROJECT_HASH "=%s", o->plan->plan->project_hash);
    return xasprintf(LABEL_SESSION "=%s", o->services.session);
}

static void list(struct node *root)
{
    struct orchestrator *o = root->o;
    cleanup_free char *label = project_label(o);
    const char *const labels[] = {label, NULL};
    node_op_begin(root, OP_LIST, engine_container_list(o->services.engine, labels, on_listed, root));
}

/* ---- surveyed ---- */

static bool is_surveyed(const struct node *root)
{
    const struct orchestrator *o = root->o;
    return root->facts.surveyed || (!o->survey_networks && !o->survey_volumes);
}

static void found(struct orchestrator *o, int kind, const char *name, const char *id, const cJSON *labels)
{
    if (!name || !id)
        return;

    const char *label = json_string(labels, LABEL_NODE, NULL);
    cleanup_free char *fallback = xasprintf("%s:%s", plan_node_kind_name((enum plan_node_kind)kind), name);
    const char *called = text_or(label, fallback);
    struct node *node = node_find(o, called);
    if (node && node->facts.object && strcmp(node->facts.object, id) != 0)
        node = node_find(o, id); /* a duplicate */

    if (!node) {
        if (node_find(o, called))
            called = id;
        node = node_new(o, called, kind);
        node->name = xstrdup(name);
        want_as(node, o->leftovers);
    }

    if (node->doing)
        return;
    facts_name(node, id);
    facts_see(node, SEEN_PRESENT);
    node_wake(node);
}

static void survey_done(struct orchestrator *o)
{
    o->survey_networks = o->survey_volumes = false;
    facts_survey(o->engine, true);
    nodes_settle_wants(o);
    orchestrator_wake_all(o);
    requests_changed(o);
}

static void on_volumes(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *root = data;
    node_op_end(root);
    if (err) {
        engine_lose(root->o, err);
        return;
    }
    const cJSON *volume;
    cJSON_ArrayForEach(volume, result->json)
    {
        const char *name = json_string(volume, "Name", NULL);
        found(root->o, PLAN_VOLUME, name, name, json_get(volume, "Labels"));
    }
    survey_done(root->o);
}

static void on_networks(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *root = data;
    struct orchestrator *o = root->o;
    node_op_end(root);
    if (err) {
        engine_lose(o, err);
        return;
    }

    const cJSON *network;
    cJSON_ArrayForEach(network, result->json)
    {
        found(o, PLAN_NETWORK, json_string(network, "Name", NULL), json_string(network, "Id", NULL),
              json_get(network, "Labels"));
    }

    o->survey_networks = false;
    if (!o->survey_volumes)
        survey_done(o);
}

static void survey(struct node *root)
{
    struct orchestrator *o = root->o;
    cleanup_free char *label = project_label(o);
    const char *const labels[] = {label, NULL};
    struct engine_op *op;
    if (o->survey_networks)
        op = engine_network_list(o->services.engine, labels, on_networks, root);
    else
        op = engine_volume_list(o->services.engine, labels, on_volumes, root);
    node_op_begin(root, OP_SURVEY, op);
}

/* ---- limits ---- */

/* A session that never saw its engine made nothing there: leaving need not wait for it. */
static struct limit root_limit(const struct node *root)
{
    const struct orchestrator *o = root->o;
    bool only_leaves = o->going_down && !o->connected_once && !engine_is_needed(o);
    return LIMIT_MS(only_leaves ? LEAVING_LIMIT_MS : ROW_LIMIT_MS);
}

static void on_late(struct node *root)
{
    cleanup_error struct error late = {0};
    error_set(&late, ERROR_ENGINE, "the engine was not %s within %lld s", root->goal->name,
              (long long)root_limit(root).ms / 1000);
    engine_lose(root->o, &late);
    root->goal_ms = root->facts.not_before;
}

static const struct goal up[] = {
    GOAL_ACTS("reachable", STATE_STARTING, is_reachable, ping, root_limit),
    GOAL_ACTS("located", STATE_STARTING, place_is_met, place_find, root_limit),
    GOAL_ACTS("subscribed", STATE_STARTING, is_subscribed, subscribe, root_limit),
    GOAL_ACTS("listed", STATE_STARTING, is_listed, list, root_limit),
    GOAL_ACTS("surveyed", STATE_RUNNING, is_surveyed, survey, root_limit),
    GOALS_END,
};
static const struct goal down[] = {GOALS_END};

const struct node_kind engine_kind = {
    .name = "engine",
    .up = up,
    .down = down,
    .is_silent = true,
    .on_late = on_late,
};
