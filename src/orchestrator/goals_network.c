/* Networks: waiting → seen → created → addressed, and connected → seen → unused → removed.
 *
 * By id, never by name; what an earlier session left is found by label; created by us under the lock of the
 * project, so that the engine's race on duplicate names cannot happen. */
#include "orchestrator/internal.h"

#include "base/ours.h"

#include <string.h>

/* The first that has our name, or NULL. */
static const cJSON *find_network(const struct node *node, const cJSON *networks)
{
    const cJSON *network;
    cJSON_ArrayForEach(network, networks)
    {
        if (!strcmp(json_string(network, "Name", ""), node->name))
            return network;
    }
    return NULL;
}

/* Its first address of the fourth version: what servers announce is written without brackets. */
static const char *find_gateway(const cJSON *network)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(json_get(network, "IPAM"), "Config"))
    {
        const char *gateway = json_string(entry, "Gateway", "");
        if (strchr(gateway, '.'))
            return gateway;
    }
    return NULL;
}

static void note_gateway(struct node *node, const cJSON *network)
{
    const char *gateway = find_gateway(network);
    if (str_eq(gateway, node->facts.gateway))
        return;
    free(node->facts.gateway);
    node->facts.gateway = xstrdup_null(gateway);
    values_changed(node->o);
    values_settle(node->o); /* certificates name it */
}

/* The answer to its creation says nothing of it. */
static bool is_addressed(const struct node *node)
{
    return !node->spec || !node->spec->addressed || node->facts.gateway;
}

static void on_networks(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (err) {
        node_op_failed(node, err);
        return;
    }
    const cJSON *network = find_network(node, result->json);
    facts_name(node, NULL);
    facts_see(node, SEEN_ABSENT);
    if (network) {
        facts_name(node, json_string(network, "Id", ""));
        facts_see(node, SEEN_PRESENT);
    }

    note_gateway(node, network);
    if (network && !is_addressed(node))
        node_fail_text(node, ERROR_RESOURCE, "the engine tells no gateway of network %s", node->name);
}

static struct engine_op *list_networks(struct node *node, engine_done_cb *done)
{
    cleanup_free char *ours = NULL;
    if (node->origin)
        ours = xasprintf(LABEL_PROJECT_HASH "=%s", node->origin->plan->project_hash);
    const char *const labels[] = {text_or(ours, LABEL_PROJECT_HASH), NULL};
    return engine_network_list(node->o->services.engine, labels, done, node);
}

static void look_for_network(struct node *node)
{
    node_op_begin(node, OP_LOOK, list_networks(node, on_networks));
}

static void on_glanced(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    bool is_there = !err && find_network(node, result->json);
    glance_over(node, !err && is_there == (node->doing == OP_CREATE));
}

static struct engine_op *glance(struct node *node)
{
    return list_networks(node, on_glanced);
}

static void on_network_created(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (err) {
        facts_see(node, SEEN_UNKNOWN);
        node_op_failed(node, err);
        return;
    }
    facts_name(node, result->id);
    facts_see(node, SEEN_PRESENT);
}

static void create_network(struct node *node)
{
    cleanup_json cJSON *labels = spec_labels(node, NULL);
    node_op_begin(
        node, OP_CREATE,
        engine_network_create(node->o->services.engine, node->name, labels, on_network_created, node));
}

static void remove_network(struct node *node)
{
    node_op_begin(
        node, OP_REMOVE,
        engine_network_remove(node->o->services.engine, node->facts.object, shared_on_removed, node));
}

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, goal_waiting_met),
    GOAL_ACTS("seen", STATE_CREATING, shared_is_known, look_for_network, goal_object_limit),
    GOAL_ACTS("created", STATE_CREATING, shared_is_there, create_network, goal_object_limit),
    GOAL_ACTS("addressed", STATE_CREATING, is_addressed, look_for_network, goal_object_limit),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("connected", STATE_STOPPING, goal_connected_met),
    GOAL_ACTS("seen", STATE_STOPPING, shared_is_known, look_for_network, goal_object_limit),
    GOAL_WAITS("unused", STATE_STOPPING, goal_unused_met),
    GOAL_ACTS("removed", STATE_STOPPING, shared_is_gone, remove_network, goal_object_limit),
    GOALS_END,
};

const struct node_kind network_kind = {
    .name = "network",
    .up = up,
    .down = down,
    .is_engines = true,
    .is_shared = true,
    .is_gone = node_is_absent,
    .learn = node_learn_nothing,
    .glance = glance,
};
