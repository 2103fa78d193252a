/* Identity, manifest and plan of the project that a command is about. See project.h.
 *
 * The project's name is -p, else APPHOST_PROJECT_NAME (which then is the whole identity), else what the
 * manifest says. Without reading the manifest the name is learnt from the state folders: their names end with
 * the hash. */
#include "project/project.h"
#include "project/adopt.h"
#include "project/certificates.h"
#include "project/find.h"
#include "project/native.h"
#include "project/nested.h"
#include "args/suggest.h"
#include "lower/lower.h"
#include "project/worker.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "process/process.h"
#include "state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *project_folder(const struct project *project)
{
    if (project->prefix)
        return state_folder(project->root, project->prefix);
    return NULL;
}

/* ---- identity ---- */

static const char *override_of(const struct project_options *options)
{
    if (args_from_environment(options->args, "project-name"))
        return args_value(options->args, "project-name");
    return NULL;
}

/* Told by `run --isolate`, or inherited from it: what a worker calls means the worker's project. */
static const char *isolate_of(const struct project_options *options)
{
    static const char name[] = VARIABLE_WORKER_SLOT "=";
    for (char *const *entry = options->environment; !options->isolate && entry && *entry; entry++)
        if (str_starts(*entry, name) && (*entry)[sizeof name - 1])
            return *entry + sizeof name - 1;
    return options->isolate;
}

/* Of a worker of `run --matrix`, or NULL: what it calls means its server, which has that image. */
static const char *image_of(const struct project_options *options)
{
    static const char name[] = VARIABLE_WORKER_IMAGE "=";
    for (char *const *entry = options->environment; entry && *entry; entry++)
        if (str_starts(*entry, name) && (*entry)[sizeof name - 1])
            return *entry + sizeof name - 1;
    return NULL;
}

static bool has_state(const struct strlist *prefixes, const char *hash)
{
    for (size_t i = 0; i < prefixes->count; i++) {
        cleanup_identity struct identity identity = {0};
        if (identity_parse(prefixes->items[i], &identity) && !strcmp(identity.hash, hash))
            return true;
    }
    return false;
}

/* Data made under the former identity keeps it. */
static void find_former(struct project *project, const struct identity_source *source)
{
    cleanup_strlist struct strlist prefixes = {0};
    if (!identity_former_hash(source, project->former_hash))
        return;
    adopt_hash(project->root, project->former_hash);
    if (state_list(project->root, &prefixes, NULL) || has_state(&prefixes, project->hash) ||
        !has_state(&prefixes, project->former_hash))
        return;
    memcpy(project->hash, project->former_hash, sizeof project->hash);
    project->is_former = true;
}

/* Only a manifest from standard input needs its name for an identity: other ones have a path. */
static void set_hash(struct project *project, const struct project_options *options, const char *name)
{
    bool is_stdin = project->manifest && str_ends(project->manifest, "/-");
    const char *isolate = isolate_of(options), *override = override_of(options);
    cleanup_free char *salt =
        xasprintf("%s%s%s", text_if(is_stdin && name, name), text_if(isolate, "#"), text_or_empty(isolate));
    cleanup_free char *whole = NULL;
    if (override)
        whole = xasprintf("%s%s%s", override, text_if(isolate, "#"), text_or_empty(isolate));
    struct identity_source source = {text_or_empty(project->manifest), salt, whole};
    identity_hash(&source, project->hash);
    memcpy(project->own_hash, project->hash, sizeof project->own_hash);
    if (options->adopt && identity_is_hash(options->adopt))
        memcpy(project->hash, options->adopt, sizeof project->hash);
    else if (!adopt_hash(project->root, project->hash))
        find_former(project, &source);
}

static void set_name(struct project *project, const char *name, const char *isolate)
{
    char *named;
    if (isolate)
        named = xasprintf("%s-%s", name, isolate);
    else
        named = xstrdup(name);
    free(project->name); /* name may be it */
    project->name = named;
    free(project->prefix);
    project->prefix = identity_prefix(named, project->hash);
}

/* ---- finding ---- */

void project_take(struct project *project, const struct identity *identity)
{
    memcpy(project->hash, identity->hash, sizeof project->hash);
    set_name(project, identity->name, NULL);
}

/* A name, and no folder that makes it plain: the project of this folder if it is called so, else the only one
 * that is called so anywhere. */
static int find_named(struct project *project, const struct find_list *list, const char *name,
                      bool may_be_unknown, struct error *err)
{
    const struct find_project *found = NULL;
    bool has_manifest = project->manifest != NULL;
    if (has_manifest)
        set_name(project, name, NULL);
    if (has_manifest && find_by_prefix(list, project->prefix))
        return 0;

    int count = find_by_name(list, name, &found, err);
    if (count > 0)
        project_take(project, &found->identity);
    project->is_unknown = count == 0;
    if (project->is_unknown && !(has_manifest && may_be_unknown))
        return find_refuse_name(list, name, err);
    if (count < 0)
        return -1;
    return 0;
}

/* No name: by the manifest's path, else by the session of this folder. *missing: why there is no manifest. */
static int find_unnamed(struct project *project, const struct find_list *list, struct error *missing,
                        struct error *err)
{
    cleanup_free char *here = path_canonical(".");
    const struct find_project *found;
    if (project->manifest)
        found = find_by_hash(list, project->hash);
    else
        found = find_by_folder(list, here);
    if (found)
        project_take(project, &found->identity);
    if (found || project->manifest)
        return 0;
    error_move(err, missing);
    return -1;
}

static int find_manifest(struct project *project, const struct project_options *options, struct error *err)
{
    cleanup_strlist struct strlist files = {0};
    args_values(options->args, "file", &files);
    if (!files.count) {
        cleanup_free char *found = manifest_find(".", options->environment, err);
        project->manifest = NULL;
        if (found)
            project->manifest = path_canonical(found);
        if (found)
            return 0;
        return -1;
    }

    if (!strcmp(files.items[0], "-")) {
        cleanup_free char *here = path_canonical(".");
        project->manifest = path_join(here, "-");
    } else {
        project->manifest = path_canonical(files.items[0]);
    }
    return 0;
}

/* Started inside of a session, and told of no other project. */
static bool find_around(struct project *project, const struct project_options *options)
{
    cleanup_nested struct nested nested = {0};
    if (options->ignores_session || options->isolate ||
        !nested_find(&nested, project->root, options->args, options->environment))
        return false;
    project->manifest = take_ptr(&nested.manifest);
    project_take(project, &nested.identity);
    memcpy(project->own_hash, project->hash, sizeof project->own_hash);
    return true;
}

int project_identify(struct project *project, const struct project_options *options, struct error *err)
{
    const char *name = args_value(options->args, "project-name"), *isolate = isolate_of(options);
    cleanup_error struct error missing = {0};
    cleanup_find struct find_list list = {0};
    project->root = state_root(options->environment, err);
    if (!project->root)
        return -1;
    if (find_around(project, options))
        return 0;

    find_manifest(project, options, &missing);
    set_hash(project, options, name);
    bool is_plain = override_of(options) || options->is_elsewhere || args_value(options->args, "file") ||
                    (isolate && project->manifest);
    if (name && is_plain) {
        set_name(project, name, isolate);
        return 0;
    }
    if (find_all(project->root, &list, err))
        return -1;

    if (name)
        return find_named(project, &list, name, options->may_be_unknown, err);
    return find_unnamed(project, &list, &missing, err);
}

/* ---- loading ---- */

/* --engine and its twin, then the manifest, as far as it was read. */
static bool wants_native(const struct project *project, const struct project_options *options)
{
    const char *engine = args_value(options->args, "engine");
    if (!engine && project->model)
        engine = project->model->engine;
    return str_eq(engine, "native");
}

int project_resolve_engine(struct project *project, const struct project_options *options, struct error *err)
{
    project->is_native = project->is_native || wants_native(project, options);
    if (project->is_native && !project->has_engine)
        return error_set(err, ERROR_ENGINE, "the native engine is used: there are no containers");
    if (!project->has_engine && !error_is_set(&project->engine_error)) {
        const char *host = args_value(options->args, "host");
        const char *context = args_value(options->args, "context");
        project->has_engine =
            !engine_resolve(options->environment, host, context, &project->engine, &project->engine_error);
    }
    if (project->has_engine)
        return 0;
    error_copy(err, &project->engine_error);
    return -1;
}

int project_summarise(struct project *project, struct error *err)
{
    const struct manifest_problems *problems = &project->problems;
    /* No file, or none that can be read: that is the whole story. */
    if (problems->count == 1 && problems->items[0].error.source.line < 1) {
        error_copy(err, &problems->items[0].error);
        manifest_problems_free(&project->problems);
        return -1;
    }
    const char *file = NULL;
    if (problems->count)
        file = problems->items[0].error.source.file;
    error_set(err, ERROR_MANIFEST, "%zu %s in %s; nothing was created", problems->errors,
              problems->errors == 1 ? "error" : "errors", text_or(file, "the manifest"));
    return -1;
}

static int lower(struct project *project, const struct project_options *options, struct error *err)
{
    struct error *problems = NULL;
    size_t count = 0;
    cleanup_free char *certs = certificates_folder(project), *folder = project_folder(project);
    cleanup_strlist struct strlist inherited = {0};
    process_inherit(&inherited, options->environment);

    /* A remote engine's host is known; the others' is found out once they answer. */
    const struct engine_address *engine = NULL;
    if (project->has_engine)
        engine = &project->engine;
    struct plan_context context = {
        .certs_folder = certs,
        .state_folder = folder,
        .project = project->name,
        .project_hash = project->hash,
        .published_host = engine && !engine->override ? engine->published_host : NULL,
        .remote_engine = engine && engine->remote,
        .environment = inherited.items,
        .uid = (int)getuid(),
        .gid = (int)getgid(),
    };

    project->plan = plan_lower(project->model, &context, &problems, &count);
    for (size_t i = 0; i < count; i++)
        manifest_problems_add(&project->problems, &problems[i], false);
    free(problems);
    for (size_t i = 0; project->plan && i < project->plan->warning_count; i++)
        manifest_problems_add(&project->problems, &project->plan->warnings[i], true);
    if (project->plan)
        return 0;
    return project_summarise(project, err);
}

int project_rehash(struct project *project, const struct project_options *options, const char *hash,
                   struct error *err)
{
    struct identity identity = {.name = project->name};
    memcpy(identity.hash, hash, sizeof identity.hash);
    project_take(project, &identity);
    plan_free(take_ptr(&project->plan));
    return lower(project, options, err);
}

static void split_profiles(struct strlist *profiles, const char *value)
{
    while (value && *value) {
        size_t length = strcspn(value, ",");
        if (length)
            strlist_take(profiles, xstrndup(value, length));
        value += length + (value[length] == ',');
    }
}

/* file: what to read when no flag says so; NULL: what is found here. */
static struct model *load_model(struct project *project, const struct project_options *options,
                                const char *file)
{
    struct manifest_options manifest = {.environment = options->environment};
    manifest.project_name = args_value(options->args, "project-name");
    args_values(options->args, "file", &manifest.files);
    if (file)
        strlist_add(&manifest.files, file);
    args_values(options->args, "env-file", &manifest.env_files);
    args_values(options->args, "parameter", &manifest.parameters);
    args_values(options->args, "profile", &manifest.profiles);
    struct strlist environment = {.items = (char **)options->environment};

    for (char *const *entry = options->environment; *entry; entry++)
        environment.count++;
    if (!manifest.profiles.count)
        split_profiles(&manifest.profiles, strlist_getenv(&environment, VARIABLE_PROFILES));
    struct model *model = manifest_load(&manifest, &project->problems);
    strlist_free(&manifest.files);
    strlist_free(&manifest.env_files);
    strlist_free(&manifest.parameters);
    strlist_free(&manifest.profiles);
    return model;
}

/* Everybody on the machine can read our command line. */
static void warn_of_public_secrets(struct project *project, const struct project_options *options)
{
    cleanup_strlist struct strlist given = {0};
    args_values(options->args, "parameter", &given);
    for (size_t i = 0; i < given.count; i++) {
        size_t length = strcspn(given.items[i], "=");
        const char *value = given.items[i] + length;
        cleanup_free char *name = xstrndup(given.items[i], length);
        const struct model_parameter *parameter = model_find_parameter(project->model, name);
        if (!parameter || !parameter->secret || !*value || value[1] == '@' || !strcmp(value, "=-"))
            continue;
        struct error warning = {0};
        error_set(&warning, ERROR_MANIFEST, "--parameter %s=…: everybody can see the command line", name);
        error_hint(&warning, "--parameter %s=@FILE, %s=- or APPHOST_PARAM_%s keep a secret", name, name,
                   name);
        manifest_problems_add(&project->problems, &warning, true);
    }
}

/* What is read belongs to the session around us: its identity, and its engine unless a flag says another. */
static void join(struct project *project, const struct project_options *options, const struct nested *nested)
{
    project_take(project, &nested->identity);
    project->has_engine = nested_engine(nested, options->args, &project->engine);
    if (!args_value(options->args, "engine") && !project->has_engine && native_has_left(project))
        project->model->engine = "native";
}

static bool is_joining(const struct project *project, const struct project_options *options,
                       struct nested *nested, char **file)
{
    return !options->ignores_session && !options->isolate &&
           nested_find(nested, project->root, options->args, options->environment) &&
           nested_means_manifest(nested, options->environment, file);
}

int project_load(struct project *project, const struct project_options *options, struct error *err)
{
    cleanup_nested struct nested nested = {0};
    cleanup_free char *file = NULL;
    if (!project->root && !(project->root = state_root(options->environment, err)))
        return -1;

    bool joins = is_joining(project, options, &nested, &file);
    project->model = load_model(project, options, file);
    if (!project->model)
        return project_summarise(project, err);
    warn_of_public_secrets(project, options);
    const char *engine = args_value(options->args, "engine");

    if (engine)
        project->model->engine = engine;
    if (isolate_of(options))
        worker_isolate(project->model);
    if (isolate_of(options) && image_of(options))
        worker_use_image(project->model, image_of(options));
    free(project->manifest);
    project->manifest = xstrdup(project->model->file);
    set_hash(project, options, project->model->name);
    set_name(project, project->model->name, isolate_of(options));
    if (joins)
        join(project, options, &nested);
    project_resolve_engine(project, options, NULL);
    if (options->is_model_only)
        return 0;
    return lower(project, options, err);
}

void project_forget_manifest(struct project *project)
{
    manifest_problems_free(&project->problems);
    plan_free(take_ptr(&project->plan));
    manifest_free(take_ptr(&project->model));
}

void project_free(struct project *project)
{
    project_forget_manifest(project);
    engine_address_free(&project->engine);
    error_clear(&project->engine_error);
    free(project->root);
    free(project->manifest);
    free(project->name);
    free(project->prefix);
    *project = (struct project){0};
}

/* ---- names ---- */

int project_check_names(const struct project *project, const struct strlist *names, struct error *err)
{
    const struct plan *plan = project->plan;
    for (size_t i = 0; i < names->count; i++) {
        if (plan_find_resource(plan, names->items[i]))
            continue;
        cleanup_free const char **known = xcalloc(plan->resource_count + 1, sizeof *known);
        for (size_t r = 0; r < plan->resource_count; r++)
            known[r] = plan->resources[r].name;
        return suggest_resource(names->items[i], known, plan->resource_count, err);
    }
    return 0;
}

void project_closure(const struct project *project, const struct strlist *names, struct strlist *out)
{
    const struct plan *plan = project->plan;
    cleanup_free bool *marked = xcalloc(plan->node_count + 1, sizeof *marked);
    const struct plan_node *node;
    for (size_t i = 0; i < plan->resource_count; i++) {
        const struct plan_resource *resource = &plan->resources[i];
        bool all = !names->count || strlist_has(names, resource->name);
        for (size_t next = 0; (node = plan_node_of(plan, resource, next)); next++)
            if (all || strlist_has(names, node->resource))
                plan_closure(plan, node, marked);
    }
    for (size_t i = 0; i < plan->resource_count; i++)
        for (size_t next = 0; (node = plan_node_of(plan, &plan->resources[i], next)); next++)
            if (marked[node - plan->nodes])
                strlist_add(out, node->resource);
}
