/* What is: the snapshot for commands (`ps`, progress, dashboard), as records of the control protocol. Secrets
 * are masked. One record a resource, in the order of the newest plan, found ones after them; images, networks
 * and volumes stand in `others`. Records borrow from the nodes: they hold until the next turn of the loop. */
#include "orchestrator/internal.h"

#include "base/pick.h"
#include "base/signals.h"

#include <string.h>

static enum view_health health_of(const struct node *node)
{
    if (node->facts.ready || node->state == STATE_READY)
        return HEALTH_HEALTHY;
    if (!node_is_alive(node))
        return HEALTH_UNKNOWN;
    if (node->facts.was_ready)
        return HEALTH_UNHEALTHY;
    return HEALTH_STARTING;
}

static void add_ports(struct view_resource *record, struct node *node, struct arena *arena)
{
    if (!node->spec || !node->port_count)
        return;
    record->ports = arena_alloc(arena, node->port_count * sizeof *record->ports);
    record->port_count = node->port_count;

    for (size_t i = 0; i < node->port_count; i++) {
        const struct plan_port *port = &node->spec->run.ports[i];
        record->ports[i] = (struct view_port){
            .endpoint = port->endpoint,
            .scheme = port->scheme,
            .host = place_of_port(node->o, port),
            .port = node->ports[i].host_port,
            .target_port = port->target_port,
        };
    }

    record->host = record->ports[0].host;
    record->port = record->ports[0].port;
}

static void add_exit(struct view_resource *record, const struct node *node)
{
    const struct facts *facts = &node->facts;
    bool has_ended = facts->exited || facts->exit_code || facts->exit_signal;
    if (node_is_alive(node) || !has_ended)
        return;
    record->exit_code = (struct record_maybe){true, facts->exit_code};
    if (facts->exit_signal)
        record->exit_code.value = signals_exit_code(facts->exit_signal);
}

static void add_object(struct view_resource *record, const struct node *node)
{
    record->container_id = node->facts.object;
    record->container_name = node->name;
    if (!node->spec)
        return;
    record->container_name = node->spec->run.engine_name;
    record->image = node->spec->run.image;
}

static void add_instance(struct view_resource *record, struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->process)
        record->pid = node->o->hooks.pid(node->process);
    if (node->kind->at_engine)
        add_object(record, node);
    add_exit(record, node);
    record->restarts = facts->restarts;
    if (!node_is_alive(node))
        return;
    record->started_at = facts->started_wall_ns / 1000000;
    if (facts->ready_ms)
        record->ready_at = facts->ready_wall_ns / 1000000;
}

/* A row may be worked on more than once. */
static void add_time(struct view_timings *timings, const char *goal, int64_t ms)
{
    for (size_t i = 0; i < timings->count; i++) {
        if (!str_eq(timings->items[i].goal, goal))
            continue;
        timings->items[i].ms += ms;
        return;
    }
    timings->items[timings->count++] = (struct view_timing){goal, ms};
}

static void add_times(struct view_resource *record, const struct node *node, struct arena *arena)
{
    struct view_timings *timings = &record->timings;
    timings->items = arena_alloc(arena, sizeof(struct view_timing[GOAL_COUNT]));
    for (int i = 0; i < node->timing_count; i++)
        add_time(timings, node->timings[i].goal, node->timings[i].ms);
}

static void add_display(struct view_resource *record, struct node *node, struct arena *arena)
{
    const struct plan_resource *resource = node_resource(node);
    if (!resource || !resource->display.count)
        return;
    const struct plan_lookup lookup = values_lookup(node->o);
    cleanup_free char *display = plan_mask(&resource->display, &lookup);
    record->display = arena_strdup(arena, display);
}

static const char *resource_kind(const struct node *node)
{
    const struct plan_resource *resource = node_resource(node);
    if (resource)
        return model_kind_name(resource->kind);
    return node->kind->name;
}

static bool is_persistent(const struct node *node)
{
    if (node->kind->holds_data)
        return !native_is_scratch(node);
    if (node->spec)
        return node->spec->run.persistent;
    return node->facts.persistent;
}

static void add_error(struct view_resource *record, const struct node *node, struct arena *arena)
{
    cleanup_error struct error error = {0};
    if (node->state == STATE_FAILED)
        report_node_error(node, &error);
    if (error.code)
        record->error = view_error_of(&error, arena);
}

enum view_state node_view_state(const struct node *node)
{
    return view_state_by_name(node_state_name(node->state));
}

struct view_resource node_record(struct node *node, struct arena *arena)
{
    struct view_resource record = {
        .name = node_shown_name(node),
        .replica_of = node_replica_of(node),
        .kind = resource_kind(node),
        .node = node->id,
        .node_kind = view_kind_by_name(node->kind->name),
        .state = node_view_state(node),
        .health = health_of(node),
        .role = node->facts.role,
        .is_wanted = node->want == WANT_UP,
        .is_task = node->spec && node->spec->run.task,
        .lifetime = is_persistent(node) ? LIFETIME_PERSISTENT : LIFETIME_SESSION,
        .decision = node->decision,
        .explain = node->explain,
    };

    if (node->goal) {
        record.goal = node->goal->name;
        record.goal_at = node->goal_ns / 1000000;
    }
    if (node->detail && *node->detail)
        record.detail = node->detail;
    if (node->spec && node->spec->run.topology.kind)
        record.topology = names_text(&model_topology_names, node->spec->run.topology.kind);
    add_display(&record, node, arena);
    add_ports(&record, node, arena);
    add_instance(&record, node);
    add_times(&record, node, arena);
    add_error(&record, node, arena);
    return record;
}

bool node_is_shown(const struct node *node)
{
    return node->spec || node->state != STATE_REMOVED;
}

bool node_is_shown_as_resource(const struct node *node)
{
    const struct orchestrator *o = node->o;
    bool is_in_plan = o->plan && plan_find(o->plan->plan, node->id);
    return node->kind->is_main && (node->resource || is_in_plan);
}

struct view_engine engine_record(const struct orchestrator *o, struct arena *arena)
{
    struct view_engine record = {.is_connected = engine_is_listed(o), .state = VIEW_WAITING};
    if (o->connected_once)
        record.state = VIEW_ENGINE_LOST;
    if (record.is_connected)
        record.state = VIEW_READY;
    if (o->located && o->where.count)
        record.published.host = place_host(o);
    if (o->located)
        record.published.how = o->where.how;
    if (o->engine && o->engine->error.code)
        record.error = view_error_of(&o->engine->error, arena);
    return record;
}
