/* Tables of what `watch` tells. See watch.h. */
#include "control/watch.h"
#include "control/internal.h"

static const struct record_field ask_watch_rows[] = {
    RECORD_CALLED("records", struct ask_watch, records, FIELD_BOOL),
    RECORD_CALLED("session", struct ask_watch, session, FIELD_STRING),
    RECORD_CALLED("since", struct ask_watch, since, FIELD_INT64),
};
RECORD(ask_watch_record, struct ask_watch, ask_watch_rows);

static cJSON *write_engine(const void *value, bool spec_only)
{
    const struct view_engine *const *engine = value;
    (void)spec_only;
    if (*engine)
        return view_engine_to_json(*engine);
    return NULL;
}

static bool read_engine(const cJSON *json, struct arena *arena, void *value)
{
    struct view_engine *engine = arena_alloc(arena, sizeof *engine);
    *(const struct view_engine **)value = engine;
    return record_read(&view_engine_record, json, arena, engine, NULL) == 0;
}

static const struct record_custom engine_form = {write_engine, read_engine};

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_changes, member, kind)
static const struct record_field changes_rows[] = {
    ROW("id", id, FIELD_INT64),
    RECORD_NAMED(struct view_changes, type, view_news_names, false),
    RECORD_ALWAYS("rev", struct view_changes, rev, FIELD_INT64),
    ROW("session", session, FIELD_STRING),
    RECORD_CUSTOM("engine", struct view_changes, engine, const struct view_engine *, &engine_form),
    RECORD_ARRAY(struct view_changes, resources, resource_count, view_resource_record, false),
    RECORD_ARRAY(struct view_changes, others, other_count, view_resource_record, false),
    RECORD_COUNTED(struct view_changes, gone, gone_count, FIELD_STRINGS, false),
    RECORD_CUSTOM("view", struct view_changes, view, const cJSON *, &control_borrowed),
};
#undef ROW
static RECORD(changes_record, struct view_changes, changes_rows);

cJSON *view_changes_to_json(const struct view_changes *changes)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&changes_record, changes, false, json);
    return json;
}

int view_changes_read(const cJSON *json, struct arena *arena, struct view_changes *changes, struct error *err)
{
    *changes = (struct view_changes){0};
    if (record_read(&changes_record, json, arena, changes, err))
        return error_wrap(err, "what the supervisor tells");
    view_note_resources(changes->resources, json_get(json, "resources"));
    view_note_resources(changes->others, json_get(json, "others"));
    return 0;
}
