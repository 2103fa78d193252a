/* The limit of engine starts in flight: more than about twice the processors only makes each of them late.
 *
 * A node that may not start yet stands in a queue; a slot that becomes free is given to the first one, which
 * is woken and finds that it has it. A node that changes its mind gives its slot, or its place in the queue,
 * back. */
#include "orchestrator/internal.h"

static int slot_limit(const struct orchestrator *o)
{
    int limit = 2 * o->services.processors;
    return limit < 4 ? 4 : limit > 16 ? 16 : limit;
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
    o->starts++;
    node_wake(next);
}
