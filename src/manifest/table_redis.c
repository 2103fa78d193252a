/* Fields of redis, valkey and garnet, and the rules that concern several of them. */
#include "manifest/tables.h"
#include "base/pick.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* The server runs as the caller, unless `user` says otherwise. */
static void check_writable(struct loader *l, const struct yaml_node *map,
                           const struct model_resource *resource)
{
    const struct model_mount *data = resource->redis.data;
    const struct yaml_node *at = manifest_get(map, "data_bind_mount");
    if (!at || !data || data->is_volume || data->read_only || resource->user || resource->inactive ||
        access(data->source, W_OK) == 0)
        return;
    if (at->kind == NODE_MAP)
        at = manifest_get(at, "source");
    manifest_problem(l, at, "%s cannot be written: %s", data->source, strerror(errno));
    manifest_hint(l, "the server runs as you do; data that is only read is `{source: …, read_only: true}`");
}

/* What is given by one of them would be taken away by the other. */
static void check_users(struct loader *l, const struct model_redis *redis)
{
    for (size_t i = 0; redis->user_count && i < redis->config_count; i++) {
        const struct model_pair *pair = &redis->config[i];
        if (strcasecmp(pair->name, "user") == 0 || strcasecmp(pair->name, "aclfile") == 0)
            manifest_problem_at(l, pair->pos, 1, "the directive `%s` does not go with `users`", pair->name);
    }
}

static void finish_server(struct loader *l, struct yaml_node *map, void *object)
{
    struct model_resource *resource = object;
    struct model_redis *redis = &resource->redis;
    const struct yaml_node *address = manifest_get(map, "bind_address"),
                           *persistence = manifest_get(map, "persistence");
    if (redis->persistence.given && !redis->persistence.off && redis->data && redis->data->read_only &&
        persistence)
        manifest_problem(l, persistence,
                         "`persistence` needs data that can be written, and this is read-only");

    if (address && redis->bind_address && !is_loopback(redis->bind_address)) {
        manifest_warning(l, address, "`%s` can be reached from other machines at %s%s", resource->name,
                         redis->bind_address,
                         text_if(redis->password_kind == MODEL_PASSWORD_NONE, ", without a password"));
    }
    check_writable(l, map, resource);
    check_users(l, redis);
    manifest_finish_topology(l, map, resource);
    if (redis->host_network && (redis->insight.on || redis->commander.on))
        manifest_problem(l, manifest_get(map, "network"), "a server on the host's network has no sidecars");
}

static const struct field server_fields[] = {
    {.name = "host_port",
     RESOURCE(shape_port, redis.host_port),
     .fallback = "chosen, and stable",
     .help = "The port on this machine. A given one is never moved."},
    {.name = "bind_address",
     RESOURCE(shape_address, redis.bind_address),
     .fallback = "127.0.0.1",
     .help = "The address on this machine. The native engine listens on loopback only."},
    {.name = "password",
     WHOLE(shape_password, struct model_resource),
     .fallback = "generated, and remembered",
     .help = "The server's password, the parameter that holds it, or false for none."},
    {.name = "data_volume",
     WHOLE(shape_data_volume, struct model_resource),
     .fallback = "none",
     .help = "Keep the data in a volume."},
    {.name = "data_bind_mount",
     WHOLE(shape_data_bind_mount, struct model_resource),
     .fallback = "none",
     .help = "Keep the data in a folder of this machine."},
    {.name = "persistence",
     WHOLE(shape_persistence, struct model_resource),
     .fallback = "60 s and 1 key with writable data, else off",
     .help = "When the server saves."},
    {.name = "config",
     WHOLE(shape_config, struct model_resource),
     .help = "More directives; a list is one line each."},
    {.name = "tls",
     RESOURCE(shape_tls, redis.tls),
     .fallback = "false",
     .help = "true: a certificate of a development authority; or your own files."},
    {.name = "insight",
     RESOURCE(shape_insight, redis.insight),
     .fallback = "false",
     .help = "Redis Insight beside it; one for all servers."},
    {.name = "commander",
     RESOURCE(shape_commander, redis.commander),
     .fallback = "false",
     .help = "Redis Commander beside it; one for all servers."},
    {.name = "network",
     RESOURCE(shape_network, redis.host_network),
     .fallback = "bridge",
     .help =
         "`host`: the machine's own network, on a local Linux engine. Starts in less than half the time; the "
         "server listens on 127.0.0.1 only, so containers and sidecars cannot reach it."},
    {.name = "seed",
     RESOURCE_LIST(shape_seed, redis.seed, redis.seed_count),
     .fallback = "none",
     .help = "Files of commands that fill an empty server."},
    {.name = "users",
     RESOURCE_LIST(shape_users, redis.users, redis.user_count),
     .fallback = "none",
     .help =
         "Users besides `default`; all there are, changed while the server runs. A reference may name one."},
    {.name = "cluster",
     WHOLE(shape_cluster, struct model_resource),
     .fallback = "none",
     .help =
         "A cluster: NAME-1, NAME-2, …, primaries first, then their replicas; true is three shards. Needs "
         "Redis 7 or Valkey."},
    {.name = "replication",
     WHOLE(shape_replication, struct model_resource),
     .fallback = "none",
     .help = "A primary with replicas: NAME-1, NAME-2, …, each a server of its own. Consumers get the "
             "addresses of all of them."},
    {.name = "sentinel",
     WHOLE(shape_sentinel, struct model_resource),
     .fallback = "none",
     .help = "A primary with replicas, NAME-1, NAME-2, …, and NAME-sentinel-1, … who watch them and choose "
             "another primary when it fails; true is two replicas and three sentinels. Needs Redis 6.2 or "
             "Valkey. Consumers get the sentinels' addresses."},
    {.name = "ready", RESOURCE(shape_server_ready, ready), .help = "Bounds the PING that finds it ready."},
};
static const struct table table_server = {.name = "server",
                                          .help = "a server",
                                          .fields = server_fields,
                                          .count = FIELD_COUNT(server_fields),
                                          .base = &table_hosted,
                                          .finish = finish_server};

#define IMAGE_FIELD(text)                                                                                    \
    {                                                                                                        \
        .name = "image", RESOURCE(shape_image, image), .fallback = text,                                     \
        .help = "An official-style image: a shell and the server on its PATH."                               \
    }

static const struct field redis_fields[] = {IMAGE_FIELD(MODEL_REDIS_IMAGE)};
static const struct field valkey_fields[] = {IMAGE_FIELD(MODEL_VALKEY_IMAGE)};
static const struct field garnet_fields[] = {IMAGE_FIELD(MODEL_GARNET_IMAGE)};

const struct table table_redis = {
    .name = "redis", .help = "a `redis`", .fields = redis_fields, .count = 1, .base = &table_server};
const struct table table_valkey = {
    .name = "valkey", .help = "a `valkey`", .fields = valkey_fields, .count = 1, .base = &table_server};
const struct table table_garnet = {.name = "garnet",
                                   .help = "a `garnet`",
                                   .fields = garnet_fields,
                                   .count = 1,
                                   .base = &table_server,
                                   .finish = manifest_finish_garnet};
