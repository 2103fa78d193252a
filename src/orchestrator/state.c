/* What a node shows: the only place where its state changes. Each change is one transition for whoever
 * follows; neighbours are woken, and the requests look again. */
#include "orchestrator/internal.h"

#include "base/log.h"
#include "base/pick.h"

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

static void emit(struct node *node)
{
    struct orchestrator *o = node->o;
    cleanup_error struct error error = {0};
    if (node->state == STATE_FAILED)
        report_node_error(node, &error);
    bool has_bytes = node->total || node->current;
    struct transition transition = {
        .type = NEWS_TRANSITION,
        .rev = ++o->rev,
        .time_ms = loop_wall_ns(o->services.loop) / 1000000,
        .resource = node->resource,
        .replica_of = node_replica_of(node),
        .node = node->id,
        .kind = view_kind_by_name(node->kind->name),
        .state = view_state_by_name(node_state_name(node->state)),
        .goal = "",
        .detail = text_or_empty(node->detail),
        .current = {has_bytes, node->current},
        .total = {has_bytes, node->total},
    };

    if (node->goal)
        transition.goal = node->goal->name;
    if (node->asked_ms)
        transition.elapsed_ms = node_now(node) - node->asked_ms;
    if (error.code)
        transition.cause = &error;

    node_touch(node);
    log_debug("%s: %s %s %s", node->id, node_state_name(node->state), transition.goal, transition.detail);
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
    if (node->kind->is_fetched)
        node_wake_neighbours(node);
}

static void note_times(struct node *node, enum node_state state)
{
    if (state != STATE_READY && state != STATE_COMPLETED)
        return;
    facts_was_ready(node, true);
    facts_count_retries(node, 0);
    if (node->kind->on_ready)
        node->kind->on_ready(node);
    if (!node->facts.ready_ms)
        facts_ready_since(node, node_now(node), loop_wall_ns(node->o->services.loop));
}

/* Takes over detail (owned). */
void node_set_state(struct node *node, enum node_state state, char *detail)
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
        node->o->on_removed(node);
    }
}
