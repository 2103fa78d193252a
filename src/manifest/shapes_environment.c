/* Shapes of environments, files of variables, labels and profiles.
 *
 * `environment` is a map or a list of NAME=value. A name without a value takes the one of apphost's own
 * environment, as in compose. What comes from `env_file` stands before what `environment` says, whichever was
 * read first. */
#include "manifest/field.h"
#include "base/dotenv.h"
#include "base/file.h"
#include "base/ours.h"
#include "base/pick.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENV_FILE_BYTES = 1024 * 1024 };

static int check_variable_name(struct loader *l, const struct yaml_node *node, const char *name)
{
    bool is_bad = !*name;
    for (const char *p = name; *p; p++)
        is_bad = is_bad || *p == '=' || isspace((unsigned char)*p) || iscntrl((unsigned char)*p);
    if (is_bad)
        return manifest_problem(l, node, "`%s` cannot be the name of a variable", name);
    return 0;
}

/* The part of a scalar from `text` on, as a node of its own: for the value of "NAME=value". */
static struct yaml_node *tail_of(struct loader *l, const struct yaml_node *node, const char *text)
{
    struct yaml_node *tail = arena_alloc(l->arena, sizeof *tail);
    *tail = *node;
    tail->text = text;
    return tail;
}

/* Splits "NAME=value"; *value is NULL for a name alone. */
static const char *split_pair(struct loader *l, const struct yaml_node *item, struct yaml_node **value)
{
    const char *equals = strchr(item->text, '=');
    *value = NULL;
    if (equals)
        *value = tail_of(l, item, equals + 1);
    if (equals)
        return arena_strndup(l->arena, item->text, (size_t)(equals - item->text));
    return item->text;
}

struct pair {
    const struct yaml_node *key; /* for positions */
    const char *name;
    struct yaml_node *value; /* NULL: a name alone */
};

/* The i-th pair of a map or a list; false after a problem. */
static bool pair_at(struct loader *l, const struct field *field, const struct yaml_node *value, size_t i,
                    struct pair *pair)
{
    struct yaml_node *item = value->items[i];

    if (item->kind != NODE_SCALAR) {
        manifest_problem(l, item, "a value in `%s` must be text", field->name);
        return false;
    }

    *pair = (struct pair){.key = item, .value = item};
    if (value->kind == NODE_LIST) {
        pair->name = split_pair(l, item, &pair->value);
    } else {
        pair->key = value->keys[i];
        pair->name = pair->key->text;
        if (manifest_is_null(item))
            pair->value = NULL;
        else
            pair->value = item;
    }

    return check_variable_name(l, pair->key, pair->name) == 0;
}

static void reject_twins(struct loader *l, const struct field *field, const struct yaml_node *value)
{
    if (value->kind != NODE_LIST)
        return;
    for (size_t i = 0; i < value->count; i++)
        for (size_t j = 0; j < i && value->count < 1000; j++) {
            size_t size = strcspn(value->items[i]->text, "=");
            if (size && size == strcspn(value->items[j]->text, "=") &&
                strncmp(value->items[i]->text, value->items[j]->text, size) == 0)
                manifest_problem(l, value->items[i], "`%.*s` is given twice in `%s`", (int)size,
                                 value->items[i]->text, field->name);
        }
}

static int read_variable(struct loader *l, const struct pair *pair, struct model_variable *out)
{
    *out = (struct model_variable){.name = pair->name, .pos = pair->key->pos};
    if (pair->value)
        return manifest_text(l, pair->value, &out->value);
    const char *inherited = manifest_variable(l, pair->name);
    if (!inherited)
        return -1;
    out->value = model_literal(l->arena, inherited);
    out->value.pos = pair->key->pos;
    return 0;
}

static int read_environment(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_resource *resource = object;
    size_t count = resource->environment_count;
    struct model_variable *list =
        arena_grow(l->arena, resource->environment, count, count + value->count, sizeof *list);
    for (size_t i = 0; i < value->count; i++) {
        struct pair pair;
        if (pair_at(l, field, value, i, &pair) && read_variable(l, &pair, &list[count]) == 0)
            count++;
    }
    reject_twins(l, field, value);
    resource->environment = list;
    resource->environment_count = count;
    return 0;
}

/* --- env_file --- */

struct collected {
    struct loader *l;
    struct model_pos pos; /* of the field: what a problem with a value points at */
    struct model_variable *items;
    size_t count, capacity;
};

static void collect(const char *name, const char *value, int line, void *data)
{
    struct collected *c = data;
    (void)line;
    if (!value)
        value = manifest_variable(c->l, name);
    if (!value)
        return;
    if (c->count == c->capacity) {
        c->capacity = grown(c->capacity, 8);
        c->items = arena_grow(c->l->arena, c->items, c->count, c->capacity, sizeof *c->items);
    }
    struct model_variable *variable = &c->items[c->count++];
    variable->name = arena_strdup(c->l->arena, name);
    variable->value = model_literal(c->l->arena, value);
    variable->pos = variable->value.pos = c->pos;
}

struct env_file {
    const char *path;
    bool required;
};

static int read_one_file(struct loader *l, const struct yaml_node *node, const struct env_file *file,
                         struct collected *c)
{
    cleanup_error struct error err = {0};
    c->pos = node->pos;
    cleanup_free char *text = file_read_text(file->path, MAX_ENV_FILE_BYTES, NULL, &err);
    if (!text && err.code == ERROR_NO_FILE && !file->required)
        return 0;
    if (!text)
        return manifest_problem(l, node, "%s", err.text);
    if (dotenv_read(file->path, text, collect, c, &err) < 0)
        return manifest_problem(l, node, "%s:%d: %s", file->path, err.source.line, err.text);
    return 0;
}

static const struct field env_file_fields[] = {
    {.name = "path", VALUE(shape_path, struct env_file, path), .help = "The file."},
    {.name = "required",
     VALUE(shape_bool, struct env_file, required),
     .fallback = "true",
     .help = "Whether a missing file is an error."},
};
static const struct table table_env_file = {.name = "env_file",
                                            .help = "`env_file`",
                                            .fields = env_file_fields,
                                            .count = FIELD_COUNT(env_file_fields)};

/* A path, or {path, required}. NULL path after a problem. */
static struct env_file read_file_item(struct loader *l, const struct field *field, struct yaml_node *item)
{
    struct env_file file = {.required = true};
    if (item->kind == NODE_LIST) {
        manifest_bad_value(l, field, item);
    } else if (item->kind == NODE_MAP) {
        if (manifest_read_table(l, &table_env_file, item, &file) == 0 && !file.path)
            manifest_problem(l, item, "`env_file` needs a `path`");
    } else {
        const char *text = manifest_final(l, item);
        file.path = NULL;
        if (text && *text)
            file.path = manifest_path(l, item, text);
        if (text && !*text)
            manifest_problem(l, item, "`env_file` cannot be empty");
    }
    return file;
}

static int read_env_file(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    struct collected c = {.l = l};
    for (size_t i = 0; i < manifest_item_count(value); i++) {
        struct yaml_node *item = manifest_item(value, i);
        struct env_file file = read_file_item(l, field, item);
        if (file.path && !resource->inactive)
            read_one_file(l, item, &file, &c);
    }

    size_t total = c.count + resource->environment_count;
    struct model_variable *list = arena_grow(l->arena, c.items, c.count, total, sizeof *list);
    if (resource->environment_count)
        memcpy(list + c.count, resource->environment, resource->environment_count * sizeof *list);
    resource->environment = list;
    resource->environment_count = total;
    resource->env_file_count = c.count;
    return 0;
}

/* --- the manifest's own env_file: more variables --- */

void manifest_read_variable_files(struct loader *l, struct yaml_node *value)
{
    static const struct field field = {.name = "env_file", .shape = &shape_variables_file};
    for (size_t i = 0; i < manifest_item_count(value); i++) {
        struct yaml_node *item = manifest_item(value, i);
        struct env_file file = read_file_item(l, &field, item);
        if (file.path && (file.required || file_exists(file.path)))
            manifest_load_env_file(l, file.path, item);
    }
}

/* Read long before: everything else may use its variables. */
static int skip_variables_file(struct loader *l, const struct field *field, struct yaml_node *value,
                               void *object)
{
    (void)l, (void)field, (void)value, (void)object;
    return 0;
}

/* --- labels, profiles --- */

static int read_labels(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_pair *list = arena_alloc(l->arena, (value->count + 1) * sizeof *list);
    size_t count = 0;

    for (size_t i = 0; i < value->count; i++) {
        struct pair pair;
        if (!pair_at(l, field, value, i, &pair))
            continue;
        const char *text = "";
        if (pair.value)
            text = manifest_final(l, pair.value);
        if (str_starts(pair.name, LABELS_OURS))
            manifest_problem(l, pair.key, "labels that start with io.apphost. belong to apphost");
        else if (text)
            list[count++] = (struct model_pair){pair.name, text, pair.key->pos};
    }
    reject_twins(l, field, value);
    *(struct model_pair **)manifest_slot(object, field->offset) = list;
    *(size_t *)manifest_slot(object, field->count_offset) = count;
    return 0;
}

#define ENV_FILE_WORDS "a path, {path, required}, or a list of them"

static const struct shape shape_env_file_item = {
    .words = ENV_FILE_WORDS, .accept = ACCEPT_TEXT | ACCEPT_TABLE, .table = &table_env_file};
static const struct shape shape_variable = {.words = "text", .accept = ACCEPT_SCALAR | ACCEPT_NULL};
const struct shape shape_environment = {.words = "a map, or a list of NAME=value",
                                        .accept = ACCEPT_MAP | ACCEPT_LIST,
                                        .read = read_environment,
                                        .item = &shape_variable};
const struct shape shape_env_file = {.words = ENV_FILE_WORDS,
                                     .accept = ACCEPT_TEXT | ACCEPT_TABLE | ACCEPT_LIST,
                                     .read = read_env_file,
                                     .table = &table_env_file,
                                     .item = &shape_env_file_item};
const struct shape shape_variables_file = {.words = ENV_FILE_WORDS,
                                           .accept = ACCEPT_TEXT | ACCEPT_TABLE | ACCEPT_LIST,
                                           .read = skip_variables_file,
                                           .table = &table_env_file,
                                           .item = &shape_env_file_item};
const struct shape shape_labels = {.words = "a map, or a list of name=value",
                                   .accept = ACCEPT_MAP | ACCEPT_LIST,
                                   .read = read_labels,
                                   .item = &shape_text};
