/* `ports` and `expose`: in short and long form, as endpoints of a container or the port of a server. See
 * internal.h. */
#include "import/internal.h"

#include "base/pick.h"

#include <string.h>

/* ---- one entry ---- */

/* "80", "80-82"; a variable counts as what it is now. */
static bool read_range(struct import *im, const char *text, int *first, int *last)
{
    int64_t from, to;
    const char *value = manifest_document_expand(im->document, import_text(im, text));
    if (!value)
        return false;
    size_t length = strcspn(value, "-");
    cleanup_free char *low = xstrndup(value, length);
    if (!str_to_int64(low, 1, 65535, &from))
        return false;
    to = from;
    if (value[length] && !str_to_int64(value + length + 1, from, 65535, &to))
        return false;

    *first = (int)from;
    *last = (int)to;
    return true;
}

static bool read_host(struct import *im, const char *text, struct port_range *range)
{
    if (!*text)
        return true;
    range->host = text;
    if (read_range(im, text, &range->host_first, &range->host_last))
        return true;
    return strchr(text, '$') != NULL; /* not set now: chosen */
}

/* The last colon that stands in no ${…} and in no [::1]. */
static const char *last_colon(const char *text)
{
    const char *found = NULL;
    for (const char *at = import_cut(text, ':'); *at; at = import_cut(at + 1, ':'))
        found = at;
    return found;
}

bool import_port_parse(struct import *im, const char *text, struct port_range *range)
{
    *range = (struct port_range){0};
    const char *slash = import_cut(text, '/');
    range->is_udp = *slash && strcasecmp(slash + 1, "tcp") != 0;
    const char *rest = arena_strndup(im->arena, text, (size_t)(slash - text));
    const char *colon = last_colon(rest);
    if (!read_range(im, colon ? colon + 1 : rest, &range->first, &range->last))
        return false;
    if (!colon)
        return true;

    rest = arena_strndup(im->arena, rest, (size_t)(colon - rest));
    colon = last_colon(rest);
    if (colon) {
        range->address = arena_strndup(im->arena, rest, (size_t)(colon - rest));
        rest = colon + 1;
    }
    return read_host(im, rest, range);
}

static const char *text_of(const struct yaml_node *map, const char *name)
{
    const struct yaml_node *node = manifest_get(map, name);
    if (node && node->kind == NODE_SCALAR && !manifest_is_null(node))
        return node->text;
    return NULL;
}

/* {target, published, host_ip, protocol} */
static bool read_long(struct import *im, const struct yaml_node *map, struct port_range *range)
{
    *range = (struct port_range){.address = text_of(map, "host_ip")};
    const char *target = text_of(map, "target"), *protocol = text_of(map, "protocol");
    range->is_udp = protocol && strcasecmp(protocol, "tcp") != 0;
    return target && read_range(im, target, &range->first, &range->last) &&
           read_host(im, text_or_empty(text_of(map, "published")), range);
}

/* ---- all of them ---- */

static struct port *find(struct service *service, int target)
{
    for (size_t i = 0; i < service->port_count; i++)
        if (service->ports[i].target == target)
            return &service->ports[i];
    return NULL;
}

static bool has_name(const struct service *service, const char *name)
{
    for (size_t i = 0; i < service->port_count; i++)
        if (!strcmp(service->ports[i].name, name))
            return true;
    return false;
}

static struct port *add(struct import *im, struct service *service, int target, const char *host)
{
    if (service->port_count >= MOST_PORTS)
        return NULL;
    service->ports = arena_grow(im->arena, service->ports, service->port_count, service->port_count + 1,
                                sizeof *service->ports);
    const char *name = arena_printf(im->arena, "port-%d", target);
    for (int i = 2; has_name(service, name); i++)
        name = arena_printf(im->arena, "port-%d-%d", target, i);
    struct port *port = &service->ports[service->port_count++];
    *port = (struct port){.target = target, .host = host, .name = name};
    return port;
}

const struct port *port_need(struct import *im, struct service *service, int target)
{
    const struct port *port = find(service, target);
    if (port)
        return port;
    return add(im, service, target, NULL);
}

/* The host's port of the i-th of a range. */
static const char *host_of(struct import *im, const struct port_range *range, int i)
{
    bool is_one = range->first == range->last && range->host_first == range->host_last;
    bool is_parallel = range->last - range->first == range->host_last - range->host_first;
    if (!range->host_first || !is_parallel)
        return NULL;
    if (is_one)
        return import_text(im, range->host);
    return arena_printf(im->arena, "%d", range->host_first + i);
}

static bool is_loopback(const char *address)
{
    return !*address || str_starts(address, "127.") || !strcmp(address, "[::1]") || !strcmp(address, "::1") ||
           !strcmp(address, "localhost");
}

static void remark_range(struct import *im, struct service *service, const struct yaml_node *item,
                         const struct port_range *range)
{
    cleanup_free char *shown = import_flow(item);
    if (range->address && !is_loopback(range->address))
        piece_remark(im, service, item, "port %s: published on 127.0.0.1, not on %s", shown, range->address);
    if (range->host && !host_of(im, range, 0))
        piece_remark(im, service, item, "port %s: the port on this machine is chosen; `host_port` fixes it",
                     shown);
}

/* Who has that port of this machine already, or NULL. */
static const struct service *owner_of(struct import *im, const struct service *service, const char *host)
{
    for (size_t i = 0; i < im->count; i++)
        for (size_t j = 0; &im->services[i] != service && j < im->services[i].port_count; j++)
            if (str_eq(im->services[i].ports[j].host, host))
                return &im->services[i];
    return NULL;
}

/* A port of this machine for one inside, unless somebody else has it. */
static void take_port(struct import *im, struct service *service, const struct yaml_node *item,
                      struct port port)
{
    struct port *known = find(service, port.target);
    const struct service *owner = NULL;
    if (port.host && service->kind != SERVICE_MEMBER)
        owner = owner_of(im, service, port.host);
    if (owner) {
        piece_remark(im, service, item, "port %s: belongs to %s already; another one is chosen", port.host,
                     owner->name);
        port.host = NULL;
    }
    if (!known || (port.host && known->host))
        add(im, service, port.target, port.host);
    else if (port.host)
        known->host = port.host;
}

static void take_range(struct import *im, struct service *service, const struct yaml_node *item,
                       const struct port_range *range)
{
    cleanup_free char *shown = import_flow(item);
    if (range->is_udp) {
        piece_remark(im, service, item, "port %s: only ports of TCP can be published", shown);
        return;
    }
    if (range->last - range->first >= MOST_PORTS) {
        piece_remark(im, service, item, "port %s: too many ports for a list of endpoints", shown);
        return;
    }

    remark_range(im, service, item, range);
    for (int i = 0; range->first + i <= range->last; i++)
        take_port(im, service, item, (struct port){range->first + i, host_of(im, range, i), NULL});
}

static void read_list(struct import *im, struct service *service, const struct yaml_node *list)
{
    if (list && list->kind == NODE_MAP)
        piece_remark(im, service, list, "%s: is no list of ports", service->holding);

    for (size_t i = 0; list && i < import_item_count(list); i++) {
        const struct yaml_node *item = import_item(list, i);
        struct port_range range = {0};
        bool is_port = false;
        if (item->kind == NODE_MAP)
            is_port = read_long(im, item, &range);
        else if (item->kind == NODE_SCALAR)
            is_port = import_port_parse(im, item->text, &range);
        cleanup_free char *shown = import_flow(item);
        if (is_port)
            take_range(im, service, item, &range);
        else
            piece_remark(im, service, item, "port %s: no port can be read from this", shown);
    }
}

void ports_read(struct import *im, struct service *service)
{
    service->holding = "ports";
    read_list(im, service, manifest_get(service->fields, "ports"));
    service->holding = "expose";
    read_list(im, service, manifest_get(service->fields, "expose"));
    service->holding = NULL;
}

/* ---- as fields ---- */

static void write_server(struct import *im, struct service *service, const struct yaml_node *at)
{
    const struct port *chosen = NULL;
    for (size_t i = 0; i < service->port_count; i++) {
        const struct port *port = &service->ports[i];
        bool is_servers = port->target == 6379 || (!chosen && service->port_count == 1);
        if (is_servers && port->host && !chosen)
            chosen = port;
        else if (!is_servers || (port->host && chosen))
            piece_remark(im, service, at, "port %d: a server here listens on one port, 6379 inside",
                         port->target);
    }
    if (chosen)
        piece_text(service, "host_port", chosen->host);
}

static void write_endpoint(struct service *service, const struct port *port)
{
    struct strbuf *body = piece_body(service, "endpoints");
    bool is_process = service->kind == SERVICE_PROCESS;
    const char *number = text_pick(is_process, "port", "target_port");
    if (is_process && piece_is_there(service, "replicas")) {
        strbuf_addf(body, "      %s: {env: PORT}  # each of the replicas has its own\n", port->name);
        return;
    }
    if (!port->host || is_process) {
        strbuf_addf(body, "      %s: %d\n", port->name, port->target);
        return;
    }
    strbuf_addf(body, "      %s: {%s: %d, host_port: ", port->name, number, port->target);
    import_put_text(body, port->host);
    strbuf_adds(body, "}\n");
}

void ports_write(struct import *im, struct service *service, const struct yaml_node *at)
{
    if (service->kind == SERVICE_SERVER && !piece_is_there(service, "host_port"))
        write_server(im, service, at);
    else if (service->kind != SERVICE_SERVER)
        piece_body(service, "endpoints");
}

void ports_finish(struct service *service)
{
    if (service->kind == SERVICE_SERVER)
        return;
    for (size_t i = 0; i < service->port_count; i++)
        write_endpoint(service, &service->ports[i]);
}
