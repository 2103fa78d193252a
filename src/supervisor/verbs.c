/* The control protocol's verbs: one table, one function each.
 *
 * A verb either answers at once, or starts a request of the orchestrator; `finish` then makes the answer.
 * Requests of a client that is gone are forgotten; what they started goes on. Transitions go to everybody who
 * waits for something that reports them (watch.c). */
#include "supervisor/internal.h"
#include "control/requests.h"
#include "control/view.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

static void fail(const struct call *call, const struct error *error)
{
    control_send_done(call->client, call->id, error, NULL);
}

static void answer_view(const struct error *error, const cJSON *report, void *data)
{
    struct verb_request *request = data;
    struct supervisor *s = request->supervisor;
    cJSON *view = orchestrator_view(s->orchestrator);
    if (report)
        cJSON_AddItemToObject(view, "report", cJSON_Duplicate(report, true));
    control_send_done(request->client, request->id, error, view);
    supervisor_forget(request);
}

/* ---- up ---- */

/* One session, one engine: what another one runs could not be seen from here. */
static int check_engine(const struct supervisor *s, const cJSON *engine, struct error *err)
{
    const char *asked = engine_address_host(engine);
    const char *ours = NULL;
    if (s->options->engine)
        ours = s->options->engine->host;
    if (!asked || !ours || str_eq(asked, ours))
        return 0;
    error_set(err, ERROR_USAGE, "the project runs on the engine %s, not on %s", ours, asked);
    error_hint(err, "take it down first (apphost down), or use the same engine");
    return -1;
}

static void on_applied(const struct error *error, const cJSON *report, void *data)
{
    answer_view(error, report, data);
#ifdef __GLIBC__
    malloc_trim(0); /* reading a plan takes many times what it leaves */
#endif
}

static void copy_names(const char **names, size_t count, struct strlist *to)
{
    for (size_t i = 0; i < count; i++)
        strlist_add(to, names[i]);
}

static void begin_up(const struct call *call, const struct ask_up *ask, struct plan *plan)
{
    struct supervisor *s = call->s;
    struct orchestrator_apply apply = {
        .plan = plan,
        .only = ask->only,
        .replace = ask->replace,
        .defaults_only = ask->defaults_only,
        .force_recreate = ask->force_recreate,
        .wait_only_started = ask->started_only,
        .dry_run = ask->dry_run,
        .timeout_ms = ask->timeout_ms,
    };

    copy_names(ask->resources, ask->resource_count, &apply.resources);
    if (ask->lease)
        lease_take(s, call->client);
    if (!apply.dry_run)
        s->was_used = s->has_plan = true;
    struct verb_request *request = supervisor_begin(call);
    request->handle = orchestrator_apply(s->orchestrator, &apply, on_applied, request);
    strlist_free(&apply.resources);
}

static void do_up(const struct call *call)
{
    cleanup_error struct error error = {0};
    struct arena arena = {0};
    struct plan *plan = NULL;
    const struct ask_up *ask = supervisor_read(call, &ask_up_record, &arena);

    if (ask && !check_engine(call->s, ask->engine, &error))
        plan = plan_from_json(ask->plan, &error);
    if (plan)
        begin_up(call, ask, plan);
    else if (ask)
        fail(call, &error);
    arena_free(&arena);
}

/* ---- down ---- */

/* Persistent, volumes being so as well, and still with the engine. */
static bool is_kept(const struct view_resource *item)
{
    bool is_there = item->state != VIEW_NO_STATE && item->state != VIEW_REMOVED && item->state != VIEW_MANUAL;
    bool may_stay = item->node_kind == VIEW_CONTAINER || item->node_kind == VIEW_VOLUME ||
                    (item->node_kind == VIEW_PROCESS && item->pid);
    return is_there && may_stay && item->lifetime == LIFETIME_PERSISTENT;
}

/* What is still there on purpose, in the form of what was removed. */
static void add_kept(struct view_down *down, const struct view_resource *items, size_t count)
{
    size_t had = down->kept_count;
    down->kept = arena_grow(&down->arena, down->kept, had, had + count, sizeof *down->kept);
    for (size_t i = 0; i < count; i++)
        if (is_kept(&items[i]))
            down->kept[down->kept_count++] =
                (struct view_object){.kind = view_kind_name(items[i].node_kind), .name = items[i].name};
}

static cJSON *harvest(struct supervisor *s, const cJSON *report)
{
    cleanup_view_down struct view_down *down = view_down_copy(report);
    cleanup_view struct view *view = orchestrator_snapshot(s->orchestrator);
    add_kept(down, view->resources, view->resource_count);
    add_kept(down, view->others, view->other_count);
    return view_down_to_json(down);
}

static void on_down(const struct error *error, const cJSON *report, void *data)
{
    struct verb_request *request = data;
    request->is_over = true;
    request->harvest = harvest(request->supervisor, report);
    error_copy(&request->error, error);
    supervisor_down_over(request->supervisor, !error);
}

void supervisor_answer_downs(struct supervisor *s)
{
    struct verb_request *request, *next;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (!request->is_over)
            continue;
        const struct error *error = error_is_set(&request->error) ? &request->error : NULL;
        if (request->client)
            control_send_done(request->client, request->id, error, take_ptr(&request->harvest));
        supervisor_forget(request);
    }
}

/* The client is done; others hold the session, or nobody needs to. */
static bool leaves(const struct call *call, const struct ask_down *ask)
{
    struct supervisor *s = call->s;
    if (!ask->leave || s->phase != PHASE_RUNNING)
        return false;
    lease_leave(s, call->client);
    if (!s->detached && !lease_is_held(s))
        return false;
    const struct view_down answer = {.has_left = true};
    control_send_done(call->client, call->id, NULL, view_down_to_json(&answer));
    lease_look(s);
    return true;
}

static void begin_down(const struct call *call, const struct ask_down *ask)
{
    struct orchestrator_down down = {
        .persistent = ask->persistent,
        .volumes = ask->volumes,
        .kill = ask->kill,
        .timeout_ms = ask->timeout_ms,
    };
    if (leaves(call, ask))
        return;
    struct verb_request *request = supervisor_begin(call);
    request->handle = supervisor_down(call->s, &down, on_down, request);
}

static void do_down(const struct call *call)
{
    struct arena arena = {0};
    const struct ask_down *ask = supervisor_read(call, &ask_down_record, &arena);
    if (ask)
        begin_down(call, ask);
    arena_free(&arena);
}

/* ---- single resources ---- */

/* Of a request about resources; the answer is whether the caller goes on. */
struct about {
    const struct ask_resources *ask;
    struct strlist names;
    struct arena arena;
};

static bool about_read(struct about *about, const struct call *call)
{
    *about = (struct about){0};
    about->ask = supervisor_read(call, &ask_resources_record, &about->arena);
    if (about->ask)
        copy_names(about->ask->resources, about->ask->resource_count, &about->names);
    return about->ask != NULL;
}

static void about_free(struct about *about)
{
    strlist_free(&about->names);
    arena_free(&about->arena);
}

#define cleanup_about __attribute__((cleanup(about_free)))

static void do_control(const struct call *call)
{
    cleanup_about struct about about;
    if (!about_read(&about, call))
        return;
    if (about.ask->signal < 0 || about.ask->signal >= NSIG) {
        cleanup_error struct error error = {0};
        error_set(&error, ERROR_USAGE, "there is no signal %d", about.ask->signal);
        fail(call, &error);
        return;
    }

    struct orchestrator_control control = {
        .verb = (enum orchestrator_verb)call->verb->argument,
        .resources = &about.names,
        .signal = about.ask->signal,
        .timeout_ms = about.ask->timeout_ms,
    };
    struct verb_request *request = supervisor_begin(call);
    request->handle = orchestrator_control(call->s->orchestrator, &control, answer_view, request);
}

static bool find_until(const char *name, enum plan_until *until)
{
    for (int i = PLAN_STARTED; i <= PLAN_GONE; i++) {
        if (strcmp(plan_until_name((enum plan_until)i), name) != 0)
            continue;
        *until = (enum plan_until)i;
        return true;
    }
    return false;
}

static void do_wait(const struct call *call)
{
    cleanup_about struct about about;
    cleanup_error struct error error = {0};
    if (!about_read(&about, call))
        return;
    const char *name = text_or(about.ask->until, "healthy");
    struct orchestrator_wait wait = {.resources = &about.names, .timeout_ms = about.ask->timeout_ms};
    if (!find_until(name, &wait.until)) {
        error_set(&error, ERROR_USAGE, "cannot wait for \"%s\"", name);
        fail(call, &error);
        return;
    }
    struct verb_request *request = supervisor_begin(call);
    request->handle = orchestrator_wait(call->s->orchestrator, &wait, answer_view, request);
}

/* ---- questions ---- */

static void do_hello(const struct call *call)
{
    struct supervisor *s = call->s;
    struct arena arena = {0};
    const struct ask_hello *ask = supervisor_read(call, &ask_hello_record, &arena);
    const struct answer_hello hello = {
        .protocol = 1,
        .session = s->session,
        .project = s->options->project,
        .version = APPHOST_VERSION,
        .pid = getpid(),
        .owner = s->detached ? 0 : s->starter,
        .is_detached = s->detached,
        .logs = s->logs_folder,
        .is_ending = s->phase != PHASE_RUNNING,
    };

    if (ask && ask->lease && s->phase == PHASE_RUNNING)
        lease_take(s, call->client);
    if (ask)
        control_send_done(call->client, call->id, NULL, record_to_json(&answer_hello_record, &hello));
    arena_free(&arena);
}

static void do_view(const struct call *call)
{
    control_send_done(call->client, call->id, NULL, orchestrator_view(call->s->orchestrator));
}

static void answer(const struct call *call, cJSON *data, const struct error *error)
{
    control_send_done(call->client, call->id, data ? NULL : error, data);
}

static void do_env(const struct call *call)
{
    cleanup_about struct about about;
    cleanup_error struct error error = {0};
    if (!about_read(&about, call))
        return;
    struct orchestrator *o = call->s->orchestrator;
    answer(call, orchestrator_environment(o, &about.names, about.ask->whose, &error), &error);
}

static void do_exec_info(const struct call *call)
{
    cleanup_about struct about about;
    cleanup_error struct error error = {0};
    if (!about_read(&about, call))
        return;
    const char *resource = text_or_empty(about.ask->resource);
    answer(call, orchestrator_exec_info(call->s->orchestrator, resource, &error), &error);
}

static void do_secrets(const struct call *call)
{
    cleanup_json cJSON *secrets = orchestrator_secrets(call->s->orchestrator);
    const struct answer_secrets answer = {secrets};
    control_send_done(call->client, call->id, NULL, record_to_json(&answer_secrets_record, &answer));
}

static void do_hurry(const struct call *call)
{
    struct arena arena = {0};
    const struct ask_hurry *ask = supervisor_read(call, &ask_hurry_record, &arena);
    if (ask) {
        orchestrator_hurry(call->s->orchestrator, ask->kill);
        control_send_done(call->client, call->id, NULL, NULL);
    }
    arena_free(&arena);
}

static void do_bye(const struct call *call)
{
    lease_detach(call->s, call->client);
    control_send_done(call->client, call->id, NULL, NULL);
}

static const struct verb verbs[ASK_COUNT] = {
    [ASK_HELLO] = {do_hello, 0, false, true},
    [ASK_UP] = {do_up, 0, true, false},
    [ASK_DOWN] = {do_down, 0, true, true},
    [ASK_START] = {do_control, ORCHESTRATOR_START, true, false},
    [ASK_STOP] = {do_control, ORCHESTRATOR_STOP, true, false},
    [ASK_RESTART] = {do_control, ORCHESTRATOR_RESTART, true, false},
    [ASK_KILL] = {do_control, ORCHESTRATOR_KILL, true, false},
    [ASK_CUT] = {do_control, ORCHESTRATOR_CUT, true, false},
    [ASK_HEAL] = {do_control, ORCHESTRATOR_HEAL, true, false},
    [ASK_WAIT] = {do_wait, 0, true, false},
    [ASK_VIEW] = {do_view, 0, false, true},
    [ASK_WATCH] = {supervisor_watch, 0, true, true},
    [ASK_HISTORY] = {supervisor_tell_history, 0, false, true},
    [ASK_USAGE] = {supervisor_tell_usage, 0, false, true},
    [ASK_LOGS] = {supervisor_tell_logs, 0, false, true},
    [ASK_EDGES] = {supervisor_tell_edges, 0, false, true},
    [ASK_DETAILS] = {supervisor_tell_details, 0, false, false},
    [ASK_ENV] = {do_env, 0, false, false},
    [ASK_EXEC_INFO] = {do_exec_info, 0, false, false},
    [ASK_SECRETS] = {do_secrets, 0, false, true},
    [ASK_HURRY] = {do_hurry, 0, false, true},
    [ASK_BYE] = {do_bye, 0, false, true},
};

/* ---- what the server hands over ---- */

static const struct verb *find_verb(const char *name)
{
    enum ask ask = ask_by_name(name);
    if (ask == ASK_COUNT)
        return NULL;
    return &verbs[ask];
}

/* A session that is being taken down shows what it does and can be hurried; another down joins. */
static bool is_served(const struct supervisor *s, const struct verb *verb)
{
    return s->phase == PHASE_RUNNING || (s->phase == PHASE_LEAVING && verb->serves_the_leaving);
}

static void on_request(struct control_client *client, int64_t id, const char *name, const cJSON *message,
                       void *data)
{
    cleanup_error struct error error = {0};
    struct call call = {data, client, id, find_verb(name), message};
    if (!call.verb) {
        cleanup_free char *shown = str_printable(name);
        error_set(&error, ERROR_USAGE, "the supervisor knows no verb \"%.40s\"", shown);
        error_hint(&error,
                   "it is apphost " APPHOST_VERSION "; restart the project with the version that you use");
        fail(&call, &error);
    } else if (!is_served(call.s, call.verb)) {
        error_set(&error, ERROR_NOT_RUNNING, "the session is ending");
        fail(&call, &error);
    } else {
        call.verb->act(&call);
    }
}

static void on_gone(struct control_client *client, void *data)
{
    struct supervisor *s = data;
    struct verb_request *request, *next;

    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (request->client != client)
            continue;
        if (request->verb->act == do_down) { /* goes on, and its end is the session's */
            request->client = NULL;
            continue;
        }
        if (request->handle)
            orchestrator_forget(s->orchestrator, request->handle);
        supervisor_forget(request);
    }

    supervisor_settle_watches(s);
    lease_gone(s, client);
}

static void on_drain(struct control_client *client, void *data)
{
    (void)client;
    supervisor_tell_changes(data);
}

const struct control_handlers supervisor_handlers = {
    .on_request = on_request,
    .on_drain = on_drain,
    .on_gone = on_gone,
};

void supervisor_drop_requests(struct supervisor *s)
{
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_CANCELLED, "the session has ended");
    while (s->requests) {
        struct verb_request *request = s->requests;
        if (request->handle)
            orchestrator_forget(s->orchestrator, request->handle);
        if (request->handle && request->client)
            control_send_done(request->client, request->id, &error, NULL);
        supervisor_forget(request);
    }
}
