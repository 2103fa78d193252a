/* Whose fault it is: a node that was blocked has no error of its own. Its error is derived from the first
 * failed dependency, down to the root cause, each time it is asked for. */
#include "orchestrator/internal.h"

const struct node *report_root_cause(const struct node *node)
{
    for (const struct node *next = node; next; next = node_blocker(node)) {
        node = next;
        if (node->failed)
            break;
    }
    return node;
}

void report_node_error(const struct node *node, struct error *err)
{
    if (node->failed) {
        error_copy(err, &node->error);
        return;
    }
    const struct node *cause = report_root_cause(node);
    if (cause == node || !cause->failed)
        return;
    cleanup_free char *consequence = report_consequence(node);
    error_copy(err, &cause->error);
    if (consequence)
        error_wrap(err, "%s", consequence);
}

char *report_consequence(const struct node *node)
{
    const struct node *cause = report_root_cause(node);
    bool by_resource = cause != node && cause->resource && !str_eq(cause->resource, node->resource);
    if (!by_resource)
        return NULL;
    return xasprintf("%s %s", node_shown_name(node), text_pick(node->going_down, "stays", "was not started"));
}
