/* Inside the library: the messages of OTLP that carry spans, metrics and the resource they come from. */
#ifndef CLIENT_TELEMETRY_OTLP_ENCODE_H
#define CLIENT_TELEMETRY_OTLP_ENCODE_H

#include "client_base/text.h"

#include <apphost/config.h>
#include <apphost/telemetry.h>

/* A Span message, without a tag. */
void otlp_encode_span(struct text *out, const struct apphost_span *span);

/* A Resource message: OTEL_RESOURCE_ATTRIBUTES, OTEL_SERVICE_NAME, and the name of this library. */
void otlp_encode_resource(struct text *out, const struct apphost_config *config);

/* An InstrumentationScope message. */
void otlp_encode_scope(struct text *out, const char *name);

/* Whole requests around messages that are encoded already with their tags (field 2). The string is for
 * free(3), NULL when memory is out. */
char *otlp_encode_spans(const struct text *resource, const struct text *spans, size_t *len);
char *otlp_encode_metrics(const struct text *resource, const struct text *scope_metrics, size_t *len);

#endif
