/* The table of kinds: one row for each, asked by everybody who has to tell them apart. See model.h.
 *
 * To add one: its name in enum model_kind, its row here, a table of fields in manifest/, a lowering in
 * lower/. What is forgotten does not compile, or fails a test that names the kind. */
#include "model/model.h"
#include "base/mem.h"

#include <assert.h>
#include <limits.h>
#include <string.h>

static const struct model_kind_info kinds[] = {
    [MODEL_REDIS] = {.name = "redis",
                     .default_image = MODEL_REDIS_IMAGE,
                     .is_server = true,
                     .has_string = true},
    [MODEL_VALKEY] = {.name = "valkey",
                      .default_image = MODEL_VALKEY_IMAGE,
                      .is_server = true,
                      .has_string = true},
    [MODEL_GARNET] = {.name = "garnet",
                      .default_image = MODEL_GARNET_IMAGE,
                      .is_server = true,
                      .has_string = true},
    [MODEL_CONNECTION_STRING] = {.name = "connection-string", .is_elsewhere = true, .has_string = true},
    [MODEL_PROCESS] = {.name = "process", .has_endpoints = true},
    [MODEL_CONTAINER] = {.name = "container", .has_endpoints = true, .may_have_string = true},
    [MODEL_EXTERNAL] = {.name = "external", .is_elsewhere = true},
};
static_assert(sizeof kinds / sizeof *kinds == MODEL_KIND_COUNT, "a kind has no row");

const struct model_kind_info *model_kind_info(enum model_kind kind)
{
    static const struct model_kind_info none = {.name = "unknown"};
    return (size_t)kind < MODEL_KIND_COUNT && kinds[kind].name ? &kinds[kind] : &none;
}

const char *model_kind_name(enum model_kind kind)
{
    return model_kind_info(kind)->name;
}

enum model_kind model_find_kind(const char *name)
{
    size_t kind = 0;
    while (kind < MODEL_KIND_COUNT && strcmp(model_kind_name((enum model_kind)kind), name) != 0)
        kind++;
    return (enum model_kind)kind;
}

bool model_is_server(enum model_kind kind)
{
    return model_kind_info(kind)->is_server;
}

bool model_has_endpoints(enum model_kind kind)
{
    return model_kind_info(kind)->has_endpoints;
}

const struct model_topology *model_topology(const struct model_resource *resource)
{
    bool has_one = model_is_server(resource->kind) && resource->redis.topology.kind;
    return has_one ? &resource->redis.topology : NULL;
}

int model_data_nodes(const struct model_topology *topology)
{
    return topology->shards * (1 + topology->replicas);
}

char *model_replica_name(const struct model_resource *resource, int replica)
{
    const struct model_topology *topology = model_topology(resource);
    int first_sentinel = INT_MAX;
    if (topology)
        first_sentinel = model_data_nodes(topology) + 1;
    if (replica >= first_sentinel)
        return xasprintf("%s-sentinel-%d", resource->name, replica - first_sentinel + 1);
    return xasprintf("%s-%d", resource->name, replica);
}

int model_replica_count(const struct model_resource *resource)
{
    const struct model_topology *topology = model_topology(resource);
    if (topology)
        return model_data_nodes(topology) + topology->sentinels;
    if (resource->kind == MODEL_PROCESS)
        return resource->process.replicas;
    return 0;
}

bool model_is_task(const struct model_resource *resource)
{
    return resource->kind == MODEL_PROCESS && resource->process.task;
}

bool model_has_string(const struct model_resource *resource)
{
    if (resource->kind == MODEL_CONTAINER)
        return resource->container.connection_string.given;
    return model_kind_info(resource->kind)->has_string;
}

const struct model_text *model_made_of(const struct model_resource *resource)
{
    if (resource->kind == MODEL_CONNECTION_STRING)
        return &resource->connection.value;
    if (resource->kind == MODEL_EXTERNAL)
        return &resource->external.url;
    return resource->kind == MODEL_CONTAINER ? &resource->container.connection_string : NULL;
}

bool model_is_missing(const struct model_resource *resource)
{
    return resource->kind == MODEL_CONNECTION_STRING && resource->connection.missing;
}
