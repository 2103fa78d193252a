/* How a deployment is: one record a service, for people and programs. Pure. */
#include "deploy/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdio.h>
#include <string.h>

static const char *const states[] = {
    [SWARM_UNDER_WAY] = "starting",    [SWARM_READY] = "running",      [SWARM_FAILED] = "failing",
    [SWARM_ROLLED_BACK] = "went back", [SWARM_OVERTAKEN] = "starting",
};

static const char *state_of(const struct swarm_judgement *judgement, bool is_task)
{
    if (is_task && judgement->verdict == SWARM_READY)
        return "completed";
    if (judgement->verdict == SWARM_READY && !judgement->wanted)
        return "stopped";
    return states[judgement->verdict];
}

static cJSON *status_of(const cJSON *service, const cJSON *tasks)
{
    struct swarm_change change = {.seen = service};
    snprintf(change.digest, sizeof change.digest, "%s", text_or_empty(swarm_label(service, SWARM_HASH)));
    struct swarm_judgement judgement = swarm_judge(&change, service, tasks);
    bool is_task = str_eq(swarm_kind(&change), "task");
    const cJSON *image = json_path(service, "Spec.TaskTemplate.ContainerSpec.Image");

    cJSON *status = cJSON_CreateObject();
    json_add_string(status, "name", swarm_resource(service));
    json_add_string(status, "kind", swarm_kind(&change));
    json_add_string(status, "state", state_of(&judgement, is_task));
    json_add_int(status, "running", judgement.running);
    json_add_int(status, "wanted", judgement.wanted);
    json_add_string(status, "image", cJSON_GetStringValue(image));
    if (judgement.verdict != SWARM_READY && judgement.task)
        json_add_string(status, "problem", swarm_task_words(judgement.task));
    return status;
}

cJSON *deploy_status(const struct deploy_seen *seen)
{
    cJSON *all = cJSON_CreateArray();
    const cJSON *service;
    cJSON_ArrayForEach(service, seen->services)
    {
        cJSON_AddItemToArray(all, status_of(service, seen->tasks));
    }
    return all;
}
