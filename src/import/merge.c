/* Compose files as one tree: several files laid over each other, `include`, `extends`. Compose's rules: maps
 * merge, lists grow, commands and scalars replace. See internal.h. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <string.h>

enum { MOST_NESTED = 8, MOST_FILES = 64 };

struct merger {
    struct import *im;
    struct error *err;
    int depth, files;
    size_t work; /* nodes made so far */
};

/* ---- trees ---- */

static struct yaml_node *new_node(struct merger *m, enum node_kind kind, const struct yaml_node *at,
                                  size_t room)
{
    struct yaml_node *node = arena_alloc(m->im->arena, sizeof *node);
    *node = (struct yaml_node){.kind = kind, .pos = at->pos, .length = at->length, .text = "", .plain = true};
    node->keys = arena_alloc(m->im->arena, (room + 1) * sizeof *node->keys);
    node->items = arena_alloc(m->im->arena, (room + 1) * sizeof *node->items);
    m->work += room;
    return node;
}

static void put(struct yaml_node *map, struct yaml_node *key, struct yaml_node *value)
{
    for (size_t i = 0; i < map->count; i++)
        if (!strcmp(map->keys[i]->text, key->text)) {
            map->items[i] = value;
            return;
        }
    map->keys[map->count] = key;
    map->items[map->count++] = value;
}

static struct yaml_node *text_node(struct merger *m, const struct yaml_node *at, const char *text,
                                   bool is_plain)
{
    struct yaml_node *node = new_node(m, NODE_SCALAR, at, 0);
    node->text = text;
    node->plain = is_plain;
    return node;
}

/* "A=b" as a pair, "a" as a name with nothing. */
static struct yaml_node *list_to_map(struct merger *m, struct yaml_node *node)
{
    if (node->kind != NODE_LIST)
        return node;
    struct yaml_node *map = new_node(m, NODE_MAP, node, node->count);
    for (size_t i = 0; i < node->count && node->count < 2000; i++) {
        const struct yaml_node *item = node->items[i];
        if (item->kind != NODE_SCALAR)
            continue;
        size_t length = strcspn(item->text, "=");
        const char *name = arena_strndup(m->im->arena, item->text, length);
        const char *value = item->text + length + (item->text[length] == '=');
        put(map, text_node(m, item, name, true), text_node(m, item, value, !item->text[length]));
    }
    return map;
}

static bool is_one_of(const char *name, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(list[i], name))
            return true;
    return false;
}

/* Whether two items of a list are the same thing: of `volumes`, what stands at the same place. */
static bool is_same(const char *field, const struct yaml_node *a, const struct yaml_node *b)
{
    if (a->kind != NODE_SCALAR || b->kind != NODE_SCALAR)
        return false;
    if (strcmp(field, "volumes") != 0)
        return !strcmp(a->text, b->text);
    const char *one = import_cut(a->text, ':'), *other = import_cut(b->text, ':');
    if (!*one || !*other)
        return !strcmp(a->text, b->text);
    size_t length = (size_t)(import_cut(one + 1, ':') - one);
    return length == (size_t)(import_cut(other + 1, ':') - other) && !strncmp(one, other, length);
}

static struct yaml_node *append(struct merger *m, const char *field, const struct yaml_node *base,
                                const struct yaml_node *over)
{
    struct yaml_node *list = new_node(m, NODE_LIST, over, base->count + over->count);
    for (size_t i = 0; i < base->count; i++) {
        bool is_over = false;
        for (size_t j = 0; j < over->count && over->count < 500; j++)
            is_over = is_over || is_same(field, base->items[i], over->items[j]);
        if (!is_over)
            list->items[list->count++] = base->items[i];
    }
    for (size_t i = 0; i < over->count; i++)
        list->items[list->count++] = over->items[i];
    return list;
}

static struct yaml_node *merge_maps(struct merger *m, struct yaml_node *base, struct yaml_node *over);

static struct yaml_node *merge(struct merger *m, const char *field, struct yaml_node *base,
                               struct yaml_node *over)
{
    static const char *const replaced[] = {"command", "entrypoint", "test", "extends"};
    static const char *const named[] = {"environment", "labels",   "args",
                                        "depends_on",  "networks", "annotations"};
    if (is_one_of(field, replaced, sizeof replaced / sizeof *replaced))
        return over;
    if (is_one_of(field, named, sizeof named / sizeof *named)) {
        base = list_to_map(m, base);
        over = list_to_map(m, over);
    }
    if (base->kind == NODE_MAP && over->kind == NODE_MAP)
        return merge_maps(m, base, over);
    if (base->kind == NODE_LIST && over->kind == NODE_LIST)
        return append(m, field, base, over);
    return over;
}

static struct yaml_node *merge_maps(struct merger *m, struct yaml_node *base, struct yaml_node *over)
{
    struct yaml_node *map = new_node(m, NODE_MAP, base, base->count + over->count);
    for (size_t i = 0; i < base->count; i++) {
        map->keys[map->count] = base->keys[i];
        map->items[map->count++] = base->items[i];
    }
    for (size_t i = 0; i < over->count; i++) {
        struct yaml_node *known = manifest_get(base, over->keys[i]->text), *value = over->items[i];
        if (known)
            value = merge(m, over->keys[i]->text, known, value);
        put(map, over->keys[i], value);
    }
    return map;
}

static struct yaml_node *without(struct merger *m, const struct yaml_node *map, const char *key)
{
    struct yaml_node *copy = new_node(m, NODE_MAP, map, map->count);
    for (size_t i = 0; i < map->count; i++)
        if (strcmp(map->keys[i]->text, key) != 0) {
            copy->keys[copy->count] = map->keys[i];
            copy->items[copy->count++] = map->items[i];
        }
    return copy;
}

static int __attribute__((format(printf, 3, 4)))
fail(struct merger *m, const struct yaml_node *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(m->err, ERROR_MANIFEST, format, args);
    va_end(args);
    error_at(m->err, at->pos.file, at->pos.line, at->pos.column);
    return -1;
}

/* ---- files ---- */

static struct yaml_node *load(struct merger *m, const char *path);

static const char *path_of(struct merger *m, const struct yaml_node *node)
{
    struct import *im = m->im;
    if (!node || node->kind != NODE_SCALAR)
        return NULL;
    const char *path = manifest_document_expand(im->document, import_text(im, node->text));
    if (!path || !*path)
        return NULL;
    return import_path(im, node, path);
}

static struct yaml_node *find_service(const struct yaml_node *root, const char *name)
{
    const struct yaml_node *services = manifest_get(root, "services");
    struct yaml_node *service = NULL;
    if (services && services->kind == NODE_MAP)
        service = manifest_get(services, name);
    if (service && service->kind == NODE_MAP)
        return service;
    return NULL;
}

/* The service with what it extends below it. */
static struct yaml_node *extend(struct merger *m, const struct yaml_node *root, struct yaml_node *service)
{
    const struct yaml_node *how = manifest_get(service, "extends");
    if (!how)
        return service;
    const struct yaml_node *name = how, *file = NULL;
    if (how->kind == NODE_MAP) {
        name = manifest_get(how, "service");
        file = manifest_get(how, "file");
    }
    if (!name || name->kind != NODE_SCALAR || m->depth >= MOST_NESTED || m->work > NODE_MAX_COUNT) {
        fail(m, how, "`extends` names no service, or itself");
        return NULL;
    }

    const char *path = path_of(m, file);
    m->depth++;
    if (path)
        root = load(m, path);
    struct yaml_node *base = NULL;
    if (root)
        base = find_service(root, name->text);
    if (root && !base)
        fail(m, how, "there is no service `%s` to extend", name->text);
    if (base)
        base = extend(m, root, base);
    m->depth--;
    if (!base)
        return NULL;
    return merge_maps(m, base, without(m, service, "extends"));
}

static struct yaml_node *extend_all(struct merger *m, struct yaml_node *root)
{
    const struct yaml_node *services = manifest_get(root, "services");
    if (!services || services->kind != NODE_MAP)
        return root;
    struct yaml_node *all = new_node(m, NODE_MAP, services, services->count);
    for (size_t i = 0; i < services->count; i++) {
        struct yaml_node *service = services->items[i];
        if (service->kind == NODE_MAP)
            service = extend(m, root, service);
        if (!service)
            return NULL;
        put(all, services->keys[i], service);
    }
    struct yaml_node *whole = without(m, root, "services");
    put(whole, manifest_get_key(root, "services"), all);
    return whole;
}

static int read_variable_file(struct merger *m, const char *path)
{
    for (size_t i = 0; i < m->im->variable_files.count; i++)
        if (!strcmp(m->im->variable_files.items[i], path))
            return 0;
    words_add(m->im, &m->im->variable_files, arena_strdup(m->im->arena, path));
    return manifest_document_variables(m->im->document, path, m->err);
}

/* The .env of a folder, where there is one. */
static int read_variables(struct merger *m, const char *folder)
{
    cleanup_free char *path = path_join(folder, ".env");
    if (!file_exists(path))
        return 0;
    return read_variable_file(m, path);
}

static struct yaml_node *include_one(struct merger *m, const struct yaml_node *item)
{
    const struct yaml_node *path = item, *variables = NULL;
    if (item->kind == NODE_MAP) {
        path = manifest_get(item, "path");
        variables = manifest_get(item, "env_file");
    }
    if (path && path->kind == NODE_LIST && path->count)
        path = path->items[0];
    const char *file = path_of(m, path), *more = path_of(m, variables);

    if (!file) {
        fail(m, item, "`include` names no file");
        return NULL;
    }
    cleanup_free char *folder = path_dirname(file);
    if (more && read_variable_file(m, more) < 0)
        return NULL;
    if (!more && read_variables(m, folder) < 0)
        return NULL;
    return load(m, file);
}

static struct yaml_node *include_all(struct merger *m, struct yaml_node *root)
{
    const struct yaml_node *list = manifest_get(root, "include");
    struct yaml_node *below = NULL;
    size_t count = 0;
    if (list)
        count = import_item_count(list);

    for (size_t i = 0; i < count; i++) {
        struct yaml_node *one = include_one(m, import_item(list, i));
        if (!one)
            return NULL;
        if (below)
            below = merge_maps(m, below, one);
        else
            below = one;
    }
    if (list)
        root = without(m, root, "include");
    if (below)
        return merge_maps(m, below, root);
    return root;
}

/* A file with all that it takes in. */
static struct yaml_node *load(struct merger *m, const char *path)
{
    if (m->depth >= MOST_NESTED || ++m->files > MOST_FILES || m->work > NODE_MAX_COUNT) {
        error_set(m->err, ERROR_MANIFEST, "%s: files that include or extend each other without end", path);
        return NULL;
    }
    m->depth++;
    struct yaml_node *root = manifest_document_read(m->im->document, path, m->err);
    if (root)
        root = extend_all(m, root);
    if (root)
        root = include_all(m, root);
    m->depth--;
    return root;
}

int merge_files(struct import *im, struct error *err)
{
    struct merger m = {.im = im, .err = err};
    if (read_variables(&m, im->folder) < 0)
        return -1;
    for (size_t i = 0; i < im->request->files->count; i++) {
        struct yaml_node *root = load(&m, im->request->files->items[i]);
        if (!root)
            return -1;
        if (im->root)
            im->root = merge_maps(&m, im->root, root);
        else
            im->root = root;
    }
    return 0;
}
