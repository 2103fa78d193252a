/* The control protocol's verbs: one table, one function each.
 *
 * A verb either answers at once, or starts a request of the orchestrator; `finish` then makes the answer.
 * Requests of a client that is gone are forgotten; what they started goes on. Transitions go to everybody who
 * waits for something that reports them. */
#include "supervisor/internal.h"
#include "base/log.h"
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utlist.h>

struct call {
    struct supervisor *s;
    struct control_client *client;
    int64_t id;
    const struct verb *verb;
    const cJSON *message;
};

struct verb {
    const char *name;
    void (*act)(const struct call *call);
    int argument;
    bool reports;            /* its client gets transitions while it works */
    bool serves_the_leaving; /* while a down is under way */
};

/* ---- requests under way ---- */

static struct request *request_new(const struct call *call)
{
    struct request *request = xcalloc(1, sizeof *request);
    *request =
        (struct request){.supervisor = call->s, .client = call->client, .id = call->id, .verb = call->verb};
    DL_APPEND(call->s->requests, request);
    return request;
}

static void request_free(struct request *request)
{
    DL_DELETE(request->supervisor->requests, request);
    cJSON_Delete(request->harvest);
    error_clear(&request->error);
    free(request);
}

static void fail(const struct call *call, const struct error *error)
{
    control_send_done(call->client, call->id, error, NULL);
}

static void answer_view(const struct error *error, const cJSON *report, void *data)
{
    struct request *request = data;
    struct supervisor *s = request->supervisor;
    cJSON *view = orchestrator_view(s->orchestrator);
    if (report)
        cJSON_AddItemToObject(view, "report", cJSON_Duplicate(report, true));
    control_send_done(request->client, request->id, error, view);
    request_free(request);
}

/* ---- up ---- */

/* One session, one engine: what another one runs could not be seen from here. */
static int check_engine(const struct supervisor *s, const cJSON *message, struct error *err)
{
    const char *asked = json_string(json_get(message, "engine"), "host", NULL);
    const char *ours = s->options->engine ? s->options->engine->host : NULL;
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

static void do_up(const struct call *call)
{
    struct supervisor *s = call->s;
    const cJSON *message = call->message;
    cleanup_error struct error error = {0};
    struct plan *plan =
        check_engine(s, message, &error) < 0 ? NULL : plan_from_json(json_get(message, "plan"), &error);
    if (!plan) {
        fail(call, &error);
        return;
    }
    struct orchestrator_apply apply = {
        .plan = plan,
        .only = json_bool(message, "only", false),
        .replace = json_bool(message, "replace", false),
        .defaults_only = json_bool(message, "defaultsOnly", false),
        .force_recreate = json_bool(message, "forceRecreate", false),
        .wait_only_started = json_bool(message, "startedOnly", false),
        .dry_run = json_bool(message, "dryRun", false),
        .timeout_ms = json_int(message, "timeoutMs", 0),
    };
    json_get_strings(message, "resources", &apply.resources);
    if (json_bool(message, "lease", false))
        lease_take(s, call->client);
    if (!apply.dry_run)
        s->was_used = s->has_plan = true;
    struct request *request = request_new(call);
    request->handle = orchestrator_apply(s->orchestrator, &apply, on_applied, request);
    strlist_free(&apply.resources);
}

/* ---- down ---- */

/* Persistent, volumes being so as well, and still with the engine. */
static bool is_kept(const cJSON *item)
{
    const char *state = json_string(item, "state", "");
    const char *node = json_string(item, "node", "");
    bool there = *state && strcmp(state, "removed") != 0 && strcmp(state, "manual") != 0;
    bool stays = str_starts(node, "container:") || str_starts(node, "volume:") ||
                 (str_starts(node, "process:") && json_get(item, "pid"));
    return there && stays && str_eq(json_string(item, "lifetime", ""), "persistent");
}

/* What is still there on purpose, in the form of what was removed. */
static void add_kept(cJSON *kept, const cJSON *items)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        const char *node = json_string(item, "node", "");
        if (!is_kept(item))
            continue;
        cJSON *entry = cJSON_CreateObject();
        cleanup_free char *kind = xstrndup(node, strcspn(node, ":"));
        json_add_string(entry, "kind", kind);
        json_add_string(entry, "name", json_string(item, "name", NULL));
        cJSON_AddItemToArray(kept, entry);
    }
}

static cJSON *harvest(struct supervisor *s, const cJSON *report)
{
    cJSON *data = cJSON_CreateObject();
    const cJSON *removed = json_get(report, "removed");
    cleanup_json cJSON *view = orchestrator_view(s->orchestrator);
    cJSON_AddItemToObject(data, "removed", removed ? cJSON_Duplicate(removed, true) : cJSON_CreateArray());
    cJSON *kept = json_add_array(data, "kept");
    add_kept(kept, json_get(view, "resources"));
    add_kept(kept, json_get(view, "others"));
    return data;
}

static void on_down(const struct error *error, const cJSON *report, void *data)
{
    struct request *request = data;
    request->is_over = true;
    request->harvest = harvest(request->supervisor, report);
    error_copy(&request->error, error);
    supervisor_down_over(request->supervisor, !error);
}

void supervisor_answer_downs(struct supervisor *s)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (!request->is_over)
            continue;
        const struct error *error = error_is_set(&request->error) ? &request->error : NULL;
        if (request->client)
            control_send_done(request->client, request->id, error, take_ptr(&request->harvest));
        request_free(request);
    }
}

/* The client is done; others hold the session, or nobody needs to. */
static bool leaves(const struct call *call)
{
    struct supervisor *s = call->s;
    if (!json_bool(call->message, "leave", false) || s->phase != PHASE_RUNNING)
        return false;
    lease_leave(s, call->client);
    if (!s->detached && !lease_is_held(s))
        return false;
    cJSON *answer = cJSON_CreateObject();
    json_add_bool(answer, "left", true);
    control_send_done(call->client, call->id, NULL, answer);
    lease_look(s);
    return true;
}

static void do_down(const struct call *call)
{
    struct orchestrator_down down = {
        .persistent = json_bool(call->message, "persistent", false),
        .volumes = json_bool(call->message, "volumes", false),
        .kill = json_bool(call->message, "kill", false),
        .timeout_ms = json_int(call->message, "timeoutMs", 0),
    };
    if (leaves(call))
        return;
    struct request *request = request_new(call);
    request->handle = supervisor_down(call->s, &down, on_down, request);
}

/* ---- single resources ---- */

static void do_control(const struct call *call)
{
    cleanup_strlist struct strlist resources = {0};
    json_get_strings(call->message, "resources", &resources);
    struct orchestrator_control control = {
        .verb = (enum orchestrator_verb)call->verb->argument,
        .resources = &resources,
        .signal = (int)json_int(call->message, "signal", 0),
        .timeout_ms = json_int(call->message, "timeoutMs", 0),
    };
    struct request *request = request_new(call);
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
    cleanup_strlist struct strlist resources = {0};
    cleanup_error struct error error = {0};
    const char *name = json_string(call->message, "until", "healthy");
    json_get_strings(call->message, "resources", &resources);
    struct orchestrator_wait wait = {.resources = &resources,
                                     .timeout_ms = json_int(call->message, "timeoutMs", 0)};
    if (!find_until(name, &wait.until)) {
        error_set(&error, ERROR_USAGE, "cannot wait for \"%s\"", name);
        fail(call, &error);
        return;
    }
    struct request *request = request_new(call);
    request->handle = orchestrator_wait(call->s->orchestrator, &wait, answer_view, request);
}

/* ---- questions ---- */

static void do_hello(const struct call *call)
{
    struct supervisor *s = call->s;
    cJSON *data = cJSON_CreateObject();
    json_add_int(data, "protocol", 1);
    json_add_string(data, "session", s->session);
    json_add_string(data, "project", s->options->project);
    json_add_string(data, "version", APPHOST_VERSION);
    json_add_int(data, "pid", getpid());
    json_add_int(data, "owner", s->detached ? 0 : s->starter);
    json_add_bool(data, "detached", s->detached);
    json_add_string(data, "logs", s->logs_folder);
    json_add_bool(data, "ending", s->phase != PHASE_RUNNING);
    if (s->phase == PHASE_RUNNING && json_bool(call->message, "lease", false))
        lease_take(s, call->client);
    control_send_done(call->client, call->id, NULL, data);
}

static void do_view(const struct call *call)
{
    control_send_done(call->client, call->id, NULL, orchestrator_view(call->s->orchestrator));
}

static void do_watch(const struct call *call)
{
    request_new(call); /* lasts as long as its client or the session */
}

static void answer(const struct call *call, cJSON *data, const struct error *error)
{
    control_send_done(call->client, call->id, data ? NULL : error, data);
}

static void do_env(const struct call *call)
{
    cleanup_strlist struct strlist resources = {0};
    cleanup_error struct error error = {0};
    json_get_strings(call->message, "resources", &resources);
    const char *whose = json_string(call->message, "for", NULL);
    answer(call, orchestrator_environment(call->s->orchestrator, &resources, whose, &error), &error);
}

static void do_exec_info(const struct call *call)
{
    cleanup_error struct error error = {0};
    const char *resource = json_string(call->message, "resource", "");
    answer(call, orchestrator_exec_info(call->s->orchestrator, resource, &error), &error);
}

static void do_secrets(const struct call *call)
{
    cJSON *data = cJSON_CreateObject();
    cJSON_AddItemToObject(data, "secrets", orchestrator_secrets(call->s->orchestrator));
    control_send_done(call->client, call->id, NULL, data);
}

static void do_hurry(const struct call *call)
{
    orchestrator_hurry(call->s->orchestrator, json_bool(call->message, "kill", false));
    control_send_done(call->client, call->id, NULL, NULL);
}

static void do_bye(const struct call *call)
{
    lease_detach(call->s, call->client);
    control_send_done(call->client, call->id, NULL, NULL);
}

static const struct verb verbs[] = {
    {"hello", do_hello, 0, false, true},
    {"up", do_up, 0, true, false},
    {"down", do_down, 0, true, true},
    {"start", do_control, ORCHESTRATOR_START, true, false},
    {"stop", do_control, ORCHESTRATOR_STOP, true, false},
    {"restart", do_control, ORCHESTRATOR_RESTART, true, false},
    {"kill", do_control, ORCHESTRATOR_KILL, true, false},
    {"wait", do_wait, 0, true, false},
    {"view", do_view, 0, false, true},
    {"watch", do_watch, 0, true, true},
    {"env", do_env, 0, false, false},
    {"exec-info", do_exec_info, 0, false, false},
    {"secrets", do_secrets, 0, false, true},
    {"hurry", do_hurry, 0, false, true},
    {"bye", do_bye, 0, false, true},
};

/* ---- what the server hands over ---- */

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
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
    struct request *request, *next;
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
        request_free(request);
    }
    lease_gone(s, client);
}

const struct control_handlers supervisor_handlers = {.on_request = on_request, .on_gone = on_gone};

void supervisor_tell_watchers(struct supervisor *s)
{
    struct request *request, *next;
    DL_FOREACH_SAFE(s->requests, request, next)
    {
        if (request->verb->act != do_watch)
            continue;
        control_send_done(request->client, request->id, NULL, NULL);
        request_free(request);
    }
}

void supervisor_drop_requests(struct supervisor *s)
{
    cleanup_error struct error error = {0};
    error_set(&error, ERROR_CANCELLED, "the session has ended");
    while (s->requests) {
        struct request *request = s->requests;
        if (request->handle)
            orchestrator_forget(s->orchestrator, request->handle);
        if (request->handle && request->client)
            control_send_done(request->client, request->id, &error, NULL);
        request_free(request);
    }
}

/* ---- transitions ---- */

static cJSON *transition_to_json(const struct orchestrator_transition *transition, int64_t id)
{
    cJSON *json = cJSON_CreateObject();
    json_add_int(json, "id", id);
    json_add_string(json, "type", "transition");
    json_add_int(json, "timeMs", transition->time_ns / 1000000); /* a double holds no nanoseconds */
    json_add_string(json, "resource", transition->resource);
    json_add_string(json, "replicaOf", transition->replica_of);
    json_add_string(json, "node", transition->node);
    json_add_string(json, "kind", transition->kind);
    json_add_string(json, "state", transition->state);
    json_add_string(json, "goal", transition->goal);
    json_add_string(json, "detail", transition->detail);
    json_add_int(json, "elapsedMs", transition->elapsed_ms);
    if (transition->total || transition->current) {
        json_add_int(json, "current", transition->current);
        json_add_int(json, "total", transition->total);
    }
    if (transition->error)
        cJSON_AddItemToObject(json, "error", control_error_to_json(transition->error));
    return json;
}

void supervisor_broadcast(const struct orchestrator_transition *transition, void *data)
{
    struct supervisor *s = data;
    struct request *request;
    const char *detail = transition->detail && *transition->detail ? transition->detail : NULL;
    if (!transition->total)
        log_info("%s: %s%s%s", transition->node, transition->state, detail ? ": " : "", detail ? detail : "");
    DL_FOREACH(s->requests, request)
    {
        if (request->verb->reports && request->client)
            control_send(request->client, transition_to_json(transition, request->id));
    }
}
