/* Several servers that are one: `replication`, `cluster`, `sentinel`. How many there are, and what of a
 * server's other fields does not go with it.
 *
 * A topology is a property of the whole resource: its nodes are NAME-1, NAME-2, … and share all other fields.
 * What nodes cannot share (a folder, a volume that exists already) is refused at its position, and so is what
 * apphost itself tells them. */
#include "manifest/tables.h"

#include <string.h>
#include <strings.h>

enum {
    MOST_NODES = 100,
    MOST_SHARDS = 16384,
    MOST_SENTINELS = 9,
    DEFAULT_SHARDS = 3,
    DEFAULT_REPLICAS = 2,
    DEFAULT_SENTINELS = 3,
    LAST_PORT = 65535
};

static struct model_topology *topology_of(void *object)
{
    return &((struct model_resource *)object)->redis.topology;
}

/* A server is one of them at most. */
static int claim(struct loader *l, const struct yaml_node *value, struct model_topology *topology,
                 enum model_topology_kind kind)
{
    if (topology->kind) {
        manifest_problem(l, value, "a server is a `%s` or a `%s`, not both",
                         names_text(&model_topology_names, topology->kind),
                         names_text(&model_topology_names, kind));
        manifest_hint(l, "see line %d", topology->pos.line);
        return -1;
    }
    topology->kind = kind;
    topology->pos = value->pos;
    return 0;
}

/* `true`, `false` or a table: 1 when the server is to be one, 0 when not, -1. */
static int wants(struct loader *l, const struct field *field, const struct yaml_node *value,
                 struct model_topology *topology, enum model_topology_kind kind)
{
    bool is_wanted = true;
    if (value->kind != NODE_MAP && manifest_read_bool_value(l, field, value, &is_wanted) < 0)
        return -1;
    if (!is_wanted)
        return 0;
    if (claim(l, value, topology, kind) < 0)
        return -1;
    return 1;
}

/* Where it is written as more than "true". */
static int read_members(struct loader *l, struct yaml_node *value, const struct table *table,
                        struct model_topology *topology)
{
    if (value->kind != NODE_MAP)
        return 0;
    return manifest_read_table(l, table, value, topology);
}

/* ---- replication ---- */

static const struct field replication_fields[] = {
    {.name = "replicas",
     VALUE(shape_number, struct model_topology, replicas),
     .min = 1,
     .max = MOST_NODES - 1,
     .help = "How many replicas the primary has. Required."},
};
static const struct table table_replication = {.name = "replication",
                                               .help = "`replication`",
                                               .fields = replication_fields,
                                               .count = FIELD_COUNT(replication_fields)};

static int read_replication(struct loader *l, const struct field *field, struct yaml_node *value,
                            void *object)
{
    struct model_topology *topology = topology_of(object);
    (void)field;
    if (claim(l, value, topology, MODEL_TOPOLOGY_REPLICATION) < 0)
        return -1;
    topology->shards = 1;
    if (manifest_read_table(l, &table_replication, value, topology) < 0)
        return -1;
    if (!topology->replicas && !manifest_get(value, "replicas"))
        return manifest_problem(l, value, "`replication` needs `replicas`, how many there are");
    return 0;
}

/* ---- cluster ---- */

static const struct field cluster_fields[] = {
    {.name = "shards",
     VALUE(shape_number, struct model_topology, shards),
     .min = 1,
     .max = MOST_SHARDS,
     .fallback = "3",
     .help = "How many primaries the slots are spread over."},
    {.name = "replicas",
     VALUE(shape_number, struct model_topology, replicas),
     .min = 0,
     .max = MOST_NODES - 1,
     .fallback = "0",
     .help = "How many replicas each of them has."},
};
static const struct table table_cluster = {
    .name = "cluster", .help = "`cluster`", .fields = cluster_fields, .count = FIELD_COUNT(cluster_fields)};

static int read_cluster(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_topology *topology = topology_of(object);
    int wanted = wants(l, field, value, topology, MODEL_TOPOLOGY_CLUSTER);
    if (wanted <= 0)
        return wanted;

    topology->shards = DEFAULT_SHARDS;
    if (read_members(l, value, &table_cluster, topology) < 0)
        return -1;
    int64_t nodes = (int64_t)topology->shards * (1 + topology->replicas);
    if (nodes <= MOST_NODES)
        return 0;
    topology->shards = DEFAULT_SHARDS;
    topology->replicas = 0;
    return manifest_problem(l, value, "a cluster of %lld nodes: at most %d can be had here", (long long)nodes,
                            MOST_NODES);
}

/* ---- sentinel ---- */

static const struct field sentinel_fields[] = {
    {.name = "replicas",
     VALUE(shape_number, struct model_topology, replicas),
     .min = 1,
     .max = MOST_NODES - 1,
     .fallback = "2",
     .help = "How many replicas the primary has."},
    {.name = "sentinels",
     VALUE(shape_number, struct model_topology, sentinels),
     .min = 1,
     .max = MOST_SENTINELS,
     .fallback = "3",
     .help = "How many sentinels watch it. A failover needs more than half of them."},
    {.name = "quorum",
     VALUE(shape_number, struct model_topology, quorum),
     .min = 1,
     .max = MOST_SENTINELS,
     .fallback = "more than half of them",
     .help = "How many of them have to miss the primary before it counts as failed."},
    {.name = "primary_name",
     VALUE(shape_text, struct model_topology, primary_name),
     .fallback = "mymaster",
     .help = "What they call the primary."},
};
static const struct table table_sentinel = {.name = "sentinel",
                                            .help = "`sentinel`",
                                            .fields = sentinel_fields,
                                            .count = FIELD_COUNT(sentinel_fields)};

static int check_sentinels(struct loader *l, struct yaml_node *value, struct model_topology *topology)
{
    if (!topology->quorum)
        topology->quorum = topology->sentinels / 2 + 1;
    if (topology->quorum > topology->sentinels)
        return manifest_problem(l, manifest_get(value, "quorum"), "a `quorum` of %d: there are %d sentinels",
                                topology->quorum, topology->sentinels);
    const struct yaml_node *name = manifest_get(value, "primary_name");
    if (!name)
        return 0;
    return manifest_check_name(l, name, "primary", topology->primary_name);
}

static int read_sentinel(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    struct model_topology *topology = topology_of(object);
    int wanted = wants(l, field, value, topology, MODEL_TOPOLOGY_SENTINEL);
    if (wanted <= 0)
        return wanted;

    topology->shards = 1;
    topology->replicas = DEFAULT_REPLICAS;
    topology->sentinels = DEFAULT_SENTINELS;
    topology->primary_name = "mymaster";
    if (read_members(l, value, &table_sentinel, topology) < 0)
        return -1;
    return check_sentinels(l, value, topology);
}

/* ---- what does not go with it ---- */

/* What apphost tells the nodes of a topology. */
static const char *const told[] = {
    "cluster-enabled",   "cluster-config-file", "cluster-port",
    "sentinel",          "replicaof",           "slaveof",
    "masterauth",        "masteruser",          "primaryauth",
    "primaryuser",       "replica-announce-ip", "replica-announce-port",
    "slave-announce-ip", "slave-announce-port", "replica-read-only",
    "slave-read-only",
};

static bool is_told(const char *directive)
{
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        if (strcasecmp(directive, told[i]) == 0)
            return true;
    return strncasecmp(directive, "cluster-announce-", strlen("cluster-announce-")) == 0;
}

static void check_directives(struct loader *l, const struct model_redis *redis)
{
    for (size_t i = 0; i < redis->config_count; i++)
        if (is_told(redis->config[i].name))
            manifest_problem_at(l, redis->config[i].pos, 1, "the directive `%s` belongs to apphost in a `%s`",
                                redis->config[i].name,
                                names_text(&model_topology_names, redis->topology.kind));
}

/* One that counts from zero is all that there is. */
static void check_databases(struct loader *l, const struct model_redis *redis)
{
    if (redis->topology.kind != MODEL_TOPOLOGY_CLUSTER)
        return;
    for (size_t i = 0; i < redis->config_count; i++)
        if (strcasecmp(redis->config[i].name, "databases") == 0)
            manifest_problem_at(l, redis->config[i].pos, 1,
                                "the directive `databases` does not go with a `cluster`: it has one");
}

static void check_data(struct loader *l, const struct yaml_node *map, const struct model_resource *resource)
{
    const struct model_mount *data = resource->redis.data;
    if (!data)
        return;
    const struct yaml_node *at = manifest_get(map, "data_volume");
    if (!data->is_volume) {
        manifest_problem(l, manifest_get(map, "data_bind_mount"), "the nodes of `%s` cannot share one folder",
                         resource->name);
        manifest_hint(l, "use `data_volume: true`: each of them has its own then");
    } else if (data->external) {
        manifest_problem(l, at, "the nodes of `%s` cannot share one volume", resource->name);
        manifest_hint(l, "leave `external` out: each of them has its own then");
    } else if (data->read_only) {
        manifest_problem(l, at, "the nodes of `%s` have to write what they are told", resource->name);
    }
}

static void check_ports(struct loader *l, const struct yaml_node *map, const struct model_resource *resource)
{
    int first = resource->redis.host_port, count = model_replica_count(resource);
    if (first && first + count - 1 > LAST_PORT)
        manifest_problem(l, manifest_get(map, "host_port"),
                         "the %d nodes of `%s` have the ports from %d on: there are not as many", count,
                         resource->name, first);
}

void manifest_finish_topology(struct loader *l, struct yaml_node *map, const struct model_resource *resource)
{
    const struct model_topology *topology = model_topology(resource);
    if (!topology)
        return;
    const char *kind = names_text(&model_topology_names, topology->kind);

    if (resource->kind == MODEL_GARNET)
        manifest_problem_at(l, topology->pos, 1, "garnet has no `%s` here", kind);
    if (resource->redis.host_network)
        manifest_problem(l, manifest_get(map, "network"),
                         "`network: host` does not go with `%s`: its nodes have addresses of their own",
                         kind);
    if (resource->redis.tls.cert) {
        manifest_problem(l, manifest_get(map, "tls"),
                         "a certificate of your own does not go with `%s`: it cannot name addresses that are "
                         "chosen late",
                         kind);
        manifest_hint(l, "`tls: true` makes one that does");
    }
    check_data(l, map, resource);
    check_ports(l, map, resource);
    check_directives(l, &resource->redis);
    check_databases(l, &resource->redis);
}

const struct shape shape_cluster = {.words = "true, or {shards, replicas}",
                                    .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                    .read = read_cluster,
                                    .table = &table_cluster};
const struct shape shape_sentinel = {.words = "true, or {replicas, sentinels, quorum, primary_name}",
                                     .accept = ACCEPT_BOOL | ACCEPT_TABLE,
                                     .read = read_sentinel,
                                     .table = &table_sentinel};
const struct shape shape_replication = {
    .words = "{replicas}", .accept = ACCEPT_TABLE, .read = read_replication, .table = &table_replication};
