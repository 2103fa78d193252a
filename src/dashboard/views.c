/* What is: the session, the view, one resource. */
#include "dashboard/internal.h"

#include "base/mem.h"
#include "base/signals.h"
#include "control/requests.h"
#include "control/variables.h"

#include <unistd.h>
#include <string.h>

static cJSON *self_json(const struct dashboard *dashboard)
{
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "version", APPHOST_VERSION);
    json_add_int(json, "pid", getpid());
    json_add_int(json, "startedMs", dashboard->started_ms);
    json_add_int(json, "port", web_port(dashboard->web));
    json_add_string(json, "epoch", dashboard->epoch);
    json_add_int(json, "otlpPort", telemetry_port(dashboard));
    return json;
}

void session_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const struct supervisor_link *link = &dashboard->link;
    cleanup_free char *manifest = state_manifest(dashboard->folder);
    cJSON *json = cJSON_CreateObject();
    int status = 503;
    (void)rest;
    json_add_string(json, "state", link_state_name(link));
    json_add_string(json, "project", dashboard->identity.name);
    json_add_string(json, "hash", dashboard->identity.hash);
    json_add_string(json, "manifest", manifest);
    if (link->is_up) {
        status = 200;
        cJSON_AddItemToObject(json, "session", link_session_json(link));
    }
    cJSON_AddItemToObject(json, "dashboard", self_json(dashboard));
    web_reply_json(request, status, json);
}

void view_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const cJSON *view = link_view(dashboard);
    (void)rest;
    if (!view) {
        answer_no_session(request, dashboard);
        return;
    }
    cJSON *json = cJSON_Duplicate(view, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "rev");
    json_add_int(json, "rev", dashboard->link.rev);
    web_reply_json(request, 200, json);
}

/* ---- what the supervisor answers as it is ---- */

static void pass_on(struct page_question *question, const struct error *error, const cJSON *result)
{
    if (error && error->code == ERROR_USAGE)
        answer_refusal(question->request, 501, "not-implemented",
                       "the session's supervisor does not tell that");
    else if (error)
        answer_error(question->request, error);
    else
        web_reply_json(question->request, 200, cJSON_Duplicate(result, 1));
}

void graph_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const struct page_question how = {.answer = pass_on, .takes_errors = true};
    (void)rest;
    ask_supervisor(request, dashboard, ASK_EDGES, NULL, &how);
}

/* With what is kept of the session before: a list of its transitions. */
static void tell_history(struct page_question *question, const struct error *error, const cJSON *result)
{
    const cJSON *earlier = question->dashboard->history.earlier;
    if (error || !earlier) {
        pass_on(question, error, result);
        return;
    }
    cJSON *json = cJSON_Duplicate(result, 1);
    cJSON_AddItemToObject(json, "earlier", cJSON_Duplicate(earlier, 1));
    web_reply_json(question->request, 200, json);
}

void history_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const struct page_question how = {.answer = tell_history, .takes_errors = true};
    const struct ask_watch ask = {
        .session = dashboard->link.hello.session,
        .since = web_query_int(web_request_head(request)->query, "since", 0),
    };
    (void)rest;
    ask_supervisor(request, dashboard, ASK_HISTORY, record_to_json(&ask_watch_record, &ask), &how);
}

/* ---- actions ---- */

/* The verb was done, and says what became of it: an error of the resource's is no error of the question. */
static void tell_outcome(struct page_question *asking, const struct error *error, const cJSON *result)
{
    cJSON *json = cJSON_CreateObject();
    int code = 0;
    if (error)
        code = error_exit_code(error);
    json_add_int(json, "code", code);
    if (error)
        cJSON_AddItemToObject(json, "error", control_error_to_json(error));
    if (result)
        cJSON_AddItemToObject(json, "view", cJSON_Duplicate(result, 1));
    web_reply_json(asking->request, 200, json);
}

static int read_signal(const cJSON *body)
{
    const cJSON *signal = json_get(body, "signal");
    if (cJSON_IsString(signal))
        return signals_find(signal->valuestring);
    return (int)json_int(body, "signal", 0);
}

static void act(struct dashboard *dashboard, struct web_request *request, const char *name, enum ask verb)
{
    const struct page_question how = {.answer = tell_outcome, .takes_errors = true};
    size_t length = 0;
    const char *text = web_request_body(request, &length);
    cleanup_json cJSON *body = json_parse(text, length, NULL);
    const struct ask_resources ask = {
        .resources = &name,
        .resource_count = 1,
        .signal = read_signal(body),
        .timeout_ms = json_int(body, "timeoutMs", 0),
    };
    if (length && !cJSON_IsObject(body))
        answer_refusal(request, 400, "bad-request", "the body is no JSON object");
    else
        ask_supervisor(request, dashboard, verb, record_to_json(&ask_resources_record, &ask), &how);
}

/* ---- the environment ---- */

static cJSON *variable_json(const struct answer_variable *variable)
{
    cJSON *json = cJSON_CreateObject();
    json_add_bool(json, "secret", variable->is_secret);
    json_add_string(json, "resource", variable->resource);
    if (variable->is_secret)
        cJSON_AddNullToObject(json, "value");
    else
        json_add_string(json, "value", variable->value);
    return json;
}

/* What is secret stays here: it is shown one by one, when it is asked for. */
static void tell_environment(struct page_question *asking, const struct error *error, const cJSON *result)
{
    cJSON *json = cJSON_CreateObject();
    struct answer_variable variable;
    const cJSON *at = NULL;
    (void)error;
    while (answer_variable_next(result, &at, &variable))
        cJSON_AddItemToObject(json, variable.name, variable_json(&variable));
    web_reply_json(asking->request, 200, json);
}

static void tell_value(struct page_question *asking, const struct error *error, const cJSON *result)
{
    struct answer_variable variable;
    (void)error;
    if (!answer_variable_find(result, asking->text, &variable)) {
        answer_refusal(asking->request, 404, "no-variable", "there is no variable of that name");
        return;
    }
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "value", variable.value);
    web_reply_json(asking->request, 200, json);
}

static cJSON *environment_message(const char *name, bool is_own)
{
    struct ask_resources ask = {.whose = name};
    if (is_own)
        ask = (struct ask_resources){.resources = &name, .resource_count = 1};
    return record_to_json(&ask_resources_record, &ask);
}

static void show_environment(struct dashboard *dashboard, struct web_request *request, const char *name)
{
    const struct page_question how = {.answer = tell_environment};
    bool is_own = web_query_flag(web_request_head(request)->query, "own");
    ask_supervisor(request, dashboard, ASK_ENV, environment_message(name, is_own), &how);
}

static void reveal(struct dashboard *dashboard, struct web_request *request, const char *name)
{
    size_t length = 0;
    const char *text = web_request_body(request, &length);
    cleanup_json cJSON *body = json_parse(text, length, NULL);
    const char *variable = json_string(body, "name", NULL);
    if (!variable) {
        answer_refusal(request, 400, "bad-request", "{\"name\": the variable's}");
        return;
    }
    const struct page_question how = {.answer = tell_value, .text = xstrdup(variable)};
    ask_supervisor(request, dashboard, ASK_ENV, environment_message(name, json_bool(body, "own", false)),
                   &how);
}

/* ---- one resource ---- */

/* With what only the supervisor knows of it, where it is one that tells. */
static void tell_resource(struct page_question *question, const struct error *error, const cJSON *result)
{
    const cJSON *resource = link_resource(question->dashboard, question->text);
    cJSON *json = cJSON_CreateObject();
    if (resource)
        cJSON_AddItemToObject(json, "resource", cJSON_Duplicate(resource, 1));
    if (result && !error)
        cJSON_AddItemToObject(json, "details", cJSON_Duplicate(result, 1));
    web_reply_json(question->request, 200, json);
}

static void show_resource(struct dashboard *dashboard, struct web_request *request, const char *name)
{
    const struct page_question how = {.answer = tell_resource, .takes_errors = true, .text = xstrdup(name)};
    const struct ask_resources ask = {.resource = name};
    ask_supervisor(request, dashboard, ASK_DETAILS, record_to_json(&ask_resources_record, &ask), &how);
}

static bool is_verb(const char *what)
{
    enum ask verb = ask_by_name(what);
    return verb == ASK_START || verb == ASK_STOP || verb == ASK_RESTART || verb == ASK_KILL;
}

static void answer_about(struct dashboard *dashboard, struct web_request *request, const char *name,
                         const char *what)
{
    bool is_change = web_is_change(web_request_head(request));
    const cJSON *resource = link_resource(dashboard, name);
    if (!resource)
        answer_refusal(request, 404, "no-resource", "the project has no resource of that name");
    else if (!is_change && !*what)
        show_resource(dashboard, request, name);
    else if (!is_change && !strcmp(what, "env"))
        show_environment(dashboard, request, name);
    else if (is_change && !strcmp(what, "env/reveal"))
        reveal(dashboard, request, name);
    else if (is_change && is_verb(what))
        act(dashboard, request, name, ask_by_name(what));
    else
        answer_refusal(request, 404, "no-path", "there is nothing of that name");
}

void resource_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    size_t length = strcspn(rest, "/");
    cleanup_free char *name = web_path_piece(rest, length);
    const char *what = rest + length + (rest[length] == '/');
    if (!link_view(dashboard))
        answer_no_session(request, dashboard);
    else if (!name)
        answer_refusal(request, 404, "no-resource", "the project has no resource of that name");
    else
        answer_about(dashboard, request, name, what);
}
