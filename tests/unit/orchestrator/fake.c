/* The fake engine's transport: calls, their two moments, streams, killing. The answers are made in
 * fake_world.c. */
#include "fake_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EFFECT_MS = 2, ANSWER_MS = 1 };

struct fake_transport {
    struct http_transport base;
    struct fake *fake;
    struct turn turn;
    loop_cb *on_closed;
    void *data;
};

static void free_call(struct fake_call *call)
{
    timer_stop(&call->timer);
    timer_stop(&call->limit);
    DL_DELETE(call->fake->calls, call);
    free(call->method);
    free(call->path);
    free(call->query);
    free(call->answer);
    cJSON_Delete(call->body);
    free(call);
}

static void end_call(struct fake_call *call, const struct error *err)
{
    struct http_handlers handlers = call->handlers;
    cleanup_free char *answer = take_ptr(&call->answer);
    bool ok = !err && call->status < 400;
    bool stream = handlers.on_data != NULL;
    struct http_response response = {
        .status = call->status,
        .body = stream && ok ? ""
                : answer     ? answer
                             : "",
        .api_version = "1.41",
        .server = "Docker/20.10.24 (linux)",
    };
    response.length = strlen(response.body);
    bool open = stream && ok && !call->opened;
    if (open && handlers.on_open) {
        call->opened = true;
        handlers.on_open(call->status, handlers.data);
    }
    bool has_head = !err || call->opened;
    struct fake *fake = call->fake;
    struct fake_call *still;
    DL_FOREACH(fake->calls, still)
    {
        if (still == call)
            break;
    }
    if (!still)
        return; /* cancelled by on_open */
    free_call(call);
    if (stream && ok && answer && *answer)
        handlers.on_data(answer, strlen(answer), handlers.data);
    handlers.done(has_head ? &response : NULL, err, handlers.data);
}

static void cut_call(struct fake_call *call, enum error_code code, const char *why)
{
    cleanup_error struct error err = {0};
    error_set(&err, code, "the engine at fake: %s", why);
    end_call(call, &err);
}

static void on_limit(void *data)
{
    struct fake_call *call = data;
    if (!call->fake->dead)
        cut_call(call, ERROR_TIMEOUT, "did not answer in time");
}

/* ---- trouble ---- */

void fake_trouble(struct fake *fake, struct fake_trouble trouble)
{
    fake->requests = fake->troubled = 0;
    fake->trouble = trouble;
}

static bool is_troubled(const struct fake_call *call)
{
    const struct fake_trouble *trouble = &call->fake->trouble;
    if (!trouble->on || (trouble->at && trouble->at != call->fake->requests))
        return false;
    bool is_method = !trouble->method || !strcmp(trouble->method, call->method);
    return is_method && (!trouble->part || strstr(call->path, trouble->part));
}

/* True when that was all that becomes of it for now. */
static bool suffers(struct fake_call *call)
{
    struct fake *fake = call->fake;
    if (!is_troubled(call))
        return false;
    fake->troubled++;
    switch (fake->trouble.fault) {
    case FAKE_MUTE:
        call->effected = true;
        fake_serve(call);
        return true;
    case FAKE_DROP:
        cut_call(call, ERROR_CUT, "closed the connection");
        return true;
    case FAKE_LOSE:
        call->is_lost = true;
        return false;
    case FAKE_REFUSE:
        call->effected = true;
        fake_message(call, 500, "out of order");
        timer_start(&call->timer, ANSWER_MS);
        return true;
    default:
        return true;
    }
}

static bool kills(struct fake *fake, enum fake_kill moment)
{
    if (fake->kill_at && fake->requests == fake->kill_at && fake->kill == moment)
        fake->dead = true;
    return fake->dead;
}

static void open_stream(struct fake_call *call)
{
    timer_stop(&call->limit);
    call->opened = true;
    if (call->handlers.on_open)
        call->handlers.on_open(200, call->handlers.data);
}

static void on_moment(void *data)
{
    struct fake_call *call = data;
    struct fake *fake = call->fake;
    if (fake->dead)
        return;
    if (fake->refuses) {
        cut_call(call, ERROR_ENGINE, "connection refused");
        return;
    }
    if (call->is_lost && call->effected) {
        cut_call(call, ERROR_CUT, "closed the connection");
        return;
    }
    if (call->effected) {
        if (call->is_events || call->is_follow)
            open_stream(call);
        else
            end_call(call, NULL);
        return;
    }
    fake->requests++;
    strlist_addf(&fake->log, "%s %s%s%s", call->method, call->path, call->query ? "?" : "",
                 call->query ? call->query : "");
    if (kills(fake, FAKE_KILL_BEFORE) || suffers(call))
        return;
    call->effected = true;
    fake_serve(call);
    if (!kills(fake, FAKE_KILL_AFTER))
        timer_start(&call->timer, ANSWER_MS);
}

static char *without_version(const char *path)
{
    if (!strncmp(path, "/v1.", 4)) {
        const char *slash = strchr(path + 1, '/');
        path = slash ? slash : path;
    }
    return xstrdup(path);
}

static void count_starts(struct fake *fake)
{
    int starts = 0;
    const struct fake_call *call;
    DL_FOREACH(fake->calls, call)
    starts += str_ends(call->path, "/start");
    if (starts > fake->most_starts)
        fake->most_starts = starts;
}

/* Until the head or the whole: a fake's head and body come together. */
static void start_limit(struct fake_call *call, const struct http_limits *limits)
{
    limit_check(limits->head);
    limit_check(limits->whole);
    limit_check(limits->idle);
    timer_init(call->fake->loop, &call->limit, on_limit, call);
    if (!limits->head.is_forever)
        timer_start(&call->limit, limits->head.ms);
}

static struct http_call *start(struct http_transport *base, const struct http_request *request,
                               const struct http_handlers *handlers)
{
    struct fake_transport *transport = (struct fake_transport *)base;
    struct fake *fake = transport->fake;
    struct fake_call *call = xcalloc(1, sizeof *call);
    call->fake = fake;
    call->handlers = *handlers;
    call->method = xstrdup(request->method);
    call->path = without_version(request->path);
    char *query = strchr(call->path, '?');
    if (query) {
        *query = '\0';
        call->query = xstrdup(query + 1);
    }
    if (request->body)
        call->body = json_parse(request->body, request->body_length, NULL);
    timer_init(fake->loop, &call->timer, on_moment, call);
    timer_start(&call->timer, EFFECT_MS);
    start_limit(call, &request->limits);
    DL_APPEND(fake->calls, call);
    count_starts(fake);
    return (struct http_call *)call;
}

static void cancel(struct http_call *call)
{
    free_call((struct fake_call *)call);
}

static void on_closed(void *data)
{
    struct fake_transport *transport = data;
    loop_cb *closed = transport->on_closed;
    void *closed_data = transport->data;
    free(transport);
    closed(closed_data);
}

static void close_transport(struct http_transport *base, loop_cb *closed, void *data)
{
    struct fake_transport *transport = (struct fake_transport *)base;
    transport->on_closed = closed;
    transport->data = data;
    while (transport->fake->calls)
        free_call(transport->fake->calls);
    loop_post(transport->fake->loop, &transport->turn);
}

struct http_transport *fake_transport(struct fake *fake)
{
    static const struct http_transport_ops ops = {start, cancel, close_transport};
    struct fake_transport *transport = xcalloc(1, sizeof *transport);
    transport->base.ops = &ops;
    transport->fake = fake;
    turn_init(&transport->turn, on_closed, transport);
    return &transport->base;
}

void fake_arm(struct fake *fake, int n, enum fake_kill kill)
{
    fake->requests = 0;
    fake->kill_at = n;
    fake->kill = kill;
    fake->dead = false;
}

void fake_forget(struct fake *fake)
{
    strlist_free(&fake->log);
}

int fake_count(const struct fake *fake)
{
    int count = 0;
    for (size_t i = 0; i < fake->log.count; i++) {
        bool stream = str_starts(fake->log.items[i], "GET /events") || strstr(fake->log.items[i], "follow=1");
        count += !stream;
    }
    return count;
}

/* ---- streams ---- */

void fake_publish(struct fake *fake, const char *type, const char *action, const char *id,
                  const cJSON *attributes)
{
    if (fake->trouble.deaf)
        return;
    cleanup_json cJSON *event = cJSON_CreateObject();
    json_add_string(event, "Type", type);
    json_add_string(event, "Action", action);
    cJSON *actor = json_add_object(event, "Actor");
    json_add_string(actor, "ID", id);
    cJSON_AddItemToObject(actor, "Attributes",
                          attributes ? cJSON_Duplicate(attributes, true) : cJSON_CreateObject());
    json_add_int(event, "time", loop_now_ms(fake->loop) / 1000 + 1);
    char nano[32];
    snprintf(nano, sizeof nano, "%lld000000", (long long)loop_now_ms(fake->loop) + 1000);
    cJSON_AddItemToObject(event, "timeNano", cJSON_CreateRaw(nano));
    cleanup_free char *text = json_print(event);
    cleanup_free char *line = xasprintf("%s\n", text);
    struct fake_call *call, *next;
    DL_FOREACH_SAFE(fake->calls, call, next)
    {
        if (call->is_events && call->opened && !fake->dead)
            call->handlers.on_data(line, strlen(line), call->handlers.data);
    }
}

void fake_end_follows(struct fake *fake, const char *id)
{
    for (;;) {
        struct fake_call *call;
        DL_FOREACH(fake->calls, call)
        {
            if (call->is_follow && call->effected && !strcmp(call->follows, id))
                break;
        }
        if (!call || fake->dead)
            return;
        end_call(call, NULL);
    }
}

void fake_engine_gone(struct fake *fake)
{
    fake->refuses = true;
    while (fake->calls)
        cut_call(fake->calls, ERROR_CUT, "connection reset");
}

void fake_engine_back(struct fake *fake)
{
    fake->refuses = false;
}
