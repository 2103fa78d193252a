/* apphost start, stop, restart, kill RES…: one resource live, with what depends on it.
 *
 * Four records of one function: the verb's name is the request's. */
#include "session/await.h"
#include "session/context.h"
#include "ui/render.h"
#include "ui/view.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

static const struct option kill_options[] = {
    {.name = "signal",
     .letter = 's',
     .type = OPTION_TEXT,
     .names = NAMES_SIGNALS,
     .value = "SIGNAL",
     .help = "instead of KILL: a name or number"},
    {.name = NULL},
};

static int parse_signal(const char *text, int *number, struct error *err)
{
    int64_t value;
    const char *name = text;
    if (!strncasecmp(text, "SIG", 3))
        name = text + 3;
    if (str_to_int64(text, 1, 64, &value)) {
        *number = (int)value;
        return 0;
    }

    for (int i = 1; i < 32; i++) {
        const char *known = sigabbrev_np(i);
        if (known && !strcasecmp(known, name)) {
            *number = i;
            return 0;
        }
    }

    cleanup_free char *shown = str_printable(text);
    return error_set(err, ERROR_USAGE, "\"%s\" is no signal", shown);
}

static void on_record(const struct transition *transition, void *data)
{
    render_record(data, transition);
}

static int ask(struct context *context, const struct ask_resources *request, cJSON **view, struct error *err)
{
    struct client *client = &context->client;
    struct render *render = render_new(&context->output, &client->loop, stderr);
    struct client_call call = {.on_record = on_record, .data = render};
    struct wait wait = {
        .fact = &call.done,
        .what = "the end of the command",
        .limit = FOREVER, /* --wait-timeout is the supervisor's */
    };
    client_begin(client, &call, ask_by_name(context->args.command->name),
                 record_to_json(&ask_resources_record, request));

    int failed = await_supervisor(client, &wait, err);
    render_finish(render, true);
    render_free(render);
    if (error_is_set(&call.error))
        failed = -1;
    error_copy(err, &call.error);
    *view = take_ptr(&call.result);
    client_end(client, &call);
    return failed;
}

static int run(struct context *context, struct error *err)
{
    const struct command *command = context->args.command;
    struct ask_resources request = client_names(&context->args.names);
    const char *name = NULL;
    if (command->options)
        name = args_value(&context->args, "signal");
    cleanup_view struct view *before = NULL;
    cleanup_json cJSON *after = NULL;

    if (name && parse_signal(name, &request.signal, err))
        return -1;
    if (client_view(&context->client, ANSWER_LIMIT, &before, err) ||
        view_check_names(before, &context->args.names, err))
        return -1;
    request.timeout_ms = context->wait_timeout_ms;
    if (ask(context, &request, &after, err))
        return -1;
    if (context->output.json && after)
        output_json(after);
    return 0;
}

#define CONTROL_COMMAND                                                                                      \
    .usage = "RES…", .group = GROUP_RUN, .needs = NEEDS_RUNNING, .arguments = NAMES_RESOURCES, .least = 1,   \
    .most = -1, .run = run

const struct command cmd_start = {
    .name = "start",
    .summary = "start resources that are stopped or manual",
    .description = "Starts the resources and what they need, and returns when they are ready.",
    .examples = "apphost start api\n",
    CONTROL_COMMAND,
};
const struct command cmd_stop = {
    .name = "stop",
    .summary = "stop resources, and what depends on them",
    .description =
        "Stops the resources in order: first what depends on them. The rest of the project stays up.",
    .examples = "apphost stop api\n",
    CONTROL_COMMAND,
};
const struct command cmd_restart = {
    .name = "restart",
    .summary = "restart resources",
    .description =
        "Stops the resources, starts them again, and returns when they are ready. Dependants are restarted "
        "where an address or a password has changed.",
    .examples = "apphost restart api\n",
    CONTROL_COMMAND,
};
const struct command cmd_kill = {
    .name = "kill",
    .summary = "kill resources, or send them a signal",
    .description = "Sends KILL, or another signal, to the resources.",
    .examples = "apphost kill api -s HUP\n"
                "apphost kill api\n",
    .options = kill_options,
    CONTROL_COMMAND,
};
