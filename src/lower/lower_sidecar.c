/* Redis Insight and Redis Commander: one each for all servers of a project that ask for one.
 *
 * Requests are merged; the manifest room has refused those that contradict each other. They wait until their
 * servers answer or have failed (one failed server does not fail them; Commander gives up on one that does
 * not listen yet), never hold up `up`, and get every server that a container can reach. Commander is
 * configured by NODE_CONFIG, which takes any password and TLS (REDIS_HOSTS breaks on ':' ',' '"' '\' and
 * blanks); Insight by numbered variables. Several servers that are one: Commander is told all nodes of a
 * cluster, or the sentinels, Insight one node of a cluster; what they do not follow has an entry a node. */
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

/* How many of a server's nodes have an entry each; 0: one is for the whole. */
static int entry_count(const struct model_resource *server, bool knows_sentinels)
{
    const struct model_topology *topology = model_topology(server);
    if (!topology || topology->kind == MODEL_TOPOLOGY_CLUSTER)
        return 0;
    if (topology->sentinels && knows_sentinels)
        return 0;
    return model_data_nodes(topology);
}

static void add_place(struct lower *l, struct consumer *c, const struct model_resource *server,
                      struct text_builder *b)
{
    struct address address;
    lower_address(l, c, server, NULL, &address);
    text_literal(b, "\"host\":\"");
    text_address_host(b, &address);
    text_literal(b, "\",\"port\":\"");
    text_address_port(b, &address);
    text_literal(b, "\"");
}

/* What finds the others by itself: a list of those that may be asked. */
static void add_places(struct lower *l, struct consumer c, const struct model_resource *server,
                       struct text_builder *b)
{
    const struct model_topology *topology = model_topology(server);
    int first = 1, last = model_replica_count(server);
    if (topology->sentinels)
        first = model_data_nodes(topology) + 1;
    text_literal(b, text_pick(topology->sentinels, "\"sentinels\":[", "\"clusters\":["));
    for (int i = first; i <= last; i++) {
        c.target_replica = i;
        text_literal(b, text_pick(i > first, ",{", "{"));
        add_place(l, &c, server, b);
        text_literal(b, "}");
    }
    text_literal(b, "]");
}

static void add_json_password(struct lower *l, const struct model_resource *server, const char *member,
                              struct text_builder *b)
{
    const char *password = lower_password(l, server);
    text_literal(b, ",\"");
    text_literal(b, member);
    text_literal(b, "\":\"");
    if (password)
        text_secret(b, password, PLAN_FILTER_JSON);
    text_literal(b, "\"");
}

static void add_json_tls(struct lower *l, const struct model_resource *server, const char *member,
                         struct text_builder *b)
{
    if (!server->redis.tls.on)
        return;
    text_literal(b, ",\"");
    text_literal(b, member);
    text_literal(b, "\":{\"servername\":\"");
    text_literal(b, server->name);
    text_literal(b, "\",\"ca\":\"");
    text_secret(b, arena_printf(l->arena, "%s-tls-ca", server->name), PLAN_FILTER_JSON);
    text_literal(b, "\"}");
}

static void add_sentinel_members(struct lower *l, const struct model_resource *server, struct text_builder *b)
{
    const struct model_topology *topology = model_topology(server);
    if (!topology || !topology->sentinels)
        return;
    text_literal(b, ",\"sentinelName\":\"");
    text_literal(b, topology->primary_name);
    text_literal(b, "\"");
    add_json_password(l, server, "sentinelPassword", b);
    add_json_tls(l, server, "sentinelTLS", b);
}

/* replica: whose entry it is; 0: the whole server's. */
static void add_connection(struct lower *l, struct consumer c, const struct model_resource *server,
                           int replica, struct text_builder *b)
{
    c.target_replica = replica;
    text_literal(b, "{\"label\":\"");
    text_literal(b, lower_replica_name(l, server, replica));
    text_literal(b, "\",");
    if (model_topology(server) && !replica)
        add_places(l, c, server, b);
    else
        add_place(l, &c, server, b);
    text_literal(b, ",\"dbIndex\":0");

    add_json_password(l, server, "password", b);
    if (!replica)
        add_sentinel_members(l, server, b);
    add_json_tls(l, server, "tls", b);
    text_literal(b, "}");
}

static void configure_commander(struct lower *l, struct consumer *c, struct environment *e)
{
    struct text_builder b = {.arena = l->arena};
    bool first = true;
    text_literal(&b, "{\"connections\":[");

    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *server = &l->model->resources[i];
        if (!is_shown(server))
            continue;
        int count = entry_count(server, true);
        for (int n = count > 0; n <= count; n++) {
            text_literal(&b, text_if(!first, ","));
            add_connection(l, *c, server, n, &b);
            first = false;
        }
    }

    text_literal(&b, "]}");
    environment_set(l, e, "NODE_CONFIG", text_finish(&b));
}

static void set_numbered(struct lower *l, struct environment *e, const char *what, int number,
                         struct text_builder *value)
{
    cleanup_free char *name = xasprintf("RI_REDIS_%s%d", what, number);
    environment_set(l, e, name, text_finish(value));
}

static void set_literal(struct lower *l, struct environment *e, const char *what, int number,
                        const char *value)
{
    struct text_builder b = {.arena = l->arena};
    text_literal(&b, value);
    set_numbered(l, e, what, number, &b);
}

static void set_secret(struct lower *l, struct environment *e, const char *what, int number,
                       const struct plan_part *secret)
{
    struct text_builder b = {.arena = l->arena};
    text_secret(&b, secret->text, secret->filter);
    set_numbered(l, e, what, number, &b);
}

/* Of a cluster any node will do: Insight finds the others. */
static void add_insight(struct lower *l, struct consumer *c, const struct model_resource *server, int number,
                        struct environment *e)
{
    struct text_builder host = {.arena = l->arena}, port = {.arena = l->arena};
    struct address address;
    const char *password = lower_password(l, server);
    lower_address(l, c, server, NULL, &address);
    text_address_host(&host, &address);
    text_address_port(&port, &address);
    set_numbered(l, e, "HOST", number, &host);
    set_numbered(l, e, "PORT", number, &port);
    set_literal(l, e, "ALIAS", number, lower_replica_name(l, server, c->target_replica));
    if (password)
        set_secret(l, e, "PASSWORD", number, &(struct plan_part){.text = password});
    if (!server->redis.tls.on)
        return;

    const struct plan_part ca = {.text = arena_printf(l->arena, "%s-tls-ca", server->name),
                                 .filter = PLAN_FILTER_BASE64};
    set_literal(l, e, "TLS", number, "true");
    set_secret(l, e, "TLS_CA_BASE64", number, &ca);
}

static void configure_insight(struct lower *l, struct consumer *c, struct environment *e)
{
    struct consumer own = *c;
    int number = 0;
    for (size_t i = 0; i < l->model->resource_count; i++) {
        const struct model_resource *server = &l->model->resources[i];
        if (!is_shown(server))
            continue;
        int count = entry_count(server, false);
        for (int n = count > 0; n <= count; n++) {
            own.target_replica = n;
            add_insight(l, &own, server, ++number, e);
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
