/* Shapes of a container's files: volumes and bind mounts ("src:/path[:ro]" or maps), tmpfs, extra hosts. */
#include "manifest/field.h"
#include "manifest/mount.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int manifest_check_volume_name(struct loader *l, const struct yaml_node *node, const char *name)
{
    bool is_bad = !isalnum((unsigned char)*name) || strlen(name) > 128;
    for (const char *p = name; *p; p++)
        is_bad = is_bad || !(isalnum((unsigned char)*p) || strchr("_.-", *p));
    if (!is_bad)
        return 0;
    manifest_problem(l, node, "`%s` cannot be the name of a volume", name);
    if (strchr("./~", *name) || strchr(name, '/'))
        manifest_hint(l, "a folder of this machine is a bind mount");
    return -1;
}

/* The folder of what is missing exists or not: engines make it, owned by root, which nobody wants. */
int manifest_check_bind_source(struct loader *l, const struct yaml_node *node, const char *path,
                               bool needs_folder)
{
    struct stat st;
    if (stat(path, &st) < 0) {
        manifest_problem(l, node, "%s: %s", path, strerror(errno));
        if (errno == ENOENT && needs_folder)
            manifest_hint(l, "create it first: mkdir -p %s", path);
        return -1;
    }
    if (needs_folder && !S_ISDIR(st.st_mode))
        return manifest_problem(l, node, "%s is a file, and this must be a folder", path);
    if (access(path, R_OK | (S_ISDIR(st.st_mode) ? X_OK : 0)) < 0)
        return manifest_problem(l, node, "%s cannot be read: %s", path, strerror(errno));
    return 0;
}

/* --- one mount --- */

struct mount_item {
    struct model_mount mount;
    const char *path; /* of a bind mount, as written */
};

static const struct field volume_fields[] = {
    {.name = "source",
     VALUE(shape_text, struct model_mount, source),
     .fallback = "<resource>-data",
     .help = "The volume's name; the project's name comes before it."},
    {.name = "target",
     VALUE(shape_inner_path, struct model_mount, target),
     .help = "Where it stands in the container. Required."},
    {.name = "read_only",
     VALUE(shape_bool, struct model_mount, read_only),
     .fallback = "false",
     .help = "Whether the container may not write."},
    {.name = "external",
     VALUE(shape_bool, struct model_mount, external),
     .fallback = "false",
     .help = "The volume exists under exactly this name; apphost neither creates nor removes it."},
};
static const struct field bind_fields[] = {
    {.name = "source",
     VALUE(shape_path, struct model_mount, source),
     .help = "A file or folder of this machine. Required."},
    {.name = "target",
     VALUE(shape_inner_path, struct model_mount, target),
     .help = "Where it stands in the container. Required."},
    {.name = "read_only",
     VALUE(shape_bool, struct model_mount, read_only),
     .fallback = "false",
     .help = "Whether the container may not write."},
};
static const struct table table_volume = {
    .name = "volume", .help = "a volume", .fields = volume_fields, .count = FIELD_COUNT(volume_fields)};
static const struct table table_bind = {
    .name = "bind_mount", .help = "a bind mount", .fields = bind_fields, .count = FIELD_COUNT(bind_fields)};

/* "src:/path[:ro]", or "/path" alone for a volume of the resource's own. */
static int split_mount(struct loader *l, const struct yaml_node *item, const char *text,
                       struct model_mount *mount)
{
    const char *colon = strchr(text, ':'), *target = colon ? colon + 1 : text;
    const char *mode = strrchr(target, ':');
    if (mode && strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0)
        return manifest_problem(l, item, "what follows the last colon is `ro` or nothing");
    mount->read_only = mode && strcmp(mode, ":ro") == 0;
    mount->target = arena_strndup(l->arena, target, mode ? (size_t)(mode - target) : strlen(target));
    mount->source = NULL;
    if (colon)
        mount->source = arena_strndup(l->arena, text, (size_t)(colon - text));
    if (*mount->target != '/')
        return manifest_problem(
            l, item, "write source:/path or source:/path:ro; the path in the container is absolute");
    if (colon == text)
        return manifest_problem(l, item, "nothing stands before the colon");
    return 0;
}

static int read_short(struct loader *l, struct yaml_node *item, bool is_volume, struct model_mount *mount)
{
    const char *text = manifest_final(l, item);
    if (!text || split_mount(l, item, text, mount) < 0)
        return -1;
    if (!is_volume && !mount->source)
        return manifest_problem(l, item, "a bind mount needs a source: source:%s", mount->target);
    if (!is_volume)
        mount->source = manifest_path(l, item, mount->source);
    return 0;
}

static int read_mount(struct loader *l, struct yaml_node *item, bool is_volume, struct model_mount *mount)
{
    const struct table *table;
    if (is_volume)
        table = &table_volume;
    else
        table = &table_bind;
    *mount = (struct model_mount){.is_volume = is_volume, .pos = item->pos};
    if (item->kind == NODE_LIST)
        return manifest_problem(l, item, "%s must be source:/path[:ro] or a map", table->help);
    if (item->kind == NODE_SCALAR && read_short(l, item, is_volume, mount) < 0)
        return -1;
    if (item->kind == NODE_MAP && manifest_read_table(l, table, item, mount) < 0)
        return -1;

    if (!mount->target || (!is_volume && !mount->source))
        return manifest_problem(l, item, "%s needs %s", table->help,
                                is_volume ? "`target`" : "`source` and `target`");
    if (is_volume && mount->external && !mount->source)
        return manifest_problem(l, item, "an external volume needs its name in `source`");
    if (is_volume && mount->source)
        return manifest_check_volume_name(l, item, mount->source);
    return 0;
}

static void add_mount(struct loader *l, struct model_resource *resource, const struct yaml_node *item,
                      const struct model_mount *mount)
{
    struct model_container *container = &resource->container;
    for (size_t i = 0; i < container->mount_count; i++)
        if (strcmp(container->mounts[i].target, mount->target) == 0)
            manifest_problem(l, item, "two mounts stand at %s", mount->target);
    container->mounts[container->mount_count++] = *mount;
}

static int read_mounts(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_resource *resource = object;
    struct model_container *container = &resource->container;
    bool is_volume = field->shape == &shape_volumes;
    size_t room = container->mount_count + value->count;
    container->mounts =
        arena_grow(l->arena, container->mounts, container->mount_count, room, sizeof *container->mounts);
    for (size_t i = 0; i < value->count; i++) {
        struct model_mount mount;
        if (read_mount(l, value->items[i], is_volume, &mount) < 0)
            continue;
        if (!is_volume && !resource->inactive)
            manifest_check_bind_source(l, value->items[i], mount.source, false);
        add_mount(l, resource, value->items[i], &mount);
    }
    return 0;
}

/* --- tmpfs, extra_hosts, platform --- */

static int read_tmpfs(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_container *container = &((struct model_resource *)object)->container;
    int rc = shape_texts.read(l, field, value, object);
    for (size_t i = 0; i < container->tmpfs_count; i++)
        if (*container->tmpfs[i] != '/')
            rc = manifest_problem(l, value, "`tmpfs` must be absolute paths inside of the container");
    return rc;
}

static bool is_host_entry(const char *text)
{
    unsigned char binary[sizeof(struct in6_addr)];
    size_t name = strcspn(text, ":=");
    const char *address = "";
    if (text[name])
        address = text + name + 1;
    return name && (strcmp(address, "host-gateway") == 0 || inet_pton(AF_INET, address, binary) == 1 ||
                    inet_pton(AF_INET6, address, binary) == 1);
}

static int read_extra_hosts(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_container *container = &((struct model_resource *)object)->container;
    int rc = shape_texts.read(l, field, value, object);
    for (size_t i = 0; i < container->extra_host_count; i++) {
        const char *text = container->extra_hosts[i];
        if (!is_host_entry(text)) {
            rc = manifest_problem(l, value, "`%s` is not name:address", text);
            manifest_hint(l, "for example db:10.0.0.5, or here:host-gateway");
            continue;
        }
        size_t name = strcspn(text, ":=");
        container->extra_hosts[i] = arena_printf(l->arena, "%.*s:%s", (int)name, text, text + name + 1);
    }
    return rc;
}

static const struct shape shape_volume_item = {
    .words = "name:/path[:ro], or {source, target, read_only, external}",
    .accept = ACCEPT_TEXT | ACCEPT_TABLE,
    .table = &table_volume};
static const struct shape shape_bind_item = {.words = "./path:/path[:ro], or {source, target, read_only}",
                                             .accept = ACCEPT_TEXT | ACCEPT_TABLE,
                                             .table = &table_bind};
const struct shape shape_volumes = {.words = "a list of volumes",
                                    .accept = ACCEPT_LIST,
                                    .read = read_mounts,
                                    .item = &shape_volume_item,
                                    .most = MANIFEST_MOST_ITEMS};
const struct shape shape_bind_mounts = {.words = "a list of bind mounts",
                                        .accept = ACCEPT_LIST,
                                        .read = read_mounts,
                                        .item = &shape_bind_item,
                                        .most = MANIFEST_MOST_ITEMS};
const struct shape shape_tmpfs = {.words = "a path or a list of paths",
                                  .accept = ACCEPT_TEXT | ACCEPT_LIST,
                                  .read = read_tmpfs,
                                  .item = &shape_text};
const struct shape shape_extra_hosts = {
    .words = "a list of name:address", .accept = ACCEPT_LIST, .read = read_extra_hosts, .item = &shape_text};
