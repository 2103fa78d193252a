/* What is recorded of native servers that run: one structure and one table, for who writes and who reads.
 *
 * Of an earlier version's record that lacks something the defaults hold; one that is broken is known by its
 * node alone, and so as none that runs. */
#include "state/internal.h"
#include "base/log.h"
#include "record/record.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>

enum { STOP_TIMEOUT_MS = 10000 };

/* A text, because a double would round it. */
static cJSON *write_ticks(const void *value, bool spec_only)
{
    cleanup_free char *text = xasprintf("%" PRIu64, *(const uint64_t *)value);
    (void)spec_only;
    return cJSON_CreateString(text);
}

static bool read_ticks(const cJSON *json, struct arena *arena, void *value)
{
    (void)arena;
    if (cJSON_IsString(json))
        *(uint64_t *)value = strtoull(json->valuestring, NULL, 10);
    return cJSON_IsString(json);
}

static const struct record_custom ticks_form = {write_ticks, read_ticks};

#define ROW(text, member, kind) RECORD_ALWAYS(text, struct state_server, member, kind)
static const struct record_field server_rows[] = {
    ROW("resource", resource, FIELD_STRING),
    ROW("manifest", manifest, FIELD_STRING),
    ROW("session", session, FIELD_STRING),
    ROW("pid", pid, FIELD_INT64),
    RECORD_CUSTOM("startTicks", struct state_server, start_ticks, uint64_t, &ticks_form),
    ROW("persistent", is_persistent, FIELD_BOOL),
    ROW("ephemeral", is_ephemeral, FIELD_BOOL),
    ROW("stopSignal", stop_signal, FIELD_INT),
    ROW("stopTimeoutMs", stop_timeout_ms, FIELD_INT64),
    ROW("specHash", spec_hash, FIELD_STRING),
    ROW("digest", digest, FIELD_STRING),
    ROW("ports", ports, FIELD_STRING),
    ROW("startedMs", started_ms, FIELD_INT64),
    ROW("outputOffset", output_offset, FIELD_INT64),
};
#undef ROW
static RECORD(server_record, struct state_server, server_rows);

static void read_server(const struct state *state, const cJSON *json, struct arena *arena,
                        struct state_server *server)
{
    cleanup_error struct error error = {0};
    const char *node = arena_strdup(arena, json->string);
    *server = (struct state_server){
        .node = node, .stop_signal = SIGTERM, .stop_timeout_ms = STOP_TIMEOUT_MS, .output_offset = -1};
    if (!record_read(&server_record, json, arena, server, &error))
        return;
    log_warn("%s: the record of %s: %s", state->path, node, error.text);
    *server = (struct state_server){.node = node};
}

int state_servers(struct state *state, struct state_servers *servers)
{
    const cJSON *all = state_table(state, STATE_SERVERS), *json;
    *servers = (struct state_servers){0};
    if (!all)
        return -1;
    size_t count = (size_t)cJSON_GetArraySize(all); /* of an object, too */
    servers->items = arena_alloc(&servers->arena, (count + 1) * sizeof *servers->items);
    cJSON_ArrayForEach(json, all)
    {
        read_server(state, json, &servers->arena, &servers->items[servers->count++]);
    }
    return 0;
}

void state_servers_free(struct state_servers *servers)
{
    arena_free(&servers->arena);
    *servers = (struct state_servers){0};
}

bool state_server_is_known(struct state *state, const char *node)
{
    return json_get(state_table(state, STATE_SERVERS), node) != NULL;
}

bool state_server_get(struct state *state, const char *node, struct arena *arena, struct state_server *server)
{
    const cJSON *json = json_get(state_table(state, STATE_SERVERS), node);
    if (json)
        read_server(state, json, arena, server);
    return json != NULL;
}

int state_server_set(struct state *state, const struct state_server *server, struct error *err)
{
    return state_table_set(state, STATE_SERVERS, server->node, record_to_json(&server_record, server), err);
}

int state_server_forget(struct state *state, const char *node, struct error *err)
{
    return state_table_set(state, STATE_SERVERS, node, NULL, err);
}
