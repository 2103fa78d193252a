/* The model as it is lowered for another engine: processes are containers of the image that `publish` names,
 * what is left out is inactive, and nothing belongs to this machine. The manifest's own model stays as it is.
 *
 * A process that says no image is refused at its position: without it something would be missing in silence.
 */
#include "deployment/internal.h"

#include <string.h>

enum { FIRST_INNER_PORT = 8080 };

bool lowering_is_left_out(const struct model_resource *resource)
{
    return resource->inactive || resource->publish.off;
}

static int given_port(const struct model_publish *publish, const char *endpoint)
{
    for (size_t i = 0; i < publish->port_count; i++)
        if (strcmp(publish->ports[i].endpoint, endpoint) == 0)
            return publish->ports[i].port;
    return 0;
}

/* Taken by an endpoint of the process that says where it listens. */
static bool is_taken(const struct model_resource *process, int port)
{
    for (size_t i = 0; i < process->endpoint_count; i++)
        if (process->endpoints[i].port == port ||
            given_port(&process->publish, process->endpoints[i].name) == port)
            return true;
    return false;
}

static int inner_port(struct lowering *l, const struct model_resource *process,
                      const struct model_endpoint *endpoint, int *next)
{
    int port = given_port(&process->publish, endpoint->name);
    if (port || endpoint->port)
        return port ? port : endpoint->port;
    if (!endpoint->env) {
        lowering_problem(l, &endpoint->pos, "`publish: {ports: {NAME: NUMBER}}` says where",
                         "nothing tells where \"%s\" listens for \"%s\" in its container", process->name,
                         endpoint->name);
        return FIRST_INNER_PORT;
    }
    while (is_taken(process, *next))
        ++*next;
    return (*next)++;
}

static struct model_endpoint *inner_endpoints(struct lowering *l, const struct model_resource *process)
{
    int next = FIRST_INNER_PORT;
    struct model_endpoint *endpoints =
        arena_alloc(l->arena, (process->endpoint_count + 1) * sizeof *endpoints);
    for (size_t i = 0; i < process->endpoint_count; i++) {
        endpoints[i] = process->endpoints[i];
        endpoints[i].target_port = inner_port(l, process, &process->endpoints[i], &next);
    }
    return endpoints;
}

/* A name in `ports` that no endpoint has. */
static void check_port_names(struct lowering *l, const struct model_resource *process)
{
    for (size_t i = 0; i < process->publish.port_count; i++) {
        const struct model_inner_port *port = &process->publish.ports[i];
        bool is_known = false;
        for (size_t k = 0; k < process->endpoint_count; k++)
            is_known |= strcmp(process->endpoints[k].name, port->endpoint) == 0;
        if (!is_known)
            lowering_problem(l, &port->pos, NULL, "\"%s\" has no endpoint \"%s\"", process->name,
                             port->endpoint);
    }
}

static void check_image(struct lowering *l, const struct model_resource *process)
{
    const struct model_publish *publish = &process->publish;
    bool can_build = l->options->target == DEPLOYMENT_COMPOSE;
    if (publish->image || (publish->build && can_build))
        return;
    if (publish->build)
        lowering_problem(l, &publish->build_pos, "build and push it, and name it by `publish: {image: NAME}`",
                         "%s builds no images: the process \"%s\" needs the name of one",
                         names_text(&deployment_target_names, l->options->target), process->name);
    else
        lowering_problem(
            l, &process->pos,
            "`publish: {image: NAME}` says which one it is there, `publish: false` leaves it out",
            "the process \"%s\" has no image: it runs on this machine only", process->name);
}

static struct model_resource container_of(struct lowering *l, const struct model_resource *process)
{
    struct model_resource r = *process;
    check_image(l, process);
    check_port_names(l, process);
    r.kind = MODEL_CONTAINER;
    r.image = process->publish.image;
    if (!r.image)
        r.image = arena_printf(l->arena, "%s-%s", l->options->project, process->name);
    r.endpoints = inner_endpoints(l, process);
    r.container = (struct model_container){
        .command = process->publish.command, .command_count = process->publish.command_count, .init = true};
    return r;
}

/* The development authority is this machine's, and its key never leaves it. */
static void check_tls(struct lowering *l, const struct model_resource *server)
{
    const struct model_tls *tls = &server->redis.tls;
    const struct model_pos *pos = tls->pos.line ? &tls->pos : &server->pos;
    if (tls->on && !tls->cert)
        lowering_problem(l, pos, "give it a certificate of its own: `tls: {cert: …, key: …, ca: …}`",
                         "the development certificate of \"%s\" is for this machine alone", server->name);
}

static struct model_resource inside_of(struct lowering *l, const struct model_resource *resource)
{
    if (lowering_is_left_out(resource)) {
        struct model_resource r = *resource;
        r.inactive = true;
        return r;
    }
    if (resource->kind == MODEL_PROCESS)
        return container_of(l, resource);

    struct model_resource r = *resource;
    if (model_is_server(r.kind)) {
        check_tls(l, resource);
        if (model_topology(resource))
            lowering_check_nodes(l, resource);
        r.redis.host_network = false;
    }
    return r;
}

void lowering_prepare(struct lowering *l)
{
    size_t count = l->model->resource_count;
    struct model_resource *resources = arena_alloc(l->arena, (count + 1) * sizeof *resources);
    l->inside = *l->model;
    l->inside.arena = (struct arena){0};
    l->inside.by_name = NULL;
    l->inside.engine = NULL;
    l->inside.resources = resources;

    for (size_t i = 0; i < count; i++) {
        resources[i] = inside_of(l, &l->model->resources[i]);
        if (!l->options->with_tools && model_is_server(resources[i].kind))
            resources[i].redis.insight.on = resources[i].redis.commander.on = false;
    }
    model_index(&l->inside);
}
