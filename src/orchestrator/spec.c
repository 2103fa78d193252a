/* The body of a container's create call, made from a specification and its resolved values.
 *
 * HostIp is always written (left out, the engine publishes on all interfaces), the image's own health check
 * is switched off unless it is the probe (it costs half a core for ten containers), the log is bounded, and
 * mounts are `Mounts`, which refuse a missing source, not `Binds`, which make a folder as root. Facts:
 * Engine 20.10, API 1.41. */
#include "orchestrator/internal.h"

#include "base/mem.h"
#include "base/ours.h"
#include "base/signals.h"
#include "machine/self.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_STOP_S = 10 };

cJSON *spec_labels(const struct node *node, const char *digest)
{
    const struct orchestrator *o = node->o;
    const struct plan *plan = node->origin->plan;
    const struct plan_run *run = &node->spec->run;
    cJSON *labels = cJSON_CreateObject();
    for (size_t i = 0; i < run->label_count; i++)
        json_add_string(labels, run->labels[i].name, run->labels[i].value);

    char uid[16];
    snprintf(uid, sizeof uid, "%u", (unsigned)getuid());
    json_add_string(labels, LABEL_PROJECT, plan->project);
    json_add_string(labels, LABEL_PROJECT_HASH, plan->project_hash);
    json_add_string(labels, LABEL_RESOURCE, node->resource);
    json_add_string(labels, LABEL_NODE, node->id);
    json_add_string(labels, LABEL_KIND, node->kind->name);
    json_add_string(labels, LABEL_SPEC_HASH, node->spec->spec_hash);
    json_add_string(labels, LABEL_HASH_VERSION, HASH_VERSION);
    json_add_string(labels, LABEL_SESSION, o->services.session);
    json_add_string(labels, LABEL_LIFETIME, text_pick(run->persistent, "persistent", "session"));
    json_add_string(labels, LABEL_UID, uid);

    /* Whose it is, when its project's folder has moved or another user comes. */
    if (node->kind->holds_data || node->kind->at_engine) {
        cleanup_free char *container = machine_container_id(), *outside = NULL;
        if (container)
            outside = machine_bound_from(plan->manifest_file);
        json_add_string(labels, LABEL_MANIFEST, plan->manifest_file);
        json_add_string(labels, LABEL_CONTAINER, container); /* in which the manifest's path is a path */
        json_add_string(labels, LABEL_MANIFEST_OUTSIDE, outside);
    }
    if (!digest)
        return labels;

    /* For those who do not see our state folder or our processes; who owns is still the lock. */
    cleanup_free char *owner = xasprintf("%ld %s", (long)getpid(), state_path(o->services.state));
    json_add_string(labels, LABEL_OWNER, owner);
    cleanup_free char *values = xasprintf("%s.%s", o->digest_key_id, digest), *ports = ports_label(node);
    json_add_string(labels, LABEL_VALUES, values);
    if (*ports)
        json_add_string(labels, LABEL_PORTS, ports);
    if (run->ephemeral)
        json_add_string(labels, LABEL_EPHEMERAL, "true");
    return labels;
}

static void add_list(cJSON *body, const char *key, struct strlist *list)
{
    if (list->count)
        json_add_strings(body, key, list);
}

static void add_command(cJSON *body, struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    cleanup_strlist struct strlist environment = {0}, entrypoint = {0}, command = {0};
    values_environment(node, &environment);
    values_list(node, run->entrypoint, run->entrypoint_count, &entrypoint);
    values_list(node, run->command, run->command_count, &command);
    add_list(body, "Env", &environment);
    add_list(body, "Entrypoint", &entrypoint);
    add_list(body, "Cmd", &command);
    for (size_t i = 0; i < environment.count; i++)
        mem_wipe(environment.items[i], strlen(environment.items[i]));
}

/* One for every place where the port may be looked for. */
static void add_bindings(cJSON *list, const struct node *node, size_t index)
{
    const struct plan_port *port = &node->spec->run.ports[index];
    char outside[16];
    snprintf(outside, sizeof outside, "%d", node->ports[index].host_port);
    for (int i = 0; i < place_count(node->o, port); i++) {
        cJSON *binding = cJSON_CreateObject();
        json_add_string(binding, "HostIp", place_bind(node->o, port, i));
        json_add_string(binding, "HostPort", outside);
        cJSON_AddItemToArray(list, binding);
    }
}

static void add_ports(cJSON *body, cJSON *host, const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    if (run->host_network || !run->port_count)
        return;

    cJSON *exposed = json_add_object(body, "ExposedPorts"), *bindings = json_add_object(host, "PortBindings");
    for (size_t i = 0; i < run->port_count; i++) {
        char inside[32];
        int target = run->ports[i].target_port;
        if (!target)
            target = node->ports[i].host_port;
        snprintf(inside, sizeof inside, "%d/tcp", target);
        json_add_object(exposed, inside);
        cJSON *list = json_get(bindings, inside);
        if (!list)
            list = json_add_array(bindings, inside);
        add_bindings(list, node, i);
    }
}

/* What is empty is not there. */
static cJSON *add_array(cJSON *body, const char *key, size_t count)
{
    if (!count)
        return NULL;
    return json_add_array(body, key);
}

static void add_mounts(cJSON *host, const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    cJSON *mounts = add_array(host, "Mounts", run->mount_count);
    for (size_t i = 0; i < run->mount_count; i++) {
        cJSON *mount = cJSON_CreateObject();
        cleanup_free char *source = outside_source(node->o, &run->mounts[i]);
        json_add_string(mount, "Type", text_pick(run->mounts[i].is_volume, "volume", "bind"));
        json_add_string(mount, "Source", source);
        json_add_string(mount, "Target", run->mounts[i].target);
        json_add_bool(mount, "ReadOnly", run->mounts[i].read_only);
        cJSON_AddItemToArray(mounts, mount);
    }
}

/* "/run:size=64m" */
static void add_tmpfs(cJSON *host, const struct plan_run *run)
{
    if (!run->tmpfs_count)
        return;
    cJSON *tmpfs = json_add_object(host, "Tmpfs");
    for (size_t i = 0; i < run->tmpfs_count; i++) {
        size_t length = strcspn(run->tmpfs[i], ":");
        cleanup_free char *path = xstrndup(run->tmpfs[i], length);
        const char *options = run->tmpfs[i] + length;
        json_add_string(tmpfs, path, options + (*options == ':'));
    }
}

static void add_network(cJSON *body, cJSON *host, const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    const struct node *network = network_of(node->o);
    if (run->host_network)
        json_add_string(host, "NetworkMode", "host");
    if (!run->on_network || !network || !network->facts.object)
        return;
    json_add_string(host, "NetworkMode", network->facts.object);
    cJSON *endpoints = json_add_object(json_add_object(body, "NetworkingConfig"), "EndpointsConfig");
    cJSON *aliases = json_add_array(json_add_object(endpoints, network->facts.object), "Aliases");
    if (run->alias)
        cJSON_AddItemToArray(aliases, cJSON_CreateString(run->alias));
}

static void add_host(cJSON *body, cJSON *host, const struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    json_add_bool(host, "Init", run->init);
    if (run->memory)
        json_add_int(host, "Memory", run->memory);

    cJSON *log = json_add_object(host, "LogConfig");
    json_add_string(log, "Type", "json-file");
    cJSON *config = json_add_object(log, "Config");
    json_add_string(config, "max-size", "10m");
    json_add_string(config, "max-file", "2");
    cJSON *hosts = add_array(host, "ExtraHosts", run->extra_host_count);
    for (size_t i = 0; i < run->extra_host_count; i++)
        cJSON_AddItemToArray(hosts, cJSON_CreateString(place_extra_host(node, run->extra_hosts[i])));
    add_ports(body, host, node);
    add_mounts(host, node);
    add_tmpfs(host, run);
    add_network(body, host, node);
}

static void add_stop(cJSON *body, const struct plan_run *run)
{
    const char *signal = signals_name(run->stop_signal);
    if (signal) {
        cleanup_free char *full = xasprintf("SIG%s", signal);
        json_add_string(body, "StopSignal", full);
    }
    json_add_int(body, "StopTimeout", int64_or((run->stop_timeout_ms + 999) / 1000, DEFAULT_STOP_S));
}

cJSON *spec_container(struct node *node)
{
    const struct plan_run *run = &node->spec->run;
    cJSON *body = cJSON_CreateObject();
    cleanup_free char *image = engine_image_name(node->o->services.engine, run->image);
    json_add_string(body, "Image", image);
    add_command(body, node);
    cJSON_AddItemToObject(body, "Labels", spec_labels(node, node->making));
    json_add_string(body, "User", run->user);
    json_add_string(body, "WorkingDir", run->working_dir);

    add_stop(body, run);

    if (run->ready.kind != PLAN_PROBE_IMAGE_HEALTH)
        cJSON_AddItemToArray(json_add_array(json_add_object(body, "Healthcheck"), "Test"),
                             cJSON_CreateString("NONE"));
    add_host(body, json_add_object(body, "HostConfig"), node);
    return body;
}
