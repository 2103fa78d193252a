/* What is: the snapshot for commands (`ps`, progress, dashboard). Secrets are masked. One object a resource,
 * in the order of the newest plan, found ones after them; images, networks and volumes stand in `others`. */
#include "orchestrator/internal.h"

#include <string.h>

static const struct error *error_of(const struct node *node, struct error *scratch)
{
    if (node->state == STATE_FAILED)
        report_node_error(node, scratch);
    return scratch->code ? scratch : NULL;
}

static const char *health_of(const struct node *node)
{
    if (node->facts.ready || node->state == STATE_READY)
        return "healthy";
    return node_is_alive(node) ? (node->facts.was_ready ? "unhealthy" : "starting") : NULL;
}

static void add_ports(cJSON *json, struct node *node)
{
    cJSON *ports = json_add_array(json, "ports");
    for (size_t i = 0; node->spec && i < node->port_count; i++) {
        const struct plan_port *port = &node->spec->run.ports[i];
        cJSON *entry = cJSON_CreateObject();
        json_add_string(entry, "endpoint", port->endpoint);
        json_add_string(entry, "scheme", port->scheme);
        json_add_string(entry, "host", place_of_port(node->o, port));
        json_add_int(entry, "port", node->ports[i].host_port);
        if (port->target_port)
            json_add_int(entry, "targetPort", port->target_port);
        cJSON_AddItemToArray(ports, entry);
    }
    if (!node->spec || !node->port_count)
        return;
    json_add_string(json, "host", place_of_port(node->o, &node->spec->run.ports[0]));
    json_add_int(json, "port", node->ports[0].host_port);
}

static void add_instance(cJSON *json, struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->process)
        json_add_int(json, "pid", node->o->hooks.pid(node->process));
    if (node->kind->at_engine) {
        json_add_string(json, "containerId", facts->object);
        json_add_string(json, "containerName", node->spec ? node->spec->run.engine_name : node->name);
        json_add_string(json, "image", node->spec ? node->spec->run.image : NULL);
    }
    bool ended = !node_is_alive(node) && (facts->exited || facts->exit_code || facts->exit_signal);
    if (ended)
        json_add_int(json, "exitCode", facts->exit_signal ? 128 + facts->exit_signal : facts->exit_code);
    json_add_int(json, "restarts", facts->restarts);
    if (node_is_alive(node)) {
        json_add_int(json, "startedAt", facts->started_wall_ns / 1000000);
        if (facts->ready_ms)
            json_add_int(json, "readyAt", facts->ready_wall_ns / 1000000);
    }
}

static void add_times(cJSON *json, const struct node *node)
{
    cJSON *timings = json_add_object(json, "timings");
    for (int i = 0; i < node->timing_count; i++) {
        int64_t before = json_int(timings, node->timings[i].goal, 0);
        cJSON_DeleteItemFromObjectCaseSensitive(timings, node->timings[i].goal);
        json_add_int(timings, node->timings[i].goal, before + node->timings[i].ms);
    }
    json_add_string(json, "decision", node->decision);
    json_add_string(json, "explain", node->explain);
}

static void add_display(cJSON *json, struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    if (!resource || !resource->display.count)
        return;
    const struct plan_lookup lookup = values_lookup(node->o);
    cleanup_free char *display = plan_mask(&resource->display, &lookup);
    json_add_string(json, "display", display);
}

static const char *resource_kind(const struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    return resource ? model_kind_name(resource->kind) : node->kind->name;
}

static cJSON *view_node(struct node *node, const char *name)
{
    const struct plan_run *run = node->spec ? &node->spec->run : NULL;
    cleanup_error struct error scratch = {0};
    const struct error *err = error_of(node, &scratch);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "name", name);
    json_add_string(json, "replicaOf", node_replica_of(node));
    json_add_string(json, "kind", resource_kind(node));
    json_add_string(json, "node", node->id);
    json_add_string(json, "state", node_state_name(node->state));
    json_add_string(json, "goal", node->goal ? node->goal->name : NULL);
    json_add_string(json, "detail", node->detail && *node->detail ? node->detail : NULL);
    json_add_string(json, "health", health_of(node));
    json_add_bool(json, "wanted", node->want == WANT_UP);
    json_add_bool(json, "task", run && run->task);
    bool persistent =
        node->kind->holds_data ? !native_is_scratch(node) : (run ? run->persistent : node->facts.persistent);
    json_add_string(json, "lifetime", persistent ? "persistent" : "session");
    add_display(json, node);
    add_ports(json, node);
    add_instance(json, node);
    add_times(json, node);
    if (err)
        cJSON_AddItemToObject(json, "error", report_error(err));
    return json;
}

static bool is_shown(const struct node *node)
{
    return node->spec || node->state != STATE_REMOVED;
}

static void add_engine(cJSON *view, const struct orchestrator *o)
{
    cJSON *engine = json_add_object(view, "engine");
    bool listed = engine_is_listed(o);
    json_add_bool(engine, "connected", listed);
    json_add_string(engine, "state", listed ? "ready" : o->connected_once ? "engine-lost" : "waiting");
    cJSON *published = place_view(o);
    if (published)
        cJSON_AddItemToObject(engine, "published", published);
    if (o->engine && o->engine->error.code)
        cJSON_AddItemToObject(engine, "error", report_error(&o->engine->error));
}

static const char *shown_name(const struct node *node)
{
    return node->resource ? node->resource : node->name;
}

static void add_resources(cJSON *view, struct orchestrator *o)
{
    cJSON *resources = json_add_array(view, "resources"), *others = json_add_array(view, "others");
    const struct plan *plan = o->plan ? o->plan->plan : NULL;
    for (size_t i = 0; plan && i < plan->resource_count; i++) {
        const struct plan_node *spec = plan_node_of(plan, &plan->resources[i], 0);
        for (size_t next = 1; spec; spec = plan_node_of(plan, &plan->resources[i], next++)) {
            struct node *node = node_find(o, spec->id);
            if (node)
                cJSON_AddItemToArray(resources, view_node(node, shown_name(node)));
        }
    }
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool is_in_plan = node->kind->is_main && plan && plan_find(plan, node->id);
        if (node == o->engine || !is_shown(node) || is_in_plan)
            continue;
        bool is_resource = node->kind->is_main && node->resource;
        cJSON_AddItemToArray(is_resource ? resources : others, view_node(node, shown_name(node)));
    }
}

cJSON *orchestrator_view(struct orchestrator *o)
{
    const struct plan *plan = o->plan ? o->plan->plan : NULL;
    cJSON *view = cJSON_CreateObject();
    json_add_string(view, "project", plan ? plan->project : NULL);
    json_add_string(view, "hash", plan ? plan->project_hash : NULL);
    json_add_string(view, "session", o->services.session);
    json_add_string(view, "manifest", plan ? plan->manifest_file : NULL);
    add_engine(view, o);
    add_resources(view, o);
    return view;
}
