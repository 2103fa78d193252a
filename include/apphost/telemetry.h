/*
 * apphost/telemetry.h - logs, spans and counters.
 *
 * Logs go to a callback of the caller, which any thread of the program may enter while it calls the library,
 * and the library's own threads as well; it must not call back into the library. Levels come from the
 * configuration section Logging:LogLevel (Default, and categories as prefixes), as in .NET; without one it is
 * Information.
 *
 * Spans, one per command, are made when tracing is on for a connection (DisableTracing is not set) and the
 * host has somewhere to send them: OTEL_EXPORTER_OTLP_ENDPOINT in the configuration, or a callback. The
 * counters below are exported there as metrics as well, every OTEL_METRIC_EXPORT_INTERVAL and at the end; the
 * variables are in apphost_host(3).
 */
#ifndef APPHOST_TELEMETRY_H
#define APPHOST_TELEMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <apphost/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum apphost_log_level {
    APPHOST_LOG_TRACE,
    APPHOST_LOG_DEBUG,
    APPHOST_LOG_INFORMATION,
    APPHOST_LOG_WARNING,
    APPHOST_LOG_ERROR,
    APPHOST_LOG_CRITICAL,
    APPHOST_LOG_NONE,
};

/* `category` is "Aspire.StackExchange.Redis" or "Microsoft.Extensions.Caching.StackExchangeRedis". */
typedef void (*apphost_log_fn)(void *user, enum apphost_log_level level, const char *category,
                               const char *text);

/* "Information", ...: the names of .NET. Never NULL. */
const char *apphost_log_level_name(enum apphost_log_level level);

struct apphost_span_attribute {
    const char *key;
    const char *text; /* NULL: the value is `number` */
    int64_t number;
};

struct apphost_span_event {
    const char *name; /* "Enqueued", "Sent", "ResponseReceived" */
    int64_t unix_ns;
};

/*
 * One finished command under the scope OpenTelemetry.Instrumentation.StackExchangeRedis, kind client; or one
 * creation of a value by the caller's function (get-or-create), kind internal, named "create", without
 * attributes but error.type. A creation is a child of what asked for it, also on another thread, and the
 * parent of all that its function asks of the library.
 */
struct apphost_span {
    uint8_t trace_id[16], span_id[8], parent_id[8]; /* a parent of zeros: a root */
    const char *name;                               /* the command in upper case */
    int64_t start_unix_ns, end_unix_ns;
    const struct apphost_span_attribute *attributes;
    size_t attribute_count;
    const char *error;                       /* NULL, or the text of the status ERROR */
    const struct apphost_span_event *events; /* of the last attempt, as far as it came */
    size_t event_count;
    bool is_creation;
};

/* Called from the thread whose command ended, or from one of the library. Copy what must last. */
typedef void (*apphost_span_fn)(void *user, const struct apphost_span *span);

/* The trace that this thread's commands belong to, from a W3C traceparent ("00-...-...-01"); NULL ends it. */
int apphost_trace_parent(const char *traceparent, struct apphost_error *error);

/* Counters since the cache was opened. Latencies are of get, set, refresh and remove together. */
enum { APPHOST_LATENCY_BUCKETS = 24 };

struct apphost_cache_stats {
    uint64_t hits, misses, sets, refreshes, removes, errors;
    uint64_t short_circuits; /* not tried because the circuit breaker was open */
    uint64_t absorbed;       /* errors that fail-open turned into a miss or a success */
    uint64_t operations;
    uint64_t latency_us_total, latency_us_max;
    uint64_t latency_us[APPHOST_LATENCY_BUCKETS]; /* [i]: operations of less than 2^i microseconds; the last:
                                                     the rest */
    uint64_t level_one_hits, level_one_evictions; /* of values kept in the process */
    uint64_t level_one_entries, level_one_bytes;  /* now */
    uint64_t compressed, compressed_saved;        /* values, and the bytes that they did not need */
    uint64_t creations, creation_failures;        /* of values of apphost/hybrid.h */
    uint64_t stale;                               /* old values that were given */
    uint64_t eager_refreshes;                     /* begun while the value was fresh */
    uint64_t marks;                               /* removals by tag or prefix */
};

#ifdef __cplusplus
}
#endif
#endif
