/* Finding and adopting the data of a folder that was moved; see adopt.h. */
#include "cli/adopt.h"
#include "cli/engine_once.h"

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

/* ---- volumes ---- */

struct orphan {
    const char *volume, *manifest, *hash;
};

static bool is_there(const char *manifest)
{
    cleanup_free char *folder = str_ends(manifest, "/-") ? path_dirname(manifest) : NULL;
    return access(folder ? folder : manifest, F_OK) == 0;
}

static bool is_mine(const cJSON *labels)
{
    cleanup_free char *uid = xasprintf("%u", (unsigned)getuid());
    return str_eq(json_string(labels, "io.apphost.uid", NULL), uid);
}

static bool has_volume(const cJSON *volumes, const char *name)
{
    const cJSON *volume;
    cJSON_ArrayForEach(volume, volumes)
    {
        if (str_eq(json_string(volume, "Name", NULL), name))
            return true;
    }
    return false;
}

/* Does the volume hold, under another hash, what one of ours is to hold and does not exist yet? */
static bool stands_for_ours(const struct project *project, const cJSON *volumes, const struct orphan *orphan)
{
    cleanup_free char *theirs = xasprintf("%s-%s", project->name, orphan->hash);
    const char *suffix = str_starts(orphan->volume, theirs) ? orphan->volume + strlen(theirs) : NULL;
    cleanup_free char *ours = suffix ? xasprintf("%s%s", project->prefix, suffix) : NULL;
    for (size_t i = 0; ours && i < project->plan->node_count; i++) {
        const struct plan_node *node = &project->plan->nodes[i];
        if (node->kind == PLAN_VOLUME && !node->external && str_eq(node->name, ours))
            return !has_volume(volumes, ours);
    }
    return false;
}

static bool is_orphan(const struct project *project, const cJSON *volumes, const cJSON *volume,
                      struct orphan *out)
{
    const cJSON *labels = json_get(volume, "Labels");
    *out = (struct orphan){.volume = json_string(volume, "Name", ""),
                           .manifest = json_string(labels, "io.apphost.manifest", NULL),
                           .hash = json_string(labels, "io.apphost.project-hash", "")};
    return out->manifest && strcmp(out->hash, project->hash) != 0 && is_mine(labels) &&
           !is_there(out->manifest) && stands_for_ours(project, volumes, out);
}

static int list_volumes(const struct context *context, const char *label, cJSON **volumes, struct error *err)
{
    struct engine_once once = {0};
    const char *const labels[] = {label, NULL};
    int rc = engine_once_open(&once, &context->project.engine, context->environment, err);
    if (rc == 0) {
        engine_volume_list(once.engine, labels, engine_once_done, &once);
        rc = engine_once_wait(&once, err);
        *volumes = take_ptr(&once.json);
    }
    engine_once_close(&once);
    return rc;
}

/* ---- looking ---- */

static bool wants_volumes(const struct plan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        if (node->kind == PLAN_VOLUME && !node->external && !node->folder)
            return true;
    }
    return false;
}

bool adopt_is_first(const struct context *context)
{
    const struct project *project = &context->project;
    cleanup_free char *folder = project_folder(project);
    return folder && project->has_engine && wants_volumes(project->plan) && access(folder, F_OK) < 0;
}

void adopt_look(const struct context *context)
{
    const struct project *project = &context->project;
    cleanup_free char *label = xasprintf("io.apphost.project=%s", project->name);
    cleanup_json cJSON *volumes = NULL;
    cleanup_error struct error trouble = {0};
    if (list_volumes(context, label, &volumes, &trouble) < 0)
        return;
    const cJSON *volume;
    cJSON_ArrayForEach(volume, volumes)
    {
        struct orphan orphan;
        if (!is_orphan(project, volumes, volume, &orphan))
            continue;
        output_warn(&context->output, "an earlier %s has its data in volume %s; its manifest %s is gone",
                    project->name, orphan.volume, orphan.manifest);
        output_note(
            &context->output,
            "if it was moved here: apphost down, then apphost up --adopt %s; else nothing has to be done",
            orphan.hash);
    }
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
    cleanup_free char *label = xasprintf("io.apphost.project-hash=%s", hash);
    cleanup_json cJSON *volumes = NULL;
    if (project->has_engine && list_volumes(context, label, &volumes, err) < 0)
        return -1;
    if (strcmp(hash, project->own_hash) != 0 && !cJSON_GetArraySize(volumes)) {
        error_set(err, ERROR_NOT_RUNNING, "no volume belongs to the identity %s", hash);
        error_hint(err, "volumes are called NAME-HASH-RESOURCE-data");
        return -1;
    }
    return remember(project, err);
}
