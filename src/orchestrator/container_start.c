/* Starting a container: a place among the engine's starts, one request, and what its refusal means.
 *
 * A port that turns out to be taken spoils the container: it is removed and created anew with the next port.
 * So does a network that is gone. */
#include "orchestrator/internal.h"

/* 0: the engine does not say. */
static int taken_port(const struct node *node, const struct error *err)
{
    for (size_t i = 0; i < node->port_count; i++)
        if (engine_names_port(err, node->ports[i].host_port))
            return node->ports[i].host_port;
    return 0;
}

static void on_port_taken(struct node *node, const struct error *err)
{
    int taken = taken_port(node, err);
    if (err->detail == DETAIL_ADDRESS_FOREIGN) { /* not the port's fault */
        cleanup_error struct error cause = {0};
        error_copy(&cause, err);
        if (node->o->where.apart)
            error_hint(&cause,
                       "apphost runs in a container of this engine, which cannot publish on its gateway (a "
                       "rootless engine): run that container on the host's network (--network host)");
        node_fail(node, &cause);
        return;
    }

    if (ports_move(node, taken)) {
        facts_spoil(node, true); /* the port is part of the container */
        want_decided(node, NULL, NULL);
        return;
    }

    if (node->port_count)
        holder_fail(node);
    else
        node_fail(node, err);
}

static void on_started(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    struct facts *facts = &node->facts;
    bool disturbed = facts->disturbed;
    node_op_end(node);

    if (!err) {
        node_instance_started(node);
        if (disturbed)
            facts_see(node, SEEN_UNKNOWN);
    } else if (err->code == ERROR_PORT)
        on_port_taken(node, err);
    else if (err->detail == DETAIL_NETWORK_GONE && node->spec->run.on_network) {
        struct node *network = network_of(node->o);
        facts_spoil(node, true);
        if (network)
            facts_see(network, SEEN_UNKNOWN);
    } else if (err->detail == DETAIL_BEING_REMOVED)
        facts_spoil(node, true);
    else
        node_op_failed(node, err);
}

/* Standing in the queue of starts is the others' time. */
struct limit container_start_limit(const struct node *node)
{
    if (node->queued)
        return FOREVER;
    return goal_object_limit(node);
}

/* Somebody else may have been quicker: looked at again. */
static void on_thawed(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err && err->code != ERROR_CONFLICT && err->code != ERROR_GONE)
        node_op_failed(node, err);
    else
        facts_see(node, SEEN_UNKNOWN);
}

/* One that was taken over as it was paused goes on. Who pauses one of a session that runs has his reasons. */
void container_start(struct node *node)
{
    const char *id = node->facts.object;
    if (node->facts.frozen) {
        node_op_begin(node, OP_START,
                      engine_container_unpause(node->o->services.engine, id, on_thawed, node));
        return;
    }
    if (!slot_take(node))
        return;
    node_op_begin(node, OP_START, engine_container_start(node->o->services.engine, id, on_started, node));
}
