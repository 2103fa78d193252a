/* Tables of what crosses the control socket, and reading and writing by them. See view.h. */
#include "control/view.h"
#include "control/internal.h"

#include "base/names.h"

#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static NAMES(state_names,
             VIEW_STATE_COUNT, [VIEW_NO_STATE] = "", [VIEW_WAITING] = "waiting", [VIEW_PULLING] = "pulling",
             [VIEW_CREATING] = "creating", [VIEW_STARTING] = "starting", [VIEW_RUNNING] = "running",
             [VIEW_READY] = "ready", [VIEW_COMPLETED] = "completed", [VIEW_FAILED] = "failed",
             [VIEW_RESTARTING] = "restarting", [VIEW_STOPPING] = "stopping", [VIEW_STOPPED] = "stopped",
             [VIEW_REMOVED] = "removed", [VIEW_MANUAL] = "manual", [VIEW_ENGINE_LOST] = "engine-lost");
static NAMES(kind_names,
             VIEW_KIND_COUNT, [VIEW_NO_KIND] = "", [VIEW_ENGINE] = "engine", [VIEW_IMAGE] = "image",
             [VIEW_NETWORK] = "network", [VIEW_VOLUME] = "volume", [VIEW_CONTAINER] = "container",
             [VIEW_PROCESS] = "process", [VIEW_VALUE] = "value", [VIEW_PULL] = "pull");
static NAMES(health_names, HEALTH_COUNT, [HEALTH_UNKNOWN] = "", [HEALTH_STARTING] = "starting",
             [HEALTH_HEALTHY] = "healthy", [HEALTH_UNHEALTHY] = "unhealthy");
static NAMES(lifetime_names, LIFETIME_COUNT, [LIFETIME_UNKNOWN] = "", [LIFETIME_SESSION] = "session",
             [LIFETIME_PERSISTENT] = "persistent");
NAMES(view_news_names, NEWS_COUNT, [NEWS_NONE] = "", [NEWS_TRANSITION] = "transition", [NEWS_LOST] = "lost",
      [NEWS_DONE] = "done", [NEWS_VIEW] = "view", [NEWS_CHANGES] = "changes", [NEWS_MOMENTS] = "moments",
      [NEWS_GOAL] = "goal", [NEWS_REQUEST] = "request");

const char *view_state_name(enum view_state state)
{
    return names_text(&state_names, state);
}

enum view_state view_state_by_name(const char *name)
{
    int state = names_find(&state_names, name);
    if (state < 0)
        return VIEW_NO_STATE;
    return (enum view_state)state;
}

const char *view_kind_name(enum view_kind kind)
{
    return names_text(&kind_names, kind);
}

enum view_kind view_kind_by_name(const char *name)
{
    int kind = names_find(&kind_names, name);
    if (kind < 0)
        return VIEW_NO_KIND;
    return (enum view_kind)kind;
}

enum view_kind view_kind_of_node(const char *id)
{
    cleanup_free char *kind = xstrndup(id, strcspn(id, ":"));
    return view_kind_by_name(kind);
}

/* ---- values with a form of their own ---- */

static cJSON *write_cause(const void *value, bool spec_only)
{
    const struct error *const *cause = value;
    (void)spec_only;
    if (*cause)
        return control_error_to_json(*cause);
    return NULL;
}

static bool skip_cause(const cJSON *json, struct arena *arena, void *value)
{
    (void)json, (void)arena, (void)value;
    return true;
}

static const struct record_custom cause_form = {write_cause, skip_cause};

static cJSON *write_timings(const void *value, bool spec_only)
{
    const struct view_timings *timings = value;
    cJSON *json = cJSON_CreateObject();
    (void)spec_only;
    for (size_t i = 0; i < timings->count; i++)
        json_add_int(json, timings->items[i].goal, timings->items[i].ms);
    return json;
}

static bool read_timings(const cJSON *json, struct arena *arena, void *value)
{
    struct view_timings *timings = value;
    const cJSON *item;
    timings->items = arena_alloc(arena, ((size_t)cJSON_GetArraySize(json) + 1) * sizeof *timings->items);
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsNumber(item))
            return false;
        timings->items[timings->count++] =
            (struct view_timing){arena_strdup(arena, item->string), (int64_t)item->valuedouble};
    }
    return cJSON_IsObject(json);
}

static const struct record_custom timings_form = {write_timings, read_timings};

/* ---- tables ---- */

#define OWNER struct view_error
static const struct record_field error_rows[] = {
    ROW("code", code, FIELD_STRING),         ROW("message", message, FIELD_STRING),
    ROW("resource", resource, FIELD_STRING), ROW("hint", hint, FIELD_STRING),
    ROW("file", file, FIELD_STRING),         ROW("line", line, FIELD_INT64),
    ROW("column", column, FIELD_INT64),
};
RECORD(view_error_record, OWNER, error_rows);
#undef OWNER

#define OWNER struct view_port
static const struct record_field port_rows[] = {
    ROW("endpoint", endpoint, FIELD_STRING),
    ROW("scheme", scheme, FIELD_STRING),
    ROW("host", host, FIELD_STRING),
    ALWAYS("port", port, FIELD_INT64),
    ROW("targetPort", target_port, FIELD_INT64),
};
static RECORD(port_record, OWNER, port_rows);
#undef OWNER

#define OWNER struct view_resource
static const struct record_field resource_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("kind", kind, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    NAMED(state, state_names),
    ROW("goal", goal, FIELD_STRING),
    ROW("goalAt", goal_at, FIELD_INT64),
    ROW("detail", detail, FIELD_STRING),
    NAMED(health, health_names),
    ROW("role", role, FIELD_STRING),
    ROW("topology", topology, FIELD_STRING),
    ALWAYS("wanted", is_wanted, FIELD_BOOL),
    ALWAYS("task", is_task, FIELD_BOOL),
    NAMED(lifetime, lifetime_names),
    ROW("display", display, FIELD_STRING),
    LIST(ports, port_count, port_record, true),
    ROW("host", host, FIELD_STRING),
    ROW("port", port, FIELD_INT64),
    ROW("pid", pid, FIELD_INT64),
    ROW("containerId", container_id, FIELD_STRING),
    ROW("containerName", container_name, FIELD_STRING),
    ROW("image", image, FIELD_STRING),
    ROW("exitCode", exit_code, FIELD_MAYBE),
    ALWAYS("restarts", restarts, FIELD_INT64),
    ROW("startedAt", started_at, FIELD_INT64),
    ROW("readyAt", ready_at, FIELD_INT64),
    CUSTOM("timings", timings, struct view_timings, &timings_form),
    ROW("decision", decision, FIELD_STRING),
    ROW("explain", explain, FIELD_STRING),
    NESTED(error, view_error_record),
};
RECORD(view_resource_record, OWNER, resource_rows);
#undef OWNER

/* Of a failure, or of what would be done. */
#define OWNER struct view_resource
static const struct record_field reported_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("kind", kind, FIELD_STRING),
    NAMED(state, state_names),
    ROW("decision", decision, FIELD_STRING),
    ROW("explain", explain, FIELD_STRING),
    ROW("blocked", is_blocked, FIELD_BOOL),
    ROW("told", is_told, FIELD_BOOL),
    ROW("consequence", consequence, FIELD_STRING),
    NESTED(error, view_error_record),
    ROW("lastProbe", last_probe, FIELD_STRING),
    ROW("attemptTold", is_attempt_told, FIELD_BOOL),
    ROW("exitCode", exit_code, FIELD_MAYBE),
    ROW("signal", signal, FIELD_INT64),
    ROW("outOfMemory", is_out_of_memory, FIELD_BOOL),
    ROW("lastLines", last_lines, FIELD_STRING),
};
static RECORD(reported_record, OWNER, reported_rows);
#undef OWNER

#define OWNER struct view_report
static const struct record_field report_rows[] = {
    LIST(resources, resource_count, reported_record, true),
};
static RECORD(report_record, OWNER, report_rows);
#undef OWNER

/* Its writer adds it where there is one. */
static cJSON *write_no_report(const void *value, bool spec_only)
{
    (void)value, (void)spec_only;
    return NULL;
}

static bool read_report(const cJSON *json, struct arena *arena, void *value)
{
    return record_read(&report_record, json, arena, value, NULL) == 0;
}

static const struct record_custom report_form = {write_no_report, read_report};

#define OWNER struct view_published
static const struct record_field published_rows[] = {
    ROW("host", host, FIELD_STRING),
    ROW("how", how, FIELD_STRING),
};
RECORD(view_published_record, OWNER, published_rows);
#undef OWNER

#define OWNER struct view_engine
static const struct record_field engine_rows[] = {
    ALWAYS("connected", is_connected, FIELD_BOOL),
    NAMED(state, state_names),
    NESTED(published, view_published_record),
    NESTED(error, view_error_record),
};
RECORD(view_engine_record, OWNER, engine_rows);
#undef OWNER

#define OWNER struct view
static const struct record_field view_rows[] = {
    ROW("project", project, FIELD_STRING),
    ROW("hash", hash, FIELD_STRING),
    ROW("session", session, FIELD_STRING),
    ROW("manifest", manifest, FIELD_STRING),
    ROW("rev", rev, FIELD_INT64),
    NESTED(engine, view_engine_record),
    LIST(resources, resource_count, view_resource_record, true),
    LIST(others, other_count, view_resource_record, true),
    CUSTOM("report", report, struct view_report, &report_form),
};
static RECORD(view_record, OWNER, view_rows);
#undef OWNER

#define OWNER struct view_object
static const struct record_field object_rows[] = {
    ROW("kind", kind, FIELD_STRING),
    ROW("name", name, FIELD_STRING),
    ROW("resource", resource, FIELD_STRING),
};
static RECORD(object_record, OWNER, object_rows);
#undef OWNER

#define OWNER struct view_down
static const struct record_field down_rows[] = {
    ROW("left", has_left, FIELD_BOOL),
    LIST(removed, removed_count, object_record, true),
    LIST(kept, kept_count, object_record, true),
};
static RECORD(down_record, OWNER, down_rows);
#undef OWNER

#define OWNER struct transition
static const struct record_field transition_rows[] = {
    ROW("id", id, FIELD_INT64),
    NAMED(type, view_news_names),
    ROW("rev", rev, FIELD_INT64),
    ROW("timeMs", time_ms, FIELD_INT64),
    ROW("resource", resource, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    NAMED(kind, kind_names),
    NAMED(state, state_names),
    ROW("goal", goal, FIELD_STRING),
    ROW("detail", detail, FIELD_STRING),
    ALWAYS("elapsedMs", elapsed_ms, FIELD_INT64),
    ROW("current", current, FIELD_MAYBE),
    ROW("total", total, FIELD_MAYBE),
    NESTED(error, view_error_record),
    CUSTOM("error", cause, const struct error *, &cause_form),
};
static RECORD(transition_record, OWNER, transition_rows);
#undef OWNER

/* ---- reading and writing ---- */

void view_note_resources(struct view_resource *resources, const cJSON *list)
{
    const cJSON *item, *port;
    cJSON_ArrayForEach(item, list)
    {
        struct view_resource *resource = resources++;
        struct view_port *at = resource->ports;
        resource->json = item;
        if (resource->node)
            resource->node_kind = view_kind_of_node(resource->node);
        cJSON_ArrayForEach(port, json_get(item, "ports"))(at++)->json = port;
    }
}

struct view *view_read(cJSON *json, struct error *err)
{
    struct view *view = xcalloc(1, sizeof *view);
    view->json = json;
    if (record_read(&view_record, json, &view->arena, view, err)) {
        error_wrap(err, "the supervisor's view");
        view_free(view);
        return NULL;
    }
    view_note_resources(view->resources, json_get(json, "resources"));
    view_note_resources(view->others, json_get(json, "others"));
    view->report.json = json_get(json, "report");
    view_note_resources(view->report.resources, json_get(view->report.json, "resources"));
    return view;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    cJSON_Delete(view->json);
    arena_free(&view->arena);
    free(view);
}

void view_free_ptr(struct view **view)
{
    view_free(*view);
}

cJSON *view_to_json(const struct view *view)
{
    return record_to_json(&view_record, view);
}

cJSON *view_resource_to_json(const struct view_resource *resource)
{
    return record_to_json(&view_resource_record, resource);
}

cJSON *view_engine_to_json(const struct view_engine *engine)
{
    return record_to_json(&view_engine_record, engine);
}

cJSON *view_report_to_json(const struct view_report *report)
{
    return record_to_json(&report_record, report);
}

struct view_error view_error_of(const struct error *error, struct arena *arena)
{
    const struct source *source = &error->source;
    struct view_error told = {.code = error_name(error->code)};
    told.message = arena_strdup(arena, error->text);
    if (error->resource)
        told.resource = arena_strdup(arena, error->resource);
    if (error->hint)
        told.hint = arena_strdup(arena, error->hint);
    if (!source->file)
        return told;
    told.file = arena_strdup(arena, source->file);
    told.line = source->line;
    told.column = source->column;
    return told;
}

cJSON *view_object_to_json(const struct view_object *object)
{
    return record_to_json(&object_record, object);
}

cJSON *view_objects_to_json(const struct view_object *objects, size_t count)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, view_object_to_json(&objects[i]));
    return list;
}

struct view_down *view_down_read(cJSON *json, struct error *err)
{
    struct view_down *down = xcalloc(1, sizeof *down);
    down->json = json;
    if (!record_read(&down_record, json, &down->arena, down, err))
        return down;
    error_wrap(err, "the answer to down");
    view_down_free_ptr(&down);
    return NULL;
}

struct view_down *view_down_copy(const cJSON *report)
{
    struct view_down *down = NULL;
    if (report)
        down = view_down_read(cJSON_Duplicate(report, true), NULL);
    if (!down)
        down = xcalloc(1, sizeof *down);
    return down;
}

cJSON *view_down_to_json(const struct view_down *down)
{
    return record_to_json(&down_record, down);
}

void view_down_free_ptr(struct view_down **down)
{
    if (!*down)
        return;
    cJSON_Delete((*down)->json);
    arena_free(&(*down)->arena);
    free(*down);
}

int transition_read(const cJSON *json, struct arena *arena, struct transition *transition)
{
    *transition = (struct transition){.json = json};
    return record_read(&transition_record, json, arena, transition, NULL);
}

cJSON *transition_to_json(const struct transition *transition)
{
    return record_to_json(&transition_record, transition);
}
