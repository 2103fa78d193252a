/* Whom an address of several servers names now.
 *
 * The plan names the first node where the whole is meant, and lists all from the first on. After a failover
 * another one is primary: the two change places, so that the one address is the primary's, and the lists
 * begin with it. Nobody is known to be primary: as in the plan. */
#include "orchestrator/internal.h"

#include <string.h>

static bool is_first(const struct node *node)
{
    return !strcmp(node->resource + strlen(node_replica_of(node)), "-1");
}

static bool is_primary(const struct node *node)
{
    return str_eq(node->facts.role, "primary");
}

struct node *present_node(struct node *node)
{
    const char *whole = node_replica_of(node);
    struct node *first = NULL, *primary = NULL;
    if (!whole || !node->spec->run.topology.kind)
        return node;
    for (struct node *other = node->o->nodes; other; other = other->hh.next) {
        if (!str_eq(node_replica_of(other), whole))
            continue;
        if (is_first(other))
            first = other;
        if (is_primary(other) && (!primary || is_first(other)))
            primary = other;
    }

    if (primary && node == first)
        return primary;
    if (first && node == primary)
        return first;
    return node;
}
