/* Plans for tests: see plans.h. Everything lives in the plan's arena, in arrays that are large enough. */
#include "plans.h"

#include "base/digest.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NODES = 512, MOST_ITEMS = 12 };

static void *room_for(struct plan *plan, size_t size)
{
    return arena_alloc(&plan->arena, MOST_ITEMS * size);
}

struct plan *plans_new(const char *project)
{
    struct plan *plan = xcalloc(1, sizeof *plan);
    struct arena *arena = &plan->arena;
    char hex[65];
    digest_sha256(project, strlen(project), hex);
    plan->project = arena_strdup(arena, project);
    plan->project_hash = arena_strndup(arena, hex, 8);
    plan->prefix = arena_printf(arena, "%s-%s", project, plan->project_hash);
    plan->manifest_file = "/nowhere/apphost.yaml";
    plan->folder = "/nowhere";
    plan->engine_kind = "docker";
    plan->nodes = arena_alloc(arena, MOST_NODES * sizeof *plan->nodes);
    plan->resources = arena_alloc(arena, MOST_NODES * sizeof *plan->resources);
    plan->secrets = arena_alloc(arena, MOST_NODES * sizeof *plan->secrets);
    plan->environment = arena_alloc(arena, 2 * sizeof(char *));
    plan->environment[0] = arena_strdup(arena, "PATH=/usr/local/bin:/usr/bin:/bin");
    return plan;
}

static struct plan_node *find(struct plan *plan, const char *id)
{
    for (size_t i = 0; i < plan->node_count; i++) {
        if (!strcmp(plan->nodes[i].id, id))
            return &plan->nodes[i];
    }
    return NULL;
}

static struct plan_node *add(struct plan *plan, enum plan_node_kind kind, const char *name,
                             const char *resource)
{
    assert(plan->node_count < MOST_NODES);
    struct plan_node *node = &plan->nodes[plan->node_count++];
    struct arena *arena = &plan->arena;
    node->id = arena_printf(arena, "%s:%s", plan_node_kind_name(kind), name);
    node->kind = kind;
    node->name = arena_strdup(arena, name);
    node->resource = resource ? arena_strdup(arena, resource) : NULL;
    node->edges = room_for(plan, sizeof *node->edges);
    node->run.environment = room_for(plan, sizeof *node->run.environment);
    node->run.ports = room_for(plan, sizeof *node->run.ports);
    node->run.command = room_for(plan, sizeof *node->run.command);
    node->run.mounts = room_for(plan, sizeof *node->run.mounts);
    node->run.stop_signal = 15;
    node->run.restart.max_retries = -1;
    return node;
}

static struct plan_text text_of(struct plan *plan, const char *literal)
{
    struct plan_text text = {room_for(plan, sizeof *text.parts), 1};
    text.parts[0] = (struct plan_part){.kind = PLAN_LITERAL, .text = arena_strdup(&plan->arena, literal)};
    return text;
}

static struct plan_part *add_part(struct plan_text *text, enum plan_part_kind kind, const char *what)
{
    struct plan_part *part = &text->parts[text->count++];
    *part = (struct plan_part){.kind = kind, .text = what};
    return part;
}

void plans_edge(struct plan *plan, struct plan_node *from, const struct plan_node *to, enum plan_until until)
{
    (void)plan;
    from->edges[from->edge_count++] = (struct plan_edge){.to = to->id, .until = until, .required = true};
}

struct plan_port *plans_port(struct plan *plan, struct plan_node *node, int target, int fixed, int preferred)
{
    (void)plan;
    struct plan_port *port = &node->run.ports[node->run.port_count++];
    *port = (struct plan_port){
        .endpoint = "tcp",
        .scheme = "redis",
        .target_port = target,
        .fixed_port = fixed,
        .preferred_port = preferred,
        .bind_address = "127.0.0.1",
        .host = "127.0.0.1",
    };
    return port;
}

static struct plan_variable *add_variable(struct plan *plan, struct plan_node *node, const char *name)
{
    struct plan_variable *variable = &node->run.environment[node->run.environment_count++];
    variable->name = arena_strdup(&plan->arena, name);
    return variable;
}

void plans_variable(struct plan *plan, struct plan_node *node, const char *name, const char *value)
{
    add_variable(plan, node, name)->value = text_of(plan, value);
}

void plans_issued(struct plan *plan, struct plan_node *node, const char *name, const char *issued)
{
    struct plan_secret *secret = &plan->secrets[plan->secret_count++];
    struct plan_variable *variable = add_variable(plan, node, name);
    secret->name = arena_strdup(&plan->arena, name);
    secret->issued = arena_strdup(&plan->arena, issued);
    secret->secret = true;
    variable->value = text_of(plan, "");
    add_part(&variable->value, PLAN_SECRET, secret->name);
}

void plans_port_variable(struct plan *plan, struct plan_node *node, const char *name,
                         const struct plan_node *of)
{
    struct plan_variable *variable = add_variable(plan, node, name);
    variable->value = text_of(plan, "127.0.0.1:");
    add_part(&variable->value, PLAN_PORT, of->id)->endpoint = "tcp";
}

struct plan_resource *plans_resource(struct plan *plan, const struct plan_node *node, enum model_kind kind)
{
    struct plan_resource *resource = &plan->resources[plan->resource_count++];
    *resource = (struct plan_resource){.name = node->resource, .kind = kind, .node = node->id};
    resource->exports = room_for(plan, sizeof *resource->exports);
    return resource;
}

static const char *add_secret(struct plan *plan, const char *name)
{
    struct plan_secret *secret = &plan->secrets[plan->secret_count++];
    secret->name = arena_printf(&plan->arena, "%s-password", name);
    secret->generated = secret->secret = true;
    secret->length = 22;
    return secret->name;
}

static void add_exports(struct plan *plan, struct plan_resource *resource, const struct plan_node *node,
                        const char *secret)
{
    struct plan_variable *variable = &resource->exports[resource->export_count++];
    variable->name = arena_printf(&plan->arena, "ConnectionStrings__%s", resource->name);
    variable->value = text_of(plan, "127.0.0.1:");
    add_part(&variable->value, PLAN_PORT, node->id)->endpoint = "tcp";
    add_part(&variable->value, PLAN_LITERAL, ",password=");
    add_part(&variable->value, PLAN_SECRET, secret);
    resource->display = variable->value;
}

struct plan_node *plans_redis(struct plan *plan, const char *name, const char *image)
{
    struct arena *arena = &plan->arena;
    const char *image_id = arena_printf(arena, "image:%s", image);
    struct plan_node *image_node = find(plan, image_id);
    if (!image_node)
        image_node = add(plan, PLAN_IMAGE, image, NULL);
    struct plan_node *node = add(plan, PLAN_CONTAINER, name, name);
    struct plan_run *run = &node->run;
    run->engine_name = arena_printf(arena, "%s-%s", plan->prefix, name);
    run->image = arena_strdup(arena, image);
    run->init = run->ephemeral = node->is_default = true;
    run->restart.when = MODEL_RESTART_ALWAYS;
    const char *secret = add_secret(plan, name);
    struct plan_variable *conf = add_variable(plan, node, "APPHOST_REDIS_CONF");
    conf->value = text_of(plan, "bind * -::*\nport 6379\nprotected-mode no\nsave \"\"\nrequirepass ");
    add_part(&conf->value, PLAN_SECRET, secret)->filter = PLAN_FILTER_REDIS_CONF;
    add_part(&conf->value, PLAN_LITERAL, "\n");
    const char *const command[] = {"/bin/sh", "-c",
                                   "exec redis-server - <<APPHOST\n$APPHOST_REDIS_CONF\nAPPHOST\n"};
    for (size_t i = 0; i < 3; i++)
        run->command[run->command_count++] = text_of(plan, command[i]);
    plans_port(plan, node, 6379, 0, 21000 + (int)(digest_fnv1a(name) % 5000));
    run->ready.kind = PLAN_PROBE_PING;
    run->ready.endpoint = "tcp";
    run->ready.password = (struct plan_text){room_for(plan, sizeof(struct plan_part)), 0};
    add_part(&run->ready.password, PLAN_SECRET, secret);
    plans_edge(plan, node, image_node, PLAN_STARTED);
    add_exports(plan, plans_resource(plan, node, MODEL_REDIS), node, secret);
    return node;
}

static struct plan_node *add_process(struct plan *plan, const char *name, const char *script)
{
    struct plan_node *node = add(plan, PLAN_PROCESS, name, name);
    const char *const command[] = {"/bin/sh", "-c", script};
    for (size_t i = 0; i < 3; i++)
        node->run.command[node->run.command_count++] = text_of(plan, command[i]);
    node->run.working_dir = "/";
    return node;
}

struct plan_node *plans_process(struct plan *plan, const char *name, const char *script)
{
    struct plan_node *node = add_process(plan, name, script);
    plans_resource(plan, node, MODEL_PROCESS);
    return node;
}

struct plan_node *plans_replicas(struct plan *plan, const char *name, int count, const char *script)
{
    struct plan_node *first = &plan->nodes[plan->node_count];
    plan->replicas = arena_alloc(&plan->arena, (size_t)count * sizeof *plan->replicas);
    for (int i = 1; i <= count; i++) {
        struct plan_node *node = add_process(plan, arena_printf(&plan->arena, "%s-%d", name, i), script);
        node->run.replica_of = arena_strdup(&plan->arena, name);
        plan->replicas[plan->replica_count++] =
            (struct plan_resource){.name = node->resource, .kind = MODEL_PROCESS, .node = node->id};
    }
    plans_resource(plan, first, MODEL_PROCESS)->name = arena_strdup(&plan->arena, name);
    return first;
}

struct plan_node *plans_value(struct plan *plan, const char *name, const struct plan_node *to)
{
    struct plan_node *node = add(plan, PLAN_VALUE, name, name);
    node->value = text_of(plan, "127.0.0.1:");
    add_part(&node->value, PLAN_PORT, to->id)->endpoint = "tcp";
    plans_resource(plan, node, MODEL_CONNECTION_STRING);
    return node;
}

struct plan_node *plans_network(struct plan *plan)
{
    return add(plan, PLAN_NETWORK, arena_printf(&plan->arena, "net-%s", plan->prefix), NULL);
}

struct plan_node *plans_volume(struct plan *plan, const char *name)
{
    return add(plan, PLAN_VOLUME, arena_printf(&plan->arena, "%s-%s", plan->prefix, name), name);
}

void plans_mount(struct plan *plan, struct plan_node *node, const struct plan_node *volume)
{
    node->run.mounts[node->run.mount_count++] =
        (struct plan_mount){.is_volume = true, .source = volume->name, .target = "/data"};
    node->run.ephemeral = false;
    plans_edge(plan, node, volume, PLAN_STARTED);
}

static void hash(struct plan *plan, struct plan_node *node)
{
    cJSON *spec = plan_node_spec(node);
    char *text = json_print_canonical(spec), hex[65];
    digest_sha256(text, strlen(text), hex);
    node->spec_hash = arena_strndup(&plan->arena, hex, 16);
    free(text);
    cJSON_Delete(spec);
}

struct plan *plans_done(struct plan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++)
        hash(plan, &plan->nodes[i]);
    cleanup_json cJSON *json = plan_to_json(plan, true);
    cleanup_error struct error err = {0};
    struct plan *read = plan_from_json(json, &err);
    if (!read)
        abort();
    plan_free(plan);
    return read;
}
