/* Connection strings: waiting → healthy. Nothing runs; with `check` a sensor tells whether the server
 * answers. */
#include "orchestrator/internal.h"

static bool is_checked(const struct node *node)
{
    return node_probe(node)->kind == PLAN_PROBE_NONE || node->facts.ready;
}

static void check(struct node *node)
{
    if (!node->sensor.on)
        sensor_start(node);
}

static bool always(const struct node *node)
{
    (void)node;
    return true;
}

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, goal_waiting_met),
    GOAL_ACTS("healthy", STATE_RUNNING, is_checked, check, goal_ready_limit),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("unused", STATE_STOPPING, always),
    GOALS_END,
};

const struct node_kind value_kind = {
    .name = "value",
    .up = up,
    .down = down,
    .is_main = true,
    .is_elsewhere = true,
    .on_down = sensor_stop,
};
