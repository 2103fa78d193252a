/* The step: look for the first goal that is not met and start its action.
 *
 * node_step() is the only caller of actions, and node_node_set_state() (state.c) the only place where a
 * node's state changes. A step leaves something behind that will wake the node again: an operation in flight,
 * a timer, a sensor, a place in the queue of starts, or a neighbour it waits for; that is asserted. Callbacks
 * of operations write facts and call node_wake(); they never step. */
#include "orchestrator/internal.h"

#include "base/log.h"
#include "base/pick.h"

#include <assert.h>
#include <string.h>

static void enter_goal(struct node *node, const struct goal *goal)
{
    if (goal == node->goal)
        return;
    int64_t now = node_now(node);
    if (node->goal && node->timing_count < GOAL_COUNT) {
        node->timings[node->timing_count].goal = node->goal->name;
        node->timings[node->timing_count++].ms = now - node->goal_ms;
    }
    if (node->goal)
        moment_of_goal(node);
    node->goal = goal;
    node->goal_ms = now;
    node->goal_ns = loop_wall_ns(node->o->services.loop);
}

static int64_t deadline_of(const struct node *node)
{
    const struct goal *goal = node->goal;
    if (!goal || !goal->limit || node->facts.was_ready)
        return 0;
    struct limit limit = goal->limit(node);
    limit_check(limit);
    if (limit.is_forever)
        return 0;
    return node->goal_ms + limit.ms;
}

/* 0: never. */
static int64_t earlier(int64_t one, int64_t other)
{
    if (!one || (other && other < one))
        return other;
    return one;
}

static void arm_timer(struct node *node)
{
    int64_t now = node_now(node), at = earlier(deadline_of(node), node->glance_ms);
    if (node->goal && node->facts.not_before > now)
        at = earlier(at, node->facts.not_before);
    if (node->goal)
        at = earlier(at, node_settled_ms(node));
    if (at)
        timer_start(&node->timer, int64_max(at - now, 0));
    else
        timer_stop(&node->timer);
}

static bool will_be_woken(const struct node *node)
{
    if (!node->goal || !node->goal->act)
        return true; /* neighbours */
    bool by_events = node == node->o->engine && node->o->events;
    bool by_end = node->spec && node->spec->run.task && node_is_alive(node);
    return node->doing || node->queued || node->turn.queued || node->sensor.on || by_events || by_end ||
           timer_is_armed(&node->timer);
}

static char *waiting_detail(struct node *node)
{
    struct orchestrator *o = node->o;
    if (node_needs_engine(node) && !engine_is_listed(o))
        return xstrdup("waiting for the engine");
    struct node *other = node_waits_for(node);
    if (other && other->kind->is_fetched)
        return xstrdup_null(other->detail);
    if (other)
        return xasprintf("waiting for %s", node_shown_name(other));
    if (node->missing)
        return xasprintf("waiting for %s", node->missing);
    return NULL;
}

static enum node_state final_state(struct node *node)
{
    if (node->going_down && node->want == WANT_STOPPED)
        return STATE_STOPPED;
    if (node->going_down)
        return STATE_REMOVED;
    if (node->facts.completed || node_is_over(node))
        return STATE_COMPLETED;
    return STATE_READY;
}

/* The caller frees. */
static char *final_detail(const struct node *node)
{
    if (!node->going_down && node->facts.role)
        return xstrdup(node->facts.role);
    return node_early_end_text(node);
}

/* It ended and comes back after its pause, whatever has to be looked at again until then. */
static bool is_between_tries(const struct node *node)
{
    const struct facts *facts = &node->facts;
    bool counts = !node->going_down && facts->restarts > 0 && facts->not_before > 0;
    return counts && !node_is_alive(node) && node->goal->state != STATE_STARTING &&
           node->goal->state != STATE_WAITING;
}

/* What runs is not being created: it is looked at again, or put on its network, or taken off it. */
static enum node_state state_of(const struct node *node, const struct goal *goal)
{
    if (goal->state == STATE_CREATING && node_is_alive(node))
        return STATE_RUNNING;
    return goal->state;
}

static void show(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct goal *goal = node->goal;
    bool lost = node_needs_engine(node) && o->connected_once && o->lost_ms >= 0;

    if (lost && (goal || !node->going_down))
        node_set_state(node, STATE_ENGINE_LOST, NULL);
    else if (!goal) {
        free(take_ptr(&node->cause));
        node_set_state(node, final_state(node), final_detail(node));
    } else if (goal->state == STATE_WAITING) {
        struct node *other = node_waits_for(node);
        enum node_state state = STATE_WAITING;
        if (other && other->kind->is_fetched && other->state == STATE_PULLING) {
            state = STATE_PULLING;
            node->current = other->current;
            node->total = other->total;
        }
        node_set_state(node, state, waiting_detail(node));
    } else if (is_between_tries(node))
        node_set_state(node, STATE_RESTARTING, node_exit_text(node, ""));
    else if (goal->state == STATE_PULLING)
        node_set_state(node, STATE_PULLING, xstrdup_null(node->detail));
    else
        node_set_state(node, state_of(node, goal), xstrdup_null(text_or(forming_delay(node), node->cause)));
}

static const struct goal *first_unmet(const struct node *node)
{
    const struct goal *goal = node->kind->up;
    if (node->going_down)
        goal = node->kind->down;
    bool stops_only = node->going_down && node_stops_only(node);
    for (; goal->name; goal++) {
        if (stops_only && goal->removes)
            return NULL;
        if (!goal->is_met(node))
            return goal;
    }
    return NULL;
}

/* Nobody asked for anything: only say what is there. What is not known now is as it was. */
static void rest(struct node *node)
{
    const struct facts *facts = &node->facts;
    enum node_state state = STATE_REMOVED;
    bool runs = facts->running || node->process, is_there = facts->seen == SEEN_PRESENT;
    bool is_known = facts->seen != SEEN_UNKNOWN || node->process || !node->existed;
    node->going_down = false;
    if (node->kind->is_silent)
        return;

    if (runs && !facts->ready && node->state != STATE_READY)
        state = STATE_RUNNING;
    else if (runs || (is_there && !node->kind->at_engine))
        state = STATE_READY;
    else if (is_there)
        state = STATE_STOPPED;
    else if (node->spec && node->spec->manual)
        state = STATE_MANUAL;

    node->goal = NULL;
    timer_stop(&node->timer);
    if (is_known && (state != STATE_REMOVED || node->state != STATE_NONE))
        node_set_state(node, state, NULL);
}

const char *node_last_words(const struct node *node)
{
    const struct error *last = sensor_error(node);
    const char *trouble = forming_trouble(node);
    if (last && !trouble)
        return last->text;
    return trouble;
}

static void fail_late(struct node *node)
{
    if (node->kind->on_late) {
        node->kind->on_late(node);
        return;
    }
    const char *last = node_last_words(node);
    int64_t seconds = node->goal->limit(node).ms / 1000;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_TIMEOUT, "%s was not %s within %lld s%s%s", node_exact_name(node), node->goal->name,
              (long long)seconds, text_if(last, ": "), text_or_empty(last));
    listening_hint(node, &err);
    node_give_up(node, &err);
    node->words_are_told = last != NULL;
}

static bool is_late(const struct node *node)
{
    int64_t deadline = deadline_of(node);
    return deadline && node_now(node) >= deadline;
}

/* An operation that outlasts its row. The last words of a failure are part of what comes after. */
static bool is_overdue(const struct node *node)
{
    return node->op && node->doing != OP_TAIL && is_late(node);
}

/* Its effect was seen a while ago: the answer is lost, and a look tells the same. */
static bool is_unanswered(const struct node *node)
{
    return node->op && node->facts.answer_due_ms && node_now(node) >= node->facts.answer_due_ms;
}

static void wait_for_answer(struct node *node)
{
    if (!node->op)
        return;
    glance_if_due(node);
    int64_t at = earlier(node->facts.answer_due_ms, node->glance_ms);
    if (node->doing != OP_TAIL)
        at = earlier(at, deadline_of(node));
    int64_t left = at - node_now(node);
    if (at)
        timer_start(&node->timer, int64_max(left, 0));
}

static void act(struct node *node)
{
    const struct goal *goal = node->goal;
    int64_t now = node_now(node);
    if (is_late(node)) {
        fail_late(node);
        return;
    }
    if (goal->act && now >= node->facts.not_before)
        goal->act(node);
}

static bool may_cancel(const struct node *node, bool down)
{
    const struct orchestrator *o = node->o;
    if (!down || !node->op)
        return false;
    return node->doing == OP_PULL || node->doing == OP_TAIL || (o->kill && node->doing == OP_STOP);
}

static void turn_round(struct node *node, bool down)
{
    if (down == node->going_down)
        return;
    node->going_down = down;
    if (down) {
        facts_was_ready(node, false);
        facts_count_retries(node, 0);
        facts_pause_until(node, 0);
        if (node->kind->on_down)
            node->kind->on_down(node);
    }
    node_wake_neighbours(node);
}

static void step_failed(struct node *node)
{
    timer_stop(&node->timer);
    slot_release(node);
    enter_goal(node, NULL);
    node_set_state(node, STATE_FAILED, NULL);
}

static void step(struct node *node)
{
    node->existed |= node->facts.seen == SEEN_PRESENT || node->process;
    watching_settle(node);

    if (node->want == WANT_KEEP) {
        if (!node->doing)
            rest(node);
        return;
    }
    if (node->failed && !node->doing) {
        step_failed(node);
        return;
    }

    if (node->want == WANT_UP && node->spec)
        values_digest(node); /* the rows only look at it */
    bool down = node_is_going_down(node);
    if (may_cancel(node, down) || is_overdue(node) || is_unanswered(node))
        node_op_cancel(node);
    if (node->doing) {
        wait_for_answer(node);
        return;
    }

    turn_round(node, down);
    node_decide(node);
    if (node_blocker(node)) {
        step_failed(node);
        return;
    }

    if (node->kind->learn)
        node->kind->learn(node);
    enter_goal(node, first_unmet(node));
    if (node->has_slot && !(node->goal && node->goal->holds_slot))
        slot_release(node);
    show(node);
    if (node->goal)
        act(node);
    arm_timer(node);
    assert(will_be_woken(node));
}

void node_step(void *data)
{
    struct node *node = data;
    step(node);
    node_touch(node);
}
