/* A container's goal `joined`: it is on the project's network, or off it, where it is to be cut off (a
 * partition). Either is one request; whoever forms a topology looks again after it. */
#include "orchestrator/internal.h"

bool container_is_joined(const struct node *node)
{
    return !node->spec->run.on_network || node->facts.joined != node->is_apart;
}

static void note_answer(struct node *node, const struct error *err, bool is_joined)
{
    node_op_end(node);
    if (err)
        node_op_failed(node, err);
    else
        facts_join(node, is_joined);
    forming_look(node);
}

static void on_joined(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    note_answer(data, err, true);
}

static void on_cut(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    note_answer(data, err, false);
}

void container_join(struct node *node)
{
    struct node *network = network_of(node->o);
    if (!network || !network->facts.object)
        return;
    if (node->facts.joined) {
        node_op_begin(node, OP_JOIN,
                      engine_network_disconnect(node->o->services.engine, network->facts.object,
                                                node->facts.object, on_cut, node));
        return;
    }
    node_op_begin(node, OP_JOIN,
                  engine_network_connect(node->o->services.engine, network->facts.object, node->facts.object,
                                         node->spec->run.alias, on_joined, node));
}
