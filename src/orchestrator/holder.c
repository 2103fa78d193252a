/* Who holds a port? For the text of a conflict only: nothing is decided by it. First the engine is asked
 * which container publishes the port, else the machine, which process listens there. */
#include "orchestrator/internal.h"

#include "machine/port.h"

#define LOOPBACK "127.0.0.1"

/* Of the ports that are fixed the one that is taken; else the first port, or NULL. */
static const struct plan_port *taken_port(const struct node *node, int *port)
{
    for (size_t i = 0; i < node->spec->run.port_count; i++) {
        const struct plan_port *candidate = &node->spec->run.ports[i];
        const char *address = text_or(candidate->bind_address, LOOPBACK);
        if (candidate->fixed_port && !node->o->hooks.port_is_free(address, candidate->fixed_port)) {
            *port = candidate->fixed_port;
            return candidate;
        }
    }
    *port = 0;
    if (node->port_count)
        *port = node->ports[0].host_port;
    if (!node->spec->run.port_count)
        return NULL;
    return &node->spec->run.ports[0];
}

static void fail(struct node *node, const char *holder)
{
    int port = 0;
    const struct plan_port *taken = taken_port(node, &port);
    const char *address = LOOPBACK;
    if (taken)
        address = text_or(taken->bind_address, LOOPBACK);
    int free_port = port + 1;
    while (free_port < 65535 && !node->o->hooks.port_is_free(address, free_port))
        free_port++;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_PORT, "%s cannot listen on %s:%d: the port is taken%s%s", node_exact_name(node),
              address, port, text_if(holder, " by "), text_or_empty(holder));
    error_hint(&err, "free it, or use another one; %d is free", free_port);
    if (taken && taken->pos.file)
        error_at(&err, taken->pos.file, taken->pos.line, taken->pos.column);
    node_fail(node, &err);
}

static void on_containers(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    int port = 0;
    if (node->spec)
        taken_port(node, &port);

    char *holder = NULL;
    for (int i = 0; !err && i < result->container_count && !holder; i++) {
        const struct engine_container *container = &result->containers[i];
        for (int p = 0; p < container->port_count && !holder; p++) {
            if (container->running && container->ports[p].host_port == port)
                holder = xasprintf("container %s", container->name);
        }
    }

    if (!holder)
        holder = machine_port_holder(port);
    if (node->spec)
        fail(node, holder);
    free(holder);
}

void holder_fail(struct node *node)
{
    struct orchestrator *o = node->o;
    static const char *const all[] = {NULL};
    if (engine_is_listed(o)) {
        node_op_begin(node, OP_LOOK, engine_container_list(o->services.engine, all, on_containers, node));
        return;
    }
    int port = 0;
    taken_port(node, &port);
    cleanup_free char *holder = machine_port_holder(port);
    fail(node, holder);
}
