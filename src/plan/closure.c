/* Who needs whom: a node's edges, and of a container what the engine wants for it. See plan.h. */
#include "plan/plan.h"

static void mark_objects(const struct plan *plan, enum plan_node_kind kind, const char *name, bool *marks)
{
    bool is_any_network = kind == PLAN_NETWORK && !name;
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        if (node->kind == kind && (is_any_network || str_eq(node->name, name)))
            plan_closure(plan, node, marks);
    }
}

static void mark_needs(const struct plan *plan, const struct plan_run *run, bool *marks)
{
    mark_objects(plan, PLAN_IMAGE, run->image, marks);
    if (run->on_network)
        mark_objects(plan, PLAN_NETWORK, NULL, marks);
    for (size_t i = 0; i < run->mount_count; i++)
        if (run->mounts[i].is_volume)
            mark_objects(plan, PLAN_VOLUME, run->mounts[i].source, marks);
}

void plan_closure(const struct plan *plan, const struct plan_node *node, bool *marks)
{
    size_t index = (size_t)(node - plan->nodes);
    if (marks[index])
        return;
    marks[index] = true;
    for (size_t i = 0; i < node->edge_count; i++) {
        const struct plan_node *to = plan_find(plan, node->edges[i].to);
        if (to && node->edges[i].until != PLAN_GONE)
            plan_closure(plan, to, marks);
    }
    if (node->kind == PLAN_CONTAINER)
        mark_needs(plan, &node->run, marks);
}
