/* How another engine finds out that a service is ready. It has nobody but programs inside of the container to
 * ask, so what a probe is here becomes a line for the container's shell there, where the target needs one.
 *
 * A server answers by its own client: the text counts, since that program ends well on refused passwords too,
 * and no grep, which small images do not have. Alive is whoever answers anything: who is loading says so. */
#include "deployment/internal.h"
#include "base/pick.h"

enum {
    INTERVAL_MS = 2000,
    TIMEOUT_MS = 3000,
    RETRIES = 10,
    START_MS = 120 * 1000,
    LOADING_MS = 600 * 1000, /* a server with data reads all of it first */
};

static const char *find_file(const struct deployment_service *service, const char *suffix)
{
    for (size_t i = 0; i < service->file_count; i++)
        if (str_ends(service->files[i].name, suffix))
            return service->files[i].path;
    return NULL;
}

static const char *client_of(struct lowering *l, const struct deployment_service *service, bool is_tls)
{
    const char *program = "redis-cli", *password = find_file(service, "-password");
    const char *before = "", *options = "";
    if (service->kind == MODEL_VALKEY)
        program = "valkey-cli";
    if (password)
        before = arena_printf(l->arena, "REDISCLI_AUTH=\"$(cat %s)\" ", password);
    if (is_tls)
        options = " --tls --insecure";
    return arena_printf(l->arena, "%s%s%s", before, program, options);
}

/* Garnet's image has no client, but it has bash. */
static void add_garnet(struct lowering *l, struct deployment_check *check)
{
    check->shell = check->alive =
        arena_printf(l->arena, "exec bash -c ':</dev/tcp/127.0.0.1/%d'", check->port);
}

static void add_ping(struct lowering *l, struct deployment_service *service, const struct plan_node *node)
{
    struct deployment_check *check = &service->check;
    const char *client = client_of(l, service, node->run.ready.tls);
    check->kind = DEPLOYMENT_CHECK_PING;
    check->is_tls = node->run.ready.tls;
    check->start_ms = START_MS;
    if (service->has_data)
        check->start_ms = LOADING_MS;
    check->shell = arena_printf(l->arena, "[ \"$(%s ping)\" = PONG ]", client);
    check->alive = arena_printf(l->arena, "%s ping >/dev/null", client);
    if (service->node_of)
        check->shell = lowering_node_check(l, check->shell, client);
    if (service->kind == MODEL_GARNET)
        add_garnet(l, check);
}

static int port_of(const struct deployment_service *service, const char *endpoint)
{
    for (size_t i = 0; i < service->port_count; i++)
        if (!endpoint || str_eq(service->ports[i].name, endpoint))
            return service->ports[i].inside;
    return 0;
}

static void add_http(struct lowering *l, struct deployment_check *check, const struct plan_probe *probe)
{
    const char *path = text_or(probe->http_path, "/");
    check->kind = DEPLOYMENT_CHECK_HTTP;
    check->http_path = path;
    check->http_status = probe->http_status;
    check->shell = arena_printf(
        l->arena,
        "wget -q -O /dev/null 'http://127.0.0.1:%d%s' || curl -fsS -o /dev/null 'http://127.0.0.1:%d%s'",
        check->port, path, check->port, path);
}

static void add_tcp(struct lowering *l, struct deployment_check *check)
{
    check->kind = DEPLOYMENT_CHECK_TCP;
    check->shell = arena_printf(l->arena, "nc -z 127.0.0.1 %d || bash -c ':</dev/tcp/127.0.0.1/%d'",
                                check->port, check->port);
}

/* Nothing was said: the image's own check, which Kubernetes does not know. */
static void add_default(struct lowering *l, struct deployment_check *check)
{
    check->kind = DEPLOYMENT_CHECK_IMAGE;
    if (l->options->target != DEPLOYMENT_KUBERNETES)
        return;
    check->kind = DEPLOYMENT_CHECK_NONE;
    if (check->port)
        check->kind = DEPLOYMENT_CHECK_TCP;
}

static void say_what_is_needed(struct lowering *l, const struct deployment_service *service)
{
    const char *programs = "nc or bash";
    if (l->options->target == DEPLOYMENT_KUBERNETES || service->is_sidecar)
        return;
    if (service->check.kind == DEPLOYMENT_CHECK_HTTP)
        programs = "wget or curl";
    else if (service->check.kind != DEPLOYMENT_CHECK_TCP)
        return;
    lowering_note(l, &service->pos,
                  "whether \"%s\" is ready is asked inside of its container: its image needs %s",
                  service->name, programs);
}

/* A tool holds nobody up. */
static bool is_unasked(const struct deployment_service *service)
{
    return service->is_task || service->is_sidecar;
}

void lowering_add_check(struct lowering *l, struct deployment_service *service, const struct plan_node *node)
{
    const struct plan_probe *probe = &node->run.ready;
    struct deployment_check *check = &service->check;
    *check = (struct deployment_check){
        .interval_ms = INTERVAL_MS, .timeout_ms = TIMEOUT_MS, .retries = RETRIES, .start_ms = START_MS};
    if (is_unasked(service))
        return;
    check->port = port_of(service, probe->endpoint);

    if (probe->kind == PLAN_PROBE_PING)
        add_ping(l, service, node);
    else if (probe->kind == PLAN_PROBE_HTTP)
        add_http(l, check, probe);
    else if (probe->kind == PLAN_PROBE_TCP)
        add_tcp(l, check);
    else if (probe->kind == PLAN_PROBE_IMAGE_HEALTH)
        add_default(l, check);
    else if (probe->kind == PLAN_PROBE_EXEC)
        check->kind = DEPLOYMENT_CHECK_EXEC;
    check->exec = probe->exec;
    if (probe->interval_ms > 0)
        check->interval_ms = probe->interval_ms;
    if (probe->timeout_ms > 0)
        check->start_ms = probe->timeout_ms;
    say_what_is_needed(l, service);
}
