/* Processes: waiting → calm → started → ready (a task: completed) → users → seeded, and unused → saved →
 * stopped.
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

/* ---- callbacks of the process ---- */

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct node *node = data;
    if (length && node->output.writer)
        log_writer_add(node->output.writer, stream, bytes, length);
}

static void forget(struct node *node)
{
    if (node->process)
        node->o->hooks.free(node->process);
    node->process = NULL;
    if (node->doing == OP_STOP)
        node_op_end(node);
}

static void on_process_exit(const struct process_exit *how, void *data)
{
    struct node *node = data;
    if (how->signal)
        facts_end_as(node, -1, how->signal);
    else
        facts_end_as(node, how->code, 0);
    if (node->output.writer)
        log_writer_flush(node->output.writer);
    forget(node);
    native_ended(node);
    node_instance_ended(node);
    node_judge_exit(node);
    requests_changed(node->o);
}

static void listen_to(struct node *node, struct process_options *options)
{
    options->on_output = on_output;
    options->on_exit = on_process_exit;
    options->data = node;
}

/* ---- started ---- */

static bool is_started(const struct node *node)
{
    return node->process || node->facts.completed || node_is_over(node);
}

static bool ports_free(struct node *node)
{
    struct orchestrator *o = node->o;
    for (size_t i = 0; i < node->port_count; i++) {
        const struct plan_port *port = &node->spec->run.ports[i];
        const char *address = text_or(port->bind_address, "127.0.0.1");
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
    if (run->input_end == PLAN_INPUT_DEFAULT)
        return !run->task;
    return run->input_end == PLAN_INPUT_OPEN;
}

static struct process *spawn(struct node *node, struct error *err)
{
    struct orchestrator *o = node->o;
    const struct plan_run *run = &node->spec->run;
    cleanup_strlist struct strlist argv = {0}, environment = {0};
    bool known = values_list(node, run->entrypoint, run->entrypoint_count, &argv) &&
                 values_list(node, run->command, run->command_count, &argv) &&
                 values_environment(node, &environment);

    if (!known || !argv.count) {
        error_set(err, ERROR_FAILED, "cannot start %s: %s", node->resource,
                  text_pick(known, "it has no command", "a value of its environment is not known"));
        return NULL;
    }

    cleanup_free char *output_path = NULL;
    struct process_options options = {
        .argv = (const char *const *)argv.items,
        .environment = (const char *const *)environment.items,
        .working_dir = run->working_dir,
        .keeps_input_open = keeps_input_open(run),
    };

    listen_to(node, &options);
    if (native_prepare(node, &options, &output_path, err) < 0)
        return NULL;

    char *input = values_resolve_given(o, &run->input);
    options.input = input;
    struct process *process = o->hooks.spawn(o->services.loop, &options, err);
    if (input)
        mem_wipe(input, strlen(input));
    free(input);
    return process;
}

static void start(struct node *node)
{
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

    facts_make_of(node, node->spec->spec_hash);
    facts_resolve(node, digest);
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

static bool is_waiting_met(const struct node *node)
{
    return goal_waiting_met(node) || node->facts.completed;
}

static void learn_completed(struct node *node)
{
    const struct facts *facts = &node->facts;
    if (node->going_down || !node->spec->run.task || node->process || !goal_waiting_met(node))
        return;
    cleanup_free char *key = task_key(node);
    const char *remembered = state_task_get(node->o->services.state, node->id);
    bool done = str_eq(facts->completed, key) || str_eq(remembered, key);
    if (done == (facts->completed != NULL))
        return;
    if (done)
        facts_complete(node, take_ptr(&key));
    else
        facts_complete(node, NULL);
}

/* ---- ready ---- */

static bool is_ready(const struct node *node)
{
    if (node->spec->run.task)
        return node->facts.completed != NULL;
    if (node_is_over(node))
        return true;
    if (node_probe(node)->kind == PLAN_PROBE_NONE)
        return !node_settled_ms(node);
    return node->facts.ready;
}

static void watch(struct node *node)
{
    bool waits_for_end = node->spec->run.task || node->sensor.on;
    if (!waits_for_end)
        sensor_start(node);
}

/* ---- down ---- */

static bool is_stopped(const struct node *node)
{
    return !node->process;
}

static int64_t stop_timeout(const struct node *node)
{
    const struct orchestrator *o = node->o;
    int64_t timeout = DEFAULT_STOP_MS;
    if (node->spec)
        timeout = int64_or(node->spec->run.stop_timeout_ms, timeout);
    if (o->kill || node->kill_signal)
        return 0;
    /* A server that goes mildly has data to save: it keeps its time. */
    if (o->hurry && !native_is_server(node))
        return int64_min(timeout, HURRIED_STOP_MS);
    return timeout;
}

static void ask_to_stop(struct node *node)
{
    int signal = SIGTERM;
    if (node->spec)
        signal = int_or(node->spec->run.stop_signal, signal);
    if (node->o->kill || node->kill_signal || node->facts.ephemeral)
        signal = SIGKILL;
    node->o->hooks.stop(node->process, signal, stop_timeout(node));
}

static void stop(struct node *node)
{
    sensor_stop(node);
    node_op_begin(node, OP_STOP, NULL);
    ask_to_stop(node);
}

static const char seed_why[] = "a data set may be of any size; its server ends it by answering, or by ending";
static const char stop_why[] = "the stop itself has a limit, and KILL follows";

static const struct goal up[] = {
    GOAL_WAITS("waiting", STATE_WAITING, is_waiting_met),
    GOAL_WAITS("calm", STATE_RESTARTING, goal_calm_met),
    GOAL_ACTS("started", STATE_STARTING, is_started, start, goal_object_limit),
    GOAL_ACTS("ready", STATE_RUNNING, is_ready, watch, goal_task_limit),
    GOAL_ACTS("users", STATE_RUNNING, users_are_met, users_start, goal_object_limit),
    GOAL_ACTS("formed", STATE_RUNNING, forming_is_met, forming_start, goal_object_limit),
    GOAL_LASTS("seeded", STATE_RUNNING, seed_is_met, seed_start, seed_why),
    GOALS_END,
};
static const struct goal down[] = {
    GOAL_WAITS("unused", STATE_STOPPING, goal_unused_met),
    GOAL_ACTS("saved", STATE_STOPPING, saving_is_met, saving_start, saving_limit),
    GOAL_LASTS("stopped", STATE_STOPPING, is_stopped, stop, stop_why),
    GOALS_END,
};

/* ---- the kind ---- */

static bool is_alive(const struct node *node)
{
    return node->process;
}

static bool is_current(const struct node *node)
{
    const struct facts *facts = &node->facts;
    if (!node->process)
        return true;
    if (native_is_server(node) && facts->persistent != node->spec->run.persistent)
        return false;
    return str_eq(facts->spec_hash, node->spec->spec_hash) && facts->generation == node->generation &&
           node_has_current_values(node);
}

static bool is_persistent(const struct node *node)
{
    return node->facts.persistent;
}

static bool settles(const struct node *node)
{
    return node_probe(node)->kind == PLAN_PROBE_NONE;
}

static bool uses(const struct node *process, const struct node *shared)
{
    (void)process;
    return native_folder(shared);
}

/* A second `up` with more replicas than before. */
static bool is_one_more(const struct node *node)
{
    for (const struct node *other = node->o->nodes; other && node_replica_of(node); other = other->hh.next) {
        bool was_there = other->process && other->facts.started_ms < node->asked_ms;
        if (was_there && str_eq(node_replica_of(other), node_replica_of(node)))
            return true;
    }
    return false;
}

static const char *decide(struct node *node, char **explain)
{
    if (!node->process) {
        if (is_one_more(node) && !node->facts.spec_hash)
            *explain = xasprintf("one more replica of %s", node_replica_of(node));
        return text_pick(node->facts.completed, "reused", "created");
    }
    if (node_is_current(node))
        return "reused";
    bool asked =
        str_eq(node->facts.spec_hash, node->spec->spec_hash) && node->facts.generation != node->generation;
    if (!asked)
        *explain = decide_explain(node->o, node, node->spec);
    return text_pick(asked, "restarted", "recreated");
}

static void raise_generation(struct node *node)
{
    want_run_again(node);
}

static void hurry(struct node *node)
{
    if (node->process && node->doing == OP_STOP)
        ask_to_stop(node);
}

static void on_close(struct node *node)
{
    if (node->process && node->facts.persistent)
        native_release(node);
    else if (node->process)
        node->o->hooks.free(node->process);
    node->process = NULL;
}

const struct node_kind process_kind = {
    .name = "process",
    .up = up,
    .down = down,
    .is_main = true,
    .runs = true,
    .is_child = true,
    .is_alive = is_alive,
    .is_gone = is_stopped,
    .is_current = is_current,
    .is_persistent = is_persistent,
    .settles = settles,
    .uses = uses,
    .decide = decide,
    .learn = learn_completed,
    .on_recreate = raise_generation,
    .listen = listen_to,
    .hurry = hurry,
    .on_close = on_close,
};
