/* `volumes` and `tmpfs`: named, bind and in memory, in short and long form. See internal.h. */
#include "import/internal.h"

#include "base/file.h"
#include "base/pick.h"

#include <string.h>
#include <unistd.h>

/* ---- one entry ---- */

static bool is_path(const char *source)
{
    return strchr("./~", *source) || strchr(source, '/') || str_starts(source, "${PWD");
}

/* What stands behind the second colon; what has no counterpart stays in `mode`. */
static void read_mode(struct import *im, const char *mode, struct placed *mount)
{
    cleanup_strbuf struct strbuf rest = {0};
    while (*mode) {
        const char *end = import_cut(mode, ',');
        const char *word = arena_strndup(im->arena, mode, (size_t)(end - mode));
        if (!strcmp(word, "ro"))
            mount->is_read_only = true;
        else if (strcmp(word, "rw") != 0)
            strbuf_addf(&rest, "%s%s", text_if(rest.length, ","), word);
        mode = end + (*end == ',');
    }
    if (rest.length)
        mount->mode = arena_strdup(im->arena, strbuf_text(&rest));
}

static void read_short(struct import *im, const char *text, struct placed *mount)
{
    const char *colon = import_cut(text, ':');
    if (!*colon) {
        mount->target = text;
        return;
    }
    const char *target = colon + 1, *end = import_cut(target, ':');
    mount->source = arena_strndup(im->arena, text, (size_t)(colon - text));
    mount->target = arena_strndup(im->arena, target, (size_t)(end - target));
    const char *known = manifest_document_expand(im->document, import_text(im, mount->source));
    mount->is_bind = is_path(text_or(known, mount->source));
    if (*end)
        read_mode(im, end + 1, mount);
}

static const char *text_of(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = manifest_get(map, name);
    if (node && node->kind == NODE_SCALAR && !manifest_is_null(node))
        return node->text;
    return NULL;
}

static void read_long(const struct yaml_node *map, struct placed *mount)
{
    static const char *const rest[] = {"bind", "volume", "tmpfs", "consistency"};
    const char *type = text_or(text_of(map, "type"), "volume");
    mount->source = text_of(map, "source");
    mount->target = text_of(map, "target");
    mount->is_bind = !strcmp(type, "bind");
    mount->is_tmpfs = !strcmp(type, "tmpfs");
    mount->is_read_only = import_is_true(manifest_get(map, "read_only"));
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        if (manifest_get(map, rest[i]))
            mount->mode = rest[i];
    if (strcmp(type, "bind") != 0 && strcmp(type, "tmpfs") != 0 && strcmp(type, "volume") != 0)
        mount->target = NULL;
}

bool mount_read(struct import *im, struct service *service, const struct yaml_node *item,
                struct placed *mount)
{
    *mount = (struct placed){.at = item};
    cleanup_free char *shown = import_flow(item);
    if (item->kind == NODE_SCALAR)
        read_short(im, item->text, mount);
    else if (item->kind == NODE_MAP)
        read_long(item, mount);
    const char *target = NULL;

    if (mount->target)
        target = manifest_document_expand(im->document, import_text(im, mount->target));
    if (target && *target == '/' && (mount->source ? *mount->source : !mount->is_bind)) {
        if (mount->mode)
            piece_remark(im, service, item, "volume %s: `%s` has no counterpart", shown, mount->mode);
        return true;
    }
    piece_remark(im, service, item, "volume %s: has no counterpart", shown);
    return false;
}

/* ---- sources ---- */

/* A bind mount's source as the manifest has it; NULL when there is nothing at it now. */
static const char *find_source(struct import *im, const struct placed *mount)
{
    const char *path = import_path(im, mount->at, import_text(im, mount->source));
    const char *now = manifest_document_expand(im->document, path);
    if (!now || !*now)
        return NULL;
    cleanup_free char *whole = path_join(".", now);
    if (!file_exists(whole) || access(whole, R_OK) != 0)
        return NULL;
    return path;
}

const char *mount_file_at(struct import *im, const struct service *service, const char *path)
{
    const struct yaml_node *list = manifest_get(service->fields, "volumes");
    for (size_t i = 0; list && list->kind == NODE_LIST && i < list->count; i++) {
        struct placed mount = {.at = list->items[i]};
        if (list->items[i]->kind == NODE_SCALAR)
            read_short(im, list->items[i]->text, &mount);
        else if (list->items[i]->kind == NODE_MAP)
            read_long(list->items[i], &mount);
        if (!mount.is_bind || !mount.target || !mount.source || !str_starts(path, mount.target))
            continue;
        const char *source = find_source(im, &mount);
        const char *rest = path + strlen(mount.target);
        if (source && (!*rest || *rest == '/'))
            return arena_printf(im->arena, "%s%s", source, rest);
    }
    return NULL;
}

/* What the top of the file says about a volume, or NULL. */
static const struct yaml_node *declared(const struct import *im, const char *name)
{
    const struct yaml_node *volumes = manifest_get(im->root, "volumes");
    const struct yaml_node *volume = NULL;
    if (volumes)
        volume = manifest_get(volumes, name);
    if (volume && volume->kind == NODE_MAP)
        return volume;
    return NULL;
}

static bool is_volume_name(const char *name)
{
    size_t length = strlen(name);
    return length && length <= 128 && strchr("_.-", *name) == NULL &&
           strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") == length;
}

struct volume {
    const char *name;
    bool is_external;
};

static struct volume find_volume(struct import *im, const struct placed *mount)
{
    struct volume volume = {.name = mount->source};
    if (!mount->source) {
        cleanup_free char *name = import_name(mount->target);
        volume.name = arena_strdup(im->arena, name);
        return volume;
    }
    const struct yaml_node *found = declared(im, mount->source);
    volume.is_external = found && import_is_true(manifest_get(found, "external"));
    const char *given = NULL;
    if (found)
        given = text_of(found, "name");
    if (volume.is_external && given)
        volume.name = given;
    return volume;
}

/* ---- of a container ---- */

static bool is_taken(const struct placed *done, size_t count, const char *target)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(done[i].target, target))
            return true;
    return false;
}

static void put_short(struct strbuf *body, const char *source, const struct placed *mount, struct import *im)
{
    cleanup_free char *text =
        xasprintf("%s:%s%s", source, import_text(im, mount->target), text_if(mount->is_read_only, ":ro"));
    strbuf_adds(body, "      - ");
    import_put_text(body, text);
    strbuf_addc(body, '\n');
}

static void write_bind(struct import *im, struct service *service, const struct placed *mount)
{
    const char *source = find_source(im, mount);
    if (!source)
        piece_remark(im, service, mount->at, "%s is not there: make it, and add \"%s:%s\" to `bind_mounts`",
                     mount->source, import_path(im, mount->at, mount->source), mount->target);
    else
        put_short(piece_body(service, "bind_mounts"), source, mount, im);
}

static void write_volume(struct import *im, struct service *service, const struct placed *mount)
{
    struct volume volume = find_volume(im, mount);
    const char *name = manifest_document_expand(im->document, import_text(im, volume.name));
    if (!name || !is_volume_name(name)) {
        piece_remark(im, service, mount->at, "volume %s: that cannot be the name of a volume", volume.name);
        return;
    }
    if (!volume.is_external) {
        put_short(piece_body(service, "volumes"), name, mount, im);
        return;
    }

    struct strbuf *body = piece_body(service, "volumes");
    strbuf_adds(body, "      - {source: ");
    import_put_text(body, name);
    strbuf_adds(body, ", target: ");
    import_put_text(body, import_text(im, mount->target));
    strbuf_addf(body, ", external: true%s}\n", text_if(mount->is_read_only, ", read_only: true"));
}

static void write_one(struct import *im, struct service *service, const struct placed *mount)
{
    if (service->kind == SERVICE_PROCESS) {
        cleanup_free char *shown = import_flow(mount->at);
        piece_remark(im, service, mount->at, "volume %s: a process sees this machine's own files", shown);
    } else if (mount->is_tmpfs) {
        strbuf_adds(piece_body(service, "tmpfs"), "      - ");
        import_put_text(piece_body(service, "tmpfs"), import_text(im, mount->target));
        strbuf_addc(piece_body(service, "tmpfs"), '\n');
    } else if (mount->is_bind) {
        write_bind(im, service, mount);
    } else {
        write_volume(im, service, mount);
    }
}

/* ---- of a server ---- */

static bool is_data_folder(const char *target)
{
    static const char *const folders[] = {"/data",           "/bitnami",
                                          "/bitnami/redis",  "/bitnami/redis/data",
                                          "/bitnami/valkey", "/bitnami/valkey/data",
                                          "/var/lib/redis",  "/bitnami/redis-cluster/data"};
    size_t length = strlen(target);
    if (length > 1 && target[length - 1] == '/')
        length--;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (strlen(folders[i]) == length && !strncmp(folders[i], target, length))
            return true;
    return false;
}

static void write_data_folder(struct import *im, struct service *service, const struct placed *mount)
{
    const char *source = find_source(im, mount);
    const char *now = NULL;
    if (source)
        now = manifest_document_expand(im->document, source);
    cleanup_free char *whole = path_join(".", text_or(now, "."));
    bool is_good = source && file_is_dir(whole) && access(whole, W_OK) == 0;
    if (is_good && !service->server.is_topology)
        piece_text(service, "data_bind_mount", source);
    else if (is_good)
        strbuf_adds(piece_value(service, "data_volume"), "true");
    else
        piece_remark(im, service, mount->at, "make the folder, and take this in: data_bind_mount: %s",
                     import_path(im, mount->at, mount->source));
}

static void write_data_volume(struct import *im, struct service *service, const struct placed *mount)
{
    struct volume volume = find_volume(im, mount);
    const char *name = manifest_document_expand(im->document, import_text(im, volume.name));
    bool has_name = mount->source && name && is_volume_name(name) && !service->server.is_topology;
    struct strbuf *value = piece_value(service, "data_volume");
    if (has_name && volume.is_external)
        strbuf_addf(value, "{name: %s, external: true}", name);
    else if (has_name && !strchr(name, '$'))
        import_put_text(value, name);
    else
        strbuf_adds(value, "true");
}

static void write_of_server(struct import *im, struct service *service, const struct placed *mount)
{
    cleanup_free char *shown = import_flow(mount->at);
    bool is_data = is_data_folder(mount->target);
    bool has_data = piece_is_there(service, "data_volume") || piece_is_there(service, "data_bind_mount");
    if (is_data && has_data)
        piece_remark(im, service, mount->at, "volume %s: a server has one place for its data", shown);
    else if (is_data && mount->is_tmpfs)
        piece_remark(im, service, mount->at, "volume %s: without `data_volume` nothing is kept", shown);
    else if (is_data && mount->is_bind)
        write_data_folder(im, service, mount);
    else if (is_data)
        write_data_volume(im, service, mount);
    else
        piece_remark(im, service, mount->at,
                     "volume %s: a server takes no other files; its directives go under `config`", shown);
}

void mounts_write(struct import *im, struct service *service, const struct yaml_node *value)
{
    size_t count = import_item_count(value), done = 0;
    struct placed *mounts = arena_alloc(im->arena, (count + 1) * sizeof *mounts);

    for (size_t i = 0; i < count && i < MOST_PORTS; i++) {
        struct placed mount;
        if (!mount_read(im, service, import_item(value, i), &mount))
            continue;
        if (is_taken(mounts, done, mount.target)) {
            piece_remark(im, service, mount.at, "another volume stands at %s", mount.target);
            continue;
        }
        mounts[done++] = mount;
        if (service->kind == SERVICE_SERVER)
            write_of_server(im, service, &mount);
        else
            write_one(im, service, &mount);
    }
    if (count > MOST_PORTS)
        piece_remark(im, service, value, "more volumes than %d: the rest is left out", MOST_PORTS);
}
