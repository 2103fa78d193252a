/* A service as JSON of the Engine API: its tasks' container, where they run, how they are replaced.
 *
 * What holds data is stopped before the new one starts: two servers on one file lose what was acknowledged.
 * So is what has a port of the node, because there is one of it. Everything else starts first. A failed
 * update goes back by itself. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { MONITOR_MS = 5000, RESTART_MS = 2000, MS = 1000000 };

static bool has_outside_port(const struct deployment_service *service)
{
    for (size_t i = 0; i < service->port_count; i++)
        if (service->ports[i].outside)
            return true;
    return false;
}

static const char *order_of(const struct deployment_service *service)
{
    if (service->has_data || service->is_server || has_outside_port(service))
        return "stop-first";
    return "start-first";
}

static void add_update(cJSON *body, const char *key, const char *order, const char *on_failure)
{
    cJSON *update = json_add_object(body, key);
    json_add_int(update, "Parallelism", 1);
    json_add_string(update, "Order", order);
    json_add_string(update, "FailureAction", on_failure);
    json_add_int(update, "Monitor", (int64_t)MONITOR_MS * MS);
    json_add_int(update, "MaxFailureRatio", 0);
}

/* ---- where ---- */

/* "node.labels.a==b" as it stands; else it is a node's name. */
static void add_constraint(cJSON *constraints, const char *placement)
{
    cleanup_free char *text = NULL;
    if (strstr(placement, "==") || strstr(placement, "!="))
        text = xstrdup(placement);
    else
        text = xasprintf("node.hostname==%s", placement);
    cJSON_AddItemToArray(constraints, cJSON_CreateString(text));
}

/* "linux/arm64": nodes have the kernel's names of processors. */
static void add_platform(cJSON *constraints, const char *platform)
{
    static const char *const names[][2] = {{"amd64", "x86_64"}, {"arm64", "aarch64"}, {"386", "i686"}};
    const char *slash = strchr(text_or_empty(platform), '/');
    if (!slash)
        return;
    cleanup_free char *arch = xstrndup(slash + 1, strcspn(slash + 1, "/"));
    const char *name = arch;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq(arch, names[i][0]))
            name = names[i][1];
    cleanup_free char *text = xasprintf("node.platform.arch==%s", name);
    cJSON_AddItemToArray(constraints, cJSON_CreateString(text));
}

static void add_placement(cJSON *task, const struct deployment *d, const struct deployment_service *service)
{
    cJSON *constraints = json_add_array(json_add_object(task, "Placement"), "Constraints");
    add_platform(constraints, service->platform);
    if (service->placement) {
        add_constraint(constraints, service->placement);
        return;
    }
    for (size_t i = 0; i < service->mount_count; i++) {
        if (!service->mounts[i].is_volume)
            continue;
        cleanup_free char *volume = swarm_volume_name(d, service->mounts[i].source);
        cleanup_free char *label = swarm_volume_label(volume);
        cleanup_free char *text = xasprintf("node.labels.%s==true", label);
        cJSON_AddItemToArray(constraints, cJSON_CreateString(text));
    }
}

static void add_network(cJSON *task, const struct deployment_service *service, const char *network)
{
    cJSON *attached = cJSON_CreateObject();
    cJSON_AddItemToArray(json_add_array(task, "Networks"), attached);
    json_add_string(attached, "Target", network);
    cJSON_AddItemToArray(json_add_array(attached, "Aliases"), cJSON_CreateString(service->name));
}

/* ---- how ---- */

/* What ends is started again, on another node where its own is gone. A task, when it failed and may. */
static const char *restart_condition(const struct deployment_service *service)
{
    bool is_never = service->restart.when == MODEL_RESTART_NEVER;
    bool is_on_failure = service->restart.when == MODEL_RESTART_ON_FAILURE && !service->is_server;
    if (service->is_task && is_never)
        return "none";
    if (service->is_task || is_on_failure)
        return "on-failure";
    return "any";
}

static void add_restart(cJSON *task, const struct deployment_service *service)
{
    cJSON *policy = json_add_object(task, "RestartPolicy");
    json_add_string(policy, "Condition", restart_condition(service));
    json_add_int(policy, "Delay", int64_max(service->restart.backoff_ms, RESTART_MS) * MS);
    if (service->restart.max_retries > 0 && !service->is_server)
        json_add_int(policy, "MaxAttempts", service->restart.max_retries);
}

static void add_mode(cJSON *body, const struct deployment_service *service)
{
    cJSON *mode = json_add_object(body, "Mode");
    if (service->is_task) {
        cJSON *job = json_add_object(mode, "ReplicatedJob");
        json_add_int(job, "MaxConcurrent", service->replicas);
        json_add_int(job, "TotalCompletions", service->replicas);
        return;
    }
    int replicas = service->replicas;
    if (service->is_manual)
        replicas = 0;
    json_add_int(json_add_object(mode, "Replicated"), "Replicas", replicas);
    add_update(body, "UpdateConfig", order_of(service), "rollback");
    add_update(body, "RollbackConfig", order_of(service), "pause");
}

/* A swarm publishes on all interfaces of the node: only what was asked for. */
static void add_endpoint(cJSON *body, const struct deployment_service *service)
{
    cJSON *endpoint = json_add_object(body, "EndpointSpec");
    json_add_string(endpoint, "Mode", "dnsrr");
    if (!has_outside_port(service))
        return;

    cJSON *ports = json_add_array(endpoint, "Ports");
    for (size_t i = 0; i < service->port_count; i++) {
        const struct deployment_port *port = &service->ports[i];
        if (!port->outside)
            continue;
        cJSON *object = cJSON_CreateObject();
        cJSON_AddItemToArray(ports, object);
        json_add_string(object, "Protocol", "tcp");
        json_add_int(object, "TargetPort", port->inside);
        json_add_int(object, "PublishedPort", port->outside);
        json_add_string(object, "PublishMode", "host");
    }
}

static void add_task(cJSON *body, const struct deployment *d, const struct deployment_service *service,
                     const struct swarm_parts *parts)
{
    cJSON *task = json_add_object(body, "TaskTemplate");
    cJSON_AddItemToObject(task, "ContainerSpec", swarm_container_spec(d, service, parts));
    if (service->memory)
        json_add_int(json_add_object(json_add_object(task, "Resources"), "Limits"), "MemoryBytes",
                     service->memory);
    add_restart(task, service);
    add_placement(task, d, service);
    add_network(task, service, parts->network);
}

cJSON *swarm_service_body(const struct deployment *d, const struct deployment_service *service,
                          const struct swarm_parts *parts)
{
    char digest[17], key[17];
    struct swarm_parts all = *parts;
    deployment_service_digest(d, service, digest);
    swarm_key_id(d->key, key);
    all.digest = digest;

    cJSON *body = cJSON_CreateObject();
    cleanup_free char *name = swarm_name(d->project, service->name);
    json_add_string(body, "Name", name);
    cJSON *labels = swarm_labels(d->project, service->name);
    json_add_string(labels, SWARM_HASH, digest);
    json_add_string(labels, SWARM_KEY, key);
    json_add_string(labels, SWARM_TURN, parts->turn);
    cJSON_AddItemToObject(body, "Labels", labels);
    add_task(body, d, service, &all);
    add_mode(body, service);
    add_endpoint(body, service);
    return body;
}
