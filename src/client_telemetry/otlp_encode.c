/* Field numbers are those of opentelemetry-proto 1.x: trace.proto, metrics.proto, resource.proto. */
#include "client_telemetry/otlp_encode.h"
#include "client_telemetry/otlp_target.h"
#include "client_base/protobuf.h"
#include "client_telemetry/trace.h"

#include <errno.h>
#include <string.h>

/* Event { time 1, name 2 } */
static void put_event(struct text *out, const struct apphost_span_event *event)
{
    struct text part = {0};

    pb_fixed64(&part, 1, (uint64_t)event->unix_ns);
    pb_text(&part, 2, event->name);
    pb_message(out, 11, &part);
}

/* Span { trace_id 1, span_id 2, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, events 11,
 * status 15 { message 2, code 3 } } */
void otlp_encode_span(struct text *out, const struct apphost_span *span)
{
    static const uint8_t zeros[8];
    enum { KIND_INTERNAL = 1, KIND_CLIENT = 3, STATUS_ERROR = 2 };
    struct text status = {0};

    pb_bytes(out, 1, span->trace_id, 16);
    pb_bytes(out, 2, span->span_id, 8);
    if (memcmp(span->parent_id, zeros, 8) != 0)
        pb_bytes(out, 4, span->parent_id, 8);
    pb_text(out, 5, span->name);
    pb_number(out, 6, span->is_creation ? KIND_INTERNAL : KIND_CLIENT);
    pb_fixed64(out, 7, (uint64_t)span->start_unix_ns);
    pb_fixed64(out, 8, (uint64_t)span->end_unix_ns);
    for (size_t i = 0; i < span->attribute_count; i++) {
        const struct apphost_span_attribute *attribute = &span->attributes[i];

        pb_attribute(out, 9, attribute->key, attribute->text, attribute->number);
    }
    for (size_t i = 0; i < span->event_count; i++)
        put_event(out, &span->events[i]);
    if (!span->error)
        return;
    pb_text(&status, 2, span->error);
    pb_number(&status, 3, STATUS_ERROR);
    pb_message(out, 15, &status);
}

/* ---- The resource ---- */

static const char *const reserved[] = {"telemetry.sdk.name", "telemetry.sdk.language",
                                       "telemetry.sdk.version"};

struct resource {
    struct text *out;
    bool has_service; /* OTEL_SERVICE_NAME, or an attribute that was seen */
};

static void add_attribute(void *user, const char *key, const char *value)
{
    struct resource *resource = user;
    bool is_service = strcmp(key, "service.name") == 0;

    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        if (strcmp(key, reserved[i]) == 0)
            return;
    if (is_service && resource->has_service)
        return;
    resource->has_service = resource->has_service || is_service;
    pb_attribute(resource->out, 1, key, value, 0);
}

/* Resource { attributes 1 } */
void otlp_encode_resource(struct text *out, const struct apphost_config *config)
{
    const char *values[] = {"libapphost", "c", apphost_version()};
    const char *service = apphost_config_get(config, "OTEL_SERVICE_NAME");
    struct resource resource = {out, service && *service};

    if (resource.has_service)
        pb_attribute(out, 1, "service.name", service, 0);
    otlp_each_pair(apphost_config_get(config, "OTEL_RESOURCE_ATTRIBUTES"), add_attribute, &resource);
    if (!resource.has_service)
        pb_attribute(out, 1, "service.name", program_invocation_short_name, 0);
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        pb_attribute(out, 1, reserved[i], values[i], 0);
}

/* InstrumentationScope { name 1, version 2 } */
void otlp_encode_scope(struct text *out, const char *name)
{
    pb_text(out, 1, name);
    pb_text(out, 2, apphost_version());
}

/* ---- Requests ---- */

/* Request { resource_spans or resource_metrics 1 { resource 1, scopes 2 } } */
static char *wrap(const struct text *resource, const struct text *scopes, size_t *len)
{
    struct text inner = {0}, request = {0};

    pb_bytes(&inner, 1, resource->data, resource->len);
    text_add(&inner, scopes->data, scopes->len);
    pb_message(&request, 1, &inner);
    *len = request.len;
    return text_take(&request);
}

/* ScopeSpans { scope 1, spans 2 } */
char *otlp_encode_spans(const struct text *resource, const struct text *spans, size_t *len)
{
    struct text scope = {0}, scope_spans = {0}, scopes = {0};

    otlp_encode_scope(&scope, TRACE_SCOPE);
    pb_message(&scope_spans, 1, &scope);
    text_add(&scope_spans, spans->data, spans->len);
    pb_message(&scopes, 2, &scope_spans);
    scopes.is_failed = scopes.is_failed || resource->is_failed || spans->is_failed;
    char *request = NULL;
    if (!scopes.is_failed)
        request = wrap(resource, &scopes, len);
    text_drop(&scopes);
    return request;
}

char *otlp_encode_metrics(const struct text *resource, const struct text *scope_metrics, size_t *len)
{
    if (resource->is_failed || scope_metrics->is_failed)
        return NULL;
    return wrap(resource, scope_metrics, len);
}
