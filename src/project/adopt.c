/* Adopting the data of a folder that was moved; see adopt.h. */
#include "project/adopt.h"

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
    cleanup_free char *text = NULL;
    if (access(path, R_OK) == 0)
        text = file_read(path, FILE_LIMIT, NULL, NULL);
    if (text)
        return cJSON_Parse(text);
    return NULL;
}

bool adopt_hash(const char *root, char hash[9])
{
    cleanup_json cJSON *map = NULL;
    if (root)
        map = read_map(root);
    const char *adopted = json_string(map, hash, NULL);
    bool is_adopted = adopted && identity_is_hash(adopted);
    if (is_adopted)
        memcpy(hash, adopted, 9);
    return is_adopted;
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
    if (file_mkdirs(project->root, 0700, err))
        return -1;
    return file_write_atomic(path, text, strlen(text), 0600, err);
}

/* ---- the former identity ---- */

static int find_former(struct project *project, const struct project_options *options, struct error *err)
{
    cleanup_strlist struct strlist data = {0};
    cleanup_error struct error trouble = {0};
    bool may_be = *project->former_hash && !project->is_former && adopt_is_first(project);
    if (!may_be || adopt_list(project, options->environment, project->former_hash, &data, &trouble) ||
        !data.count)
        return 0;
    project->is_former = true;
    return project_rehash(project, options, project->former_hash, err);
}

int adopt_former(struct project *project, const struct project_options *options, const struct output *output,
                 struct error *err)
{
    if (find_former(project, options, err))
        return -1;
    if (!project->is_former || remember(project, err)) {
        if (project->is_former)
            return -1;
        return 0;
    }
    output_note(output, "%s keeps what it made under its former identity, %s", project->name, project->hash);
    return 0;
}

/* ---- adopting ---- */

static int check_own(const struct project *project, struct error *err)
{
    cleanup_free char *prefix = identity_prefix(project->name, project->own_hash);
    cleanup_free char *folder = state_folder(project->root, prefix);
    bool same = !strcmp(project->own_hash, project->hash);
    struct state *state = NULL;
    if (!same)
        state = state_open(folder, false, NULL);
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

int adopt_take(const struct project *project, const struct project_options *options, struct error *err)
{
    const char *hash = args_value(options->args, "adopt");
    if (!hash)
        return 0;
    if (!identity_is_hash(hash))
        return error_set(err, ERROR_USAGE, "--adopt: \"%s\" is no hash: 8 hex digits, as `up` shows them",
                         hash);
    if (check_own(project, err))
        return -1;
    cleanup_strlist struct strlist data = {0};
    if (adopt_list(project, options->environment, hash, &data, err))
        return -1;

    if (strcmp(hash, project->own_hash) != 0 && !data.count) {
        error_set(err, ERROR_NOT_RUNNING, "no data belongs to the identity %s", hash);
        error_hint(err, "volumes are called NAME-HASH-RESOURCE-data, folders of state NAME-HASH");
        return -1;
    }

    return remember(project, err);
}
