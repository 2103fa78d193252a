/* Look-ups over the typed application. See model.h for the types. */
#include "model/model.h"

#include <string.h>

void model_free(struct model *model)
{
    struct arena arena = model->arena;
    arena_free(&arena);
    memset(model, 0, sizeof *model);
}

struct model_resource *model_find(const struct model *model, const char *name)
{
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

const char *model_kind_name(enum model_kind kind)
{
    static const char *const names[MODEL_KIND_COUNT] = {
        [MODEL_REDIS] = "redis",
        [MODEL_VALKEY] = "valkey",
        [MODEL_GARNET] = "garnet",
        [MODEL_CONNECTION_STRING] = "connection-string",
        [MODEL_PROCESS] = "process",
        [MODEL_CONTAINER] = "container",
    };
    return kind < MODEL_KIND_COUNT ? names[kind] : "unknown";
}

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
