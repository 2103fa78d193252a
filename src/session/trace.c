/* A run as Chrome trace events. See trace.h. */
#include "session/trace.h"
#include "control/watch.h"

#include "base/mem.h"
#include "base/pick.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LAST_MS = 5000 };

struct trace {
    FILE *file;
    char *path;
    struct client *client; /* NULL: nobody was reached */
    struct client_call watch;
    int64_t began_us; /* everything is told relative to this */
    int64_t rev;      /* the last that was written */
    struct strlist lanes;
    const char *phase; /* or NULL */
    int64_t phase_us;
    bool has_events;
};

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* ---- events ---- */

/* Takes the event. */
static void put(struct trace *trace, cJSON *event)
{
    cleanup_free char *text = json_print(event);
    fprintf(trace->file, "%s\n%s", text_if(trace->has_events, ","), text);
    trace->has_events = true;
    cJSON_Delete(event);
}

static cJSON *event_new(const char *name, const char *kind, int64_t pid, int64_t lane)
{
    cJSON *event = cJSON_CreateObject();
    json_add_string(event, "name", name);
    json_add_string(event, "ph", kind);
    json_add_int(event, "pid", pid);
    json_add_int(event, "tid", lane);
    return event;
}

/* What a process or a lane is called. */
static void put_name(struct trace *trace, const char *what, int64_t pid, int64_t lane, const char *name)
{
    cJSON *event = event_new(what, "M", pid, lane);
    json_add_string(json_add_object(event, "args"), "name", name);
    put(trace, event);
}

static int64_t supervisor_of(const struct trace *trace)
{
    return trace->client->supervisor;
}

/* The node's lane, which is named when it is seen first. */
static int64_t lane_of(struct trace *trace, const char *node)
{
    for (size_t i = 0; i < trace->lanes.count; i++)
        if (str_eq(trace->lanes.items[i], node))
            return (int64_t)i + 1;
    strlist_add(&trace->lanes, node);
    put_name(trace, "thread_name", supervisor_of(trace), (int64_t)trace->lanes.count, node);
    return (int64_t)trace->lanes.count;
}

static void put_span(struct trace *trace, cJSON *event, const char *category, int64_t from_us, int64_t us)
{
    json_add_string(event, "cat", category);
    json_add_int(event, "ts", from_us - trace->began_us);
    json_add_int(event, "dur", us);
    put(trace, event);
}

static const char *category_of(const struct view_moment *moment)
{
    if (moment->type == NEWS_GOAL)
        return "goal";
    return "request";
}

static void put_moment(struct trace *trace, const struct view_moment *moment)
{
    int64_t lane = lane_of(trace, text_or(moment->node, "?"));
    cJSON *event = event_new(text_or(moment->name, "?"), "X", supervisor_of(trace), lane);
    if (moment->resource)
        json_add_string(json_add_object(event, "args"), "resource", moment->resource);
    put_span(trace, event, category_of(moment), moment->begin_us, moment->elapsed_us);
}

static void put_transition(struct trace *trace, const struct transition *transition)
{
    int64_t lane = lane_of(trace, text_or(transition->node, "?"));
    cJSON *event = event_new(view_state_name(transition->state), "i", supervisor_of(trace), lane);
    cJSON *args = json_add_object(event, "args");
    json_add_string(event, "cat", "transition");
    json_add_string(event, "s", "t"); /* it is of its lane */
    json_add_int(event, "ts", transition->time_ms * 1000 - trace->began_us);
    json_add_string(args, "resource", transition->resource);
    json_add_string(args, "goal", transition->goal);
    json_add_string(args, "detail", transition->detail);
    json_add_string(args, "error", transition->error.message);
    put(trace, event);
}

/* ---- what the supervisor tells ---- */

static void write_item(struct trace *trace, const cJSON *item)
{
    struct arena arena = {0};
    struct view_moment moment;
    struct transition transition;

    if (!moment_read(item, &arena, &moment)) {
        if (moment.begin_us >= trace->began_us)
            put_moment(trace, &moment);
    } else if (!transition_read(item, &arena, &transition)) {
        if (transition.time_ms * 1000 >= trace->began_us)
            put_transition(trace, &transition);
    }
    arena_free(&arena);
}

static void write_moments(struct trace *trace, const cJSON *json)
{
    struct arena arena = {0};
    struct view_moments moments;
    const cJSON *item;
    bool is_news = !view_moments_read(json, &arena, &moments, NULL) && moments.type == NEWS_MOMENTS;

    if (is_news) {
        cJSON_ArrayForEach(item, moments.items) write_item(trace, item);
        trace->rev = moments.rev;
    }
    arena_free(&arena);
}

static void on_news(const cJSON *record, void *data)
{
    write_moments(data, record);
}

static cJSON *ask_moments(const struct trace *trace)
{
    const struct ask_watch ask = {.moments = true, .session = trace->client->session.id, .since = trace->rev};
    return record_to_json(&ask_watch_record, &ask);
}

/* ---- from the beginning to the end ---- */

struct trace *trace_open(const char *path, struct error *err)
{
    if (!path)
        return NULL;
    FILE *file = fopen(path, "we");
    if (!file) {
        error_set(err, ERROR_USAGE, "--trace: cannot write %s: %s", path, strerror(errno));
        return NULL;
    }
    struct trace *trace = xcalloc(1, sizeof *trace);
    *trace = (struct trace){.file = file, .path = xstrdup(path), .began_us = wall_us()};
    fprintf(file, "[");
    put_name(trace, "process_name", getpid(), 0, "apphost");
    put_name(trace, "thread_name", getpid(), 1, "the command");
    return trace;
}

void trace_follow(struct trace *trace, struct client *client)
{
    if (!trace || !client->connection)
        return;
    trace->client = client;
    put_name(trace, "process_name", supervisor_of(trace), 0, "the supervisor");
    trace->watch = (struct client_call){.on_news = on_news, .data = trace};
    client_begin(client, &trace->watch, ASK_WATCH, ask_moments(trace));
}

void trace_phase(struct trace *trace, const char *phase)
{
    if (!trace)
        return;
    int64_t now = wall_us();
    if (trace->phase)
        put_span(trace, event_new(trace->phase, "X", getpid(), 1), "phase", trace->phase_us,
                 now - trace->phase_us);
    trace->phase = phase;
    trace->phase_us = now;
}

/* A supervisor that is gone has told all before it went. */
static void fetch_the_rest(struct trace *trace)
{
    struct client *client = trace->client;
    cleanup_json cJSON *answer = NULL;
    cleanup_error struct error ignored = {0};
    bool is_there = client && client->connection && !trace->watch.done;
    if (is_there &&
        !client_call(client, ASK_HISTORY, ask_moments(trace), LIMIT_MS(LAST_MS), &answer, &ignored))
        write_moments(trace, answer);
    if (client)
        client_end(client, &trace->watch);
}

int trace_close(struct trace *trace, struct error *err)
{
    if (!trace)
        return 0;
    fetch_the_rest(trace);
    trace_phase(trace, NULL);
    fprintf(trace->file, "\n]\n");
    int failed = ferror(trace->file);
    failed = fclose(trace->file) || failed;
    if (failed)
        failed = error_set(err, ERROR_FAILED, "--trace: cannot write %s: %s", trace->path, strerror(errno));
    strlist_free(&trace->lanes);
    free(trace->path);
    free(trace);
    return failed;
}
