/* Spans of a node's time, told when they are over: rows that it worked on, operations that were in flight. */
#include "orchestrator/internal.h"

static NAMES(op_names, OP_COUNT, [OP_NONE] = "", [OP_PING] = "ping", [OP_LOCATE] = "locate",
             [OP_LIST] = "list", [OP_SURVEY] = "survey", [OP_PULL] = "pull", [OP_LOOK] = "look",
             [OP_CREATE] = "create", [OP_JOIN] = "join", [OP_START] = "start", [OP_SIGNAL] = "signal",
             [OP_STOP] = "stop", [OP_REMOVE] = "remove", [OP_TAIL] = "tail");

/* The wall clock may have been set back meanwhile. */
static int64_t elapsed_us(int64_t from_ns, int64_t to_ns)
{
    if (to_ns < from_ns)
        return 0;
    return (to_ns - from_ns) / 1000;
}

static void tell(const struct node *node, enum view_news type, const char *name, int64_t since_ns)
{
    struct orchestrator *o = node->o;
    const struct view_moment moment = {
        .type = type,
        .rev = ++o->rev,
        .resource = node->resource,
        .replica_of = node_replica_of(node),
        .node = node->id,
        .name = name,
        .waits = type == NEWS_GOAL && node->goal->state == STATE_WAITING,
        .begin_us = since_ns / 1000,
        .elapsed_us = elapsed_us(since_ns, loop_wall_ns(o->services.loop)),
    };
    if (o->services.on_moment)
        o->services.on_moment(&moment, o->services.data);
}

void moment_of_goal(const struct node *node)
{
    tell(node, NEWS_GOAL, node->goal->name, node->goal_ns);
}

void moment_of_op(const struct node *node)
{
    tell(node, NEWS_REQUEST, names_text(&op_names, node->doing), node->doing_ns);
}
