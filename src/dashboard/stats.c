/* Processor and memory of the resources: asked of the supervisor every two seconds, while somebody looks, and
 * kept for a quarter of an hour. A share of the processor is what two looks differ in; a process that began
 * anew has none yet. */
#include "dashboard/internal.h"

#include "base/mem.h"
#include "base/pick.h"
#include "control/usage.h"
#include "usage/usage.h"

#include <stdlib.h>
#include <string.h>

enum { INTERVAL_MS = 2000, KEPT = 450 };

struct stats_point {
    int64_t time_ms;
    cJSON *values; /* {NAME:[cpuPercent,memoryBytes,processes]}; NULL: there is none yet */
};

struct stats {
    struct dashboard *dashboard;
    struct timer timer;
    bool is_watched, is_asking;
    struct view_usages *before;      /* the last answer; or NULL */
    struct stats_point points[KEPT]; /* a ring */
    size_t next;
};

static const struct view_usage *find(const struct view_usages *answer, const struct view_usage *resource)
{
    for (size_t i = 0; i < answer->resource_count; i++) {
        const struct view_usage *other = &answer->resources[i];
        if (str_eq(other->node, resource->node) && other->pid == resource->pid)
            return other;
    }
    return NULL;
}

static double share(const struct view_usages *before, const struct view_usages *now,
                    const struct view_usage *resource)
{
    const struct view_usage *then = NULL;
    if (before)
        then = find(before, resource);
    if (!then)
        return 0;
    return usage_share(then->cpu_us, resource->cpu_us, now->clock_ms - before->clock_ms);
}

static cJSON *make_values(const struct stats *stats, const struct view_usages *answer)
{
    cJSON *values = cJSON_CreateObject();
    for (size_t i = 0; i < answer->resource_count; i++) {
        const struct view_usage *resource = &answer->resources[i];
        cJSON *row = json_add_array(values, text_or(resource->name, "?"));
        cJSON_AddItemToArray(row, cJSON_CreateNumber(share(stats->before, answer, resource)));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)resource->memory_bytes));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)resource->processes));
    }
    return values;
}

static void feed_point(const struct stats *stats, const struct stats_point *point)
{
    cleanup_json cJSON *json = cJSON_CreateObject();
    json_add_int(json, "timeMs", point->time_ms);
    cJSON_AddItemToObject(json, "points", cJSON_Duplicate(point->values, 1));
    feed_stats(stats->dashboard, json);
}

static void on_usage(const struct error *error, const cJSON *result, void *data)
{
    struct stats *stats = data;
    stats->is_asking = false;
    struct view_usages *answer = NULL;
    if (!error && result)
        answer = view_usages_read(cJSON_Duplicate(result, 1), NULL);
    if (!answer)
        return;
    struct stats_point *point = &stats->points[stats->next];
    cJSON_Delete(point->values);
    *point = (struct stats_point){answer->time_ms, make_values(stats, answer)};
    stats->next = (stats->next + 1) % KEPT;
    view_usages_free(stats->before);
    stats->before = answer;
    feed_point(stats, point);
}

static void on_timer(void *data)
{
    struct stats *stats = data;
    struct supervisor_link *link = &stats->dashboard->link;
    struct control_request_handlers handlers = {.on_done = on_usage, .data = stats};
    if (link->is_up && !stats->is_asking) {
        stats->is_asking = true;
        control_request(link->connection, ask_name(ASK_USAGE), NULL, &handlers);
    }
    timer_start(&stats->timer, INTERVAL_MS);
}

void stats_watch(struct dashboard *dashboard, bool is_watched)
{
    struct stats *stats = dashboard->stats;
    if (!stats && !is_watched)
        return;
    if (!stats) {
        stats = dashboard->stats = xcalloc(1, sizeof *stats);
        stats->dashboard = dashboard;
        timer_init(&dashboard->loop, &stats->timer, on_timer, stats);
    }
    if (is_watched && !stats->is_watched)
        timer_start(&stats->timer, 0);
    if (!is_watched)
        timer_stop(&stats->timer);
    stats->is_watched = is_watched;
}

/* The session is gone, and with it whom we asked. */
void stats_forget_question(struct dashboard *dashboard)
{
    if (dashboard->stats)
        dashboard->stats->is_asking = false;
}

void stats_end(struct dashboard *dashboard)
{
    struct stats *stats = dashboard->stats;
    if (!stats)
        return;
    timer_stop(&stats->timer);
    for (size_t i = 0; i < KEPT; i++)
        cJSON_Delete(stats->points[i].values);
    view_usages_free(stats->before);
    free(stats);
    dashboard->stats = NULL;
}

/* ---- what was measured ---- */

static void add_point(cJSON *points, const struct stats_point *point)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, point->values)
    {
        cJSON *series = json_get(points, row->string), *values = cJSON_CreateArray();
        const cJSON *value;
        if (!series)
            series = json_add_array(points, row->string);
        cJSON_AddItemToArray(values, cJSON_CreateNumber((double)point->time_ms));
        cJSON_ArrayForEach(value, row) cJSON_AddItemToArray(values, cJSON_Duplicate(value, 1));
        cJSON_AddItemToArray(series, values);
    }
}

void stats_answer(struct dashboard *dashboard, struct web_request *request, const char *rest)
{
    const struct stats *stats = dashboard->stats;
    int64_t since = web_query_int(web_request_head(request)->query, "since", 0);
    cJSON *json = cJSON_CreateObject(), *points;
    (void)rest;
    json_add_int(json, "intervalMs", INTERVAL_MS);
    points = json_add_object(json, "points");
    for (size_t i = 0; stats && i < KEPT; i++) {
        const struct stats_point *point = &stats->points[(stats->next + i) % KEPT];
        if (point->values && point->time_ms > since)
            add_point(points, point);
    }
    web_reply_json(request, 200, json);
}
