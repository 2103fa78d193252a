/* The fields of a service, each with what becomes of it: one table, from which everything follows. A field is
 * converted, or refused with a reason; what the table does not know is refused too. See internal.h. */
#include "import/internal.h"

#include "base/image.h"
#include "base/pick.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

/* ---- image ---- */

/* "7.2" of bitnami/redis:7.2.4-debian-12-r9 is what the official image calls its own. */
static void put_official(struct import *im, struct service *service, const struct yaml_node *key)
{
    const char *tag = strrchr(service->image, ':');
    size_t length = 0;
    if (tag)
        length = strspn(tag + 1, "0123456789.");
    const char *path =
        text_pick(!strcmp(service->type, "valkey"), "docker.io/valkey/valkey", "docker.io/library/redis");
    const char *name = arena_printf(im->arena, "%s:%s", path, "latest");
    if (length)
        name = arena_printf(im->arena, "%s:%.*s", path, (int)length, tag + 1);
    piece_text(service, "image", name);
    piece_remark(im, service, key,
                 "image: %s: replaced by the official one, whose server apphost sets up itself",
                 service->image);
}

static void convert_image(struct import *im, struct service *service, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    if (service->kind == SERVICE_PROCESS)
        return;
    bool is_bad = image_reference_fault(service->image) != NULL;
    if (service->kind == SERVICE_SERVER && strstr(service->image, "bitnami"))
        put_official(im, service, key);
    else if (is_bad)
        import_refuse(im, service, key, value, "is no name of an image");
    else
        piece_text(service, "image", import_text_or(im, value->text, "latest"));
    if (is_bad && service->kind == SERVICE_CONTAINER)
        piece_text(service, "image", "docker.io/library/busybox");
    if (strstr(service->image, "redis-stack"))
        piece_remark(im, service, key,
                     "image: Redis 8 has these modules: with `type: redis` it has a password, "
                     "readiness and data by itself");
}

/* ---- what it runs ---- */

static void put_words(struct import *im, struct service *service, const char *name,
                      const struct word_list *words)
{
    struct strbuf *value = piece_value(service, name);
    strbuf_addc(value, '[');
    for (size_t i = 0; i < words->count; i++) {
        const char *address = variable_address(im, service, words->items[i]);
        strbuf_adds(value, text_if(i, ", "));
        import_put_text(value, text_or(address, import_text(im, words->items[i])));
    }
    strbuf_addc(value, ']');
}

static void convert_command(struct import *im, struct service *service, const struct yaml_node *key,
                            const struct yaml_node *value)
{
    struct word_list words = {0};
    if (service->kind == SERVICE_SERVER) {
        server_command(im, service, key);
        return;
    }
    words_of(im, &words, value);

    if (service->kind == SERVICE_PROCESS && !strcmp(key->text, "command")) {
        struct word_list all = {0};
        words_of(im, &all, manifest_get(service->fields, "entrypoint"));
        words_of(im, &all, value);
        words = all;
    } else if (service->kind == SERVICE_PROCESS && manifest_get(service->fields, "command")) {
        return; /* it stands before the command */
    }
    bool has_word = words.count && *words.items[0];
    if (!has_word) {
        import_refuse(im, service, key, value, "is empty: the image's own runs");
        return;
    }
    put_words(im, service, text_pick(service->kind == SERVICE_PROCESS, "command", key->text), &words);
}

static void convert_build(struct import *im, struct service *service, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    const struct yaml_node *context = value;
    if (value->kind == NODE_MAP)
        context = manifest_get(value, "context");
    const char *folder = ".";
    if (context && context->kind == NODE_SCALAR && *context->text)
        folder = context->text;
    piece_remark(im, service, key,
                 "build: what you develop runs as a process of this machine; or build it "
                 "(docker build -t %s %s) and make it `type: container` with `image: %s`",
                 service->name, folder, service->name);

    if (!manifest_get(service->fields, "command") && !manifest_get(service->fields, "entrypoint"))
        strbuf_adds(piece_value(service, "command"), "[\"…\"]  # what CMD of its Dockerfile says");
    piece_text(service, "working_dir", import_path(im, key, import_text(im, folder)));
    for (size_t i = 0; value->kind == NODE_MAP && i < value->count; i++)
        if (strcmp(value->keys[i]->text, "context") != 0) {
            cleanup_free char *shown = import_flow(value->items[i]);
            piece_remark(im, service, value->keys[i], "build.%s: %s", value->keys[i]->text, shown);
        }
}

static void convert_working_dir(struct import *im, struct service *service, const struct yaml_node *key,
                                const struct yaml_node *value)
{
    const char *path = import_scalar(im, value);
    if (service->kind == SERVICE_CONTAINER && path && *path == '/')
        piece_text(service, "working_dir", import_text(im, value->text));
    else
        import_refuse(im, service, key, value, "is a folder of the image");
}

/* ---- ports, files, variables, others ---- */

static void convert_ports(struct import *im, struct service *service, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    (void)value;
    ports_write(im, service, key);
}

static void convert_volumes(struct import *im, struct service *service, const struct yaml_node *key,
                            const struct yaml_node *value)
{
    if (value->kind == NODE_LIST)
        mounts_write(im, service, value);
    else
        import_refuse(im, service, key, value, "is no list");
}

static void convert_tmpfs(struct import *im, struct service *service, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    if (service->kind != SERVICE_CONTAINER) {
        import_refuse(im, service, key, value, "only a container has folders in memory");
        return;
    }

    for (size_t i = 0; i < import_item_count(value); i++) {
        const struct yaml_node *item = import_item(value, i);
        const char *path = import_scalar(im, item);
        if (!path || *path != '/') {
            import_refuse(im, service, key, item, "is no absolute path");
            continue;
        }
        cleanup_free char *alone = xstrndup(path, strcspn(path, ":"));
        if (path[strlen(alone)])
            import_refuse(im, service, key, item, "options have no counterpart");
        strbuf_adds(piece_body(service, "tmpfs"), "      - ");
        import_put_text(piece_body(service, "tmpfs"), alone);
        strbuf_addc(piece_body(service, "tmpfs"), '\n');
    }
}

static void convert_environment(struct import *im, struct service *service, const struct yaml_node *key,
                                const struct yaml_node *value)
{
    (void)value;
    links_write(service);
    if (service->kind == SERVICE_SERVER)
        server_variables(im, service, key);
    else
        variables_write(im, service);
}

static void put_env_file(struct import *im, struct service *service, const struct yaml_node *item)
{
    const struct yaml_node *path = item, *required = NULL;
    if (item->kind == NODE_MAP) {
        path = manifest_get(item, "path");
        required = manifest_get(item, "required");
    }
    const char *text = NULL;
    if (path && path->kind == NODE_SCALAR)
        text = import_scalar(im, path);

    if (!text || !*text) {
        import_refuse(im, service, item, item, "is no file of variables");
        return;
    }
    bool is_needed = !required || import_is_true(required);
    struct strbuf *body = piece_body(service, "env_file");
    strbuf_adds(body, "      - {path: ");
    import_put_text(body, import_path(im, item, import_text(im, path->text)));
    strbuf_addf(body, "%s}\n", text_if(!is_needed, ", required: false"));
}

static bool is_file_there(struct import *im, const struct yaml_node *item)
{
    const struct yaml_node *path = item;
    if (item->kind == NODE_MAP)
        path = manifest_get(item, "path");
    if (!path || path->kind != NODE_SCALAR)
        return true;
    const char *now =
        manifest_document_expand(im->document, import_path(im, item, import_text(im, path->text)));
    return now && access(now, R_OK) == 0;
}

static void convert_env_file(struct import *im, struct service *service, const struct yaml_node *key,
                             const struct yaml_node *value)
{
    if (service->kind == SERVICE_SERVER) {
        import_refuse(im, service, key, value, "a server has `environment` alone");
        return;
    }
    size_t count = import_item_count(value) + (value->kind == NODE_MAP);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *item = import_item(value, i);
        if (is_file_there(im, item) || item->kind == NODE_MAP)
            put_env_file(im, service, item);
        else
            import_refuse(im, service, key, item, "is not there now; when it is, name it in `env_file`");
    }
}

static void convert_depends(struct import *im, struct service *service, const struct yaml_node *key,
                            const struct yaml_node *value)
{
    if (service->kind != SERVICE_SERVER)
        links_write(service);
    else if (service->link_count)
        import_refuse(im, service, key, value, "a server waits for nobody");
}

/* ---- texts that are taken as they are ---- */

static void convert_hosted(struct import *im, struct service *service, const struct yaml_node *key,
                           const struct yaml_node *value)
{
    const char *text = import_scalar(im, value);
    bool is_container = service->kind == SERVICE_CONTAINER;
    bool is_taken = is_container || (service->kind == SERVICE_SERVER && strcmp(key->text, "platform") != 0);
    if (text && *text && is_taken)
        piece_text(service, key->text, import_text(im, value->text));
    else
        import_refuse(im, service, key, value, "only a container has it");
}

static void convert_init(struct import *im, struct service *service, const struct yaml_node *key,
                         const struct yaml_node *value)
{
    const char *text = import_scalar(im, value);
    bool is_bool = text && (!strcmp(text, "true") || !strcmp(text, "false"));
    if (is_bool && service->kind == SERVICE_CONTAINER)
        strbuf_adds(piece_value(service, "init"), text);
    else
        import_refuse(im, service, key, value, "only a container has it");
}

/* ---- the table ---- */

/* A field is one or the other: what is converted has no reason, what is refused no function. */
struct conversion {
    const char *name;
    import_convert *convert;
    const char *reason;
};
#define TAKEN(field, by)                                                                                     \
    {                                                                                                        \
        .name = "" field, .convert = (by)                                                                    \
    }
#define REFUSED(field, why)                                                                                  \
    {                                                                                                        \
        .name = "" field, .reason = "" why                                                                   \
    }

static const struct conversion fields[] = {
    TAKEN("image", convert_image),
    TAKEN("build", convert_build),
    TAKEN("command", convert_command),
    TAKEN("entrypoint", convert_command),
    TAKEN("working_dir", convert_working_dir),
    TAKEN("ports", convert_ports),
    TAKEN("expose", convert_ports),
    TAKEN("volumes", convert_volumes),
    TAKEN("tmpfs", convert_tmpfs),
    TAKEN("environment", convert_environment),
    TAKEN("env_file", convert_env_file),
    TAKEN("depends_on", convert_depends),
    TAKEN("links", convert_depends),
    TAKEN("healthcheck", convert_healthcheck),
    TAKEN("restart", convert_restart),
    TAKEN("stop_signal", convert_stop),
    TAKEN("stop_grace_period", convert_stop),
    TAKEN("user", convert_hosted),
    TAKEN("platform", convert_hosted),
    TAKEN("init", convert_init),
    TAKEN("labels", convert_labels),
    TAKEN("extra_hosts", convert_extra_hosts),
    TAKEN("mem_limit", convert_memory),
    TAKEN("deploy", convert_deploy),
    TAKEN("scale", convert_scale),
    TAKEN("network_mode", convert_network_mode),
    TAKEN("pull_policy", convert_pull),
    TAKEN("profiles", convert_profiles),
    REFUSED("container_name", "containers are called after project and resource; `apphost ps` has the names"),
    REFUSED("hostname", "a container is called as its resource on the project's network"),
    REFUSED("networks", "apphost makes one network, for those who talk"),
    REFUSED("logging", "apphost keeps the logs: `apphost logs`"),
    REFUSED("tty", "`apphost exec` gives a terminal"),
    REFUSED("stdin_open", "`apphost exec` gives an input"),
    REFUSED("develop", "`watch` of a process restarts it when its files change"),
    TAKEN("secrets", convert_files),
    TAKEN("configs", convert_files),
    REFUSED("cap_add", "containers have the engine's usual rights"),
    REFUSED("cap_drop", "containers have the engine's usual rights"),
    REFUSED("privileged", "containers have the engine's usual rights"),
    REFUSED("security_opt", "containers have the engine's usual rights"),
    REFUSED("sysctls", "the kernel's settings are the machine's"),
    REFUSED("ulimits", "limits are the engine's"),
    REFUSED("cpus", "processors are not limited"),
    REFUSED("mem_reservation", "nothing is reserved"),
    REFUSED("memswap_limit", "`memory` limits memory alone"),
    REFUSED("dns", "names are the engine's affair"),
    REFUSED("external_links", "a server that exists already is a `connection-string`"),
};

static const struct conversion *find_field(const char *name)
{
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(fields[i].name, name))
            return &fields[i];
    return NULL;
}

static void convert(struct import *im, struct service *service, const struct yaml_node *key,
                    const struct yaml_node *value)
{
    const struct conversion *field = find_field(key->text);
    pieces_release(service, key->text);
    if (field && field->convert)
        field->convert(im, service, key, value);
    else if (field)
        import_refuse(im, service, key, value, field->reason);
    else if (str_starts(key->text, "x-"))
        import_refuse(im, service, key, value, "is an extension");
    else
        import_refuse(im, service, key, value, "has no counterpart");
}

static void put_type(struct service *service)
{
    const char *type = "container";
    if (service->kind == SERVICE_SERVER)
        type = service->type;
    else if (service->kind == SERVICE_PROCESS)
        type = "process";
    piece_text(service, "type", type);
}

void import_fields(struct import *im, struct service *service)
{
    const struct yaml_node *map = service->fields;
    put_type(service);
    for (size_t i = 0; i < map->count; i++)
        convert(im, service, map->keys[i], map->items[i]);
    pieces_release(service, NULL);
    ports_write(im, service, service->at);
    if (service->kind == SERVICE_PROCESS && !piece_is_there(service, "command"))
        strbuf_adds(piece_value(service, "command"),
                    "[\"…\"]  # there is neither `image` nor `build`: what shall run?");
    if (service->kind == SERVICE_SERVER)
        server_finish(im, service);
    if (service->kind == SERVICE_SERVER)
        family_write_topology(service);
    if (service->kind == SERVICE_SERVER)
        family_write_sidecars(im, service);
}
