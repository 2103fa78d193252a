/* manifest_load(): files → trees → one tree → variables → parameters → resources → checks.
 *
 * The order matters: variables are known before anything is interpolated, names before anything refers to
 * them, parameters before resources, all resources before the checks that look across them. */
#include "manifest/root.h"
#include "manifest/read.h"
#include "base/file.h"
#include "base/pick.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- files --- */

/* A path as the user would write it: relative when it lies below the current folder. */
static char *shown_path(const char *path)
{
    char here[PATH_MAX];
    size_t length = 0;
    if (getcwd(here, sizeof here))
        length = strlen(here);
    if (length > 1 && strncmp(path, here, length) == 0 && path[length] == '/')
        return xstrdup(path + length + 1);
    return xstrdup(path);
}

static void report_unreadable(struct loader *l, const char *path, const struct error *err)
{
    struct model_pos nowhere = {0};
    manifest_problem_at(l, nowhere, 0, "%s", err->text);
    if (err->code == ERROR_NO_FILE && strcmp(path, "-") != 0)
        manifest_hint(l, "look at -f/--file and $APPHOST_FILE, or make one with `apphost init`");
}

/* The folder that relative paths of a file start from: as the path says, links are not followed. */
static const char *folder_of(struct loader *l, const char *path)
{
    char here[PATH_MAX];
    cleanup_free char *folder = NULL;
    if (strcmp(path, "-"))
        folder = path_dirname(path);
    else
        folder = xstrdup(".");
    const char *base = text_or(l->options->directory, ".");
    cleanup_free char *from_base = NULL;
    if (strcmp(path, "-"))
        from_base = xstrdup(folder);
    else
        from_base = xstrdup(base);
    cleanup_free char *whole = path_join(getcwd(here, sizeof here) ? here : "/", from_base);
    return arena_strdup(l->arena, whole);
}

static struct yaml_node *read_file(struct loader *l, const char *path)
{
    cleanup_error struct error err = {0};
    size_t length;
    char *text = file_read_text(path, NODE_MAX_BYTES, &length, &err);
    if (!text) {
        report_unreadable(l, path, &err);
        return NULL;
    }

    struct source_text *source = manifest_add_source(l, path, text, length);
    source->folder = folder_of(l, path);
    const char *name = source->name;
    if (manifest_check_text(l, name, text, length) < 0)
        return NULL;
    size_t before = l->problems->errors;
    struct yaml_node *root = manifest_parse_yaml(l, name, text, length);
    struct model_pos start = {name, 1, 1};
    if (!root && l->problems->errors == before)
        manifest_problem_at(l, start, 1, "the manifest is empty");
    if (!root || root->kind == NODE_MAP)
        return root;
    manifest_problem(l, root, "a manifest is a map with `resources`");
    return NULL;
}

/* What to read: the files named, else what discovery finds, with its override. */
static int list_files(struct loader *l, struct strlist *files)
{
    const char *directory = l->options->directory;
    for (size_t i = 0; i < l->options->files.count; i++) {
        const char *name = l->options->files.items[i];
        bool is_plain = strcmp(name, "-") == 0 || !directory;
        strlist_take(files, is_plain ? xstrdup(name) : path_join(directory, name));
    }
    if (files->count)
        return 0;
    cleanup_error struct error err = {0};
    cleanup_free char *found = manifest_find(directory, l->options->environment, &err);

    if (!found) {
        manifest_problem_at(l, (struct model_pos){0}, 0, "%s", err.text);
        manifest_hint(l, "%s", err.hint);
        return -1;
    }
    strlist_take(files, shown_path(found));
    static const char *const overrides[] = {"apphost.override.yaml", "apphost.override.yml"};
    cleanup_free char *folder = path_dirname(found);
    for (int i = 0; i < 2 && files->count == 1; i++) {
        cleanup_free char *path = path_join(folder, overrides[i]);
        if (file_exists(path))
            strlist_take(files, shown_path(path));
    }

    return 0;
}

/* "cache: redis" is {type: redis}; spelt out, so that overrides can add to it. */
static void spell_out_types(struct loader *l, struct yaml_node *root)
{
    struct yaml_node *resources = manifest_get(root, "resources");

    for (size_t i = 0; resources && resources->kind == NODE_MAP && i < resources->count; i++) {
        struct yaml_node *value = resources->items[i];
        if (value->kind != NODE_SCALAR || manifest_is_null(value))
            continue;
        struct yaml_node *map = arena_alloc(l->arena, sizeof *map), *key = arena_alloc(l->arena, sizeof *key);
        *key = *value;
        key->text = "type";
        *map = (struct yaml_node){
            .kind = NODE_MAP, .pos = value->pos, .length = value->length, .height = 2, .weight = 3};
        map->keys = arena_alloc(l->arena, sizeof(struct yaml_node *));
        map->items = arena_alloc(l->arena, sizeof(struct yaml_node *));
        map->keys[0] = key;
        map->items[0] = value;
        map->count = 1;
        resources->items[i] = map;
    }
}

static struct yaml_node *read_files(struct loader *l)
{
    cleanup_strlist struct strlist files = {0};
    struct yaml_node *root = NULL;
    bool is_whole = list_files(l, &files) == 0;

    for (size_t i = 0; i < files.count; i++) {
        struct yaml_node *next = read_file(l, files.items[i]);
        is_whole = is_whole && next;
        if (!next)
            continue;
        spell_out_types(l, next);
        if (root)
            root = manifest_override(l, root, next);
        else
            root = next;
    }
    if (!l->source_count)
        return NULL;

    const struct source_text *first = &l->sources[0];
    bool is_stdin = strcmp(first->name, "-") == 0;
    cleanup_free char *canonical = NULL;
    if (is_stdin)
        canonical = path_join(first->folder, "-");
    else
        canonical = path_canonical(first->name);
    l->model->file = arena_strdup(l->arena, canonical);
    l->model->folder = first->folder;
    if (is_whole)
        return root;
    return NULL;
}

/* --- variables --- */

static void read_variables(struct loader *l, struct yaml_node *root)
{
    manifest_load_environment(l);
    struct yaml_node *named = manifest_get(root, "env_file");
    const struct strlist *given = &l->options->env_files;
    for (size_t i = 0; i < given->count; i++)
        manifest_load_env_file(l, given->items[i], NULL);
    if (given->count)
        return;
    if (named && !manifest_is_null(named)) {
        manifest_read_variable_files(l, named);
        return;
    }
    cleanup_free char *path = path_join(l->model->folder, ".env");
    cleanup_free char *shown = shown_path(path);
    if (file_exists(path))
        manifest_load_env_file(l, shown, NULL);
}

/* --- the top --- */

/* Then the unknown field is the whole story, and its hint says how to write it. */
static bool has_misspelt_resources(const struct yaml_node *root)
{
    static const char *const right[] = {"resources"};
    bool found = manifest_get(root, "services") != NULL;
    for (size_t i = 0; i < root->count && !found; i++)
        found = str_nearest(root->keys[i]->text, right, 1) != NULL;
    return found;
}

static void declare_all(struct loader *l, struct yaml_node *root)
{
    struct yaml_node *parameters = manifest_get(root, "parameters"),
                     *resources = manifest_get(root, "resources");
    const struct yaml_node *resources_key = manifest_get_key(root, "resources");
    if (parameters && parameters->kind == NODE_MAP)
        manifest_declare(l, parameters, "parameter", &l->parameters, &l->parameters_folded);
    if (resources && resources->kind == NODE_MAP)
        manifest_declare(l, resources, "resource", &l->resources, &l->resources_folded);
    else if (resources && manifest_is_null(resources))
        manifest_problem(l, resources_key, "`resources` is empty: there is nothing to run");
    else if (!resources && !has_misspelt_resources(root))
        manifest_problem(l, root, "`resources` is missing: there is nothing to run");
}

static void set_name(struct loader *l, const struct manifest_root *top)
{
    const char *given = l->options->project_name;
    if (given) {
        struct yaml_node nowhere = {.kind = NODE_SCALAR, .text = given};
        manifest_check_name(l, &nowhere, "project", given);
        l->model->name = arena_strdup(l->arena, given);
        return;
    }
    cleanup_free char *folder = manifest_name_of_folder(l->model->folder);
    if (top->name)
        l->model->name = top->name;
    else
        l->model->name = arena_strdup(l->arena, folder);
}

static void read_all(struct loader *l, struct yaml_node *root)
{
    struct manifest_root top = {0};
    read_variables(l, root);
    declare_all(l, root);
    manifest_read_parameters(l);
    manifest_read_table(l, &table_manifest, root, &top);
    set_name(l, &top);

    l->model->engine = top.engine;
    l->model->otlp_endpoint = top.otlp_endpoint;
    l->model->has_dashboard = top.dashboard;

    manifest_read_resources(l, &top);
    model_index(l->model);
    manifest_check_references(l);
    manifest_check_sidecars(l);
    manifest_check_shared(l);
    manifest_check_replicas(l);
    manifest_check_cycles(l);
}

static void fini_loader(struct loader *l)
{
    HASH_CLEAR(hh, l->variables);
    manifest_forget(&l->resources, &l->resources_folded);
    manifest_forget(&l->parameters, &l->parameters_folded);
    manifest_free_sources(l);
    free(l->uses);
}

struct model *manifest_load(const struct manifest_options *options, struct manifest_problems *problems)
{
    struct model *model = xcalloc(1, sizeof *model);
    struct loader l = {.model = model, .arena = &model->arena, .options = options, .problems = problems};
    struct yaml_node *root = read_files(&l);
    if (root)
        read_all(&l, root);
    manifest_problems_finish(&l);
    fini_loader(&l);
    if (!problems->errors)
        return model;
    manifest_free(model);
    return NULL;
}

void manifest_free(struct model *model)
{
    if (!model)
        return;
    model_free(model);
    free(model);
}
