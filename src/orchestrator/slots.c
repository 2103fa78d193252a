/* The limit of engine starts in flight: eight to a processor. Measured with 50 servers on two processors: one
 * at a time took 12.2 s, four 7.2, eight 7.0, sixteen 6.6, all at once 6.3; past that each start only gets
 * later.
 *
 * A node that may not start yet stands in a queue; a slot that becomes free is given to the first one, which
 * is woken and finds that it has it. A node that changes its mind gives its slot, or its place in the queue,
 * back. */
#include "orchestrator/internal.h"

static int slot_limit(const struct orchestrator *o)
{
    int limit = 8 * o->services.processors;
    return int_max(8, int_min(limit, 32));
}

static void enqueue(struct node *node)
{
    if (node->queued)
        return;
    node->queued = true;
    DL_APPEND2(node->o->start_queue, node, slot_prev, slot_next);
}

static void dequeue(struct node *node)
{
    if (!node->queued)
        return;
    node->queued = false;
    DL_DELETE2(node->o->start_queue, node, slot_prev, slot_next);
}

bool slot_take(struct node *node)
{
    struct orchestrator *o = node->o;
    if (node->has_slot)
        return true;
    if (o->starts >= slot_limit(o)) {
        enqueue(node);
        return false;
    }
    dequeue(node);
    o->starts++;
    return node->has_slot = true;
}

void slot_release(struct node *node)
{
    struct orchestrator *o = node->o;
    dequeue(node);
    if (!node->has_slot)
        return;
    node->has_slot = false;
    o->starts--;
    struct node *next = o->start_queue;
    if (!next)
        return;
    dequeue(next);
    next->has_slot = true;
    next->goal_ms = node_now(next); /* its time begins */
    o->starts++;
    node_wake(next);
}
