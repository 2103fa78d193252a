/* Containers: waiting → seen → created → joined → calm → running → healthy → users → formed → seeded, and on
 * the way down connected → seen → unused → saved → stopped → removed.
 *
 * Happy path of a cold start: the listing said that nothing is there, so `seen` holds without a request;
 * create and start are one request each, the host port is ours so nothing is inspected, and the sensor tells
 * `healthy`. Failures: a create whose answer was lost shows as a name conflict: `seen` reads by name and
 * adopts it. A missing image is a fact of the image's node. What the engine says for good fails the node. */
#include "orchestrator/internal.h"

#include "base/ours.h"

#include <string.h>

enum { HURRIED_STOP_S = 1, OWN_STOP_S = -1 };

static struct engine *engine_of(const struct node *node)
{
    return node->o->services.engine;
}

/* ---- seen ---- */

static bool is_seen(const struct node *node)
{
    if (node->facts.seen == SEEN_UNKNOWN)
        return false;
    bool may_know = node->facts.seen == SEEN_PRESENT && !node->facts.inspected;
    bool is_unclear = !node->facts.digest || secrets_missing(node);
    return !(may_know && node->want == WANT_UP && is_unclear);
}

static bool is_ours(const struct node *node, const struct engine_container *container)
{
    const char *hash = label_of(container, LABEL_PROJECT_HASH);
    const struct plan_ref *plan = node->origin;
    if (!plan)
        plan = node->o->plan;
    return hash && (!plan || !strcmp(hash, plan->plan->project_hash));
}

/* Somebody else's container has the name: in our way when we want to create ours, else nothing to us. */
static void on_foreign(struct node *node)
{
    cleanup_error struct error taken = {0};
    if (node->want != WANT_UP) {
        facts_gone(node);
        return;
    }
    const char *name = node->spec->run.engine_name;
    error_set(&taken, ERROR_CONFLICT,
              "cannot create container %s: another container has this name, and it is not ours", name);
    error_hint(&taken, "remove or rename it: docker rm %s", name);
    node_fail(node, &taken);
}

static void on_seen(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    bool disturbed = node->facts.disturbed;
    node_op_end(node);

    if (err && err->code == ERROR_GONE) {
        facts_gone(node);
        return;
    }
    if (err) {
        node_op_failed(node, err);
        return;
    }

    if (disturbed)
        return; /* asked for before the event: ask again */

    if (!is_ours(node, result->container)) {
        on_foreign(node);
        return;
    }
    facts_of_container(node, result->container, true);
}

/* Its id, else its name. */
static const char *asked_by(const struct node *node)
{
    if (node->facts.object)
        return node->facts.object;
    if (node->spec)
        return node->spec->run.engine_name;
    return node->name;
}

static void look(struct node *node)
{
    node_op_begin(node, OP_LOOK, engine_container_inspect(engine_of(node), asked_by(node), on_seen, node));
}

/* ---- created ---- */

static bool is_created(const struct node *node)
{
    return node->facts.seen == SEEN_PRESENT;
}

static void on_created(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    struct facts *facts = &node->facts;
    bool disturbed = facts->disturbed;
    node_op_end(node);

    if (err && err->code == ERROR_NO_IMAGE && image_of(node)) {
        struct node *image = image_of(node);
        facts_lack(image, true);
        facts_ready(image, false);
        node_wake(image);
        return;
    }

    if (err) {
        /* A create that we sent before may have had its effect; the look by name tells. */
        facts_see(node, SEEN_UNKNOWN);
        node_op_failed(node, err);
        return;
    }

    facts_see(node, SEEN_PRESENT);
    if (disturbed)
        facts_see(node, SEEN_UNKNOWN);
    facts_bear(node, true);
    facts_name(node, result->id);
    facts_resolve(node, node->making);
    free(take_ptr(&node->making));
    persist_spec(node);
}

static void create(struct node *node)
{
    struct facts *facts = &node->facts;
    const struct plan_run *run = &node->spec->run;
    if (place_refuses(node) || outside_refuses(node))
        return;

    const char *digest = values_digest(node);
    if (!digest)
        return; /* a port was given up meanwhile: the step waits for the new one */

    facts_clear(facts);
    free(node->making);
    node->making = xstrdup(digest);
    facts_make_of(node, node->spec->spec_hash);
    facts_see(node, SEEN_ABSENT);
    facts_last(node, run->persistent, run->ephemeral);
    facts_join(node, run->on_network);
    facts_inspect(node);

    cleanup_json cJSON *body = spec_container(node);
    node_op_begin(
        node, OP_CREATE,
        engine_container_create(engine_of(node), run->engine_name, run->platform, body, on_created, node));
}

/* ---- running ---- */

static bool is_running(const struct node *node)
{
    bool is_at_work = node->facts.running && !node->facts.frozen;
    return is_at_work || node->facts.completed || node_is_over(node);
}

/* ---- healthy ---- */

static bool is_healthy(const struct node *node)
{
    if (node->spec->run.task)
        return node->facts.completed != NULL;
    bool is_ready = node_probe(node)->kind == PLAN_PROBE_NONE || node->facts.ready;
    return node_is_over(node) || (is_ready && !node_settled_ms(node));
}

static void watch(struct node *node)
{
    if (!node->sensor.on)
        sensor_start(node);
}

/* ---- down ---- */

static bool is_stopped(const struct node *node)
{
    return node->facts.seen == SEEN_ABSENT || !node->facts.running;
}

static void on_removed(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err && err->code != ERROR_GONE)
        node_op_failed(node, err);
    else
        facts_gone(node);
}

static void remove_it(struct node *node, bool force)
{
    sensor_stop(node);
    output_unfollow(node);
    node_op_begin(node, OP_REMOVE,
                  engine_container_remove(engine_of(node), node->facts.object, force, on_removed, node));
}

static void on_stopped(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err && err->code == ERROR_GONE)
        facts_gone(node);
    else if (err && err->code != ERROR_CONFLICT) /* kill: it is not running */
        node_op_failed(node, err);
    else
        node_instance_ended(node);
}

/* What its specification says, unless we hurry; a server that goes mildly has data to save, and what is in no
 * plan may be one: both keep their time. */
static int stop_seconds(const struct node *node)
{
    bool may_have_data = node_is_server(node) || !node->spec;
    if (node->o->hurry && !may_have_data)
        return HURRIED_STOP_S;
    return OWN_STOP_S;
}

static int own_stop_seconds(const struct node *node)
{
    if (!node->spec)
        return 0;
    return (int)((node->spec->run.stop_timeout_ms + 999) / 1000);
}

/* Two tries of a mild stop, and what the engine takes for them. */
static struct limit stop_limit(const struct node *node)
{
    struct limit limit = goal_object_limit(node);
    return LIMIT_MS(limit.ms + 2000 * (int64_t)own_stop_seconds(node));
}

static struct engine_op *ask_to_stop(struct node *node)
{
    const char *id = node->facts.object;
    if (node->o->kill || node->kill_signal)
        return engine_container_kill(engine_of(node), id, "SIGKILL", on_stopped, node);
    const struct engine_stop mild = {.timeout_s = stop_seconds(node), .own_s = own_stop_seconds(node)};
    return engine_container_stop(engine_of(node), id, &mild, on_stopped, node);
}

static void stop(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct facts *facts = &node->facts;
    if (!node_stops_only(node) && (facts->ephemeral || o->kill || facts->spoiled)) {
        remove_it(node, true);
        return;
    }
    sensor_stop(node);
    node_op_begin(node, OP_STOP, ask_to_stop(node));
}

static bool is_removed(const struct node *node)
{
    return node->facts.seen == SEEN_ABSENT;
}

static void remove_stopped(struct node *node)
{
    remove_it(node, node->o->kill || node->facts.spoiled || node->facts.retries > 0);
}

/* Nothing known to be there, and no engine that could be asked: nothing to do either. */
static bool is_seen_down(const struct node *node)
{
    return node->facts.seen != SEEN_UNKNOWN;
}

static const char seed_why[] = "a data set may be of any size; its server ends it by answering, or by ending";

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, goal_waiting_met),
    GOAL_ACTS("seen", STATE_CREATING, is_seen, look, goal_object_limit),
    GOAL_ACTS("created", STATE_CREATING, is_created, create, goal_object_limit),
    GOAL_ACTS("joined", STATE_CREATING, container_is_joined, container_join, goal_object_limit),
    GOAL_WAITS("calm", STATE_RESTARTING, goal_calm_met),
    {"running", STATE_STARTING, is_running, container_start, container_start_limit, NULL, true, false},
    GOAL_ACTS("healthy", STATE_RUNNING, is_healthy, watch, goal_task_limit),
    GOAL_ACTS("users", STATE_RUNNING, users_are_met, users_start, goal_object_limit),
    GOAL_ACTS("formed", STATE_RUNNING, forming_is_met, forming_start, goal_object_limit),
    GOAL_LASTS("seeded", STATE_RUNNING, seed_is_met, seed_start, seed_why),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("connected", STATE_STOPPING, goal_connected_met),
    GOAL_ACTS("seen", STATE_STOPPING, is_seen_down, look, goal_object_limit),
    GOAL_WAITS("unused", STATE_STOPPING, goal_unused_met),
    GOAL_ACTS("saved", STATE_STOPPING, saving_is_met, saving_start, saving_limit),
    GOAL_ACTS("stopped", STATE_STOPPING, is_stopped, stop, stop_limit),
    {"removed", STATE_STOPPING, is_removed, remove_stopped, goal_object_limit, NULL, false, true},
    GOALS_END,
};

/* ---- the kind ---- */

static bool is_alive(const struct node *node)
{
    return node->facts.seen != SEEN_ABSENT && node->facts.running;
}

static bool is_current(const struct node *node)
{
    const struct facts *facts = &node->facts;
    if (facts->seen != SEEN_PRESENT)
        return true;
    if (facts->spoiled || !str_eq(facts->spec_hash, node->spec->spec_hash))
        return false;
    if (facts->running && facts->generation != node->generation)
        return false;
    return node_has_current_values(node);
}

static bool is_persistent(const struct node *node)
{
    return node->facts.persistent || (node->spec && node->spec->run.persistent);
}

/* No probe tells, and no health check. */
static bool settles(const struct node *node)
{
    enum plan_probe_kind kind = node_probe(node)->kind;
    bool has_no_health = node->facts.health == ENGINE_HEALTH_NONE && !node->port_count;
    return kind == PLAN_PROBE_NONE || (kind == PLAN_PROBE_IMAGE_HEALTH && has_no_health);
}

static bool stops_only(const struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->want == WANT_REMOVED || facts->spoiled)
        return false;
    if (node->want == WANT_STOPPED)
        return true;
    return node->spec && str_eq(facts->spec_hash, node->spec->spec_hash) && node_has_current_values(node);
}

static bool uses(const struct node *container, const struct node *shared)
{
    (void)container;
    return !native_folder(shared);
}

static const char *decide(struct node *node, char **explain)
{
    const struct facts *facts = &node->facts;
    if (facts->seen == SEEN_UNKNOWN)
        return NULL;
    if (facts->seen == SEEN_ABSENT)
        return "created";
    if (!node_is_current(node)) {
        if (node_stops_only(node))
            return "restarted";
        *explain = decide_explain(node->o, node, node->spec);
        return "recreated";
    }
    return text_pick(facts->running, "reused", "started");
}

/* What it names, so that nothing depends on how a plan was lowered: its image, its volumes, the network. */
static struct node *find_by_name(struct orchestrator *o, int kind, const char *name)
{
    for (struct node *node = o->nodes; node && name; node = node->hh.next) {
        if (node_is(node, kind) && str_eq(node->name, name))
            return node;
    }
    return NULL;
}

static bool is_linked(const struct node *node, const struct node *to)
{
    for (size_t i = 0; i < node->link_count; i++)
        if (node->links[i].to == to)
            return true;
    return false;
}

/* What the plan has an edge to is linked as that says. */
static void link_to(enum plan_node_kind kind, const char *name, void *data)
{
    struct node *node = data, *to = find_by_name(node->o, (int)kind, name);
    if (kind == PLAN_NETWORK)
        to = network_of(node->o);
    if (!is_linked(node, to))
        node_link(node, to, PLAN_HEALTHY, true);
}

static void add_links(struct node *node)
{
    plan_each_object(&node->spec->run, link_to, node);
}

static void spoil(struct node *node)
{
    facts_spoil(node, node->facts.seen != SEEN_ABSENT);
}

static void on_ready(struct node *node)
{
    if (node->facts.running)
        output_follow(node);
}

/* ---- glances ---- */

/* found: NULL when there is none. */
static bool shows_effect(const struct node *node, const struct engine_container *found)
{
    if (node->doing == OP_REMOVE || !found)
        return !found && (node->doing == OP_REMOVE || node->doing == OP_STOP);
    switch (node->doing) {
    case OP_CREATE:
        return is_ours(node, found);
    case OP_JOIN:
        return facts_is_member(node, found) != node->facts.joined;
    case OP_START: /* or it has ended already, which for one that ran before looks as it did */
        return found->running || (node->facts.unborn && !strcmp(found->state, "exited"));
    default:
        return node->doing == OP_STOP && !found->running;
    }
}

static void on_glanced(const struct engine_result *result, const struct error *err, void *data)
{
    const struct engine_container *found = NULL;
    if (!err)
        found = result->container;
    bool is_known = found || err->code == ERROR_GONE;
    glance_over(data, is_known && shows_effect(data, found));
}

static struct engine_op *glance(struct node *node)
{
    return engine_container_inspect(engine_of(node), asked_by(node), on_glanced, node);
}

const struct node_kind container_kind = {
    .name = "container",
    .up = up,
    .down = down,
    .is_main = true,
    .runs = true,
    .at_engine = true,
    .is_engines = true,
    .is_alive = is_alive,
    .is_gone = node_is_absent,
    .is_current = is_current,
    .is_persistent = is_persistent,
    .settles = settles,
    .stops_only = stops_only,
    .uses = uses,
    .decide = decide,
    .add_links = add_links,
    .learn = node_learn_nothing,
    .on_recreate = spoil,
    .on_ready = on_ready,
    .glance = glance,
};
