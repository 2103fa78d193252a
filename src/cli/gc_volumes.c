/* gc --volumes: data whose project's folder is gone. See gc_volumes.h.
 *
 * Whose manifest is gone is told by the labels of volumes, and by the state folders of the native engine.
 * Left alone are: another user's; those of an identity that another folder has adopted (its state folder
 * names the new manifest); those made in a container that is not this one, whose paths mean nothing here,
 * but where we are on the machine and the label tells where its folder lay there; what is in use. */
#include "cli/gc_volumes.h"
#include "session/question.h"
#include "project/adopt.h"
#include "engine/once.h"
#include "project/find.h"
#include "project/owned.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "machine/self.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct vanished {
    const char *kind; /* "volume", "folder" */
    const char *name, *project, *manifest;
    bool is_removed;
};

struct gone {
    struct context *context;
    struct find_list projects;
    struct engine_once once;
    bool has_engine;
    bool is_contained; /* we run in a container */
    struct vanished *items;
    size_t count;
    struct arena arena; /* of their texts */
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
    struct arena *arena = &gone->arena;
    gone->items = arena_grow(arena, gone->items, gone->count, gone->count + 1, sizeof *gone->items);
    gone->items[gone->count++] = (struct vanished){
        .kind = kind,
        .name = arena_strdup(arena, name),
        .project = arena_strdup(arena, project),
        .manifest = arena_strdup(arena, manifest),
    };
}

/* As the kernel told it: where a file system of the machine's own begins there, the path is not whole. So the
 * folder that it lay in has to be there. */
static bool has_vanished_outside(const char *manifest)
{
    cleanup_free char *folder = path_dirname(manifest), *above = path_dirname(folder);
    return *manifest == '/' && !adopt_is_there(manifest) && !file_exists(folder) && file_exists(above);
}

/* Where its manifest was, if that is gone; NULL: it is there, or it cannot be told. */
static const char *vanished_manifest(const struct gone *gone, const struct owned *owned)
{
    if (owned_is_from_here(owned)) {
        if (*owned->manifest && !adopt_is_there(owned->manifest))
            return owned->manifest;
        return NULL;
    }
    if (!gone->is_contained && has_vanished_outside(owned->manifest_outside))
        return owned->manifest_outside;
    return NULL;
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
        const struct owned owned = owned_of(volume);
        const char *manifest = vanished_manifest(gone, &owned);
        if (manifest && !is_used_by_state(&gone->projects, owned.hash))
            add(gone, "volume", owned.name, owned.project, manifest);
    }
    return 0;
}

static bool has_servers(const char *folder)
{
    struct state *state = state_open(folder, false, NULL);
    cleanup_servers struct state_servers servers = {0};
    bool is_running = !state;
    if (state)
        state_servers(state, &servers);
    for (size_t i = 0; i < servers.count; i++)
        is_running = is_running || supervisor_server_runs(&servers.items[i]);
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

static int remove_one(struct gone *gone, const struct vanished *item, struct error *err)
{
    if (str_eq(item->kind, "folder"))
        return file_remove_tree(item->name, err);
    engine_volume_remove(gone->once.engine, item->name, engine_once_done, &gone->once);
    return engine_once_wait(&gone->once, err);
}

static void show(const struct gone *gone, const char *verb, const struct vanished *item)
{
    if (!gone->context->output.json)
        printf("%s %s %s of %s (%s is gone)\n", verb, item->kind, item->name, item->project, item->manifest);
}

static void show_all(const struct gone *gone, const char *verb)
{
    for (size_t i = 0; i < gone->count; i++)
        show(gone, verb, &gone->items[i]);
}

/* What removes data has to be meant. */
static int confirm(const struct gone *gone, struct error *err)
{
    const struct context *context = gone->context;
    if (context->yes)
        return 0;
    show_all(gone, "would remove");
    if (!context->output.interactive) {
        error_set(err, ERROR_USAGE, "gc --volumes removes the data of %zu vanished volumes", gone->count);
        error_hint(err, "-y does it without asking");
        return -1;
    }

    fflush(stdout);
    fprintf(stderr, "Remove them? [y/N] ");
    return question_ask(NULL, "nothing was removed", err);
}

/* One that is in use does not keep the others. */
static int remove_all(struct gone *gone, struct error *err)
{
    int failed = 0;
    for (size_t i = 0; i < gone->count; i++) {
        struct vanished *item = &gone->items[i];
        cleanup_error struct error why = {0};
        if (remove_one(gone, item, &why) == 0) {
            show(gone, "removed", item);
            item->is_removed = true;
        } else if (why.code == ERROR_CONFLICT) {
            output_warn(&gone->context->output, "kept volume %s: it is in use", item->name);
        } else {
            error_move(err, &why);
            failed = -1;
        }
    }

    return failed;
}

static cJSON *list_json(const struct gone *gone, bool only_removed)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < gone->count; i++) {
        const struct vanished *it = &gone->items[i];
        if (only_removed && !it->is_removed)
            continue;
        cJSON *item = cJSON_CreateObject();
        json_add_string(item, "kind", it->kind);
        json_add_string(item, "name", it->name);
        json_add_string(item, "project", it->project);
        json_add_string(item, "manifest", it->manifest);
        cJSON_AddItemToArray(list, item);
    }
    return list;
}

static void print_json(const struct gone *gone)
{
    cleanup_json cJSON *document = cJSON_CreateObject();
    cJSON_AddItemToObject(document, "removed", list_json(gone, true));
    cJSON_AddItemToObject(document, "vanished", list_json(gone, false));
    output_json(document);
}

static int finish(struct gone *gone, struct error *err)
{
    const struct context *context = gone->context;
    int failed = 0;

    if (!gone->count)
        output_note(&context->output, "no volume's folder has vanished");
    else if (context->dry_run)
        show_all(gone, "would remove");
    else if (confirm(gone, err) || remove_all(gone, err))
        failed = -1;

    if (!failed && context->output.json)
        print_json(gone);
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
    cleanup_free char *container = machine_container_id();
    struct gone gone = {.context = context, .is_contained = container != NULL};
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
    arena_free(&gone.arena);
    return failed;
}
