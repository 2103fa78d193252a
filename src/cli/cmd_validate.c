/* apphost validate: check the manifest, create nothing. */
#include "cli/context.h"

#include "base/mem.h"

static int run(struct context *context, struct error *err)
{
    (void)err;
    const struct project *project = &context->project;
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
               project->plan->resource_count, project->plan->resource_count == 1 ? "" : "s");
    return 0;
}

const struct command cmd_validate = {
    .name = "validate",
    .summary = "check the manifest",
    .usage = "",
    .description =
        "Checks the manifest and everything that it refers to, and reports all problems at once, each with "
        "its position. Creates nothing. Exit code 3 when something is wrong.",
    .examples = "apphost validate\n"
                "apphost -f - validate < apphost.yaml\n",
    .group = GROUP_MANIFEST,
    .needs = NEEDS_MANIFEST,
    .run = run,
};
