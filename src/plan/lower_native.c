/* The native engine: a server of the family as a process of this machine, fed the same configuration on
 * standard input.
 *
 * It is a lowering and nothing more: the node is a process, its volumes are folders of the project's state,
 * bind mounts the folder itself, and its port is on loopback. What needs containers is refused at its
 * position, or left out where it is optional. */
#include "plan/lower.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

bool lower_native_refuses(struct lower *l, const struct model_resource *resource)
{
    if (!l->native || resource->kind == MODEL_PROCESS || resource->kind == MODEL_CONNECTION_STRING)
        return false;
    if (resource->kind == MODEL_CONTAINER && !resource->optional)
        lower_problem(l, &resource->pos, "mark it `optional: true` to leave it out there",
                      "\"%s\" is a container: the native engine has none", resource->name);
    return resource->kind == MODEL_CONTAINER;
}

/* The folder that the server works in: its data, or the project's state when nothing is to be kept. */
static const char *data_folder(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    const struct model_mount *data = resource->redis.data;
    if (!data)
        return l->context->state_folder;
    if (!data->is_volume)
        return data->source;
    const char *name = data->source ? data->source : arena_printf(l->arena, "%s-data", resource->name);
    const char *path =
        data->external ? name : arena_printf(l->arena, "%s/volumes/%s", l->context->state_folder, name);
    if (data->external && name[0] != '/') {
        lower_problem(l, &data->pos, "use `data_bind_mount`", "the native engine has no external volumes");
        return NULL;
    }
    struct plan_node *volume = lower_add_node(l, PLAN_VOLUME, path, resource->name);
    volume->folder = path;
    volume->external = data->external;
    volume->pos = data->pos;
    volume->run.persistent = true;
    struct plan_edge edge = {volume->id, PLAN_STARTED, true, false};
    lower_add_edge(l, node, &edge);
    return path;
}

static struct plan_text native_conf(struct lower *l, const struct model_resource *resource,
                                    const char *folder)
{
    struct model_redis redis = resource->redis;
    struct text_builder b = {.arena = l->arena};
    struct strbuf conf = {0};
    /* The folder is a path of this machine, not /data; and nobody but this machine is to be listened for. */
    redis.data = NULL;
    redis.tls.on = false;
    redis.host_network = true;
    redis.persistence.given = true;
    redis.persistence.off = !redis_is_persistent(&resource->redis);
    cleanup_free char *quoted = redis_conf_quote(folder ? folder : "/");
    strbuf_addf(&conf, "dir %s\n", quoted);
    if (resource->redis.tls.on)
        strbuf_addf(&conf, "tls-cert-file %s\ntls-key-file %s\ntls-auth-clients no\n",
                    lower_cert_file(l, resource, false), lower_cert_file(l, resource, true));
    redis_conf_text(&redis, &conf);
    text_literal(&b, strbuf_text(&conf));
    strbuf_free(&conf);
    lower_conf_end(l, resource, &b);
    return text_finish(&b);
}

void lower_native_server(struct lower *l, const struct model_resource *resource)
{
    struct plan_node *node = lower_add_node(l, PLAN_PROCESS, resource->name, resource->name);
    struct plan_run *run = &node->run;
    lower_common_run(l, node, resource);
    node->is_default = true;
    run->restart.when = MODEL_RESTART_ALWAYS;
    run->restart.max_retries = -1;
    run->ephemeral = !resource->redis.data && !run->persistent;
    const char *folder = data_folder(l, node, resource);
    run->working_dir = l->context->state_folder;
    run->command = arena_alloc(l->arena, 2 * sizeof *run->command);
    run->command[0] = text_of(l->arena, redis_server_name(resource->kind));
    run->command[1] = text_of(l->arena, "-");
    run->command_count = 2;
    run->input = native_conf(l, resource, folder);
    lower_server_port(l, node, resource);
    lower_server_ping(l, node, resource);
}
