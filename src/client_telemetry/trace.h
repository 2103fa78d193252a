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

/* What a thread's spans are children of, to be taken to another thread. */
struct trace_parent {
    bool is_set;
    uint8_t trace_id[16], span_id[8];
};
struct trace_parent trace_parent_of_thread(void);
void trace_parent_use(const struct trace_parent *parent);

/* A creation of a value on this thread, between the two; spans of the thread are its children meanwhile.
 * Without a tracer there is none. `error` is NULL, or why there is no value. */
struct creation_span {
    struct trace_parent outer;
    uint8_t trace_id[16], span_id[8];
    int64_t start_ns;
};
void tracer_begin(struct tracer *tracer, struct creation_span *span);
void tracer_end(struct tracer *tracer, const struct creation_span *span, const struct apphost_error *error);

void tracer_record(struct tracer *tracer, const struct trace_batch *record);

#endif
