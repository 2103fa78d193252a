/* Fields of a service that say who may find it and what it is labelled with: labels, files, hosts, networks,
 * pulls and profiles. See internal.h. */
#include "import/internal.h"

#include "base/ours.h"
#include "base/pick.h"

#include <arpa/inet.h>
#include <string.h>
#include <unistd.h>

/* ---- labels ---- */

static void put_label(struct import *im, struct service *service, const struct yaml_node *at,
                      const char *name, const char *value)
{
    if (!*name || str_starts(name, LABELS_OURS) || !str_is_utf8(name, strlen(name)) ||
        strpbrk(name, " \t\r\n=")) {
        piece_remark(im, service, at, "label %s: cannot be one here", name);
        return;
    }
    struct strbuf *body = piece_body(service, "labels");
    strbuf_adds(body, "      ");
    import_put_text(body, name);
    strbuf_adds(body, ": ");
    import_put_text(body, import_text(im, value));
    strbuf_addc(body, '\n');
}

static bool is_twin(const struct yaml_node *list, size_t index)
{
    size_t length = strcspn(list->items[index]->text, "=");
    for (size_t i = index + 1; i < list->count; i++)
        if (strcspn(list->items[i]->text, "=") == length &&
            !strncmp(list->items[i]->text, list->items[index]->text, length))
            return true;
    return false;
}

void convert_labels(struct import *im, struct service *service, const struct yaml_node *key,
                    const struct yaml_node *value)
{
    if (service->kind == SERVICE_PROCESS || value->kind == NODE_SCALAR || value->count > MOST_PORTS) {
        import_refuse(im, service, key, value, "has no counterpart here");
        return;
    }

    for (size_t i = 0; i < value->count; i++) {
        const struct yaml_node *item = value->items[i];
        if (item->kind != NODE_SCALAR)
            import_refuse(im, service, key, item, "is no label");
        else if (value->kind == NODE_MAP)
            put_label(im, service, item, value->keys[i]->text, item->text);
        else if (!is_twin(value, i)) {
            size_t length = strcspn(item->text, "=");
            cleanup_free char *name = xstrndup(item->text, length);
            put_label(im, service, item, name, item->text + length + (item->text[length] == '='));
        }
    }
}

/* ---- secrets and configs that are files ---- */

static const char *text_at(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = manifest_get(map, name);
    if (node && node->kind == NODE_SCALAR && *node->text)
        return node->text;
    return NULL;
}

/* The file's path from here, or NULL: it is none, or not there. */
static const char *file_of(struct import *im, const char *kind, const char *name)
{
    const struct yaml_node *all = manifest_get(im->root, kind), *one = NULL, *file = NULL;
    if (all && name)
        one = manifest_get(all, name);
    if (one)
        file = manifest_get(one, "file");
    if (!file || file->kind != NODE_SCALAR)
        return NULL;
    const char *path = import_path(im, file, import_text(im, file->text));
    const char *now = manifest_document_expand(im->document, path);
    if (now && *now && access(now, R_OK) == 0)
        return path;
    return NULL;
}

void convert_files(struct import *im, struct service *service, const struct yaml_node *key,
                   const struct yaml_node *value)
{
    bool is_secret = !strcmp(key->text, "secrets");
    for (size_t i = 0; i < import_item_count(value) + (value->kind == NODE_MAP); i++) {
        const struct yaml_node *item = import_item(value, i);
        const char *name = item->text, *target = NULL;
        if (item->kind == NODE_MAP) {
            name = text_at(item, "source");
            target = text_at(item, "target");
        }

        const char *path = file_of(im, key->text, name);
        if (!path || service->kind != SERVICE_CONTAINER) {
            import_refuse(im, service, key, item,
                          "only a file that is there becomes one of a container's `bind_mounts`");
            continue;
        }
        target = text_or(target, name);
        const char *folder = text_pick(is_secret, "/run/secrets/", "/");
        cleanup_free char *mount = xasprintf("%s:%s%s:ro", path, text_if(*target != '/', folder), target);
        strbuf_adds(piece_body(service, "bind_mounts"), "      - ");
        import_put_text(piece_body(service, "bind_mounts"), mount);
        strbuf_addc(piece_body(service, "bind_mounts"), '\n');
    }
}

/* ---- hosts, networks, pulls ---- */

static bool is_address(const char *text)
{
    unsigned char binary[sizeof(struct in6_addr)];
    return !strcmp(text, "host-gateway") || inet_pton(AF_INET, text, binary) == 1 ||
           inet_pton(AF_INET6, text, binary) == 1;
}

void convert_extra_hosts(struct import *im, struct service *service, const struct yaml_node *key,
                         const struct yaml_node *value)
{
    cleanup_strbuf struct strbuf list = {0};
    for (size_t i = 0; value->kind != NODE_SCALAR && i < value->count; i++) {
        const char *text = NULL;
        if (value->kind == NODE_MAP && value->items[i]->kind == NODE_SCALAR)
            text = arena_printf(im->arena, "%s:%s", value->keys[i]->text, value->items[i]->text);
        else if (value->items[i]->kind == NODE_SCALAR)
            text = value->items[i]->text;
        size_t name = strcspn(text_or_empty(text), ":=");
        bool is_entry =
            text && name && text[name] && is_address(text + name + 1) && !strpbrk(text, "$ \t\r\n");
        if (!is_entry || service->kind != SERVICE_CONTAINER) {
            import_refuse(im, service, key, value->items[i],
                          "only a container has more names, as name:address");
            continue;
        }
        strbuf_adds(&list, text_if(list.length, ", "));
        import_put_text(&list, text);
    }

    if (list.length)
        strbuf_addf(piece_value(service, "extra_hosts"), "[%s]", strbuf_text(&list));
}

void convert_network_mode(struct import *im, struct service *service, const struct yaml_node *key,
                          const struct yaml_node *value)
{
    const char *mode = import_scalar(im, value);
    bool is_host = mode && !strcmp(mode, "host");
    if (is_host && service->kind == SERVICE_SERVER && !service->server.is_topology)
        piece_text(service, "network", "host");
    else
        import_refuse(im, service, key, value,
                      "apphost makes the network that the project needs; a server may be on the host's");
}

void convert_pull(struct import *im, struct service *service, const struct yaml_node *key,
                  const struct yaml_node *value)
{
    const char *policy = text_or_empty(import_scalar(im, value));
    if (!strcmp(policy, "always") || !strcmp(policy, "never") || !strcmp(policy, "missing"))
        piece_text(service, "pull", policy);
    else if (strcmp(policy, "if_not_present") != 0)
        import_refuse(im, service, key, value, "is one of missing, always and never here");
}

void convert_profiles(struct import *im, struct service *service, const struct yaml_node *key,
                      const struct yaml_node *value)
{
    cleanup_strbuf struct strbuf list = {0};
    if (value->kind == NODE_MAP)
        import_refuse(im, service, key, value, "is no list of profiles");
    for (size_t i = 0; i < import_item_count(value); i++) {
        const struct yaml_node *item = import_item(value, i);
        const char *name = import_scalar(im, item);
        if (!name || !*name) {
            import_refuse(im, service, key, item, "is no name of a profile");
            continue;
        }
        strbuf_adds(&list, text_if(list.length, ", "));
        import_put_text(&list, import_text(im, item->text));
    }
    if (list.length)
        strbuf_addf(piece_value(service, "profiles"), "[%s]", strbuf_text(&list));
}
