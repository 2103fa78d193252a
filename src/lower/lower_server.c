/* A server of the Redis family as a container: configuration text in the environment, a shell line that feeds
 * it to the server, the port, data, TLS, and a PING as its readiness. See redis/redis.h for why it is started
 * like this.
 *
 * On the host's network the server listens on the chosen port of loopback itself: the port is a late value of
 * its configuration then. */
#include "lower/internal.h"
#include "base/ours.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

static struct plan_text conf_text(struct lower *l, const struct consumer *self)
{
    const struct model_resource *resource = self->resource;
    struct strbuf conf = {0};
    struct text_builder b = {.arena = l->arena};
    if (resource->kind == MODEL_GARNET)
        return lower_garnet_conf(l, resource, "/data");
    struct model_redis told = lower_told(self);
    redis_conf_text(&told, &conf);
    if (conf.length > REDIS_CONF_LIMIT)
        lower_problem(l, &resource->pos, "shorten `config`",
                      "the configuration of \"%s\" is longer than %d bytes", resource->name,
                      REDIS_CONF_LIMIT);
    text_literal(&b, strbuf_text(&conf));
    lower_conf_end(l, self, &b);
    strbuf_free(&conf);
    return text_finish(&b);
}

static const char *image_user(const struct model_resource *resource)
{
    return text_pick(resource->kind == MODEL_VALKEY, "valkey", "redis");
}

/* The image's entrypoint drops root and owns /data; but on read-only data its chown ends the start before
 * Redis 8, and on a writable bind mount the files would no longer belong to the caller. Returns whether to go
 * around it. */
static bool choose_user(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    const struct model_mount *data = resource->redis.data;
    struct plan_run *run = &node->run;
    bool is_old = resource->kind != MODEL_REDIS || redis_image_major(run->image) < 8;
    const char *caller = arena_printf(l->arena, "%d:%d", l->context->uid, l->context->gid);

    if (!data)
        return false;
    if (!run->user && !data->is_volume)
        run->user = caller;
    /* Root's own folder: the entrypoint would see uid 0, give the folder to the image's user and drop root.
     */
    if (run->user == caller && l->context->uid == 0)
        return true;
    if (!data->read_only || !is_old)
        return false;
    if (!run->user)
        run->user = image_user(resource);
    return true;
}

static void add_launch(struct lower *l, const struct consumer *self)
{
    const struct model_resource *resource = self->resource;
    struct plan_node *node = self->node;
    struct plan_run *run = &node->run;
    if (resource->kind == MODEL_GARNET) {
        lower_garnet_launch(l, node, resource);
        return;
    }

    struct redis_launch how = {
        .kind = resource->kind, .tls = resource->redis.tls.on, .is_sentinel = lower_is_sentinel(self)};
    how.bypass_entrypoint = how.is_sentinel || choose_user(l, node, resource);
    if (how.is_sentinel && !run->user)
        run->user = image_user(resource);
    cleanup_free char *line = redis_launch_line(&how);
    run->entrypoint = arena_alloc(l->arena, 2 * sizeof *run->entrypoint);
    run->entrypoint[0] = text_of(l->arena, "/bin/sh");
    run->entrypoint[1] = text_of(l->arena, "-c");
    run->entrypoint_count = 2;
    run->command = arena_alloc(l->arena, sizeof *run->command);
    run->command[0] = text_of(l->arena, line);
    run->command_count = 1;
}

static void add_environment(struct lower *l, const struct consumer *self)
{
    const struct model_resource *resource = self->resource;
    struct plan_node *node = self->node;
    struct environment e = {0};
    struct consumer c = *self;
    for (size_t i = 0; i < resource->environment_count; i++)
        environment_set(l, &e, resource->environment[i].name,
                        lower_text(l, &c, &resource->environment[i].value));
    environment_set(l, &e, VARIABLE_REDIS_CONF, conf_text(l, self));

    if (resource->redis.tls.on) {
        struct text_builder cert = {.arena = l->arena}, key = {.arena = l->arena};
        text_secret(&cert, arena_printf(l->arena, "%s-tls-cert", resource->name), PLAN_FILTER_NONE);
        if (model_topology(resource))
            text_secret(&cert, arena_printf(l->arena, "%s-tls-ca", resource->name), PLAN_FILTER_NONE);
        text_secret(&key, arena_printf(l->arena, "%s-tls-key", resource->name), PLAN_FILTER_NONE);
        environment_set(l, &e, VARIABLE_TLS_CERT, text_finish(&cert));
        environment_set(l, &e, VARIABLE_TLS_KEY, text_finish(&key));
    }
    node->run.environment = e.items;
    node->run.environment_count = e.count;
}

static void add_host_network(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    if (!resource->redis.host_network)
        return;
    node->run.host_network = true;
    if (l->context->remote_engine)
        lower_problem(l, &resource->pos, "leave `network` out",
                      "`network: host` needs an engine on this machine");
}

/* Published on the loopback of another machine, nobody here could reach it. */
static void check_remote(struct lower *l, const struct model_resource *resource)
{
    const char *address = resource->redis.bind_address, *host = l->context->published_host;
    bool is_reachable = address && !str_starts(address, "127.") && strcmp(address, "::1") != 0;
    if (!l->context->remote_engine || resource->redis.host_network || is_reachable)
        return;
    lower_problem(l, &resource->pos, "set `bind_address: 0.0.0.0`, and keep the password",
                  "the engine is on %s: a port published on the loopback there cannot be reached from here",
                  text_or(host, "another machine"));
}

static void lower_instance(struct lower *l, const struct model_resource *resource, int replica)
{
    const char *name = lower_replica_name(l, resource, replica);
    struct plan_node *node = lower_add_node(l, PLAN_CONTAINER, name, name);
    const struct consumer self = {
        .resource = resource, .in_container = true, .node = node, .replica = replica};
    const char *image = text_or(resource->image, model_kind_info(resource->kind)->default_image);
    lower_container_base(l, node, resource, image);
    node->is_default = true;
    node->run.init = true;
    node->run.restart.when = MODEL_RESTART_ALWAYS;
    node->run.restart.max_retries = -1;
    node->run.ephemeral = !resource->redis.data && !node->run.persistent;
    lower_topology(l, &self);

    if (resource->redis.data && !lower_is_sentinel(&self)) {
        node->run.mounts = arena_alloc(l->arena, sizeof *node->run.mounts);
        lower_mount(l, node, resource->redis.data);
    }
    add_host_network(l, node, resource);
    check_remote(l, resource);
    add_launch(l, &self);
    lower_server_port(l, &self);
    add_environment(l, &self);
    lower_server_ping(l, node, resource);
    lower_users(l, &self);
}

void lower_server(struct lower *l, const struct model_resource *resource)
{
    int first = lower_first_replica(resource);
    for (int i = first; i < first + lower_node_count(resource); i++) {
        if (l->native)
            lower_native_server(l, resource, i);
        else
            lower_instance(l, resource, i);
    }
}
