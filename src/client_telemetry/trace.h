/*
 * Inside the library: spans. One per command, under the scope
 * OpenTelemetry.Instrumentation.StackExchangeRedis, with the attribute names of OpenTelemetry's old
 * convention, the new one, or both (OTEL_SEMCONV_STABILITY_OPT_IN).
 */
#ifndef CLIENT_TELEMETRY_TRACE_H
#define CLIENT_TELEMETRY_TRACE_H

#include "client_conn/conn.h"

struct tracer;
struct apphost_config;

#define TRACE_SCOPE "OpenTelemetry.Instrumentation.StackExchangeRedis"

/* NULL without error when neither a callback nor the exporter (which may be NULL and outlives it) wants
 * spans. */
struct otlp;
struct tracer *tracer_new(const struct apphost_config *config, struct otlp *otlp, apphost_span_fn span,
                          void *user);
void tracer_free(struct tracer *tracer);

/* Where a batch went, and when. */
struct trace_batch {
    const struct batch *batch;
    const char *address;
    int port, database;
    int64_t start_ns, end_ns;
    struct timing times;
    const struct replies *replies;     /* NULL when there are none */
    const struct apphost_error *error; /* of the whole batch, or NULL */
};

void tracer_record(struct tracer *tracer, const struct trace_batch *record);

#endif
