/* Facts from the outside: listings, single looks, events. What they tell is noted by the one writer that each
 * fact has, here or in facts_note.c.
 *
 * A listing or a look is the truth as of its request. An event that contradicts a fact makes it unknown, and
 * row `seen` looks again; an event that comes while an operation or a look is in flight marks it as
 * disturbed, and its owner decides. Only `destroy` is final by itself. */
#include "orchestrator/internal.h"

#include "base/ours.h"

#include <string.h>

/* Nobody is left who could know a secret, or now it can choose its ports. */
static void settle_values(struct node *node)
{
    if (node->want == WANT_UP && node->spec && !values_digest(node))
        values_settle(node->o);
}

void facts_gone(struct node *node)
{
    if (node->facts.running || node->sensor.on)
        node_instance_ended(node);
    facts_clear(&node->facts);
    facts_see(node, SEEN_ABSENT);
    node_wake(node);
    node_wake_neighbours(node);
    strlist_free(&node->bonds);
    settle_values(node);
    requests_changed(node->o);
}

const char *label_of(const struct engine_container *container, const char *name)
{
    return json_string(container->labels, name, NULL);
}

static bool has_label(const struct engine_container *container, const char *name, const char *value)
{
    const char *found = label_of(container, name);
    return found && !strcmp(found, value);
}

/* "<key id>.<digest>": a digest made with another key says nothing. */
static const char *readable_digest(struct orchestrator *o, const char *label)
{
    if (!label || !o->digest_key_id || !str_starts(label, o->digest_key_id))
        return NULL;
    const char *rest = label + strlen(o->digest_key_id);
    if (*rest != '.')
        return NULL;
    return rest + 1;
}

bool facts_is_member(const struct node *node, const struct engine_container *container)
{
    const struct node *network = network_of(node->o);
    const cJSON *settings;
    cJSON_ArrayForEach(settings, container->networks)
    {
        const char *id = json_string(settings, "NetworkID", "");
        bool is_named = network && str_eq(network->name, settings->string);
        bool is_known = network && network->facts.object && strcmp(id, settings->string) != 0; /* Podman */
        if (is_known)
            is_named = !strcmp(network->facts.object, id);
        if (is_named)
            return true;
    }
    return false;
}

/* A digest that no values have: the container was started with other ones. */
#define OTHER_VALUES "other"

static void take_labels(struct node *node, const struct engine_container *container)
{
    struct facts *facts = &node->facts;
    bool same_version = has_label(container, LABEL_HASH_VERSION, HASH_VERSION);
    facts_make_of(node, NULL);
    if (same_version)
        facts_make_of(node, label_of(container, LABEL_SPEC_HASH));
    const char *digest = readable_digest(node->o, label_of(container, LABEL_VALUES));
    if (digest || !str_eq(facts->digest, OTHER_VALUES))
        facts_resolve(node, digest);
    facts_last(node, has_label(container, LABEL_LIFETIME, "persistent"),
               has_label(container, LABEL_EPHEMERAL, "true"));
    if (!node->resource)
        node->resource = xstrdup_null(label_of(container, LABEL_RESOURCE));
    facts_label_ports(node, label_of(container, LABEL_PORTS));
    ports_from_label(node, facts->port_label);
}

/* Whoever made the container had another key: the environment itself has to be compared. */
static void compare_values(struct node *node, const cJSON *environment)
{
    struct facts *facts = &node->facts;
    if (!facts->digest && node->spec && !values_match(node, environment))
        facts_resolve(node, OTHER_VALUES);
}

static void take_exit(struct node *node, const struct engine_container *container)
{
    struct facts *facts = &node->facts;
    facts_starve(node, facts->oom || container->oom_killed);
    facts_end_as(node, container->exit_code, facts->exit_signal);
    node_instance_ended(node);
    node_judge_exit(node);
}

void facts_of_container(struct node *node, const struct engine_container *container, bool inspected)
{
    struct facts *facts = &node->facts;
    bool was_running = facts->running;

    facts_see(node, SEEN_PRESENT);
    facts_disturb(node, false);
    if (inspected)
        facts_inspect(node);
    facts_name(node, container->id);
    take_labels(node, container);
    facts->frozen = str_eq(container->state, "paused") && (facts->frozen || !was_running);
    facts_join(node, facts_is_member(node, container));
    facts_spoil(node, !strcmp(container->state, "removing") || !strcmp(container->state, "dead"));

    if (inspected) {
        secrets_read_back(node, json_path(container->raw, "Config.Env"));
        compare_values(node, json_path(container->raw, "Config.Env"));
        facts_feel(node, container->health);
    }

    if (container->running && !was_running) {
        node_instance_started(node);
        facts_settle_at(node, 0);  /* it has been running for longer than we know of it */
        if (!node->output.last_ns) /* adopted: its past is in the log already, or nobody's business */
            node->output.last_ns = node->facts.started_wall_ns;
    }

    if (!container->running && was_running && inspected)
        take_exit(node, container);
    else if (!container->running && was_running)
        facts_see(node, SEEN_UNKNOWN); /* how it ended is in the whole document only */

    node_wake(node);
    if (inspected)
        values_settle(node->o);
}

/* ---- the listing ---- */

/* `up` stops a persistent one that the manifest no longer has (it may hold data), `down` leaves it alone. */
static enum want leftover_want(const struct orchestrator *o, bool persistent)
{
    if (!persistent || o->leftover_persistent || o->leftovers != WANT_REMOVED)
        return o->leftovers;
    if (o->going_down)
        return WANT_KEEP;
    return WANT_STOPPED;
}

static struct node *node_of_container(struct orchestrator *o, const struct engine_container *container)
{
    const char *label = label_of(container, LABEL_NODE);
    cleanup_free char *id = xstrdup_null(label);
    if (!id)
        id = xasprintf("container:%s", container->name);

    struct node *node = node_find(o, id);
    bool is_other = node && node->facts.in_list; /* two objects claim the same node */
    if (is_other) {
        free(id);
        id = xasprintf("container:%s", container->id);
        node = node_find(o, id);
    }
    if (node)
        return node;
    node = node_new(o, id, PLAN_CONTAINER);
    node->name = xstrdup(container->name);
    want_as(node, leftover_want(o, has_label(container, LABEL_LIFETIME, "persistent")));
    return node;
}

void facts_of_list(struct orchestrator *o, const struct engine_container *containers, int count)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        node->facts.in_list = false;
    for (int i = 0; i < count; i++) {
        struct node *node = node_of_container(o, &containers[i]);
        node->facts.in_list = true;
        if (!node->doing)
            facts_of_container(node, &containers[i], false);
    }
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool missing = node->kind->at_engine && !node->facts.in_list && !node->doing;
        if (missing && node->facts.seen != SEEN_ABSENT)
            facts_gone(node);
    }
}

/* ---- events ---- */

enum { ANSWER_GRACE_MS = 3000 };
enum change { CHANGE_OTHER, CHANGE_START, CHANGE_END, CHANGE_GONE, CHANGE_COUNT };

static enum change change_of(const char *action)
{
    if (!strcmp(action, "start"))
        return CHANGE_START;
    if (!strcmp(action, "die") || !strcmp(action, "died"))
        return CHANGE_END;
    if (!strcmp(action, "destroy") || !strcmp(action, "remove"))
        return CHANGE_GONE;
    return CHANGE_OTHER;
}

/* It may be seen before the answer comes, and an answer may be lost. */
void facts_note_effect(struct node *node)
{
    facts_answer_by(node, node_now(node) + ANSWER_GRACE_MS);
    node->glance_ms = 0; /* there is nothing left to look for */
    node_wake(node);
}

static void note_event(struct node *node, enum change change)
{
    static const enum op effects[] = {[CHANGE_OTHER] = OP_NONE,
                                      [CHANGE_START] = OP_START,
                                      [CHANGE_END] = OP_STOP,
                                      [CHANGE_GONE] = OP_REMOVE};
    EACH_OF(effects, CHANGE_COUNT);
    if (node->doing == effects[change])
        facts_note_effect(node);
}

static void on_change(struct node *node, const struct engine_event *event, enum change change)
{
    struct facts *facts = &node->facts;
    bool goes = change == CHANGE_GONE, starts = change == CHANGE_START;
    if (node->doing) {
        facts_disturb(node, facts->disturbed || !starts);
        note_event(node, change);
        return;
    }
    if (!facts->object || strcmp(facts->object, event->id) != 0)
        return;
    if (goes)
        facts_gone(node);
    else if (facts->running != starts)
        facts_see(node, SEEN_UNKNOWN);
    node_wake(node);
}

static void on_other_action(struct node *node, const struct engine_event *event)
{
    struct facts *facts = &node->facts;
    if (!facts->object || strcmp(facts->object, event->id) != 0)
        return;
    if (!strcmp(event->action, "oom"))
        facts_starve(node, true);
    if (!strcmp(event->action, "pause") && node->sensor.probe)
        sensor_again(node);
    if (!strcmp(event->action, "health_status")) {
        facts_feel(node, event->health);
        if (node_probe(node)->kind == PLAN_PROBE_IMAGE_HEALTH && node->sensor.on)
            facts_ready(node, event->health == ENGINE_HEALTH_HEALTHY);
        node_wake(node);
    }
}

static void on_object_event(struct orchestrator *o, const struct engine_event *event)
{
    if (strcmp(event->action, "destroy") != 0 && strcmp(event->action, "remove") != 0)
        return;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool is_meant = node->kind->is_shared && !strcmp(node->kind->name, event->type);
        if (!is_meant || node->doing || !str_eq(node->facts.object, event->id))
            continue;
        facts_see(node, SEEN_UNKNOWN);
        node_wake(node);
    }
}

void facts_of_event(struct orchestrator *o, const struct engine_event *event)
{
    if (!strcmp(event->type, "network") || !strcmp(event->type, "volume")) {
        on_object_event(o, event);
        return;
    }
    if (strcmp(event->type, "container") != 0)
        return;

    const char *hash = json_string(event->attributes, LABEL_PROJECT_HASH, NULL);
    if (!hash || !o->plan || strcmp(hash, o->plan->plan->project_hash) != 0)
        return;

    enum change change = change_of(event->action);
    if (change != CHANGE_OTHER && o->engine->doing == OP_LIST)
        facts_disturb(o->engine, true);
    struct node *node = node_find(o, json_string(event->attributes, LABEL_NODE, ""));
    if (!node)
        return;

    if (change == CHANGE_OTHER)
        on_other_action(node, event);
    else
        on_change(node, event, change);
}
