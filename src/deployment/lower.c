/* The model, lowered to a deployment: see deployment.h. Prepare the model, lower it as a plan, read the plan as
 * services, order them, collect what is secret. */
#include "deployment/internal.h"
#include "base/pick.h"
#include "lower/lower.h"

#include <stdlib.h>
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

/* ---- the whole ---- */

static void lower_plan(struct lowering *l)
{
    struct error *problems = NULL;
    size_t count = 0;
    /* Its certificates are not asked for: the development authority's have been refused. */
    struct plan_context context = {.project = l->options->project,
                                   .project_hash = DEPLOYMENT_HASH,
                                   .engine_kind = "docker",
                                   .certs_folder = "/",
                                   .published_host = PLAN_LIKELY_HOST};
    l->d->plan = plan_lower(&l->inside, &context, &problems, &count);
    for (size_t i = 0; i < count; i++)
        append(&l->problems, &l->problem_count, &problems[i]);
    free(problems);
}

struct deployment *deployment_lower(const struct model *model, const struct deployment_options *options,
                                    struct error **problems, size_t *count)
{
    struct deployment *d = xcalloc(1, sizeof *d);
    struct lowering l = {.model = model, .options = options, .d = d, .arena = &d->arena};

    d->target = options->target;
    d->project = arena_strdup(l.arena, options->project);
    d->manifest_file = arena_strdup(l.arena, text_or_empty(model->file));
    d->folder = arena_strdup(l.arena, text_or_empty(model->folder));
    lowering_prepare(&l);
    lowering_report_fields(&l);
    lower_plan(&l);
    if (d->plan) {
        lowering_add_services(&l);
        lowering_add_needs(&l);
        lowering_sort(&l);
        lowering_collect_secrets(&l);
    }
    arena_free(&l.inside.arena);

    *problems = l.problems;
    *count = l.problem_count;
    if (!l.problem_count)
        return d;
    deployment_free(d);
    return NULL;
}

static void wipe_secrets(struct deployment *d)
{
    for (size_t i = 0; i < d->secret_count; i++)
        if (d->secrets[i].value)
            mem_wipe((char *)d->secrets[i].value, strlen(d->secrets[i].value));
}

void deployment_free(struct deployment *d)
{
    if (!d)
        return;
    for (size_t i = 0; i < d->note_count; i++)
        error_clear(&d->notes[i]);
    free(d->notes);
    wipe_secrets(d);
    plan_free(d->plan);
    arena_free(&d->arena);
    free(d);
}

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
