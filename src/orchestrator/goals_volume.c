/* Volumes: waiting → created, and connected → seen → unused → removed. Of the native engine they are folders.
 *
 * Creating is idempotent; only what carries our label is ever removed. */
#include "orchestrator/internal.h"

#include "base/file.h"
#include "base/ours.h"

#include <string.h>

static void take_volume(struct node *node, const cJSON *document)
{
    const char *hash = json_string(json_get(document, "Labels"), LABEL_PROJECT_HASH, NULL);
    bool ours = hash && (!node->origin || !strcmp(hash, node->origin->plan->project_hash));
    node->facts.foreign = !ours;
    facts_see(node, SEEN_PRESENT);
    facts_name(node, node->name);
}

static void look_for_volume(struct node *node);

static void on_volume_created(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);

    if (!err) {
        take_volume(node, result->json);
        /* Engine 20.10 leaves the labels out when it creates what it has since before its restart. */
        if (node->facts.foreign && !node->spec->external)
            look_for_volume(node);
        return;
    }

    if (err->code == ERROR_GONE && node->spec->external) {
        cleanup_error struct error missing = {0};
        error_set(&missing, ERROR_RESOURCE, "volume %s does not exist, and it is declared external",
                  node->name);
        error_hint(&missing, "Create it with: docker volume create %s", node->name);
        error_at(&missing, node->spec->pos.file, node->spec->pos.line, node->spec->pos.column);
        node_fail(node, &missing);
        return;
    }

    node_op_failed(node, err);
}

/* The native engine's volumes are folders: no engine, no waiting. */
static void create_folder(struct node *node)
{
    cleanup_error struct error err = {0};
    if (native_make_folder(node, &err) < 0) {
        node_fail(node, &err);
        return;
    }
    facts_see(node, SEEN_PRESENT);
    node_wake(node);
}

static void remove_folder(struct node *node)
{
    cleanup_error struct error err = {0};
    if (file_remove_tree(native_folder(node), &err) < 0)
        node_fail(node, &err);
    else
        facts_gone(node);
}

static void create_volume(struct node *node)
{
    if (native_folder(node)) {
        create_folder(node);
        return;
    }
    struct engine *engine = node->o->services.engine;
    if (node->spec->external) {
        node_op_begin(node, OP_LOOK, engine_volume_inspect(engine, node->name, on_volume_created, node));
        return;
    }
    cleanup_json cJSON *labels = spec_labels(node, NULL);
    node_op_begin(node, OP_CREATE, engine_volume_create(engine, node->name, labels, on_volume_created, node));
}

static void on_volume_seen(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (!err)
        take_volume(node, result->json);
    else if (err->code == ERROR_GONE)
        facts_gone(node);
    else
        node_op_failed(node, err);
}

static void look_for_volume(struct node *node)
{
    if (native_folder(node)) {
        facts_see(node, SEEN_ABSENT);
        if (file_is_dir(native_folder(node)))
            facts_see(node, SEEN_PRESENT);
        node_wake(node);
        return;
    }
    node_op_begin(node, OP_LOOK,
                  engine_volume_inspect(node->o->services.engine, node->name, on_volume_seen, node));
}

static void remove_volume(struct node *node)
{
    if (native_folder(node)) {
        remove_folder(node);
        return;
    }
    node_op_begin(node, OP_REMOVE,
                  engine_volume_remove(node->o->services.engine, node->name, shared_on_removed, node));
}

static void on_glanced(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    bool is_known = !err || err->code == ERROR_GONE;
    glance_over(node, is_known && !err == (node->doing == OP_CREATE));
}

static struct engine_op *glance(struct node *node)
{
    return engine_volume_inspect(node->o->services.engine, node->name, on_glanced, node);
}

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, goal_waiting_met),
    GOAL_ACTS("created", STATE_CREATING, shared_is_there, create_volume, goal_object_limit),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("connected", STATE_STOPPING, goal_connected_met),
    GOAL_ACTS("seen", STATE_STOPPING, shared_is_known, look_for_volume, goal_object_limit),
    GOAL_WAITS("unused", STATE_STOPPING, goal_unused_met),
    GOAL_ACTS("removed", STATE_STOPPING, shared_is_gone, remove_volume, goal_object_limit),
    GOALS_END,
};

const struct node_kind volume_kind = {
    .name = "volume",
    .up = up,
    .down = down,
    .is_engines = true,
    .is_shared = true,
    .holds_data = true,
    .is_gone = node_is_absent,
    .learn = node_learn_nothing,
    .glance = glance,
};
