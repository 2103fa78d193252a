/* The lowering's driver: from the typed application to nodes and edges.
 *
 * Order: secrets; a node for every active resource with its image and volumes; the project's network where
 * containers must talk; waits; what the user sees; hashes last, when every specification is final. Nothing
 * here talks to anybody. */
#include "lower/internal.h"
#include "base/pick.h"

#include <stdlib.h>

/* Those of its users; a parameter is known already. */
static void add_user_secrets(struct lower *l, const struct model_resource *server)
{
    for (size_t i = 0; i < server->redis.user_count; i++) {
        const struct model_user *user = &server->redis.users[i];
        const char *text = NULL;
        if (user->password_kind == MODEL_PASSWORD_TEXT)
            text = user->password;
        else if (user->password_kind != MODEL_PASSWORD_GENERATED)
            continue;

        struct plan_secret *secret = lower_secret(l, lower_user_password(l, server, user->name), text);
        secret->generated = !text;
        secret->length = 22;
    }
}

static size_t count_secrets(const struct model *model)
{
    /* A server with TLS has four: password, certificate, key, authority; and its users. */
    size_t count = model->parameter_count + 4 * model->resource_count + 1;

    for (size_t i = 0; i < model->resource_count; i++)
        if (model_is_server(model->resources[i].kind))
            count += model->resources[i].redis.user_count;
    return count;
}

static void add_server_secrets(struct lower *l, const struct model_resource *server)
{
    enum model_password kind = server->redis.password_kind;
    const char *text = NULL;

    lower_certificate(l, server);
    add_user_secrets(l, server);
    if (kind == MODEL_PASSWORD_NONE || kind == MODEL_PASSWORD_PARAMETER)
        return;
    if (kind == MODEL_PASSWORD_TEXT)
        text = server->redis.password;
    struct plan_secret *secret = lower_secret(l, lower_password(l, server), text);
    secret->generated = !text;
    secret->length = 22;
}

static void add_resource_secrets(struct lower *l, const struct model_resource *resource)
{
    struct connection_parts parts;
    if (model_is_server(resource->kind))
        add_server_secrets(l, resource);
    if (resource->kind != MODEL_CONNECTION_STRING)
        return;
    if (lower_parse_connection(l, resource, &parts) && parts.password)
        lower_secret(l, lower_password(l, resource), parts.password);
    if (lower_connection_secret(l, resource))
        lower_secret(l, lower_connection_secret(l, resource), resource->connection.value.parts[0].literal);
}

void lower_secrets(struct lower *l)
{
    const struct model *model = l->model;
    l->plan->secrets = arena_alloc(l->arena, count_secrets(model) * sizeof *l->plan->secrets);
    for (size_t i = 0; i < model->parameter_count; i++) {
        const struct model_parameter *p = &model->parameters[i];
        struct plan_secret *secret =
            lower_secret(l, arena_printf(l->arena, "parameters.%s", p->name), text_or(p->value, p->fallback));
        secret->secret = p->secret || p->generate;
        secret->generated = p->generate;
        secret->length = int_or(p->generate_length, 22);
        secret->special = p->generate_special;
    }
    for (size_t i = 0; i < model->resource_count; i++)
        if (!model->resources[i].inactive)
            add_resource_secrets(l, &model->resources[i]);
}

static size_t count_nodes(const struct model *model)
{
    size_t count = 7; /* the network, two sidecars with image and volume */
    for (size_t i = 0; i < model->resource_count; i++) {
        const struct model_resource *r = &model->resources[i];
        count += 1 + 2 * (size_t)lower_node_count(r); /* each may have a volume */
        if (r->kind == MODEL_CONTAINER)
            count += r->container.mount_count;
    }
    return count;
}

lower_resource *const lower_resources[MODEL_KIND_COUNT] = {
    [MODEL_REDIS] = lower_server,      [MODEL_VALKEY] = lower_server,
    [MODEL_GARNET] = lower_server,     [MODEL_CONNECTION_STRING] = lower_connection_string,
    [MODEL_PROCESS] = lower_process,   [MODEL_CONTAINER] = lower_container,
    [MODEL_EXTERNAL] = lower_external,
};

static struct plan_node *main_node(struct lower *l, const struct model_resource *resource)
{
    return lower_find(l, lower_node_id(l, resource));
}

static enum plan_until wait_until(const struct model_wait *wait, const struct model_resource *target)
{
    switch (wait->until) {
    case MODEL_UNTIL_STARTED:
        return PLAN_STARTED;
    case MODEL_UNTIL_COMPLETED:
        return PLAN_COMPLETED;
    case MODEL_UNTIL_DEFAULT:
        return lower_usual_wait(target);
    default:
        return PLAN_HEALTHY;
    }
}

static void add_waits(struct lower *l, const struct model_resource *resource, struct plan_node *node)
{
    for (size_t i = 0; i < resource->wait_count; i++) {
        const struct model_wait *wait = &resource->wait_for[i];
        const struct model_resource *target = model_find(l->model, wait->resource);
        if (lower_is_absent(l, target))
            continue;
        struct plan_edge edge = {.until = wait_until(wait, target), .required = true, .explicit_wait = true};
        lower_wait_for(l, node, target, &edge);
    }
}

/* replica 0: the resource itself. */
static void make_visible(struct lower *l, const struct model_resource *resource, int replica,
                         struct plan_resource *out)
{
    struct consumer host = {.resource = resource, .target_replica = replica};
    struct environment exports = {0};

    *out = (struct plan_resource){
        .name = lower_replica_name(l, resource, replica),
        .kind = resource->kind,
        .node = lower_replica_id(l, resource, int_max(replica, lower_first_replica(resource))),
        .display = lower_display(l, &host),
        .optional = resource->optional,
        .manual = resource->manual,
        .persistent = resource->lifetime == MODEL_PERSISTENT,
        .pos = resource->pos,
    };

    struct injection how = {.target = resource, .name = out->name};
    if (!model_is_missing(resource))
        lower_inject(l, &host, &how, &exports);
    out->exports = exports.items;
    out->export_count = exports.count;
}

static void add_visible(struct lower *l, const struct model_resource *resource)
{
    struct plan *plan = l->plan;
    make_visible(l, resource, 0, &plan->resources[plan->resource_count++]);
    for (int i = 1; lower_has_replicas(resource) && i <= lower_node_count(resource); i++)
        make_visible(l, resource, i, &plan->replicas[plan->replica_count++]);
}

/* From 0. */
static struct plan_node *nth_node(struct lower *l, const struct model_resource *resource, int index)
{
    return lower_find(l, lower_replica_id(l, resource, lower_first_replica(resource) + index));
}

static void add_all_waits(struct lower *l, const struct model_resource *resource)
{
    for (int i = 0; i < lower_node_count(resource); i++)
        add_waits(l, resource, nth_node(l, resource, i));
}

static void join(struct lower *l, struct plan_node *node, const struct plan_node *network)
{
    const struct plan_edge edge = {network->id, PLAN_STARTED, true, false};
    if (!node)
        return;
    node->run.on_network = true;
    lower_add_edge(l, node, &edge);
}

static void add_network(struct lower *l)
{
    bool wanted = l->sidecars > 0;
    for (size_t i = 0; i < l->model->resource_count; i++)
        wanted |= l->on_network[i];
    if (!wanted)
        return;

    /* A name that sorts before "bridge" would move ports and cut connections of a live server that joins. */
    const char *name = arena_printf(l->arena, "net-%s", l->plan->prefix);
    struct plan_node *network = lower_add_node(l, PLAN_NETWORK, name, NULL);
    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *resource = &l->model->resources[i];
        network->addressed |= l->on_network[i] && model_topology(resource) && !l->context->remote_engine;
        for (int n = 0; l->on_network[i] && n < lower_node_count(resource); n++)
            join(l, nth_node(l, resource, n), network);
    }
    for (size_t i = 0; i < l->plan->node_count; i++)
        if (l->plan->nodes[i].sidecar)
            join(l, &l->plan->nodes[i], network);
}

static void lower_all(struct lower *l)
{
    const struct model *model = l->model;
    for (size_t i = 0; i < model->resource_count; i++)
        if (!model->resources[i].inactive && !lower_native_refuses(l, &model->resources[i]))
            lower_resources[model->resources[i].kind](l, &model->resources[i]);

    for (size_t i = 0; i < model->resource_count; i++) {
        const struct model_resource *resource = &model->resources[i];
        if (resource->inactive || !main_node(l, resource))
            continue;
        add_all_waits(l, resource);
        add_visible(l, resource);
    }

    lower_sidecars(l);
    add_network(l);
    for (size_t i = 0; i < l->plan->node_count && !l->context->is_draft; i++)
        plan_hash_node(l->plan, &l->plan->nodes[i]);
}

static void copy_settings(struct lower *l)
{
    const struct model *model = l->model;
    struct plan *plan = l->plan;
    size_t count = 0;

    while (l->context->environment && l->context->environment[count])
        count++;
    plan->environment = arena_alloc(l->arena, (count + 1) * sizeof *plan->environment);
    for (size_t i = 0; i < count; i++)
        plan->environment[i] = arena_strdup(l->arena, l->context->environment[i]);

    plan->manifest_file = model->file;
    plan->folder = model->folder;
    plan->engine_kind = text_pick(l->native, "native", "docker");
    plan->otlp_endpoint = model->otlp_endpoint;

    size_t nodes = count_nodes(model);
    plan->nodes = arena_alloc(l->arena, nodes * sizeof *plan->nodes);
    plan->replicas = arena_alloc(l->arena, nodes * sizeof *plan->replicas);
    plan->resources = arena_alloc(l->arena, (model->resource_count + 3) * sizeof *plan->resources);
}

/* The plan points into the model's arena for names and texts; a copy through JSON makes it stand alone. */
static struct plan *detach(struct plan *plan, struct error *err)
{
    cleanup_json cJSON *json = plan_to_json(plan, true);
    struct plan *copy = plan_from_json(json, err);

    if (copy) {
        copy->warnings = take_ptr(&plan->warnings);
        copy->warning_count = plan->warning_count;
        plan->warning_count = 0;
    }
    plan_free(plan);
    return copy;
}

/* No manifest can be the cause of it. */
static void add_own_mistake(struct error **problems, size_t *count, struct error *cause)
{
    error_wrap(cause, "apphost has made a plan that it cannot read");
    error_hint(cause,
               "this is a mistake of apphost, not of the manifest: please report it, with the manifest");
    *problems = xreallocarray(*problems, *count + 1, sizeof **problems);
    (*problems)[*count] = (struct error){0};
    error_move(&(*problems)[(*count)++], cause);
}

struct plan *plan_lower(const struct model *model, const struct plan_context *context,
                        struct error **problems, size_t *problem_count)
{
    struct lower l = {.model = model, .context = context, .plan = plan_new(context)};
    const char *engine = text_or(context->engine_kind, model->engine);
    l.native = str_eq(engine, "native");
    l.arena = &l.plan->arena;
    l.on_network = xcalloc(model->resource_count + 1, sizeof *l.on_network);
    copy_settings(&l);
    lower_secrets(&l);
    lower_all(&l);
    free(l.on_network);
    lower_forget_nodes(&l);
    *problems = l.problems;
    *problem_count = l.problem_count;
    if (l.problem_count) {
        plan_free(l.plan);
        return NULL;
    }
    if (context->is_draft) {
        plan_build_index(l.plan);
        return l.plan;
    }

    struct error own = {0};
    struct plan *plan = detach(l.plan, &own);
    if (!plan)
        add_own_mistake(problems, problem_count, &own);
    return plan;
}
