/* Nodes and what connects them: making, finding, links, ownership of plans.
 *
 * Links come from the plan's edges and, so that nothing depends on how a plan was lowered, from what a
 * container names: its image, its volumes, the network. Bonds are the links that the running instance was
 * started with; after a change of the plan they still tell who has to go first. */
#include "orchestrator/internal.h"

#include <string.h>

struct node *node_find(struct orchestrator *o, const char *id)
{
    struct node *node = NULL;
    if (id)
        HASH_FIND_STR(o->nodes, id, node);
    return node;
}

struct node *node_new(struct orchestrator *o, const char *id, int kind)
{
    struct node *node = xcalloc(1, sizeof *node);
    node->o = o;
    node->id = xstrdup(id);
    node->kind = kind;
    /* After the listing every container of the project has its node: a new one is not there. */
    bool known = kind == PLAN_CONTAINER && engine_is_listed(o);
    node->facts.seen = known ? SEEN_ABSENT : SEEN_UNKNOWN;
    node_step_init(node);
    HASH_ADD_KEYPTR(hh, o->nodes, node->id, strlen(node->id), node);
    return node;
}

void plan_ref_drop(struct plan_ref *ref)
{
    if (!ref || --ref->refs)
        return;
    plan_free(ref->plan);
    free(ref);
}

static void free_ports(struct node *node)
{
    for (size_t i = 0; i < node->port_count; i++)
        free((char *)node->ports[i].endpoint);
    free(node->ports);
    node->ports = NULL;
    node->port_count = 0;
}

static void take_ports(struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    struct node_port *ports = xcalloc(run->port_count + 1, sizeof *ports);
    for (size_t i = 0; i < run->port_count; i++) {
        int known = port_of(node, run->ports[i].endpoint);
        ports[i].endpoint = xstrdup(run->ports[i].endpoint);
        ports[i].host_port = run->ports[i].fixed_port ? run->ports[i].fixed_port : known;
    }
    free_ports(node);
    node->ports = ports;
    node->port_count = run->port_count;
}

void node_set_spec(struct node *node, struct plan_ref *origin, const struct plan_node *spec)
{
    origin->refs++;
    plan_ref_drop(node->origin);
    node->origin = origin;
    node->spec = spec;
    free(node->name);
    free(node->resource);
    node->name = xstrdup(spec->name ? spec->name : spec->id);
    node->resource = xstrdup_null(spec->resource);
    node->missing = NULL;
    node->values_serial = 0;
    take_ports(node);
    ports_from_label(node, node->facts.port_label);
}

void node_free(struct node *node)
{
    struct orchestrator *o = node->o;
    HASH_DEL(o->nodes, node);
    loop_unpost(o->services.loop, &node->turn);
    timer_stop(&node->timer);
    sensor_stop(node);
    watching_leave(node);
    output_free(node);
    slot_release(node);
    free_ports(node);
    free(node->links);
    free(node->dependants);
    strlist_free(&node->bonds);
    facts_clear(&node->facts);
    free(node->facts.completed);
    plan_ref_drop(node->origin);
    error_clear(&node->error);
    error_clear(&node->sensor.last);
    free(node->digest);
    free(node->making);
    free(node->detail);
    free(node->explain);
    free(node->cause);
    free(node->resource);
    free(node->name);
    free(node->id);
    free(node);
}

const struct plan_resource *node_resource(const struct node *node)
{
    if (!node->resource || !node->origin)
        return NULL;
    return plan_find_resource(node->origin->plan, node->resource);
}

struct node *node_of_resource(struct orchestrator *o, const char *resource)
{
    const struct plan_resource *planned = o->plan ? plan_find_resource(o->plan->plan, resource) : NULL;
    if (planned)
        return node_find(o, planned->node);
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        const struct plan_resource *record = node_resource(node);
        bool is_main = record ? str_eq(record->node, node->id) : node->kind == PLAN_CONTAINER;
        if (is_main && str_eq(node->resource, resource))
            return node;
    }
    return NULL;
}

bool node_is_named(const struct node *node, const char *name)
{
    return str_eq(node->resource, name) || str_eq(node_replica_of(node), name);
}

const char *node_replica_of(const struct node *node)
{
    return node->spec ? node->spec->run.replica_of : NULL;
}

bool node_has_stand_in(const struct node *node)
{
    const char *resource = node_replica_of(node);
    for (const struct node *other = node->o->nodes; resource && other; other = other->hh.next) {
        if (other != node && other->want == WANT_UP && str_eq(node_replica_of(other), resource))
            return true;
    }
    return false;
}

/* ---- links ---- */

static void add_link(struct node *node, struct node *to, enum plan_until until, bool required)
{
    if (!to || to == node)
        return;
    for (size_t i = 0; i < node->link_count; i++) {
        if (node->links[i].to == to && node->links[i].until == until)
            return;
    }
    node->links = xreallocarray(node->links, node->link_count + 1, sizeof *node->links);
    node->links[node->link_count++] = (struct link){to, until, required};
}

static void add_dependant(struct node *node, struct node *dependant)
{
    for (size_t i = 0; i < node->dependant_count; i++) {
        if (node->dependants[i] == dependant)
            return;
    }
    node->dependants = xreallocarray(node->dependants, node->dependant_count + 1, sizeof(struct node *));
    node->dependants[node->dependant_count++] = dependant;
}

static bool has_link_to_kind(const struct node *node, int kind)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (node->links[i].to->kind == kind)
            return true;
    }
    return false;
}

static struct node *find_by_name(struct orchestrator *o, int kind, const char *name)
{
    for (struct node *node = o->nodes; node && name; node = node->hh.next) {
        if (node->kind == kind && str_eq(node->name, name))
            return node;
    }
    return NULL;
}

static void link_by_name(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    if (!has_link_to_kind(node, PLAN_IMAGE))
        add_link(node, find_by_name(o, PLAN_IMAGE, run->image), PLAN_HEALTHY, true);
    if (run->on_network && !has_link_to_kind(node, PLAN_NETWORK))
        add_link(node, network_of(o), PLAN_HEALTHY, true);
    for (size_t i = 0; i < run->mount_count; i++) {
        if (run->mounts[i].is_volume && !has_link_to_kind(node, PLAN_VOLUME))
            add_link(node, find_by_name(o, PLAN_VOLUME, run->mounts[i].source), PLAN_HEALTHY, true);
    }
}

void nodes_link(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        node->link_count = node->dependant_count = 0;
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        for (size_t i = 0; node->spec && i < node->spec->edge_count; i++) {
            const struct plan_edge *edge = &node->spec->edges[i];
            add_link(node, node_find(o, edge->to), edge->until, edge->required);
        }
        if (node->spec && node->kind == PLAN_CONTAINER)
            link_by_name(node);
    }
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        for (size_t i = 0; i < node->link_count; i++)
            add_dependant(node->links[i].to, node);
        for (size_t i = 0; i < node->bonds.count; i++) {
            struct node *to = node_find(o, node->bonds.items[i]);
            if (to)
                add_dependant(to, node);
        }
    }
}

void node_remember_bonds(struct node *node)
{
    strlist_free(&node->bonds);
    for (size_t i = 0; i < node->link_count; i++)
        strlist_add(&node->bonds, node->links[i].to->id);
}

/* ---- wants that follow from others ---- */

static bool uses(const struct node *container, const struct node *object)
{
    for (size_t i = 0; i < object->dependant_count; i++) {
        if (object->dependants[i] == container)
            return true;
    }
    return !object->spec && container->facts.persistent;
}

void nodes_settle_wants(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        bool is_used = node->kind == PLAN_NETWORK || node->kind == PLAN_VOLUME;
        for (struct node *other = o->nodes; is_used && other && node->want == WANT_REMOVED;
             other = other->hh.next) {
            bool may_use = other->kind == PLAN_CONTAINER || other->kind == PLAN_PROCESS;
            bool stays = may_use && other->want != WANT_REMOVED && !node_is_gone(other);
            if (stays && uses(other, node))
                node->want = WANT_KEEP;
        }
    }
}

void nodes_reap(struct orchestrator *o)
{
    bool reaped = false;
    struct node *node, *next;
    HASH_ITER(hh, o->nodes, node, next)
    {
        bool in_plan = node->spec && node->origin == o->plan;
        bool is_held = in_plan || node->pins || node->op_name || node->process || node->kind == NODE_ENGINE;
        if (is_held || node->want == WANT_UP || !node_is_gone(node) || node->state != STATE_REMOVED)
            continue;
        node->link_count = 0;
        node_free(node);
        reaped = true;
    }
    if (reaped)
        nodes_link(o);
}
