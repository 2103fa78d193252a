/* Looking for data that an identity does not see: that of a moved folder, that of another user. See adopt.h.
 */
#include "project/adopt.h"
#include "project/owned.h"
#include "engine/once.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "machine/self.h"
#include "state/state.h"

#include <dirent.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- the engine's lists ---- */

typedef struct engine_op *list_cb(struct engine *engine, const char *const *labels, engine_done_cb *done,
                                  void *data);

/* What is asked, and of which engine. */
struct question {
    const struct engine_address *engine;
    char *const *environment;
    const char *label;
};

static int list(const struct question *question, list_cb *what, cJSON **out, struct error *err)
{
    struct engine_once once = {0};
    const char *const labels[] = {question->label, NULL};
    int rc = engine_once_open(&once, question->engine, question->environment, err);
    if (rc == 0) {
        what(once.engine, labels, engine_once_done, &once);
        rc = engine_once_wait(&once, err);
        *out = take_ptr(&once.json);
    }
    engine_once_close(&once);
    return rc;
}

static bool has_volume(const cJSON *volumes, const char *name)
{
    const cJSON *volume;
    cJSON_ArrayForEach(volume, volumes)
    {
        if (str_eq(owned_of(volume).name, name))
            return true;
    }
    return false;
}

/* ---- a moved folder ---- */

bool adopt_is_there(const char *manifest)
{
    cleanup_free char *folder = NULL;
    if (str_ends(manifest, "/-"))
        folder = path_dirname(manifest);
    return file_exists(folder ? folder : manifest);
}

/* Where a manifest lies as the machine sees it, on which all containers are; NULL: not known. */
static char *seen_from_outside(const struct project *project)
{
    cleanup_free char *container = machine_container_id();
    if (container)
        return machine_bound_from(project->manifest);
    return xstrdup(project->manifest);
}

static const char *made_outside(const struct owned *owned)
{
    if (*owned->container)
        return owned->manifest_outside;
    return owned->manifest;
}

/* The same folder, looked at from a container that has it, or from the machine: not from where we are. */
static bool is_same_folder(const struct project *project, const struct owned *owned)
{
    cleanup_free char *ours = seen_from_outside(project);
    return ours && !owned_is_from_here(owned) && str_eq(made_outside(owned), ours);
}

/* Whose data lies where. */
struct orphan {
    const char *place, *manifest, *hash;
    bool is_same_folder; /* of ours, made in a container or outside of it */
};

/* Somebody works with it: another project, of another place. Under our own manifest's path it was made by us,
 * when the machine had another id. */
static bool is_anothers(const struct project *project, const char *manifest)
{
    return adopt_is_there(manifest) && !str_eq(manifest, project->manifest);
}

static void tell_orphan(const struct project *project, const struct output *output,
                        const struct orphan *orphan)
{
    bool is_ours = orphan->is_same_folder || str_eq(orphan->manifest, project->manifest);
    if (is_ours) {
        output_warn(output, "this project has data of another identity in %s: %s", orphan->place,
                    text_pick(orphan->is_same_folder, "it was made on the other side of a container's wall",
                              "has /etc/machine-id changed?"));
        output_note(output, "to work with it: apphost down, then apphost up --adopt %s", orphan->hash);
        return;
    }
    output_warn(output, "an earlier %s has its data in %s; its manifest %s is gone", project->name,
                orphan->place, orphan->manifest);
    output_note(
        output,
        "if it was moved here: apphost down, then apphost up --adopt %s; if nobody needs it: apphost gc "
        "--volumes removes it",
        orphan->hash);
}

/* Does the plan want a volume of this name that does not exist yet? */
static bool is_missing(const struct project *project, const cJSON *volumes, const char *name)
{
    for (size_t i = 0; i < project->plan->node_count; i++) {
        const struct plan_node *node = &project->plan->nodes[i];
        if (node->kind == PLAN_VOLUME && !node->external && !node->folder && str_eq(node->name, name))
            return !has_volume(volumes, name);
    }
    return false;
}

/* A volume that holds, under another hash, what one of ours is to hold. */
static void look_at_volume(const struct project *project, const struct output *output, const cJSON *volumes,
                           const cJSON *volume)
{
    const struct owned owned = owned_of(volume);
    cleanup_free char *theirs = identity_prefix(project->name, owned.hash);
    const char *suffix = NULL;
    if (str_starts(owned.name, theirs))
        suffix = owned.name + strlen(theirs);
    bool is_same = is_same_folder(project, &owned);
    if (!*owned.manifest || !suffix || !owned_is_mine(&owned) || !strcmp(owned.hash, project->hash) ||
        (!is_same && (is_anothers(project, owned.manifest) || !owned_is_from_here(&owned))))
        return;
    cleanup_free char *ours = xasprintf("%s%s", project->prefix, suffix);
    cleanup_free char *place = xasprintf("volume %s", owned.name);
    if (is_missing(project, volumes, ours))
        tell_orphan(project, output, &(struct orphan){place, owned.manifest, owned.hash, is_same});
}

/* ---- a moved folder on the native engine: its volumes are folders of its state ---- */

static void list_folder(const char *folder, struct strlist *out)
{
    DIR *dir = opendir(folder);
    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        if (entry->d_name[0] != '.')
            strlist_take(out, path_join(folder, entry->d_name));
    }
    if (dir)
        closedir(dir);
}

/* The folder of our own that `folder` of another identity would be. */
static bool stands_for_ours(const struct project *project, const char *folder)
{
    cleanup_free char *own = project_folder(project);
    cleanup_free char *ours = xasprintf("%s/volumes/%s", own, path_basename(folder));
    for (size_t i = 0; i < project->plan->node_count; i++) {
        const struct plan_node *node = &project->plan->nodes[i];
        if (node->kind == PLAN_VOLUME && str_eq(node->folder, ours))
            return true;
    }
    return false;
}

static void look_at_state(const struct project *project, const struct output *output, const char *prefix,
                          const char *hash)
{
    cleanup_strlist struct strlist folders = {0};
    cleanup_free char *state = state_folder(project->root, prefix);
    cleanup_free char *volumes = path_join(state, "volumes"), *manifest = state_manifest(state);
    if (!manifest || is_anothers(project, manifest))
        return;
    list_folder(volumes, &folders);
    for (size_t i = 0; i < folders.count; i++) {
        cleanup_free char *place = xasprintf("folder %s", folders.items[i]);
        if (stands_for_ours(project, folders.items[i]))
            tell_orphan(project, output, &(struct orphan){place, manifest, hash, false});
    }
}

static void look_at_states(const struct project *project, const struct output *output)
{
    cleanup_strlist struct strlist prefixes = {0};
    if (state_list(project->root, &prefixes, NULL))
        return;
    for (size_t i = 0; i < prefixes.count; i++) {
        const char *prefix = prefixes.items[i];
        cleanup_identity struct identity identity = {0};
        if (identity_parse(prefix, &identity) && str_eq(identity.name, project->name) &&
            strcmp(prefix, project->prefix) != 0)
            look_at_state(project, output, prefix, identity.hash);
    }
}

/* ---- another user ---- */

/* True: told, once is enough. */
static bool look_for_owner(const struct project *project, const struct output *output, const char *kind,
                           const cJSON *objects)
{
    const cJSON *object;

    cJSON_ArrayForEach(object, objects)
    {
        const struct owned owned = owned_of(object);
        bool is_shared = str_eq(owned.hash, project->hash);
        if (owned.uid < 0 || is_shared || owned_is_mine(&owned) || !str_eq(owned.manifest, project->manifest))
            continue;
        const struct passwd *user = getpwuid((uid_t)owned.uid);
        output_warn(
            output,
            "%s (uid %lld) has a %s of this manifest: %s %s; yours will be another one, with data and "
            "passwords of its own",
            user ? user->pw_name : "another user", (long long)owned.uid, project->name, kind, owned.name);
        output_note(output,
                    "to work with that one: run apphost as that user%s, or both of you with "
                    "the same APPHOST_PROJECT_NAME",
                    text_if(!getuid(), " (without sudo)"));
        return true;
    }
    return false;
}

/* ---- the front door ---- */

static bool keeps_data(const struct plan *plan, bool is_native)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        const struct plan_node *node = &plan->nodes[i];
        bool is_volume = node->kind == PLAN_VOLUME && !node->external && (node->folder != NULL) == is_native;
        if (is_volume || (!is_native && node->run.persistent))
            return true;
    }
    return false;
}

bool adopt_is_first(const struct project *project)
{
    cleanup_free char *folder = project_folder(project);
    bool is_first = folder && access(folder, F_OK) < 0;
    return is_first &&
           (keeps_data(project->plan, true) || (project->has_engine && keeps_data(project->plan, false)));
}

void adopt_look(const struct project *project, char *const *environment, const struct output *output)
{
    cleanup_free char *label = xasprintf(LABEL_PROJECT "=%s", project->name);
    const struct question question = {&project->engine, environment, label};
    cleanup_json cJSON *volumes = NULL, *containers = NULL;
    cleanup_error struct error trouble = {0};
    const cJSON *volume;
    if (keeps_data(project->plan, true))
        look_at_states(project, output);
    if (!project->has_engine || !keeps_data(project->plan, false) ||
        list(&question, engine_volume_list, &volumes, &trouble) < 0)
        return;
    cJSON_ArrayForEach(volume, volumes) look_at_volume(project, output, volumes, volume);
    if (!look_for_owner(project, output, "volume", volumes) &&
        list(&question, engine_container_list, &containers, &trouble) == 0)
        look_for_owner(project, output, "container", containers);
}

int adopt_list(const struct project *project, char *const *environment, const char *hash, struct strlist *out,
               struct error *err)
{
    cleanup_free char *label = xasprintf(LABEL_PROJECT_HASH "=%s", hash);
    const struct question question = {&project->engine, environment, label};
    cleanup_free char *prefix = identity_prefix(project->name, hash);
    cleanup_free char *state = state_folder(project->root, prefix), *folder = path_join(state, "volumes");
    cleanup_json cJSON *volumes = NULL, *containers = NULL;
    const cJSON *object;
    if (project->has_engine && (list(&question, engine_volume_list, &volumes, err) < 0 ||
                                list(&question, engine_container_list, &containers, err) < 0))
        return -1;

    cJSON_ArrayForEach(object, volumes) strlist_add(out, owned_of(object).name);
    cJSON_ArrayForEach(object, containers)
    {
        const struct owned owned = owned_of(object);
        if (owned.is_persistent)
            strlist_add(out, owned.name);
    }
    list_folder(folder, out);
    return 0;
}
