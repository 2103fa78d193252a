/* One item: from its tree to what is kept of it, and away with the oldest when there is no room. */
#include "otlp/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { ITEM_LIMIT = 1 << 20 };

static void source_drop(struct otlp_source *source)
{
    if (--source->holders)
        return;
    free(source->service);
    free(source->resource);
    free(source->scope);
    free(source);
}

void otlp_item_free(struct otlp_item *item)
{
    source_drop(item->source);
    free(item->name);
    free(item->json);
    free(item);
}

/* ---- what is known of it without reading its text again ---- */

static uint64_t nanoseconds(const cJSON *json, const char *name)
{
    return strtoull(json_string(json, name, "0"), NULL, 10);
}

static void note_id(const cJSON *json, const char *name, char out[OTLP_ID])
{
    const char *id = json_string(json, name, "");
    size_t length = size_min(strlen(id), OTLP_ID - 1);
    memcpy(out, id, length);
    out[length] = '\0';
}

static void describe_span(struct otlp_item *item, const cJSON *json)
{
    enum { STATUS_ERROR = 2 };
    item->begin_ns = nanoseconds(json, "startTimeUnixNano");
    item->end_ns = nanoseconds(json, "endTimeUnixNano");
    item->is_failed = json_int(json_get(json, "status"), "code", 0) == STATUS_ERROR;
    item->name = xstrdup(json_string(json, "name", ""));
    note_id(json, "parentSpanId", item->parent);
}

static void describe_record(struct otlp_item *item, const cJSON *json)
{
    item->begin_ns = nanoseconds(json, "timeUnixNano");
    if (!item->begin_ns)
        item->begin_ns = nanoseconds(json, "observedTimeUnixNano");
    item->end_ns = item->begin_ns;
    item->severity = (int)json_int(json, "severityNumber", 0);
    item->name = xstrdup(json_string(json, "eventName", ""));
}

/* The points stand in a member by the metric's kind. */
static void describe_metric(struct otlp_item *item, const cJSON *json)
{
    const cJSON *member, *point;
    item->name = xstrdup(json_string(json, "name", ""));
    cJSON_ArrayForEach(member, json) cJSON_ArrayForEach(point, json_get(member, "dataPoints"))
    {
        uint64_t ns = nanoseconds(point, "timeUnixNano");
        if (ns > item->begin_ns)
            item->begin_ns = item->end_ns = ns;
    }
}

static struct otlp_item *make_item(enum otlp_signal signal, struct otlp_source *source, const cJSON *json)
{
    struct otlp_item *item = xcalloc(1, sizeof *item);
    item->json = json_print(json);
    note_id(json, "traceId", item->trace);
    note_id(json, "spanId", item->span);
    if (signal == OTLP_TRACES)
        describe_span(item, json);
    else if (signal == OTLP_LOGS)
        describe_record(item, json);
    else
        describe_metric(item, json);
    item->source = source;
    source->holders++;
    item->size = sizeof *item + strlen(item->json) + strlen(item->name);
    return item;
}

/* ---- the ring ---- */

static void drop_oldest(struct otlp_ring *ring)
{
    struct otlp_item *item = ring->oldest;
    ring->oldest = item->next;
    if (!ring->oldest)
        ring->newest = NULL;
    ring->bytes -= item->size;
    ring->kept--;
    ring->dropped++;
    otlp_item_free(item);
}

/* The first item of a source carries the source's own size. */
static void add_item(struct otlp_ring *ring, struct otlp_item *item)
{
    ring->received++;
    if (item->source->holders == 2)
        item->size += item->source->size;
    if (item->size > ITEM_LIMIT || item->size > ring->limit) {
        ring->dropped++;
        otlp_item_free(item);
        return;
    }

    while (ring->bytes + item->size > ring->limit)
        drop_oldest(ring);
    if (ring->newest)
        ring->newest->next = item;
    else
        ring->oldest = item;
    ring->newest = item;
    ring->bytes += item->size;
    ring->kept++;
}

/* ---- sources ---- */

static const char *service_of(const cJSON *resource)
{
    const cJSON *attribute;
    cJSON_ArrayForEach(attribute, json_get(resource, "attributes"))
    {
        if (str_eq(json_string(attribute, "key", NULL), "service.name"))
            return json_string(json_get(attribute, "value"), "stringValue", "");
    }
    return "";
}

static char *print_or_nothing(const cJSON *json)
{
    if (!json)
        return xstrdup("{}");
    return json_print(json);
}

static struct otlp_source *make_source(const cJSON *resource, const cJSON *scope)
{
    struct otlp_source *source = xcalloc(1, sizeof *source);
    source->holders = 1;
    source->service = xstrdup(service_of(resource));
    source->resource = print_or_nothing(resource);
    source->scope = print_or_nothing(scope);
    source->size = sizeof *source + strlen(source->resource) + strlen(source->scope);
    return source;
}

/* Exports of one sender follow upon each other: the newest item's source is often the same. */
static struct otlp_source *find_source(const struct otlp_ring *ring, const cJSON *resource,
                                       const cJSON *scope)
{
    struct otlp_source *source = make_source(resource, scope), *last = NULL;
    if (ring->newest)
        last = ring->newest->source;
    if (!last || strcmp(last->resource, source->resource) || strcmp(last->scope, source->scope))
        return source;
    source_drop(source);
    last->holders++;
    return last;
}

void otlp_keep(struct otlp_store *store, enum otlp_signal signal, const cJSON *tree)
{
    const struct otlp_names *names = otlp_names(signal);
    struct otlp_ring *ring = &store->rings[signal];
    const cJSON *resource, *scope, *json;
    cJSON_ArrayForEach(resource, json_get(tree, names->resources))
    {
        cJSON_ArrayForEach(scope, json_get(resource, names->scopes))
        {
            struct otlp_source *source =
                find_source(ring, json_get(resource, "resource"), json_get(scope, "scope"));
            cJSON_ArrayForEach(json, json_get(scope, names->items))
                add_item(ring, make_item(signal, source, json));
            source_drop(source);
        }
    }
}
