/* OTLP over HTTP/1.1: the encoder, the buffer, and the thread that posts. */
#include "client/otlp.h"
#include "client/clock.h"
#include "client/options.h"
#include "client/text.h"
#include "client/trace.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BUFFER_LIMIT = 4 * 1024 * 1024, FLUSH_MS = 1000, POST_MS = 3000 };

struct otlp {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool is_closing;
    char *host, *path, *headers;
    int port;
    struct text resource; /* encoded once */
    struct text spans;    /* repeated ScopeSpans.spans, encoded */
};

/* ---- Protobuf: tag, varint, length-delimited, fixed64
 * ----------------------------------------------------------- */

static void put_varint(struct text *out, uint64_t value)
{
    do {
        unsigned char byte = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

        text_add(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void put_bytes(struct text *out, unsigned field, const void *data, size_t len)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, len);
    text_add(out, data, len);
}

static void put_number(struct text *out, unsigned field, uint64_t value)
{
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_fixed64(struct text *out, unsigned field, uint64_t value)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(value >> (8 * i));
    put_varint(out, field << 3 | 1);
    text_add(out, bytes, sizeof(bytes));
}

/* Moves `part` into `out` as a sub-message. */
static void put_message(struct text *out, unsigned field, struct text *part)
{
    put_bytes(out, field, part->data, part->len);
    out->is_failed = out->is_failed || part->is_failed;
    text_drop(part);
}

/* KeyValue { key = 1, value = 2 { string_value = 1, int_value = 3 } } */
static void put_attribute(struct text *out, unsigned field, const struct apphost_span_attribute *attribute)
{
    struct text pair = {0}, value = {0};

    if (attribute->text)
        put_bytes(&value, 1, attribute->text, strlen(attribute->text));
    else
        put_number(&value, 3, (uint64_t)attribute->number);
    put_bytes(&pair, 1, attribute->key, strlen(attribute->key));
    put_message(&pair, 2, &value);
    put_message(out, field, &pair);
}

/* Span { trace_id 1, span_id 2, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9, status 15 }
 */
static void put_span(struct text *out, const struct apphost_span *span)
{
    static const uint8_t zeros[8];
    enum { KIND_CLIENT = 3, STATUS_ERROR = 2 };
    struct text status = {0};

    put_bytes(out, 1, span->trace_id, 16);
    put_bytes(out, 2, span->span_id, 8);
    if (memcmp(span->parent_id, zeros, 8) != 0)
        put_bytes(out, 4, span->parent_id, 8);
    put_bytes(out, 5, span->name, strlen(span->name));
    put_number(out, 6, KIND_CLIENT);
    put_fixed64(out, 7, (uint64_t)span->start_unix_ns);
    put_fixed64(out, 8, (uint64_t)span->end_unix_ns);
    for (size_t i = 0; i < span->attribute_count; i++)
        put_attribute(out, 9, &span->attributes[i]);
    if (!span->error)
        return;
    put_bytes(&status, 2, span->error, strlen(span->error));
    put_number(&status, 3, STATUS_ERROR);
    put_message(out, 15, &status);
}

/* ExportTraceServiceRequest { resource_spans 1 { resource 1, scope_spans 2 { scope 1 { name 1 }, spans 2 } }
 * } */
static char *encode_request(const struct otlp *otlp, const struct text *spans, size_t *len)
{
    struct text scope = {0}, scope_spans = {0}, resource_spans = {0}, request = {0};

    put_bytes(&scope, 1, TRACE_SCOPE, strlen(TRACE_SCOPE));
    put_bytes(&scope, 2, apphost_version(), strlen(apphost_version()));
    put_message(&scope_spans, 1, &scope);
    text_add(&scope_spans, spans->data, spans->len);
    put_bytes(&resource_spans, 1, otlp->resource.data, otlp->resource.len);
    put_message(&resource_spans, 2, &scope_spans);
    put_message(&request, 1, &resource_spans);
    *len = request.len;
    return text_take(&request);
}

/* ---- Posting
 * ---------------------------------------------------------------------------------------------------- */

static int open_socket(const struct otlp *otlp)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    struct timeval timeout = {.tv_sec = POST_MS / 1000};
    char service[16];
    int fd = -1;

    snprintf(service, sizeof(service), "%d", otlp->port);
    if (getaddrinfo(otlp->host, service, &hints, &list) != 0)
        return -1;
    for (struct addrinfo *at = list; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
            continue;
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        if (connect(fd, at->ai_addr, at->ai_addrlen) < 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(list);
    return fd;
}

static void send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, data, len, MSG_NOSIGNAL);

        if (sent <= 0)
            return;
        data += sent;
        len -= (size_t)sent;
    }
}

/* Best effort: an answer is waited for so that the collector is not cut off, and not looked at. */
static void post(const struct otlp *otlp, const struct text *spans)
{
    size_t len;
    char *body = encode_request(otlp, spans, &len), answer[512];
    struct text head = {0};
    int fd = body ? open_socket(otlp) : -1;

    text_addf(&head,
              "POST %s/v1/traces HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: application/x-protobuf\r\n"
              "Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
              otlp->path, otlp->host, otlp->port, len, otlp->headers);
    if (fd >= 0 && !head.is_failed) {
        send_all(fd, head.data, head.len);
        send_all(fd, body, len);
        while (recv(fd, answer, sizeof(answer), 0) > 0)
            ;
    }
    if (fd >= 0)
        close(fd);
    text_drop(&head);
    free(body);
}

static void *export_thread(void *user)
{
    struct otlp *otlp = user;
    bool is_closing = false;

    while (!is_closing) {
        int64_t until = clock_ms() + FLUSH_MS;
        struct timespec deadline = {until / 1000, (until % 1000) * 1000000};

        pthread_mutex_lock(&otlp->lock);
        while (!otlp->is_closing && pthread_cond_timedwait(&otlp->changed, &otlp->lock, &deadline) == 0)
            ;
        is_closing = otlp->is_closing;
        struct text spans = otlp->spans;
        otlp->spans = (struct text){0};
        pthread_mutex_unlock(&otlp->lock);
        if (spans.len > 0 && !spans.is_failed)
            post(otlp, &spans);
        text_drop(&spans);
    }
    return NULL;
}

void otlp_add(struct otlp *otlp, const struct apphost_span *span)
{
    struct text encoded = {0};

    put_span(&encoded, span);
    pthread_mutex_lock(&otlp->lock);
    if (otlp->spans.len + encoded.len < BUFFER_LIMIT && !encoded.is_failed)
        put_bytes(&otlp->spans, 2, encoded.data, encoded.len);
    pthread_mutex_unlock(&otlp->lock);
    text_drop(&encoded);
}

/* ---- Configuration
 * ---------------------------------------------------------------------------------------------- */

/* "a=b,c=d" becomes header lines. */
static char *parse_headers(const char *text)
{
    struct text lines = {0};

    while (text && *text) {
        size_t len = strcspn(text, ","), name = strcspn(text, "=,");

        if (name < len && !memchr(text, '\r', len) && !memchr(text, '\n', len))
            text_addf(&lines, "%.*s: %.*s\r\n", (int)name, text, (int)(len - name - 1), text + name + 1);
        text += len + (text[len] == ',');
    }
    return text_take(&lines);
}

/* http://host[:port][/path] */
static int parse_endpoint(struct otlp *otlp, const char *text)
{
    struct endpoint endpoint;

    if (!text || strncasecmp(text, "http://", 7) != 0)
        return -1;
    text += 7;
    size_t len = strcspn(text, "/"), rest = strlen(text + len);
    char *authority = strndup(text, len);
    while (rest > 0 && text[len + rest - 1] == '/')
        rest--;
    otlp->path = strndup(text + len, rest);
    int rc = authority && *authority && otlp->path ? endpoint_parse(authority, &endpoint, NULL) : -1;
    free(authority);
    if (rc <= 0)
        return -1;
    otlp->host = endpoint.host;
    otlp->port = endpoint.port ? endpoint.port : 4318;
    endpoint.host = NULL;
    endpoint_fini(&endpoint);
    return 0;
}

static void encode_resource(struct otlp *otlp, const char *service)
{
    const struct apphost_span_attribute attributes[] = {
        {"service.name", service && *service ? service : program_invocation_short_name, 0},
        {"telemetry.sdk.name", "libapphost", 0},
        {"telemetry.sdk.language", "c", 0},
        {"telemetry.sdk.version", apphost_version(), 0},
    };

    for (size_t i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++)
        put_attribute(&otlp->resource, 1, &attributes[i]);
}

static void free_otlp(struct otlp *otlp)
{
    text_drop(&otlp->resource);
    text_drop(&otlp->spans);
    free(otlp->host);
    free(otlp->path);
    free(otlp->headers);
    free(otlp);
}

struct otlp *otlp_new(const struct apphost_config *config)
{
    struct otlp *otlp = calloc(1, sizeof(*otlp));
    pthread_condattr_t attributes;

    if (!otlp)
        return NULL;
    otlp->headers = parse_headers(apphost_config_get(config, "OTEL_EXPORTER_OTLP_HEADERS"));
    if (!otlp->headers ||
        parse_endpoint(otlp, apphost_config_get(config, "OTEL_EXPORTER_OTLP_ENDPOINT")) < 0) {
        free_otlp(otlp);
        return NULL;
    }
    encode_resource(otlp, apphost_config_get(config, "OTEL_SERVICE_NAME"));
    pthread_mutex_init(&otlp->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&otlp->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (pthread_create(&otlp->thread, NULL, export_thread, otlp) == 0)
        return otlp;
    free_otlp(otlp);
    return NULL;
}

void otlp_free(struct otlp *otlp)
{
    if (!otlp)
        return;
    pthread_mutex_lock(&otlp->lock);
    otlp->is_closing = true;
    pthread_cond_broadcast(&otlp->changed);
    pthread_mutex_unlock(&otlp->lock);
    pthread_join(otlp->thread, NULL);
    pthread_mutex_destroy(&otlp->lock);
    pthread_cond_destroy(&otlp->changed);
    free_otlp(otlp);
}
