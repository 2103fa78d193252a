/* Every field of the manifest, and what becomes of it on each target: the one table that reports, refusals
 * and the manual page apphost-publish(7) are made of. A test walks the manifest's own tables and finds each
 * field here.
 *
 * A row with `given` is told of where a resource has it: refused fields are problems, changed ones are notes,
 * with the row's words. Rows without one are told of where they matter (an image that a process needs). */
#include "deployment/internal.h"

#include <signal.h>
#include <string.h>

/* ---- where a field stands ---- */

static const struct model_pos *when(bool is_given, const struct model_pos *pos,
                                    const struct model_resource *resource)
{
    if (!is_given)
        return NULL;
    if (!pos->line)
        return &resource->pos;
    return pos;
}

/* A row's `given`, where it is one expression about the resource `r`; and where that stands in the resource.
 */
#define GIVEN_AT(name, is_given, where)                                                                      \
    static const struct model_pos *name(const struct model_resource *r)                                      \
    {                                                                                                        \
        return when(is_given, &r->where, r);                                                                 \
    }
#define GIVEN(name, is_given) GIVEN_AT(name, is_given, pos)

GIVEN(has_lifetime, r->lifetime != MODEL_SESSION)
GIVEN(has_mask, r->mask)
GIVEN(has_pull, r->pull != MODEL_PULL_MISSING)
GIVEN(has_stop_signal, r->stop.signal && r->stop.signal != SIGTERM)
GIVEN_AT(has_log_ready, r->ready.kind == MODEL_READY_LOG, ready.pos)
GIVEN(has_host_port, r->redis.host_port && !r->publish.expose)
GIVEN(has_host_network, r->redis.host_network)
GIVEN(has_seed, r->redis.seed_count > 0)
GIVEN_AT(has_insight, r->redis.insight.on, redis.insight.pos)
GIVEN_AT(has_commander, r->redis.commander.on, redis.commander.pos)
GIVEN(has_watch, r->process.watch_count > 0)
GIVEN(has_check, r->connection.check)
GIVEN_AT(has_external_ready, r->ready.kind != MODEL_READY_DEFAULT, ready.pos)
GIVEN_AT(has_placement, r->publish.placement != NULL, publish.placement_pos)

static const struct model_pos *has_user_name(const struct model_resource *r)
{
    bool is_name = r->user && strspn(r->user, "0123456789:") != strlen(r->user);
    return when(is_name, &r->pos, r);
}

static const struct model_pos *has_labels(const struct model_resource *r)
{
    if (!r->label_count)
        return NULL;
    return when(true, &r->labels[0].pos, r);
}

static const struct model_pos *has_bind_data(const struct model_resource *r)
{
    const struct model_mount *data = r->redis.data;
    if (!data)
        return NULL;
    return when(!data->is_volume, &data->pos, r);
}

/* Of the kind that is asked for, or NULL. */
static const struct model_pos *has_topology(const struct model_resource *r, enum model_topology_kind kind)
{
    const struct model_topology *topology = model_topology(r);
    return when(topology && topology->kind == kind, &r->redis.topology.pos, r);
}

static const struct model_pos *has_replication(const struct model_resource *r)
{
    return has_topology(r, MODEL_TOPOLOGY_REPLICATION);
}

static const struct model_pos *has_cluster(const struct model_resource *r)
{
    return has_topology(r, MODEL_TOPOLOGY_CLUSTER);
}

static const struct model_pos *has_sentinel(const struct model_resource *r)
{
    return has_topology(r, MODEL_TOPOLOGY_SENTINEL);
}

static const struct model_pos *has_exit_codes(const struct model_resource *r)
{
    bool is_zero = r->process.success_count == 1 && r->process.success_exit_codes[0] == 0;
    return when(r->process.success_count && !is_zero, &r->pos, r);
}

static const struct model_pos *has_fixed_port(const struct model_resource *r)
{
    for (size_t i = 0; i < r->endpoint_count && !r->publish.expose; i++)
        if (r->endpoints[i].port)
            return when(true, &r->endpoints[i].pos, r);
    return NULL;
}

static const struct model_pos *has_bind_mount(const struct model_resource *r)
{
    for (size_t i = 0; i < r->container.mount_count; i++)
        if (!r->container.mounts[i].is_volume)
            return when(true, &r->container.mounts[i].pos, r);
    return NULL;
}

static const struct model_pos *has_gateway(const struct model_resource *r)
{
    bool is_there = false;
    for (size_t i = 0; i < r->container.extra_host_count; i++)
        is_there |= str_ends(r->container.extra_hosts[i], ":host-gateway");
    return when(is_there, &r->pos, r);
}

/* ---- the table ---- */

#define EVERYWHERE(fate)                                                                                     \
    {                                                                                                        \
        fate, fate, fate                                                                                     \
    }
#define KEPT EVERYWHERE(DEPLOYMENT_KEPT)
#define CHANGED EVERYWHERE(DEPLOYMENT_CHANGED)
#define REFUSED EVERYWHERE(DEPLOYMENT_REFUSED)
#define NOT_KUBERNETES(fate)                                                                                 \
    {                                                                                                        \
        DEPLOYMENT_KEPT, DEPLOYMENT_KEPT, fate                                                               \
    }
#define ONLY_COMPOSE(fate)                                                                                   \
    {                                                                                                        \
        DEPLOYMENT_KEPT, fate, fate                                                                          \
    }

static const char local_only[] = "it is about this machine, and has no meaning there";
static const char by_address[] = "its nodes know each other by addresses, which change there, and nobody is "
                                 "there to tell them: take it away "
                                 "by an override file, or have `replication`";
static const char one_port[] = "a published port is for `publish: {expose: true}` to ask for";

static const struct deployment_field fields[] = {
    {"manifest", "name", KEPT, "the project; of compose, and the namespace of labels", NULL},
    {"manifest", "parameters", KEPT, "values are settled when it is published", NULL},
    {"manifest", "resources", KEPT, NULL, NULL},
    {"manifest", "engine", CHANGED, "the target is the engine", NULL},
    {"manifest", "env_file", KEPT, "values are settled when it is published", NULL},
    {"manifest", "profiles", KEPT, "what is off is left out", NULL},
    {"manifest", "dashboard", CHANGED, local_only, NULL},
    {"manifest", "telemetry", KEPT, "consumers get the same address", NULL},

    {"common", "type", KEPT, NULL, NULL},
    {"common", "profiles", KEPT, "what is off is left out", NULL},
    {"common", "start", CHANGED, "manual: a profile `manual` of compose, else without replicas", NULL},
    {"common", "optional", CHANGED, "nobody waits for what may fail", NULL},
    {"running", "environment", KEPT, "values with secrets come from .env, a file or a Secret", NULL},
    {"running", "wait_for", KEPT,
     "Kubernetes: an init container waits for servers; others find out by themselves", NULL},
    {"running", "restart", CHANGED, "what ends there is started again, but tasks", NULL},
    {"running", "stop", NOT_KUBERNETES(DEPLOYMENT_CHANGED), "Kubernetes sends the image's signal, else TERM",
     has_stop_signal},
    {"running", "mask", CHANGED, "the engine's logs are as the program writes them", has_mask},
    {"running", "publish", KEPT, NULL, NULL},
    {"hosted",
     "pull",
     {DEPLOYMENT_KEPT, DEPLOYMENT_CHANGED, DEPLOYMENT_KEPT},
     "Swarm asks the registry before each task",
     has_pull},
    {"hosted", "lifetime", CHANGED, "all that is deployed stays", has_lifetime},
    {"hosted", "memory", KEPT, NULL, NULL},
    {"hosted", "user", NOT_KUBERNETES(DEPLOYMENT_REFUSED),
     "Kubernetes knows numbers only, such as \"999:999\"", has_user_name},
    {"hosted", "labels", NOT_KUBERNETES(DEPLOYMENT_CHANGED), "they are annotations there", has_labels},

    {"server", "host_port", ONLY_COMPOSE(DEPLOYMENT_CHANGED), one_port, has_host_port},
    {"server", "bind_address", ONLY_COMPOSE(DEPLOYMENT_CHANGED), one_port, NULL},
    {"server", "password", KEPT, "a file or a Secret; a generated one is another than locally, and stays",
     NULL},
    {"server", "data_volume", KEPT, "Kubernetes: a claim that outlives its StatefulSet", NULL},
    {"server",
     "data_bind_mount",
     {DEPLOYMENT_KEPT, DEPLOYMENT_KEPT, DEPLOYMENT_REFUSED},
     "a folder of one machine is none of a cluster's; take `data_volume`",
     has_bind_data},
    {"server", "persistence", KEPT, NULL, NULL},
    {"server", "config", KEPT, NULL, NULL},
    {"server", "tls", KEPT, "the development certificate is refused", NULL},
    {"server", "insight", KEPT, "compose: a profile `tools`; elsewhere with --with-tools", has_insight},
    {"server", "commander", KEPT, "compose: a profile `tools`; elsewhere with --with-tools", has_commander},
    {"server", "network", CHANGED, "the host's network is this machine's: it gets one of its own",
     has_host_network},
    {"server", "seed", REFUSED,
     "nobody is there to send the commands; take it away for this by an override file", has_seed},
    {"server", "replication", KEPT,
     "a service for each node, on Kubernetes a StatefulSet of them; the first is the primary, and none takes "
     "its "
     "place",
     has_replication},
    {"server", "cluster", REFUSED, by_address, has_cluster},
    {"server", "sentinel", REFUSED, by_address, has_sentinel},
    {"server", "users", KEPT, "in the server's configuration; Garnet's are refused", NULL},
    {"server", "ready", KEPT, "the health check, or the probes", NULL},
    {"redis", "image", KEPT, NULL, NULL},
    {"valkey", "image", KEPT, NULL, NULL},
    {"garnet", "image", KEPT, NULL, NULL},

    {"connection-string", "value", KEPT, NULL, NULL},
    {"connection-string", "check", CHANGED, "nobody asks it before consumers do", has_check},

    {"process", "command", CHANGED, "the image's, or `publish: {command}`", NULL},
    {"process", "shell", CHANGED, "the image's, or `publish: {command}`", NULL},
    {"process", "working_dir", CHANGED, "the image's", NULL},
    {"process", "env_file", KEPT, NULL, NULL},
    {"process", "references", KEPT, "the same variables, with the target's addresses", NULL},
    {"process", "endpoints", KEPT, "with the port inside; published only with a number, by compose", NULL},
    {"process", "ready", CHANGED, "a log pattern has no counterpart: running is ready", has_log_ready},
    {"process", "success_exit_codes", REFUSED, "only 0 is success there", has_exit_codes},
    {"process", "task", KEPT, "a one-shot service; a job", NULL},
    {"process", "stdin", CHANGED, "nobody is there: it has ended from the start", NULL},
    {"process", "replicas", KEPT, "under one name, which the target balances", NULL},
    {"process", "watch", CHANGED, local_only, has_watch},

    {"container", "image", KEPT, NULL, NULL},
    {"container", "entrypoint", KEPT, NULL, NULL},
    {"container", "command", KEPT, NULL, NULL},
    {"container", "init", NOT_KUBERNETES(DEPLOYMENT_CHANGED), "Kubernetes has none", NULL},
    {"container", "working_dir", KEPT, NULL, NULL},
    {"container", "env_file", KEPT, NULL, NULL},
    {"container", "references", KEPT, "the same variables, with the target's addresses", NULL},
    {"container", "endpoints", ONLY_COMPOSE(DEPLOYMENT_CHANGED), one_port, has_fixed_port},
    {"container", "ready", CHANGED, "a log pattern has no counterpart: running is ready", has_log_ready},
    {"container", "volumes", KEPT, NULL, NULL},
    {"container",
     "bind_mounts",
     {DEPLOYMENT_KEPT, DEPLOYMENT_KEPT, DEPLOYMENT_REFUSED},
     "a folder of one machine is none of a cluster's; take a volume",
     has_bind_mount},
    {"container", "tmpfs", KEPT, NULL, NULL},
    {"container", "platform", KEPT, NULL, NULL},
    {"container", "extra_hosts", NOT_KUBERNETES(DEPLOYMENT_REFUSED),
     "a pod's hosts have addresses: it knows no `host-gateway`", has_gateway},
    {"container", "connection_string", KEPT, NULL, NULL},

    {"external", "url", KEPT, NULL, NULL},
    {"external", "ready", CHANGED, "nobody asks it before consumers do", has_external_ready},

    {"publish", "image", KEPT, NULL, NULL},
    {"publish", "build", ONLY_COMPOSE(DEPLOYMENT_REFUSED), "only compose builds", NULL},
    {"publish", "dockerfile", ONLY_COMPOSE(DEPLOYMENT_REFUSED), "only compose builds", NULL},
    {"publish", "command", KEPT, NULL, NULL},
    {"publish", "ports", KEPT, NULL, NULL},
    {"publish", "replicas", KEPT, "refused with data", NULL},
    {"publish", "expose", KEPT, NULL, NULL},
    {"publish",
     "placement",
     {DEPLOYMENT_CHANGED, DEPLOYMENT_KEPT, DEPLOYMENT_CHANGED},
     "it is Swarm's alone",
     has_placement},
    {NULL, NULL, KEPT, NULL, NULL},
};

const struct deployment_field *deployment_fields(void)
{
    return fields;
}
