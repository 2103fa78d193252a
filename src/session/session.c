/* Converging and taking down, as a command sees it. See session.h. */
#include "session/session.h"
#include "project/adopt.h"
#include "project/certificates.h"
#include "project/native.h"
#include "project/owner.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

static bool needs_engine(const struct plan *plan)
{
    for (size_t i = 0; i < plan->node_count; i++)
        if (plan->nodes[i].kind == PLAN_CONTAINER)
            return true;
    return false;
}

static void forget(void *data)
{
    project_forget_manifest(data);
}

static void tell_guard(pid_t guard, void *data)
{
    const struct context *context = data;
    output_note(&context->output, "waiting for the guard of the last session (pid %ld), which cleans up",
                (long)guard);
}

int session_open(struct context *context, const char *log_dir, bool may_use_engine, struct error *err)
{
    struct project *project = &context->project;
    const struct project_options asked = context_project_options(context);
    if (!project->has_engine && may_use_engine && needs_engine(project->plan)) {
        error_copy(err, &project->engine_error);
        native_offer(&context->project, context->environment, err);
        return -1;
    }
    if (native_check(project->plan, context->environment, err) ||
        adopt_former(project, &asked, &context->output, err))
        return -1;

    /* A copy: the supervisor writes its title over our arguments. */
    cleanup_free char *logs = NULL;
    if (log_dir)
        logs = path_canonical(log_dir);
    struct supervisor_options supervisor = {
        .state_root = project->root,
        .prefix = project->prefix,
        .project = project->name,
        .hash = project->hash,
        .manifest = project->manifest,
        .engine = &project->engine,
        .environment = context->environment,
        .log_dir = logs,
        .forget = forget,
        .forget_data = project,
    };
    struct client_options options = {
        .start = &supervisor,
        .state_root = project->root,
        .prefix = project->prefix,
        .lease = true,
        .on_guard = tell_guard,
        .guard_data = context,
    };
    if (owner_check_engine(project, &asked, err))
        return -1;

    bool is_first = adopt_is_first(project);
    if (client_open(&context->client, &options, err))
        return -1;
    if (is_first)
        adopt_look(project, context->environment, &context->output);
    return client_watch_signals(&context->client, err);
}

int session_open_to_end(struct context *context, bool is_alone, struct strlist *swept, struct error *err)
{
    const struct project *project = &context->project;
    struct supervisor_options supervisor = {
        .state_root = project->root,
        .prefix = project->prefix,
        .project = project->name,
        .hash = project->hash,
        .manifest = text_or_empty(project->manifest),
        .engine = &project->engine,
        .environment = context->environment,
        .takes_down = true,
        .swept = swept,
    };

    struct client_options client = {
        .start = &supervisor,
        .state_root = project->root,
        .prefix = project->prefix,
        .lease = true,
        .starts_first = true,
        .is_alone = is_alone,
        .on_guard = tell_guard,
        .guard_data = context,
    };
    int failed = client_open(&context->client, &client, err);
    context->client.ends_by_down = context->client.is_fresh;
    return failed;
}

#define NOTHING_RUNS "nothing is running"
int session_connect(struct context *context, struct error *err)
{
    struct project *project = &context->project;
    if (!project->prefix)
        project->prefix = owner_recall(project->root, project->hash);
    struct client_options options = {
        .state_root = project->root, .prefix = project->prefix, .timeout_ms = context->wait_timeout_ms};
    cleanup_error struct error why = {0};
    int answer = -1;
    if (context->awaits_guard)
        options.on_guard = tell_guard;
    options.guard_data = context;
    if (project->prefix)
        answer = client_open(&context->client, &options, &why);
    else if (owner_check(project->root, project->hash, err))
        return -1;
    if (answer >= 0)
        return answer;

    if (!error_is_set(&why))
        return error_set(err, ERROR_NOT_RUNNING, NOTHING_RUNS);
    if (why.code == ERROR_NOT_RUNNING)
        error_wrap(&why, NOTHING_RUNS);
    error_move(err, &why);
    return -1;
}

void session_note_nothing(const struct context *context)
{
    output_note(&context->output, NOTHING_RUNS);
}

/* ---- up ---- */

static void on_record(const struct transition *transition, void *data)
{
    if (data)
        render_record(data, transition);
}

static void begin_up(struct context *context, const struct session_up *up, struct client_call *call)
{
    const struct project *project = &context->project;
    cleanup_json cJSON *plan = plan_to_json(project->plan, true);
    cleanup_json cJSON *engine = NULL;
    if (project->has_engine)
        engine = engine_address_to_json(&project->engine);
    const struct ask_up ask = {
        .resources = (const char **)up->resources->items,
        .resource_count = up->resources->count,
        .plan = plan,
        .engine = engine,
        .only = up->only,
        .replace = up->replace,
        .defaults_only = up->defaults_only,
        .force_recreate = up->force_recreate,
        .started_only = up->started_only,
        .dry_run = up->dry_run,
        .lease = up->lease,
        .timeout_ms = context->wait_timeout_ms,
    };

    client_begin(&context->client, call, ASK_UP, record_to_json(&ask_up_record, &ask));
}

int session_up(struct context *context, const struct session_up *up, struct render *render,
               struct view **view, struct error *err)
{
    struct client *client = &context->client;
    struct client_call call = {.on_record = on_record, .data = render};
    if (certificates_fill(&context->project, context->environment, err) < 0)
        return -1;

    struct wait wait = {
        .fact = &call.done,
        .what = "the answer to up",
        .limit = FOREVER, /* the supervisor has the deadline: it does not count the time of pulls */
    };
    begin_up(context, up, &call);
    int answer = await_supervisor(client, &wait, err);
    if (error_is_set(&call.error)) {
        error_copy(err, &call.error);
        native_offer(&context->project, context->environment, err);
        answer = -1;
    }

    cJSON *json = take_ptr(&call.result);
    client_end(client, &call);
    *view = NULL;
    if (json)
        *view = view_read(json, err);
    if (json && !*view)
        return -1;
    return answer;
}

/* ---- down ---- */

enum { LOOK_MS = 2, PARTING_MS = 60000, MOST_PARTINGS = 10 };

/* The end of a session is that its lock is free: only then guard and supervisor have ended, and the next `up`
 * finds nobody. Or that another session has it already. A state folder that is gone has nobody either. */
struct parting {
    struct state *state;
    const char *session; /* id, or NULL: whichever it is */
    struct timer again;
    bool is_over;
    struct context *context;
    struct cleaning_wait cleaning;
};

static bool is_recorded(struct state *state, const char *session, bool otherwise)
{
    struct state_session record = {0};
    bool is_it = otherwise;
    if (!state_session_read(state, &record, NULL))
        is_it = str_eq(record.id, session);
    state_session_free(&record);
    return is_it;
}

static void on_look(void *data)
{
    struct parting *parting = data;
    struct state *state = parting->state;
    bool is_another = state && parting->session && !is_recorded(state, parting->session, true);
    parting->is_over = !state || !state_is_locked(state) || is_another;
    if (parting->is_over)
        return;
    cleaning_look(&parting->cleaning, state_path(state), tell_guard, parting->context);
    timer_start(&parting->again, LOOK_MS);
}

int session_wait_until_over(struct context *context, struct limit limit, struct error *err)
{
    struct client *client = &context->client;
    cleanup_free char *folder = project_folder(&context->project);
    struct parting parting = {
        .state = state_open(folder, false, NULL), .session = client->session.id, .context = context};
    struct wait wait = {
        .fact = &parting.is_over,
        .what = "the end of the supervisor and its guard",
        .limit = limit,
    };

    timer_init(&client->loop, &parting.again, on_look, &parting);
    on_look(&parting);
    int answer = await(client, &wait, err);
    timer_stop(&parting.again);
    if (parting.state)
        state_close(parting.state);
    if (answer == AWAIT_INTERRUPTED)
        return await_interrupted(err);

    return answer;
}

struct ending {
    struct context *context;
    struct render *render; /* or NULL */
    struct client_call down;
    int interrupts; /* how many were answered */
};

/* The first interruption has said down already where it was `up` that it came to. */
static void tell_interruption(const struct ending *ending)
{
    const char *what = "stopping goes on; once more to kill, a third time to leave it to the supervisor";
    if (ending->interrupts >= 2)
        what = "killing; once more to leave it to the supervisor";
    if (ending->render)
        render_hide(ending->render);
    output_note(&ending->context->output, "%s", what);
}

/* The first one only asks what is going on; from the second one on nobody waits for stops. */
static void hurry(void *data)
{
    struct ending *ending = data;
    struct client *client = &ending->context->client;
    if (client->interrupts == ending->interrupts)
        return;
    ending->interrupts = client->interrupts;
    tell_interruption(ending);
    if (client->interrupts < 2)
        return;
    const struct ask_hurry ask = {.kill = true};
    const struct control_request_handlers none = {0};
    control_request(client->connection, ask_name(ASK_HURRY), record_to_json(&ask_hurry_record, &ask), &none);
}

static int wait_for_answer(struct ending *ending, struct error *err)
{
    struct wait wait = {
        .fact = &ending->down.done,
        .what = "the answer to down",
        .limit = FOREVER, /* each stop has its own, in the supervisor */
        .judge = hurry,
        .data = ending,
        .is_steady = true,
    };
    return await_supervisor(&ending->context->client, &wait, err);
}

/* As long as a guard cleans up. */
static int wait_for_parting(struct context *context, const char *folder)
{
    for (int i = 0; i < MOST_PARTINGS; i++) {
        cleanup_error struct error why = {0};
        if (!session_wait_until_over(context, LIMIT_MS(PARTING_MS), &why))
            return 0;
        if (why.code != ERROR_TIMEOUT || !cleaning_guard(folder))
            break;
    }
    return -1;
}

/* Nobody answers: somebody else has taken the session down, or its guard is about to. Then what was wanted is
 * so as soon as the lock is free and no record of the session is left. */
static int look_what_is(struct context *context, struct error *why, struct error *err)
{
    cleanup_free char *folder = project_folder(&context->project);
    bool is_gone = why->code == ERROR_OWNER || why->code == ERROR_NOT_RUNNING;
    bool is_parting = is_gone && !context->client.is_silent;
    if (!is_parting || wait_for_parting(context, folder)) {
        error_move(err, why);
        return -1;
    }
    struct state *state = state_open(folder, false, NULL);
    bool is_left = state && is_recorded(state, context->client.session.id, false);
    if (state)
        state_close(state);
    if (!is_left)
        return 0;
    error_move(err, why);
    return -1;
}

int session_down(struct context *context, const struct ask_down *down, struct render *render,
                 struct view_down **what, struct error *err)
{
    struct client *client = &context->client;
    struct ending ending = {.context = context,
                            .render = render,
                            .down = {.on_record = on_record, .data = render},
                            .interrupts = client->interrupts};
    cleanup_error struct error why = {0};
    cleanup_view_down struct view_down *result = NULL;

    client_begin(client, &ending.down, ASK_DOWN, record_to_json(&ask_down_record, down));
    int failed = wait_for_answer(&ending, &why);
    if (error_is_set(&ending.down.error)) {
        error_copy(&why, &ending.down.error);
        failed = -1;
    }
    cJSON *json = take_ptr(&ending.down.result);
    client_end(client, &ending.down);
    if (json && !(result = view_down_read(json, &why)))
        failed = -1;

    bool has_left = result && result->has_left;
    if (what && !has_left)
        *what = take_ptr(&result);
    if (failed && client->ends_by_down && !client->is_silent)
        session_wait_until_over(context, LIMIT_MS(PARTING_MS), NULL); /* then it can be tried again */
    if (failed)
        return look_what_is(context, &why, err);
    if (has_left)
        return 0;
    return session_wait_until_over(context, LIMIT_MS(PARTING_MS), err);
}

int session_down_shown(struct context *context, const struct ask_down *down, struct view_down **what,
                       struct error *err)
{
    if (client_watch_signals(&context->client, err))
        return -1;
    struct render *render = render_new(&context->output, &context->client.loop, stderr);
    int failed = session_down(context, down, render, what, err);
    render_finish(render, false);
    render_free(render);
    return failed;
}

void session_bye(struct context *context)
{
    if (context->client.connection)
        client_call(&context->client, ASK_BYE, NULL, LIMIT_MS(1000), NULL, NULL);
}
