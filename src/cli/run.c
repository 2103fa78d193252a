/* The pieces of `run`. See run.h. */
#include "cli/run.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "base/signals.h"
#include "project/nested.h"
#include "session/await.h"
#include "ui/log_view.h"
#include "process/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KILL_AFTER_MS = 10000, SHOWN_LINES = 20 };

void run_command_free(struct run_command *command)
{
    strlist_free(&command->argv);
    strlist_free(&command->environment);
    free(command->folder);
    *command = (struct run_command){0};
}

/* Who and where, as every process of the session has it. The end of a session that nobody holds is no
 * business of the command's, which still belongs to it. */
static void add_identity(const struct context *context, struct strlist *environment)
{
    strlist_setenv(environment, VARIABLE_PROJECT, context->project.name);
    bool is_swept = !context->client.is_detached;
    if (context->client.session.id)
        strlist_setenv(environment, is_swept ? VARIABLE_SESSION : VARIABLE_PARENT_SESSION,
                       context->client.session.id);
}

/* As a process of the manifest is, while the dashboard takes any. */
static void add_telemetry(const struct context *context, struct strlist *environment)
{
    cleanup_free char *folder = project_folder(&context->project);
    if (folder)
        state_telemetry_tell(folder, environment);
}

int run_prepare_command(struct context *context, const struct strlist *resources, struct run_command *command,
                        struct error *err)
{
    cleanup_json cJSON *variables = NULL;
    for (char *const *word = context->args.rest; *word; word++)
        strlist_add(&command->argv, *word);
    process_inherit(&command->environment, context->environment);
    const struct ask_resources request = client_names(resources);
    if (client_call(&context->client, ASK_ENV, record_to_json(&ask_resources_record, &request), ANSWER_LIMIT,
                    &variables, err))
        return -1;
    environment_merge(&command->environment, variables);
    add_identity(context, &command->environment);
    add_telemetry(context, &command->environment);
    return 0;
}

static int take_exec(struct run_command *command, const struct answer_exec *exec, const char *task,
                     struct error *err)
{
    for (size_t i = 0; i < exec->argv_count; i++)
        strlist_add(&command->argv, exec->argv[i]);
    command->folder = xstrdup_null(exec->folder);
    environment_add(&command->environment, (const char *const *)exec->environment, exec->environment_count);
    if (command->argv.count)
        return 0;
    return error_set(err, ERROR_USAGE, "%s is not a process", task);
}

int run_prepare_task(struct context *context, const char *task, struct run_command *command,
                     struct error *err)
{
    cleanup_exec_info struct client_exec info = {0};
    if (client_exec_info(&context->client, task, &info, err))
        return -1;
    return take_exec(command, &info.answer, task, err);
}

void run_task_needs(const struct project *project, const char *task, struct strlist *needs)
{
    const struct plan *plan = project->plan;
    const struct plan_node *node = plan_find(plan, plan_find_resource(plan, task)->node);
    for (size_t i = 0; i < node->edge_count; i++) {
        const struct plan_node *to = plan_find(plan, node->edges[i].to);
        if (to && to->resource && plan_find_resource(plan, to->resource) && !strlist_has(needs, to->resource))
            strlist_add(needs, to->resource);
    }
}

/* ---- executing ---- */

/* What became of the command. */
enum fate {
    FATE_UNKNOWN,  /* nothing was seen of its end */
    FATE_ENDED,    /* by itself, or by the signal that we were sent */
    FATE_LATE,     /* ended by us */
    FATE_ORPHANED, /* the session went away, and the command with it */
};

struct execution {
    struct context *context;
    const char *name;
    struct child child;
    struct timer alarm, mercy;  /* until TERM, from there until KILL */
    struct client_call session; /* its answer is the end of the session */
    bool is_ending;             /* it was asked to end */
    bool is_interrupted;        /* by the user */
    enum fate fate;
};

static void on_no_mercy(void *data)
{
    struct execution *execution = data;
    child_signal(&execution->child, SIGKILL);
}

/* Asked once, then it is killed. */
static void ask_to_end(struct execution *execution, int signum)
{
    child_signal(&execution->child, execution->is_ending ? SIGKILL : signum);
    if (!execution->is_ending)
        timer_start(&execution->mercy, KILL_AFTER_MS);
    execution->is_ending = true;
}

static void end_command(struct execution *execution, enum fate fate)
{
    if (execution->fate != FATE_UNKNOWN)
        return;
    execution->fate = fate;
    if (!execution->is_ending)
        ask_to_end(execution, SIGTERM);
}

static void on_alarm(void *data)
{
    end_command(data, FATE_LATE);
}

/* What we are sent is meant for the command: once as it is, then as KILL. */
static void on_interrupt(int signum, void *data)
{
    struct execution *execution = data;
    execution->is_interrupted = true;
    if (!execution->is_ending)
        output_note(&execution->context->output, "stopping %s (pid %ld), which has %d s; once more to kill",
                    execution->name, (long)execution->child.pid, KILL_AFTER_MS / 1000);
    ask_to_end(execution, signum);
}

static void on_stop(int signum, void *data)
{
    const struct execution *execution = data;
    const struct output *output = &execution->context->output;
    long pid = (long)execution->child.pid;
    if (execution->is_ending)
        return;
    if (signum == SIGTTIN || signum == SIGTTOU)
        output_note(output, "%s (pid %ld) wants the terminal, and waits until it is in the foreground",
                    execution->name, pid);
    else
        output_note(output, "%s (pid %ld) was stopped by somebody; kill -CONT %ld lets it go on",
                    execution->name, pid, pid);
}

static void judge(void *data)
{
    struct execution *execution = data;
    if (execution->session.done && !execution->child.exited)
        end_command(execution, FATE_ORPHANED);
}

/* Whoever takes a session down sweeps its processes before they can hear of it. A command that was killed by
 * nobody that we know of is ours only as long as the session answers. */
static bool is_session_alive(struct execution *execution)
{
    if (!execution->session.done)
        client_call(&execution->context->client, ASK_HELLO, NULL, ANSWER_LIMIT, NULL, NULL);
    return !execution->session.done;
}

static void judge_end(struct execution *execution)
{
    bool is_killed = execution->child.signal && !execution->is_interrupted;
    bool is_orphan = execution->session.done && !execution->is_interrupted;
    if (execution->fate != FATE_UNKNOWN)
        return;
    execution->fate = FATE_ENDED;
    if (is_orphan || (is_killed && !is_session_alive(execution)))
        execution->fate = FATE_ORPHANED;
}

static int explain_orphan(const struct execution *execution, const char *command, struct error *err)
{
    const struct error *why = &execution->session.error;
    if (error_is_set(why))
        return error_set(err, ERROR_FAILED, "%s was ended: the supervisor of its session died (%s)", command,
                         why->text);
    error_set(err, ERROR_FAILED, "%s was ended: its session was taken down meanwhile", command);
    error_hint(err, "by `apphost down`, or by the end of the command that held it");
    return -1;
}

static int tell(const struct execution *execution, const char *command, struct limit limit, struct error *err)
{
    char elapsed[24];
    switch (execution->fate) {
    case FATE_ENDED:
        return 0;
    case FATE_LATE:
        str_elapsed(limit.ms, elapsed);
        error_set(err, ERROR_RUN_TIMEOUT, "%s was ended: it took longer than %s", command, elapsed);
        error_comes_from(err, ORIGIN_COMMAND);
        return -1;
    case FATE_ORPHANED:
        return explain_orphan(execution, command, err);
    case FATE_UNKNOWN:
        break;
    }
    return error_set(err, ERROR_FAILED, "the end of %s was never seen", command);
}

static int wait_for_end(struct execution *execution, struct error *err)
{
    struct client *client = &execution->context->client;
    struct wait wait = {
        .fact = &execution->child.exited,
        .what = "the end of the command",
        .limit = FOREVER, /* --timeout is the alarm's; on_interrupt and judge end it for others */
        .judge = judge,
        .data = execution,
        .is_steady = true,
    };

    client->on_interrupt = on_interrupt;
    client->interrupt_data = execution;
    int failed = await(client, &wait, err);
    client->on_interrupt = NULL;
    timer_stop(&execution->alarm);
    timer_stop(&execution->mercy);
    return failed;
}

static int start_command(struct execution *execution, const struct run_command *command, struct limit limit,
                         struct error *err)
{
    struct loop *loop = &execution->context->client.loop;
    struct child_options options = {.argv = command->argv.items,
                                    .environment = command->environment.items,
                                    .folder = command->folder,
                                    .on_stop = on_stop,
                                    .data = execution};
    timer_init(loop, &execution->alarm, on_alarm, execution);
    timer_init(loop, &execution->mercy, on_no_mercy, execution);
    if (child_start(&execution->child, loop, &options, err))
        return -1;
    if (!limit.is_forever)
        timer_start(&execution->alarm, limit.ms);
    return 0;
}

int run_execute(struct context *context, const struct run_command *command, struct limit limit,
                bool kill_rest, int *code, struct error *err)
{
    struct client *client = &context->client;
    const char *name = command->argv.items[0];
    struct execution execution = {.context = context, .name = path_basename(name)};
    if (client->interrupts) { /* it came before there was anybody to pass it on to */
        *code = signals_exit_code(client->signum);
        return 0;
    }
    if (start_command(&execution, command, limit, err))
        return -1;

    client_begin(client, &execution.session, ASK_WATCH, NULL);
    int failed = wait_for_end(&execution, err);
    if (!failed) {
        *code = child_code(&execution.child);
        judge_end(&execution);
        failed = tell(&execution, name, limit, err);
    }
    child_end(&execution.child, kill_rest);
    client_end(client, &execution.session);
    return failed;
}

/* ---- after a failure ---- */

static void on_line(const struct log_line *line, void *data)
{
    log_view_print(data, line);
}

static void on_end(void *data)
{
    (void)data;
}

void run_show_logs(struct context *context)
{
    struct log_view view;
    cleanup_strbuf struct strbuf out = {0};
    struct log_reader_options options = {.tail = SHOWN_LINES, .since_ns = context->client.session.started_ns};
    cleanup_free char *state = project_folder(&context->project);
    cleanup_free char *own = xasprintf("%s/logs", state);
    const char *folder = text_or(context->client.logs_folder, own);
    if (context->output.quiet || context->output.json || !context->client.has_loop)
        return;

    log_view_init(&view, &context->output, &out, STDERR_FILENO);
    struct log_reader *reader =
        log_reader_start(&context->client.loop, folder, &options, on_line, on_end, &view);
    if (reader)
        log_reader_drain(reader);
    log_view_end(&view);
    log_view_write(&view, STDERR_FILENO);
    log_view_fini(&view);
    log_reader_free(reader);
}
