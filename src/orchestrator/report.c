/* Reports of failures and of what would be done: JSON for commands to show. */
#include "orchestrator/internal.h"

#include "base/pick.h"

#include <string.h>

static void add_exit(struct view_resource *record, const struct facts *facts)
{
    if (!facts->exited && !facts->exit_code && !facts->exit_signal)
        return;
    record->exit_code = (struct record_maybe){true, facts->exit_code};
    record->signal = facts->exit_signal;
    record->is_out_of_memory = facts->oom;
}

static bool is_of(const struct node *node, const struct node *told)
{
    return node == told || (node->failed && node->forming && node->forming == told->forming);
}

/* What of it the error of the whole says already. */
static void add_told(struct view_resource *record, const struct node *node, const struct node *told,
                     struct arena *arena)
{
    record->is_attempt_told = node->words_are_told;
    if (!told)
        return;
    bool is_late = node == told && !node->failed; /* it was waited for, and its last words were told */
    record->is_attempt_told |= is_late;
    record->is_told = is_of(node, told) || report_root_cause(node) == report_root_cause(told);
    if (!record->is_told || is_of(node, told))
        return;

    cleanup_free char *consequence = report_consequence(node);
    if (consequence)
        record->consequence = arena_strdup(arena, consequence);
}

static struct view_resource resource_report(const struct node *node, const struct node *told,
                                            struct arena *arena)
{
    cleanup_error struct error err = {0};
    cleanup_free char *tail = output_tail(node);
    struct view_resource record = {
        .name = node_shown_name(node),
        .kind = node->kind->name,
        .state = node_view_state(node),
        .last_probe = node_last_words(node),
        .is_blocked = !node->failed && node->state == STATE_FAILED,
    };

    report_node_error(node, &err);
    if (err.code)
        record.error = view_error_of(&err, arena);
    add_exit(&record, &node->facts);
    add_told(&record, node, told, arena);
    if (tail && *tail)
        record.last_lines = arena_strdup(arena, tail);
    return record;
}

static bool is_of_interest(const struct node *node)
{
    bool waits = node->state != STATE_READY && node->state != STATE_COMPLETED &&
                 node->state != STATE_REMOVED && node->state != STATE_NONE && node->state != STATE_MANUAL &&
                 node->state != STATE_STOPPED;
    return node->state == STATE_FAILED || (waits && node->want == WANT_UP && node->resource);
}

/* Of so many resources. */
static struct view_report report_new(struct arena *arena, size_t most)
{
    return (struct view_report){arena_alloc(arena, (most + 1) * sizeof(struct view_resource)), 0, NULL};
}

static cJSON *report_end(struct view_report *report, struct arena *arena)
{
    cJSON *json = view_report_to_json(report);
    arena_free(arena);
    return json;
}

cJSON *report_of(const struct request *request)
{
    struct orchestrator *o = request->o;
    struct arena arena = {0};
    const struct node *told = node_find(o, request->told);
    struct view_report report = report_new(&arena, HASH_COUNT(o->nodes));
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node != o->engine && is_of_interest(node))
            report.resources[report.resource_count++] = resource_report(node, told, &arena);
    }
    cJSON *json = report_end(&report, &arena);
    if (request->removed)
        cJSON_AddItemToObject(json, "removed", cJSON_Duplicate(request->removed, true));
    return json;
}

cJSON *report_dry_run(struct orchestrator *o, const struct plan *plan)
{
    struct arena arena = {0};
    struct view_report report = report_new(&arena, plan->node_count);
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *spec = &plan->nodes[i];
        struct view_resource *record = &report.resources[report.resource_count++];
        cleanup_free char *explain = NULL;
        record->name = text_or(spec->resource, spec->name);
        record->kind = plan_node_kind_name(spec->kind);
        record->decision = decision_of(o, spec, &explain);
        if (spec->manual)
            record->decision = "manual";
        if (explain)
            record->explain = arena_strdup(&arena, explain);
    }
    return report_end(&report, &arena);
}
