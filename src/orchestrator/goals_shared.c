/* What networks and volumes share. */
#include "orchestrator/internal.h"

bool shared_is_known(const struct node *node)
{
    return node->facts.seen != SEEN_UNKNOWN;
}

bool shared_is_there(const struct node *node)
{
    return node->facts.seen == SEEN_PRESENT;
}

bool shared_is_gone(const struct node *node)
{
    return node->facts.seen == SEEN_ABSENT || node->facts.foreign;
}

void shared_on_removed(const struct engine_result *result, const struct error *err, void *data)
{
    (void)result;
    struct node *node = data;
    node_op_end(node);
    if (err && err->code != ERROR_GONE)
        node_op_failed(node, err); /* and is looked at: it may be gone, its answer lost */
    else
        facts_gone(node);
}
