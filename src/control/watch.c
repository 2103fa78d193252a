/* Tables of what `watch` tells. See watch.h. */
#include "control/watch.h"
#include "control/internal.h"

static const struct record_field ask_watch_rows[] = {
    RECORD_CALLED("records", struct ask_watch, records, FIELD_BOOL),
    RECORD_CALLED("moments", struct ask_watch, moments, FIELD_BOOL),
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

/* ---- moments ---- */

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_moment, member, kind)
static const struct record_field moment_rows[] = {
    RECORD_NAMED(struct view_moment, type, view_news_names, false),
    ROW("rev", rev, FIELD_INT64),
    ROW("resource", resource, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    ROW("name", name, FIELD_STRING),
    ROW("beginUs", begin_us, FIELD_INT64),
    RECORD_ALWAYS("elapsedUs", struct view_moment, elapsed_us, FIELD_INT64),
};
#undef ROW
static RECORD(moment_record, struct view_moment, moment_rows);

cJSON *moment_to_json(const struct view_moment *moment)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&moment_record, moment, false, json);
    return json;
}

int moment_read(const cJSON *json, struct arena *arena, struct view_moment *moment)
{
    *moment = (struct view_moment){0};
    if (record_read(&moment_record, json, arena, moment, NULL))
        return -1;
    if (moment->type != NEWS_GOAL && moment->type != NEWS_REQUEST)
        return -1;
    return 0;
}

/* An array stays where it is, too. */
static cJSON *write_items(const void *value, bool spec_only)
{
    const cJSON *const *items = value;
    (void)spec_only;
    if (*items)
        return cJSON_CreateArrayReference((*items)->child);
    return NULL;
}

static bool read_items(const cJSON *json, struct arena *arena, void *value)
{
    const cJSON **items = value;
    (void)arena;
    *items = json;
    return cJSON_IsArray(json);
}

static const struct record_custom items_form = {write_items, read_items};

#define ROW(text, member, kind) RECORD_CALLED(text, struct view_moments, member, kind)
static const struct record_field moments_rows[] = {
    ROW("id", id, FIELD_INT64),
    RECORD_NAMED(struct view_moments, type, view_news_names, false),
    RECORD_ALWAYS("rev", struct view_moments, rev, FIELD_INT64),
    ROW("session", session, FIELD_STRING),
    RECORD_ALWAYS("from", struct view_moments, from, FIELD_INT64),
    RECORD_CUSTOM("items", struct view_moments, items, const cJSON *, &items_form),
};
#undef ROW
static RECORD(moments_record, struct view_moments, moments_rows);

cJSON *view_moments_to_json(const struct view_moments *moments)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&moments_record, moments, false, json);
    return json;
}

int view_moments_read(const cJSON *json, struct arena *arena, struct view_moments *moments, struct error *err)
{
    *moments = (struct view_moments){0};
    if (!record_read(&moments_record, json, arena, moments, err))
        return 0;
    return error_wrap(err, "what the supervisor remembers");
}
