/* apphost config: what the manifest comes to, after merging, interpolation and defaults. Secrets are masked.
 */
#include "session/context.h"

#include "base/mem.h"

#include <string.h>

/* Ports that are not settled are shown as what is tried first. */
static int likely_port(const char *node_id, const char *endpoint, void *data)
{
    const struct plan_node *node = plan_find(data, node_id);
    for (size_t i = 0; node && i < node->run.port_count; i++) {
        const struct plan_port *port = &node->run.ports[i];
        if (str_eq(port->endpoint, endpoint))
            return port->fixed_port ? port->fixed_port : port->preferred_port;
    }
    return 0;
}

static const char *no_secret(const char *name, void *data)
{
    (void)name, (void)data;
    return NULL;
}

static char *masked(const struct plan *plan, const struct plan_text *text)
{
    struct plan_lookup lookup = {.port = likely_port, .secret = no_secret, .data = (void *)plan};
    cleanup_free char *plain = plan_mask(text, &lookup);
    return str_printable(plain);
}

static void print_texts(const struct plan *plan, const char *label, const struct plan_text *texts,
                        size_t count)
{
    if (!count)
        return;
    printf("    %s:", label);
    for (size_t i = 0; i < count; i++) {
        cleanup_free char *text = masked(plan, &texts[i]);
        bool is_plain = *text && !strpbrk(text, " \t\"'$`\\");
        printf(is_plain ? " %s" : " '%s'", text);
    }
    printf("\n");
}

static void print_ports(const struct plan_run *specification)
{
    for (size_t i = 0; i < specification->port_count; i++) {
        const struct plan_port *port = &specification->ports[i];
        printf("    endpoint %s: %s://%s:%d%s", port->endpoint, port->scheme,
               port->host ? port->host : "127.0.0.1",
               port->fixed_port ? port->fixed_port : port->preferred_port,
               port->fixed_port ? "" : " (or the next that is free)");
        if (port->target_port)
            printf(" -> %d", port->target_port);
        printf("\n");
    }
}

static void print_run(const struct plan *plan, const struct plan_run *specification)
{
    if (specification->engine_name)
        printf("    container: %s\n", specification->engine_name);
    if (specification->image)
        printf("    image: %s\n", specification->image);
    print_texts(plan, "entrypoint", specification->entrypoint, specification->entrypoint_count);
    print_texts(plan, "command", specification->command, specification->command_count);
    if (specification->working_dir)
        printf("    working_dir: %s\n", specification->working_dir);
    if (specification->input_end)
        printf("    stdin: %s\n", specification->input_end == PLAN_INPUT_OPEN ? "open" : "closed");
    for (size_t i = 0; i < specification->watch_count; i++)
        printf("    watch: %s\n", specification->watch[i]);
    print_ports(specification);
    for (size_t i = 0; i < specification->mount_count; i++)
        printf("    mount: %s -> %s%s\n", specification->mounts[i].source, specification->mounts[i].target,
               specification->mounts[i].read_only ? " (read-only)" : "");
    for (size_t i = 0; i < specification->environment_count; i++) {
        cleanup_free char *value = masked(plan, &specification->environment[i].value);
        printf("    %s=%s\n", specification->environment[i].name, value);
    }
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
           resource->persistent ? ", persistent" : "", resource->manual ? ", started by hand" : "");
    if (node && node->run.replica_of)
        printf(", replica of %s", node->run.replica_of);
    printf("\n");
    cleanup_free char *display = masked(plan, &resource->display);
    if (*display)
        printf("    address: %s\n", display);
    if (!node)
        return;
    print_run(plan, &node->run);
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
