/* Resources: their kind, their defaults, their table. */
#include "manifest/read.h"
#include "manifest/tables.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

static bool is_on(const struct loader *l, const struct manifest_root *top, const char *profile)
{
    const struct strlist *given = &l->options->profiles;
    if (given->count)
        return strlist_has(given, profile) || strlist_has(given, "*");
    for (size_t i = 0; i < top->profile_count; i++)
        if (strcmp(top->profiles[i], profile) == 0 || strcmp(top->profiles[i], "*") == 0)
            return true;
    return false;
}

static bool is_inactive(const struct loader *l, const struct manifest_root *top,
                        const struct model_resource *resource)
{
    bool is_active = !resource->profile_count;
    for (size_t i = 0; i < resource->profile_count; i++)
        is_active = is_active || is_on(l, top, resource->profiles[i]);
    return !is_active;
}

static void set_defaults(struct model_resource *resource, enum model_kind kind)
{
    resource->kind = kind;
    resource->restart = (struct model_restart){MODEL_RESTART_NEVER, 1000, 60000, -1};
    resource->stop = (struct model_stop){SIGTERM, 10000};
    if (model_is_server(kind)) {
        resource->image = model_kind_info(kind)->default_image;
        resource->redis.bind_address = "127.0.0.1";
        resource->redis.persistence = (struct model_persistence){.interval_s = 60, .keys_changed = 1};
    }
    if (kind == MODEL_CONTAINER)
        resource->container.init = true;
}

static void hint_kinds(struct loader *l, const char *text)
{
    const char *names[MODEL_KIND_COUNT];
    struct strbuf all = {0};
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++) {
        names[kind] = model_kind_name((enum model_kind)kind);
        strbuf_addf(&all, "%s%s", kind ? ", " : "one of ", names[kind]);
    }
    manifest_hint_nearest(l, text, names, MODEL_KIND_COUNT, strbuf_text(&all));
    strbuf_free(&all);
}

/* A kind that is not told may be guessed; what stands beside an empty resource was meant to be in it. */
static void hint_type(struct loader *l, const struct declared *declared)
{
    const struct yaml_node *value = declared->value;
    bool is_map = value->kind == NODE_MAP;
    bool runs = is_map && (manifest_get_key(value, "command") || manifest_get_key(value, "shell"));
    if (manifest_is_null(value) && manifest_declared(l->resources, "type"))
        manifest_hint(l, "indent what belongs to `%s` deeper than its name", declared->name);
    else if (runs && !manifest_get_key(value, "image"))
        manifest_hint(l, "a program of this machine is `type: process`");
    else
        hint_kinds(l, "");
}

/* MODEL_KIND_COUNT after a problem. */
static enum model_kind read_kind(struct loader *l, const struct declared *declared)
{
    struct yaml_node *type = NULL;
    if (declared->value->kind == NODE_MAP)
        type = manifest_get(declared->value, "type");
    if (!type || manifest_is_null(type)) {
        manifest_problem(l, declared->key, "the resource `%s` needs a `type`", declared->name);
        hint_type(l, declared);
        return MODEL_KIND_COUNT;
    }

    const char *text = NULL;
    if (type->kind == NODE_SCALAR)
        text = manifest_final(l, type);
    enum model_kind kind = MODEL_KIND_COUNT;
    if (text)
        kind = model_find_kind(text);
    if (type->kind != NODE_SCALAR) {
        manifest_problem(l, type, "`type` must be a kind of resource");
    } else if (text && kind == MODEL_KIND_COUNT) {
        manifest_problem(l, type, "there is no kind of resource `%s`", text);
        hint_kinds(l, text);
    }
    return kind;
}

static void read_resource(struct loader *l, const struct manifest_root *top, const struct declared *declared)
{
    struct model_resource *resource = &l->model->resources[declared->index];
    enum model_kind kind = read_kind(l, declared);
    *resource =
        (struct model_resource){.name = declared->name, .pos = declared->key->pos, .kind = MODEL_KIND_COUNT};
    if (kind == MODEL_KIND_COUNT)
        return;
    l->current = declared->index;
    set_defaults(resource, kind);
    const struct field *profiles = manifest_find_field(&table_common, "profiles");
    struct yaml_node *listed = manifest_get(declared->value, "profiles");
    if (listed && listed->kind != NODE_MAP && !manifest_is_null(listed))
        profiles->shape->read(l, profiles, listed, resource);
    resource->inactive = is_inactive(l, top, resource);
    manifest_read_table(l, manifest_kind_table(kind), declared->value, resource);
}

void manifest_read_resources(struct loader *l, const struct manifest_root *top)
{
    struct model *model = l->model;
    model->resource_count = HASH_COUNT(l->resources);
    model->resources = arena_alloc(l->arena, (model->resource_count + 1) * sizeof *model->resources);
    for (struct declared *entry = l->resources; entry; entry = entry->hh.next)
        read_resource(l, top, entry);
}
