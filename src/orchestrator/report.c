/* Reports of failures and of what would be done: JSON for commands to show. */
#include "orchestrator/internal.h"

#include <string.h>

cJSON *report_error(const struct error *err)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "code", error_name(err->code));
    json_add_string(json, "message", err->text);
    json_add_string(json, "resource", err->resource);
    json_add_string(json, "hint", err->hint);
    if (err->source.file) {
        json_add_string(json, "file", err->source.file);
        json_add_int(json, "line", err->source.line);
        json_add_int(json, "column", err->source.column);
    }
    return json;
}

static cJSON *resource_report(const struct node *node)
{
    const struct facts *facts = &node->facts;
    cleanup_error struct error err = {0};
    report_node_error(node, &err);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "name", node->resource ? node->resource : node->name);
    json_add_string(json, "kind", node->kind->name);
    json_add_string(json, "state", node_state_name(node->state));
    json_add_bool(json, "blocked", !node->failed && node->state == STATE_FAILED);
    if (err.code)
        cJSON_AddItemToObject(json, "error", report_error(&err));
    const struct error *last = sensor_error(node);
    if (last)
        json_add_string(json, "lastProbe", last->text);
    if (facts->exited || facts->exit_code || facts->exit_signal) {
        json_add_int(json, "exitCode", facts->exit_code);
        if (facts->exit_signal)
            json_add_int(json, "signal", facts->exit_signal);
        json_add_bool(json, "outOfMemory", facts->oom);
    }
    cleanup_free char *tail = output_tail(node);
    cleanup_free char *shown = tail && *tail ? xstrdup(tail) : NULL;
    json_add_string(json, "lastLines", shown);
    return json;
}

static bool is_of_interest(const struct node *node)
{
    bool waits = node->state != STATE_READY && node->state != STATE_COMPLETED &&
                 node->state != STATE_REMOVED && node->state != STATE_NONE && node->state != STATE_MANUAL &&
                 node->state != STATE_STOPPED;
    return node->state == STATE_FAILED || (waits && node->want == WANT_UP && node->resource);
}

cJSON *report_of(const struct request *request)
{
    struct orchestrator *o = request->o;
    cJSON *report = cJSON_CreateObject(), *resources = json_add_array(report, "resources");
    for (struct node *node = o->nodes; node; node = node->hh.next) {
        if (node != o->engine && is_of_interest(node))
            cJSON_AddItemToArray(resources, resource_report(node));
    }
    if (request->removed)
        cJSON_AddItemToObject(report, "removed", cJSON_Duplicate(request->removed, true));
    return report;
}

cJSON *report_dry_run(struct orchestrator *o, const struct plan *plan)
{
    cJSON *report = cJSON_CreateObject(), *resources = json_add_array(report, "resources");
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *spec = &plan->nodes[i];
        char *explain = NULL;
        cJSON *entry = cJSON_CreateObject();
        json_add_string(entry, "name", spec->resource ? spec->resource : spec->name);
        json_add_string(entry, "kind", plan_node_kind_name(spec->kind));
        json_add_string(entry, "decision", spec->manual ? "manual" : decision_of(o, spec, &explain));
        json_add_string(entry, "explain", explain);
        free(explain);
        cJSON_AddItemToArray(resources, entry);
    }
    return report;
}
