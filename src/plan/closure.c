/* Who needs whom: a node's edges, and of a container what the engine wants for it. See plan.h. */
#include "plan/plan.h"

#include "base/mem.h"

/* A walk under way. */
struct marking {
    const struct plan *plan;
    bool *marks;
};

void plan_each_object(const struct plan_run *run, plan_object_cb *take, void *data)
{
    take(PLAN_IMAGE, run->image, data);
    if (run->on_network)
        take(PLAN_NETWORK, NULL, data);
    for (size_t i = 0; i < run->mount_count; i++)
        if (run->mounts[i].is_volume)
            take(PLAN_VOLUME, run->mounts[i].source, data);
}

static void mark_objects(enum plan_node_kind kind, const char *name, void *data)
{
    const struct marking *marking = data;
    const struct plan *plan = marking->plan;
    bool is_any_network = kind == PLAN_NETWORK && !name;
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        if (node->kind == kind && (is_any_network || str_eq(node->name, name)))
            plan_closure(plan, node, marking->marks);
    }
}

void plan_closure(const struct plan *plan, const struct plan_node *node, bool *marks)
{
    struct marking marking = {plan, marks};
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
        plan_each_object(&node->run, mark_objects, &marking);
}

bool plan_needs_task(const struct plan *plan, const struct plan_node *node)
{
    cleanup_free bool *marks = xcalloc(plan->node_count + 1, sizeof *marks);
    plan_closure(plan, node, marks);
    for (size_t i = 0; i < plan->node_count; i++)
        for (size_t j = 0; marks[i] && j < plan->nodes[i].edge_count; j++)
            if (plan->nodes[i].edges[j].until == PLAN_COMPLETED)
                return true;
    return false;
}
