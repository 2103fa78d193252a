/* The root node: the engine itself, reachable → located → subscribed → listed → surveyed.
 *
 * Subscribed before listed, so that nothing falls into a gap. Losing the engine (the event stream ends, an
 * operation finds nobody) makes facts unknown and starts again from the top with a growing pause; nothing
 * fails: nodes wait. Only an engine that never answered makes requests fail at once: that is what its user
 * has to know first.
 *
 * Row `surveyed` is for `down`: networks and volumes that an earlier session left are found by label. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <string.h>

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 5000, LIST_LIMIT = 5 };
enum { ROW_LIMIT_MS = 20000, LEAVING_LIMIT_MS = 1000 };

void engine_need(struct orchestrator *o)
{
    if (!o->engine)
        return;
    if (o->engine->want != WANT_UP)
        o->engine->asked_ms = loop_now_ms(o->services.loop);
    o->engine->want = WANT_UP;
    if (!o->connected_once)
        error_clear(&o->engine->error);
    o->engine->facts.not_before = 0; /* a new request is owed a new attempt */
    node_wake(o->engine);
}

static bool is_needed(const struct orchestrator *o)
{
    const struct request *request;
    DL_FOREACH(o->requests, request)
    {
        if (request->needs_engine)
            return true;
    }
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        if (node_needs_engine(node) && node->want == WANT_UP)
            return true;
    }
    return false;
}

void engine_lose(struct orchestrator *o, const struct error *err)
{
    struct node *root = o->engine;
    struct facts *facts = &root->facts;
    int64_t now = loop_now_ms(o->services.loop);
    error_clear(&root->error);
    error_copy(&root->error, err);
    if (o->events)
        engine_cancel(o->services.engine, o->events);
    o->events = NULL;
    bool known = o->lost_ms >= 0 && !facts->reachable && now < facts->not_before;
    if (known) /* several operations found it out at once */
        return;
    if (o->lost_ms < 0)
        o->lost_ms = now;
    int64_t pause = FIRST_PAUSE_MS << (facts->restarts < 6 ? facts->restarts : 6);
    facts->restarts++;
    facts->not_before = now + (pause < LONGEST_PAUSE_MS ? pause : LONGEST_PAUSE_MS);
    root->goal_ms = facts->not_before; /* every try has its time */
    if (!o->connected_once && !is_needed(o))
        root->want = WANT_KEEP; /* we only wanted to look for leftovers */
    facts->reachable = facts->located = facts->subscribed = facts->listed = facts->surveyed = false;
    facts_unknown(o);
    orchestrator_wake_all(o);
    requests_changed(o);
}

void engine_look_again(struct orchestrator *o)
{
    if (!o->engine)
        return;
    o->engine->facts.listed = o->engine->facts.surveyed = false;
    node_wake(o->engine);
}

/* ---- reachable ---- */

static bool is_reachable(struct node *root)
{
    return root->facts.reachable;
}

static void on_ping(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *root = data;
    node_op_end(root);
    if (err)
        engine_lose(root->o, err);
    else
        root->facts.reachable = root->o->reached_once = true;
}

static void ping(struct node *root)
{
    node_op_begin(root, "ping", engine_ping(root->o->services.engine, on_ping, root));
}

/* ---- subscribed ---- */

static bool is_subscribed(struct node *root)
{
    return root->facts.subscribed;
}

static void on_open(void *data)
{
    struct node *root = data;
    root->facts.subscribed = true;
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
    if (!err)
        error_set(&lost, ERROR_ENGINE, "the engine closed its event stream");
    engine_lose(root->o, err ? err : &lost);
}

static void subscribe(struct node *root)
{
    struct orchestrator *o = root->o;
    if (!o->events)
        o->events = engine_events(o->services.engine, 0, on_open, on_event, on_events_end, root);
}

/* ---- listed ---- */

static bool is_listed(struct node *root)
{
    return root->facts.listed;
}

static void on_listed(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *root = data;
    struct orchestrator *o = root->o;
    struct facts *facts = &root->facts;
    bool disturbed = facts->disturbed;
    node_op_end(root);
    if (err) {
        engine_lose(o, err);
        return;
    }
    if (!o->events) /* lost meanwhile */
        return;
    if (disturbed && facts->retries++ < LIST_LIMIT)
        return; /* older than an event: once more */
    facts->retries = facts->restarts = 0;
    facts->listed = true;
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
        return xasprintf(LABEL("project-hash") "=%s", o->plan->plan->project_hash);
    return xasprintf(LABEL("session") "=%s", o->services.session);
}

static void list(struct node *root)
{
    struct orchestrator *o = root->o;
    cleanup_free char *label = project_label(o);
    const char *const labels[] = {label, NULL};
    node_op_begin(root, "list", engine_container_list(o->services.engine, labels, on_listed, root));
}

/* ---- surveyed ---- */

static bool is_surveyed(struct node *root)
{
    const struct orchestrator *o = root->o;
    return root->facts.surveyed || (!o->survey_networks && !o->survey_volumes);
}

static void found(struct orchestrator *o, int kind, const char *name, const char *id, const cJSON *labels)
{
    if (!name || !id)
        return;
    const char *label = json_string(labels, LABEL("node"), NULL);
    cleanup_free char *fallback = xasprintf("%s:%s", plan_node_kind_name((enum plan_node_kind)kind), name);
    struct node *node = node_find(o, label ? label : fallback);
    if (node && node->facts.object && strcmp(node->facts.object, id) != 0)
        node = node_find(o, id); /* a duplicate */
    if (!node) {
        node = node_new(o, node_find(o, label ? label : fallback) ? id : label ? label : fallback, kind);
        node->name = xstrdup(name);
        node->want = o->leftovers;
    }
    if (node->op_name)
        return;
    free(node->facts.object);
    node->facts.object = xstrdup(id);
    node->facts.seen = SEEN_PRESENT;
    node_wake(node);
}

static void survey_done(struct orchestrator *o)
{
    o->survey_networks = o->survey_volumes = false;
    o->engine->facts.surveyed = true;
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
    node_op_begin(root, "survey",
                  o->survey_networks ? engine_network_list(o->services.engine, labels, on_networks, root)
                                     : engine_volume_list(o->services.engine, labels, on_volumes, root));
}

/* ---- limits ---- */

/* A session that never saw its engine made nothing there: leaving need not wait for it. */
static struct limit root_limit(struct node *root)
{
    const struct orchestrator *o = root->o;
    bool only_leaves = o->going_down && !o->connected_once && !is_needed(o);
    return LIMIT_MS(only_leaves ? LEAVING_LIMIT_MS : ROW_LIMIT_MS);
}

void engine_late(struct node *root)
{
    cleanup_error struct error late = {0};
    error_set(&late, ERROR_ENGINE, "the engine was not %s within %lld s", root->goal->name,
              (long long)root_limit(root).ms / 1000);
    engine_lose(root->o, &late);
    root->goal_ms = root->facts.not_before;
}

static const struct goal up[] = {
    {"reachable", STATE_STARTING, is_reachable, ping, root_limit, NULL},
    {"located", STATE_STARTING, place_is_met, place_find, root_limit, NULL},
    {"subscribed", STATE_STARTING, is_subscribed, subscribe, root_limit, NULL},
    {"listed", STATE_STARTING, is_listed, list, root_limit, NULL},
    {"surveyed", STATE_RUNNING, is_surveyed, survey, root_limit, NULL},
    {0},
};
static const struct goal down[] = {{0}};
const struct lifecycle engine_lifecycle = {up, down};
