/* room: client_telemetry */
/*
 * Telemetry as a collector sees it: spans with their events, metrics with the numbers of the caches, headers,
 * endpoints, TLS; and what a collector that is away or says no costs.
 */
#include "collector.h"
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_MS = 60000 };

static struct server server;
static char logged[8192];
static pthread_mutex_t logged_lock = PTHREAD_MUTEX_INITIALIZER;

static int set_up(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void take_log(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    (void)user;
    (void)category;
    pthread_mutex_lock(&logged_lock);
    size_t len = strlen(logged);
    snprintf(logged + len, sizeof(logged) - len, "%d %s\n", (int)level, text);
    pthread_mutex_unlock(&logged_lock);
}

static bool has_logged(const char *words)
{
    pthread_mutex_lock(&logged_lock);
    bool has = strstr(logged, words) != NULL;
    pthread_mutex_unlock(&logged_lock);
    return has;
}

/* Pairs of configuration keys and values, ended by a NULL; "%d" in a value is the collector's port. */
static struct apphost_host *open_host(const struct collector *collector, const char *const pairs[])
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .log = take_log};
    const struct apphost_cache_options second = {.instance_name = "second:"};
    char text[256];

    logged[0] = '\0';
    apphost_config_set(config, "ConnectionStrings:cache", server.socket, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:InstanceName", "first:", NULL);
    for (size_t i = 0; pairs[i]; i += 2) {
        const char *mark = strstr(pairs[i + 1], "%d");

        if (mark)
            snprintf(text, sizeof(text), "%.*s%d%s", (int)(mark - pairs[i + 1]), pairs[i + 1],
                     collector->port, mark + 2);
        else
            snprintf(text, sizeof(text), "%s", pairs[i + 1]);
        apphost_config_set(config, pairs[i], text, NULL);
    }
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(host, NULL, "second", &second, NULL), 0);
    return host;
}

/* Two sets, two hits, one miss, one refresh, one removal. */
static void use(struct apphost_host *host, const char *key)
{
    struct apphost_cache *cache = apphost_host_cache(host, key, NULL);
    struct apphost_error error = {0};
    struct apphost_value value;

    for (int i = 0; i < 2; i++) {
        if (apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_in(60000), &error) < 0)
            fail_msg("%s", error.text);
        assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), 1);
        apphost_value_free(&value);
    }
    assert_int_equal(apphost_cache_get(cache, apphost_str("missing"), &value, &error), 0);
    assert_int_equal(apphost_cache_refresh(cache, apphost_str("k"), &error), 1);
    assert_int_equal(apphost_cache_remove(cache, apphost_str("k"), &error), 1);
}

static void await_requests(struct collector *collector, const char *start, size_t count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (collector_count(collector, start) < count && now_ms() < deadline)
        poll(NULL, 0, 5);
    assert_true(collector_count(collector, start) >= count);
}

/* The message inside of a request: resource_spans or resource_metrics. */
static struct field opened(const struct received *request)
{
    assert_non_null(request);
    return field_at((struct field){request->body, request->len, 0}, 1, 0);
}

static struct field attribute(struct field message, unsigned number, const char *key)
{
    for (size_t i = 0; i < field_count(message, number); i++) {
        struct field pair = field_at(message, number, i);

        if (field_is(field_at(pair, 1, 0), key))
            return field_at(field_at(pair, 2, 0), 1, 0);
    }
    return (struct field){NULL, 0, 0};
}

/* ---- Spans ---- */

static void spans_with_their_events(void **state)
{
    static const char *const events[] = {"Enqueued", "Sent", "ResponseReceived"};
    static const unsigned char trace[] = {0x0a, 0xf7, 0x65, 0x19, 0x16, 0xcd, 0x43, 0xdd};
    static const char *const pairs[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                        "http://127.0.0.1:%d/",
                                        "OTEL_SERVICE_NAME",
                                        "test-service",
                                        "OTEL_RESOURCE_ATTRIBUTES",
                                        "service.instance.id=a%2Cb, service.name=other,deployment=x",
                                        "OTEL_EXPORTER_OTLP_HEADERS",
                                        "x-api-key=s%3Dcret, x-two=2",
                                        NULL};
    struct collector collector = {.port = 0};
    struct apphost_value value;

    (void)state;
    collector_start(&collector, NULL);
    struct apphost_host *host = open_host(&collector, pairs);
    assert_int_equal(apphost_trace_parent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", NULL),
                     0);
    assert_int_equal(apphost_trace_parent("00-zz", NULL), -1);
    apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("missing"), &value, NULL);
    apphost_trace_parent(NULL, NULL);
    apphost_host_free(host); /* sends what is left */
    collector_stop(&collector);

    const struct received *request = collector_last(&collector, "POST /v1/traces HTTP/1.1\r\n");
    struct field whole = opened(request), resource = field_at(whole, 1, 0), scope = field_at(whole, 2, 0);
    assert_non_null(strstr(request->head, "\r\nContent-Type: application/x-protobuf\r\n"));
    assert_non_null(strstr(request->head, "\r\nx-api-key: s=cret\r\n"));
    assert_non_null(strstr(request->head, "\r\nx-two: 2\r\n"));
    assert_true(field_is(attribute(resource, 1, "service.name"), "test-service"));
    assert_true(field_is(attribute(resource, 1, "service.instance.id"), "a,b"));
    assert_true(field_is(attribute(resource, 1, "deployment"), "x"));
    assert_true(field_is(attribute(resource, 1, "telemetry.sdk.language"), "c"));
    assert_true(
        field_is(field_at(field_at(scope, 1, 0), 1, 0), "OpenTelemetry.Instrumentation.StackExchangeRedis"));
    struct field span = field_at(scope, 2, 0);
    assert_int_equal(field_count(scope, 2), 1);
    assert_memory_equal(field_at(span, 1, 0).data, trace, sizeof(trace));
    assert_true(field_is(field_at(span, 5, 0), "HMGET"));
    assert_true(field_is(attribute(span, 9, "db.system"), "redis"));
    assert_int_equal(field_count(span, 11), 3);
    for (size_t i = 0; i < 3; i++) {
        struct field event = field_at(span, 11, i);

        assert_true(field_is(field_at(event, 2, 0), events[i]));
        assert_true(field_at(event, 1, 0).number >= field_at(span, 7, 0).number);
        assert_true(field_at(event, 1, 0).number <= field_at(span, 8, 0).number);
    }
    collector_fini(&collector);
}

/* ---- Metrics ---- */

static struct field find_metric(struct field scope, const char *name)
{
    for (size_t i = 0; i < field_count(scope, 2); i++)
        if (field_is(field_at(field_at(scope, 2, i), 1, 0), name))
            return field_at(scope, 2, i);
    fail_msg("no metric %s", name);
    return (struct field){NULL, 0, 0};
}

static struct field find_point(struct field data, unsigned attributes, const char *instance)
{
    for (size_t i = 0; i < field_count(data, 1); i++) {
        struct field point = field_at(data, 1, i);

        if (field_is(attribute(point, attributes, "rediscache.instance"), instance))
            return point;
    }
    fail_msg("no point of %s", instance);
    return (struct field){NULL, 0, 0};
}

static void expect_counter(struct field scope, const char *name, const char *instance, unsigned value)
{
    struct field data = field_at(find_metric(scope, name), 7, 0), point = find_point(data, 7, instance);

    assert_int_equal(field_at(data, 2, 0).number, 2); /* cumulative */
    assert_int_equal(field_at(data, 3, 0).number, 1); /* monotonic */
    assert_int_equal(field_at(point, 6, 0).number, value);
    assert_true(field_at(point, 2, 0).number <= field_at(point, 3, 0).number);
    assert_true(field_is(attribute(point, 7, "rediscache.connection"), "cache"));
}

static void expect_histogram(struct field scope, const char *instance, unsigned operations)
{
    struct field data = field_at(find_metric(scope, "rediscache-duration"), 9, 0);
    struct field point = find_point(data, 9, instance), buckets = field_at(point, 6, 0);
    unsigned long long sum = 0;
    double seconds, first;

    assert_int_equal(buckets.len, 24 * 8);
    assert_int_equal(field_at(point, 7, 0).len, 23 * 8);
    for (size_t i = 0; i < buckets.len; i += 8) {
        uint64_t count;

        memcpy(&count, buckets.data + i, 8);
        sum += count;
    }
    assert_int_equal(sum, operations);
    assert_int_equal(field_at(point, 4, 0).number, operations);
    memcpy(&seconds, field_at(point, 5, 0).data, 8);
    assert_true(operations == 0 || (seconds > 0 && seconds < 600));
    memcpy(&first, field_at(point, 7, 0).data, 8);
    assert_true(first > 0.9e-6 && first < 1.1e-6);
}

static void metrics_of_every_cache(void **state)
{
    static const char *const pairs[] = {"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
                                        "http://127.0.0.1:%d/own/path?x=1", NULL};
    struct collector collector = {.port = 0};

    (void)state;
    collector_start(&collector, NULL);
    struct apphost_host *host = open_host(&collector, pairs);
    use(host, NULL);
    use(host, "second");
    use(host, "second");
    apphost_host_free(host);
    collector_stop(&collector);
    assert_int_equal(collector_count(&collector, "POST"), 1); /* no traces: that endpoint is not set */
    struct field scope =
        field_at(opened(collector_last(&collector, "POST /own/path?x=1 HTTP/1.1\r\n")), 2, 0);
    assert_true(
        field_is(field_at(field_at(scope, 1, 0), 1, 0), "Microsoft.Extensions.Caching.StackExchangeRedis"));
    for (unsigned i = 0; i < 2; i++) {
        const char *instance = i ? "second:" : "first:";

        expect_counter(scope, "rediscache-hits", instance, 2 * (i + 1));
        expect_counter(scope, "rediscache-misses", instance, i + 1);
        expect_counter(scope, "rediscache-sets", instance, 2 * (i + 1));
        expect_counter(scope, "rediscache-refreshes", instance, i + 1);
        expect_counter(scope, "rediscache-removes", instance, i + 1);
        expect_counter(scope, "rediscache-errors", instance, 0);
        expect_histogram(scope, instance, 7 * (i + 1));
    }
    collector_fini(&collector);
}

static void metrics_again_and_again(void **state)
{
    static const char *const pairs[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                                        "http://127.0.0.1:%d/base",
                                        "OTEL_METRIC_EXPORT_INTERVAL",
                                        "20",
                                        "OTEL_TRACES_EXPORTER",
                                        "none",
                                        NULL};
    struct collector collector = {.port = 0};

    (void)state;
    collector_start(&collector, NULL);
    struct apphost_host *host = open_host(&collector, pairs);
    await_requests(&collector, "POST /base/v1/metrics ", 1);
    use(host, NULL);
    await_requests(&collector, "POST /base/v1/metrics ", 3);
    apphost_host_free(host);
    collector_stop(&collector);
    struct field scope = field_at(opened(collector_last(&collector, "POST /base/v1/metrics ")), 2, 0);
    expect_counter(scope, "rediscache-hits", "first:", 2);
    expect_counter(scope, "rediscache-hits", "second:", 0);
    assert_int_equal(collector_count(&collector, "POST /base/v1/traces"), 0);
    collector_fini(&collector);
}

/* ---- What can be wrong ---- */

struct refused {
    const char *pairs[7];
    const char *words; /* of the warning; NULL: none */
};

static const struct refused refusals[] = {
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318", NULL}, "not http:// or https://"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://", NULL}, "no host"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:secret@host/", NULL}, "no host"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:x", NULL}, "not a host"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", NULL},
     "not http/protobuf"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_EXPORTER_OTLP_TIMEOUT", "soon", NULL},
     "number of milliseconds"},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "", NULL}, NULL},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_SDK_DISABLED", "true", NULL}, NULL},
    {{"OTEL_EXPORTER_OTLP_ENDPOINT", "http://h", "OTEL_TRACES_EXPORTER", "none", "OTEL_METRICS_EXPORTER",
      "none"},
     NULL},
};

static void what_cannot_be_exported_is_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
        struct apphost_host *host = open_host(NULL, refusals[i].pairs);

        use(host, NULL);
        apphost_host_free(host);
        if (refusals[i].words ? !has_logged(refusals[i].words) : has_logged("export"))
            fail_msg("row %zu: logged '%s'", i, logged);
        assert_false(has_logged("secret"));
    }
}

static void a_collector_that_says_no_gets_the_spans_later(void **state)
{
    static const char *const pairs[] = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://127.0.0.1:%d/t",
                                        "OTEL_BSP_SCHEDULE_DELAY", "20", NULL};
    struct collector collector = {.refusals = 2};

    (void)state;
    collector_start(&collector, NULL);
    struct apphost_host *host = open_host(&collector, pairs);
    use(host, NULL);
    await_requests(&collector, "POST /t ", 1);
    apphost_host_free(host);
    collector_stop(&collector);
    assert_true(has_logged("3 Export of spans failed: the collector answered 'HTTP/1.1 503"));
    assert_true(has_logged("2 Export of spans works again"));
    /* Two sets of four commands, and five of one: none was lost. */
    size_t spans = 0;
    for (size_t i = 0; i < collector.count; i++)
        spans += field_count(field_at(opened(&collector.requests[i]), 2, 0), 2);
    assert_int_equal(spans, 2 * 4 + 5);
    collector_fini(&collector);
}

static void a_collector_that_is_silent_costs_seconds(void **state)
{
    static const char *const pairs[] = {"OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:%d",
                                        "OTEL_EXPORTER_OTLP_TIMEOUT", "600000", NULL};
    struct collector collector = {.is_mute = true};

    (void)state;
    collector_start(&collector, NULL);
    struct apphost_host *host = open_host(&collector, pairs);
    use(host, NULL);
    apphost_host_free(host); /* it would wait for ever */
    collector_stop(&collector);
}

/* ---- TLS ---- */

static void over_tls(void **state)
{
    char folder[] = "/tmp/apphost-otlp-XXXXXX", command[1024], ca[64];
    const char *pairs[] = {"OTEL_EXPORTER_OTLP_ENDPOINT",
                           "https://localhost:%d",
                           "OTEL_BSP_SCHEDULE_DELAY",
                           "20",
                           "OTEL_METRIC_EXPORT_INTERVAL",
                           "300",
                           "OTEL_EXPORTER_OTLP_CERTIFICATE",
                           ca,
                           NULL};
    struct collector collector = {.port = 0};

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(ca, sizeof(ca), "%s/cert.pem", folder);
    snprintf(command, sizeof(command),
             "cd %s && exec openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=collector -addext "
             "subjectAltName=DNS:localhost -keyout key.pem -out cert.pem >/dev/null 2>&1",
             folder);
    assert_int_equal(system(command), 0);
    collector_start(&collector, folder);
    struct apphost_host *host = open_host(&collector, pairs);
    use(host, NULL);
    /* Before the end, which gives them only seconds. */
    await_requests(&collector, "POST /v1/metrics", 1);
    await_requests(&collector, "POST /v1/traces", 1);
    apphost_host_free(host);
    /* Without that authority the certificate is nobody's. */
    pairs[6] = NULL;
    size_t before = collector_count(&collector, "POST");
    host = open_host(&collector, pairs);
    use(host, NULL);
    for (int64_t deadline = now_ms() + PATIENCE_MS;
         !has_logged("3 Export of spans failed: TLS with 'localhost'") && now_ms() < deadline;)
        poll(NULL, 0, 5);
    apphost_host_free(host);
    collector_stop(&collector);
    assert_int_equal(collector_count(&collector, "POST"), before);
    assert_true(has_logged("3 Export of spans failed: TLS with 'localhost'"));
    collector_fini(&collector);
    snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_with_their_events),
        cmocka_unit_test(metrics_of_every_cache),
        cmocka_unit_test(metrics_again_and_again),
        cmocka_unit_test(what_cannot_be_exported_is_said),
        cmocka_unit_test(a_collector_that_says_no_gets_the_spans_later),
        cmocka_unit_test(a_collector_that_is_silent_costs_seconds),
        cmocka_unit_test(over_tls),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
