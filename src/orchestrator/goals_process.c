/* Processes: waiting → calm → started → ready (a task: completed), and unused → stopped.
 *
 * Happy path: spawned with its whole environment, output goes to the log, the sensor tells `ready`; a task is
 * done when it ended well, under a key made of its specification, the session and the instances it ran
 * against. Failures: what cannot be spawned fails the node at once; an end before `ready` too, unless the
 * restart policy says otherwise; a fixed port that somebody else listens on fails it before it is spawned. */
#include "orchestrator/internal.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { HURRIED_STOP_MS = 500, DEFAULT_STOP_MS = 10000 };

char *task_key(struct node *node)
{
    cleanup_strbuf struct strbuf text = {0};
    strbuf_addf(&text, "%s %s %llu", node->o->services.session, node->spec->spec_hash,
                (unsigned long long)node->generation);
    for (size_t i = 0; i < node->link_count; i++) {
        const struct node *to = node->links[i].to;
        if (to->kind == PLAN_CONTAINER)
            strbuf_addf(&text, " %s=%s", to->id, to->facts.object ? to->facts.object : "");
    }
    return strbuf_take(&text);
}

/* ---- callbacks of the process ---- */

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct node *node = data;
    if (length && node->output.writer)
        log_writer_add(node->output.writer, stream, bytes, length);
}

void process_forget(struct node *node)
{
    if (node->process)
        node->o->hooks.free(node->process);
    node->process = NULL;
    if (node->op_name && !strcmp(node->op_name, "stop"))
        node_op_end(node);
}

static void on_process_exit(const struct process_exit *how, void *data)
{
    struct node *node = data;
    struct facts *facts = &node->facts;
    facts->exit_code = how->signal ? -1 : how->code;
    facts->exit_signal = how->signal;
    if (node->output.writer)
        log_writer_flush(node->output.writer);
    process_forget(node);
    native_ended(node);
    node_instance_ended(node);
    node_judge_exit(node);
    requests_changed(node->o);
}

void process_listen(struct node *node, struct process_options *options)
{
    options->on_output = on_output;
    options->on_exit = on_process_exit;
    options->data = node;
}

/* ---- started ---- */

static bool is_started(struct node *node)
{
    return node->process || node->facts.completed || node_is_over(node);
}

static bool ports_free(struct node *node)
{
    struct orchestrator *o = node->o;
    for (size_t i = 0; i < node->port_count; i++) {
        const struct plan_port *port = &node->spec->run.ports[i];
        const char *address = port->bind_address ? port->bind_address : "127.0.0.1";
        if (o->hooks.port_is_free(address, node->ports[i].host_port))
            continue;
        if (!ports_move(node, node->ports[i].host_port))
            holder_fail(node);
        return false;
    }
    return true;
}

/* A watcher ends when its standard input does; a task has nobody who would type. */
static bool keeps_input_open(const struct plan_run *run)
{
    return run->input_end == PLAN_INPUT_DEFAULT ? !run->task : run->input_end == PLAN_INPUT_OPEN;
}

static struct process *spawn(struct node *node, struct error *err)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    cleanup_strlist struct strlist argv = {0}, environment = {0};
    bool known = values_list(o, run->entrypoint, run->entrypoint_count, &argv) &&
                 values_list(o, run->command, run->command_count, &argv) &&
                 values_environment(node, &environment);
    if (!known || !argv.count) {
        error_set(err, ERROR_FAILED, "cannot start %s: %s", node->resource,
                  known ? "it has no command" : "a value of its environment is not known");
        return NULL;
    }
    cleanup_free char *output_path = NULL;
    struct process_options options = {
        .argv = (const char *const *)argv.items,
        .environment = (const char *const *)environment.items,
        .working_dir = run->working_dir,
        .keeps_input_open = keeps_input_open(run),
    };
    process_listen(node, &options);
    if (native_prepare(node, &options, &output_path, err) < 0)
        return NULL;
    char *input = run->input.count ? values_resolve(o, &run->input) : NULL;
    options.input = input;
    struct process *process = o->hooks.spawn(o->services.loop, &options, err);
    if (input)
        mem_wipe(input, strlen(input));
    free(input);
    return process;
}

static void start(struct node *node)
{
    struct facts *facts = &node->facts;
    const char *digest = values_digest(node);
    if (!digest || !ports_free(node)) {
        node_wake(node);
        return;
    }
    output_open(node);
    cleanup_error struct error err = {0};
    node->process = spawn(node, &err);
    if (!node->process) {
        node_fail(node, &err);
        return;
    }
    free(facts->spec_hash);
    free(facts->digest);
    facts->spec_hash = xstrdup(node->spec->spec_hash);
    facts->digest = xstrdup(digest);
    node_instance_started(node);
    native_started(node);
    persist_spec(node);
    bool by_log = node_probe(node)->kind == PLAN_PROBE_LOG;
    if (by_log)
        sensor_start(node); /* before the first line */
    node_wake(node);
    node_wake_neighbours(node);
}

/* ---- waiting: a completed task needs nothing; another session's or another instance's completion does not
 * count ---- */

static bool is_waiting_met(struct node *node)
{
    struct facts *facts = &node->facts;
    if (!goal_waiting_met(node))
        return facts->completed != NULL;
    if (!node->spec->run.task || node->process)
        return true;
    cleanup_free char *key = task_key(node);
    const char *remembered = state_task_get(node->o->services.state, node->id);
    bool done = str_eq(facts->completed, key) || str_eq(remembered, key);
    if (done == (facts->completed != NULL))
        return true;
    free(facts->completed);
    facts->completed = done ? take_ptr(&key) : NULL;
    return true;
}

/* ---- ready ---- */

static bool is_ready(struct node *node)
{
    if (node->spec->run.task)
        return node->facts.completed != NULL;
    if (node_is_over(node))
        return true;
    return node_probe(node)->kind == PLAN_PROBE_NONE ? !node_settled_ms(node) : node->facts.ready;
}

static void watch(struct node *node)
{
    bool waits_for_end = node->spec->run.task || node->sensor.on;
    if (!waits_for_end)
        sensor_start(node);
}

/* ---- down ---- */

static bool is_stopped(struct node *node)
{
    return !node->process;
}

static int64_t stop_timeout(const struct node *node)
{
    const struct orchestrator *o = node->o;
    int64_t timeout =
        node->spec && node->spec->run.stop_timeout_ms ? node->spec->run.stop_timeout_ms : DEFAULT_STOP_MS;
    if (o->kill || node->kill_signal)
        return 0;
    /* A server that goes mildly has data to save: it keeps its time. */
    bool is_hurried = o->hurry && !native_is_server(node);
    return is_hurried && timeout > HURRIED_STOP_MS ? HURRIED_STOP_MS : timeout;
}

void process_ask_to_stop(struct node *node)
{
    int signal = node->spec && node->spec->run.stop_signal ? node->spec->run.stop_signal : SIGTERM;
    if (node->o->kill || node->kill_signal || node->facts.ephemeral)
        signal = SIGKILL;
    node->o->hooks.stop(node->process, signal, stop_timeout(node));
}

static void stop(struct node *node)
{
    sensor_stop(node);
    node_op_begin(node, "stop", NULL);
    process_ask_to_stop(node);
}

static const char seed_why[] = "a data set may be of any size; its server ends it by answering, or by ending";
static const char stop_why[] = "the stop itself has a limit, and KILL follows";

static const struct goal up[] = {
    {"waiting", STATE_WAITING, is_waiting_met, NULL, NULL, NULL},
    {"calm", STATE_RESTARTING, goal_calm_met, NULL, NULL, NULL},
    {"started", STATE_STARTING, is_started, start, goal_object_limit, NULL},
    {"ready", STATE_RUNNING, is_ready, watch, goal_task_limit, NULL},
    {"seeded", STATE_RUNNING, seed_is_met, seed_start, goal_forever, seed_why},
    {0},
};
static const struct goal down[] = {
    {"unused", STATE_STOPPING, goal_unused_met, NULL, NULL, NULL},
    {"stopped", STATE_STOPPING, is_stopped, stop, goal_forever, stop_why},
    {0},
};
const struct lifecycle process_lifecycle = {up, down};
