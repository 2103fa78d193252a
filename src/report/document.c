/* The report's record, what it takes from views and moments, and the document without secrets. See report.h.
 */
#include "report/internal.h"
#include "ui/waterfall.h"

#include "base/mem.h"
#include "base/names.h"
#include "base/pick.h"

#include <string.h>

static NAMES(outcome_names,
             REPORT_OUTCOME_COUNT, [REPORT_NO_OUTCOME] = "", [REPORT_UNFINISHED] = "unfinished",
             [REPORT_PASSED] = "passed", [REPORT_FAILED] = "failed", [REPORT_INTERRUPTED] = "interrupted");

const char *report_outcome_name(enum report_outcome outcome)
{
    return names_text(&outcome_names, outcome);
}

/* ---- tables ---- */

#define ROW(text, member, kind) RECORD_CALLED(text, OWNER, member, kind)
#define ALWAYS(text, member, kind) RECORD_ALWAYS(text, OWNER, member, kind)

#define OWNER struct report_phase
static const struct record_field phase_rows[] = {
    ROW("name", name, FIELD_STRING),
    ALWAYS("beginMs", begin_ms, FIELD_INT64),
    ALWAYS("elapsedMs", elapsed_ms, FIELD_INT64),
};
static RECORD(phase_record, OWNER, phase_rows);
#undef OWNER

#define OWNER struct report_span
static const struct record_field span_rows[] = {
    ROW("resource", resource, FIELD_STRING),
    ROW("goal", goal, FIELD_STRING),
    ROW("waits", waits, FIELD_BOOL),
    ALWAYS("beginMs", begin_ms, FIELD_INT64),
    ALWAYS("elapsedMs", elapsed_ms, FIELD_INT64),
};
static RECORD(span_record, OWNER, span_rows);
#undef OWNER

#define OWNER struct report_image
static const struct record_field image_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("id", id, FIELD_STRING),
    ROW("digest", digest, FIELD_STRING),
};
static RECORD(image_record, OWNER, image_rows);
#undef OWNER

#define OWNER struct report_timing
static const struct record_field timing_rows[] = {
    ROW("goal", goal, FIELD_STRING),
    ALWAYS("ms", ms, FIELD_INT64),
};
static RECORD(timing_record, OWNER, timing_rows);
#undef OWNER

#define OWNER struct report_resource
static const struct record_field resource_rows[] = {
    ROW("name", name, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("kind", kind, FIELD_STRING),
    ROW("state", state, FIELD_STRING),
    ROW("health", health, FIELD_STRING),
    ROW("role", role, FIELD_STRING),
    ROW("address", address, FIELD_STRING),
    ROW("image", image, FIELD_STRING),
    ROW("decision", decision, FIELD_STRING),
    ROW("explain", explain, FIELD_STRING),
    ROW("task", is_task, FIELD_BOOL),
    ALWAYS("wanted", is_wanted, FIELD_BOOL),
    ALWAYS("restarts", restarts, FIELD_INT64),
    ROW("exitCode", exit_code, FIELD_MAYBE),
    ROW("signal", signal, FIELD_INT64),
    ROW("outOfMemory", is_out_of_memory, FIELD_BOOL),
    RECORD_ARRAY(OWNER, timings, timing_count, timing_record, false),
    RECORD_NESTED(OWNER, error, view_error_record, false),
    ROW("lastProbe", last_probe, FIELD_STRING),
    ROW("lastLines", last_lines, FIELD_STRING),
};
static RECORD(resource_record, OWNER, resource_rows);
#undef OWNER

#define OWNER struct report_engine
static const struct record_field engine_rows[] = {
    ROW("kind", kind, FIELD_STRING),
    ROW("server", server, FIELD_STRING),
    ROW("apiVersion", api_version, FIELD_STRING),
    RECORD_NESTED(OWNER, published, view_published_record, false),
};
static RECORD(engine_record, OWNER, engine_rows);
#undef OWNER

#define CALLED_ARRAY(text, member, counter, record)                                                          \
    {                                                                                                        \
        .name = text, .type = FIELD_ARRAY, .offset = RECORD_OFFSET(OWNER, member, record##_owner *),         \
        .count_offset = RECORD_OFFSET(OWNER, counter, size_t), .sub = &(record)                              \
    }
#define OWNER struct report
static const struct record_field report_rows[] = {
    ALWAYS("version", version, FIELD_INT),
    ROW("apphost", program, FIELD_STRING),
    RECORD_NAMED(OWNER, outcome, outcome_names, false),
    ROW("phase", phase, FIELD_STRING),
    ROW("exitCode", exit_code, FIELD_MAYBE),
    ROW("code", code, FIELD_MAYBE),
    ROW("signal", signal, FIELD_MAYBE),
    RECORD_NESTED(OWNER, error, view_error_record, false),
    ROW("resource", resource, FIELD_STRING),
    ROW("beganAt", began_at, FIELD_INT64),
    ALWAYS("elapsedMs", elapsed_ms, FIELD_INT64),
    ROW("project", project, FIELD_STRING),
    ROW("manifest", manifest, FIELD_STRING),
    ROW("variant", variant, FIELD_STRING),
    ROW("worker", worker, FIELD_INT),
    RECORD_COUNTED(OWNER, command, command_count, FIELD_STRINGS, false),
    RECORD_NESTED(OWNER, engine, engine_record, false),
    RECORD_ARRAY(OWNER, phases, phase_count, phase_record, false),
    RECORD_ARRAY(OWNER, resources, resource_count, resource_record, false),
    RECORD_ARRAY(OWNER, images, image_count, image_record, false),
    CALLED_ARRAY("waterfall", spans, span_count, span_record),
    RECORD_CUSTOM("chaos", OWNER, chaos, const cJSON *, &record_borrowed),
    RECORD_ARRAY(OWNER, workers, worker_count, report_record, false),
};
RECORD(report_record, OWNER, report_rows);
#undef OWNER

/* ---- from the view ---- */

static void take_timings(struct report *report, struct report_resource *into, const struct view_timings *from)
{
    into->timings = arena_alloc(&report->arena, (from->count + 1) * sizeof *into->timings);
    into->timing_count = from->count;
    for (size_t i = 0; i < from->count; i++)
        into->timings[i] = (struct report_timing){from->items[i].goal, from->items[i].ms};
}

static const char *health_of(const struct view_resource *resource)
{
    return json_string(resource->json, "health", NULL);
}

static void take_resource(struct report *report, const struct view_resource *from)
{
    struct report_resource *into = &report->resources[report->resource_count++];

    *into = (struct report_resource){
        .name = from->name,
        .replica_of = from->replica_of,
        .kind = from->kind,
        .state = view_state_name(from->state),
        .health = health_of(from),
        .role = from->role,
        .address = from->display,
        .image = from->image,
        .decision = from->decision,
        .explain = from->explain,
        .is_task = from->is_task,
        .is_wanted = from->is_wanted,
        .restarts = from->restarts,
        .exit_code = from->exit_code,
        .error = from->error,
    };

    take_timings(report, into, &from->timings);
}

static void take_failure(struct report *report, const struct view_resource *told)
{
    for (size_t i = 0; i < report->resource_count; i++) {
        struct report_resource *resource = &report->resources[i];
        if (!told->name || !str_eq(resource->name, told->name))
            continue;
        resource->error = told->error;
        resource->last_probe = told->last_probe;
        resource->last_lines = told->last_lines;
        resource->signal = told->signal;
        resource->is_out_of_memory = told->is_out_of_memory;
        resource->exit_code = told->exit_code;
    }
}

void report_take_view(struct report *report, const struct view *view)
{
    report->project = view->project;
    report->manifest = view->manifest;
    report->engine.published = view->engine.published;
    report->resources = arena_alloc(&report->arena, (view->resource_count + 1) * sizeof *report->resources);
    report->resource_count = 0;
    for (size_t i = 0; i < view->resource_count; i++)
        take_resource(report, &view->resources[i]);
    for (size_t i = 0; i < view->report.resource_count; i++)
        take_failure(report, &view->report.resources[i]);
}

bool report_is_failed(const struct report_resource *resource)
{
    bool has_died = resource->exit_code.is_known && resource->exit_code.value != 0;
    return resource->is_wanted && (resource->error.message || has_died || str_eq(resource->state, "failed"));
}

void report_take_moments(struct report *report, const cJSON *items)
{
    struct waterfall_row *rows = NULL;
    report->span_count = waterfall_read(items, report->began_at * 1000, &report->arena, &rows);
    report->spans = arena_alloc(&report->arena, (report->span_count + 1) * sizeof *report->spans);
    for (size_t i = 0; i < report->span_count; i++)
        report->spans[i] = (struct report_span){
            .resource = rows[i].name,
            .goal = rows[i].goal,
            .waits = rows[i].waits,
            .begin_ms = rows[i].begin_us / 1000,
            .elapsed_ms = rows[i].elapsed_us / 1000,
        };
}

/* ---- the document ---- */

/* Names that the manifest and we gave: whoever's password is the name of his server has no secret. */
static bool is_a_name(const char *key)
{
    static const char *const names[] = {"name",    "resource", "replicaOf", "kind",   "state",    "goal",
                                        "outcome", "phase",    "project",   "health", "decision", "apphost"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(key, names[i]))
            return true;
    return false;
}

static void clean_text(const struct scrub *scrub, cJSON *text)
{
    size_t length = 0;
    cleanup_free char *clean = scrub_text(scrub, text->valuestring, strlen(text->valuestring), &length);
    if (!str_eq(clean, text->valuestring))
        cJSON_SetValuestring(text, clean);
}

static void clean(const struct scrub *scrub, bool is_sure, cJSON *value)
{
    cJSON *item, *next;
    for (item = value->child; item; item = next) {
        next = item->next;
        bool is_foreign =
            item->string && (str_eq(item->string, "lastLines") || str_eq(item->string, "lastProbe"));
        if (is_foreign && !is_sure)
            cJSON_Delete(cJSON_DetachItemViaPointer(value, item));
        else if (item->child)
            clean(scrub, is_sure, item);
        else if (cJSON_IsString(item) && !(item->string && is_a_name(item->string)))
            clean_text(scrub, item);
    }
}

cJSON *report_document(const struct report *report, const struct scrub *scrub, bool is_sure)
{
    cleanup_json cJSON *borrowing = record_to_json(&report_record, report);
    cJSON *document = cJSON_Duplicate(borrowing, true); /* parts of it were somebody else's */
    clean(scrub, is_sure, document);
    return document;
}

cJSON *report_of_lost_worker(int number, const char *variant)
{
    const struct report lost = {
        .version = 1, .outcome = REPORT_UNFINISHED, .worker = number, .variant = variant};
    return record_to_json(&report_record, &lost);
}

cJSON *report_of_workers(const struct report *whole, cJSON **documents, size_t count)
{
    cJSON *document = record_to_json(&report_record, whole);
    cJSON *list = json_add_array(document, "workers");
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, documents[i]);
    return document;
}
