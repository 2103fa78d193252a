/* Images, networks, volumes and connection strings: what containers and processes need around them.
 *
 * Image: "not known to be absent" is enough; a create that answered 404 makes it absent, and it is pulled
 * once for all its users. Network: by id, never by name; what an earlier session left is found by label;
 * created by us under the lock of the project, so that the engine's race on duplicate names cannot happen.
 * Volume: creating is idempotent; only what carries our label is ever removed. Connection string: nothing
 * runs; with `check` a sensor tells. */
#include "orchestrator/internal.h"

#include "base/file.h"

#include <string.h>

enum { PULL_IDLE_MS = 60000, DETAIL_MS = 100 };

/* ---- images ---- */

struct node *image_of(struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (node->links[i].to->kind == PLAN_IMAGE)
            return node->links[i].to;
    }
    return NULL;
}

/* The policy of its users: one that wants it fresh is enough. */
static int pull_policy(const struct node *image)
{
    int policy = image->dependant_count ? MODEL_PULL_NEVER : MODEL_PULL_MISSING;
    for (size_t i = 0; i < image->dependant_count; i++) {
        const struct node *user = image->dependants[i];
        int pull = user->spec ? user->spec->run.pull : MODEL_PULL_NEVER;
        if (pull == MODEL_PULL_ALWAYS)
            return pull;
        if (pull == MODEL_PULL_MISSING)
            policy = pull;
    }
    return policy;
}

static bool is_present(struct node *node)
{
    return !node->facts.absent && (node->facts.pulled || pull_policy(node) != MODEL_PULL_ALWAYS);
}

static void pull_ended(struct orchestrator *o)
{
    if (--o->pulls == 0)
        o->pulling_ms += loop_now_ms(o->services.loop) - o->pull_started_ms;
}

static void on_progress(const char *status, int64_t current, int64_t total, void *data)
{
    struct node *node = data;
    int64_t now = node_now(node);
    bool news = current == total || now - node->facts.started_ms >= DETAIL_MS;
    if (!news)
        return;
    node->facts.started_ms = now;
    if (total > 0)
        node_set_detail(node, current, total, "%s %.1f MB of %.1f MB", node->name, (double)current / 1e6,
                        (double)total / 1e6);
    else
        node_set_detail(node, current, total, "%s: %s", node->name, status ? status : "");
}

static void on_pulled(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    pull_ended(node->o);
    node_op_end(node);
    if (err && (err->code == ERROR_ENGINE || err->code == ERROR_PROTOCOL))
        node_op_failed(node, err);
    else if (err)
        node_fail(node, err);
    else {
        node->facts.absent = false;
        node->facts.pulled = true;
    }
}

static void fetch(struct node *node)
{
    struct orchestrator *o = node->o;
    const char *platform = NULL;
    for (size_t i = 0; i < node->dependant_count && !platform; i++)
        platform = node->dependants[i]->spec ? node->dependants[i]->spec->run.platform : NULL;
    if (pull_policy(node) == MODEL_PULL_NEVER) {
        cleanup_error struct error err = {0};
        error_set(&err, ERROR_NO_IMAGE, "image %s is not present, and pull is \"never\"", node->name);
        error_hint(&err, "pull it with `apphost pull`, or set `pull: missing`");
        node_fail(node, &err);
        return;
    }
    if (o->pulls++ == 0)
        o->pull_started_ms = node_now(node);
    const struct engine_pull pull = {node->name, platform, LIMIT_MS(PULL_IDLE_MS), on_progress};
    node_op_begin(node, "pull", engine_image_pull(o->services.engine, &pull, on_pulled, node));
}

void image_pull_cancelled(struct node *node)
{
    pull_ended(node->o);
}

static bool always(struct node *node)
{
    (void)node;
    return true;
}

static const char pull_why[] = "an image may be of any size; a minute without a byte ends the pull";

static const struct goal image_up[] = {
    {"waiting", STATE_WAITING, goal_connected_met, NULL, NULL, NULL},
    {"present", STATE_PULLING, is_present, fetch, goal_forever, pull_why},
    {0},
};
static const struct goal nothing_down[] = {
    {"unused", STATE_STOPPING, always, NULL, NULL, NULL},
    {0},
};
const struct lifecycle image_lifecycle = {image_up, nothing_down};

/* ---- networks ---- */

struct node *network_of(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->kind == PLAN_NETWORK && node->spec)
            return node;
    }
    return NULL;
}

static bool is_known(struct node *node)
{
    return node->facts.seen != SEEN_UNKNOWN;
}

static void on_networks(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (err) {
        node_op_failed(node, err);
        return;
    }
    free(node->facts.object);
    node->facts.object = NULL;
    const cJSON *network;
    cJSON_ArrayForEach(network, result->json)
    {
        if (strcmp(json_string(network, "Name", ""), node->name) != 0 || node->facts.object)
            continue;
        node->facts.object = xstrdup(json_string(network, "Id", ""));
    }
    node->facts.seen = node->facts.object ? SEEN_PRESENT : SEEN_ABSENT;
}

static void look_for_network(struct node *node)
{
    cleanup_free char *label =
        xasprintf(LABEL("project-hash") "=%s", node->origin ? node->origin->plan->project_hash : "");
    const char *const labels[] = {node->origin ? label : LABEL("project-hash"), NULL};
    node_op_begin(node, "look", engine_network_list(node->o->services.engine, labels, on_networks, node));
}

static bool is_there(struct node *node)
{
    return node->facts.seen == SEEN_PRESENT;
}

static void on_network_created(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (err) {
        node->facts.seen = SEEN_UNKNOWN;
        node_op_failed(node, err);
        return;
    }
    free(node->facts.object);
    node->facts.object = xstrdup(result->id);
    node->facts.seen = SEEN_PRESENT;
}

static void create_network(struct node *node)
{
    cleanup_json cJSON *labels = spec_labels(node, NULL);
    node_op_begin(
        node, "create",
        engine_network_create(node->o->services.engine, node->name, labels, on_network_created, node));
}

static bool is_gone(struct node *node)
{
    return node->facts.seen == SEEN_ABSENT || node->facts.foreign;
}

static void on_object_removed(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err && err->code != ERROR_GONE)
        node_op_failed(node, err); /* and is looked at: it may be gone, its answer lost */
    else
        facts_gone(node);
}

static void remove_network(struct node *node)
{
    node_op_begin(
        node, "remove",
        engine_network_remove(node->o->services.engine, node->facts.object, on_object_removed, node));
}

static const struct goal network_up[] = {
    {"waiting", STATE_WAITING, goal_waiting_met, NULL, NULL, NULL},
    {"seen", STATE_CREATING, is_known, look_for_network, goal_object_limit, NULL},
    {"created", STATE_CREATING, is_there, create_network, goal_object_limit, NULL},
    {0},
};
static const struct goal network_down[] = {
    {"connected", STATE_STOPPING, goal_connected_met, NULL, NULL, NULL},
    {"seen", STATE_STOPPING, is_known, look_for_network, goal_object_limit, NULL},
    {"unused", STATE_STOPPING, goal_unused_met, NULL, NULL, NULL},
    {"removed", STATE_STOPPING, is_gone, remove_network, goal_object_limit, NULL},
    {0},
};
const struct lifecycle network_lifecycle = {network_up, network_down};

/* ---- volumes ---- */

static void take_volume(struct node *node, const cJSON *document)
{
    const char *hash = json_string(json_get(document, "Labels"), LABEL("project-hash"), NULL);
    bool ours = hash && (!node->origin || !strcmp(hash, node->origin->plan->project_hash));
    node->facts.foreign = !ours;
    node->facts.seen = SEEN_PRESENT;
    free(node->facts.object);
    node->facts.object = xstrdup(node->name);
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
    node->facts.seen = SEEN_PRESENT;
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
        node_op_begin(node, "look", engine_volume_inspect(engine, node->name, on_volume_created, node));
        return;
    }
    cleanup_json cJSON *labels = spec_labels(node, NULL);
    node_op_begin(node, "create", engine_volume_create(engine, node->name, labels, on_volume_created, node));
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
        node->facts.seen = file_is_dir(native_folder(node)) ? SEEN_PRESENT : SEEN_ABSENT;
        node_wake(node);
        return;
    }
    node_op_begin(node, "look",
                  engine_volume_inspect(node->o->services.engine, node->name, on_volume_seen, node));
}

static void remove_volume(struct node *node)
{
    if (native_folder(node)) {
        remove_folder(node);
        return;
    }
    node_op_begin(node, "remove",
                  engine_volume_remove(node->o->services.engine, node->name, on_object_removed, node));
}

static const struct goal volume_up[] = {
    {"waiting", STATE_WAITING, goal_waiting_met, NULL, NULL, NULL},
    {"created", STATE_CREATING, is_there, create_volume, goal_object_limit, NULL},
    {0},
};
static const struct goal volume_down[] = {
    {"connected", STATE_STOPPING, goal_connected_met, NULL, NULL, NULL},
    {"seen", STATE_STOPPING, is_known, look_for_volume, goal_object_limit, NULL},
    {"unused", STATE_STOPPING, goal_unused_met, NULL, NULL, NULL},
    {"removed", STATE_STOPPING, is_gone, remove_volume, goal_object_limit, NULL},
    {0},
};
const struct lifecycle volume_lifecycle = {volume_up, volume_down};

/* ---- connection strings ---- */

static bool is_checked(struct node *node)
{
    return node_probe(node)->kind == PLAN_PROBE_NONE || node->facts.ready;
}

static void check(struct node *node)
{
    if (!node->sensor.on)
        sensor_start(node);
}

static bool is_unwatched(struct node *node)
{
    sensor_stop(node);
    node->facts.ready = false;
    return true;
}

static const struct goal value_up[] = {
    {"waiting", STATE_WAITING, goal_waiting_met, NULL, NULL, NULL},
    {"healthy", STATE_RUNNING, is_checked, check, goal_ready_limit, NULL},
    {0},
};
static const struct goal value_down[] = {
    {"unused", STATE_STOPPING, is_unwatched, NULL, NULL, NULL},
    {0},
};
const struct lifecycle value_lifecycle = {value_up, value_down};
