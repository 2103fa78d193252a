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

static const char *keep(struct arena *arena, const char *text)
{
    if (text)
        return arena_strdup(arena, text);
    return NULL;
}

static struct deploy_service status_of(const cJSON *service, const cJSON *tasks, struct arena *arena)
{
    struct swarm_change change = {.seen = service};
    snprintf(change.digest, sizeof change.digest, "%s", text_or_empty(swarm_label(service, SWARM_HASH)));
    struct swarm_judgement judgement = swarm_judge(&change, service, tasks);
    bool is_task = str_eq(swarm_kind(&change), "task");
    const cJSON *image = json_path(service, "Spec.TaskTemplate.ContainerSpec.Image");

    struct deploy_service status = {
        .name = arena_strdup(arena, text_or_empty(swarm_resource(service))),
        .kind = swarm_kind(&change),
        .state = state_of(&judgement, is_task),
        .running = judgement.running,
        .wanted = judgement.wanted,
        .image = keep(arena, cJSON_GetStringValue(image)),
    };
    if (judgement.verdict != SWARM_READY && judgement.task)
        status.problem = keep(arena, swarm_task_words(judgement.task));
    return status;
}

void deploy_status(const struct deploy_seen *seen, struct deploy_services *services)
{
    *services = (struct deploy_services){0};
    size_t count = (size_t)json_count(seen->services);
    const cJSON *service;
    services->items = arena_alloc(&services->arena, (count + 1) * sizeof *services->items);
    cJSON_ArrayForEach(service, seen->services)
    {
        services->items[services->count++] = status_of(service, seen->tasks, &services->arena);
    }
}

void deploy_services_free(struct deploy_services *services)
{
    arena_free(&services->arena);
    *services = (struct deploy_services){0};
}

const struct deploy_service *deploy_service_find(const struct deploy_services *services, const char *name)
{
    for (size_t i = 0; i < services->count; i++)
        if (str_eq(services->items[i].name, name))
            return &services->items[i];
    return NULL;
}

static bool is_text_same(const char *one, const char *other)
{
    return (!one && !other) || str_eq(one, other);
}

bool deploy_service_is_same(const struct deploy_service *one, const struct deploy_service *other)
{
    return str_eq(one->name, other->name) && str_eq(one->kind, other->kind) &&
           str_eq(one->state, other->state) && one->running == other->running &&
           one->wanted == other->wanted && is_text_same(one->image, other->image) &&
           is_text_same(one->problem, other->problem);
}

cJSON *deploy_service_json(const struct deploy_service *service)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "name", service->name);
    json_add_string(json, "kind", service->kind);
    json_add_string(json, "state", service->state);
    json_add_int(json, "running", service->running);
    json_add_int(json, "wanted", service->wanted);
    json_add_string(json, "image", service->image);
    json_add_string(json, "problem", service->problem);
    return json;
}
