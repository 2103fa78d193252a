/* Lists that sum up: traces by their id, metrics by their name. */
#include "otlp/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { USUAL_LIMIT = 200, SERVICES = 8 };

struct trace_sum {
    char id[OTLP_ID];
    const struct otlp_item *root; /* without a parent; else the first to begin */
    uint64_t begin_ns, end_ns;
    int64_t spans, errors;
    const char *services[SERVICES];
    size_t service_count;
    bool is_meant; /* one of its spans passes */
    UT_hash_handle hh;
};

static void add_service(struct trace_sum *sum, const char *service)
{
    for (size_t i = 0; i < sum->service_count; i++)
        if (!strcmp(sum->services[i], service))
            return;
    if (sum->service_count < SERVICES)
        sum->services[sum->service_count++] = service;
}

static bool is_better_root(const struct otlp_item *item, const struct otlp_item *root)
{
    bool is_top = !*item->parent;
    if (is_top != !*root->parent)
        return is_top;
    return item->begin_ns < root->begin_ns;
}

static void add_span(struct trace_sum *sum, const struct otlp_item *item)
{
    if (!sum->root || is_better_root(item, sum->root))
        sum->root = item;
    if (!sum->spans || item->begin_ns < sum->begin_ns)
        sum->begin_ns = item->begin_ns;
    if (item->end_ns > sum->end_ns)
        sum->end_ns = item->end_ns;
    sum->spans++;
    sum->errors += item->is_failed;
    add_service(sum, item->source->service);
}

static int64_t lasted_ns(const struct trace_sum *sum)
{
    if (sum->end_ns <= sum->begin_ns)
        return 0;
    return (int64_t)(sum->end_ns - sum->begin_ns);
}

static int newest_first(const void *a, const void *b)
{
    const struct trace_sum *left = *(struct trace_sum *const *)a, *right = *(struct trace_sum *const *)b;
    if (left->begin_ns != right->begin_ns)
        return left->begin_ns < right->begin_ns ? 1 : -1;
    return strcmp(left->id, right->id);
}

static bool is_meant(const struct trace_sum *sum, const struct otlp_filter *filter)
{
    return sum->is_meant && (!filter->is_error_only || sum->errors) &&
           lasted_ns(sum) >= filter->least_ms * 1000000;
}

static cJSON *sum_json(const struct trace_sum *sum)
{
    cJSON *json = cJSON_CreateObject(), *services;
    json_add_string(json, "traceId", sum->id);
    json_add_string(json, "name", sum->root->name);
    json_add_string(json, "service", sum->root->source->service);
    services = json_add_array(json, "services");
    for (size_t i = 0; i < sum->service_count; i++)
        cJSON_AddItemToArray(services, cJSON_CreateString(sum->services[i]));
    cJSON_AddItemToObject(json, "startTimeUnixNano", otlp_unsigned_value(sum->begin_ns));
    cJSON_AddItemToObject(json, "durationMs", cJSON_CreateNumber((double)lasted_ns(sum) / 1e6));
    json_add_int(json, "spans", sum->spans);
    json_add_int(json, "errors", sum->errors);
    return json;
}

static struct trace_sum *sum_up(const struct otlp_ring *ring, const struct otlp_filter *filter)
{
    struct trace_sum *sums = NULL;
    for (const struct otlp_item *item = ring->oldest; item; item = item->next) {
        struct trace_sum *sum = NULL;
        HASH_FIND_STR(sums, item->trace, sum);
        if (!sum) {
            sum = xcalloc(1, sizeof *sum);
            memcpy(sum->id, item->trace, sizeof sum->id);
            HASH_ADD_STR(sums, id, sum);
        }
        add_span(sum, item);
        sum->is_meant = sum->is_meant || otlp_passes(item, filter);
    }
    return sums;
}

cJSON *otlp_traces(const struct otlp_store *store, const struct otlp_filter *filter)
{
    struct trace_sum *sums = sum_up(&store->rings[OTLP_TRACES], filter), *sum, *next;
    struct trace_sum **list = xcalloc(HASH_COUNT(sums) + 1, sizeof *list);
    size_t count = 0, limit = size_or(filter->limit, USUAL_LIMIT);
    cJSON *json = cJSON_CreateObject(), *traces = json_add_array(json, "traces");
    HASH_ITER(hh, sums, sum, next)
    {
        if (is_meant(sum, filter))
            list[count++] = sum;
    }

    qsort(list, count, sizeof *list, newest_first);
    for (size_t i = 0; i < size_min(count, limit); i++)
        cJSON_AddItemToArray(traces, sum_json(list[i]));
    json_add_int(json, "count", (int64_t)count);
    HASH_ITER(hh, sums, sum, next)
    {
        HASH_DEL(sums, sum);
        free(sum);
    }
    free(list);
    return json;
}

/* ---- metrics ---- */

static const char *kind_of(const cJSON *metric)
{
    static const char *const kinds[] = {"gauge", "sum", "histogram", "exponentialHistogram", "summary"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (json_get(metric, kinds[i]))
            return kinds[i];
    return "";
}

static void add_name(cJSON *list, const struct otlp_item *item)
{
    const cJSON *known;
    cJSON_ArrayForEach(known, list)
    {
        if (str_eq(json_string(known, "name", NULL), item->name) &&
            str_eq(json_string(known, "service", NULL), item->source->service))
            return;
    }
    cleanup_json cJSON *metric = json_parse(item->json, strlen(item->json), NULL);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "name", item->name);
    json_add_string(json, "service", item->source->service);
    json_add_string(json, "unit", json_string(metric, "unit", NULL));
    json_add_string(json, "description", json_string(metric, "description", NULL));
    json_add_string(json, "kind", kind_of(metric));
    cJSON_AddItemToArray(list, json);
}

cJSON *otlp_metric_names(const struct otlp_store *store, const struct otlp_filter *filter)
{
    enum { MOST = 1000 };
    cJSON *json = cJSON_CreateObject(), *list = json_add_array(json, "metrics");
    const struct otlp_item *item = store->rings[OTLP_METRICS].oldest;
    for (; item && json_count(list) < MOST; item = item->next)
        if (otlp_passes(item, filter))
            add_name(list, item);
    return json;
}
