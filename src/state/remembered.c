/* Remembered values: six small JSON documents, one object each, read at the first use and written through at
 * once.
 *
 * A change that cannot be written is taken back, so that memory never claims what the disk does not hold.
 * Between state_begin() and state_commit() documents are only marked; then each changed one is written once.
 */
#include "state/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const char *const file_names[STATE_TABLE_COUNT] = {
    [STATE_SECRETS] = "secrets.json", [STATE_PORTS] = "ports.json",     [STATE_TASKS] = "tasks.json",
    [STATE_SPECS] = "specs.json",     [STATE_SERVERS] = "servers.json", [STATE_DEPLOYED] = "deployed.json",
};

int state_write(const struct state *state, const char *name, const cJSON *document, struct error *err)
{
    cleanup_free char *path = state_file(state, name);
    char *text = json_print(document);
    struct error cause = {0};
    int rc = file_write_atomic(path, text, strlen(text), 0600, &cause);
    mem_wipe(text, strlen(text));
    free(text);
    if (rc == 0)
        return 0;
    if (cause.code == ERROR_SPACE)
        error_hint(&cause, "free some space in %s, or set XDG_STATE_HOME to a folder that has room",
                   state->path);
    error_move(err, &cause);
    return -1;
}

cJSON *state_read(const struct state *state, const char *name, struct error *err)
{
    cleanup_free char *path = state_file(state, name);
    struct error cause = {0};
    size_t length = 0;
    char *text = file_read_own(path, STATE_FILE_LIMIT, &length, &cause);
    if (!text) {
        if (cause.code == ERROR_NO_FILE)
            error_clear(&cause);
        else
            error_move(err, &cause);
        return NULL;
    }

    cJSON *json = json_parse(text, length, NULL);
    mem_wipe(text, length);
    free(text);
    if (cJSON_IsObject(json))
        return json;
    cJSON_Delete(json);
    error_set(err, ERROR_FAILED, "%s is broken: it is not a JSON object", path);
    error_hint(err, "remove the file; what it remembered is then made anew");
    return NULL;
}

static cJSON *load(struct state *state, enum state_table table, struct error *err)
{
    struct state_document *document = &state->documents[table];
    if (document->root)
        return document->root;
    struct error cause = {0};
    document->root = state_read(state, file_names[table], &cause);
    if (!cause.code && !document->root)
        document->root = cJSON_CreateObject();
    if (cause.code && !document->broken)
        log_warn("%s", cause.text);
    document->broken = cause.code != ERROR_NONE;
    error_move(err, &cause);
    return document->root;
}

static cJSON *find(struct state *state, enum state_table table, const char *key)
{
    return json_get(load(state, table, NULL), key);
}

static int flush(struct state *state, enum state_table table, struct error *err)
{
    struct state_document *document = &state->documents[table];
    if (!document->dirty || state_write(state, file_names[table], document->root, err) < 0) {
        if (document->dirty)
            return -1;
        return 0;
    }
    document->dirty = false;
    return 0;
}

static void wipe_value(cJSON *value)
{
    if (cJSON_IsString(value))
        mem_wipe(value->valuestring, strlen(value->valuestring));
    cJSON_Delete(value);
}

static void put(cJSON *root, const char *key, cJSON *value)
{
    if (value)
        cJSON_AddItemToObject(root, key, value);
}

int state_table_set(struct state *state, enum state_table table, const char *key, cJSON *value,
                    struct error *err)
{
    cJSON *root = load(state, table, err);
    if (!root) {
        wipe_value(value);
        return -1;
    }

    cJSON *old = cJSON_DetachItemFromObjectCaseSensitive(root, key);

    bool is_known = !old;
    if (value)
        is_known = cJSON_Compare(old, value, true);
    if (is_known) {
        wipe_value(value);
        put(root, key, old);
        return 0;
    }

    put(root, key, value);
    state->documents[table].dirty = true;
    if (state->batching || flush(state, table, err) == 0) {
        wipe_value(old);
        return 0;
    }
    wipe_value(cJSON_DetachItemFromObjectCaseSensitive(root, key));
    put(root, key, old);
    state->documents[table].dirty = false;
    return -1;
}

int state_write_all(struct state *state, struct error *err)
{
    int rc = 0;
    for (int i = 0; i < STATE_TABLE_COUNT; i++) {
        struct state_document *document = &state->documents[i];
        document->dirty |= document->root && document->root->child;
        if (flush(state, i, err) < 0)
            rc = -1;
    }
    return rc;
}

void state_forget(struct state *state)
{
    for (int i = 0; i < STATE_TABLE_COUNT; i++) {
        cJSON *root = state->documents[i].root;
        while (root && root->child)
            wipe_value(cJSON_DetachItemViaPointer(root, root->child));
        cJSON_Delete(root);
        state->documents[i] = (struct state_document){0};
    }
}

const char *state_secret_get(struct state *state, const char *name)
{
    return cJSON_GetStringValue(find(state, STATE_SECRETS, name));
}

int state_secret_set(struct state *state, const char *name, const char *value, struct error *err)
{
    return state_table_set(state, STATE_SECRETS, name, cJSON_CreateString(value), err);
}

int state_port_get(struct state *state, const char *key)
{
    const cJSON *value = find(state, STATE_PORTS, key);
    bool valid = cJSON_IsNumber(value) && value->valuedouble > 0 && value->valuedouble < 65536;
    if (valid)
        return (int)value->valuedouble;
    return 0;
}

int state_port_set(struct state *state, const char *key, int port, struct error *err)
{
    return state_table_set(state, STATE_PORTS, key, port > 0 ? cJSON_CreateNumber(port) : NULL, err);
}

const char *state_task_get(struct state *state, const char *node)
{
    return cJSON_GetStringValue(find(state, STATE_TASKS, node));
}

int state_task_set(struct state *state, const char *node, const char *key, struct error *err)
{
    return state_table_set(state, STATE_TASKS, node, key ? cJSON_CreateString(key) : NULL, err);
}

const cJSON *state_spec_get(struct state *state, const char *node)
{
    return find(state, STATE_SPECS, node);
}

int state_spec_set(struct state *state, const char *node, const cJSON *spec, struct error *err)
{
    return state_table_set(state, STATE_SPECS, node, spec ? cJSON_Duplicate(spec, true) : NULL, err);
}

const cJSON *state_table(struct state *state, enum state_table table)
{
    return load(state, table, NULL);
}

const char *state_deployed_get(struct state *state, const char *key)
{
    return cJSON_GetStringValue(find(state, STATE_DEPLOYED, key));
}

int state_deployed_set(struct state *state, const char *key, const char *value, struct error *err)
{
    return state_table_set(state, STATE_DEPLOYED, key, value ? cJSON_CreateString(value) : NULL, err);
}

void state_begin(struct state *state)
{
    state->batching = true;
}

int state_commit(struct state *state, struct error *err)
{
    int rc = 0;
    state->batching = false;
    for (int i = 0; i < STATE_TABLE_COUNT; i++)
        if (flush(state, i, err) < 0)
            rc = -1;
    return rc;
}
