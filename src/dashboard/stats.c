/* Processor and memory of the resources: asked of the supervisor every two seconds, while somebody looks, and
 * kept for a quarter of an hour. A share of the processor is what two looks differ in; a process that began
 * anew has none yet. */
#include "dashboard/internal.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { INTERVAL_MS = 2000, KEPT = 450 };

struct stats {
    struct dashboard *dashboard;
    struct timer timer;
    bool is_watched, is_asking;
    cJSON *before;       /* the last answer */
    cJSON *points[KEPT]; /* {"timeMs","points":{NAME:[cpuPercent,memoryBytes,processes]}}: a ring */
    size_t next;
};

static const cJSON *find(const cJSON *answer, const cJSON *resource)
{
    const cJSON *other;
    cJSON_ArrayForEach(other, json_get(answer, "resources"))
    {
        if (str_eq(json_string(other, "node", NULL), json_string(resource, "node", NULL)) &&
            json_int(other, "pid", 0) == json_int(resource, "pid", 0))
            return other;
    }
    return NULL;
}

static double share(const struct stats *stats, const cJSON *answer, const cJSON *resource)
{
    const cJSON *before = find(stats->before, resource);
    int64_t ms = json_int(answer, "clockMs", 0) - json_int(stats->before, "clockMs", 0);
    if (!before || ms <= 0)
        return 0;
    return (double)(json_int(resource, "cpuUs", 0) - json_int(before, "cpuUs", 0)) / ((double)ms * 10);
}

static cJSON *make_point(const struct stats *stats, const cJSON *answer)
{
    cJSON *json = cJSON_CreateObject(), *points;
    const cJSON *resource;
    json_add_int(json, "timeMs", json_int(answer, "timeMs", 0));
    points = json_add_object(json, "points");
    cJSON_ArrayForEach(resource, json_get(answer, "resources"))
    {
        cJSON *row = json_add_array(points, json_string(resource, "name", "?"));
        cJSON_AddItemToArray(row, cJSON_CreateNumber(share(stats, answer, resource)));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)json_int(resource, "memoryBytes", 0)));
        cJSON_AddItemToArray(row, cJSON_CreateNumber((double)json_int(resource, "processes", 0)));
    }
    return json;
}

static void on_usage(const struct error *error, const cJSON *result, void *data)
{
    struct stats *stats = data;
    stats->is_asking = false;
    if (error || !result)
        return;
    cJSON *point = make_point(stats, result);
    cJSON_Delete(stats->before);
    stats->before = cJSON_Duplicate(result, 1);
    cJSON_Delete(stats->points[stats->next]);
    stats->points[stats->next] = point;
    stats->next = (stats->next + 1) % KEPT;
    feed_stats(stats->dashboard, point);
}

static void on_timer(void *data)
{
    struct stats *stats = data;
    struct supervisor_link *link = &stats->dashboard->link;
    struct control_request_handlers handlers = {.on_done = on_usage, .data = stats};
    if (link->is_up && !stats->is_asking) {
        stats->is_asking = true;
        control_request(link->connection, "usage", NULL, &handlers);
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
        cJSON_Delete(stats->points[i]);
    cJSON_Delete(stats->before);
    free(stats);
    dashboard->stats = NULL;
}

/* ---- what was measured ---- */

static void add_point(cJSON *points, const cJSON *point)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, json_get(point, "points"))
    {
        cJSON *series = json_get(points, row->string), *values = cJSON_CreateArray();
        const cJSON *value;
        if (!series)
            series = json_add_array(points, row->string);
        cJSON_AddItemToArray(values, cJSON_CreateNumber((double)json_int(point, "timeMs", 0)));
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
        const cJSON *point = stats->points[(stats->next + i) % KEPT];
        if (point && json_int(point, "timeMs", 0) > since)
            add_point(points, point);
    }
    web_reply_json(request, 200, json);
}
