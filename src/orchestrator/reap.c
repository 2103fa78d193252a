/* The end of nodes. */
#include "orchestrator/internal.h"

void node_free(struct node *node)
{
    struct orchestrator *o = node->o;
    changes_forget(node);
    HASH_DEL(o->nodes, node);
    loop_unpost(o->services.loop, &node->turn);
    timer_stop(&node->timer);
    sensor_stop(node);
    watching_leave(node);
    output_free(node);
    slot_release(node);
    node_drop_ports(node);

    free(node->links);
    free(node->dependants);
    strlist_free(&node->bonds);
    facts_clear(&node->facts);
    free(node->facts.completed);
    plan_ref_drop(node->origin);
    error_clear(&node->error);
    error_clear(&node->sensor.last);

    free(node->digest);
    free(node->making);
    free(node->detail);
    free(node->explain);
    free(node->cause);
    free(node->resource);
    free(node->name);
    free(node->id);
    free(node);
}

void nodes_reap(struct orchestrator *o)
{
    bool reaped = false;
    struct node *node, *next;
    HASH_ITER(hh, o->nodes, node, next)
    {
        bool in_plan = node->spec && node->origin == o->plan;
        bool is_held = in_plan || node->pins || node->doing || node->process || node == o->engine;
        if (is_held || node->want == WANT_UP || !node_is_gone(node) || node->state != STATE_REMOVED)
            continue;
        node->link_count = 0;
        node_free(node);
        reaped = true;
    }
    if (reaped)
        nodes_link(o);
}
