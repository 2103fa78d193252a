/* The writers of what is wanted of a node and what was decided about it: one function each, as facts_note.h
 * has them for what is known. Nothing follows from one by itself; whoever wants something wakes the node.
 * What is written here is written nowhere else (scripts/check-facts). */
#ifndef ORCHESTRATOR_WANT_H
#define ORCHESTRATOR_WANT_H

#include "orchestrator/node.h"

#include <stdlib.h>

static inline void want_as(struct node *node, enum want want)
{
    node->want = want;
}

/* Another run than the one that there is: what `restart` means. */
static inline void want_run_again(struct node *node)
{
    node->generation++;
}

/* The stop that is wanted; 0: the mild way. */
static inline void want_end_by(struct node *node, int signal)
{
    node->kill_signal = signal;
}

/* Off the project's network, though it runs. */
static inline void want_apart(struct node *node, bool is_apart)
{
    node->is_apart = is_apart;
}

/* Stopped with what it depends on: comes back with it. */
static inline void want_along(struct node *node, bool is_along)
{
    node->taken_along = is_along;
}

/* When somebody asked for it last. */
static inline void want_since(struct node *node, int64_t ms)
{
    node->asked_ms = ms;
}

/* What that comes to, and why. The decision is a literal, NULL: not known yet; takes over the explanation. */
static inline void want_decided(struct node *node, const char *decision, char *explain)
{
    node->decision = decision;
    free(node->explain);
    node->explain = explain;
}

#endif
