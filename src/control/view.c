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

static const struct record_field error_rows[] = {
    RECORD_CALLED("code", struct view_error, code, FIELD_STRING),
    RECORD_CALLED("message", struct view_error, message, FIELD_STRING),
    RECORD_CALLED("resource", struct view_error, resource, FIELD_STRING),
    RECORD_CALLED("hint", struct view_error, hint, FIELD_STRING),
    RECORD_CALLED("file", struct view_error, file, FIELD_STRING),
    RECORD_CALLED("line", struct view_error, line, FIELD_INT64),
    RECORD_CALLED("column", struct view_error, column, FIELD_INT64),
};
static RECORD(error_record, struct view_error, error_rows);

static const struct record_field port_rows[] = {
    RECORD_CALLED("endpoint", struct view_port, endpoint, FIELD_STRING),
    RECORD_CALLED("scheme", struct view_port, scheme, FIELD_STRING),
    RECORD_CALLED("host", struct view_port, host, FIELD_STRING),
    RECORD_ALWAYS("port", struct view_port, port, FIELD_INT64),
    RECORD_CALLED("targetPort", struct view_port, target_port, FIELD_INT64),
};
static RECORD(port_record, struct view_port, port_rows);

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_resource, member, kind)
#define ALWAYS(text, member, kind) RECORD_ALWAYS(text, struct view_resource, member, kind)
static const struct record_field resource_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("kind", kind, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    RECORD_NAMED(struct view_resource, state, state_names, false),
    ROW("goal", goal, FIELD_STRING),
    ROW("goalAt", goal_at, FIELD_INT64),
    ROW("detail", detail, FIELD_STRING),
    RECORD_NAMED(struct view_resource, health, health_names, false),
    ROW("role", role, FIELD_STRING),
    ROW("topology", topology, FIELD_STRING),
    ALWAYS("wanted", is_wanted, FIELD_BOOL),
    ALWAYS("task", is_task, FIELD_BOOL),
    RECORD_NAMED(struct view_resource, lifetime, lifetime_names, false),
    ROW("display", display, FIELD_STRING),
    RECORD_ARRAY(struct view_resource, ports, port_count, port_record, false, .always = true),
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
    RECORD_CUSTOM("timings", struct view_resource, timings, struct view_timings, &timings_form),
    ROW("decision", decision, FIELD_STRING),
    ROW("explain", explain, FIELD_STRING),
    RECORD_NESTED(struct view_resource, error, error_record, false),
};
#undef ALWAYS
RECORD(view_resource_record, struct view_resource, resource_rows);

/* Of a failure, or of what would be done. */
static const struct record_field reported_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("kind", kind, FIELD_STRING),
    RECORD_NAMED(struct view_resource, state, state_names, false),
    ROW("decision", decision, FIELD_STRING),
    ROW("explain", explain, FIELD_STRING),
    ROW("blocked", is_blocked, FIELD_BOOL),
    RECORD_NESTED(struct view_resource, error, error_record, false),
    ROW("lastProbe", last_probe, FIELD_STRING),
    ROW("exitCode", exit_code, FIELD_MAYBE),
    ROW("signal", signal, FIELD_INT64),
    ROW("outOfMemory", is_out_of_memory, FIELD_BOOL),
    ROW("lastLines", last_lines, FIELD_STRING),
};
#undef ROW
static RECORD(reported_record, struct view_resource, reported_rows);

static const struct record_field report_rows[] = {
    RECORD_ARRAY(struct view_report, resources, resource_count, reported_record, false, .always = true),
};
static RECORD(report_record, struct view_report, report_rows);

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

static const struct record_field published_rows[] = {
    RECORD_CALLED("host", struct view_published, host, FIELD_STRING),
    RECORD_CALLED("how", struct view_published, how, FIELD_STRING),
};
static RECORD(published_record, struct view_published, published_rows);

static const struct record_field engine_rows[] = {
    RECORD_ALWAYS("connected", struct view_engine, is_connected, FIELD_BOOL),
    RECORD_NAMED(struct view_engine, state, state_names, false),
    RECORD_NESTED(struct view_engine, published, published_record, false),
    RECORD_NESTED(struct view_engine, error, error_record, false),
};
RECORD(view_engine_record, struct view_engine, engine_rows);

static const struct record_field view_rows[] = {
    RECORD_CALLED("project", struct view, project, FIELD_STRING),
    RECORD_CALLED("hash", struct view, hash, FIELD_STRING),
    RECORD_CALLED("session", struct view, session, FIELD_STRING),
    RECORD_CALLED("manifest", struct view, manifest, FIELD_STRING),
    RECORD_CALLED("rev", struct view, rev, FIELD_INT64),
    RECORD_NESTED(struct view, engine, view_engine_record, false),
    RECORD_ARRAY(struct view, resources, resource_count, view_resource_record, false, .always = true),
    RECORD_ARRAY(struct view, others, other_count, view_resource_record, false, .always = true),
    RECORD_CUSTOM("report", struct view, report, struct view_report, &report_form),
};
static RECORD(view_record, struct view, view_rows);

static const struct record_field object_rows[] = {
    RECORD_CALLED("kind", struct view_object, kind, FIELD_STRING),
    RECORD_CALLED("name", struct view_object, name, FIELD_STRING),
    RECORD_CALLED("resource", struct view_object, resource, FIELD_STRING),
};
static RECORD(object_record, struct view_object, object_rows);

static const struct record_field down_rows[] = {
    RECORD_CALLED("left", struct view_down, has_left, FIELD_BOOL),
    RECORD_ARRAY(struct view_down, removed, removed_count, object_record, false),
    RECORD_ARRAY(struct view_down, kept, kept_count, object_record, false),
};
static RECORD(down_record, struct view_down, down_rows);

#define ROW(text, member, kind) RECORD_CALLED(text, struct transition, member, kind)
static const struct record_field transition_rows[] = {
    ROW("id", id, FIELD_INT64),
    RECORD_NAMED(struct transition, type, view_news_names, false),
    ROW("rev", rev, FIELD_INT64),
    ROW("timeMs", time_ms, FIELD_INT64),
    ROW("resource", resource, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    RECORD_NAMED(struct transition, kind, kind_names, false),
    RECORD_NAMED(struct transition, state, state_names, false),
    ROW("goal", goal, FIELD_STRING),
    ROW("detail", detail, FIELD_STRING),
    RECORD_ALWAYS("elapsedMs", struct transition, elapsed_ms, FIELD_INT64),
    ROW("current", current, FIELD_MAYBE),
    ROW("total", total, FIELD_MAYBE),
    RECORD_NESTED(struct transition, error, error_record, false),
    RECORD_CUSTOM("error", struct transition, cause, const struct error *, &cause_form),
};
#undef ROW
static RECORD(transition_record, struct transition, transition_rows);

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

static cJSON *written(const struct record *record, const void *from)
{
    cJSON *json = cJSON_CreateObject();
    record_write(record, from, false, json);
    return json;
}

cJSON *view_to_json(const struct view *view)
{
    return written(&view_record, view);
}

cJSON *view_resource_to_json(const struct view_resource *resource)
{
    return written(&view_resource_record, resource);
}

cJSON *view_engine_to_json(const struct view_engine *engine)
{
    return written(&view_engine_record, engine);
}

cJSON *view_report_to_json(const struct view_report *report)
{
    return written(&report_record, report);
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
    return written(&object_record, object);
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
    return written(&transition_record, transition);
}
