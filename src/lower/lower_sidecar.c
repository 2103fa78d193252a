/* Redis Insight and Redis Commander: one each for all servers of a project that ask for one.
 *
 * Requests are merged; the manifest room has refused those that contradict each other. They wait until their
 * servers answer or have failed (one failed server does not fail them; Commander gives up on one that does
 * not listen yet), never hold up `up`, and get every server that a container can reach. Commander is
 * configured by NODE_CONFIG, which takes any password and TLS (REDIS_HOSTS breaks on ':' ',' '"' '\' and
 * blanks); Insight by numbered variables. */
#include "lower/internal.h"
#include "base/pick.h"
#include "redis/redis.h"

#include <stdlib.h>
#include <string.h>

struct sidecar_kind {
    const char *name, *image, *health;
    int port;
    const struct model_sidecar *(*request)(const struct model_resource *resource);
    void (*configure)(struct lower *l, struct consumer *c, struct environment *e);
};

static const struct model_sidecar *request_insight(const struct model_resource *resource)
{
    return &resource->redis.insight;
}

static const struct model_sidecar *request_commander(const struct model_resource *resource)
{
    return &resource->redis.commander;
}

static bool is_shown(const struct model_resource *r)
{
    return !r->inactive && !r->manual && model_is_server(r->kind) && !r->redis.host_network;
}

static void add_connection(struct lower *l, struct consumer *c, const struct model_resource *server,
                           struct text_builder *b)
{
    const char *password = lower_password(l, server);
    struct address address;
    lower_address(l, c, server, NULL, &address);
    cleanup_free char *head =
        xasprintf("{\"label\":\"%s\",\"host\":\"%s\",\"port\":\"%d\",\"dbIndex\":0,\"password\":\"",
                  server->name, address.host, address.port);

    text_literal(b, head);
    if (password)
        text_secret(b, password, PLAN_FILTER_JSON);
    text_literal(b, "\"");
    if (server->redis.tls.on) {
        text_literal(b, ",\"tls\":{\"servername\":\"");
        text_literal(b, server->name);
        text_literal(b, "\",\"ca\":\"");
        text_secret(b, arena_printf(l->arena, "%s-tls-ca", server->name), PLAN_FILTER_JSON);
        text_literal(b, "\"}");
    }
    text_literal(b, "}");
}

static void configure_commander(struct lower *l, struct consumer *c, struct environment *e)
{
    struct text_builder b = {.arena = l->arena};
    bool first = true;
    text_literal(&b, "{\"connections\":[");
    for (size_t i = 0; i < l->model->resource_count; i++) {
        if (!is_shown(&l->model->resources[i]))
            continue;
        text_literal(&b, text_if(!first, ","));
        add_connection(l, c, &l->model->resources[i], &b);
        first = false;
    }
    text_literal(&b, "]}");
    environment_set(l, e, "NODE_CONFIG", text_finish(&b));
}

static void set_numbered(struct lower *l, struct environment *e, const char *what, int number,
                         const char *value)
{
    cleanup_free char *name = xasprintf("RI_REDIS_%s%d", what, number);
    environment_set(l, e, name, text_of(l->arena, value));
}

static void configure_insight(struct lower *l, struct consumer *c, struct environment *e)
{
    int number = 0;

    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *server = &l->model->resources[i];
        struct address address;
        if (!is_shown(server))
            continue;
        const char *password = lower_password(l, server);
        lower_address(l, c, server, NULL, &address);
        cleanup_free char *port = xasprintf("%d", address.port);
        number++;
        set_numbered(l, e, "HOST", number, address.host);
        set_numbered(l, e, "PORT", number, port);
        set_numbered(l, e, "ALIAS", number, server->name);
        if (password) {
            struct text_builder b = {.arena = l->arena};
            cleanup_free char *name = xasprintf("RI_REDIS_PASSWORD%d", number);
            text_secret(&b, password, PLAN_FILTER_NONE);
            environment_set(l, e, name, text_finish(&b));
        }
        if (server->redis.tls.on) {
            struct text_builder b = {.arena = l->arena};
            cleanup_free char *name = xasprintf("RI_REDIS_TLS_CA_BASE64%d", number);
            set_numbered(l, e, "TLS", number, "true");
            text_secret(&b, arena_printf(l->arena, "%s-tls-ca", server->name), PLAN_FILTER_BASE64);
            environment_set(l, e, name, text_finish(&b));
        }
    }
}

static const struct sidecar_kind kinds[] = {
    {"redisinsight", "docker.io/redis/redisinsight:3.0", "/api/health/", 5540, request_insight,
     configure_insight},
    {"rediscommander", "docker.io/rediscommander/redis-commander:latest", "/apiv2/server/info", 8081,
     request_commander, configure_commander},
};

/* All requests of a kind as one; false when nobody asks. */
static bool merge(struct lower *l, const struct sidecar_kind *kind, struct model_sidecar *out)
{
    *out = (struct model_sidecar){0};

    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *resource = &l->model->resources[i];
        const struct model_sidecar *request = NULL;
        if (is_shown(resource))
            request = kind->request(resource);
        if (!request || !request->on)
            continue;
        if (l->native) {
            lower_problem(l, &request->pos, "leave it out, or use a container engine",
                          "a sidecar is a container: the native engine has none");
            continue;
        }
        if (!out->on)
            out->pos = request->pos;
        out->on = true;
        if (!out->name)
            out->name = request->name;
        if (!out->image)
            out->image = request->image;
        if (!out->host_port)
            out->host_port = request->host_port;
        out->accept_eula |= request->accept_eula;
        if (!out->data)
            out->data = request->data;
    }

    return out->on;
}

static void add_waits(struct lower *l, struct plan_node *node)
{
    for (size_t i = 0; i < l->model->resource_count; i++) {
        if (!is_shown(&l->model->resources[i]))
            continue;
        struct plan_edge edge = {lower_node_id(l, &l->model->resources[i]), PLAN_HEALTHY, false, false};
        lower_add_edge(l, node, &edge);
    }
}

static void add_port(struct lower *l, struct plan_node *node, const struct sidecar_kind *kind,
                     const struct model_sidecar *s)
{
    node->run.ports = arena_alloc(l->arena, sizeof *node->run.ports);
    node->run.ports[0] = (struct plan_port){
        .endpoint = "http",
        .scheme = "http",
        .target_port = kind->port,
        .fixed_port = s->host_port,
        .preferred_port = s->host_port ? 0 : lower_preferred_port(l, node->resource, "http"),
        .bind_address = "127.0.0.1",
        .host = lower_published_host(l),
        .pos = s->pos,
    };
    node->run.port_count = 1;
    node->run.ready =
        (struct plan_probe){.kind = PLAN_PROBE_HTTP, .endpoint = "http", .http_path = kind->health};
}

static void show(struct lower *l, const struct plan_node *node, const struct model_sidecar *s)
{
    struct text_builder b = {.arena = l->arena};
    struct address address = {
        .host = node->run.ports[0].host, .port = s->host_port, .node = node->id, .endpoint = "http"};
    text_literal(&b, "http://");
    text_address(&b, &address);
    l->plan->resources[l->plan->resource_count++] = (struct plan_resource){
        .name = node->resource,
        .kind = MODEL_CONTAINER,
        .node = node->id,
        .display = text_finish(&b),
        .optional = true,
        .pos = s->pos,
    };
}

static void add_sidecar(struct lower *l, const struct sidecar_kind *kind, const struct model_sidecar *s)
{
    const char *name = s->name;
    if (!name)
        name = kind->name;
    struct model_resource as = {.name = name, .kind = MODEL_CONTAINER, .pos = s->pos};
    struct plan_node *node = lower_add_node(l, PLAN_CONTAINER, name, name);
    struct consumer c = {.resource = &as, .in_container = true, .is_sidecar = true, .node = node};
    struct environment e = {0};

    l->sidecars++;
    lower_container_base(l, node, &as, text_or(s->image, kind->image));
    node->sidecar = true;
    node->run.init = true;
    node->run.restart.when = MODEL_RESTART_ALWAYS;
    node->run.restart.max_retries = -1;
    kind->configure(l, &c, &e);
    if (s->accept_eula)
        environment_set(l, &e, "RI_ACCEPT_TERMS_AND_CONDITIONS", text_of(l->arena, "true"));
    node->run.environment = e.items;
    node->run.environment_count = e.count;
    node->run.ephemeral = !s->data;
    add_port(l, node, kind, s);
    add_waits(l, node);

    if (s->data) {
        node->run.mounts = arena_alloc(l->arena, sizeof *node->run.mounts);
        lower_mount(l, node, s->data);
    }
    show(l, node, s);
}

void lower_sidecars(struct lower *l)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct model_sidecar merged;
        if (merge(l, &kinds[i], &merged))
            add_sidecar(l, &kinds[i], &merged);
    }
}
