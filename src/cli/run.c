/* The pieces of `run`. See run.h. */
#include "cli/run.h"

#include "base/mem.h"
#include "cli/log_view.h"
#include "process/process.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { KILL_AFTER_MS = 5000, SHOWN_LINES = 20 };

void run_command_free(struct run_command *command)
{
    strlist_free(&command->argv);
    strlist_free(&command->environment);
    free(command->folder);
    *command = (struct run_command){0};
}

/* Who and where, as every process of the session has it. A borrowed session's end is no business of the
 * command's. */
static void add_identity(const struct context *context, struct strlist *environment)
{
    strlist_setenv(environment, "APPHOST_PROJECT", context->project.name);
    if (context->client.is_fresh && context->client.session.id)
        strlist_setenv(environment, "APPHOST_SESSION", context->client.session.id);
}

int run_prepare_command(struct context *context, const struct strlist *resources, struct run_command *command,
                        struct error *err)
{
    cleanup_json cJSON *variables = NULL;
    for (char *const *word = context->args.rest; *word; word++)
        strlist_add(&command->argv, *word);
    process_inherit(&command->environment, context->environment);
    if (client_call(&context->client, "env", client_names(resources), 0, &variables, err))
        return -1;
    environment_merge(&command->environment, variables);
    add_identity(context, &command->environment);
    return 0;
}

int run_prepare_task(struct context *context, const char *task, struct run_command *command,
                     struct error *err)
{
    cleanup_json cJSON *info = NULL;
    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "resource", task);
    if (client_call(&context->client, "exec-info", message, 0, &info, err))
        return -1;
    if (!json_get_strings(info, "argv", &command->argv) || !command->argv.count)
        return error_set(err, ERROR_USAGE, "%s is not a process", task);
    command->folder = xstrdup_null(json_string(info, "cwd", NULL));
    environment_merge(&command->environment, json_get(info, "environment"));
    return 0;
}

/* ---- a task without a supervisor ---- */

static int known_port(const char *node_id, const char *endpoint, void *data)
{
    const struct plan_node *node = plan_find(data, node_id);
    for (size_t i = 0; node && i < node->run.port_count; i++) {
        const struct plan_port *port = &node->run.ports[i];
        if (str_eq(port->endpoint, endpoint))
            return port->fixed_port ? port->fixed_port : port->preferred_port;
    }
    return 0;
}

static const char *known_secret(const char *name, void *data)
{
    const struct plan_secret *secret = plan_find_secret(data, name);
    return secret ? secret->value : NULL;
}

static char *resolve(struct plan *plan, const struct plan_text *text, struct error *err)
{
    struct plan_lookup lookup = {.port = known_port, .secret = known_secret, .data = plan};
    const char *missing = NULL;
    char *resolved = plan_resolve(text, &lookup, &missing);
    if (!resolved)
        error_set(err, ERROR_RESOURCE, "%s is not known before something runs",
                  missing ? missing : "a value");
    return resolved;
}

int run_prepare_lone_task(struct context *context, const char *task, struct run_command *command,
                          struct error *err)
{
    struct plan *plan = context->project.plan;
    const struct plan_run *run = &plan_find(plan, plan_find_resource(plan, task)->node)->run;
    process_inherit(&command->environment, context->environment);
    for (size_t i = 0; i < run->command_count; i++) {
        char *word = resolve(plan, &run->command[i], err);
        if (!word)
            return -1;
        strlist_take(&command->argv, word);
    }
    for (size_t i = 0; i < run->environment_count; i++) {
        cleanup_free char *value = resolve(plan, &run->environment[i].value, err);
        if (!value)
            return -1;
        strlist_setenv(&command->environment, run->environment[i].name, value);
    }
    command->folder = xstrdup_null(run->working_dir);
    return 0;
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

struct execution {
    struct child child;
    struct timer limit;
    bool timed_out;
};

static void on_limit(void *data)
{
    struct execution *execution = data;
    child_signal(&execution->child, execution->timed_out ? SIGKILL : SIGTERM);
    child_signal(&execution->child, SIGCONT);
    if (!execution->timed_out)
        timer_start(&execution->limit, KILL_AFTER_MS);
    execution->timed_out = true;
}

/* What we are sent is meant for the command: once as it is, then as KILL. */
static void forward(const struct client *client, const struct execution *execution, int *forwarded)
{
    if (client->interrupts == *forwarded)
        return;
    child_signal(&execution->child, *forwarded ? SIGKILL : client->signum);
    *forwarded = client->interrupts;
}

int run_execute(struct context *context, const struct run_command *command, int64_t timeout_ms,
                bool kill_rest, int *code, struct error *err)
{
    struct client *client = &context->client;
    struct child_options options = {
        .argv = command->argv.items, .environment = command->environment.items, .folder = command->folder};
    struct execution execution = {0};
    int forwarded = client->interrupts;
    if (child_start(&execution.child, &client->loop, &options, err))
        return -1;
    timer_init(&client->loop, &execution.limit, on_limit, &execution);
    if (timeout_ms > 0)
        timer_start(&execution.limit, timeout_ms);
    while (!execution.child.exited && client_turn(client))
        forward(client, &execution, &forwarded);
    timer_stop(&execution.limit);
    child_end(&execution.child, kill_rest);
    *code = execution.child.code;
    if (!execution.timed_out)
        return 0;
    char elapsed[24];
    output_elapsed(timeout_ms, elapsed);
    return error_set(err, ERROR_RUN_TIMEOUT, "%s was ended: it took longer than %s", command->argv.items[0],
                     elapsed);
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

void run_show_logs(struct context *context, const char *folder)
{
    struct log_view view;
    cleanup_strbuf struct strbuf out = {0};
    struct log_reader_options options = {.tail = SHOWN_LINES, .since_ns = context->client.session.started_ns};
    cleanup_free char *state = project_folder(&context->project);
    cleanup_free char *own = xasprintf("%s/logs", state);
    if (!folder)
        folder = context->client.logs_folder ? context->client.logs_folder : own;
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
