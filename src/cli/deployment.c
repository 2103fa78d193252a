/* See deployment.h. */
#include "cli/deployment.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>

static const char *get(const char *name, void *data)
{
    return state_deployed_get(data, name);
}

static int set(const char *name, const char *value, void *data, struct error *err)
{
    return state_deployed_set(data, name, value, err);
}

/* In the order of the file, as the manifest's own problems are. */
static void show_notes(struct context *context, const struct deployment *d)
{
    for (size_t i = 0; i < d->note_count && !context->output.quiet; i++) {
        const struct error *note = &d->notes[i];
        output_note(&context->output, "%s:%d:%d: %s", text_or(note->source.file, "-"), note->source.line,
                    note->source.column, note->text);
    }
}

static int lower(struct cli_deployment *c, struct context *context, const struct deployment_options *options,
                 struct error *err)
{
    struct project *project = &context->project;
    struct error *problems = NULL;
    size_t count = 0, before = project->problems.count;
    c->deployment = deployment_lower(project->model, options, &problems, &count);
    for (size_t i = 0; i < count; i++)
        manifest_problems_add(&project->problems, &problems[i], false);
    free(problems);
    if (c->deployment) {
        show_notes(context, c->deployment);
        return 0;
    }

    const struct manifest_problems found = {.items = project->problems.items + before,
                                            .count = project->problems.count - before};
    output_problems(&context->output, &found);
    return project_summarise(project, err);
}

int cli_deployment_open(struct cli_deployment *c, struct context *context,
                        const struct deployment_options *options, struct error *err)
{
    *c = (struct cli_deployment){0};
    if (lower(c, context, options, err) < 0)
        return -1;
    cleanup_free char *folder = project_folder(&context->project);
    c->state = state_open(folder, true, err);
    if (!c->state)
        return -1;
    c->store = (struct deployment_store){get, set, c->state};
    return 0;
}

void cli_deployment_close(struct cli_deployment *c)
{
    deployment_free(c->deployment);
    if (c->state)
        state_close(c->state);
    *c = (struct cli_deployment){0};
}

int cli_deployment_target(const struct context *context, enum deployment_target *target, struct error *err)
{
    const char *name = context->args.names.items[0];
    int found = names_find(&deployment_target_names, name);
    if (found >= 0) {
        *target = (enum deployment_target)found;
        return 0;
    }
    cleanup_free char *shown = str_printable(name);
    error_set(err, ERROR_USAGE, "there is no target %s", shown);
    error_hint(err, "one of compose, swarm, kubernetes");
    return -1;
}
