/* The ground of this room: problems, notes, texts, names. */
#include "deployment/internal.h"

#include <string.h>

NAMES(deployment_target_names, DEPLOYMENT_TARGET_COUNT, [DEPLOYMENT_COMPOSE] = "compose",
      [DEPLOYMENT_SWARM] = "swarm", [DEPLOYMENT_KUBERNETES] = "kubernetes");
NAMES(deployment_fate_names, DEPLOYMENT_FATE_COUNT, [DEPLOYMENT_KEPT] = "kept",
      [DEPLOYMENT_CHANGED] = "changed", [DEPLOYMENT_REFUSED] = "refused");

/* ---- problems and notes ---- */

static void append(struct error **list, size_t *count, struct error *error)
{
    *list = xreallocarray(*list, *count + 1, sizeof **list);
    (*list)[*count] = (struct error){0};
    error_move(&(*list)[(*count)++], error);
}

void lowering_take_problem(struct lowering *l, struct error *problem)
{
    append(&l->problems, &l->problem_count, problem);
}

void lowering_problem(struct lowering *l, const struct model_pos *pos, const char *hint, const char *format,
                      ...)
{
    struct error error = {0};
    va_list args;
    va_start(args, format);
    error_vset(&error, ERROR_MANIFEST, format, args);
    va_end(args);
    error_at(&error, pos->file, pos->line, pos->column);
    if (hint)
        error_hint(&error, "%s", hint);
    append(&l->problems, &l->problem_count, &error);
}

void lowering_note(struct lowering *l, const struct model_pos *pos, const char *format, ...)
{
    struct error error = {0};
    va_list args;
    va_start(args, format);
    error_vset(&error, ERROR_MANIFEST, format, args);
    va_end(args);
    error_at(&error, pos->file, pos->line, pos->column);
    append(&l->d->notes, &l->d->note_count, &error);
}

/* ---- texts ---- */

struct plan_text lowering_literal(struct lowering *l, const char *text)
{
    struct plan_text out = {arena_alloc(l->arena, sizeof *out.parts), 1};
    out.parts[0] = (struct plan_part){.kind = PLAN_LITERAL, .text = arena_strdup(l->arena, text)};
    return out;
}

struct plan_text lowering_join(struct lowering *l, const struct plan_text *texts, size_t count)
{
    struct plan_text out = {0};
    size_t total = 0;
    for (size_t i = 0; i < count; i++)
        total += texts[i].count;
    out.parts = arena_alloc(l->arena, (total + 1) * sizeof *out.parts);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < texts[i].count; k++)
            out.parts[out.count++] = texts[i].parts[k];
    return out;
}

const char *lowering_folder(const struct lowering *l)
{
    if (l->options->target == DEPLOYMENT_KUBERNETES)
        return DEPLOYMENT_CONF_FOLDER;
    return DEPLOYMENT_SECRETS_FOLDER;
}

/* ---- looking ---- */

const struct deployment_service *deployment_find(const struct deployment *d, const char *name)
{
    for (size_t i = 0; i < d->service_count; i++)
        if (strcmp(d->services[i].name, name) == 0)
            return &d->services[i];
    return NULL;
}

bool deployment_has_secret(const struct deployment_service *service)
{
    for (size_t i = 0; i < service->environment_count; i++)
        if (plan_has_secret(&service->environment[i].value))
            return true;
    return service->file_count > 0;
}
