/* The engine as all nodes know it: needed, lost, to be looked at again. Its own rows are in engine_root.c.
 *
 * Losing it (the event stream ends, an operation finds nobody) makes facts unknown and starts again from the
 * top with a growing pause; nothing fails: nodes wait. */
#include "orchestrator/internal.h"

enum { FIRST_PAUSE_MS = 100, LONGEST_PAUSE_MS = 5000 };

void engine_need(struct orchestrator *o)
{
    if (!o->engine)
        return;
    if (o->engine->want != WANT_UP)
        want_since(o->engine, loop_now_ms(o->services.loop));
    want_as(o->engine, WANT_UP);
    if (!o->connected_once)
        error_clear(&o->engine->error);
    facts_pause_until(o->engine, 0); /* a new request is owed a new attempt */
    node_wake(o->engine);
}

bool engine_is_needed(const struct orchestrator *o)
{
    const struct request *request;
    DL_FOREACH(o->requests, request)
    {
        if (request->needs_engine)
            return true;
    }
    for (const struct node *node = o->nodes; node; node = node->hh.next) {
        if (node_needs_engine(node) && node->want == WANT_UP)
            return true;
    }
    return false;
}

/* What we know may be old. */
static void forget_what_is_seen(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node_needs_engine(node))
            facts_see(node, SEEN_UNKNOWN);
    }
}

void engine_lose(struct orchestrator *o, const struct error *err)
{
    struct node *root = o->engine;
    const struct facts *facts = &root->facts;
    int64_t now = loop_now_ms(o->services.loop);
    error_clear(&root->error);
    error_copy(&root->error, err);

    if (o->events)
        engine_cancel(o->services.engine, o->events);
    o->events = NULL;
    bool known = o->lost_ms >= 0 && !facts->reachable && now < facts->not_before;
    if (known) /* several operations found it out at once */
        return;

    if (o->lost_ms < 0)
        o->lost_ms = now;
    int64_t pause = FIRST_PAUSE_MS << int_min(facts->restarts, 6);
    facts_count_restarts(root, facts->restarts + 1);
    facts_pause_until(root, now + int64_min(pause, LONGEST_PAUSE_MS));
    root->goal_ms = facts->not_before; /* every try has its time */

    if (!o->connected_once && !engine_is_needed(o))
        want_as(root, WANT_KEEP); /* we only wanted to look for leftovers */
    facts_lose(root);
    forget_what_is_seen(o);
    orchestrator_wake_all(o);
    requests_changed(o);
}

void engine_look_again(struct orchestrator *o)
{
    if (!o->engine)
        return;
    facts_list(o->engine, false);
    facts_survey(o->engine, false);
    node_wake(o->engine);
}
