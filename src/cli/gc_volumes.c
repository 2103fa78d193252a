/* gc --volumes: data whose project's folder is gone. See gc_volumes.h.
 *
 * Whose manifest is gone is told by the labels of volumes, and by the state folders of the native engine.
 * Left alone are: another user's; those of an identity that another folder has adopted (its state folder
 * names the new manifest); those made in a container that is not this one, whose paths mean nothing here;
 * what is in use. */
#include "cli/gc_volumes.h"
#include "project/adopt.h"
#include "engine/once.h"
#include "project/find.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct gone {
    struct context *context;
    struct find_list projects;
    struct engine_once once;
    bool has_engine;
    cJSON *items; /* [{"kind": "volume"|"folder", "name", "project", "manifest"}] */
};

/* ---- looking ---- */

static bool is_used_by_state(const struct find_list *list, const char *hash)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct find_project *project = &list->items[i];
        bool is_there = project->manifest && adopt_is_there(project->manifest);
        if (!strcmp(project->identity.hash, hash) && (is_there || project->rank != FIND_OVER))
            return true;
    }
    return false;
}

static void add(struct gone *gone, const char *kind, const char *name, const char *project,
                const char *manifest)
{
    const char *only = args_value(&gone->context->args, "project-name");
    if (only && !str_eq(project, only))
        return;
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "kind", kind);
    json_add_string(item, "name", name);
    json_add_string(item, "project", project);
    json_add_string(item, "manifest", manifest);
    cJSON_AddItemToArray(gone->items, item);
}

static int look_at_engine(struct gone *gone, struct error *err)
{
    cleanup_free char *label = xasprintf(LABEL_UID "=%u", (unsigned)getuid());
    const char *const labels[] = {label, NULL};
    const cJSON *volume;
    engine_volume_list(gone->once.engine, labels, engine_once_done, &gone->once);
    if (engine_once_wait(&gone->once, err))
        return -1;

    cJSON_ArrayForEach(volume, gone->once.json)
    {
        const cJSON *own =
            json_get(volume, "Labels") ? json_get(volume, "Labels") : json_get(volume, "labels");
        const char *manifest = json_string(own, LABEL_MANIFEST, NULL);
        const char *hash = json_string(own, LABEL_PROJECT_HASH, "");
        if (manifest && adopt_is_from_here(own) && !adopt_is_there(manifest) &&
            !is_used_by_state(&gone->projects, hash))
            add(gone, "volume", json_string(volume, "Name", json_string(volume, "name", "")),
                json_string(own, LABEL_PROJECT, ""), manifest);
    }
    return 0;
}

static bool has_servers(const char *folder)
{
    struct state *state = state_open(folder, false, NULL);
    const cJSON *servers = state ? state_servers(state) : NULL, *record;
    bool is_running = !state;
    cJSON_ArrayForEach(record, servers)
    {
        is_running = is_running || supervisor_server_runs(record);
    }
    state_close(state);
    return is_running;
}

static void look_at_folder(struct gone *gone, const char *root, const struct find_project *project)
{
    cleanup_free char *folder = state_folder(root, project->prefix), *volumes = path_join(folder, "volumes");
    if (!project->manifest || is_used_by_state(&gone->projects, project->identity.hash) ||
        has_servers(folder))
        return;
    DIR *dir = opendir(volumes);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        cleanup_free char *path = path_join(volumes, entry->d_name);
        if (entry->d_name[0] != '.')
            add(gone, "folder", path, project->identity.name, project->manifest);
    }
    if (dir)
        closedir(dir);
}

/* ---- removing ---- */

static int remove_one(struct gone *gone, const cJSON *item, struct error *err)
{
    const char *name = json_string(item, "name", "");
    if (str_eq(json_string(item, "kind", NULL), "folder"))
        return file_remove_tree(name, err);
    engine_volume_remove(gone->once.engine, name, engine_once_done, &gone->once);
    return engine_once_wait(&gone->once, err);
}

static void show(const struct gone *gone, const char *verb, const cJSON *item)
{
    if (!gone->context->output.json)
        printf("%s %s %s of %s (%s is gone)\n", verb, json_string(item, "kind", ""),
               json_string(item, "name", ""), json_string(item, "project", ""),
               json_string(item, "manifest", ""));
}

/* What removes data has to be meant. */
static int confirm(const struct gone *gone, struct error *err)
{
    const struct context *context = gone->context;
    const cJSON *item;
    char answer[16] = "";
    if (context->yes)
        return 0;
    cJSON_ArrayForEach(item, gone->items) show(gone, "would remove", item);
    if (!context->output.interactive) {
        error_set(err, ERROR_USAGE, "gc --volumes removes the data of %d vanished volumes",
                  json_count(gone->items));
        error_hint(err, "-y does it without asking");
        return -1;
    }

    fflush(stdout);
    fprintf(stderr, "Remove them? [y/N] ");
    if (fgets(answer, sizeof answer, stdin) && (*answer == 'y' || *answer == 'Y'))
        return 0;

    return error_set(err, ERROR_FAILED, "nothing was removed");
}

/* One that is in use does not keep the others. */
static int remove_all(struct gone *gone, cJSON *removed, struct error *err)
{
    const cJSON *item;
    int failed = 0;

    cJSON_ArrayForEach(item, gone->items)
    {
        cleanup_error struct error why = {0};
        if (remove_one(gone, item, &why) == 0) {
            show(gone, "removed", item);
            cJSON_AddItemToArray(removed, cJSON_Duplicate(item, 1));
        } else if (why.code == ERROR_CONFLICT) {
            output_warn(&gone->context->output, "kept volume %s: it is in use",
                        json_string(item, "name", ""));
        } else {
            error_move(err, &why);
            failed = -1;
        }
    }

    return failed;
}

static int finish(struct gone *gone, struct error *err)
{
    const struct context *context = gone->context;
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON *removed = json_add_array(document, "removed");
    const cJSON *item;
    cJSON_AddItemToObject(document, "vanished", cJSON_Duplicate(gone->items, 1));
    int failed = 0;

    if (!json_count(gone->items))
        output_note(&context->output, "no volume's folder has vanished");
    else if (context->dry_run)
        cJSON_ArrayForEach(item, gone->items) show(gone, "would remove", item);
    else {
        failed = 0;
        if (confirm(gone, err) || remove_all(gone, removed, err))
            failed = -1;
    }

    if (!failed && context->output.json)
        output_json(document);
    return failed;
}

/* ---- the front door ---- */

static bool open_engine(struct gone *gone, struct error *err)
{
    const struct args *args = &gone->context->args;
    struct engine_address address = {0};
    if (str_eq(args_value(args, "engine"), "native"))
        return false;
    bool is_open = !engine_resolve(gone->context->environment, args_value(args, "host"),
                                   args_value(args, "context"), &address, err) &&
                   !engine_once_open(&gone->once, &address, gone->context->environment, err);
    engine_address_free(&address);
    return is_open;
}

int gc_volumes(struct context *context, const char *root, struct error *err)
{
    struct gone gone = {.context = context, .items = cJSON_CreateArray()};
    cleanup_error struct error trouble = {0};
    int failed = find_all(root, &gone.projects, err);

    gone.has_engine = !failed && open_engine(&gone, &trouble);
    if (error_is_set(&trouble))
        output_warn(&context->output, "%s: only the native engine's volumes are looked at", trouble.text);
    if (gone.has_engine)
        failed = look_at_engine(&gone, err);
    for (size_t i = 0; i < gone.projects.count && !failed; i++)
        look_at_folder(&gone, root, &gone.projects.items[i]);
    if (!failed)
        failed = finish(&gone, err);
    if (gone.has_engine)
        engine_once_close(&gone.once);
    find_free(&gone.projects);
    cJSON_Delete(gone.items);
    return failed;
}
