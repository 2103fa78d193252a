/* How a server of the Redis family is reached, in a container and on the native engine alike: the lines about
 * port and password that close its configuration, the port that it has on this machine, and the PING that
 * finds it ready. */
#include "lower/internal.h"
#include "base/pick.h"
#include "redis/redis.h"

/* Inside it has the number that it has outside. */
static bool has_own_port(const struct lower *l, const struct model_resource *resource)
{
    bool is_node = model_topology(resource) && !lower_is_by_name(l, resource);
    return resource->redis.host_network || l->native || is_node;
}

/* Of nodes of a topology: one after the other. */
static int fixed_port(const struct consumer *self)
{
    int first = self->resource->redis.host_port;
    if (first && self->replica)
        return first + self->replica - 1;
    return first;
}

static void add_port_lines(struct lower *l, const struct consumer *self, struct text_builder *b)
{
    const struct model_redis *redis = &self->resource->redis;
    text_literal(b, text_pick(redis->tls.on, "port 0\ntls-port ", "port "));
    if (!has_own_port(l, self->resource))
        text_number(b, REDIS_PORT);
    else if (redis->host_port)
        text_number(b, fixed_port(self));
    else
        text_port(b, self->node->id, "tcp");
    text_literal(b, "\n");
}

void lower_conf_end(struct lower *l, const struct consumer *self, struct text_builder *b)
{
    const char *password = lower_password(l, self->resource);
    add_port_lines(l, self, b);
    lower_topology_conf(l, self, b);
    if (!password)
        return;
    text_literal(b, "requirepass ");
    text_secret(b, password, PLAN_FILTER_REDIS_CONF);
    text_literal(b, "\n");
}

/* NULL: the gateway. */
static const char *bind_address(const struct lower *l, const struct model_resource *resource)
{
    if (lower_is_at_gateway(l, resource))
        return NULL;
    if (resource->redis.bind_address)
        return resource->redis.bind_address;
    return PLAN_LIKELY_HOST;
}

void lower_server_port(struct lower *l, const struct consumer *self)
{
    const struct model_resource *resource = self->resource;
    struct plan_node *node = self->node;
    struct consumer host = {.resource = resource, .target_replica = self->replica};
    struct address address;
    lower_address(l, &host, resource, NULL, &address);
    struct plan_port port = {
        .endpoint = "tcp",
        .scheme = address.scheme,
        .fixed_port = fixed_port(self),
        .bind_address = bind_address(l, resource),
        .host = address.host,
        .at_gateway = address.at_gateway,
        .pos = resource->pos,
    };

    if (!has_own_port(l, resource))
        port.target_port = REDIS_PORT;
    if (!port.fixed_port)
        port.preferred_port = lower_preferred_port(l, node->name, NULL);
    node->run.ports = arena_alloc(l->arena, 2 * sizeof *node->run.ports);
    node->run.ports[0] = port;
    node->run.port_count = 1;
    lower_topology_ports(l, self);
}

void lower_server_ping(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct text_builder b = {.arena = l->arena};
    const char *password = lower_password(l, resource);
    if (password)
        text_secret(&b, password, PLAN_FILTER_NONE);
    bool is_first = !node->run.replica_of || str_eq(node->id, lower_node_id(l, resource));

    if (redis_is_persistent(&resource->redis))
        node->run.save_command = redis_save_command(resource->kind);
    node->run.seed = resource->redis.seed;
    if (is_first) /* the others get it from there */
        node->run.seed_count = resource->redis.seed_count;
    node->run.ready = (struct plan_probe){
        .kind = PLAN_PROBE_PING,
        .endpoint = "tcp",
        .password = text_finish(&b),
        .interval_ms = resource->ready.interval_ms,
        .timeout_ms = resource->ready.timeout_ms,
    };
    if (!resource->redis.tls.on)
        return;
    node->run.ready.tls = true;
    node->run.ready.ca_file = lower_ca_file(l, resource);
    node->run.ready.tls_name = node->run.ports[0].host;
}

struct model_redis lower_told(const struct consumer *self)
{
    const struct model_redis *redis = &self->resource->redis;
    if (lower_is_sentinel(self))
        return (struct model_redis){.tls = redis->tls, .bind_address = redis->bind_address};
    return *redis;
}

/* A sentinel has no keys: whoever is known to the servers may ask it who is primary, and hear of another one.
 */
static const char sentinel_acl[] =
    "&* +@connection +subscribe +psubscribe +unsubscribe +punsubscribe +info +role "
    "+sentinel|get-master-addr-by-name +sentinel|masters +sentinel|master "
    "+sentinel|replicas +sentinel|slaves +sentinel|sentinels";

void lower_users(struct lower *l, const struct consumer *self)
{
    const struct model_resource *resource = self->resource;
    const struct model_redis *redis = &resource->redis;
    struct plan_node *node = self->node;
    bool has_none = !l->native && redis->user_count && !redis_default_user(resource->kind, resource->image);
    if (has_none)
        lower_problem(l, &redis->users[0].pos, "use a newer image",
                      "\"%s\" knows no users: they came with Redis 6", resource->image);

    node->run.users = arena_alloc(l->arena, (redis->user_count + 1) * sizeof *node->run.users);
    for (size_t i = 0; i < redis->user_count; i++) {
        const struct model_user *user = &redis->users[i];
        const char *secret = lower_user_password(l, resource, user->name);
        struct text_builder password = {.arena = l->arena};
        if (secret)
            text_secret(&password, secret, PLAN_FILTER_NONE);
        node->run.users[node->run.user_count++] = (struct plan_user){
            .name = user->name, .password = text_finish(&password), .acl = user->acl, .pos = user->acl_pos};
        if (lower_is_sentinel(self))
            node->run.users[i].acl = sentinel_acl;
    }
}
