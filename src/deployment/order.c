/* Who needs whom, by the plan's edges, and the order that follows: a service stands behind all that it needs.
 *
 * The manifest room has refused cycles. An address that is made of others' (an external service, a connection
 * string) passes on what it needs itself. */
#include "deployment/internal.h"

#include <stdlib.h>
#include <string.h>

static struct deployment_service *find(struct lowering *l, const char *name)
{
    return (struct deployment_service *)deployment_find(l->d, name);
}

/* Healthy is said only by what is asked; tasks are over. */
static enum plan_until until_of(const struct deployment_service *to, enum plan_until wanted)
{
    if (to->is_task)
        return PLAN_COMPLETED;
    if (wanted == PLAN_COMPLETED || wanted == PLAN_GONE)
        return wanted;
    bool is_asked = to->check.kind != DEPLOYMENT_CHECK_NONE && to->check.kind != DEPLOYMENT_CHECK_IMAGE;
    if (is_asked)
        return wanted;
    return PLAN_STARTED;
}

static void add_need(struct lowering *l, struct deployment_service *service, const struct plan_edge *edge,
                     const char *name)
{
    const struct deployment_service *to = find(l, name);
    if (!to || to == service)
        return;

    enum plan_until until = until_of(to, edge->until);
    for (size_t i = 0; i < service->need_count; i++) {
        struct deployment_need *known = &service->needs[i];
        if (strcmp(known->service, name) != 0)
            continue;
        if (until > known->until)
            known->until = until;
        known->required |= edge->required;
        return;
    }

    service->needs = arena_grow(l->arena, service->needs, service->need_count, service->need_count + 1,
                                sizeof *service->needs);
    service->needs[service->need_count++] = (struct deployment_need){to->name, until, edge->required};
}

static void add_edges(struct lowering *l, struct deployment_service *service, const struct plan_node *from)
{
    for (size_t i = 0; i < from->edge_count; i++) {
        const struct plan_node *to = plan_find(l->d->plan, from->edges[i].to);
        if (to && to->kind == PLAN_CONTAINER)
            add_need(l, service, &from->edges[i], to->resource);
        else if (to && to->kind == PLAN_VALUE)
            add_edges(l, service, to);
    }
}

void lowering_add_needs(struct lowering *l)
{
    const struct plan *plan = l->d->plan;
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].kind == PLAN_CONTAINER)
            add_edges(l, find(l, plan->nodes[i].resource), &plan->nodes[i]);
}

static bool may_be_next(const struct deployment *d, size_t index, const bool *placed)
{
    const struct deployment_service *service = &d->services[index];
    if (placed[index])
        return false;
    for (size_t i = 0; i < service->need_count; i++)
        if (!placed[deployment_find(d, service->needs[i].service) - d->services])
            return false;
    return true;
}

void lowering_sort(struct lowering *l)
{
    struct deployment *d = l->d;
    struct deployment_service *sorted = arena_alloc(l->arena, (d->service_count + 1) * sizeof *sorted);
    bool *placed = arena_alloc(l->arena, d->service_count + 1);
    memset(placed, 0, d->service_count + 1);

    for (size_t count = 0; count < d->service_count; count++) {
        size_t i = 0;
        while (i < d->service_count && !may_be_next(d, i, placed))
            i++;
        if (i == d->service_count)
            abort();
        placed[i] = true;
        sorted[count] = d->services[i];
    }
    d->services = sorted;
}
