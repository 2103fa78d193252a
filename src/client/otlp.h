/*
 * Inside the library: export of spans over OTLP/HTTP.
 *
 * Spans are encoded as they come (protobuf, by hand) into a bounded buffer; a thread posts the buffer to
 * {OTEL_EXPORTER_OTLP_ENDPOINT}/v1/traces every second and at the end. A collector that is away costs the
 * oldest spans, never time or memory.
 */
#ifndef CLIENT_OTLP_H
#define CLIENT_OTLP_H

#include <apphost/config.h>
#include <apphost/telemetry.h>

struct otlp;

/* NULL when the configuration names no endpoint, or one that is not http://. */
struct otlp *otlp_new(const struct apphost_config *config);
void otlp_free(struct otlp *otlp);
void otlp_add(struct otlp *otlp, const struct apphost_span *span);

#endif
