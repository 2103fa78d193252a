/* apphost validate: check the manifest, create nothing. */
#include "session/context.h"
#include "cli/preflight.h"

#include "base/mem.h"
#include "base/pick.h"

static const struct option options[] = {
    {.name = "manifest-only",
     .type = OPTION_FLAG,
     .help = "not whether this machine has the programs, folders and ports"},
    {.name = NULL},
};

/* Those of the manifest itself have been shown already. */
static void show_since(struct context *context, size_t before)
{
    const struct manifest_problems *all = &context->project.problems;
    const struct manifest_problems found = {.items = all->items + before, .count = all->count - before};
    if (all->errors || !context->output.quiet)
        output_problems(&context->output, &found);
}

static int run(struct context *context, struct error *err)
{
    struct project *project = &context->project;
    size_t before = project->problems.count;
    if (!args_flag(&context->args, "manifest-only"))
        preflight(context);
    if (project->problems.count > before)
        show_since(context, before);
    if (project->problems.errors)
        return project_summarise(project, err);

    if (context->output.json) {
        cleanup_json cJSON *document = cJSON_CreateObject();
        json_add_string(document, "file", project->manifest);
        json_add_string(document, "project", project->name);
        json_add_int(document, "resources", (int64_t)project->plan->resource_count);
        cJSON_AddItemToObject(document, "problems", manifest_problems_to_json(&project->problems));
        output_json(document);
        return 0;
    }

    if (!context->output.quiet)
        printf("%s is valid: project %s, %zu resource%s\n", project->manifest, project->name,
               project->plan->resource_count, plural_s(project->plan->resource_count));
    return 0;
}

const struct command cmd_validate = {
    .name = "validate",
    .summary = "check the manifest",
    .usage = "",
    .description =
        "Checks the manifest and everything that it refers to, and reports all problems at once, each with "
        "its position: what stands in it, and what `up` would miss on this machine: programs, folders, "
        "files, "
        "certificates, and, as warnings, ports that are taken now. What is missing is a warning too where a "
        "task "
        "runs before and may make it, or the resource is optional. Creates nothing. Exit code 3 when "
        "something "
        "is wrong.",
    .examples = "apphost validate\n"
                "apphost validate --manifest-only   # on another machine than it is meant for\n"
                "apphost -f - validate < apphost.yaml\n",
    .group = GROUP_MANIFEST,
    .options = options,
    .needs = NEEDS_MANIFEST,
    .run = run,
};
