/* apphost config: what the manifest comes to, after merging, interpolation and defaults. Secrets are masked.
 */
#include "session/context.h"

#include "base/mem.h"
#include "base/pick.h"

static void print_line(const char *label, const char *text, void *data)
{
    (void)data;
    printf("    %s%s%s\n", text_or_empty(label), text_if(label, ": "), text);
}

static void print_edges(const struct plan *plan, const struct plan_node *node)
{
    for (size_t i = 0; i < node->edge_count; i++) {
        const struct plan_node *to = plan_find(plan, node->edges[i].to);
        if (to && to->resource && !str_eq(to->resource, node->resource))
            printf("    after: %s is %s\n", to->resource, plan_until_name(node->edges[i].until));
    }
}

/* node: its own, or of one of its replicas. */
static void print_node(const struct plan *plan, const struct plan_resource *resource,
                       const struct plan_node *node)
{
    printf("  %s: %s%s%s", resource->name, model_kind_name(resource->kind),
           text_if(resource->persistent, ", persistent"), text_if(resource->manual, ", started by hand"));
    if (node && node->run.replica_of)
        printf(", replica of %s", node->run.replica_of);
    printf("\n");
    cleanup_free char *display = plan_shown_text(plan, &resource->display);
    if (*display)
        printf("    address: %s\n", display);
    if (!node)
        return;
    plan_tell(plan, &node->run, print_line, NULL);
    print_edges(plan, node);
}

static void print_resource(const struct plan *plan, const struct plan_resource *resource)
{
    const struct plan_node *node = plan_find(plan, resource->node);
    if (!node || !node->run.replica_of) {
        print_node(plan, resource, node);
        return;
    }
    for (size_t i = 0; (node = plan_node_of(plan, resource, i)); i++)
        print_node(plan, plan_find_resource(plan, node->resource), node);
}

static int run(struct context *context, struct error *err)
{
    (void)err;
    const struct plan *plan = context->project.plan;
    if (context->output.json) {
        cleanup_json cJSON *document = plan_to_json(plan, false);
        output_json(document);
        return 0;
    }
    printf("project: %s\nidentity: %s\nmanifest: %s\nresources:\n", plan->project, plan->prefix,
           plan->manifest_file);
    for (size_t i = 0; i < plan->resource_count; i++)
        print_resource(plan, &plan->resources[i]);
    return 0;
}

const struct command cmd_config = {
    .name = "config",
    .summary = "print what the manifest comes to",
    .usage = "",
    .description =
        "Prints the application as it would be started: merged, interpolated, with all defaults, names, "
        "addresses and environments. Secrets are masked. With -o json: the plan itself.",
    .examples = "apphost config\n"
                "apphost config -o json > plan.json\n",
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MANIFEST,
    .run = run,
};
