/* GET /events: what happens to containers, networks and volumes, one JSON object a line, for as long as it
 * lasts.
 *
 * The stream is never paused: an engine whose events nobody reads slows down for everybody. It ends only with
 * an error, and its caller then looks at everything anew (the engine remembers 256 events, and none across
 * its own restart). */
#include "engine/engine.h"

#include "engine/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The head comes at once, before any event: an engine that is silent here is not there. */
enum { LINE_LIMIT = 4 << 20, HEAD_TIMEOUT_MS = 10000 };

struct event_stream {
    struct strbuf rest;
    loop_cb *on_open;
    engine_event_cb *on_event;
};

/* exec_* events come with every health check: left out. Podman says "remove" for "destroy", and its filter
 * knows the "die" that it sends as "died". */
static const char filters[] = "{\"type\":[\"container\",\"network\",\"volume\"],"
                              "\"event\":[\"create\",\"start\",\"kill\",\"die\",\"stop\",\"oom\",\"pause\","
                              "\"unpause\",\"rename\",\"restart\","
                              "\"destroy\",\"remove\",\"died\",\"health_status\"]}";

static void free_stream(void *state)
{
    struct event_stream *stream = state;
    strbuf_free(&stream->rest);
    free(stream);
}

/* The number's digits are read from the text: as a double it would be off by hundreds of nanoseconds. */
static int64_t read_time(const char *line, const cJSON *document)
{
    static const char key[] = "\"timeNano\":";
    const char *found = line;
    while ((found = strstr(found, key))) {
        found += sizeof key - 1;
        found += strspn(found, " ");
        if (*found >= '0' && *found <= '9')
            return strtoll(found, NULL, 10);
    }
    int64_t seconds = json_int(document, "time", 0);
    if (seconds > 0 && seconds < INT64_MAX / 1000000000)
        return seconds * 1000000000;
    return 0;
}

static int read_exit_code(const cJSON *attributes)
{
    const char *code =
        json_string(attributes, "exitCode", json_string(attributes, "containerExitCode", NULL));
    if (code)
        return (int)strtol(code, NULL, 10);
    return -1;
}

static enum engine_health split_health(cJSON *action)
{
    char *colon = strstr(action->valuestring, ": ");
    if (!str_starts(action->valuestring, "health_status") || !colon)
        return ENGINE_HEALTH_NONE;
    *colon = '\0';
    if (strcmp(colon + 2, "healthy") == 0)
        return ENGINE_HEALTH_HEALTHY;
    return ENGINE_HEALTH_UNHEALTHY;
}

bool engine_event_parse(const char *line, size_t length, struct engine_event *event, cJSON **document)
{
    *document = json_parse(line, length, NULL);
    const cJSON *actor = json_get(*document, "Actor");
    cJSON *action = json_get(*document, "Action");
    *event = (struct engine_event){.exit_code = -1};
    if (!cJSON_IsString(action)) {
        json_free(document);
        return false;
    }

    event->health = split_health(action);
    event->type = json_string(*document, "Type", "");
    if (strcmp(action->valuestring, "remove") == 0)
        event->action = "destroy";
    else
        event->action = action->valuestring;
    event->attributes = json_get(actor, "Attributes");
    event->id = json_string(actor, "ID", "");
    if (!*event->id) /* Podman's volumes */
        event->id = json_string(event->attributes, "name", "");
    if (strcmp(event->action, "die") == 0)
        event->exit_code = read_exit_code(event->attributes);
    event->time_ns = read_time(line, *document);
    return true;
}

static bool on_line(char *line, size_t length, void *data)
{
    const struct engine_op_mark *mark = data;
    struct event_stream *stream = mark->op->state;
    cleanup_json cJSON *document = NULL;
    struct engine_event event;
    if (engine_event_parse(line, length, &event, &document))
        stream->on_event(&event, mark->op->data);
    return engine_op_is_alive(mark);
}

static void on_data(const char *bytes, size_t length, void *data)
{
    struct engine_op *op = data;
    struct event_stream *stream = op->state;
    struct engine_op_mark mark = engine_op_mark(op);
    if (engine_lines_feed(&stream->rest, bytes, length, on_line, &mark) == 0)
        return;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_PROTOCOL, "cannot %s: a line of more than %d bytes", op->what, LINE_LIMIT);
    engine_op_fail(op, &err);
}

static void on_open(int status, void *data)
{
    struct engine_op *op = data;
    struct event_stream *stream = op->state;
    (void)status;
    if (stream->on_open)
        stream->on_open(op->data);
}

static void on_end(struct engine_op *op, const struct http_response *response)
{
    (void)response;
    cleanup_error struct error err = {0};
    error_set(&err, ERROR_ENGINE, "the engine ended its stream of events");
    engine_op_fail(op, &err);
}

static struct engine_op *follow(struct engine_op *op, int64_t since_ns, const char *wanted)
{
    cleanup_free char *encoded = str_percent_encode(wanted);
    cleanup_free char *since = NULL;
    if (since_ns > 0)
        since = xasprintf("&since=%lld.%09lld", (long long)(since_ns / 1000000000),
                          (long long)(since_ns % 1000000000));
    else
        since = xstrdup("");
    engine_op_request(op, "GET", http_stream_within(LIMIT_MS(HEAD_TIMEOUT_MS)), "/events?filters=%s%s",
                      encoded, since);
    op->on_data = on_data;
    op->on_open = on_open;
    op->on_answer = on_end;
    return engine_op_send(op);
}

static struct engine_op *new_stream(struct engine *engine, loop_cb *opened, engine_event_cb *on_event,
                                    engine_done_cb *done, void *data)
{
    struct engine_op *op = engine_op_new(engine, ON_OTHER, done, data, "follow the engine's events");
    struct event_stream *stream = xcalloc(1, sizeof *stream);
    stream->rest.limit = LINE_LIMIT;
    stream->on_open = opened;
    stream->on_event = on_event;
    op->state = stream;
    op->free_state = free_stream;
    return op;
}

struct engine_op *engine_events(struct engine *engine, int64_t since_ns, loop_cb *opened,
                                engine_event_cb *on_event, engine_done_cb *done, void *data)
{
    return follow(new_stream(engine, opened, on_event, done, data), since_ns, filters);
}
