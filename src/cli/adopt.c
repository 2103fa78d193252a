/* Adopting the data of a folder that was moved; see adopt.h. */
#include "cli/adopt.h"

#include "base/file.h"
#include "base/mem.h"
#include "state/state.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_LIMIT = 1024 * 1024 };

/* ---- the map ---- */

static cJSON *read_map(const char *root)
{
    cleanup_free char *path = path_join(root, "adopted.json");
    cleanup_free char *text = access(path, R_OK) == 0 ? file_read(path, FILE_LIMIT, NULL, NULL) : NULL;
    return text ? cJSON_Parse(text) : NULL;
}

void adopt_hash(const char *root, char hash[9])
{
    cleanup_json cJSON *map = root ? read_map(root) : NULL;
    const char *adopted = json_string(map, hash, NULL);
    if (adopted && strlen(adopted) == 8)
        memcpy(hash, adopted, 9);
}

static int remember(const struct project *project, struct error *err)
{
    cleanup_json cJSON *map = read_map(project->root);
    if (!cJSON_IsObject(map)) {
        cJSON_Delete(map);
        map = cJSON_CreateObject();
    }
    cJSON_DeleteItemFromObjectCaseSensitive(map, project->own_hash);
    if (strcmp(project->own_hash, project->hash) != 0)
        json_add_string(map, project->own_hash, project->hash);
    cleanup_free char *path = path_join(project->root, "adopted.json"), *text = cJSON_PrintUnformatted(map);
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

/* ---- adopting ---- */

static bool is_hash(const char *text)
{
    return strlen(text) == 8 && strspn(text, "0123456789abcdef") == 8;
}

static int check_own(const struct project *project, struct error *err)
{
    cleanup_free char *prefix = xasprintf("%s-%s", project->name, project->own_hash);
    cleanup_free char *folder = state_folder(project->root, prefix);
    bool same = !strcmp(project->own_hash, project->hash);
    struct state *state = same ? NULL : state_open(folder, false, NULL);
    bool running = state && state_is_locked(state);
    if (state)
        state_close(state);
    if (!running)
        return 0;
    error_set(err, ERROR_OWNER, "%s runs here under its own identity: it cannot adopt another one",
              project->name);
    error_hint(err, "take it down first: apphost down");
    return -1;
}

int adopt_take(const struct context *context, struct error *err)
{
    const struct project *project = &context->project;
    const char *hash = args_value(&context->args, "adopt");
    if (!hash)
        return 0;
    if (!is_hash(hash))
        return error_set(err, ERROR_USAGE, "--adopt: \"%s\" is no hash: 8 hex digits, as `up` shows them",
                         hash);
    if (check_own(project, err))
        return -1;
    cleanup_strlist struct strlist data = {0};
    if (adopt_list(context, hash, &data, err))
        return -1;
    if (strcmp(hash, project->own_hash) != 0 && !data.count) {
        error_set(err, ERROR_NOT_RUNNING, "no data belongs to the identity %s", hash);
        error_hint(err, "volumes are called NAME-HASH-RESOURCE-data, folders of state NAME-HASH");
        return -1;
    }
    return remember(project, err);
}
