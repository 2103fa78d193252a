/* apphost ps: the resources of this project. */
#include "cli/look_swarm.h"
#include "session/session.h"
#include "ui/view.h"

#include "base/mem.h"

/* Nothing running is an answer, not a failure. */
static int nothing(struct context *context, struct error *error)
{
    if (error->code != ERROR_NOT_RUNNING && error_is_set(error))
        return -1;
    error_clear(error);
    if (!context->output.json) {
        session_note_nothing(context);
        return 0;
    }
    cleanup_json cJSON *document = cJSON_CreateObject();
    json_add_string(document, "project", context->project.name);
    json_add_array(document, "resources");
    output_json(document);
    return 0;
}

static int run(struct context *context, struct error *err)
{
    if (looks_at_swarm(context))
        return ps_swarm(context, err);

    if (session_connect(context, err))
        return nothing(context, err);
    cleanup_view struct view *view = NULL;
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    if (view_check_names(view, &context->args.names, err))
        return -1;
    view_keep_named(view, &context->args.names);
    if (context->output.json)
        output_json(view->json);
    else
        view_print_long(&context->output, view, stdout);
    if (context->output.verbose && !context->output.json)
        view_print_published(view, stdout);
    return 0;
}

static const struct option options[] = {
    TARGET_OPTION,
    {.name = NULL},
};

const struct command cmd_ps = {
    .name = "ps",
    .summary = "list the resources of this project",
    .usage = "[RES…]",
    .description =
        "Lists the resources of the running project: state, address, kind, container or process, and what "
        "is wrong. Passwords are masked. Exits 0 when nothing is running.",
    .examples = "apphost ps\n"
                "apphost ps -o json | jq -r '.resources[].port'\n"
                "apphost ps --target swarm\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_PROJECT,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
