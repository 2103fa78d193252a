/* What is done with a server's data as a whole, and with who is primary: snapshots, restore, flush, seed,
 * failover. Each is the command that a person would give, `apphost redis NAME --flush`, as a child of this
 * process and inside of the session: there is one path to it, for servers alone and topologies alike.
 *
 * Happy path: the child says in JSON what it did, which is the answer. What it says of an error is the
 * outcome, {"code","error"}, and no error of the question. A client that leaves does not stop it: half a
 * restore would be worse; the dashboard's end, and the session's, do. */
#include "dashboard/redis_job.h"

#include "base/mem.h"
#include "base/ours.h"
#include "process/process.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ACTIONS = 8, OUTPUT_LIMIT = 4 << 20 };

static const struct redis_verb {
    const char *method, *name, *option;
    bool has_name;  /* of a snapshot */
    bool has_input; /* commands, as redis-cli reads them */
    bool is_change; /* needs "write" */
} verbs[] = {
    {"GET", "snapshots", "--snapshots", false, false, false},
    {"POST", "snapshot", "--snapshot", true, false, false},
    {"POST", "restore", "--restore", true, false, true},
    {"POST", "drop", "--drop", true, false, true},
    {"POST", "flush", "--flush", false, false, true},
    {"POST", "seed", "--seed", false, true, true},
    {"POST", "failover", "--failover", false, false, true},
};

struct redis_action {
    struct dashboard *dashboard;
    struct web_request *request; /* NULL: the client left */
    struct process *process;
    struct strbuf output;
    struct turn release;
    bool is_question;
    struct redis_action *prev, *next;
};

/* ---- the end ---- */

static void action_free(void *data)
{
    struct redis_action *action = data;
    process_free(action->process);
    strbuf_free(&action->output);
    if (action->prev)
        action->prev->next = action->next;
    else
        action->dashboard->actions = action->next;
    if (action->next)
        action->next->prev = action->prev;
    free(action);
}

void redis_actions_end(struct dashboard *dashboard)
{
    while (dashboard->actions)
        action_free(dashboard->actions);
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct redis_action *action = data;
    if (stream == STDOUT_FILENO)
        strbuf_add(&action->output, bytes, length);
}

static cJSON *outcome(const struct redis_action *action, const struct process_exit *how)
{
    cJSON *json = json_parse(strbuf_text(&action->output), action->output.length, NULL);
    if (action->is_question && json && !how->code)
        return json;
    cJSON *told = cJSON_CreateObject();
    json_add_int(told, "code", how->code);
    if (json_get(json, "error"))
        cJSON_AddItemToObject(told, "error", cJSON_DetachItemFromObjectCaseSensitive(json, "error"));
    else if (json)
        cJSON_AddItemToObject(told, "done", cJSON_Duplicate(json, 1));
    cJSON_Delete(json);
    return told;
}

static void on_exit_of(const struct process_exit *how, void *data)
{
    struct redis_action *action = data;
    if (action->request)
        web_reply_json(action->request, 200, outcome(action, how));
    action->request = NULL;
    loop_post(&action->dashboard->loop, &action->release);
}

static void on_gone(void *data)
{
    struct redis_action *action = data;
    action->request = NULL;
}

/* ---- the beginning ---- */

/* Inside of the session, and with nothing that steers us otherwise. */
static void make_environment(const struct dashboard *dashboard, struct strlist *environment)
{
    process_inherit(environment, environ);
    strlist_addf(environment, "%s=%s", VARIABLE_SESSION, dashboard->link.hello.session);
}

static void make_arguments(struct strlist *argv, const struct redis_verb *verb, const char *resource,
                           const char *name)
{
    static const char *const before[] = {"/proc/self/exe", "-o", "json", "redis"};
    for (size_t i = 0; i < sizeof before / sizeof *before; i++)
        strlist_add(argv, before[i]);
    strlist_add(argv, resource);
    if (verb->has_name)
        strlist_addf(argv, "%s=%s", verb->option, name);
    else if (verb->has_input)
        strlist_addf(argv, "%s=/dev/stdin", verb->option);
    else
        strlist_add(argv, verb->option);
}

static struct redis_action *action_new(struct dashboard *dashboard, struct web_request *request)
{
    struct redis_action *action = xcalloc(1, sizeof *action);
    action->dashboard = dashboard;
    action->request = request;
    action->output.limit = OUTPUT_LIMIT;
    action->next = dashboard->actions;
    if (action->next)
        action->next->prev = action;
    dashboard->actions = action;
    turn_init(&action->release, action_free, action);
    return action;
}

static void begin(struct dashboard *dashboard, struct web_request *request, const struct redis_verb *verb,
                  const struct strlist *argv, const char *input)
{
    cleanup_error struct error error = {0};
    cleanup_strlist struct strlist environment = {0};
    make_environment(dashboard, &environment);
    struct redis_action *action = action_new(dashboard, request);
    action->is_question = !strcmp(verb->method, "GET");
    const struct process_options options = {
        .argv = (const char *const *)argv->items,
        .environment = (const char *const *)environment.items,
        .working_dir = dashboard->folder,
        .input = input,
        .on_output = on_output,
        .on_exit = on_exit_of,
        .data = action,
    };

    action->process = process_spawn(&dashboard->loop, &options, &error);
    if (action->process) {
        web_request_watch(request, on_gone, action);
        return;
    }
    action_free(action);
    answer_error(request, &error);
}

static int count_actions(const struct dashboard *dashboard)
{
    int count = 0;
    for (const struct redis_action *action = dashboard->actions; action; action = action->next)
        count++;
    return count;
}

/* NULL: it may be done. */
static const char *refusal_of(const struct redis_verb *verb, const cJSON *body)
{
    const char *name = json_string(body, "name", NULL);
    if (verb->has_name && (!name || !*name))
        return "{\"name\": the snapshot's}";
    if (verb->has_input && !json_string(body, "commands", NULL))
        return "{\"commands\": text, a command a line}";
    return NULL;
}

static const struct redis_verb *find_verb(const char *method, const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
        if (!strcmp(verbs[i].method, method) && !strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

bool redis_action_start(struct dashboard *dashboard, struct web_request *request, const char *resource,
                        const char *what)
{
    const struct redis_verb *verb = find_verb(web_request_head(request)->method, what);
    if (!verb)
        return false;

    size_t length = 0;
    const char *text = web_request_body(request, &length);
    cleanup_json cJSON *body = json_parse(text, length, NULL);
    cleanup_strlist struct strlist argv = {0};
    const char *refusal = refusal_of(verb, body);
    make_arguments(&argv, verb, resource, json_string(body, "name", ""));
    if (refusal)
        answer_refusal(request, 400, "bad-request", refusal);
    else if (verb->is_change && !json_bool(body, "write", false))
        answer_refusal(request, 403, "read-only", "this changes data: it needs {\"write\": true}");
    else if (count_actions(dashboard) >= ACTIONS)
        answer_refusal(request, 503, "too-many", "too many of these are under way");
    else
        begin(dashboard, request, verb, &argv, json_string(body, "commands", NULL));
    return true;
}
