/* `edges` and `details`: see control/details.h. What the engine knows of a container is asked for when
 * somebody wants it, and told in our words: what is left out has never been read. */
#include "supervisor/internal.h"
#include "control/details.h"
#include "control/requests.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

enum { HEALTH_CHECKS = 5, SHOWN_OUTPUT = 2000 };

/* A member that is copied as it is: from where in the engine's document, and what it is called here. */
struct detail_member {
    const char *path, *name;
};

static const struct detail_member members[] = {
    {"Id", "id"},
    {"Config.Image", "image"},
    {"Image", "imageId"},
    {"Path", "program"},
    {"Args", "arguments"},
    {"Config.User", "user"},
    {"Config.WorkingDir", "folder"},
    {"State.Status", "status"},
    {"State.Pid", "pid"},
    {"State.ExitCode", "exitCode"},
    {"State.OOMKilled", "outOfMemory"},
    {"Created", "createdAt"},
    {"State.StartedAt", "startedAt"},
    {"State.FinishedAt", "finishedAt"},
    {"RestartCount", "restarts"},
    {"HostConfig.Memory", "memoryLimit"},
    {"HostConfig.NanoCpus", "nanoCpus"},
    {"HostConfig.PidsLimit", "processLimit"},
};
static const struct detail_member mount_members[] = {
    {"Type", "type"}, {"Name", "name"}, {"Source", "source"}, {"Destination", "target"}, {"RW", "writable"},
};
static const struct detail_member network_members[] = {
    {"IPAddress", "address"},
    {"Gateway", "gateway"},
    {"Aliases", "aliases"},
    {"MacAddress", "macAddress"},
};
static const struct detail_member check_members[] = {
    {"Start", "startedAt"}, {"End", "endedAt"}, {"ExitCode", "exitCode"}};

static void copy(cJSON *to, const cJSON *from, const struct detail_member *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const cJSON *value = json_path(from, list[i].path);
        if (value && !cJSON_IsNull(value))
            cJSON_AddItemToObject(to, list[i].name, cJSON_Duplicate(value, true));
    }
}
#define COPY(to, from, list) copy(to, from, list, sizeof(list) / sizeof *(list))

static void add_mounts(cJSON *to, const cJSON *document)
{
    const cJSON *mount;
    cJSON *list = json_add_array(to, "mounts");
    cJSON_ArrayForEach(mount, json_get(document, "Mounts"))
    {
        cJSON *item = cJSON_CreateObject();
        COPY(item, mount, mount_members);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_networks(cJSON *to, const cJSON *document)
{
    const cJSON *network;
    cJSON *list = json_add_array(to, "networks");
    cJSON_ArrayForEach(network, json_path(document, "NetworkSettings.Networks"))
    {
        cJSON *item = cJSON_CreateObject();
        json_add_string(item, "name", network->string);
        COPY(item, network, network_members);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_check(cJSON *list, const cJSON *check)
{
    cJSON *item = cJSON_CreateObject();
    cleanup_free char *output = xstrndup(json_string(check, "Output", ""), SHOWN_OUTPUT);
    cleanup_free char *shown = str_printable(output);
    COPY(item, check, check_members);
    json_add_string(item, "output", shown);
    cJSON_AddItemToArray(list, item);
}

static void add_health(cJSON *to, const cJSON *document)
{
    const cJSON *health = json_path(document, "State.Health"), *check;
    const cJSON *checks = json_get(health, "Log");
    int skipped = json_count(checks) - HEALTH_CHECKS;
    if (!health)
        return;
    cJSON *told = json_add_object(to, "health");
    json_add_string(told, "status", json_string(health, "Status", NULL));
    json_add_int(told, "failures", json_int(health, "FailingStreak", 0));
    cJSON *list = json_add_array(told, "checks");
    cJSON_ArrayForEach(check, checks)
    {
        if (skipped-- <= 0)
            add_check(list, check);
    }
}

static cJSON *container_details(const cJSON *document)
{
    cJSON *json = cJSON_CreateObject();
    COPY(json, document, members);
    add_mounts(json, document);
    add_networks(json, document);
    add_health(json, document);
    return json;
}

/* Takes the document. A program may print what it was given; secrets go last of all. */
static void answer(struct verb_request *request, cJSON *json, const struct error *error)
{
    cleanup_free char *text = json_print(json);
    cleanup_free char *masked = orchestrator_mask(request->supervisor->orchestrator, text);
    cJSON_Delete(json);
    control_send_done(request->client, request->id, error, json_parse(masked, strlen(masked), NULL));
    supervisor_forget(request);
}

static void on_inspected(const struct engine_result *result, const struct error *err, void *data)
{
    struct verb_request *request = data;
    cJSON *details = take_ptr(&request->details);
    request->op = NULL;
    if (err) /* what it is made of is known all the same */
        json_add_string(details, "engineError", err->text);
    else
        cJSON_AddItemToObject(details, "container", container_details(result->container->raw));
    answer(request, details, NULL);
}

static void begin_details(const struct call *call, cJSON *details)
{
    struct supervisor *s = call->s;
    const char *container = json_string(details, "containerId", NULL);
    struct verb_request *request = supervisor_begin(call);
    if (!container || !s->engine) {
        answer(request, details, NULL);
        return;
    }
    request->details = details;
    request->op = engine_container_inspect(s->engine, container, on_inspected, request);
}

void supervisor_tell_details(const struct call *call)
{
    struct arena arena = {0};
    cleanup_error struct error error = {0};
    const struct ask_resources *ask = supervisor_read(call, &ask_resources_record, &arena);
    cJSON *details = NULL;
    if (ask)
        details = orchestrator_details(call->s->orchestrator, text_or_empty(ask->resource), &error);
    if (details)
        begin_details(call, details);
    else if (ask)
        control_send_done(call->client, call->id, &error, NULL);
    arena_free(&arena);
}

void supervisor_tell_edges(const struct call *call)
{
    control_send_done(call->client, call->id, NULL, orchestrator_edges(call->s->orchestrator));
}
