/* What is other for Garnet when a server is lowered: a JSON configuration, written to memory by
 * the launch line, and no entrypoint that drops root (the image runs as a user of its own). */
#include "lower/internal.h"
#include "redis/redis.h"

#include <stdlib.h>

static void add_port(struct lower *l, const struct model_resource *resource, struct text_builder *b)
{
    const struct model_redis *redis = &resource->redis;
    bool is_chosen = redis->host_network || l->native;
    if (is_chosen && !redis->host_port) {
        text_port(b, lower_node_id(l, resource), "tcp");
        return;
    }
    if (is_chosen)
        text_number(b, redis->host_port);
    else
        text_number(b, REDIS_PORT);
}

struct plan_text lower_garnet_conf(struct lower *l, const struct model_resource *resource, const char *folder)
{
    struct model_redis redis = resource->redis;
    struct text_builder b = {.arena = l->arena};
    struct strbuf conf = {0};
    const char *password = lower_password(l, resource);

    redis.host_network = redis.host_network || l->native;
    redis_garnet_text(&redis, folder, &conf);
    text_literal(&b, strbuf_text(&conf));
    strbuf_free(&conf);
    text_literal(&b, "\"Port\": ");
    add_port(l, resource, &b);
    if (password) {
        text_literal(&b, ",\n\"AuthenticationMode\": \"Password\",\n\"Password\": \"");
        text_secret(&b, password, PLAN_FILTER_JSON);
        text_literal(&b, "\"");
    }
    text_literal(&b, "\n}\n");
    return text_finish(&b);
}

void lower_garnet_launch(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct plan_run *run = &node->run;
    const struct model_mount *data = resource->redis.data;
    cleanup_free char *line = redis_garnet_launch_line();
    run->entrypoint = arena_alloc(l->arena, 2 * sizeof *run->entrypoint);
    run->entrypoint[0] = text_of(l->arena, "/bin/sh");
    run->entrypoint[1] = text_of(l->arena, "-c");
    run->entrypoint_count = 2;
    run->command = arena_alloc(l->arena, sizeof *run->command);
    run->command[0] = text_of(l->arena, line);
    run->command_count = 1;
    /* The files of a bind mount belong to the caller. */
    if (!run->user && data && !data->is_volume)
        run->user = arena_printf(l->arena, "%d:%d", l->context->uid, l->context->gid);
}
