/* apphost exec RES -- CMD…: in the container, or in the process's environment and folder. */
#include "session/environment.h"
#include "session/exec_session.h"
#include "cli/run.h"
#include "ui/view.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

static const struct option options[] = {
    {.name = "no-tty",
     .letter = 'T',
     .type = OPTION_FLAG,
     .help = "no terminal in the container, although ours is one"},
    {.name = "env",
     .letter = 'e',
     .type = OPTION_TEXT,
     .repeat = true,
     .value = "NAME=VALUE",
     .help = "set a variable for the command; without a value: ours"},
    {.name = "user",
     .letter = 'u',
     .type = OPTION_TEXT,
     .value = "USER",
     .help = "as this user of the container"},
    {.name = "workdir", .letter = 'w', .type = OPTION_TEXT, .value = "DIR", .help = "in this folder"},
    /* What docker and kubectl want to be told: standard input and a terminal are the command's anyway. */
    {.name = "interactive", .letter = 'i', .type = OPTION_FLAG, .hidden = true, .help = ""},
    {.name = "tty", .letter = 't', .type = OPTION_FLAG, .hidden = true, .help = ""},
    {.name = NULL},
};

/* "NAME" alone takes our value, and is left out when we have none. */
static void read_variables(const struct context *context, struct strlist *variables)
{
    cleanup_strlist struct strlist ours = {0}, given = {0};
    for (char *const *entry = context->environment; *entry; entry++)
        strlist_add(&ours, *entry);
    args_values(&context->args, "env", &given);
    for (size_t i = 0; i < given.count; i++) {
        const char *text = given.items[i], *value = strchr(text, '=') ? NULL : strlist_getenv(&ours, text);
        if (strchr(text, '='))
            strlist_add(variables, text);
        else if (value)
            strlist_addf(variables, "%s=%s", text, value);
    }
}

static void add_variables(const struct context *context, struct strlist *environment)
{
    cleanup_strlist struct strlist variables = {0};
    read_variables(context, &variables);
    for (size_t i = 0; i < variables.count; i++) {
        char *value = strchr(variables.items[i], '=');
        *value++ = '\0';
        strlist_setenv(environment, variables.items[i], value);
    }
}

static int in_process(struct context *context, const struct answer_exec *info, struct error *err)
{
    struct run_command command = {0};
    const char *folder = args_value(&context->args, "workdir");
    int code = -1;

    if (args_value(&context->args, "user"))
        return error_set(err, ERROR_USAGE, "%s is a process: it runs as you, --user is for containers",
                         context->args.names.items[0]);
    for (char *const *word = context->args.rest; *word; word++)
        strlist_add(&command.argv, *word);
    command.folder = xstrdup_null(text_or(folder, info->folder));
    environment_add(&command.environment, (const char *const *)info->environment, info->environment_count);
    add_variables(context, &command.environment);
    int failed = client_watch_signals(&context->client, err) ||
                 run_execute(context, &command, FOREVER, false, &code, err);
    run_command_free(&command);
    if (failed)
        return -1;
    return code;
}

static int in_container(struct context *context, const struct answer_exec *info, struct error *err)
{
    struct project_options project_options = context_project_options(context);
    struct project *project = &context->project;
    const cJSON *recorded = context->client.session.engine;
    cleanup_strlist struct strlist variables = {0};

    /* The container is with the engine that the session uses. */
    if (recorded && !engine_address_from_json(recorded, &project->engine, NULL))
        project->has_engine = true;
    if (project_resolve_engine(project, &project_options, err))
        return -1;
    environment_add(&variables, (const char *const *)info->environment, info->environment_count);
    add_variables(context, &variables);
    struct exec_options exec = {.container = info->container_id,
                                .argv = (const char *const *)context->args.rest,
                                .environment = (const char *const *)variables.items,
                                .user = args_value(&context->args, "user"),
                                .folder = args_value(&context->args, "workdir"),
                                .output = &context->output,
                                .no_terminal = args_flag(&context->args, "no-tty")};
    return exec_session_run(&project->engine, context->environment, &exec, err);
}

static int run(struct context *context, struct error *err)
{
    const char *name = context->args.names.items[0];
    cleanup_view struct view *view = NULL;
    cleanup_exec_info struct client_exec info = {0};

    if (!context->args.rest || !*context->args.rest) {
        error_set(err, ERROR_USAGE, "exec wants a command");
        error_hint(err, "apphost exec %s -- COMMAND", name);
        return -1;
    }
    if (client_view(&context->client, ANSWER_LIMIT, &view, err))
        return -1;
    if (!view_find_one(view, name, &context->output))
        return view_unknown(view, name, err);
    if (client_exec_info(&context->client, name, &info, err))
        return -1;
    if (info.answer.container_id)
        return in_container(context, &info.answer, err);
    return in_process(context, &info.answer, err);
}

const struct command cmd_exec = {
    .name = "exec",
    .summary = "run a command in a container, or as a process would",
    .usage = "RES -- COMMAND…",
    .description =
        "Runs a command inside the resource's container; for a process, on this machine with the process's "
        "environment and working directory. Exits with the command's code; a failure of apphost is 125.\n"
        "Redis and Valkey servers: redis-cli and valkey-cli are logged in already, by REDISCLI_AUTH and "
        "VALKEYCLI_AUTH in their environment. With TLS they want --tls --insecure, because the authority's "
        "certificate is not in the container. `apphost redis RES` needs neither the container nor a client.\n"
        "Standard input goes to the command, up to its end. Where standard input and output are terminals, "
        "the "
        "command in the container gets a terminal too, of the same size, and Ctrl-C is the command's; -T "
        "switches that off. The -i and -t of docker are understood, and not needed.\n"
        "A signal that ends exec (TERM, HUP, Ctrl-C without a terminal in the container), and the end of "
        "whoever "
        "reads its output, ends the command in the container too: it gets that signal, and KILL after ten "
        "seconds or "
        "with the next signal. The engine has no way to do this, so a shell in the container does it: where "
        "there "
        "is none, where the command has become another user, and after a kill -9 of exec itself it runs on.",
    .examples = "apphost exec cache -- redis-cli get k\n"
                "apphost exec cache -- redis-cli info memory\n"
                "apphost exec cache -- sh\n"
                "apphost exec cache -- redis-cli --pipe < commands.txt\n"
                "apphost exec api -- env\n"
                "apphost exec -w /tmp -e LEVEL=debug api -- sh -c 'echo $LEVEL in $PWD'\n",
    .options = options,
    .group = GROUP_LOOK,
    .needs = NEEDS_RUNNING,
    .arguments = NAMES_RESOURCES,
    .least = 1,
    .most = 1,
    .takes_command = true,
    .command_after_first = true,
    .own_failure_125 = true,
    .run = run,
};
