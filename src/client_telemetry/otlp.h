/*
 * Inside the library: export of spans and metrics over OTLP/HTTP.
 *
 * Spans are encoded as they come into a bounded buffer; a thread posts it every OTEL_BSP_SCHEDULE_DELAY (one
 * second here). Metrics are asked for every OTEL_METRIC_EXPORT_INTERVAL (a minute), and at the end. A
 * collector that is away costs new spans once the buffer is full, never time or memory of callers; metrics
 * are cumulative, so that a lost export is made good by the next.
 *
 * Ownership: the thread is detached and shares the object with its owner; whoever lets go last frees it. A
 * resolver that hangs at the end keeps the thread, not the owner.
 */
#ifndef CLIENT_TELEMETRY_OTLP_H
#define CLIENT_TELEMETRY_OTLP_H

#include "client_base/log.h"
#include "client_base/text.h"

#include <apphost/config.h>
#include <apphost/telemetry.h>

struct otlp;

/* Appends ScopeMetrics messages, each as field 2. Called from the export thread, and from otlp_close(). */
typedef void (*otlp_collect_fn)(void *user, struct text *out);

/* NULL when the configuration asks for neither; what it asks for and cannot have is logged as a warning. */
struct otlp *otlp_new(const struct apphost_config *config, const struct log *log, otlp_collect_fn collect,
                      void *user);

bool otlp_wants_spans(const struct otlp *otlp);
void otlp_add(struct otlp *otlp, const struct apphost_span *span);

/* Sends what there is, the last metrics among it, within a few seconds. Spans that come later are dropped. */
void otlp_close(struct otlp *otlp);
void otlp_free(struct otlp *otlp);

#endif
