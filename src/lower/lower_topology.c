/* Nodes of a topology: what they are told besides, and where they are reached.
 *
 * Every node announces one address that its fellows, the host and containers reach alike: it is published on
 * the gateway of the project's network, at the port that it has inside. With the native engine that is
 * loopback; with an engine on another machine, that machine. Who is primary stands in no configuration: nodes
 * start alone and are formed while they run (room topology/), so that one that comes back after a failover
 * is not made primary again.
 *
 * Where nobody of ours is (`publish`, `deploy`), nodes have names and the usual port; the first is the
 * primary, and the others are told so by their configuration. */
#include "lower/internal.h"
#include "base/digest.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { FIRST_CLUSTER = 7, FIRST_SENTINEL = 6, ID_LENGTH = 40 };

bool lower_is_sentinel(const struct consumer *self)
{
    const struct model_topology *topology = model_topology(self->resource);
    return topology && self->replica > model_data_nodes(topology);
}

bool lower_is_by_name(const struct lower *l, const struct model_resource *resource)
{
    return model_topology(resource) && l->context->nodes != PLAN_NODES_PUBLISHED;
}

static const char *inner_name(struct lower *l, const struct model_resource *resource, int replica)
{
    if (l->context->nodes == PLAN_NODES_OF_SET)
        return arena_printf(l->arena, "%s-%d.%s-headless", resource->name, replica - 1, resource->name);
    return lower_replica_name(l, resource, replica);
}

bool lower_is_at_gateway(const struct lower *l, const struct model_resource *resource)
{
    const char *address = resource->redis.bind_address;
    bool is_local = !l->native && !l->context->remote_engine && model_topology(resource);
    if (lower_is_by_name(l, resource))
        return false;
    return is_local && (!address || !strcmp(address, PLAN_LIKELY_HOST));
}

/* NULL: the gateway. What is published at all addresses is reached there, too; at a single one only there. */
static const char *own_address(const struct lower *l, const struct model_resource *resource)
{
    const char *address = resource->redis.bind_address;
    if (l->native || l->context->remote_engine)
        return lower_published_host(l);
    if (lower_is_at_gateway(l, resource) || !strcmp(address, "0.0.0.0") || !strcmp(address, "::"))
        return NULL;
    return address;
}

bool lower_is_reached_at_gateway(const struct lower *l, const struct model_resource *resource)
{
    return model_topology(resource) && !lower_is_by_name(l, resource) && !own_address(l, resource);
}

void lower_topology_address(struct lower *l, struct consumer *c, const struct model_resource *target,
                            struct address *address)
{
    const struct model_redis *redis = &target->redis;
    int replica = 1;
    if (c->target_replica)
        replica = c->target_replica;
    else if (c->replica && c->resource == target)
        replica = c->replica;

    address->node = lower_replica_id(l, target, replica);
    if (lower_is_by_name(l, target)) {
        address->host = inner_name(l, target, replica);
        address->port = REDIS_PORT;
        return;
    }
    address->host = own_address(l, target);
    address->at_gateway = !address->host;
    if (redis->host_port)
        address->port = redis->host_port + replica - 1;
    if (c->in_container && !c->is_sidecar && !l->native)
        lower_join_network(l, c->resource);
}

struct range {
    int first, last;
};
static void add_addresses(struct lower *l, struct consumer c, const struct model_resource *target,
                          struct range nodes, struct text_builder *out)
{
    struct address address;
    for (int i = nodes.first; i <= nodes.last; i++) {
        c.target_replica = i;
        lower_address(l, &c, target, NULL, &address);
        if (i > nodes.first)
            text_literal(out, ",");
        text_address(out, &address);
    }
}

void lower_topology_nodes(struct lower *l, struct consumer *c, const struct model_resource *target,
                          struct text_builder *out)
{
    const struct model_topology *topology = model_topology(target);
    struct range nodes = {c->target_replica, c->target_replica};
    if (topology && !c->target_replica)
        nodes = (struct range){1, model_data_nodes(topology)};
    add_addresses(l, *c, target, nodes, out);
}

bool lower_topology_sentinels(struct lower *l, struct consumer *c, const struct model_resource *target,
                              struct text_builder *out)
{
    const struct model_topology *topology = model_topology(target);
    if (!topology || !topology->sentinels)
        return false;
    const struct range nodes = {model_data_nodes(topology) + 1, model_replica_count(target)};
    add_addresses(l, *c, target, nodes, out);
    return true;
}

bool lower_topology_sentinel_name(const struct model_resource *target, struct text_builder *out)
{
    const struct model_topology *topology = model_topology(target);
    if (!topology || !topology->sentinels)
        return false;
    text_literal(out, topology->primary_name);
    return true;
}

void lower_topology_string(struct lower *l, struct consumer *c, const struct model_resource *target,
                           struct text_builder *out)
{
    if (c->target_replica || !lower_topology_sentinels(l, c, target, out)) {
        lower_topology_nodes(l, c, target, out);
        return;
    }
    text_literal(out, ",serviceName=");
    lower_topology_sentinel_name(target, out);
}

static void add_secret_line(struct lower *l, const struct consumer *self, const char *directive,
                            struct text_builder *b)
{
    const char *password = lower_password(l, self->resource);
    if (!password)
        return;
    text_literal(b, directive);
    text_literal(b, " ");
    text_secret(b, password, PLAN_FILTER_REDIS_CONF);
    text_literal(b, "\n");
}

/* Unless the manifest says otherwise. */
static void add_default(const struct consumer *self, const char *directive, const char *value,
                        struct text_builder *b)
{
    const struct model_redis *redis = &self->resource->redis;
    for (size_t i = 0; i < redis->config_count; i++)
        if (strcasecmp(redis->config[i].name, directive) == 0)
            return;
    cleanup_free char *line = xasprintf("%s %s\n", directive, value);
    text_literal(b, line);
}

/* Nodes talk to each other as they are talked to. In a container the authority stands behind the certificate
 * that it has signed. */
static void add_tls_lines(struct lower *l, const struct consumer *self, struct text_builder *b)
{
    const char *authority = REDIS_TLS_CERT_FILE;
    if (!self->resource->redis.tls.on)
        return;
    if (l->native)
        authority = lower_conf_quote(l, text_or_empty(lower_ca_file(l, self->resource)));
    text_literal(b, "tls-replication yes\ntls-ca-cert-file ");
    text_literal(b, authority);
    text_literal(b, "\n");
    if (model_topology(self->resource)->kind == MODEL_TOPOLOGY_CLUSTER)
        text_literal(b, "tls-cluster yes\n");
}

/* The bus has a port of its own choice: the usual one, 10000 higher, may be anybody's. */
static void add_cluster_lines(const struct lower *l, const struct consumer *self,
                              const struct address *address, struct text_builder *b)
{
    text_literal(b, "cluster-enabled yes\ncluster-config-file nodes.conf\n");
    if (!self->resource->redis.data && !l->native)
        text_literal(b, "dir /data\n");
    text_literal(b, "cluster-port ");
    text_port(b, self->node->id, "bus");
    text_literal(b, "\ncluster-announce-ip ");
    text_address_host(b, address);
    text_literal(b, "\n");
    /* The server's own 15 s are made for networks that stutter. */
    add_default(self, "cluster-node-timeout", "5000", b);
}

/* It starts without knowing anybody. What it is called stays the same, so that the others know it again; and
 * one that is to watch otherwise is made anew. */
static void add_sentinel_lines(const struct lower *l, const struct consumer *self,
                               const struct address *address, struct text_builder *b)
{
    const struct model_topology *topology = model_topology(self->resource);
    char id[65];
    cleanup_free char *what = xasprintf("%s/%s", l->plan->prefix, self->node->name);
    digest_sha256(what, strlen(what), id);
    cleanup_free char *lines =
        xasprintf("# %d of %d for %s\nsentinel myid %.*s\nsentinel announce-ip ", topology->quorum,
                  topology->sentinels, topology->primary_name, ID_LENGTH, id);
    text_literal(b, lines);
    text_address_host(b, address);
    text_literal(b, "\n");
    if (l->context->remote_engine) /* which may have a name */
        text_literal(b, "sentinel resolve-hostnames yes\nsentinel announce-hostnames yes\n");
}

/* Whose data it gets stands there, under a name that stays. */
static void add_primary_line(struct lower *l, const struct consumer *self, struct text_builder *b)
{
    if (self->replica <= 1)
        return;
    cleanup_free char *line = xasprintf("replicaof %s %d\n", inner_name(l, self->resource, 1), REDIS_PORT);
    text_literal(b, line);
}

void lower_topology_conf(struct lower *l, const struct consumer *self, struct text_builder *b)
{
    struct consumer own = *self;
    struct address address;
    if (!model_topology(self->resource))
        return;

    lower_address(l, &own, self->resource, NULL, &address);
    add_tls_lines(l, self, b);
    if (lower_is_sentinel(self)) {
        add_sentinel_lines(l, self, &address, b);
        return;
    }
    if (lower_is_by_name(l, self->resource)) {
        add_primary_line(l, self, b);
    } else {
        text_literal(b, "replica-announce-ip ");
        text_address_host(b, &address);
        text_literal(b, "\n");
    }
    add_secret_line(l, self, "masterauth", b);
    /* For more replicas at once: ours come at once. */
    add_default(self, "repl-diskless-sync-delay", "0", b);
    if (model_topology(self->resource)->kind == MODEL_TOPOLOGY_CLUSTER)
        add_cluster_lines(l, self, &address, b);
}

/* Slots that are added as ranges, and a bus whose port can be chosen; sentinels that say who they are. */
static void check_version(struct lower *l, const struct model_resource *resource)
{
    static const struct {
        int first;
        const char *said;
    } needs[MODEL_TOPOLOGY_COUNT] = {/* not all: the others need none */
                                     [MODEL_TOPOLOGY_CLUSTER] = {FIRST_CLUSTER, "7"},
                                     [MODEL_TOPOLOGY_SENTINEL] = {FIRST_SENTINEL, "6.2"}};
    const struct model_topology *topology = model_topology(resource);
    int major = 0;
    if (resource->kind == MODEL_REDIS && resource->image && !l->native)
        major = redis_image_major(resource->image);
    if (major && major < needs[topology->kind].first)
        lower_problem(l, &topology->pos, "use a newer image", "\"%s\" is too old: `%s` needs Redis %s",
                      resource->image, names_text(&model_topology_names, topology->kind),
                      needs[topology->kind].said);
}

/* Members of a cluster tell each other addresses; a name is none to them. */
static void check_address(struct lower *l, const struct model_resource *resource)
{
    const struct model_topology *topology = model_topology(resource);
    const char *host = own_address(l, resource);
    unsigned char binary[sizeof(struct in6_addr)];
    if (topology->kind != MODEL_TOPOLOGY_CLUSTER || !host || inet_pton(AF_INET, host, binary) == 1 ||
        inet_pton(AF_INET6, host, binary) == 1)
        return;
    lower_problem(l, &topology->pos, "name the engine by its address: tcp://ADDRESS:PORT, ssh://USER@ADDRESS",
                  "the engine is on %s: nodes of a cluster announce addresses, and take no names", host);
}

void lower_topology_ports(struct lower *l, const struct consumer *self)
{
    const struct model_topology *topology = model_topology(self->resource);
    struct plan_run *run = &self->node->run;
    if (!topology || topology->kind != MODEL_TOPOLOGY_CLUSTER)
        return;
    run->ports[run->port_count] = run->ports[0];
    struct plan_port *bus = &run->ports[run->port_count++];
    bus->endpoint = "bus";
    bus->scheme = "tcp";
    bus->fixed_port = 0;
    bus->preferred_port = lower_preferred_port(l, self->node->name, "bus");
}

void lower_topology(struct lower *l, const struct consumer *self)
{
    const struct model_topology *topology = model_topology(self->resource);
    struct plan_run *run = &self->node->run;
    if (!topology)
        return;

    check_version(l, self->resource);
    check_address(l, self->resource);
    run->replica_of = self->resource->name;
    run->topology = (struct plan_topology){topology->kind,      topology->shards, topology->replicas,
                                           topology->sentinels, topology->quorum, topology->primary_name};
    run->ephemeral |= lower_is_sentinel(self) && !run->persistent;
    if (!l->native)
        lower_join_network(l, self->resource);
}
