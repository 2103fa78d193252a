/* A server of the Redis family as a container: configuration text in the environment, a shell line that feeds
 * it to the server, the published port, data, and a PING as its readiness. See redis/redis.h for why it is
 * started like this. */
#include "plan/lower.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

static struct plan_text conf_text(struct lower *l, const struct model_resource *resource)
{
    struct strbuf conf = {0};
    struct text_builder b = {.arena = l->arena};
    const char *password = lower_password(l, resource);
    redis_conf_text(&resource->redis, &conf);
    if (conf.length > REDIS_CONF_LIMIT)
        lower_problem(l, &resource->pos, "shorten `config`",
                      "the configuration of \"%s\" is longer than %d bytes", resource->name,
                      REDIS_CONF_LIMIT);
    text_literal(&b, strbuf_text(&conf));
    if (password) {
        text_literal(&b, "requirepass ");
        text_secret(&b, password, PLAN_FILTER_REDIS_CONF);
        text_literal(&b, "\n");
    }
    strbuf_free(&conf);
    return text_finish(&b);
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
    if (!data->read_only || !is_old)
        return false;
    if (!run->user)
        run->user = resource->kind == MODEL_VALKEY ? "valkey" : "redis";
    return true;
}

static void add_launch(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct plan_run *run = &node->run;
    bool bypass = choose_user(l, node, resource);
    cleanup_free char *line = redis_launch_line(resource->kind, bypass);
    run->entrypoint = arena_alloc(l->arena, 2 * sizeof *run->entrypoint);
    run->entrypoint[0] = text_of(l->arena, "/bin/sh");
    run->entrypoint[1] = text_of(l->arena, "-c");
    run->entrypoint_count = 2;
    run->command = arena_alloc(l->arena, sizeof *run->command);
    run->command[0] = text_of(l->arena, line);
    run->command_count = 1;
}

static void add_port(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    const struct model_redis *redis = &resource->redis;
    struct consumer host = {.resource = resource};
    struct address address;
    lower_address(l, &host, resource, NULL, &address);
    node->run.ports = arena_alloc(l->arena, sizeof *node->run.ports);
    node->run.ports[0] = (struct plan_port){
        .endpoint = "tcp",
        .scheme = address.scheme,
        .target_port = REDIS_PORT,
        .fixed_port = redis->host_port,
        .preferred_port = redis->host_port ? 0 : lower_preferred_port(l, resource->name, NULL),
        .bind_address = redis->bind_address ? redis->bind_address : "127.0.0.1",
        .host = address.host,
        .pos = resource->pos,
    };
    node->run.port_count = 1;
}

static void add_environment(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct environment e = {0};
    struct consumer c = {.resource = resource, .in_container = true, .node = node};
    for (size_t i = 0; i < resource->environment_count; i++)
        environment_set(l, &e, resource->environment[i].name,
                        lower_text(l, &c, &resource->environment[i].value));
    environment_set(l, &e, REDIS_CONF_VARIABLE, conf_text(l, resource));
    node->run.environment = e.items;
    node->run.environment_count = e.count;
}

static void add_ping(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct text_builder b = {.arena = l->arena};
    const char *password = lower_password(l, resource);
    if (password)
        text_secret(&b, password, PLAN_FILTER_NONE);
    node->run.ready = (struct plan_probe){
        .kind = PLAN_PROBE_PING,
        .endpoint = "tcp",
        .password = text_finish(&b),
        .tls = resource->redis.tls.on,
        .interval_ms = resource->ready.interval_ms,
        .timeout_ms = resource->ready.timeout_ms,
    };
}

void lower_server(struct lower *l, const struct model_resource *resource)
{
    struct plan_node *node = lower_add_node(l, PLAN_CONTAINER, resource->name, resource->name);
    const char *image = resource->image ? resource->image : redis_default_image(resource->kind);
    lower_container_base(l, node, resource, image);
    node->is_default = true;
    node->run.init = true;
    node->run.restart.when = MODEL_RESTART_ALWAYS;
    node->run.restart.max_retries = -1;
    node->run.ephemeral = !resource->redis.data && !node->run.persistent;
    if (resource->redis.data) {
        node->run.mounts = arena_alloc(l->arena, sizeof *node->run.mounts);
        lower_mount(l, node, resource->redis.data);
    }
    add_launch(l, node, resource);
    add_port(l, node, resource);
    add_environment(l, node, resource);
    add_ping(l, node, resource);
}
