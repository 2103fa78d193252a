/* Tables of usage. See usage.h. */
#include "control/usage.h"

#include <stdlib.h>

#define ROW(text, member, kind) RECORD_ALWAYS(text, struct view_usage, member, kind)
static const struct record_field usage_rows[] = {
    RECORD_CALLED("name", struct view_usage, name, FIELD_STRING),
    RECORD_CALLED("replicaOf", struct view_usage, replica_of, FIELD_STRING),
    RECORD_CALLED("node", struct view_usage, node, FIELD_STRING),
    ROW("pid", pid, FIELD_INT64),
    ROW("cpuUs", cpu_us, FIELD_INT64),
    ROW("memoryBytes", memory_bytes, FIELD_INT64),
    ROW("processes", processes, FIELD_INT64),
    ROW("readBytes", read_bytes, FIELD_MAYBE),
    ROW("writtenBytes", written_bytes, FIELD_MAYBE),
};
#undef ROW
static RECORD(usage_record, struct view_usage, usage_rows);

static const struct record_field usages_rows[] = {
    RECORD_ALWAYS("timeMs", struct view_usages, time_ms, FIELD_INT64),
    RECORD_ALWAYS("clockMs", struct view_usages, clock_ms, FIELD_INT64),
    RECORD_ARRAY(struct view_usages, resources, resource_count, usage_record, false, .always = true),
};
static RECORD(usages_record, struct view_usages, usages_rows);

cJSON *view_usages_to_json(const struct view_usages *usages)
{
    cJSON *json = cJSON_CreateObject();
    record_write(&usages_record, usages, false, json);
    return json;
}

struct view_usages *view_usages_read(cJSON *json, struct error *err)
{
    struct view_usages *usages = xcalloc(1, sizeof *usages);
    usages->json = json;
    if (!record_read(&usages_record, json, &usages->arena, usages, err))
        return usages;
    error_wrap(err, "the answer to usage");
    view_usages_free(usages);
    return NULL;
}

void view_usages_free(struct view_usages *usages)
{
    if (!usages)
        return;
    cJSON_Delete(usages->json);
    arena_free(&usages->arena);
    free(usages);
}
