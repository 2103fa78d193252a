/* Nodes as such: finding them, waking them, whom they belong to. Needs nothing of the room. */
#include "orchestrator/internal.h"

#include <string.h>

int64_t node_now(const struct node *node)
{
    return loop_now_ms(node->o->services.loop);
}

void node_wake(struct node *node)
{
    if (!node->o->closing)
        loop_post(node->o->services.loop, &node->turn);
}

void node_touch(struct node *node)
{
    node->is_touched = true;
    requests_changed(node->o);
}

void orchestrator_wake_all(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        node_wake(node);
}

void node_wake_neighbours(struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++)
        node_wake(node->dependants[i]);
    for (size_t i = 0; i < node->link_count; i++)
        node_wake(node->links[i].to);
    for (size_t i = 0; i < node->bonds.count; i++) {
        struct node *other = node_find(node->o, node->bonds.items[i]);
        if (other)
            node_wake(other);
    }
    for (struct node *other = node->o->nodes; other; other = other->hh.next) {
        /* What is found without a plan has no links: what may be used by it looks again. */
        if (other->want == WANT_REMOVED && node_may_use(node, other))
            node_wake(other);
    }
}

void requests_changed(struct orchestrator *o)
{
    if (!o->closing)
        loop_post(o->services.loop, &o->settle);
}

void values_changed(struct orchestrator *o)
{
    o->values_serial++;
    orchestrator_wake_all(o);
}

struct node *node_find(const struct orchestrator *o, const char *id)
{
    struct node *node = NULL;
    if (id)
        HASH_FIND_STR(o->nodes, id, node);
    return node;
}

const struct plan_resource *node_resource(const struct node *node)
{
    if (!node->resource || !node->origin)
        return NULL;
    return plan_find_resource(node->origin->plan, node->resource);
}

struct node *node_of_resource(struct orchestrator *o, const char *resource)
{
    const struct plan_resource *planned = NULL;
    if (o->plan)
        planned = plan_find_resource(o->plan->plan, resource);
    if (planned)
        return node_find(o, planned->node);
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        const struct plan_resource *record = node_resource(node);
        bool is_main = node->kind->at_engine;
        if (record)
            is_main = str_eq(record->node, node->id);
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
    if (!node->spec)
        return NULL;
    return node->spec->run.replica_of;
}

const char *node_shown_name(const struct node *node)
{
    return text_or(node->resource, node->name);
}

const char *node_exact_name(const struct node *node)
{
    return text_or(node->resource, node->id);
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

bool node_may_use(const struct node *user, const struct node *shared)
{
    return shared->kind->is_shared && user->kind->uses && user->kind->uses(user, shared);
}

bool node_is(const struct node *node, int kind)
{
    return node->kind == node->o->kinds[kind];
}

struct node *image_of(struct node *node)
{
    for (size_t i = 0; i < node->link_count; i++) {
        if (node_is(node->links[i].to, PLAN_IMAGE))
            return node->links[i].to;
    }
    return NULL;
}

struct node *network_of(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node->spec && node_is(node, PLAN_NETWORK))
            return node;
    }
    return NULL;
}

const struct plan_probe *node_probe(const struct node *node)
{
    static const struct plan_probe none;
    if (!node->spec)
        return &none;
    return plan_node_probe(node->spec);
}

int port_of(const struct node *node, const char *endpoint)
{
    for (size_t i = 0; i < node->port_count; i++) {
        if (str_eq(node->ports[i].endpoint, endpoint))
            return node->ports[i].host_port;
    }
    return 0;
}
