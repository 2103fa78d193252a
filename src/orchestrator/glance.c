/* Glances: what asks the engine to change something, and gets neither an answer nor an event, is looked after
 * while it is still open. Its answer may be lost, and then waiting for the request's whole limit tells
 * nothing.
 *
 * Happy path: the kind's look shows that it has happened; the answer has a moment more (facts.c), then the
 * request is dropped and row `seen` reads what is. Nothing to be seen yet, or no answer to the glance either
 * (an engine may hold both back until the one is done): the next comes after twice as long. The request
 * itself is left alone, for a slow engine is no lost answer. */
#include "orchestrator/internal.h"

void glance_if_due(struct node *node)
{
    bool is_due = node->glance_ms && node_now(node) >= node->glance_ms;
    if (!is_due)
        return;
    node->glance_ms = 0;
    node->glance = node->kind->glance(node);
}

void glance_over(struct node *node, bool shows_effect)
{
    node->glance = NULL;
    if (node->facts.answer_due_ms)
        return; /* an event was faster */
    if (shows_effect) {
        facts_note_effect(node);
        return;
    }
    node->glance_pause_ms *= 2;
    node->glance_ms = node_now(node) + node->glance_pause_ms;
    node_wake(node);
}
