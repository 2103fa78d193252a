/* Look-ups over the typed application. See model.h for the types. */
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

void model_free(struct model *model)
{
    struct arena arena = model->arena;
    arena_free(&arena);
    memset(model, 0, sizeof *model);
}

static int compare_names(const void *left, const void *right)
{
    const struct model_resource *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

void model_index(struct model *model)
{
    size_t count = model->resource_count;
    model->by_name = arena_alloc(&model->arena, (count + 1) * sizeof(struct model_resource *));
    for (size_t i = 0; i < count; i++)
        model->by_name[i] = &model->resources[i];
    qsort(model->by_name, count, sizeof(struct model_resource *), compare_names);
}

static struct model_resource *find_indexed(const struct model *model, const char *name)
{
    size_t low = 0, high = model->resource_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, model->by_name[middle]->name);
        if (order == 0)
            return model->by_name[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

struct model_resource *model_find(const struct model *model, const char *name)
{
    if (model->by_name)
        return find_indexed(model, name);
    for (size_t i = 0; i < model->resource_count; i++)
        if (strcmp(model->resources[i].name, name) == 0)
            return &model->resources[i];
    return NULL;
}

struct model_parameter *model_find_parameter(const struct model *model, const char *name)
{
    for (size_t i = 0; i < model->parameter_count; i++)
        if (strcmp(model->parameters[i].name, name) == 0)
            return &model->parameters[i];
    return NULL;
}

const struct model_user *model_find_user(const struct model_resource *server, const char *name)
{
    for (size_t i = 0; model_is_server(server->kind) && i < server->redis.user_count; i++)
        if (strcmp(server->redis.users[i].name, name) == 0)
            return &server->redis.users[i];
    return NULL;
}

NAMES(model_topology_names,
      MODEL_TOPOLOGY_COUNT, [MODEL_TOPOLOGY_NONE] = "none", [MODEL_TOPOLOGY_REPLICATION] = "replication",
      [MODEL_TOPOLOGY_CLUSTER] = "cluster", [MODEL_TOPOLOGY_SENTINEL] = "sentinel");
NAMES(model_until_names,
      MODEL_UNTIL_COUNT, [MODEL_UNTIL_DEFAULT] = "default", [MODEL_UNTIL_STARTED] = "started",
      [MODEL_UNTIL_HEALTHY] = "healthy", [MODEL_UNTIL_COMPLETED] = "completed");
NAMES(model_restart_names, MODEL_RESTART_COUNT, [MODEL_RESTART_NEVER] = "never",
      [MODEL_RESTART_ON_FAILURE] = "on-failure", [MODEL_RESTART_ALWAYS] = "always");
NAMES(model_stdin_names, MODEL_STDIN_COUNT, [MODEL_STDIN_OPEN] = "open", [MODEL_STDIN_CLOSED] = "closed");
NAMES(model_lifetime_names,
      MODEL_LIFETIME_COUNT, [MODEL_SESSION] = "session", [MODEL_PERSISTENT] = "persistent");
NAMES(model_pull_names, MODEL_PULL_COUNT, [MODEL_PULL_MISSING] = "missing", [MODEL_PULL_ALWAYS] = "always",
      [MODEL_PULL_NEVER] = "never");

struct model_text model_literal(struct arena *arena, const char *text)
{
    struct model_text result = {.given = true};
    if (!*text)
        return result;
    result.parts = arena_alloc(arena, sizeof *result.parts);
    result.parts->literal = arena_strdup(arena, text);
    result.count = 1;
    return result;
}
