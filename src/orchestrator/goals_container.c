/* Containers: waiting → seen → created → joined → calm → running → healthy → seeded, and on the way down
 * connected → seen → unused → stopped → removed.
 *
 * Happy path of a cold start: the listing said that nothing is there, so `seen` holds without a request;
 * create and start are one request each, the host port is ours so nothing is inspected, and the sensor tells
 * `healthy`. Failures: a create whose answer was lost shows as a name conflict: `seen` reads by name and
 * adopts it. A port that turns out to be taken spoils the container: it is removed and created anew with the
 * next port. A missing image is a fact of the image's node. What the engine says for good fails the node. */
#include "orchestrator/internal.h"

#include <stdio.h>
#include <string.h>

enum { HURRIED_STOP_S = 1, OWN_STOP_S = -1 };

static struct engine *engine_of(const struct node *node)
{
    return node->o->services.engine;
}

/* ---- seen ---- */

static bool is_seen(struct node *node)
{
    if (node->facts.seen == SEEN_UNKNOWN)
        return false;
    bool may_know = node->facts.seen == SEEN_PRESENT && !node->facts.inspected;
    bool is_unclear = !node->facts.digest || secrets_missing(node);
    return !(may_know && node->want == WANT_UP && is_unclear);
}

static bool is_ours(const struct node *node, const struct engine_container *container)
{
    const char *hash = label_of(container, LABEL("project-hash"));
    const struct plan_ref *plan = node->origin ? node->origin : node->o->plan;
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

static void look(struct node *node)
{
    const char *what = node->facts.object ? node->facts.object
                       : node->spec       ? node->spec->run.engine_name
                                          : node->name;
    node_op_begin(node, "look", engine_container_inspect(engine_of(node), what, on_seen, node));
}

/* ---- created ---- */

static bool is_created(struct node *node)
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
        image->facts.absent = true;
        image->facts.ready = false;
        node_wake(image);
        return;
    }
    if (err) {
        /* A create that we sent before may have had its effect; the look by name tells. */
        facts->seen = SEEN_UNKNOWN;
        node_op_failed(node, err);
        return;
    }
    facts->seen = disturbed ? SEEN_UNKNOWN : SEEN_PRESENT;
    facts->unborn = true;
    facts->object = xstrdup(result->id);
    facts->digest = take_ptr(&node->making);
    persist_spec(node);
}

static void create(struct node *node)
{
    struct facts *facts = &node->facts;
    const struct plan_run *run = &node->spec->run;
    if (place_refuses(node))
        return;
    const char *digest = values_digest(node);
    if (!digest)
        return; /* a port was given up meanwhile: the step waits for the new one */
    facts_clear(facts);
    free(node->making);
    node->making = xstrdup(digest);
    facts->spec_hash = xstrdup(node->spec->spec_hash);
    facts->seen = SEEN_ABSENT;
    facts->persistent = run->persistent;
    facts->ephemeral = run->ephemeral;
    facts->joined = run->on_network;
    facts->inspected = true;
    cleanup_json cJSON *body = spec_container(node);
    node_op_begin(
        node, "create",
        engine_container_create(engine_of(node), run->engine_name, run->platform, body, on_created, node));
}

/* ---- joined ---- */

static bool is_joined(struct node *node)
{
    return !node->spec->run.on_network || node->facts.joined;
}

static void on_joined(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err)
        node_op_failed(node, err);
    else
        node->facts.joined = true;
}

static void join(struct node *node)
{
    struct node *network = network_of(node->o);
    if (!network || !network->facts.object)
        return;
    node_op_begin(node, "join",
                  engine_network_connect(engine_of(node), network->facts.object, node->facts.object,
                                         node->spec->run.alias, on_joined, node));
}

/* ---- running ---- */

static bool is_running(struct node *node)
{
    return node->facts.running || node->facts.completed || node_is_over(node);
}

/* The engine names the port: "Bind for 127.0.0.1:20123 failed", "listen tcp4 127.0.0.1:20123: bind: …". */
static int port_in_text(const struct node *node, const char *text)
{
    for (size_t i = 0; i < node->port_count; i++) {
        char number[16];
        snprintf(number, sizeof number, ":%d", node->ports[i].host_port);
        const char *at = strstr(text, number);
        if (at && (at[strlen(number)] < '0' || at[strlen(number)] > '9'))
            return node->ports[i].host_port;
    }
    return 0;
}

static void on_port_taken(struct node *node, const struct error *err)
{
    int taken = port_in_text(node, err->text);
    if (strstr(err->text, "cannot assign requested address")) { /* not the port's fault */
        cleanup_error struct error cause = {0};
        error_copy(&cause, err);
        if (node->o->where.apart)
            error_hint(&cause,
                       "apphost runs in a container of this engine, which cannot publish on its gateway (a "
                       "rootless engine): run that container on the host's network (--network host)");
        node_fail(node, &cause);
        return;
    }
    if (ports_move(node, taken)) {
        node->facts.spoiled = true; /* the port is part of the container */
        node->decision = NULL;
        return;
    }
    if (node->port_count)
        holder_fail(node);
    else
        node_fail(node, err);
}

static bool is_network_trouble(const struct node *node, const struct error *err)
{
    bool maybe = err->code == ERROR_GONE || err->code == ERROR_CONFLICT;
    return node->spec->run.on_network && maybe && strstr(err->text, "network") &&
           strstr(err->text, "not found");
}

static void on_started(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    struct facts *facts = &node->facts;
    bool disturbed = facts->disturbed;
    node_op_end(node);
    if (!err) {
        node_instance_started(node);
        if (disturbed)
            facts->seen = SEEN_UNKNOWN;
    } else if (err->code == ERROR_PORT)
        on_port_taken(node, err);
    else if (is_network_trouble(node, err)) {
        struct node *network = network_of(node->o);
        facts->spoiled = true;
        if (network)
            network->facts.seen = SEEN_UNKNOWN;
    } else if (err->code == ERROR_CONFLICT && strstr(err->text, "marked for removal"))
        facts->spoiled = true;
    else
        node_op_failed(node, err);
}

/* Standing in the queue of starts is the others' time. */
static struct limit start_limit(struct node *node)
{
    return node->queued ? FOREVER : goal_object_limit(node);
}

static void start(struct node *node)
{
    if (!slot_take(node))
        return;
    node_op_begin(node, "start",
                  engine_container_start(engine_of(node), node->facts.object, on_started, node));
}

/* ---- healthy ---- */

static bool is_healthy(struct node *node)
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

static bool is_stopped(struct node *node)
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
    node_op_begin(node, "remove",
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
    return node->o->hurry && !may_have_data ? HURRIED_STOP_S : OWN_STOP_S;
}

static int own_stop_seconds(const struct node *node)
{
    return node->spec ? (int)((node->spec->run.stop_timeout_ms + 999) / 1000) : 0;
}

/* Two tries of a mild stop, and what the engine takes for them. */
static struct limit stop_limit(struct node *node)
{
    struct limit limit = goal_object_limit(node);
    return LIMIT_MS(limit.ms + 2000 * (int64_t)own_stop_seconds(node));
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
    bool kill = o->kill || node->kill_signal;
    const struct engine_stop mild = {.timeout_s = stop_seconds(node), .own_s = own_stop_seconds(node)};
    node_op_begin(node, "stop",
                  kill ? engine_container_kill(engine_of(node), facts->object, "SIGKILL", on_stopped, node)
                       : engine_container_stop(engine_of(node), facts->object, &mild, on_stopped, node));
}

static bool is_removed(struct node *node)
{
    return node->facts.seen == SEEN_ABSENT;
}

static void remove_stopped(struct node *node)
{
    remove_it(node, node->o->kill || node->facts.spoiled || node->facts.retries > 0);
}

/* Nothing known to be there, and no engine that could be asked: nothing to do either. */
static bool is_seen_down(struct node *node)
{
    return node->facts.seen != SEEN_UNKNOWN;
}

static const char seed_why[] = "a data set may be of any size; its server ends it by answering, or by ending";

static const struct goal up[] = {
    {"waiting", STATE_WAITING, goal_waiting_met, NULL, NULL, NULL},
    {"seen", STATE_CREATING, is_seen, look, goal_object_limit, NULL},
    {"created", STATE_CREATING, is_created, create, goal_object_limit, NULL},
    {"joined", STATE_CREATING, is_joined, join, goal_object_limit, NULL},
    {"calm", STATE_RESTARTING, goal_calm_met, NULL, NULL, NULL},
    {"running", STATE_STARTING, is_running, start, start_limit, NULL},
    {"healthy", STATE_RUNNING, is_healthy, watch, goal_task_limit, NULL},
    {"seeded", STATE_RUNNING, seed_is_met, seed_start, goal_forever, seed_why},
    {0},
};
static const struct goal down[] = {
    {"connected", STATE_STOPPING, goal_connected_met, NULL, NULL, NULL},
    {"seen", STATE_STOPPING, is_seen_down, look, goal_object_limit, NULL},
    {"unused", STATE_STOPPING, goal_unused_met, NULL, NULL, NULL},
    {"stopped", STATE_STOPPING, is_stopped, stop, stop_limit, NULL},
    {"removed", STATE_STOPPING, is_removed, remove_stopped, goal_object_limit, NULL},
    {0},
};
const struct lifecycle container_lifecycle = {up, down};
