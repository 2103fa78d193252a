/* Addresses and passwords: where a consumer reaches a resource, and under which name the secret is kept.
 *
 * From the host: the published address. From a container: the alias on the project's network, or the host's
 * gateway for a process. Needing the network is noted for both ends. */
#include "lower/internal.h"
#include "base/digest.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FIRST_PORT = 20000, PORT_COUNT = 12768 };

int lower_preferred_port(struct lower *l, const char *resource, const char *endpoint)
{
    cleanup_free char *key =
        xasprintf("%s/%s%s%s", l->plan->prefix, resource, text_if(endpoint, "/"), text_or_empty(endpoint));
    return FIRST_PORT + (int)(digest_fnv1a(key) % PORT_COUNT);
}

static const struct model_endpoint *find_endpoint(const struct model_resource *target, const char *name)
{
    for (size_t i = 0; i < target->endpoint_count; i++)
        if (!name || strcmp(target->endpoints[i].name, name) == 0)
            return &target->endpoints[i];
    return NULL;
}

const char *lower_published_host(const struct lower *l)
{
    if (l->native)
        return PLAN_LIKELY_HOST;
    return l->context->published_host;
}

/* What a client on this machine writes for an address that a port is published on. */
static const char *published_host(struct lower *l, const char *bind_address)
{
    const char *host = lower_published_host(l);
    if (!bind_address || l->context->remote_engine || strcmp(bind_address, "0.0.0.0") == 0 ||
        strcmp(bind_address, "::") == 0)
        return host;
    if (strcmp(bind_address, "127.0.0.1") == 0)
        return host;
    if (strchr(bind_address, ':'))
        return arena_printf(l->arena, "[%s]", bind_address);
    return bind_address;
}

static void server_address(struct lower *l, struct consumer *c, const struct model_resource *target,
                           struct address *address)
{
    address->scheme = "redis";
    if (target->redis.tls.on)
        address->scheme = "rediss";
    address->endpoint = "tcp";
    if (model_topology(target)) {
        lower_topology_address(l, c, target, address);
        return;
    }
    if (c->in_container && target->redis.host_network && c->resource != target)
        lower_problem(l, &c->resource->pos, "take `network: host` away from that server",
                      "\"%s\" listens on this machine's loopback only: a container cannot reach it",
                      target->name);
    if (c->in_container) {
        address->host = target->name;
        address->port = REDIS_PORT;
        lower_join_network(l, target);
        if (!c->is_sidecar)
            lower_join_network(l, c->resource);
        return;
    }

    /* On the host's network nothing is published: it listens where the engine is. */
    bool is_bound = target->redis.host_network && !l->context->remote_engine;
    if (is_bound)
        address->host = PLAN_LIKELY_HOST;
    else
        address->host = published_host(l, target->redis.bind_address);
    address->port = target->redis.host_port;
}

static void container_address(struct lower *l, struct consumer *c, const struct model_resource *target,
                              const struct model_endpoint *endpoint, struct address *address)
{
    if (!c->in_container) {
        address->host = published_host(l, NULL);
        address->port = endpoint->port;
        return;
    }
    address->host = target->name;
    address->port = endpoint->target_port;
    lower_join_network(l, target);
    if (!c->is_sidecar)
        lower_join_network(l, c->resource);
}

static void process_address(struct lower *l, struct consumer *c, const struct model_endpoint *endpoint,
                            struct address *address)
{
    (void)l;
    address->host = PLAN_LIKELY_HOST;
    if (c->in_container)
        address->host = PLAN_PROCESS_HOST;
    address->port = endpoint->port;
    c->needs_gateway |= c->in_container;
}

/* The one that was asked for; one's own, when a replica speaks of itself; else the first. */
static const char *node_meant(struct lower *l, const struct consumer *c, const struct model_resource *target)
{
    if (c->target_replica)
        return lower_replica_id(l, target, c->target_replica);
    if (c->replica && c->resource == target)
        return lower_replica_id(l, target, c->replica);
    return lower_node_id(l, target);
}

bool lower_address(struct lower *l, struct consumer *c, const struct model_resource *target, const char *name,
                   struct address *address)
{
    *address = (struct address){.node = node_meant(l, c, target)};
    if (model_is_server(target->kind)) {
        server_address(l, c, target, address);
        return true;
    }
    const struct model_endpoint *endpoint = find_endpoint(target, name);
    if (!endpoint || !model_has_endpoints(target->kind))
        return false;
    address->endpoint = endpoint->name;
    address->scheme = text_or(endpoint->scheme, "tcp");
    if (target->kind == MODEL_CONTAINER)
        container_address(l, c, target, endpoint, address);
    else
        process_address(l, c, endpoint, address);
    return true;
}

const char *lower_password(struct lower *l, const struct model_resource *resource)
{
    if (resource->kind == MODEL_CONNECTION_STRING) {
        struct connection_parts parts;
        bool has = lower_parse_connection(l, resource, &parts) && parts.password;
        if (has)
            return arena_printf(l->arena, "%s-password", resource->name);
        return NULL;
    }
    if (!model_is_server(resource->kind))
        return NULL;
    switch (resource->redis.password_kind) {
    case MODEL_PASSWORD_NONE:
        return NULL;
    case MODEL_PASSWORD_PARAMETER:
        return arena_printf(l->arena, "parameters.%s", resource->redis.password);
    default:
        return arena_printf(l->arena, "%s-password", resource->name);
    }
}

const char *lower_user_password(struct lower *l, const struct model_resource *server, const char *name)
{
    const struct model_user *user = NULL;
    if (name)
        user = model_find_user(server, name);
    if (!user)
        return lower_password(l, server);
    if (user->password_kind == MODEL_PASSWORD_NONE)
        return NULL;
    if (user->password_kind == MODEL_PASSWORD_PARAMETER)
        return arena_printf(l->arena, "parameters.%s", user->password);
    return arena_printf(l->arena, "%s.users.%s", server->name, user->name);
}

/* The text of a connection string without references, or NULL. */
static const char *literal_connection(const struct model_resource *resource)
{
    const struct model_text *value = &resource->connection.value;
    bool is_literal = resource->kind == MODEL_CONNECTION_STRING && value->count == 1;
    if (is_literal)
        return value->parts[0].literal;
    return NULL;
}

static const char *copy_text(struct lower *l, const char *text)
{
    if (text)
        return arena_strdup(l->arena, text);
    return NULL;
}

/* A URI that names no user was written so by somebody who knows the server. */
static const char *implied_user(const struct redis_target *target, const char *text)
{
    bool is_uri = strstr(text, "://") != NULL;
    if (target->password && !is_uri)
        return redis_default_user(MODEL_REDIS, NULL);
    return NULL;
}

bool lower_parse_connection(struct lower *l, const struct model_resource *resource,
                            struct connection_parts *parts)
{
    struct redis_target target;
    const char *text = literal_connection(resource);
    *parts = (struct connection_parts){0};
    if (!text || !redis_target_parse(&target, text))
        return false;

    const char *host = copy_text(l, target.host);
    if (host && strchr(host, ':'))
        host = arena_printf(l->arena, "[%s]", host);
    *parts = (struct connection_parts){
        .host = host,
        .unix_path = copy_text(l, target.unix_path),
        .user = copy_text(l, text_or(target.user, implied_user(&target, text))),
        .password = copy_text(l, target.password),
        .port = target.port,
        .database = target.database,
        .tls = target.tls,
    };
    redis_target_fini(&target);
    return true;
}

const char *lower_connection_secret(struct lower *l, const struct model_resource *resource)
{
    struct connection_parts parts;
    const char *text = literal_connection(resource);
    if (!text)
        return NULL;
    bool is_known = lower_parse_connection(l, resource, &parts);
    if (is_known && !parts.password && !strcasestr(text, "password="))
        return NULL;
    return arena_printf(l->arena, "%s-connection-string", resource->name);
}
