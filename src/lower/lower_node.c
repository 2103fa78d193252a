/* The ground of the lowering: problems and warnings, nodes and edges of the plan that grows, what the nodes
 * of a resource are called. Knows no kind; every other file of the room stands on it. */
#include "lower/internal.h"
#include "base/pick.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct lower_entry {
    struct plan_node *node;
    UT_hash_handle hh;
};

static void add_report(struct error **list, size_t *count, const struct model_pos *pos, const char *hint,
                       char *text)
{
    *list = xreallocarray(*list, *count + 1, sizeof **list);
    struct error *error = &(*list)[(*count)++];
    *error = (struct error){.code = ERROR_MANIFEST, .text = text, .hint = xstrdup_null(hint)};
    if (pos)
        error->source = (struct source){xstrdup_null(pos->file), pos->line, pos->column};
}

/* Replicas are lowered one by one, and each would report the same. */
static bool is_known(const struct lower *l, const struct model_pos *pos, const char *text)
{
    for (size_t i = 0; pos && i < l->problem_count; i++) {
        const struct source *at = &l->problems[i].source;
        if (at->line == pos->line && at->column == pos->column && str_eq(l->problems[i].text, text))
            return true;
    }
    return false;
}

void lower_problem(struct lower *l, const struct model_pos *pos, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = xvasprintf(format, args);
    va_end(args);
    if (is_known(l, pos, text))
        free(text);
    else
        add_report(&l->problems, &l->problem_count, pos, hint, text);
}

void lower_warning(struct lower *l, const struct model_pos *pos, const char *hint, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add_report(&l->plan->warnings, &l->plan->warning_count, pos, hint, xvasprintf(format, args));
    va_end(args);
}

struct plan_node *lower_find(struct lower *l, const char *id)
{
    struct lower_entry *entry = NULL;
    HASH_FIND_STR(l->table, id, entry);
    if (!entry)
        return NULL;
    return entry->node;
}

struct plan_node *lower_add_node(struct lower *l, enum plan_node_kind kind, const char *name,
                                 const char *resource)
{
    struct plan_node *node = &l->plan->nodes[l->plan->node_count++];
    struct lower_entry *entry = arena_alloc(l->arena, sizeof *entry);
    *node = (struct plan_node){.kind = kind, .name = name, .resource = resource};
    node->id = arena_printf(l->arena, "%s:%s", plan_node_kind_name(kind), name);
    entry->node = node;
    HASH_ADD_KEYPTR(hh, l->table, node->id, strlen(node->id), entry);
    return node;
}

void lower_add_edge(struct lower *l, struct plan_node *from, const struct plan_edge *edge)
{
    for (size_t i = 0; i < from->edge_count; i++) {
        struct plan_edge *known = &from->edges[i];
        if (strcmp(known->to, edge->to) != 0)
            continue;
        /* healthy implies started; the stronger one stays */
        if (edge->until > known->until)
            known->until = edge->until;
        known->required |= edge->required;
        known->explicit_wait |= edge->explicit_wait;
        return;
    }
    from->edges =
        arena_grow(l->arena, from->edges, from->edge_count, from->edge_count + 1, sizeof *from->edges);
    from->edges[from->edge_count++] = *edge;
}

bool lower_has_replicas(const struct model_resource *resource)
{
    return model_replica_count(resource) > 0;
}

int lower_node_count(const struct model_resource *resource)
{
    return int_or(model_replica_count(resource), 1);
}

int lower_first_replica(const struct model_resource *resource)
{
    return lower_has_replicas(resource);
}

const char *lower_replica_name(struct lower *l, const struct model_resource *resource, int replica)
{
    if (!replica)
        return resource->name;
    cleanup_free char *name = model_replica_name(resource, replica);
    return arena_strdup(l->arena, name);
}

const char *lower_replica_id(struct lower *l, const struct model_resource *resource, int replica)
{
    const struct lower_kind *row = lower_kind(resource->kind);
    enum plan_node_kind kind = row->node;
    if (l->native && row->native_node != NO_NODE)
        kind = row->native_node;
    const char *name = lower_replica_name(l, resource, replica);
    return arena_printf(l->arena, "%s:%s", plan_node_kind_name(kind), name);
}

const char *lower_node_id(struct lower *l, const struct model_resource *resource)
{
    return lower_replica_id(l, resource, lower_first_replica(resource));
}

enum plan_until lower_usual_wait(const struct model_resource *target)
{
    if (model_is_task(target))
        return PLAN_COMPLETED;
    return PLAN_HEALTHY;
}

void lower_wait_for(struct lower *l, struct plan_node *from, const struct model_resource *to,
                    const struct plan_edge *how)
{
    struct plan_edge edge = *how;
    int first = lower_first_replica(to);
    for (int i = 0; i < lower_node_count(to); i++) {
        edge.to = lower_replica_id(l, to, first + i);
        lower_add_edge(l, from, &edge);
    }
}

void lower_join_network(struct lower *l, const struct model_resource *resource)
{
    l->on_network[resource - l->model->resources] = true;
}

struct plan_secret *lower_secret(struct lower *l, const char *name, const char *value)
{
    struct plan_secret *secret = &l->plan->secrets[l->plan->secret_count++];
    *secret = (struct plan_secret){.name = name, .secret = true};
    if (value)
        secret->value = arena_strdup(l->arena, value);
    return secret;
}

bool lower_is_absent(const struct lower *l, const struct model_resource *resource)
{
    return !resource || resource->inactive ||
           (l->native && lower_kind(resource->kind)->native_node == NO_NODE);
}

void lower_forget_nodes(struct lower *l)
{
    HASH_CLEAR(hh, l->table);
}

void lower_wait_for_parts(struct lower *l, struct plan_node *node, const struct model_text *text)
{
    for (size_t i = 0; i < text->count; i++) {
        const struct model_part *part = &text->parts[i];
        const struct model_resource *target = NULL;
        if (!part->literal && part->get != MODEL_GET_PARAMETER)
            target = model_find(l->model, part->resource);
        /* The address of a process is known before it starts. */
        if (lower_is_absent(l, target) || target->kind == MODEL_PROCESS)
            continue;
        struct plan_edge edge = {.until = PLAN_HEALTHY, .required = true};
        lower_wait_for(l, node, target, &edge);
    }
}
