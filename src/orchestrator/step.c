/* The step: look for the first goal that is not met and start its action.
 *
 * node_step() is the only caller of actions and set_state() the only place where a node's state changes: it
 * emits the transition, wakes the neighbours and has the requests looked at. A step leaves something behind
 * that will wake the node again: an operation in flight, a timer, a sensor, a place in the queue of starts,
 * or a neighbour it waits for; that is asserted. Callbacks of operations write facts and call node_wake();
 * they never step.
 *
 * Failure: node_op_failed() tells trouble with the engine (the root is lost, nothing failed) from trouble
 * that may pass (again after a while, a few times) from failure for good. */
#include "orchestrator/internal.h"

#include "base/log.h"

#include <assert.h>
#include <string.h>

static NAMES(state_names,
             STATE_COUNT, [STATE_NONE] = "removed", [STATE_WAITING] = "waiting", [STATE_PULLING] = "pulling",
             [STATE_CREATING] = "creating", [STATE_STARTING] = "starting", [STATE_RUNNING] = "running",
             [STATE_READY] = "ready", [STATE_COMPLETED] = "completed", [STATE_FAILED] = "failed",
             [STATE_RESTARTING] = "restarting", [STATE_STOPPING] = "stopping", [STATE_STOPPED] = "stopped",
             [STATE_REMOVED] = "removed", [STATE_MANUAL] = "manual", [STATE_ENGINE_LOST] = "engine-lost");

const char *node_state_name(enum node_state state)
{
    return names_text(&state_names, state);
}

int64_t node_now(const struct node *node)
{
    return loop_now_ms(node->o->services.loop);
}

void node_wake(struct node *node)
{
    if (!node->o->closing)
        loop_post(node->o->services.loop, &node->turn);
}

void orchestrator_wake_all(struct orchestrator *o)
{
    for (struct node *node = o->nodes; node; node = node->hh.next)
        node_wake(node);
}

void node_wake_neighbours(struct node *node)
{
    for (size_t i = 0; i < node->dependant_count; i++)
        node_wake(node->dependants[i]);
    for (size_t i = 0; i < node->link_count; i++)
        node_wake(node->links[i].to);
    for (size_t i = 0; i < node->bonds.count; i++) {
        struct node *other = node_find(node->o, node->bonds.items[i]);
        if (other)
            node_wake(other);
    }
    for (struct node *other = node->o->nodes; other; other = other->hh.next) {
        /* What is found without a plan has no links: what may be used by it looks again. */
        bool is_used = other->kind == PLAN_NETWORK || other->kind == PLAN_VOLUME;
        bool may_use = node->kind == PLAN_CONTAINER || node->kind == PLAN_PROCESS;
        if (is_used && may_use && other->want == WANT_REMOVED)
            node_wake(other);
    }
}

static const char *kind_name(const struct node *node)
{
    return node->kind == NODE_ENGINE ? "engine" : plan_node_kind_name((enum plan_node_kind)node->kind);
}

static void emit(struct node *node)
{
    struct orchestrator *o = node->o;
    cleanup_error struct error error = {0};
    if (node->state == STATE_FAILED)
        report_node_error(node, &error);
    struct orchestrator_transition transition = {
        .time_ns = loop_wall_ns(o->services.loop),
        .resource = node->resource,
        .replica_of = node_replica_of(node),
        .node = node->id,
        .kind = kind_name(node),
        .state = node_state_name(node->state),
        .goal = node->goal ? node->goal->name : "",
        .detail = node->detail ? node->detail : "",
        .elapsed_ms = node->asked_ms ? node_now(node) - node->asked_ms : 0,
        .error = error.code ? &error : NULL,
        .current = node->current,
        .total = node->total,
    };
    log_debug("%s: %s %s %s", node->id, transition.state, transition.goal, transition.detail);
    if (o->services.on_transition)
        o->services.on_transition(&transition, o->services.data);
}

static void set_detail(struct node *node, char *detail, int64_t current, int64_t total)
{
    free(node->detail);
    node->detail = detail;
    node->current = current;
    node->total = total;
}

void node_set_detail(struct node *node, int64_t current, int64_t total, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *detail = xvasprintf(format, args);
    va_end(args);
    set_detail(node, detail, current, total);
    emit(node);
    if (node->kind == PLAN_IMAGE)
        node_wake_neighbours(node);
}

static void note_times(struct node *node, enum node_state state)
{
    struct facts *facts = &node->facts;
    if (state != STATE_READY && state != STATE_COMPLETED)
        return;
    facts->was_ready = true;
    facts->retries = 0;
    if (node->kind == PLAN_CONTAINER && facts->running)
        output_follow(node);
    if (!facts->ready_ms) {
        facts->ready_ms = node_now(node);
        facts->ready_wall_ns = loop_wall_ns(node->o->services.loop);
    }
}

/* Takes over detail (owned). */
static void set_state(struct node *node, enum node_state state, char *detail)
{
    enum node_state before = node->state;
    bool same = state == before;
    if (same && str_eq(detail, node->detail)) {
        free(detail);
        return;
    }
    node->state = state;
    set_detail(node, detail, node->current, node->total);
    if (!same)
        note_times(node, state);
    emit(node);
    if (same)
        return;
    node_wake_neighbours(node);
    if (state == STATE_REMOVED && node->existed && before != STATE_NONE && before != STATE_MANUAL) {
        node->existed = false;
        requests_note_removed(node);
    }
}

/* ---- operations ---- */

void node_op_begin(struct node *node, const char *name, struct engine_op *op)
{
    assert(!node->op_name);
    node->op_name = name;
    node->op = op;
    node->facts.disturbed = false;
    node->facts.answer_due_ms = 0;
}

void node_op_end(struct node *node)
{
    node->op_name = NULL;
    node->op = NULL;
    slot_release(node);
    node_wake(node);
}

static void cancel_op(struct node *node)
{
    struct orchestrator *o = node->o;
    engine_cancel(o->services.engine, node->op);
    if (!strcmp(node->op_name, "pull"))
        image_pull_cancelled(node);
    if (node->facts.seen == SEEN_PRESENT)
        node->facts.seen = SEEN_UNKNOWN;
    node_op_end(node);
}

static bool is_engine_trouble(const struct error *err)
{
    return err->code == ERROR_ENGINE || err->code == ERROR_PROTOCOL;
}

/* Another try after a while: conflicts and time-outs pass, on the way down nearly everything does. All tries
 * together have the time of a row. */
static bool may_pass(struct node *node, const struct error *err)
{
    struct facts *facts = &node->facts;
    if (!facts->retries)
        facts->trouble_ms = node_now(node);
    bool has_time = node_now(node) - facts->trouble_ms < goal_object_limit(node).ms;
    if (facts->retries >= RETRY_LIMIT || !has_time)
        return false;
    if (err->code == ERROR_CONFLICT || err->code == ERROR_TIMEOUT || err->code == ERROR_GONE)
        return true;
    return node->going_down;
}

void node_op_failed(struct node *node, const struct error *err)
{
    struct facts *facts = &node->facts;
    if (facts->seen == SEEN_PRESENT)
        facts->seen = SEEN_UNKNOWN;
    if (is_engine_trouble(err))
        engine_lose(node->o, err);
    /* An engine that goes away every time it is asked for this one thing: the thing is what fails. */
    if (is_engine_trouble(err) && (facts->was_ready || facts->retries++ < RETRY_LIMIT)) {
        node_wake(node);
        return;
    }
    log_info("%s: %s", node->id, err->text);
    if (may_pass(node, err)) {
        facts->not_before = node_now(node) + (facts->retries ? 100 << facts->retries : 0);
        facts->retries++;
        node_wake(node);
        return;
    }
    node_fail(node, err);
}

/* ---- failure ---- */

static void fail_now(struct node *node)
{
    node->failed = true;
    node->facts.ready = false;
    log_info("%s failed: %s", node->id, node->error.text);
    node_wake(node);
}

static void on_tail(const struct engine_result *result, const struct error *err, void *data)
{
    struct node *node = data;
    node_op_end(node);
    if (!err && result->output) {
        free(node->output.tail);
        node->output.tail = xstrdup(result->output);
    }
    fail_now(node);
}

/* The engine is asked by id, people know the name. */
static void name_the_object(struct node *node)
{
    const char *object = node->facts.object, *name = node->spec ? node->spec->run.engine_name : NULL;
    char *at = object && *object && name && node->error.text ? strstr(node->error.text, object) : NULL;
    if (!at)
        return;
    char *text =
        xasprintf("%.*s%s%s", (int)(at - node->error.text), node->error.text, name, at + strlen(object));
    free(node->error.text);
    node->error.text = text;
}

void node_fail(struct node *node, const struct error *err)
{
    struct orchestrator *o = node->o;
    struct facts *facts = &node->facts;
    error_clear(&node->error);
    error_copy(&node->error, err);
    name_the_object(node);
    if (node->resource && !node->error.resource)
        error_resource(&node->error, node->resource);
    const struct plan_resource *resource = node_resource(node);
    if (resource && resource->pos.file && !node->error.source.file)
        error_at(&node->error, resource->pos.file, resource->pos.line, resource->pos.column);
    /* What could not be taken down said nothing about that; and going down cancels the reading. */
    bool has_output = node->kind == PLAN_CONTAINER && facts->object && facts->started_ms && !node->going_down;
    if (!has_output || node->op_name || node->output.writer || !engine_is_listed(o)) {
        fail_now(node);
        return;
    }
    node_op_begin(node, "tail",
                  engine_container_tail(o->services.engine, facts->object, TAIL_LINES, on_tail, node));
}

void node_fail_text(struct node *node, enum error_code code, const char *format, ...)
{
    cleanup_error struct error err = {0};
    va_list args;
    va_start(args, format);
    error_vset(&err, code, format, args);
    va_end(args);
    node_fail(node, &err);
}

void node_clear_failure(struct node *node)
{
    node->failed = false;
    error_clear(&node->error);
    node->facts.retries = 0;
    node->facts.restarts = 0;
    node->facts.not_before = 0;
    node->facts.was_ready = node->facts.ready;
}

/* ---- the step ---- */

static void enter_goal(struct node *node, const struct goal *goal)
{
    if (goal == node->goal)
        return;
    int64_t now = node_now(node);
    if (node->goal && node->timing_count < GOAL_COUNT) {
        node->timings[node->timing_count].goal = node->goal->name;
        node->timings[node->timing_count++].ms = now - node->goal_ms;
    }
    node->goal = goal;
    node->goal_ms = now;
}

static int64_t deadline_of(struct node *node)
{
    const struct goal *goal = node->goal;
    if (!goal || !goal->limit || node->facts.was_ready)
        return 0;
    struct limit limit = goal->limit(node);
    limit_check(limit);
    return limit.is_forever ? 0 : node->goal_ms + limit.ms;
}

static void arm_timer(struct node *node)
{
    int64_t now = node_now(node), at = deadline_of(node);
    if (node->goal && node->facts.not_before > now && (!at || node->facts.not_before < at))
        at = node->facts.not_before;
    int64_t settled = node_settled_ms(node);
    if (node->goal && settled && (!at || settled < at))
        at = settled;
    if (at)
        timer_start(&node->timer, at > now ? at - now : 0);
    else
        timer_stop(&node->timer);
}

static bool will_be_woken(const struct node *node)
{
    if (!node->goal || !node->goal->act)
        return true; /* neighbours */
    bool by_events = node->kind == NODE_ENGINE && node->o->events;
    bool by_end = node->spec && node->spec->run.task && node_is_alive(node);
    return node->op_name || node->queued || node->turn.queued || node->sensor.on || by_events || by_end ||
           timer_is_armed(&node->timer);
}

static char *waiting_detail(struct node *node)
{
    struct orchestrator *o = node->o;
    if (node_needs_engine(node) && !engine_is_listed(o))
        return xstrdup("waiting for the engine");
    struct node *other = node_waits_for(node);
    if (other && other->kind == PLAN_IMAGE)
        return xstrdup_null(other->detail);
    if (other)
        return xasprintf("waiting for %s", other->resource ? other->resource : other->name);
    return node->missing ? xasprintf("waiting for %s", node->missing) : NULL;
}

static enum node_state final_state(struct node *node)
{
    if (node->going_down)
        return node->want == WANT_STOPPED ? STATE_STOPPED : STATE_REMOVED;
    if (node->facts.completed || node_is_over(node))
        return STATE_COMPLETED;
    return STATE_READY;
}

/* It ended and comes back after its pause, whatever has to be looked at again until then. */
static bool is_between_tries(struct node *node)
{
    const struct facts *facts = &node->facts;
    bool counts = !node->going_down && facts->restarts > 0 && facts->not_before > 0;
    return counts && !node_is_alive(node) && node->goal->state != STATE_STARTING &&
           node->goal->state != STATE_WAITING;
}

static void show(struct node *node)
{
    struct orchestrator *o = node->o;
    const struct goal *goal = node->goal;
    bool lost = node_needs_engine(node) && o->connected_once && o->lost_ms >= 0;
    if (lost && (goal || !node->going_down))
        set_state(node, STATE_ENGINE_LOST, NULL);
    else if (!goal) {
        free(take_ptr(&node->cause));
        set_state(node, final_state(node), node_early_end_text(node));
    } else if (goal->state == STATE_WAITING) {
        struct node *other = node_waits_for(node);
        bool pulls = other && other->kind == PLAN_IMAGE && other->state == STATE_PULLING;
        if (pulls) {
            node->current = other->current;
            node->total = other->total;
        }
        set_state(node, pulls ? STATE_PULLING : STATE_WAITING, waiting_detail(node));
    } else if (is_between_tries(node))
        set_state(node, STATE_RESTARTING, node_exit_text(node, ""));
    else if (goal->state == STATE_PULLING)
        set_state(node, STATE_PULLING, xstrdup_null(node->detail));
    else
        set_state(node, goal->state, xstrdup_null(node->cause));
}

static const struct goal *first_unmet(struct node *node)
{
    const struct lifecycle *lifecycle = node_lifecycle(node);
    const struct goal *goal = node->going_down ? lifecycle->down : lifecycle->up;
    bool stops_only = node->going_down && node_stops_only(node);
    for (; goal->name; goal++) {
        if (stops_only && goal->state == STATE_STOPPING && !strcmp(goal->name, "removed"))
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
    bool is_known = facts->seen != SEEN_UNKNOWN || node->process || !node->existed;
    node->going_down = false;
    if (node->kind == PLAN_IMAGE || node->kind == NODE_ENGINE)
        return;
    if (facts->running || node->process)
        state = facts->ready || node->state == STATE_READY ? STATE_READY : STATE_RUNNING;
    else if (facts->seen == SEEN_PRESENT)
        state = node->kind == PLAN_CONTAINER ? STATE_STOPPED : STATE_READY;
    else if (node->spec && node->spec->manual)
        state = STATE_MANUAL;
    node->goal = NULL;
    timer_stop(&node->timer);
    if (is_known && (state != STATE_REMOVED || node->state != STATE_NONE))
        set_state(node, state, NULL);
}

static void fail_late(struct node *node)
{
    if (node->kind == NODE_ENGINE) {
        engine_late(node);
        return;
    }
    const struct error *last = sensor_error(node);
    int64_t seconds = node->goal->limit(node).ms / 1000;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_TIMEOUT, "%s was not %s within %lld s%s%s",
              node->resource ? node->resource : node->id, node->goal->name, (long long)seconds,
              last ? ": " : "", last ? last->text : "");
    listening_hint(node, &err);
    node_fail(node, &err);
}

static bool is_late(struct node *node)
{
    int64_t deadline = deadline_of(node);
    return deadline && node_now(node) >= deadline;
}

/* An operation that outlasts its row. The last words of a failure are part of what comes after. */
static bool is_overdue(struct node *node)
{
    return node->op && strcmp(node->op_name, "tail") != 0 && is_late(node);
}

/* Its effect was seen a while ago: the answer is lost, and a look tells the same. */
static bool is_unanswered(const struct node *node)
{
    return node->op && node->facts.answer_due_ms && node_now(node) >= node->facts.answer_due_ms;
}

static void wait_for_answer(struct node *node)
{
    if (node->op && node->facts.answer_due_ms)
        timer_start(&node->timer, node->facts.answer_due_ms - node_now(node));
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
    return !strcmp(node->op_name, "pull") || !strcmp(node->op_name, "tail") ||
           (o->kill && !strcmp(node->op_name, "stop"));
}

static void turn_round(struct node *node, bool down)
{
    if (down == node->going_down)
        return;
    node->going_down = down;
    if (down) {
        node->facts.was_ready = false;
        node->facts.retries = 0;
        node->facts.not_before = 0;
    }
    node_wake_neighbours(node);
}

static void step_failed(struct node *node)
{
    timer_stop(&node->timer);
    slot_release(node);
    enter_goal(node, NULL);
    set_state(node, STATE_FAILED, NULL);
}

static void step(struct node *node)
{
    node->existed |= node->facts.seen == SEEN_PRESENT || node->process;
    watching_settle(node);
    if (node->want == WANT_KEEP) {
        if (!node->op_name)
            rest(node);
        return;
    }
    if (node->failed && !node->op_name) {
        step_failed(node);
        return;
    }
    bool down = node_is_going_down(node);
    if (may_cancel(node, down) || is_overdue(node) || is_unanswered(node))
        cancel_op(node);
    if (node->op_name) {
        wait_for_answer(node);
        return;
    }
    turn_round(node, down);
    node_decide(node);
    struct node *blocker = node_blocker(node);
    if (blocker) {
        step_failed(node);
        return;
    }
    enter_goal(node, first_unmet(node));
    if (node->has_slot && !(node->goal && !strcmp(node->goal->name, "running")))
        slot_release(node);
    show(node);
    if (node->goal)
        act(node);
    arm_timer(node);
    assert(will_be_woken(node));
}

static void node_step(void *data)
{
    struct node *node = data;
    step(node);
    requests_changed(node->o);
}

static void on_node_timer(void *data)
{
    node_wake(data);
}

void node_step_init(struct node *node)
{
    turn_init(&node->turn, node_step, node);
    timer_init(node->o->services.loop, &node->timer, on_node_timer, node);
}
