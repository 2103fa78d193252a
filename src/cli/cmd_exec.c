/* apphost exec RES -- CMD…: in the container, or in the process's environment and folder. */
#include "cli/engine_once.h"
#include "cli/run.h"
#include "cli/view.h"

#include "base/mem.h"

#include <stdlib.h>

static int in_process(struct context *context, const cJSON *info, struct error *err)
{
    struct run_command command = {0};
    int code = -1;
    for (char *const *word = context->args.rest; *word; word++)
        strlist_add(&command.argv, *word);
    command.folder = xstrdup_null(json_string(info, "cwd", NULL));
    environment_merge(&command.environment, json_get(info, "environment"));
    int failed =
        client_watch_signals(&context->client, err) || run_execute(context, &command, 0, false, &code, err);
    run_command_free(&command);
    return failed ? -1 : code;
}

static void on_bytes(int stream, const char *bytes, size_t length, void *data)
{
    (void)data;
    fwrite(bytes, 1, length, stream == 2 ? stderr : stdout);
    fflush(stream == 2 ? stderr : stdout);
}

static int in_container(struct context *context, const char *container, struct error *err)
{
    struct engine_once once;
    struct project_options options = {.args = &context->args, .environment = context->environment};
    struct project *project = &context->project;
    const cJSON *recorded = context->client.session.engine;
    /* The container is with the engine that the session uses. */
    if (recorded && !engine_address_from_json(recorded, &project->engine, NULL))
        project->has_engine = true;
    if (project_resolve_engine(project, &options, err) ||
        engine_once_open(&once, &project->engine, context->environment, err))
        return -1;
    engine_exec_stream(once.engine, container, (const char *const *)context->args.rest, on_bytes,
                       engine_once_done, &once);
    int failed = engine_once_wait(&once, err);
    int code = once.exit_code;
    engine_once_close(&once);
    return failed ? -1 : code;
}

static int run(struct context *context, struct error *err)
{
    const char *name = context->args.names.items[0];
    cleanup_json cJSON *view = NULL;
    cleanup_json cJSON *info = NULL;
    if (!context->args.rest || !*context->args.rest) {
        error_set(err, ERROR_USAGE, "exec wants a command");
        error_hint(err, "apphost exec %s -- COMMAND", name);
        return -1;
    }
    if (client_call(&context->client, "view", NULL, 0, &view, err))
        return -1;
    if (!view_find_one(view, name, &context->output))
        return view_unknown(view, name, err);
    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "resource", name);
    if (client_call(&context->client, "exec-info", message, 0, &info, err))
        return -1;
    const char *container = json_string(info, "containerId", NULL);
    return container ? in_container(context, container, err) : in_process(context, info, err);
}

const struct command cmd_exec = {
    .name = "exec",
    .summary = "run a command in a container, or as a process would",
    .usage = "RES -- COMMAND…",
    .description =
        "Runs a command inside the resource's container; for a process, on this machine with the process's "
        "environment and working directory. Exits with the command's code; a failure of apphost is 125.",
    .examples = "apphost exec cache -- redis-cli info memory\n"
                "apphost exec api -- env\n",
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = ARGUMENT_RESOURCE,
    .least = 1,
    .most = 1,
    .takes_command = true,
    .command_after_first = true,
    .own_failure_125 = true,
    .run = run,
};
