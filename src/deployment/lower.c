/* The model, lowered to a deployment: see deployment.h. Prepare the model, lower it as a plan, read the plan
 * as services, order them, collect what is secret. */
#include "deployment/internal.h"
#include "base/pick.h"
#include "lower/lower.h"

#include <stdlib.h>
#include <string.h>

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
                                   .published_host = PLAN_LIKELY_HOST,
                                   .is_draft = true,
                                   .nodes = PLAN_NODES_BY_NAME};
    if (l->options->target == DEPLOYMENT_KUBERNETES)
        context.nodes = PLAN_NODES_OF_SET;

    l->d->plan = plan_lower(&l->inside, &context, &problems, &count);
    for (size_t i = 0; i < count; i++)
        lowering_take_problem(l, &problems[i]);
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
        lowering_gather_nodes(&l);
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
