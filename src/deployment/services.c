/* The plan's containers as services. Whatever the plan has settled is taken as it is; what belonged to this
 * machine (engine names, published addresses) is not.
 *
 * The plan stands alone, so that its texts live as long as the deployment; the model is asked for what a plan
 * does not know: `publish`, tasks. */
#include "deployment/internal.h"
#include "base/pick.h"

#include <string.h>

static const char *const all_interfaces = "0.0.0.0";

/* Without the project's prefix; an external volume has its own name. */
static const char *short_name(const struct lowering *l, const char *name)
{
    size_t length = strlen(l->d->plan->prefix);
    if (strncmp(name, l->d->plan->prefix, length) == 0 && name[length] == '-')
        return name + length + 1;
    return name;
}

static void add_volume(struct lowering *l, const struct plan_node *node, const char *name, bool external)
{
    struct deployment *d = l->d;
    for (size_t i = 0; i < d->volume_count; i++)
        if (strcmp(d->volumes[i].name, name) == 0)
            return;
    d->volumes = arena_grow(l->arena, d->volumes, d->volume_count, d->volume_count + 1, sizeof *d->volumes);
    d->volumes[d->volume_count++] = (struct deployment_volume){
        .name = name, .resource = node->resource, .external = external, .pos = node->pos};
}

static void add_mounts(struct lowering *l, struct deployment_service *service, const struct plan_node *node)
{
    service->mounts = arena_alloc(l->arena, (node->run.mount_count + 1) * sizeof *service->mounts);
    for (size_t i = 0; i < node->run.mount_count; i++) {
        const struct plan_mount *mount = &node->run.mounts[i];
        if (lowering_is_authority(l, mount))
            continue;
        struct deployment_mount *out = &service->mounts[service->mount_count++];
        *out = (struct deployment_mount){mount->source, mount->is_volume, mount->read_only, mount->target,
                                         node->pos};
        service->has_data |= !mount->read_only;
        if (!mount->is_volume)
            continue;
        out->source = mount->external ? mount->source : short_name(l, mount->source);
        add_volume(l, node, out->source, mount->external);
    }
}

/* What a port is published on: nothing, unless it was asked for. */
static void publish_port(const struct lowering *l, const struct deployment_service *service,
                         const struct plan_port *from, struct deployment_port *port)
{
    int fixed = from->fixed_port;
    if (service->is_exposed) {
        port->outside = fixed ? fixed : port->inside;
        port->address = all_interfaces;
        port->is_public = true;
        return;
    }
    if (l->options->target != DEPLOYMENT_COMPOSE)
        return;
    port->address = from->bind_address;
    port->outside = fixed;
    if (!fixed && service->is_sidecar)
        port->outside = port->inside;
}

static void add_ports(struct lowering *l, struct deployment_service *service, const struct plan_node *node)
{
    service->ports = arena_alloc(l->arena, (node->run.port_count + 1) * sizeof *service->ports);
    for (size_t i = 0; i < node->run.port_count; i++) {
        const struct plan_port *from = &node->run.ports[i];
        struct deployment_port *port = &service->ports[service->port_count++];
        *port = (struct deployment_port){
            .name = from->endpoint, .scheme = from->scheme, .inside = from->target_port, .pos = from->pos};
        publish_port(l, service, from, port);
    }
}

/* Each replica is another instance, and only the engine there knows which. */
static struct plan_text without_instance(struct lowering *l)
{
    return lowering_literal(l, arena_printf(l->arena, "service.namespace=%s", l->d->project));
}

static void add_environment(struct lowering *l, struct deployment_service *service,
                            const struct plan_node *node)
{
    service->environment =
        arena_alloc(l->arena, (node->run.environment_count + 1) * sizeof *service->environment);
    for (size_t i = 0; i < node->run.environment_count; i++) {
        const struct plan_variable *from = &node->run.environment[i];
        struct deployment_variable *variable = &service->environment[service->environment_count++];
        *variable = (struct deployment_variable){from->name, from->value};
        if (strcmp(from->name, "OTEL_RESOURCE_ATTRIBUTES") == 0)
            variable->value = without_instance(l);
    }
}

static void add_publish(struct deployment_service *service, const struct model_resource *resource)
{
    const struct model_publish *publish = &resource->publish;
    bool is_process = resource->kind == MODEL_PROCESS;
    service->kind = resource->kind;
    service->is_exposed = publish->expose;
    service->placement = publish->placement;
    service->placement_pos = publish->placement_pos;
    service->replicas = publish->replicas;
    service->is_task = model_is_task(resource);
    service->is_server = model_is_server(resource->kind);

    if (is_process && !service->replicas)
        service->replicas = resource->process.replicas;
    if (!is_process)
        return;
    service->image_pos = publish->image ? publish->image_pos : publish->build_pos;
    service->build = publish->build;
    service->build_file = publish->build_file;
    if (!publish->image)
        service->image = NULL;
}

static void check_replicas(struct lowering *l, const struct deployment_service *service,
                           const struct model_resource *resource)
{
    if (service->replicas > 1 && service->has_data)
        lowering_problem(l, &resource->publish.replicas_pos, "leave `replicas` out, or the data",
                         "\"%s\" has data, which two of it would write at once", service->name);
}

static void check_bind_mounts(struct lowering *l, const struct deployment_service *service)
{
    if (l->options->target != DEPLOYMENT_SWARM || service->placement)
        return;
    for (size_t i = 0; i < service->mount_count; i++)
        if (!service->mounts[i].is_volume)
            lowering_problem(l, &service->mounts[i].pos,
                             "say which node has it: `publish: {placement: NODE}`",
                             "\"%s\" mounts %s, and nothing tells on which node that is", service->name,
                             service->mounts[i].source);
}

static void fill(struct deployment_service *service, const struct plan_node *node)
{
    const struct plan_run *run = &node->run;

    *service = (struct deployment_service){
        .name = node->resource,
        .node_of = run->replica_of,
        .kind = MODEL_CONTAINER,
        .pos = node->pos,
        .image_pos = node->pos,
        .image = run->image,
        .pull = (enum model_pull)run->pull,
        .platform = run->platform,
        .entrypoint = run->entrypoint,
        .entrypoint_count = run->entrypoint_count,
        .command = run->command,
        .command_count = run->command_count,

        .tmpfs = run->tmpfs,
        .tmpfs_count = run->tmpfs_count,
        .extra_hosts = run->extra_hosts,
        .extra_host_count = run->extra_host_count,
        .labels = run->labels,
        .label_count = run->label_count,
        .restart = run->restart,
        .stop_signal = run->stop_signal,
        .stop_timeout_ms = run->stop_timeout_ms,
        .memory = run->memory,
        .user = run->user,
        .working_dir = run->working_dir,
        .init = run->init,
        .is_sidecar = node->sidecar,
        .is_manual = node->manual,
    };
}

static void add_service(struct lowering *l, const struct plan_node *node)
{
    struct deployment_service *service = &l->d->services[l->d->service_count++];
    const char *owner = text_or(node->run.replica_of, node->resource);
    const struct model_resource *resource = model_find(l->model, owner);
    fill(service, node);
    if (resource)
        add_publish(service, resource);
    service->replicas = int_max(service->replicas, 1);

    add_mounts(l, service, node);
    add_ports(l, service, node);
    if (service->is_server)
        lowering_add_server(l, service, node);
    else
        add_environment(l, service, node);
    if (!service->is_server)
        lowering_add_authorities(l, service, node);
    lowering_add_check(l, service, node);

    if (resource)
        check_replicas(l, service, resource);
    check_bind_mounts(l, service);
}

void lowering_add_services(struct lowering *l)
{
    const struct plan *plan = l->d->plan;
    l->d->services = arena_alloc(l->arena, (plan->node_count + 1) * sizeof *l->d->services);
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].kind == PLAN_CONTAINER)
            add_service(l, &plan->nodes[i]);
}
