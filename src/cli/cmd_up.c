/* apphost up [RES…]: make it so, and stay with it.
 *
 * run() reaches the supervisor (or starts it), converges, prints what is ready, and then either returns (-d)
 * or stays in the foreground (up_stay.c). A failure in a session that this command began takes down what it
 * started. */
#include "project/adopt.h"
#include "cli/dashboard_open.h"
#include "cli/up.h"

#include "base/mem.h"
#include "base/signals.h"

#include <unistd.h>

/* How long a reader of standard output that takes nothing is waited for at the end. */
enum { LAST_PATIENCE_MS = 500 };

static const struct option options[] = {
    {.name = "detach", .letter = 'd', .type = OPTION_FLAG, .help = "return when everything is ready"},
    {.name = "watch",
     .letter = 'w',
     .type = OPTION_FLAG,
     .help = "converge again whenever the manifest changes"},
    {.name = "explain",
     .type = OPTION_FLAG,
     .help = "say why each resource was created, reused or recreated"},
    {.name = "timings", .type = OPTION_FLAG, .help = "say where the time went"},
    {.name = "trace",
     .type = OPTION_FILE,
     .value = "FILE",
     .help = "write all that is done as Chrome trace events"},
    {.name = "force-recreate", .type = OPTION_FLAG, .help = "recreate what is there already"},
    {.name = "adopt",
     .type = OPTION_TEXT,
     .value = "HASH",
     .help = "take over the data of a folder that was moved here, under its old identity"},
    {.name = "no-wait", .type = OPTION_FLAG, .help = "return when everything is started, ready or not"},
    {.name = "exit-code-from",
     .type = OPTION_TEXT,
     .names = NAMES_RESOURCES,
     .value = "RES",
     .help = "end when RES ends, with its exit code"},
    {.name = "log-dir",
     .type = OPTION_FOLDER,
     .value = "DIR",
     .help = "write the logs there, one file a resource"},
    {.name = "timestamps", .type = OPTION_FLAG, .help = "put the time before each line of the logs"},
    {.name = "no-log-prefix", .type = OPTION_FLAG, .help = "log lines alone, without names"},
    {.name = "dashboard", .type = OPTION_FLAG, .help = "start the web page too: see apphost dashboard"},
    {.name = "wait", .type = OPTION_FLAG, .hidden = true, .help = ""},
    {.name = "remove-orphans", .type = OPTION_FLAG, .hidden = true, .help = ""},
    {.name = NULL},
};

static int check_options(struct context *context, struct error *err)
{
    const struct args *args = &context->args;
    cleanup_strlist struct strlist from = {0};
    bool detach = args_flag(args, "detach");
    args_values(args, "exit-code-from", &from);
    if (detach && (from.count || args_flag(args, "watch")))
        return error_set(err, ERROR_USAGE, "--%s needs the foreground: leave --detach out",
                         from.count ? "exit-code-from" : "watch");
    if (project_check_names(&context->project, &args->names, err))
        return -1;
    return project_check_names(&context->project, &from, err);
}

/* A session that failed leaves nothing behind; one that others hold is left alone. */
static int give_up(struct up *up, struct error *error, const struct view *view, struct error *err)
{
    struct context *context = up->context;
    struct ask_down down = {.leave = true};
    cleanup_view_down struct view_down *removed = NULL;
    cleanup_error struct error second = {0};
    struct output silent = context->output;

    silent.progress = PROGRESS_QUIET;
    trace_phase(up->trace, "down");
    struct render *quiet = render_new(&silent, &context->client.loop, stderr);
    if (context->client.connection && session_down(context, &down, quiet, &removed, &second))
        output_warn(&context->output, "cleaning up failed: %s", second.text);
    render_free(quiet);
    session_report(context, error, view, removed);
    context->is_told = true;
    context->has_other_codes = up->exit_from != NULL;
    error_move(err, error);
    return -1;
}

static int run_dry(struct up *up, const struct view *view, struct error *err)
{
    struct ask_down down = {.leave = true};
    up_print_decisions(up, view);
    return session_down(up->context, &down, up->render, NULL, err);
}

static int run_up(struct up *up, struct error *err)
{
    struct context *context = up->context;
    const struct project_options asked = context_project_options(context);
    bool detach = args_flag(&context->args, "detach");
    cleanup_view struct view *view = NULL;
    cleanup_error struct error error = {0};
    int answer = -1;
    trace_phase(up->trace, "up");
    if (!adopt_take(&context->project, &asked, &error))
        answer = up_converge(up, &view, &error);
    if (answer == SESSION_INTERRUPTED)
        return up_leave(up, signals_exit_code(context->client.signum), err);
    if (answer < 0)
        return give_up(up, &error, view, err);
    if (context->dry_run)
        return run_dry(up, view, err);

    up_print_ready(up, view);
    trace_phase(up->trace, "stay");
    if (!detach)
        return up_stay(up, err);
    session_bye(context);
    return 0;
}

static int start_logs(struct up *up)
{
    struct context *context = up->context;
    cleanup_strlist struct strlist shown = {0};
    const char *folder = args_value(&context->args, "log-dir");
    outbox_init(&up->out, &context->client.loop, STDOUT_FILENO);
    log_view_init(&up->view, &context->output, &up->out.pending, STDOUT_FILENO);
    up->view.timestamps = args_flag(&context->args, "timestamps");
    up->view.prefix = !args_flag(&context->args, "no-log-prefix");
    project_closure(&context->project, &context->args.names, &shown);
    for (size_t i = 0; i < shown.count; i++)
        log_view_add_name(&up->view, shown.items[i]);
    if (!context->args.names.count) /* what a later change adds belongs to it too */
        strlist_free(&shown);
    return up_logs_start(up, context->client.is_fresh ? folder : NULL, &shown);
}

static int run(struct context *context, struct error *err)
{
    struct up up = {.context = context, .exit_from = args_value(&context->args, "exit-code-from")};
    bool detach = args_flag(&context->args, "detach");
    const char *log_dir = args_value(&context->args, "log-dir");
    /* Before anything is added to the plan. */
    cleanup_free char *loaded = NULL;
    cleanup_error struct error tracing = {0};
    if (args_flag(&context->args, "watch"))
        loaded = up_watch_look(&context->project);
    up.loaded = loaded;
    up.began_us = up_now_us();
    if (check_options(context, err))
        return -1;
    if (!context->dry_run &&
        (args_flag(&context->args, "dashboard") || context->project.model->has_dashboard))
        dashboard_beside(context);
    up.trace = trace_open(args_value(&context->args, "trace"), err);
    if (error_is_set(err))
        return -1;
    trace_phase(up.trace, "connect");
    if (session_open(context, log_dir, true, err)) {
        trace_close(up.trace, NULL);
        return -1;
    }

    trace_follow(up.trace, &context->client);
    if (!context->client.is_fresh && log_dir)
        output_warn(&context->output, "--log-dir has no effect on a project that is running already");
    up.render = render_new(&context->output, &context->client.loop, stderr);
    int code = 0;
    if (!detach && !context->dry_run)
        code = start_logs(&up);
    if (!code)
        code = run_up(&up, err);
    up_logs_end(&up);
    log_view_fini(&up.view);
    outbox_fini(&up.out, LAST_PATIENCE_MS);
    render_free(up.render);
    if (trace_close(up.trace, &tracing))
        output_warn(&context->output, "%s", tracing.text);
    return code;
}

const struct command cmd_up = {
    .name = "up",
    .summary = "start everything and wait until it is ready",
    .usage = "[RES…]",
    .description =
        "Starts what the manifest describes, in the order of its references, and waits until everything "
        "answers. Then it "
        "stays and shows the logs; Ctrl-C takes all of it down. With -d it returns when everything is "
        "ready.\n"
        "On a project that is running it changes what has changed in the manifest, and nothing else. With "
        "names it touches "
        "only these and what they need; without names it also stops what the manifest no longer has.\n"
        "When something fails, it says what was tried and why it failed, with the last lines, and takes down "
        "what it had "
        "started.",
    .examples = "apphost up\n"
                "apphost up -d --wait-timeout 60s\n"
                "apphost up cache\n"
                "apphost up --exit-code-from tests\n",
    .options = options,
    .group = GROUP_RUN,
    .needs = NEEDS_MANIFEST | TAKES_OVER,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .run = run,
};
