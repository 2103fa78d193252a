/* Nodes and what connects them: making, finding, links, ownership of plans.
 *
 * Links come from the plan's edges and from what a kind adds to them. Bonds are the links that the running
 * instance was started with; after a change of the plan they still tell who has to go first. */
#include "orchestrator/internal.h"

#include <string.h>

static void on_timer(void *data)
{
    node_wake(data);
}

struct node *node_new(struct orchestrator *o, const char *id, int kind)
{
    struct node *node = xcalloc(1, sizeof *node);
    node->o = o;
    node->id = xstrdup(id);
    node->kind = o->kinds[kind];
    /* After the listing every container of the project has its node: a new one is not there. */
    bool known = node->kind->at_engine && engine_is_listed(o);
    if (known)
        facts_see(node, SEEN_ABSENT);
    turn_init(&node->turn, o->step, node);
    timer_init(o->services.loop, &node->timer, on_timer, node);
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

void node_drop_ports(struct node *node)
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
        ports[i].host_port = int_or(run->ports[i].fixed_port, known);
    }
    node_drop_ports(node);
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
    node->name = xstrdup(text_or(spec->name, spec->id));
    node->resource = xstrdup_null(spec->resource);
    node->missing = NULL;
    node->values_serial = 0;
    take_ports(node);
    ports_from_label(node, node->facts.port_label);
}

/* ---- links ---- */

void node_link(struct node *node, struct node *to, enum plan_until until, bool required)
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

void nodes_link(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        node->link_count = node->dependant_count = 0;

    for (struct node *node = o->nodes; node; node = node->hh.next) {
        for (size_t i = 0; node->spec && i < node->spec->edge_count; i++) {
            const struct plan_edge *edge = &node->spec->edges[i];
            node_link(node, node_find(o, edge->to), edge->until, edge->required);
        }
        if (node->spec && node->kind->add_links)
            node->kind->add_links(node);
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
        for (struct node *other = o->nodes; other && node->want == WANT_REMOVED; other = other->hh.next) {
            bool stays = other->want != WANT_REMOVED && node_may_use(other, node) && !node_is_gone(other);
            if (stays && uses(other, node))
                want_as(node, WANT_KEEP);
        }
    }
}
