/* apphost run: up, a command, down, the command's exit code. One step for CI that can leave nothing behind.
 *
 * The phases, as --report names them: manifest, up, command, down. A failure of ours in any of them is 125;
 * on a running project the session is borrowed: nothing is taken down. */
#include "cli/chaos.h"
#include "cli/exit.h"
#include "cli/isolate.h"
#include "cli/run.h"
#include "cli/run_report.h"
#include "args/suggest.h"
#include "session/trace.h"

#include "base/mem.h"
#include "base/signals.h"

#include <signal.h>
#include <string.h>

static const struct option options[] = {
    {.name = "keep", .type = OPTION_FLAG, .help = "leave everything running afterwards"},
    {.name = "timeout",
     .letter = 't',
     .type = OPTION_DURATION,
     .value = "TIME",
     .help = "end the command after this time, code 124"},
    {.name = "report",
     .type = OPTION_FILE,
     .repeat = true,
     .value = "FILE",
     .help = "write how it went: JSON, for .xml JUnit, for .md Markdown; again: several"},
    {.name = "annotations",
     .type = OPTION_CHOICE,
     .value = "HOW",
     .choices = "github|none",
     .help = "what failed as annotations of a CI's step"},
    {.name = "trace",
     .type = OPTION_FILE,
     .value = "FILE",
     .help = "write all that is done as Chrome trace events"},
    {.name = "isolate",
     .type = OPTION_COUNT,
     .value = "N",
     .help = "N times at once, each with empty servers of its own; APPHOST_WORKER says which"},
    {.name = "matrix",
     .type = OPTION_TEXT,
     .value = "image=A,B",
     .help = "once for each image of the servers, with a table at the end"},
    {.name = "parallel", .type = OPTION_FLAG, .help = "those of --matrix at once"},
    {.name = "chaos",
     .type = OPTION_TEXT,
     .value = "KIND=TIME",
     .help = "while the command runs, again and again: failover, kill or partition"},
    {.name = "log-dir",
     .type = OPTION_FOLDER,
     .value = "DIR",
     .help = "at the end, write the logs there, one file a resource"},
    {.name = NULL},
};

struct run {
    struct context *context;
    struct isolate_worker worker;
    const char *phase;
    const char *task; /* or NULL */
    struct render *render;
    struct run_command command;
    int command_code; /* -1: it has not run */
    bool keeps;       /* --keep */
    struct trace *trace;
    struct run_report *report;
    struct chaos *chaos; /* or NULL */
};

static void enter_phase(struct run *run, const char *phase)
{
    run->phase = phase;
    run_report_phase(run->report, phase);
    trace_phase(run->trace, phase);
}

static bool is_nearly_a_resource(const struct plan *plan, const char *word)
{
    cleanup_free const char **known = xcalloc(plan->resource_count + 1, sizeof *known);
    for (size_t i = 0; i < plan->resource_count; i++)
        known[i] = plan->resources[i].name;
    return str_nearest(word, known, plan->resource_count) != NULL;
}

/* Without "--" the words may be a command: `run npm test`. A single one that is nearly a resource's name is a
 * slip. */
static int check_names(const struct project *project, const struct args *args, struct error *err)
{
    const struct strlist *names = &args->names;
    size_t known = 0;
    while (known < names->count && plan_find_resource(project->plan, names->items[known]))
        known++;
    if (known == names->count)
        return 0;
    if (args->rest || (names->count == 1 && is_nearly_a_resource(project->plan, names->items[0])))
        return project_check_names(project, names, err);
    return suggest_dashes(args, known, err);
}

/* An image makes a difference only where there are servers in containers. */
static int check_variant(const struct run *run, struct error *err)
{
    const struct project *project = &run->context->project;
    if (!run->worker.variants)
        return 0;
    if (project->is_native)
        return error_set(err, ERROR_USAGE, "--matrix image needs a container engine");
    for (size_t i = 0; i < project->model->resource_count; i++)
        if (model_is_server(project->model->resources[i].kind))
            return 0;
    return error_set(err, ERROR_USAGE, "--matrix image: the manifest has no server that could have another");
}

static int load(struct run *run, struct error *err)
{
    struct context *context = run->context;
    const struct args *args = &context->args;
    struct project_options project = {.args = args,
                                      .environment = context->environment,
                                      .isolate = run->worker.count ? run->worker.slot : NULL};
    if (!args->names.count && !(args->rest && *args->rest)) {
        error_set(err, ERROR_USAGE, "run wants a command, or a task");
        error_hint(err, "apphost run [RES…] -- COMMAND");
        return -1;
    }

    int failed = project_load(&context->project, &project, err);
    output_problems(&context->output, &context->project.problems);
    if (failed || check_variant(run, err) || check_names(&context->project, args, err))
        return -1;
    if (args->rest && *args->rest)
        return 0;
    const struct plan *plan = context->project.plan;
    const struct plan_resource *resource = NULL;
    if (args->names.count == 1)
        resource = plan_find_resource(plan, args->names.items[0]);
    const struct plan_node *node = NULL;
    if (resource)
        node = plan_find(plan, resource->node);

    if (node && node->kind == PLAN_PROCESS && node->run.task) {
        run->task = resource->name;
        return 0;
    }
    if (resource)
        error_set(err, ERROR_USAGE, "%s is not a task", resource->name);
    else
        error_set(err, ERROR_USAGE, "run wants a command");
    error_hint(err, "apphost run [RES…] -- COMMAND");
    return -1;
}

static int bring_up(struct run *run, struct view **view, struct error *err)
{
    struct context *context = run->context;
    const struct args *args = &context->args;
    cleanup_strlist struct strlist needs = {0};
    if (run->task)
        run_task_needs(&context->project, run->task, &needs);
    if (session_open(context, NULL, !run->task || needs.count, err))
        return -1;

    trace_follow(run->trace, &context->client);
    run->keeps = args_flag(args, "keep");
    run->render = render_new(&context->output, &context->client.loop, stderr);
    struct session_up up = {.resources = &args->names,
                            .defaults_only = !args->names.count && !run->task,
                            .lease = context->client.is_fresh};
    if (run->task) {
        up.resources = &needs;
        up.only = true;
    }

    int answer = session_up(context, &up, run->render, view, err);
    render_finish(run->render, false);
    return answer;
}

/* Or leaves, where others hold the session, or nobody needs to. */
static int take_down(struct run *run, struct view_down **removed, struct error *err)
{
    struct ask_down down = {.leave = true};
    struct output silent = run->context->output;
    run_report_phase(run->report, "down");
    trace_phase(run->trace, "down");
    if (!silent.verbose)
        silent.progress = PROGRESS_QUIET;
    struct render *render = render_new(&silent, &run->context->client.loop, stderr);
    int failed = session_down(run->context, &down, render, removed, err);
    render_free(render);
    return failed;
}

static int prepare(struct run *run, struct error *err)
{
    struct context *context = run->context;
    if (run->task)
        return run_prepare_task(context, run->task, &run->command, err);
    return run_prepare_command(context, &context->args.names, &run->command, err);
}

/* The command ran, or could not be run: down, and then its code is ours. */
static int execute(struct run *run, struct error *err)
{
    struct context *context = run->context;
    const struct args *args = &context->args;
    struct limit limit = limit_or(args_duration_ms(args, "timeout", 0), FOREVER); /* as the user has it */
    bool is_ours = !run->keeps && !context->client.is_detached;
    bool failed = prepare(run, err) != 0;
    enter_phase(run, "command");
    if (!failed)
        chaos_begin(run->chaos, &run->command.environment);
    failed = failed || run_execute(context, &run->command, limit, is_ours, &run->command_code, err);
    chaos_end(run->chaos);
    bool was_stopped = context->client.interrupts || run->command_code == signals_exit_code(SIGINT);
    if (((failed && err->code == ERROR_RUN_TIMEOUT) || run->command_code > 0) && !was_stopped)
        run_show_logs(context);
    run_report_look(run->report, NULL);

    cleanup_error struct error ending = {0};
    int interrupts = context->client.interrupts;
    context->client.interrupts = 0;
    if (interrupts)
        context->client.interrupts = 1;
    if (!run->keeps && take_down(run, NULL, failed ? &ending : err)) {
        if (!failed)
            run->phase = "down";
        if (failed)
            output_warn(&context->output, "taking down failed: %s", ending.text);
        return -1;
    }

    if (failed)
        return -1;
    return run->command_code;
}

static int up_failed(struct run *run, const struct error *error, const struct view *view)
{
    cleanup_view_down struct view_down *removed = NULL;
    cleanup_error struct error second = {0};
    run_report_look(run->report, view);
    if (run->context->client.connection && take_down(run, &removed, &second))
        output_warn(&run->context->output, "cleaning up failed: %s", second.text);
    session_report(run->context, error, view, removed);
    run->context->is_told = true;
    return -1;
}

static int run_phases(struct run *run, struct error *err)
{
    cleanup_view struct view *view = NULL;
    enter_phase(run, "manifest");
    if (load(run, err))
        return -1;
    run->chaos = chaos_new(run->context, err);
    if (error_is_set(err))
        return -1;
    enter_phase(run, "up");
    int answer = bring_up(run, &view, err);
    if (answer < 0 && !run->render)
        return -1;
    if (answer < 0)
        return up_failed(run, err, view);
    if (answer == SESSION_INTERRUPTED) {
        int code = signals_exit_code(run->context->client.signum);
        run_report_look(run->report, NULL);
        if (take_down(run, NULL, err))
            return -1;
        return code;
    }

    int code = execute(run, err);
    if (code >= 0)
        run->phase = "done";
    if (run->keeps && run->context->client.connection)
        session_bye(run->context);
    return code;
}

static int run_traced(struct run *run, struct error *err)
{
    cleanup_free char *file = isolate_path(&run->worker, args_value(&run->context->args, "trace"));
    cleanup_error struct error tracing = {0};
    run->phase = "manifest";
    run->trace = trace_open(file, err);
    if (error_is_set(err))
        return -1;
    int code = run_phases(run, err);
    if (trace_close(run->trace, &tracing))
        output_warn(&run->context->output, "%s", tracing.text);
    return code;
}

static void write_report(struct run *run, int exit_code, const struct error *error)
{
    cleanup_json cJSON *chaos = NULL;
    if (run->chaos)
        chaos = chaos_json(run->chaos);
    const struct run_end end = {.exit_code = exit_code,
                                .command_code = run->command_code,
                                .phase = run->phase,
                                .error = error,
                                .chaos = chaos};
    run_report_end(run->report, &end);
}

static int run_one(struct run *run, struct error *err)
{
    struct context *context = run->context;
    cleanup_error struct error error = {0};
    if (run_report_become(run->report, &run->worker, err))
        return -1;
    int code = run_traced(run, &error);
    struct result result = exit_result(context, code, &error);
    write_report(run, exit_code(context, &result), &error);
    chaos_free(run->chaos);
    render_free(run->render);
    run_command_free(&run->command);
    if (code < 0)
        error_move(err, &error);
    return code;
}

static int run_it(struct context *context, struct error *err)
{
    struct run run = {.context = context, .command_code = -1, .report = run_report_open(context, err)};
    int code = -1;
    if (!run.report)
        return -1;
    int side = isolate_begin(context, &run.worker, &code, err);
    if (side == 0)
        code = run_one(&run, err);
    else if (side < 0)
        code = -1;
    else
        run_report_end_workers(run.report, &run.worker, code);
    run_report_free(run.report);
    isolate_end(&run.worker);
    return code;
}

const struct command cmd_run = {
    .name = "run",
    .summary = "up, run a command, down",
    .usage = "[RES…] -- COMMAND…\nTASK",
    .description =
        "Starts the servers of the manifest (or the resources that are named, with what they "
        "need), runs the command with "
        "their connection strings in its environment, takes everything down again, and exits with "
        "the command's code. The "
        "second form runs a task of the manifest with its own references. The command has the "
        "terminal and standard output "
        "for itself.\n"
        "On a running project it uses what is there and leaves it running. Several at once share one "
        "session, "
        "which ends with the last of them. When the session is taken down meanwhile, the command is ended, "
        "and "
        "the code is 125.\n"
        "What the command calls of apphost means this session, unless the call has -f, -p or -C.\n"
        "With --isolate N the command runs N times at once, each in a project of its own with empty "
        "servers, chosen ports and its own connection strings. APPHOST_WORKER (1 to N), "
        "APPHOST_WORKER_INDEX (from 0) and APPHOST_WORKERS tell it which one it is; each line of output "
        "begins with the worker's number, and the exit code is the highest one.\n"
        "With --matrix image=redis:7.2,redis:8.0,valkey:8.1 it runs once for each of these images, one after "
        "the "
        "other, or at once with --parallel: isolated as above, and each server of the manifest "
        "has that image (and is a Redis, Valkey or Garnet, as its name says; valkey:8.1 is that version of "
        "its usual image). A table tells at the end which "
        "the "
        "command works with; the exit code is the highest one, and APPHOST_WORKER_IMAGE tells it the image.\n"
        "With --chaos failover=5s a server of each topology hands over every 5 seconds while the command "
        "runs (kill=20s: its nodes in turn are killed, and started again 8 seconds later; partition=20s: cut "
        "off for as long). At the end it is told what was done when, and what the servers made of it.\n"
        "With --report FILE it is written how it went: resources, images, goals and their times, decisions, "
        "what failed with its last lines, the command and its code; FILE.xml is JUnit, FILE.md a summary "
        "in Markdown, anything else JSON (apphost-report.schema.json); md:FILE, xml:FILE and json:FILE say "
        "it "
        "where the name does not. It is also there when up failed, or a signal ended the run; until "
        "the end it says unfinished. --annotations github marks what failed in a workflow's step. --log-dir "
        "has the log of each resource as text. Secrets that apphost knows stand in none of them.\n"
        "A failure of apphost itself is 125; --timeout is 124.",
    .examples =
        "apphost run -- npm test\n"
        "apphost run --timeout 10m --report report.json --report report.xml --log-dir logs -- make check\n"
        "apphost run --isolate 4 -- sh -c 'npx jest --shard=$APPHOST_WORKER/$APPHOST_WORKERS'\n"
        "apphost run --matrix image=redis:7.2,redis:8.0,valkey:8.1 --report matrix.md -- npm test\n"
        "apphost run migrate\n",
    .options = options,
    .group = GROUP_RUN,
    .arguments = NAMES_RESOURCES,
    .most = -1,
    .takes_command = true,
    .own_failure_125 = true,
    .run = run_it,
};
