/* The stream: one for each browser, with what it asked for (facts of state, logs).
 *
 * A reader that is slow gets no queue: of state it is told `lost`, and a view once it has read; logs wait in
 * their files. */
#include "dashboard/internal.h"
#include "dashboard/text.h"

#include "base/file.h"
#include "base/mem.h"
#include "logs/logs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    BEAT_MS = 15000,
    BATCH_MS = 40,
    BATCH_BYTES = 64 << 10,
    MUCH = 256 << 10,
    FEEDS = 32,
    QUEUE = 4 << 20
};

struct page_feed {
    struct dashboard *dashboard;
    struct web_stream *stream;
    struct page_feed *prev, *next;
    bool has_state, has_stats, has_logs, is_behind, is_paused;
    struct timer beat, batch_timer;

    struct log_reader *reader;
    struct strlist log_names, redis_names;
    char *batch_name; /* whose lines stand in the batch */
    struct strbuf batch;
};

/* ---- writing ---- */

/* False: the reader is slow, and it was left out. */
static bool put(struct page_feed *feed, const char *event, int64_t rev, const char *data)
{
    struct strbuf out = {0};
    if (rev)
        strbuf_addf(&out, "id: %" PRId64 "\n", rev);
    strbuf_addf(&out, "event: %s\ndata: %s\n\n", event, data);
    bool is_put = web_stream_write(feed->stream, out.data, out.length);
    strbuf_free(&out);
    return is_put;
}

static void put_json(struct page_feed *feed, const char *event, int64_t rev, const cJSON *json)
{
    cleanup_free char *text = json_print(json);
    if (!feed->is_behind && !put(feed, event, rev, text))
        feed->is_behind = true;
}

static cJSON *session_json(const struct dashboard *dashboard, bool is_hello)
{
    cJSON *json = cJSON_CreateObject();
    if (is_hello)
        json_add_string(json, "epoch", dashboard->epoch);
    json_add_string(json, "state", link_state_name(&dashboard->link));
    if (dashboard->link.is_up)
        cJSON_AddItemToObject(json, "session", link_session_json(&dashboard->link));
    return json;
}

static void put_view(struct page_feed *feed)
{
    const struct dashboard *dashboard = feed->dashboard;
    if (!feed->has_state || !link_view(dashboard))
        return;
    cleanup_json cJSON *json = cJSON_Duplicate(link_view(dashboard), 1);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "rev"); /* ours is newer: changes came since */
    json_add_int(json, "rev", dashboard->link.rev);
    put_json(feed, "view", dashboard->link.rev, json);
}

static void on_beat(void *data)
{
    struct page_feed *feed = data;
    web_stream_write(feed->stream, ":\n\n", 3);
    timer_start(&feed->beat, BEAT_MS);
}

/* ---- logs ---- */

static void flush_batch(struct page_feed *feed)
{
    struct strbuf out = {.limit = 2 * BATCH_BYTES + (1 << 20)};
    timer_stop(&feed->batch_timer);
    if (!feed->batch.length)
        return;
    strbuf_adds(&out, "event: log\ndata: {\"resource\":");
    text_add(&out, feed->batch_name, strlen(feed->batch_name));
    strbuf_adds(&out, ",\"lines\":[");
    strbuf_add(&out, feed->batch.data, feed->batch.length);
    strbuf_adds(&out, "]}\n\n");
    if (!web_stream_write(feed->stream, out.data, out.length))
        put(feed, "lost", 0, "{\"topic\":\"logs\"}");
    strbuf_free(&out);
    strbuf_truncate(&feed->batch, 0);
    cleanup_free_ptr(&feed->batch_name);

    if (web_stream_waiting(feed->stream) > MUCH && feed->reader && !feed->is_paused) {
        feed->is_paused = true;
        log_reader_pause(feed->reader, true);
    }
}

static void on_batch(void *data)
{
    flush_batch(data);
}

static void on_line(const struct log_line *line, void *data)
{
    struct page_feed *feed = data;
    if (feed->batch_name && (strcmp(feed->batch_name, line->resource) || feed->batch.length >= BATCH_BYTES))
        flush_batch(feed);
    if (!feed->batch_name)
        feed->batch_name = xstrdup(line->resource);
    if (feed->batch.length)
        strbuf_addc(&feed->batch, ',');
    strbuf_addf(&feed->batch, "[%" PRId64 ".%03" PRId64 ",%d,", line->time_ns / 1000000,
                line->time_ns / 1000 % 1000, line->stream);
    text_add(&feed->batch, line->text, line->length);
    strbuf_addf(&feed->batch, ",%d]", line->partial);
    if (!timer_is_armed(&feed->batch_timer))
        timer_start(&feed->batch_timer, BATCH_MS);
}

static void on_log_end(void *data)
{
    (void)data;
}

/* A folder that is not there yet comes with a session; the reader is begun again then. */
static void start_logs(struct page_feed *feed, int64_t tail, int64_t since_ns)
{
    struct log_reader_options options = {.tail = tail, .since_ns = since_ns, .follow = true};
    cleanup_free char *folder = logs_folder(feed->dashboard);
    if (!feed->has_logs || !file_is_dir(folder))
        return;
    strlist_copy(&options.resources, &feed->log_names);
    feed->reader = log_reader_start(&feed->dashboard->loop, folder, &options, on_line, on_log_end, feed);
    strlist_free(&options.resources);
}

static void stop_logs(struct page_feed *feed)
{
    if (feed->reader)
        log_reader_free(take_ptr(&feed->reader));
    feed->is_paused = false;
}

/* ---- a feed ---- */

static void count_watchers(struct dashboard *dashboard)
{
    cleanup_strlist struct strlist servers = {0};
    bool is_watched = false;
    for (const struct page_feed *feed = dashboard->feeds; feed; feed = feed->next) {
        is_watched = is_watched || feed->has_stats;
        strlist_copy(&servers, &feed->redis_names);
    }
    stats_watch(dashboard, is_watched);
    redis_watch_only(dashboard, &servers);
}

static void feed_free(struct page_feed *feed)
{
    struct dashboard *dashboard = feed->dashboard;
    timer_stop(&feed->beat);
    timer_stop(&feed->batch_timer);
    stop_logs(feed);

    if (feed->prev)
        feed->prev->next = feed->next;
    else
        dashboard->feeds = feed->next;
    if (feed->next)
        feed->next->prev = feed->prev;
    count_watchers(dashboard);

    strlist_free(&feed->log_names);
    strlist_free(&feed->redis_names);
    strbuf_free(&feed->batch);
    free(feed->batch_name);
    free(feed);
}

static void on_gone(void *data)
{
    feed_free(data);
}

static void on_drain(void *data)
{
    struct page_feed *feed = data;
    if (feed->is_behind) {
        feed->is_behind = false;
        put(feed, "lost", 0, "{\"topic\":\"state\"}");
        put_view(feed);
    }
    if (feed->is_paused) {
        feed->is_paused = false;
        log_reader_pause(feed->reader, false);
    }
}

static void read_topics(struct page_feed *feed, const char *query)
{
    cleanup_strlist struct strlist topics = {0};
    logs_names(query, "topics", &topics);
    feed->has_state = topics.count == 0;
    for (size_t i = 0; i < topics.count; i++) {
        const char *topic = topics.items[i];
        bool is_log = str_starts(topic, "logs:");
        feed->has_state = feed->has_state || !strcmp(topic, "state");
        feed->has_stats = feed->has_stats || !strcmp(topic, "stats");
        feed->has_logs = feed->has_logs || is_log;
        if (is_log && strcmp(topic, "logs:*"))
            strlist_add(&feed->log_names, topic + 5);
        if (str_starts(topic, "redis:"))
            strlist_add(&feed->redis_names, topic + 6);
    }
}

static int count_feeds(const struct dashboard *dashboard)
{
    int count = 0;
    for (const struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        count++;
    return count;
}

void feed_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const char *query = web_request_head(request)->query;
    (void)rest;
    if (count_feeds(dashboard) >= FEEDS) {
        answer_refusal(request, 503, "too-many", "too many streams are open");
        return;
    }
    struct page_feed *feed = xcalloc(1, sizeof *feed);
    const struct web_stream_options options = {.type = "text/event-stream; charset=utf-8",
                                               .limit = QUEUE,
                                               .on_drain = on_drain,
                                               .on_gone = on_gone,
                                               .data = feed};
    feed->dashboard = dashboard;
    feed->next = dashboard->feeds;
    if (feed->next)
        feed->next->prev = feed;
    dashboard->feeds = feed;
    timer_init(&dashboard->loop, &feed->beat, on_beat, feed);
    timer_init(&dashboard->loop, &feed->batch_timer, on_batch, feed);
    timer_start(&feed->beat, BEAT_MS);
    read_topics(feed, query);
    feed->stream = web_reply_stream(request, &options);

    cleanup_json cJSON *hello = session_json(dashboard, true);
    put_json(feed, "hello", 0, hello);
    put_view(feed);
    count_watchers(dashboard);
    start_logs(feed, web_query_int(query, "tail", 0), logs_since_ns(query));
}

/* ---- what happens ---- */

void feed_session(struct dashboard *dashboard)
{
    cleanup_json cJSON *json = session_json(dashboard, false);
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next) {
        put_json(feed, "session", 0, json);
        if (!dashboard->link.is_up)
            continue;
        stop_logs(feed);
        start_logs(feed, 0, dashboard->link.session_ms * 1000000);
    }
}

void feed_view(struct dashboard *dashboard)
{
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        put_view(feed);
}

void feed_transition(struct dashboard *dashboard, const cJSON *transition)
{
    if (!dashboard->feeds)
        return;
    cleanup_json cJSON *json = cJSON_CreateObject();
    cJSON *copy = cJSON_Duplicate(transition, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(copy, "id");
    json_add_int(json, "rev", dashboard->link.rev);
    cJSON_AddItemToObject(json, "transition", copy);
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        if (feed->has_state)
            put_json(feed, "state", dashboard->link.rev, json);
}

void feed_changes(struct dashboard *dashboard, const cJSON *changes)
{
    if (!dashboard->feeds)
        return;
    cleanup_json cJSON *json = cJSON_Duplicate(changes, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(json, "id");
    cJSON_DeleteItemFromObjectCaseSensitive(json, "type");
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        if (feed->has_state)
            put_json(feed, "changes", dashboard->link.rev, json);
}

void feed_stats(struct dashboard *dashboard, const cJSON *stats)
{
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        if (feed->has_stats)
            put_json(feed, "stats", 0, stats);
}

void feed_redis(struct dashboard *dashboard, const char *resource, const cJSON *point)
{
    for (struct page_feed *feed = dashboard->feeds; feed; feed = feed->next)
        if (strlist_has(&feed->redis_names, resource))
            put_json(feed, "redis", 0, point);
}

void feed_end_all(struct dashboard *dashboard)
{
    while (dashboard->feeds) {
        web_stream_end(dashboard->feeds->stream);
        feed_free(dashboard->feeds);
    }
}
