/* Who needs whom: `depends_on` and `links`, as references to servers and as `wait_for`. See internal.h. */
#include "import/internal.h"

#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* ---- by name ---- */

static bool is_called(const struct service *service, const char *host)
{
    static const char *const fields[] = {"container_name", "hostname"};
    if (!strcmp(service->key, host))
        return true;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct yaml_node *name = manifest_get(service->fields, fields[i]);
        if (name && name->kind == NODE_SCALAR && *name->text && !strcmp(name->text, host))
            return true;
    }
    return false;
}

struct service *import_find(struct import *im, const char *host)
{
    for (size_t i = 0; i < im->count; i++)
        if (!strcmp(im->services[i].key, host))
            return &im->services[i];
    for (size_t i = 0; i < im->count; i++)
        if (is_called(&im->services[i], host))
            return &im->services[i];
    return NULL;
}

struct service *import_stand_in(struct service *service)
{
    if (!service)
        return NULL;
    if (service->kind == SERVICE_MEMBER)
        return service->whole;
    if (service->kind == SERVICE_CONTAINER || service->kind == SERVICE_SERVER)
        return service;
    return NULL;
}

/* ---- no circles ---- */

static bool reaches(const struct import *im, const struct service *from, const struct service *to, bool *seen)
{
    size_t index = (size_t)(from - im->services);
    if (from == to)
        return true;
    if (seen[index] || !from->needs)
        return false;
    seen[index] = true;
    for (size_t i = 0; i < im->count; i++)
        if (from->needs[i] && reaches(im, &im->services[i], to, seen))
            return true;
    return false;
}

bool link_may(struct import *im, struct service *from, struct service *to)
{
    bool *seen = xcalloc(im->count, sizeof *seen);
    bool closes = reaches(im, to, from, seen);
    free(seen);
    if (closes)
        return false;
    if (!from->needs)
        from->needs = arena_alloc(im->arena, im->count * sizeof *from->needs);
    from->needs[to - im->services] = true;
    return true;
}

/* ---- one more ---- */

void link_add(struct import *im, struct service *from, struct need link)
{
    for (size_t i = 0; i < from->link_count; i++) {
        struct need *known = &from->links[i];
        if (known->target != link.target)
            continue;
        if (!known->env)
            known->env = link.env;
        return;
    }
    from->links = arena_grow(im->arena, from->links, from->link_count, from->link_count + 1, sizeof link);
    from->links[from->link_count++] = link;
}

bool link_is_steady(const struct service *from, const struct service *to)
{
    const struct yaml_node *theirs = manifest_get(to->fields, "profiles");
    const struct yaml_node *ours = manifest_get(from->fields, "profiles");
    if (!theirs || !import_item_count(theirs))
        return true;
    if (!ours || !import_item_count(ours))
        return false;
    for (size_t i = 0; i < import_item_count(ours); i++) {
        bool has = false;
        for (size_t j = 0; j < import_item_count(theirs); j++)
            has = has || !strcmp(import_item(ours, i)->text, import_item(theirs, j)->text);
        if (!has)
            return false;
    }
    return true;
}

static const char *until_of(struct import *im, struct service *service, const struct yaml_node *how,
                            const struct service *target)
{
    const struct yaml_node *condition = manifest_get(how, "condition");
    if (manifest_get(how, "restart"))
        piece_remark(
            im, service, how,
            "depends_on.restart: who references it is started again by itself when its address changes");
    bool is_server = target->kind == SERVICE_SERVER;
    if (!condition || is_server)
        return NULL;
    if (!strcmp(condition->text, "service_started"))
        return "started";
    if (!strcmp(condition->text, "service_completed_successfully"))
        return "completed";
    return NULL;
}

static void need(struct import *im, struct service *service, const struct yaml_node *at, const char *key,
                 const struct yaml_node *how)
{
    struct service *named = import_find(im, key), *target = import_stand_in(named);
    if (!named) {
        piece_remark(im, service, at, "%s: there is no service of that name", key);
        return;
    }
    if (named->kind == SERVICE_PROCESS && service->kind != SERVICE_PROCESS) {
        piece_remark(im, service, at, "wait_for: [%s] when that is no comment any more", named->name);
        return;
    }
    if (named->kind == SERVICE_PROCESS)
        target = named;
    if (!target) {
        piece_remark(im, service, at, "%s: is a sidecar; nobody has to wait for it", key);
        return;
    }
    if (target == service || !link_may(im, service, target)) {
        piece_remark(im, service, at, "%s: each would wait for the other", key);
        return;
    }

    struct need link = {.target = target};
    link.is_optional =
        !link_is_steady(service, target) || (how->kind == NODE_MAP && manifest_get(how, "required") &&
                                             !import_is_true(manifest_get(how, "required")));
    if (how->kind == NODE_MAP)
        link.until = until_of(im, service, how, target);
    bool is_lost = link.is_optional && target->kind != SERVICE_SERVER;
    if (is_lost)
        piece_remark(im, service, at, "%s: is not always there, and `wait_for` has no `optional`", key);
    else
        link_add(im, service, link);
}

static void read_list(struct import *im, struct service *service, const struct yaml_node *list)
{
    if (list && list->kind == NODE_SCALAR)
        piece_remark(im, service, list, "%s: is no list of services", service->holding);
    for (size_t i = 0; list && list->kind != NODE_SCALAR && i < list->count; i++) {
        const struct yaml_node *item = list->items[i];
        if (list->kind == NODE_MAP) {
            need(im, service, list->keys[i], list->keys[i]->text, item);
        } else if (item->kind == NODE_SCALAR) {
            size_t length = strcspn(item->text, ":");
            const char *key = arena_strndup(im->arena, item->text, length);
            if (item->text[length])
                piece_remark(im, service, item, "link %s: a resource has one name, and no other here",
                             item->text);
            need(im, service, item, key, item);
        }
    }
}

void links_read(struct import *im, struct service *service)
{
    service->holding = "depends_on";
    read_list(im, service, manifest_get(service->fields, "depends_on"));
    service->holding = "links";
    read_list(im, service, manifest_get(service->fields, "links"));
    service->holding = NULL;
}

/* ---- as fields ---- */

static void put_reference(struct strbuf *out, const struct need *link)
{
    if (!link->env && !link->is_optional) {
        strbuf_adds(out, link->target->name);
        return;
    }
    strbuf_addf(out, "{resource: %s", link->target->name);
    if (link->env)
        strbuf_addf(out, ", env: %s", link->env);
    strbuf_addf(out, "%s}", text_if(link->is_optional, ", optional: true"));
}

static void put_wait(struct strbuf *out, const struct need *link)
{
    if (link->until)
        strbuf_addf(out, "{resource: %s, until: %s}", link->target->name, link->until);
    else
        strbuf_adds(out, link->target->name);
}

static void write_list(struct service *service, const char *name, bool of_servers,
                       void (*put)(struct strbuf *out, const struct need *link))
{
    cleanup_strbuf struct strbuf list = {0};
    for (size_t i = 0; i < service->link_count; i++) {
        const struct need *link = &service->links[i];
        if ((link->target->kind == SERVICE_SERVER) != of_servers)
            continue;
        strbuf_adds(&list, text_if(list.length, ", "));
        put(&list, link);
    }
    if (list.length)
        strbuf_addf(piece_value(service, name), "[%s]", strbuf_text(&list));
}

void links_write(struct service *service)
{
    if (service->has_links)
        return;
    service->has_links = true;
    write_list(service, "references", true, put_reference);
    write_list(service, "wait_for", false, put_wait);
}
