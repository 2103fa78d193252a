/* apphost graph: who waits for whom, as an indented list or for Graphviz. */
#include "session/session.h"
#include "control/details.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

static const struct option options[] = {
    {.name = "format",
     .type = OPTION_CHOICE,
     .value = "FORM",
     .choices = "text|dot",
     .help = "text, or DOT for Graphviz"},
    {.name = "dot", .type = OPTION_FLAG, .alias = "format=dot", .help = "the same as --format dot"},
    {.name = "running",
     .type = OPTION_FLAG,
     .help = "as it is now in the running project, and why something waits"},
    {.name = NULL},
};

/* Sidecars have nodes of their own: shown under their own names. Replicas are one. */
static const char *label_of(const struct plan *plan, const char *id)
{
    const struct plan_node *node = plan_find(plan, id);
    if (!node)
        return id;
    if (node->run.replica_of)
        return node->run.replica_of;
    return text_or(node->resource, text_or(node->name, id));
}

/* Images, networks and volumes are not what a reader of the graph is after; who waits for a resource waits
 * for its first replica too. */
static bool is_shown(const struct plan *plan, const char *id)
{
    const struct plan_node *node = plan_find(plan, id);
    const struct plan_resource *resource = NULL;
    if (node && node->run.replica_of)
        resource = plan_find_resource(plan, node->run.replica_of);
    if (resource)
        return str_eq(resource->node, id);
    return node && (node->kind == PLAN_CONTAINER || node->kind == PLAN_PROCESS || node->kind == PLAN_VALUE);
}

static size_t count_nodes(const struct plan *plan, const struct plan_resource *resource)
{
    size_t count = 1;
    while (plan_node_of(plan, resource, count))
        count++;
    return count;
}

static void print_text(const struct plan *plan)
{
    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        const struct plan_node *node = plan_find(plan, resource->node);
        size_t count = count_nodes(plan, resource);
        printf("%s (%s", resource->name, model_kind_name(resource->kind));
        if (count > 1)
            printf(", %zu replicas", count);
        printf(")\n");
        for (size_t e = 0; node && e < node->edge_count; e++)
            if (is_shown(plan, node->edges[e].to))
                printf("  -> %s (%s%s)\n", label_of(plan, node->edges[e].to),
                       plan_until_name(node->edges[e].until),
                       text_if(!node->edges[e].required, ", optional"));
    }
}

static void print_dot(const struct plan *plan)
{
    printf("digraph \"%s\" {\n  rankdir=LR;\n", plan->project);
    for (size_t i = 0; i < plan->resource_count; i++) {
        size_t count = count_nodes(plan, &plan->resources[i]);
        const char *shape = "ellipse";
        if (plan->resources[i].kind == MODEL_PROCESS)
            shape = "box";
        printf("  \"%s\" [shape=%s", plan->resources[i].name, shape);
        if (count > 1)
            printf(", label=\"%s ×%zu\"", plan->resources[i].name, count);
        printf("];\n");
    }

    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_node *node = plan_find(plan, plan->resources[i].node);
        for (size_t e = 0; node && e < node->edge_count; e++)
            if (is_shown(plan, node->edges[e].to))
                printf("  \"%s\" -> \"%s\" [label=\"%s\"%s];\n", plan->resources[i].name,
                       label_of(plan, node->edges[e].to), plan_until_name(node->edges[e].until),
                       text_if(!node->edges[e].required, ", style=dashed"));
    }
    printf("}\n");
}

static void print_json(const struct plan *plan)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *list = json_add_array(document, "edges");

    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_node *node = plan_find(plan, plan->resources[i].node);
        for (size_t e = 0; node && e < node->edge_count; e++) {
            if (!is_shown(plan, node->edges[e].to))
                continue;
            cJSON *edge = cJSON_CreateObject();
            json_add_string(edge, "from", plan->resources[i].name);
            json_add_string(edge, "to", label_of(plan, node->edges[e].to));
            json_add_string(edge, "until", plan_until_name(node->edges[e].until));
            json_add_bool(edge, "required", node->edges[e].required);
            cJSON_AddItemToArray(list, edge);
        }
    }
    output_json(document);
}

/* ---- of the running project ---- */

static bool is_resource(const char *node)
{
    enum view_kind kind = view_kind_of_node(text_or_empty(node));
    return kind == VIEW_CONTAINER || kind == VIEW_PROCESS || kind == VIEW_VALUE;
}

/* Images, networks and volumes are shown where they are what is waited for. */
static bool is_of_interest(const struct view_edge *edge)
{
    return is_resource(edge->from_node) && (is_resource(edge->to_node) || !edge->is_met);
}

static void print_edge(const struct view_edge *edge)
{
    cleanup_free char *why = str_printable(text_or(edge->why, "met"));
    printf("  -> %s (%s%s): %s%s\n", text_or_empty(edge->to), text_or_empty(edge->until),
           text_if(!edge->is_required, ", optional"), text_if(!edge->is_met, "waits, "), why);
}

static void print_running(const struct plan *plan, const struct view_edges *edges)
{
    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        printf("%s (%s)\n", resource->name, model_kind_name(resource->kind));
        for (size_t e = 0; e < edges->edge_count; e++)
            if (is_of_interest(&edges->edges[e]) && str_eq(edges->edges[e].from_node, resource->node))
                print_edge(&edges->edges[e]);
    }
}

static int run_running(struct context *context, struct error *err)
{
    cJSON *json = NULL;
    if (session_connect(context, err) ||
        client_call(&context->client, ASK_EDGES, NULL, ANSWER_LIMIT, &json, err)) {
        cJSON_Delete(json);
        return -1;
    }
    cleanup_view_edges struct view_edges *edges = view_edges_read(json, err);
    if (!edges)
        return -1;
    if (context->output.json)
        output_json(edges->json);
    else
        print_running(context->project.plan, edges);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    const char *format = args_value(&context->args, "format");
    if (args_flag(&context->args, "running"))
        return run_running(context, err);
    if (context->output.json)
        print_json(context->project.plan);
    else if (format && !strcmp(format, "dot"))
        print_dot(context->project.plan);
    else
        print_text(context->project.plan);
    return 0;
}

const struct command cmd_graph = {
    .name = "graph",
    .summary = "show who waits for whom",
    .usage = "[--format text|dot]",
    .description = "Prints what each resource waits for, as text, as DOT for Graphviz, or with -o json. With "
                   "--running it asks the running project, and says of what is not met yet why.",
    .examples = "apphost graph\n"
                "apphost graph --running\n"
                "apphost graph --dot | dot -Tsvg > graph.svg\n",
    .options = options,
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MANIFEST,
    .run = run,
};
