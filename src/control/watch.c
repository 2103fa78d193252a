/* Tables of what `watch` tells. See watch.h. */
#include "control/watch.h"
#include "control/internal.h"

#define OWNER struct ask_watch
static const struct record_field ask_watch_rows[] = {
    ROW("records", records, FIELD_BOOL),
    ROW("moments", moments, FIELD_BOOL),
    ROW("session", session, FIELD_STRING),
    ROW("since", since, FIELD_INT64),
};
RECORD(ask_watch_record, OWNER, ask_watch_rows);
#undef OWNER

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

#define OWNER struct view_changes
static const struct record_field changes_rows[] = {
    ROW("id", id, FIELD_INT64),
    NAMED(type, view_news_names),
    ALWAYS("rev", rev, FIELD_INT64),
    ROW("session", session, FIELD_STRING),
    CUSTOM("engine", engine, const struct view_engine *, &engine_form),
    LIST(resources, resource_count, view_resource_record, false),
    LIST(others, other_count, view_resource_record, false),
    TEXTS(gone, gone_count),
    CUSTOM("view", view, const cJSON *, &record_borrowed),
};
static RECORD(changes_record, OWNER, changes_rows);
#undef OWNER

cJSON *view_changes_to_json(const struct view_changes *changes)
{
    return record_to_json(&changes_record, changes);
}

int view_changes_read(const cJSON *json, struct arena *arena, struct view_changes *changes, struct error *err)
{
    if (record_take(&changes_record, json, arena, changes, "what the supervisor tells", err))
        return -1;
    view_note_resources(changes->resources, json_get(json, "resources"));
    view_note_resources(changes->others, json_get(json, "others"));
    return 0;
}

/* ---- moments ---- */

#define OWNER struct view_moment
static const struct record_field moment_rows[] = {
    NAMED(type, view_news_names),
    ROW("rev", rev, FIELD_INT64),
    ROW("resource", resource, FIELD_STRING),
    ROW("replicaOf", replica_of, FIELD_STRING),
    ROW("node", node, FIELD_STRING),
    ROW("name", name, FIELD_STRING),
    ROW("waits", waits, FIELD_BOOL),
    ROW("beginUs", begin_us, FIELD_INT64),
    ALWAYS("elapsedUs", elapsed_us, FIELD_INT64),
};
static RECORD(moment_record, OWNER, moment_rows);
#undef OWNER

cJSON *moment_to_json(const struct view_moment *moment)
{
    return record_to_json(&moment_record, moment);
}

int moment_read(const cJSON *json, struct arena *arena, struct view_moment *moment)
{
    int rc = record_take(&moment_record, json, arena, moment, "", NULL);
    if (moment->type != NEWS_GOAL && moment->type != NEWS_REQUEST)
        rc = -1;
    return rc;
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

#define OWNER struct view_moments
static const struct record_field moments_rows[] = {
    ROW("id", id, FIELD_INT64),        NAMED(type, view_news_names),
    ALWAYS("rev", rev, FIELD_INT64),   ROW("session", session, FIELD_STRING),
    ALWAYS("from", from, FIELD_INT64), CUSTOM("items", items, const cJSON *, &items_form),
};
static RECORD(moments_record, OWNER, moments_rows);
#undef OWNER

cJSON *view_moments_to_json(const struct view_moments *moments)
{
    return record_to_json(&moments_record, moments);
}

int view_moments_read(const cJSON *json, struct arena *arena, struct view_moments *moments, struct error *err)
{
    return record_take(&moments_record, json, arena, moments, "what the supervisor remembers", err);
}
