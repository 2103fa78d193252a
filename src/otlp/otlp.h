/* Telemetry of the project's programs: OTLP as it comes in, kept for a while, and read back as OTLP/JSON.
 *
 * Happy path: otlp_take() with the body of an export, in protobuf or JSON, packed or not. Both become the
 * same tree, checked by the same tables (messages.h): what is no OTLP is an error, what we do not know is
 * left out. Each span, log record and metric is then kept as its own JSON text. The queries give objects that
 * `jq` and other tools know: {"resourceSpans":[…]} and so on.
 *
 * Failure modes: what is kept is bounded by bytes, the oldest goes first and is counted; so are the size of a
 * body after it is unpacked, the values in it, its depth, and the length of a text. A body that is refused
 * changes nothing. ERROR_USAGE: it is no OTLP; ERROR_SPACE: it is more than is taken at once.
 *
 * Ownership: the store owns everything; answers are the caller's. Pure but for zlib, which is opened at the
 * first packed body. */
#ifndef OTLP_OTLP_H
#define OTLP_OTLP_H

#include "base/error.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum otlp_signal {
    OTLP_TRACES,
    OTLP_LOGS,
    OTLP_METRICS,
    OTLP_SIGNAL_COUNT,
};

enum { OTLP_BODY_LIMIT = 8 << 20, OTLP_UNPACKED_LIMIT = 16 << 20 };

struct otlp_limits {
    size_t bytes[OTLP_SIGNAL_COUNT]; /* 0: the usual */
};

struct otlp_store;
struct otlp_store *otlp_store_new(const struct otlp_limits *limits); /* NULL: the usual ones */
void otlp_store_free(struct otlp_store *store);

/* "traces", "logs", "metrics": the last word of the path that it is sent to. */
const char *otlp_signal_name(enum otlp_signal signal);

/* ---- in ---- */
struct otlp_body {
    enum otlp_signal signal;
    bool is_json, is_packed; /* gzip */
    const void *bytes;
    size_t length;
};
int otlp_take(struct otlp_store *store, const struct otlp_body *body, struct error *err);

struct otlp_counts {
    uint64_t received; /* items, since the beginning */
    uint64_t dropped;  /* the oldest, to make room; and what alone is too large */
    uint64_t kept, bytes;
};
struct otlp_counts otlp_counts(const struct otlp_store *store, enum otlp_signal signal);

/* ---- out: the caller deletes, or frees ---- */
struct otlp_filter {
    const char *service; /* service.name; NULL: any */
    const char *text;    /* in the item's JSON; NULL: any */
    const char *name;    /* of a metric; NULL: any */
    const char *trace;   /* its id; NULL: any */
    uint64_t since_ns;   /* later than this */
    int64_t least_ms;    /* a trace lasts as long at least */
    int severity;        /* a record's severityNumber at least */
    bool is_error_only;  /* traces with a span that failed */
    size_t limit;        /* the newest; 0: 200 */
};
/* {"traces":[{"traceId","name","service","services","startTimeUnixNano","durationMs","spans","errors"}]}, the
 * newest first. */
cJSON *otlp_traces(const struct otlp_store *store, const struct otlp_filter *filter);
/* {"metrics":[{"name","service","unit"?,"description"?,"kind"}]} */
cJSON *otlp_metric_names(const struct otlp_store *store, const struct otlp_filter *filter);
/* {"resourceSpans":[…]} and so on: what passes, in the order in which it came. */
char *otlp_items(const struct otlp_store *store, enum otlp_signal signal, const struct otlp_filter *filter,
                 size_t *length);
/* Spans and records of one trace: {"resourceSpans":[…],"resourceLogs":[…]}; NULL: no span of it is here. */
char *otlp_trace(const struct otlp_store *store, const char *id, size_t *length);

#endif
