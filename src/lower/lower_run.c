/* What containers and processes share when they are lowered, and the kinds themselves: container, process,
 * connection string. Servers of the Redis family stand in lower_server.c. */
#include "lower/internal.h"
#include "base/pick.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* What is left out, and what makes no sense. */
static int64_t positive_or(int64_t value, int64_t otherwise)
{
    if (value > 0)
        return value;
    return otherwise;
}

void lower_common_run(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct plan_run *run = &node->run;
    (void)l;
    run->stop_signal = int_or(resource->stop.signal, SIGTERM);
    run->stop_timeout_ms = positive_or(resource->stop.timeout_ms, 10000);
    run->restart.when = resource->restart.when;
    run->restart.backoff_ms = positive_or(resource->restart.backoff_ms, 1000);
    run->restart.max_backoff_ms = positive_or(resource->restart.max_backoff_ms, 60000);
    run->restart.max_retries = resource->restart.max_retries;
    run->persistent = resource->lifetime == MODEL_PERSISTENT;
    run->mask = resource->mask;
    node->manual = resource->manual;
    node->pos = resource->pos;
}

static const char *first_endpoint(const struct model_resource *resource)
{
    if (!resource->endpoint_count)
        return NULL;
    return resource->endpoints[0].name;
}

void lower_ready(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    static const enum plan_probe_kind kinds[] = {
        /* not all: who says nothing is ready by running */
        [MODEL_READY_HTTP] = PLAN_PROBE_HTTP,
        [MODEL_READY_TCP] = PLAN_PROBE_TCP,
        [MODEL_READY_LOG] = PLAN_PROBE_LOG,
        [MODEL_READY_EXEC] = PLAN_PROBE_EXEC,
    };
    EACH_OF(kinds, MODEL_READY_COUNT);
    const struct model_ready *ready = &resource->ready;
    struct plan_probe *probe = &node->run.ready;
    (void)l;
    probe->interval_ms = ready->interval_ms;
    probe->timeout_ms = ready->timeout_ms;
    probe->endpoint = text_or(ready->endpoint, first_endpoint(resource));
    probe->http_path = ready->http_path;
    probe->http_status = ready->http_status;
    probe->log_pattern = ready->log_pattern;
    probe->exec = ready->exec;

    if (ready->kind != MODEL_READY_DEFAULT)
        probe->kind = kinds[ready->kind];
    else if (resource->kind == MODEL_CONTAINER)
        probe->kind = PLAN_PROBE_IMAGE_HEALTH;
    else if (resource->endpoint_count && !resource->process.task)
        probe->kind = PLAN_PROBE_TCP;
}

const char *lower_volume_name(struct lower *l, const struct plan_node *node, const struct model_mount *mount)
{
    if (!mount->source)
        return arena_printf(l->arena, "%s-data", node->resource);
    if (node->run.topology.kind) /* each of the nodes has its own */
        return arena_printf(l->arena, "%s-%s", mount->source, strrchr(node->name, '-') + 1);
    return mount->source;
}

void lower_mount(struct lower *l, struct plan_node *node, const struct model_mount *mount)
{
    struct plan_run *run = &node->run;
    struct plan_mount *out = &run->mounts[run->mount_count++];
    *out = (struct plan_mount){mount->is_volume, mount->read_only, mount->external, mount->source,
                               mount->target};
    if (!mount->is_volume) {
        if (l->context->remote_engine)
            lower_problem(l, &mount->pos, "use a volume", "a bind mount needs an engine on this machine");
        return;
    }

    const char *name = lower_volume_name(l, node, mount);
    if (!mount->external)
        name = arena_printf(l->arena, "%s-%s", l->plan->prefix, name);
    out->source = name;
    const char *id = arena_printf(l->arena, "volume:%s", name);
    struct plan_node *volume = lower_find(l, id);
    if (!volume) {
        volume = lower_add_node(l, PLAN_VOLUME, name, node->resource);
        volume->external = mount->external;
        volume->pos = mount->pos;
        volume->run.persistent = true;
    }
    struct plan_edge edge = {volume->id, PLAN_STARTED, true, false};
    lower_add_edge(l, node, &edge);
}

static const char *complete_image(struct lower *l, const char *image)
{
    const char *last = text_or(strrchr(image, '/'), image);
    if (strchr(last, ':') || strchr(image, '@'))
        return image;
    return arena_printf(l->arena, "%s:latest", image);
}

void lower_container_base(struct lower *l, struct plan_node *node, const struct model_resource *resource,
                          const char *image)
{
    struct plan_run *run = &node->run;

    image = complete_image(l, image);
    lower_common_run(l, node, resource);
    run->engine_name = arena_printf(l->arena, "%s-%s", l->plan->prefix, node->name);
    run->image = image;
    run->pull = resource->pull;
    run->alias = node->name;
    run->user = resource->user;
    run->memory = resource->memory;
    run->labels = resource->labels;
    run->label_count = resource->label_count;

    const char *id = arena_printf(l->arena, "image:%s", image);
    struct plan_node *found = lower_find(l, id);
    if (!found)
        found = lower_add_node(l, PLAN_IMAGE, image, NULL);
    struct plan_edge edge = {found->id, PLAN_STARTED, true, false};
    lower_add_edge(l, node, &edge);
}

static struct plan_text *lower_words(struct lower *l, struct consumer *c, const struct model_text *words,
                                     size_t count)
{
    struct plan_text *out = arena_alloc(l->arena, (count + 1) * sizeof *out);
    for (size_t i = 0; i < count; i++)
        out[i] = lower_text(l, c, &words[i]);
    return out;
}

/* Ports that are chosen go by the node's name: each replica has its own. */
static struct plan_port lower_port(struct lower *l, const struct plan_node *node, bool is_published,
                                   const struct model_endpoint *endpoint)
{
    struct plan_port port = {
        .endpoint = endpoint->name,
        .scheme = text_or(endpoint->scheme, "tcp"),
        .fixed_port = endpoint->port,
        .bind_address = "127.0.0.1",
        .host = PLAN_LIKELY_HOST,
        .pos = endpoint->pos,
    };

    if (is_published) {
        port.target_port = endpoint->target_port;
        port.host = lower_published_host(l);
    }
    if (!endpoint->port)
        port.preferred_port = lower_preferred_port(l, node->name, endpoint->name);
    return port;
}

static void lower_ports(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    struct plan_run *run = &node->run;
    bool is_published = resource->kind == MODEL_CONTAINER;

    run->ports = arena_alloc(l->arena, (resource->endpoint_count + 1) * sizeof *run->ports);
    for (size_t i = 0; i < resource->endpoint_count; i++)
        run->ports[run->port_count++] = lower_port(l, node, is_published, &resource->endpoints[i]);
}

static void lower_gateway(struct lower *l, struct consumer *c, struct plan_run *run)
{
    const struct model_container *container = &c->resource->container;
    size_t count = container->extra_host_count;
    run->extra_hosts = arena_alloc(l->arena, (count + 1) * sizeof *run->extra_hosts);
    for (size_t i = 0; i < count; i++)
        run->extra_hosts[i] = container->extra_hosts[i];
    run->extra_host_count = count;
    if (!c->needs_gateway)
        return;
    run->extra_hosts[run->extra_host_count++] = PLAN_PROCESS_HOST ":host-gateway";
    lower_warning(
        l, &c->resource->pos, "let that process listen on all interfaces",
        "the container \"%s\" reaches a process of this machine through the engine's gateway: a process that "
        "listens on loopback only cannot be reached",
        c->resource->name);
}

static void lower_ca_mounts(struct lower *l, struct consumer *c, struct plan_run *run)
{
    for (size_t i = 0; i < c->ca_mounts.count; i++) {
        char *source = arena_strdup(l->arena, c->ca_mounts.items[i]), *tab = strchr(source, '\t');
        *tab = '\0';
        run->mounts =
            arena_grow(l->arena, run->mounts, run->mount_count, run->mount_count + 1, sizeof *run->mounts);
        run->mounts[run->mount_count++] =
            (struct plan_mount){.read_only = true, .source = source, .target = tab + 1};
    }
    if (c->ca_mounts.count && l->context->remote_engine)
        lower_problem(
            l, &c->resource->pos, NULL,
            "the authority's certificate cannot be mounted into a container of an engine elsewhere");
    strlist_free(&c->ca_mounts);
}

void lower_container(struct lower *l, const struct model_resource *resource)
{
    const struct model_container *container = &resource->container;
    struct plan_node *node = lower_add_node(l, PLAN_CONTAINER, resource->name, resource->name);
    struct consumer c = {.resource = resource, .in_container = true, .node = node};
    struct plan_run *run = &node->run;

    lower_container_base(l, node, resource, resource->image);
    lower_ready(l, node, resource);
    lower_ports(l, node, resource);
    run->platform = container->platform;
    run->working_dir = container->working_dir;
    run->init = container->init;
    run->tmpfs = container->tmpfs;
    run->tmpfs_count = container->tmpfs_count;

    run->entrypoint = lower_words(l, &c, container->entrypoint, container->entrypoint_count);
    run->entrypoint_count = container->entrypoint_count;
    run->command = lower_words(l, &c, container->command, container->command_count);
    run->command_count = container->command_count;
    run->mounts = arena_alloc(l->arena, (container->mount_count + 1) * sizeof *run->mounts);
    for (size_t i = 0; i < container->mount_count; i++)
        lower_mount(l, node, &container->mounts[i]);

    struct environment environment = lower_environment(l, &c);
    run->environment = environment.items;
    run->environment_count = environment.count;
    lower_gateway(l, &c, run);
    lower_ca_mounts(l, &c, run);
}

/* What is the default is not said: specifications stay what they were. */
static enum plan_input_end input_end(const struct model_process *process)
{
    bool is_closed = process->standard_input == MODEL_STDIN_CLOSED;
    if (is_closed == process->task)
        return PLAN_INPUT_DEFAULT;
    if (is_closed)
        return PLAN_INPUT_CLOSED;
    return PLAN_INPUT_OPEN;
}

static void lower_instance(struct lower *l, const struct model_resource *resource, int replica)
{
    const struct model_process *process = &resource->process;
    const char *name = lower_replica_name(l, resource, replica);
    struct plan_node *node = lower_add_node(l, PLAN_PROCESS, name, name);
    struct consumer c = {.resource = resource, .node = node, .replica = replica};
    struct plan_run *run = &node->run;

    lower_common_run(l, node, resource);
    lower_ready(l, node, resource);
    lower_ports(l, node, resource);
    run->task = process->task;
    run->input_end = input_end(process);
    run->success_codes = process->success_exit_codes;
    run->success_count = process->success_count;
    run->working_dir = text_or(process->working_dir, l->model->folder);
    run->command = lower_words(l, &c, process->command, process->command_count);
    run->command_count = process->command_count;
    struct environment environment = lower_environment(l, &c);
    run->environment = environment.items;
    run->environment_count = environment.count;
    run->watch = process->watch;
    run->watch_count = process->watch_count;
    if (replica)
        run->replica_of = resource->name;
}

void lower_process(struct lower *l, const struct model_resource *resource)
{
    if (!resource->process.replicas)
        lower_instance(l, resource, 0);
    for (int i = 1; i <= resource->process.replicas; i++)
        lower_instance(l, resource, i);
}

/* Where it points to is read from the resolved text, by whoever checks: it may hold references. */
static void check_connection(struct lower *l, struct plan_node *node, const struct model_resource *resource)
{
    const struct model_text *value = &resource->connection.value;
    bool is_literal = value->count == 1 && value->parts[0].literal;
    struct connection_parts parts;
    if (resource->connection.check && is_literal && !lower_parse_connection(l, resource, &parts))
        lower_problem(l, &resource->pos, "leave `check` out",
                      "`check` sends a PING, and this connection string names no Redis server");
    if (resource->connection.check)
        node->check = (struct plan_probe){.kind = PLAN_PROBE_PING, .ca_file = lower_ca_file(l, resource)};
}

void lower_connection_string(struct lower *l, const struct model_resource *resource)
{
    if (resource->connection.missing)
        return;
    struct plan_node *node = lower_add_node(l, PLAN_VALUE, resource->name, resource->name);
    struct consumer c = {.resource = resource, .node = node};
    struct text_builder b = {.arena = l->arena};
    struct model_part part = {
        .get = MODEL_GET_CONNECTION_STRING, .resource = resource->name, .pos = resource->pos};
    node->pos = resource->pos;
    node->is_default = true;
    lower_get(l, &c, &part, &b);
    node->value = text_finish(&b);
    check_connection(l, node, resource);
    lower_wait_for_parts(l, node, &resource->connection.value);
}
