/* One table of counters; a series is what one set of attributes has counted. */
#include "client/metrics.h"
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_telemetry/otlp_encode.h"
#include "client_base/protobuf.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SCOPE "Microsoft.Extensions.Caching.StackExchangeRedis"

enum { CUMULATIVE = 2 };

struct counter {
    const char *name, *unit, *description;
    size_t offset; /* of a uint64_t in the statistics */
};

/* Of a uint64_t; any other does not compile. */
#define OFFSET(field)                                                                                        \
    (offsetof(struct apphost_cache_stats, field) +                                                           \
     0 * sizeof(&((struct apphost_cache_stats *)0)->field == (uint64_t *)0))

static const struct counter counters[] = {
    {"rediscache-hits", "{hit}", "Reads that found an entry.", OFFSET(hits)},
    {"rediscache-misses", "{miss}", "Reads that found none.", OFFSET(misses)},
    {"rediscache-sets", "{entry}", "Entries written.", OFFSET(sets)},
    {"rediscache-refreshes", "{refresh}", "Sliding windows started anew by refresh.", OFFSET(refreshes)},
    {"rediscache-removes", "{remove}", "Removals.", OFFSET(removes)},
    {"rediscache-errors", "{error}", "Operations that failed.", OFFSET(errors)},
    {"rediscache-absorbed", "{error}", "Errors that fail-open turned into a miss or a success.",
     OFFSET(absorbed)},
    {"rediscache-short-circuits", "{operation}", "Operations not tried: the circuit breaker was open.",
     OFFSET(short_circuits)},
    {"rediscache-level-one-hits", "{hit}", "Reads that were answered in the process.",
     OFFSET(level_one_hits)},
    {"rediscache-level-one-evictions", "{entry}", "Entries that had to leave the process for others.",
     OFFSET(level_one_evictions)},
    {"rediscache-compressed", "{entry}", "Values written compressed.", OFFSET(compressed)},
    {"rediscache-compressed-saved", "By", "Bytes that compressed values did not need.",
     OFFSET(compressed_saved)},
    {"rediscache-creations", "{value}", "Values that were created.", OFFSET(creations)},
    {"rediscache-creation-failures", "{error}", "Creations that failed.", OFFSET(creation_failures)},
    {"rediscache-stale", "{value}", "Old values that were given for want of a fresh one.", OFFSET(stale)},
    {"rediscache-eager-refreshes", "{refresh}", "Creations begun while the value was fresh.",
     OFFSET(eager_refreshes)},
    {"rediscache-marks", "{remove}", "Removals by tag or prefix.", OFFSET(marks)},
};

struct series {
    struct metrics_source source;
    struct apphost_cache_stats stats;
};

struct moment {
    uint64_t started_ns, now_ns;
};

/* ---- Series ---- */

static bool is_same(const struct metrics_source *a, const struct metrics_source *b)
{
    const char *key_a = text_or(a->key, ""), *key_b = text_or(b->key, "");

    return strcmp(key_a, key_b) == 0 && strcmp(a->cache->redis->name, b->cache->redis->name) == 0 &&
           strcmp(a->cache->prefix, b->cache->prefix) == 0;
}

static uint64_t value_of(const struct apphost_cache_stats *stats, size_t offset)
{
    uint64_t value;

    memcpy(&value, (const char *)stats + offset, sizeof(value));
    return value;
}

static void add(struct apphost_cache_stats *sum, const struct apphost_cache_stats *more)
{
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        uint64_t both = value_of(sum, counters[i].offset) + value_of(more, counters[i].offset);

        memcpy((char *)sum + counters[i].offset, &both, sizeof(both));
    }
    for (int i = 0; i < APPHOST_LATENCY_BUCKETS; i++)
        sum->latency_us[i] += more->latency_us[i];
    sum->latency_us_total += more->latency_us_total;
    if (more->latency_us_max > sum->latency_us_max)
        sum->latency_us_max = more->latency_us_max;
}

static size_t gather(struct series *series, const struct metrics_source *sources, size_t count)
{
    size_t used = 0;

    for (size_t i = 0; i < count; i++) {
        struct apphost_cache_stats stats;
        size_t k = 0;

        apphost_cache_stats(sources[i].cache, &stats);
        while (k < used && !is_same(&series[k].source, &sources[i]))
            k++;
        if (k < used)
            add(&series[k].stats, &stats);
        else
            series[used++] = (struct series){sources[i], stats};
    }
    return used;
}

/* ---- Points ---- */

static void put_attributes(struct text *point, unsigned field, const struct metrics_source *source)
{
    pb_attribute(point, field, "rediscache.connection", source->cache->redis->name, 0);
    pb_attribute(point, field, "rediscache.key", text_or(source->key, ""), 0);
    pb_attribute(point, field, "rediscache.instance", source->cache->prefix, 0);
}

/* NumberDataPoint { start 2, time 3, as_int 6, attributes 7 } */
static void put_number_point(struct text *data, const struct series *series, size_t offset,
                             const struct moment *moment)
{
    struct text point = {0};

    pb_fixed64(&point, 2, moment->started_ns);
    pb_fixed64(&point, 3, moment->now_ns);
    pb_fixed64(&point, 6, value_of(&series->stats, offset));
    put_attributes(&point, 7, &series->source);
    pb_message(data, 1, &point);
}

/* HistogramDataPoint { start 2, time 3, count 4, sum 5, bucket_counts 6, explicit_bounds 7, attributes 9, max
 * 12 }. The count is that of the buckets, for the counters move while they are read. */
static void put_histogram_point(struct text *data, const struct series *series, const struct moment *moment)
{
    enum { BOUNDS = APPHOST_LATENCY_BUCKETS - 1 };
    uint64_t bounds[BOUNDS], count = 0;
    struct text point = {0};

    for (int i = 0; i < BOUNDS; i++)
        bounds[i] = pb_double_bits((double)(UINT64_C(1) << i) / 1e6);
    for (int i = 0; i < APPHOST_LATENCY_BUCKETS; i++)
        count += series->stats.latency_us[i];
    pb_fixed64(&point, 2, moment->started_ns);
    pb_fixed64(&point, 3, moment->now_ns);
    pb_fixed64(&point, 4, count);
    pb_double(&point, 5, (double)series->stats.latency_us_total / 1e6);
    pb_packed64(&point, 6, series->stats.latency_us, APPHOST_LATENCY_BUCKETS);
    pb_packed64(&point, 7, bounds, BOUNDS);
    put_attributes(&point, 9, &series->source);
    pb_double(&point, 12, (double)series->stats.latency_us_max / 1e6);
    pb_message(data, 1, &point);
}

/* ---- Metrics ---- */

static void put_head(struct text *metric, const char *name, const char *description, const char *unit)
{
    pb_text(metric, 1, name);
    pb_text(metric, 2, description);
    pb_text(metric, 3, unit);
}

/* Metric { name 1, description 2, unit 3, sum 7 { points 1, temporality 2, is_monotonic 3 } } */
static void put_counter(struct text *scope, const struct counter *counter, const struct series *series,
                        size_t count, const struct moment *moment)
{
    struct text metric = {0}, data = {0};

    put_head(&metric, counter->name, counter->description, counter->unit);
    for (size_t i = 0; i < count; i++)
        put_number_point(&data, &series[i], counter->offset, moment);
    pb_number(&data, 2, CUMULATIVE);
    pb_number(&data, 3, true);
    pb_message(&metric, 7, &data);
    pb_message(scope, 2, &metric);
}

/* Metric { …, histogram 9 { points 1, temporality 2 } } */
static void put_histogram(struct text *scope, const struct series *series, size_t count,
                          const struct moment *moment)
{
    struct text metric = {0}, data = {0};

    put_head(&metric, "rediscache-duration", "How long get, set, refresh and remove took.", "s");
    for (size_t i = 0; i < count; i++)
        put_histogram_point(&data, &series[i], moment);
    pb_number(&data, 2, CUMULATIVE);
    pb_message(&metric, 9, &data);
    pb_message(scope, 2, &metric);
}

/* ScopeMetrics { scope 1, metrics 2 } */
void metrics_encode(struct text *out, const struct metrics_source *sources, size_t count,
                    int64_t started_unix_ns)
{
    const struct moment moment = {(uint64_t)started_unix_ns, (uint64_t)clock_unix_ns()};
    struct series *series = NULL;
    if (count)
        series = calloc(count, sizeof(*series));
    struct text scope = {0}, whole = {0};

    if (!series)
        return;
    count = gather(series, sources, count);
    otlp_encode_scope(&scope, SCOPE);
    pb_message(&whole, 1, &scope);
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
        put_counter(&whole, &counters[i], series, count, &moment);
    put_histogram(&whole, series, count, &moment);
    pb_message(out, 2, &whole);
    free(series);
}
