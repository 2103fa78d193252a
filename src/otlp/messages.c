/* See messages.h. Names are those of OTLP/JSON. */
#include "otlp/messages.h"

#include "base/names.h"

#define FIELDS(...)                                                                                          \
    {                                                                                                        \
        (const struct otlp_field[]){__VA_ARGS__},                                                            \
            sizeof((const struct otlp_field[]){__VA_ARGS__}) / sizeof(struct otlp_field)                     \
    }

/* Rows: a value, a list of values, a message, a list of messages. */
#define ROW(...)                                                                                             \
    {                                                                                                        \
        __VA_ARGS__                                                                                          \
    }
#define ONE(number, name, kind) ROW(number, name, kind, false, NULL)
#define MANY(number, name, kind) ROW(number, name, kind, true, NULL)
#define PART(number, name, message) ROW(number, name, OTLP_MESSAGE, false, message)
#define PARTS(number, name, message) ROW(number, name, OTLP_MESSAGE, true, message)

/* ---- common ---- */

/* A value may be a list of values: the one circle. */
extern const struct otlp_message otlp_any_value;
static const struct otlp_message array_value = FIELDS(PARTS(1, "values", &otlp_any_value));
static const struct otlp_message pair = FIELDS(ONE(1, "key", OTLP_TEXT), PART(2, "value", &otlp_any_value));
static const struct otlp_message pair_list = FIELDS(PARTS(1, "values", &pair));
const struct otlp_message otlp_any_value =
    FIELDS(ONE(1, "stringValue", OTLP_TEXT), ONE(2, "boolValue", OTLP_BOOL), ONE(3, "intValue", OTLP_INT64),
           ONE(4, "doubleValue", OTLP_DOUBLE), PART(5, "arrayValue", &array_value),
           PART(6, "kvlistValue", &pair_list), ONE(7, "bytesValue", OTLP_BASE64));

static const struct otlp_message resource =
    FIELDS(PARTS(1, "attributes", &pair), ONE(2, "droppedAttributesCount", OTLP_UINT32));
static const struct otlp_message scope =
    FIELDS(ONE(1, "name", OTLP_TEXT), ONE(2, "version", OTLP_TEXT), PARTS(3, "attributes", &pair),
           ONE(4, "droppedAttributesCount", OTLP_UINT32));

/* ---- traces ---- */

static const struct otlp_message event =
    FIELDS(ONE(1, "timeUnixNano", OTLP_FIXED64), ONE(2, "name", OTLP_TEXT), PARTS(3, "attributes", &pair),
           ONE(4, "droppedAttributesCount", OTLP_UINT32));
static const struct otlp_message span_link =
    FIELDS(ONE(1, "traceId", OTLP_HEX), ONE(2, "spanId", OTLP_HEX), ONE(3, "traceState", OTLP_TEXT),
           PARTS(4, "attributes", &pair), ONE(5, "droppedAttributesCount", OTLP_UINT32),
           ONE(6, "flags", OTLP_FIXED32));
static const struct otlp_message status = FIELDS(ONE(2, "message", OTLP_TEXT), ONE(3, "code", OTLP_UINT32));
static const struct otlp_message span = FIELDS(
    ONE(1, "traceId", OTLP_HEX), ONE(2, "spanId", OTLP_HEX), ONE(3, "traceState", OTLP_TEXT),
    ONE(4, "parentSpanId", OTLP_HEX), ONE(5, "name", OTLP_TEXT), ONE(6, "kind", OTLP_UINT32),
    ONE(7, "startTimeUnixNano", OTLP_FIXED64), ONE(8, "endTimeUnixNano", OTLP_FIXED64),
    PARTS(9, "attributes", &pair), ONE(10, "droppedAttributesCount", OTLP_UINT32),
    PARTS(11, "events", &event), ONE(12, "droppedEventsCount", OTLP_UINT32), PARTS(13, "links", &span_link),
    ONE(14, "droppedLinksCount", OTLP_UINT32), PART(15, "status", &status), ONE(16, "flags", OTLP_FIXED32));
static const struct otlp_message scope_spans =
    FIELDS(PART(1, "scope", &scope), PARTS(2, "spans", &span), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message resource_spans = FIELDS(
    PART(1, "resource", &resource), PARTS(2, "scopeSpans", &scope_spans), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message traces_request = FIELDS(PARTS(1, "resourceSpans", &resource_spans));

/* ---- logs ---- */

static const struct otlp_message log_record =
    FIELDS(ONE(1, "timeUnixNano", OTLP_FIXED64), ONE(2, "severityNumber", OTLP_UINT32),
           ONE(3, "severityText", OTLP_TEXT), PART(5, "body", &otlp_any_value), PARTS(6, "attributes", &pair),
           ONE(7, "droppedAttributesCount", OTLP_UINT32), ONE(8, "flags", OTLP_FIXED32),
           ONE(9, "traceId", OTLP_HEX), ONE(10, "spanId", OTLP_HEX),
           ONE(11, "observedTimeUnixNano", OTLP_FIXED64), ONE(12, "eventName", OTLP_TEXT));
static const struct otlp_message scope_logs =
    FIELDS(PART(1, "scope", &scope), PARTS(2, "logRecords", &log_record), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message resource_logs = FIELDS(
    PART(1, "resource", &resource), PARTS(2, "scopeLogs", &scope_logs), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message logs_request = FIELDS(PARTS(1, "resourceLogs", &resource_logs));

/* ---- metrics ---- */

static const struct otlp_message number_point =
    FIELDS(ONE(2, "startTimeUnixNano", OTLP_FIXED64), ONE(3, "timeUnixNano", OTLP_FIXED64),
           ONE(4, "asDouble", OTLP_DOUBLE), ONE(6, "asInt", OTLP_SFIXED64), PARTS(7, "attributes", &pair),
           ONE(8, "flags", OTLP_UINT32));
static const struct otlp_message histogram_point =
    FIELDS(ONE(2, "startTimeUnixNano", OTLP_FIXED64), ONE(3, "timeUnixNano", OTLP_FIXED64),
           ONE(4, "count", OTLP_FIXED64), ONE(5, "sum", OTLP_DOUBLE), MANY(6, "bucketCounts", OTLP_FIXED64),
           MANY(7, "explicitBounds", OTLP_DOUBLE), PARTS(9, "attributes", &pair),
           ONE(10, "flags", OTLP_UINT32), ONE(11, "min", OTLP_DOUBLE), ONE(12, "max", OTLP_DOUBLE));
static const struct otlp_message buckets =
    FIELDS(ONE(1, "offset", OTLP_SINT32), MANY(2, "bucketCounts", OTLP_UINT64));
static const struct otlp_message exponential_point =
    FIELDS(PARTS(1, "attributes", &pair), ONE(2, "startTimeUnixNano", OTLP_FIXED64),
           ONE(3, "timeUnixNano", OTLP_FIXED64), ONE(4, "count", OTLP_FIXED64), ONE(5, "sum", OTLP_DOUBLE),
           ONE(6, "scale", OTLP_SINT32), ONE(7, "zeroCount", OTLP_FIXED64), PART(8, "positive", &buckets),
           PART(9, "negative", &buckets), ONE(10, "flags", OTLP_UINT32), ONE(12, "min", OTLP_DOUBLE),
           ONE(13, "max", OTLP_DOUBLE), ONE(14, "zeroThreshold", OTLP_DOUBLE));
static const struct otlp_message quantile =
    FIELDS(ONE(1, "quantile", OTLP_DOUBLE), ONE(2, "value", OTLP_DOUBLE));
static const struct otlp_message summary_point =
    FIELDS(ONE(2, "startTimeUnixNano", OTLP_FIXED64), ONE(3, "timeUnixNano", OTLP_FIXED64),
           ONE(4, "count", OTLP_FIXED64), ONE(5, "sum", OTLP_DOUBLE), PARTS(6, "quantileValues", &quantile),
           PARTS(7, "attributes", &pair), ONE(8, "flags", OTLP_UINT32));

static const struct otlp_message gauge = FIELDS(PARTS(1, "dataPoints", &number_point));
static const struct otlp_message sum =
    FIELDS(PARTS(1, "dataPoints", &number_point), ONE(2, "aggregationTemporality", OTLP_UINT32),
           ONE(3, "isMonotonic", OTLP_BOOL));
static const struct otlp_message histogram =
    FIELDS(PARTS(1, "dataPoints", &histogram_point), ONE(2, "aggregationTemporality", OTLP_UINT32));
static const struct otlp_message exponential =
    FIELDS(PARTS(1, "dataPoints", &exponential_point), ONE(2, "aggregationTemporality", OTLP_UINT32));
static const struct otlp_message summary = FIELDS(PARTS(1, "dataPoints", &summary_point));
static const struct otlp_message metric =
    FIELDS(ONE(1, "name", OTLP_TEXT), ONE(2, "description", OTLP_TEXT), ONE(3, "unit", OTLP_TEXT),
           PART(5, "gauge", &gauge), PART(7, "sum", &sum), PART(9, "histogram", &histogram),
           PART(10, "exponentialHistogram", &exponential), PART(11, "summary", &summary),
           PARTS(12, "metadata", &pair));
static const struct otlp_message scope_metrics =
    FIELDS(PART(1, "scope", &scope), PARTS(2, "metrics", &metric), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message resource_metrics = FIELDS(
    PART(1, "resource", &resource), PARTS(2, "scopeMetrics", &scope_metrics), ONE(3, "schemaUrl", OTLP_TEXT));
static const struct otlp_message metrics_request = FIELDS(PARTS(1, "resourceMetrics", &resource_metrics));

const struct otlp_message *otlp_request_message(enum otlp_signal signal)
{
    static const struct otlp_message *const requests[] = {
        [OTLP_TRACES] = &traces_request,
        [OTLP_LOGS] = &logs_request,
        [OTLP_METRICS] = &metrics_request,
    };
    EACH_OF(requests, OTLP_SIGNAL_COUNT);
    return requests[signal];
}

bool otlp_spend(struct otlp_budget *budget, struct error *err)
{
    if (budget->values) {
        budget->values--;
        return true;
    }
    error_set(err, ERROR_SPACE, "more than %d values in one export", OTLP_VALUES);
    return false;
}
