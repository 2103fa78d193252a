/* What two resources cannot both have: a port of this machine, and the place of a server's data. */
#include "manifest/loader.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A claim on something; two with equal keys collide. */
struct manifest_claim {
    const struct model_resource *owner;
    const char *name; /* of what claims: the owner's, or its sidecar's */
    const struct yaml_node *node;
    const char *address; /* ports: NULL stands for every address */
    const char *place;   /* data: volume or path */
    int port;
};

struct claims {
    struct manifest_claim *items;
    size_t count, capacity;
};

static void add_claim(struct claims *claims, struct manifest_claim claim)
{
    if (claims->count == claims->capacity) {
        claims->capacity = grown(claims->capacity, 64);
        claims->items = xreallocarray(claims->items, claims->capacity, sizeof *claims->items);
    }
    if (!claim.name)
        claim.name = claim.owner->name;
    claims->items[claims->count++] = claim;
}

static int compare_positions(const struct manifest_claim *a, const struct manifest_claim *b)
{
    if (a->owner != b->owner) {
        if (a->owner < b->owner)
            return -1;
        return 1;
    }
    if (a->node->pos.line != b->node->pos.line) {
        if (a->node->pos.line < b->node->pos.line)
            return -1;
        return 1;
    }
    return (a->node->pos.column > b->node->pos.column) - (a->node->pos.column < b->node->pos.column);
}

/* --- ports --- */

static int compare_ports(const void *left, const void *right)
{
    const struct manifest_claim *a = left, *b = right;
    if (a->port != b->port)
        return (a->port > b->port) - (a->port < b->port);
    return compare_positions(a, b);
}

static bool is_every(const char *address)
{
    return !address || strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
}

static void claim_endpoints(struct claims *claims, const struct model_resource *resource,
                            const struct yaml_node *map)
{
    const struct yaml_node *endpoints = manifest_get(map, "endpoints");
    const char *field = "host_port", *address = "127.0.0.1";
    if (resource->kind == MODEL_PROCESS) {
        field = "port";
        address = NULL;
    }

    for (size_t i = 0; endpoints && i < resource->endpoint_count; i++) {
        const struct model_endpoint *endpoint = &resource->endpoints[i];
        const struct yaml_node *at = manifest_get(endpoints, endpoint->name);
        if (!at || !endpoint->port)
            continue;
        const struct yaml_node *port = manifest_get(at, field);
        if (!port)
            port = at;
        add_claim(claims, (struct manifest_claim){
                              .owner = resource, .node = port, .address = address, .port = endpoint->port});
    }
}

static void claim_ports(struct claims *claims, const struct model_resource *resource,
                        const struct yaml_node *map)
{
    const struct yaml_node *port = manifest_get(map, "host_port");
    int count = 0;
    if (model_is_server(resource->kind) && port && resource->redis.host_port)
        count = int_or(model_replica_count(resource), 1);
    for (int i = 0; i < count; i++) /* those of a topology: one after the other */
        add_claim(claims, (struct manifest_claim){.owner = resource,
                                                  .node = port,
                                                  .address = resource->redis.bind_address,
                                                  .port = resource->redis.host_port + i});
    if (model_has_endpoints(resource->kind))
        claim_endpoints(claims, resource, map);
}

static void report_ports(struct loader *l, const struct claims *claims)
{
    for (size_t i = 1; i < claims->count; i++) {
        const struct manifest_claim *mine = &claims->items[i];
        for (size_t j = i; j-- && claims->items[j].port == mine->port && i - j < 16;) {
            const struct manifest_claim *other = &claims->items[j];
            if (!is_every(mine->address) && !is_every(other->address) &&
                strcmp(mine->address, other->address) != 0)
                continue;
            manifest_problem(l, mine->node, "port %d belongs to `%s` already", mine->port, other->name);
            manifest_hint(l, "see line %d; without a port a free one is chosen", other->node->pos.line);
            break;
        }
    }
}

/* --- data --- */

static int compare_places(const void *left, const void *right)
{
    const struct manifest_claim *a = left, *b = right;
    int order = strcmp(a->place, b->place);
    if (order)
        return order;
    return compare_positions(a, b);
}

static void claim_data(struct loader *l, struct claims *claims, const struct model_resource *resource,
                       const struct yaml_node *map)
{
    const struct model_mount *data = NULL;
    if (model_is_server(resource->kind))
        data = resource->redis.data;
    if (!data || data->read_only)
        return;
    const char *field = text_pick(data->is_volume, "data_volume", "data_bind_mount");
    const struct yaml_node *node = manifest_get(map, field);
    const char *place = data->source;
    if (!place)
        place = arena_printf(l->arena, "%s-data", resource->name);
    if (node)
        add_claim(claims, (struct manifest_claim){.owner = resource, .node = node, .place = place});
}

static void report_data(struct loader *l, const struct claims *claims)
{
    for (size_t i = 1; i < claims->count; i++) {
        const struct manifest_claim *mine = &claims->items[i], *other = &claims->items[i - 1];
        if (strcmp(mine->place, other->place) == 0)
            manifest_problem(l, mine->node, "`%s` and `%s` would write into the same data, `%s`", other->name,
                             mine->name, mine->place);
    }
}

static void claim_sidecars(struct loader *l, struct claims *ports, struct claims *data)
{
    for (size_t i = 0; i < SIDECAR_KINDS; i++) {
        const struct sidecar_claim *sidecar = &l->sidecars[i];
        struct manifest_claim claim = {.owner = sidecar->owner, .name = sidecar->name};
        if (sidecar->port) {
            claim.node = sidecar->port_at;
            claim.address = "127.0.0.1";
            claim.port = sidecar->port;
            add_claim(ports, claim);
        }

        if (sidecar->data) {
            claim.node = sidecar->data_at;
            if (sidecar->data->source)
                claim.place = sidecar->data->source;
            else
                claim.place = arena_printf(l->arena, "%s-data", sidecar->name);
            add_claim(data, claim);
        }
    }
}

void manifest_check_shared(struct loader *l)
{
    struct claims ports = {0}, data = {0};

    for (struct declared *entry = l->resources; entry; entry = entry->hh.next) {
        const struct model_resource *resource = &l->model->resources[entry->index];
        if (resource->inactive || resource->kind == MODEL_KIND_COUNT || entry->value->kind != NODE_MAP)
            continue;
        claim_ports(&ports, resource, entry->value);
        claim_data(l, &data, resource, entry->value);
    }

    claim_sidecars(l, &ports, &data);
    if (ports.count > 1)
        qsort(ports.items, ports.count, sizeof *ports.items, compare_ports);
    if (data.count > 1)
        qsort(data.items, data.count, sizeof *data.items, compare_places);
    report_ports(l, &ports);
    report_data(l, &data);
    free(ports.items);
    free(data.items);
}
