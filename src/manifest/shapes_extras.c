/* Shapes of what stands around a server: TLS, Insight and Commander, seeds. */
#include "manifest/field.h"
#include "manifest/mount.h"

#include <stdlib.h>
#include <string.h>

static const struct field tls_fields[] = {
    {.name = "cert", VALUE(shape_path, struct model_tls, cert), .help = "Certificate chain, PEM."},
    {.name = "key", VALUE(shape_path, struct model_tls, key), .help = "Private key, PEM."},
    {.name = "ca",
     VALUE(shape_path, struct model_tls, ca),
     .help = "The authority that consumers trust, PEM."},
};
static void finish_tls(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_tls *tls = object;
    if (!manifest_get(map, "cert") || !manifest_get(map, "key"))
        manifest_problem(l, map, "`tls` needs both `cert` and `key`, or is just true");
    tls->on = true;
}
static const struct table table_tls = {.name = "tls",
                                       .help = "`tls`",
                                       .fields = tls_fields,
                                       .count = FIELD_COUNT(tls_fields),
                                       .finish = finish_tls};

static int read_tls(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_tls *tls = manifest_slot(object, field->offset);
    tls->pos = value->pos;
    if (value->kind == NODE_MAP)
        return manifest_read_table(l, &table_tls, value, tls);
    return manifest_read_bool_value(l, field, value, &tls->on);
}

/* --- sidecars --- */

static int read_sidecar_volume(struct loader *l, const struct field *field, struct yaml_node *value,
                               void *object)
{
    (void)field;
    struct model_sidecar *sidecar = object;
    struct model_mount mount = {.is_volume = true, .target = "/data", .pos = value->pos};
    const char *text = manifest_final(l, value);
    if (!text || strcmp(text, "false") == 0) {
        if (text)
            return 0;
        return -1;
    }

    if (strcmp(text, "true") == 0)
        mount.source = NULL;
    else
        mount.source = text;
    if (mount.source && manifest_check_volume_name(l, value, mount.source) < 0)
        return -1;
    sidecar->data = arena_alloc(l->arena, sizeof mount);
    *sidecar->data = mount;
    return 0;
}

static int read_sidecar_bind(struct loader *l, const struct field *field, struct yaml_node *value,
                             void *object)
{
    (void)field;
    struct model_sidecar *sidecar = object;
    struct model_mount mount = {.target = "/data", .pos = value->pos};
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    if (!*text)
        return manifest_problem(l, value, "`%s` cannot be empty", field->name);
    mount.source = manifest_path(l, value, text);
    if (manifest_check_bind_source(l, value, mount.source, true) < 0)
        return -1;
    sidecar->data = arena_alloc(l->arena, sizeof mount);
    *sidecar->data = mount;
    return 0;
}

static void finish_sidecar(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_sidecar *sidecar = object;
    sidecar->on = true;
    const struct yaml_node *both = manifest_get_key(map, "data_bind_mount");
    if (both && manifest_get(map, "data_volume"))
        manifest_problem(l, both, "there is one place for data: `data_volume` or `data_bind_mount`");
    if (sidecar->name)
        manifest_check_name(l, manifest_get(map, "name"), "resource", sidecar->name);
}

typedef struct model_sidecar shape_sidecar_volume_value;
static const struct shape shape_sidecar_volume = {
    .words = "true or a volume's name", .accept = ACCEPT_BOOL | ACCEPT_TEXT, .read = read_sidecar_volume};
typedef struct model_sidecar shape_sidecar_bind_value;
static const struct shape shape_sidecar_bind = {
    .words = "a path", .accept = ACCEPT_TEXT, .read = read_sidecar_bind};

static const struct field commander_fields[] = {
    {.name = "host_port",
     VALUE(shape_port, struct model_sidecar, host_port),
     .fallback = "chosen",
     .help = "The port of its web page on this machine."},
    {.name = "name", VALUE(shape_text, struct model_sidecar, name), .help = "Its name as a resource."},
    {.name = "image", VALUE(shape_image, struct model_sidecar, image), .help = "Its image."},
};
static const struct table table_commander = {.name = "commander",
                                             .help = "`commander`",
                                             .fields = commander_fields,
                                             .count = FIELD_COUNT(commander_fields),
                                             .finish = finish_sidecar};
static const struct field insight_fields[] = {
    {.name = "data_volume",
     WHOLE(shape_sidecar_volume, struct model_sidecar),
     .help = "Keeps its settings in a volume."},
    {.name = "data_bind_mount",
     WHOLE(shape_sidecar_bind, struct model_sidecar),
     .help = "Keeps its settings in a folder."},
    {.name = "accept_eula",
     VALUE(shape_bool, struct model_sidecar, accept_eula),
     .fallback = "false",
     .help = "Accepts its licence for you."},
};
static const struct table table_insight = {.name = "insight",
                                           .help = "`insight`",
                                           .fields = insight_fields,
                                           .count = FIELD_COUNT(insight_fields),
                                           .base = &table_commander};

static int read_sidecar(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_sidecar *sidecar = manifest_slot(object, field->offset);
    sidecar->pos = value->pos;
    if (value->kind == NODE_MAP)
        return manifest_read_table(l, field->shape->table, value, sidecar);
    return manifest_read_bool_value(l, field, value, &sidecar->on);
}

/* --- seed --- */

static int read_seed(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    struct model_redis *redis = &resource->redis;
    int rc = shape_texts.read(l, field, value, object);
    for (size_t i = 0; i < redis->seed_count; i++) {
        const struct yaml_node *item = value;
        if (value->kind == NODE_LIST && i < value->count)
            item = value->items[i];
        redis->seed[i] = manifest_path(l, item, redis->seed[i]);
        if (!resource->inactive && manifest_check_bind_source(l, item, redis->seed[i], false) < 0)
            rc = -1;
    }
    return rc;
}

const struct shape shape_tls = {.words = "true, false, or {cert, key, ca}",
                                .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                .read = read_tls,
                                .table = &table_tls};
const struct shape shape_insight = {
    .words = "true, false, or {host_port, name, image, data_volume, data_bind_mount, accept_eula}",
    .accept = ACCEPT_BOOL | ACCEPT_TABLE,
    .read = read_sidecar,
    .table = &table_insight};
const struct shape shape_commander = {.words = "true, false, or {host_port, name, image}",
                                      .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                      .read = read_sidecar,
                                      .table = &table_commander};
const struct shape shape_seed = {.words = "a path or a list of paths",
                                 .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                 .read = read_seed,
                                 .item = &shape_text};
