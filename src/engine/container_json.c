/* What the engine says about a container, as one struct: from an inspect document and from an element of the
 * list.
 *
 * Ports count only while the container runs: an engine that crashed shows stale ones on what has ended. */
#include "engine/internal.h"
#include "base/pick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORT_LIMIT = sizeof((struct engine_container *)0)->ports / sizeof(struct engine_port) };

static void add_port(struct engine_container *container, int64_t target, int64_t host, const char *ip)
{
    if (container->port_count == PORT_LIMIT || host < 1 || host > 65535 || target < 1 || target > 65535)
        return;
    struct engine_port *port = &container->ports[container->port_count++];
    port->target_port = (int)target;
    port->host_port = (int)host;
    snprintf(port->host_ip, sizeof port->host_ip, "%s", text_or_empty(ip));
}

static enum engine_health health_by_name(const char *name)
{
    if (!name)
        return ENGINE_HEALTH_NONE;
    if (strcmp(name, "starting") == 0)
        return ENGINE_HEALTH_STARTING;
    if (strcmp(name, "healthy") == 0)
        return ENGINE_HEALTH_HEALTHY;
    if (strcmp(name, "unhealthy") == 0)
        return ENGINE_HEALTH_UNHEALTHY;
    return ENGINE_HEALTH_NONE;
}

static const char *skip_slash(const char *name)
{
    if (*name == '/')
        return name + 1;
    return name;
}

/* {"6379/tcp": [{"HostIp": "127.0.0.1", "HostPort": "32772"}], "80/tcp": null} */
static void read_port_map(struct engine_container *container, const cJSON *map)
{
    const cJSON *entry, *binding;
    cJSON_ArrayForEach(entry, map)
    {
        if (!entry->string || !cJSON_IsArray(entry))
            continue;
        cJSON_ArrayForEach(binding, entry)
        {
            const char *host = json_string(binding, "HostPort", "");
            add_port(container, strtol(entry->string, NULL, 10), strtol(host, NULL, 10),
                     json_string(binding, "HostIp", ""));
        }
    }
}

void engine_container_from_inspect(struct engine_container *container, const cJSON *document)
{
    const cJSON *state = json_get(document, "State");
    *container = (struct engine_container){
        .id = json_string(document, "Id", ""),
        .name = skip_slash(json_string(document, "Name", "")),
        .image = json_string(json_get(document, "Config"), "Image", ""),
        .state = json_string(state, "Status", ""),
        .running = json_bool(state, "Running", false),
        .exit_code = (int)json_int(state, "ExitCode", -1),
        .oom_killed = json_bool(state, "OOMKilled", false),
        .error = json_string(state, "Error", ""),
        .labels = json_path(document, "Config.Labels"),
        .networks = json_path(document, "NetworkSettings.Networks"),
        .raw = document,
    };

    /* It turns "unhealthy" on pause, stop and kill, without an event. */
    if (container->running && !json_bool(state, "Paused", false))
        container->health = health_by_name(json_string(json_get(state, "Health"), "Status", NULL));
    if (container->running)
        read_port_map(container, json_path(document, "NetworkSettings.Ports"));
}

static bool is_running_state(const char *state)
{
    return strcmp(state, "running") == 0 || strcmp(state, "paused") == 0 || strcmp(state, "restarting") == 0;
}

/* "Up 2 seconds (healthy)", "Up 1 second (health: starting)" */
static enum engine_health health_in_status(const char *status)
{
    if (engine_says(SAYS_HEALTHY, 0, status))
        return ENGINE_HEALTH_HEALTHY;
    if (engine_says(SAYS_UNHEALTHY, 0, status))
        return ENGINE_HEALTH_UNHEALTHY;
    if (engine_says(SAYS_NOT_HEALTHY_YET, 0, status))
        return ENGINE_HEALTH_STARTING;
    return ENGINE_HEALTH_NONE;
}

void engine_container_from_list(struct engine_container *container, const cJSON *document)
{
    const cJSON *name = cJSON_GetArrayItem(json_get(document, "Names"), 0), *port;

    *container = (struct engine_container){
        .id = json_string(document, "Id", ""),
        .name = cJSON_IsString(name) ? skip_slash(name->valuestring) : "",
        .image = json_string(document, "Image", ""),
        .state = json_string(document, "State", ""),
        .exit_code = -1,
        .error = "",
        .labels = json_get(document, "Labels"),
        .networks = json_path(document, "NetworkSettings.Networks"),
        .raw = document,
    };

    container->running = is_running_state(container->state);
    if (strcmp(container->state, "running") == 0)
        container->health = health_in_status(json_string(document, "Status", ""));
    if (!container->running)
        return;

    cJSON_ArrayForEach(port, json_get(document, "Ports"))
        add_port(container, json_int(port, "PrivatePort", 0), json_int(port, "PublicPort", 0),
                 json_string(port, "IP", ""));
}
