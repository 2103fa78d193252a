/*
 * Spans: identifiers, names and attributes. Where they go is the exporter's business (otlp.c) and the
 * callback's. A thread carries what its spans are children of; a creation puts itself there for its time.
 */
#include "client_telemetry/trace.h"
#include "client_base/lock.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_telemetry/otlp.h"
#include "client_options/settings.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { MAX_ATTRIBUTES = 16 };

struct tracer {
    apphost_span_fn span;
    void *user;
    struct otlp *otlp;   /* NULL: nowhere to export to */
    bool is_old, is_new; /* conventions */
};

/* The trace of the calling thread. */
static _Thread_local struct trace_parent parent;

static int read_hex(const char *text, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned byte;

        if (!isxdigit((unsigned char)text[2 * i]) || !isxdigit((unsigned char)text[2 * i + 1]) ||
            sscanf(text + 2 * i, "%2x", &byte) != 1)
            return -1;
        out[i] = (uint8_t)byte;
    }
    return 0;
}

int apphost_trace_parent(const char *traceparent, struct apphost_error *error)
{
    struct trace_parent next = {.is_set = true};

    if (!traceparent) {
        parent = (struct trace_parent){.is_set = false};
        return 0;
    }
    if (strlen(traceparent) < 55 || strncmp(traceparent, "00-", 3) != 0 || traceparent[35] != '-' ||
        read_hex(traceparent + 3, next.trace_id, 16) < 0 || read_hex(traceparent + 36, next.span_id, 8) < 0)
        return fail_argument(error, "traceparent", "is not 00-<32 hex>-<16 hex>-<2 hex>");
    parent = next;
    return 0;
}

struct trace_parent trace_parent_of_thread(void)
{
    return parent;
}

void trace_parent_use(const struct trace_parent *next)
{
    parent = *next;
}

/* "database", "database/dup" among others, separated by commas and spaces. */
static void choose_conventions(struct tracer *tracer, const char *text)
{
    tracer->is_old = true;
    while (text && *text) {
        size_t len = strcspn(text, ", ");

        if (len == 8 && strncasecmp(text, "database", 8) == 0 && !tracer->is_new)
            tracer->is_old = !(tracer->is_new = true);
        if (len == 12 && strncasecmp(text, "database/dup", 12) == 0)
            tracer->is_old = tracer->is_new = true;
        text += len;
        text += strspn(text, ", ");
    }
}

struct tracer *tracer_new(const struct apphost_config *config, struct otlp *otlp, apphost_span_fn span,
                          void *user)
{
    bool is_exported = otlp_wants_spans(otlp);
    struct tracer *tracer = NULL;
    if (span || is_exported)
        tracer = calloc(1, sizeof(*tracer));

    if (!tracer)
        return NULL;
    tracer->span = span;
    tracer->user = user;
    tracer->otlp = NULL;
    if (is_exported)
        tracer->otlp = otlp;
    choose_conventions(tracer, apphost_config_get(config, "OTEL_SEMCONV_STABILITY_OPT_IN"));
    return tracer;
}

void tracer_free(struct tracer *tracer)
{
    free(tracer);
}

/* ---- Attributes ---- */

struct attributes {
    struct apphost_span_attribute list[MAX_ATTRIBUTES];
    size_t count;
};

static void add_text(struct attributes *attributes, const char *key, const char *text)
{
    attributes->list[attributes->count++] = (struct apphost_span_attribute){key, text, 0};
}

static void add_number(struct attributes *attributes, const char *key, int64_t number)
{
    attributes->list[attributes->count++] = (struct apphost_span_attribute){key, NULL, number};
}

static bool is_ip(const char *address)
{
    return strchr(address, ':') || (address[0] && address[strspn(address, "0123456789.")] == '\0');
}

static void add_peer(struct attributes *attributes, const struct trace_batch *record)
{
    bool is_socket = record->address[0] == '/' || record->address[0] == '@';

    if (!record->address[0])
        return;
    add_text(attributes, "server.address", record->address);
    if (!is_socket)
        add_number(attributes, "server.port", record->port);
    if (is_socket || is_ip(record->address))
        add_text(attributes, "network.peer.address", record->address);
    if (!is_socket && is_ip(record->address))
        add_number(attributes, "network.peer.port", record->port);
}

static void add_old(struct attributes *attributes, const char *name, int database)
{
    add_text(attributes, "db.system", "redis");
    add_text(attributes, "db.statement", name);
    add_number(attributes, "db.redis.database_index", database);
}

static void add_new(struct attributes *attributes, const char *name, const char *database)
{
    add_text(attributes, "db.system.name", "redis");
    add_text(attributes, "db.operation.name", name);
    add_text(attributes, "db.namespace", database);
    add_text(attributes, "db.query.text", name);
}

/* The error of one command: the batch's, or its own reply's. `word` is what error.type says. */
static const char *error_of(const struct trace_batch *record, size_t index, char word[64])
{
    const struct resp_reply *reply = NULL;
    if (record->replies)
        reply = record->replies->items[index];

    if (record->error) {
        snprintf(word, 64, "%s", apphost_code_name(record->error->code));
        return record->error->text;
    }
    if (!reply || reply->type != RESP_ERROR)
        return NULL;
    snprintf(word, 64, "%.*s", (int)strcspn(reply->str, " "), reply->str);
    return reply->str;
}

/* A clock that is set back between two readings must not put an event before the span. */
static void add_event(struct apphost_span *span, struct apphost_span_event *events, const char *name,
                      int64_t unix_ns)
{
    if (unix_ns >= span->start_unix_ns && unix_ns <= span->end_unix_ns)
        events[span->event_count++] = (struct apphost_span_event){name, unix_ns};
}

/* A root of its own, or a child of `of`. False when there is no chance. */
static bool name_span(const struct trace_parent *of, uint8_t trace_id[16], uint8_t span_id[8])
{
    if (getrandom(trace_id, 16, GRND_NONBLOCK) < 0 || getrandom(span_id, 8, GRND_NONBLOCK) < 0)
        return false;
    if (of->is_set)
        memcpy(trace_id, of->trace_id, 16);
    return true;
}

static void hand_out(struct tracer *tracer, const struct apphost_span *span)
{
    user_code();
    if (tracer->span)
        tracer->span(tracer->user, span);
    if (tracer->otlp)
        otlp_add(tracer->otlp, span);
}

static void record_one(struct tracer *tracer, const struct trace_batch *record, size_t index)
{
    struct apphost_span span = {.start_unix_ns = record->start_ns, .end_unix_ns = record->end_ns};
    struct attributes attributes = {.count = 0};
    const struct conn_command *command = &record->batch->commands[index];
    struct apphost_span_event events[3];
    char name[32], database[16], word[64];
    size_t len;
    if (command->lens)
        len = command->lens[0];
    else
        len = strlen(command->argv[0]);

    snprintf(name, sizeof(name), "%.*s", (int)(len < 31 ? len : 31), command->argv[0]);
    for (char *p = name; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    snprintf(database, sizeof(database), "%d", record->database);
    if (tracer->is_old)
        add_old(&attributes, name, record->database);
    if (tracer->is_new)
        add_new(&attributes, name, database);
    add_peer(&attributes, record);
    span.error = error_of(record, index, word);
    if (span.error)
        add_text(&attributes, "error.type", word);
    if (span.error && !record->error)
        add_text(&attributes, "db.response.status_code", word);
    if (!name_span(&parent, span.trace_id, span.span_id))
        return;
    if (parent.is_set)
        memcpy(span.parent_id, parent.span_id, 8);
    add_event(&span, events, "Enqueued", record->times.enqueued_ns);
    add_event(&span, events, "Sent", record->times.sent_ns);
    add_event(&span, events, "ResponseReceived", record->times.received_ns);
    span.events = events;
    span.name = name;
    span.attributes = attributes.list;
    span.attribute_count = attributes.count;
    hand_out(tracer, &span);
}

void tracer_record(struct tracer *tracer, const struct trace_batch *record)
{
    for (size_t i = 0; i < record->batch->count; i++)
        record_one(tracer, record, i);
}

/* ---- Creations ---- */

void tracer_begin(struct tracer *tracer, struct creation_span *span)
{
    *span = (struct creation_span){.outer = parent};
    if (!tracer || !name_span(&parent, span->trace_id, span->span_id))
        return;
    span->start_ns = clock_unix_ns();
    parent.is_set = true;
    memcpy(parent.trace_id, span->trace_id, 16);
    memcpy(parent.span_id, span->span_id, 8);
}

void tracer_end(struct tracer *tracer, const struct creation_span *span, const struct apphost_error *error)
{
    struct apphost_span done = {.name = "create", .start_unix_ns = span->start_ns, .is_creation = true};
    struct attributes attributes = {.count = 0};

    parent = span->outer;
    if (!tracer || span->start_ns == 0)
        return;
    memcpy(done.trace_id, span->trace_id, 16);
    memcpy(done.span_id, span->span_id, 8);
    if (parent.is_set)
        memcpy(done.parent_id, parent.span_id, 8);
    done.end_unix_ns = int64_max(clock_unix_ns(), span->start_ns);
    if (error) {
        done.error = error->text;
        add_text(&attributes, "error.type", apphost_code_name(error->code));
    }
    done.attributes = attributes.list;
    done.attribute_count = attributes.count;
    hand_out(tracer, &done);
}
