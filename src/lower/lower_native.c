/* The native engine: a server of the family as a process of this machine, fed the same configuration on
 * standard input.
 *
 * It is a lowering and nothing more: the node is a process, its volumes are folders of the project's state,
 * bind mounts the folder itself, and its port is on loopback. What needs containers is refused at its
 * position, or left out where it is optional. Fields that only a container has are without meaning: `image`,
 * `pull`, `labels` and `network` are passed over, because the same manifest is meant to run on both; `user`
 * and `memory`, whose absence somebody may rely on, get a warning; an address that other machines reach is
 * refused.
 *
 * A server works in the folder of its data. One that keeps none, or may only read its data, works in a
 * scratch folder that is made anew; for read-only data it holds links to the files, which a server replaces
 * and never writes through. */
#include "lower/internal.h"
#include "base/file.h"
#include "base/tool.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_WORDS = 8 };

bool lower_native_refuses(struct lower *l, const struct model_resource *resource)
{
    if (!l->native || lower_kind(resource->kind)->native_node != NO_NODE)
        return false;
    if (!resource->optional)
        lower_problem(l, &resource->pos, "mark it `optional: true` to leave it out there",
                      "\"%s\" is a container: the native engine has none", resource->name);
    return true;
}

/* ---- folders ---- */

static struct plan_node *add_folder(struct lower *l, struct plan_node *node, const char *path)
{
    const char *id = arena_printf(l->arena, "volume:%s", path);
    struct plan_node *volume = lower_find(l, id);
    if (!volume) {
        volume = lower_add_node(l, PLAN_VOLUME, path, node->resource);
        volume->folder = path;
        volume->pos = node->pos;
    }
    struct plan_edge edge = {volume->id, PLAN_STARTED, true, false};
    lower_add_edge(l, node, &edge);
    return volume;
}

/* The folder with the server's data, or NULL. */
static const char *data_folder(struct lower *l, const struct consumer *self)
{
    const struct model_mount *data = self->resource->redis.data;
    struct plan_node *node = self->node;
    if (!data || lower_is_sentinel(self))
        return NULL;
    if (!data->is_volume)
        return data->source;
    if (data->external) {
        lower_problem(l, &data->pos, "use `data_bind_mount`", "the native engine has no external volumes");
        return NULL;
    }

    const char *name = lower_volume_name(l, node, data);
    if (name[0] == '.' || strchr(name, '/')) {
        lower_problem(l, &data->pos, "letters, digits, `_`, `.` and `-`", "\"%s\" is no name of a volume",
                      name);
        return NULL;
    }
    const char *path = arena_printf(l->arena, "%s/volumes/%s", l->context->state_folder, name);
    add_folder(l, node, path)->run.persistent = true;
    return path;
}

/* Where the server works. */
static const char *work_folder(struct lower *l, const struct consumer *self)
{
    const char *data = data_folder(l, self);
    if (data && !self->resource->redis.data->read_only)
        return data;
    const char *path = arena_printf(l->arena, "%s/scratch/%s", l->context->state_folder, self->node->name);
    struct plan_node *scratch = add_folder(l, self->node, path);
    scratch->linked = data;
    return path;
}

/* ---- configuration ---- */

static struct plan_text native_conf(struct lower *l, const struct consumer *self, const char *folder)
{
    const struct model_resource *resource = self->resource;
    struct model_redis redis = lower_told(self);
    struct text_builder b = {.arena = l->arena};
    struct strbuf conf = {0};
    if (resource->kind == MODEL_GARNET)
        return lower_garnet_conf(l, resource, folder);

    /* The folder is a path of this machine, not /data; and nobody but this machine is to be listened for. */
    redis.persistence.off = !redis_is_persistent(&redis);
    redis.persistence.given = true;
    redis.data = NULL;
    redis.tls.on = false;
    redis.host_network = true;
    cleanup_free char *quoted = redis_conf_quote(folder);
    strbuf_addf(&conf, "dir %s\n", quoted);
    if (resource->redis.tls.on)
        strbuf_addf(&conf, "tls-cert-file %s\ntls-key-file %s\ntls-auth-clients no\n",
                    lower_cert_file(l, resource, false), lower_cert_file(l, resource, true));
    redis_conf_text(&redis, &conf);
    if (redis.bind_address) /* the last one counts */
        strbuf_addf(&conf, "bind %s\n", redis.bind_address);
    text_literal(&b, strbuf_text(&conf));
    strbuf_free(&conf);
    lower_conf_end(l, self, &b);
    return text_finish(&b);
}

/* ---- the server ---- */

static void check_fields(struct lower *l, const struct model_resource *resource)
{
    const char *address = resource->redis.bind_address, *hint = "leave it out for the native engine";
    if (address && strncmp(address, "127.", 4) != 0 && strcmp(address, "::1") != 0)
        lower_problem(l, &resource->pos, "leave `bind_address` out, or use a container engine",
                      "\"%s\" asks for the address %s: servers of the native engine listen on loopback only",
                      resource->name, address);
    if (resource->user)
        lower_warning(l, &resource->pos, hint, "`user` of \"%s\" is without effect: the server runs as you",
                      resource->name);
    if (resource->memory)
        lower_warning(l, &resource->pos, "set `maxmemory` under `config`",
                      "`memory` of \"%s\" is without effect: the native engine limits nothing",
                      resource->name);
}

/* The first of the server's programs that this machine has, else the first one, which is then missed by name.
 */
static const char *choose_program(const struct lower *l, const struct redis_native *native)
{
    const char *path = NULL;
    for (char **entry = l->context->environment; entry && *entry; entry++)
        if (strncmp(*entry, "PATH=", 5) == 0)
            path = *entry + 5;
    for (size_t i = 0; native->programs[i]; i++)
        if (tool_is_there(path, native->programs[i]))
            return native->programs[i];
    return native->programs[0];
}

static void add_words(struct lower *l, struct plan_run *run, const char *const *words)
{
    for (; *words; words++)
        run->command[run->command_count++] = text_of(l->arena, *words);
}

/* A sentinel writes what it learns into its configuration: it wants a file, in the folder where it works. */
static void add_command(struct lower *l, const struct consumer *self, const char *folder)
{
    const struct redis_native *native = redis_native(self->resource->kind);
    struct plan_run *run = &self->node->run;
    const char *file = arena_printf(l->arena, "%s/sentinel.conf", folder);
    const char *const to_file[] = {"/bin/sh", "-c", "umask 077; cat >\"$1\"; exec \"$0\" \"$1\" --sentinel",
                                   NULL};
    const char *const program[] = {choose_program(l, native), NULL}, *const named[] = {file, NULL};
    run->command = arena_alloc(l->arena, MOST_WORDS * sizeof *run->command);
    if (lower_is_sentinel(self))
        add_words(l, run, to_file);
    add_words(l, run, program);
    add_words(l, run, lower_is_sentinel(self) ? named : native->arguments);
}

static void add_environment(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct environment e = {0};
    struct consumer c = {.resource = resource, .node = node};
    for (size_t i = 0; i < resource->environment_count; i++)
        environment_set(l, &e, resource->environment[i].name,
                        lower_text(l, &c, &resource->environment[i].value));
    node->run.environment = e.items;
    node->run.environment_count = e.count;
}

void lower_native_server(struct lower *l, const struct model_resource *resource, int replica)
{
    const char *name = lower_replica_name(l, resource, replica);
    struct plan_node *node = lower_add_node(l, PLAN_PROCESS, name, name);
    const struct consumer self = {.resource = resource, .node = node, .replica = replica};
    struct plan_run *run = &node->run;
    check_fields(l, resource);
    lower_common_run(l, node, resource);
    node->is_default = true;
    run->restart.when = MODEL_RESTART_ALWAYS;
    run->restart.max_retries = -1;
    run->ephemeral = !resource->redis.data && !run->persistent;
    run->working_dir = l->model->folder;
    lower_topology(l, &self);

    const char *folder = work_folder(l, &self);
    add_command(l, &self, folder);
    add_environment(l, node, resource);
    run->input = native_conf(l, &self, folder);
    lower_server_port(l, &self);
    lower_server_ping(l, node, resource);
    lower_users(l, &self);
}
