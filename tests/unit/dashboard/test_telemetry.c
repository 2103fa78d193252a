/* Telemetry, from the port where it comes in to what the page is told; and who may send any. */
#include "rig.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SPANS                                                                                                \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"                \
    "{\"stringValue\":\"api\"}}]},\"scopeSpans\":[{\"spans\":[{\"traceId\":\"0a\",\"spanId\":\"1\","         \
    "\"name\":\"GET /cart\",\"startTimeUnixNano\":\"1000000\",\"endTimeUnixNano\":\"4000000\"}]}]}]}"
#define LOGS                                                                                                 \
    "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"traceId\":\"0a\",\"severityNumber\":9,"          \
    "\"timeUnixNano\":\"2000000\",\"body\":{\"stringValue\":\"hello\"}}]}]}]}"
#define METRICS                                                                                              \
    "{\"resourceMetrics\":[{\"scopeMetrics\":[{\"metrics\":[{\"name\":\"hits\",\"sum\":{\"dataPoints\":"     \
    "[{\"timeUnixNano\":\"1\",\"asInt\":\"5\"}]}}]}]}]}"

static int otlp_port(struct rig *rig)
{
    cleanup_json cJSON *session = rig_get(rig, "session", 503);
    return (int)json_int(json_get(session, "dashboard"), "otlpPort", 0);
}

/* At the other port. */
static int send_to(struct rig *rig, const char *line, const char *headers, const char *body)
{
    int port = rig->port;
    rig->port = otlp_port(rig);
    assert_true(rig->port > 0 && rig->port != port);
    struct reply reply = rig_ask(rig, line, headers, body);
    int status = reply.status;
    if (status == 200)
        assert_string_equal(reply.body, "{}");
    reply_free(&reply);
    rig->port = port;
    return status;
}

static void there_and_back(void **state)
{
    struct rig *rig = *state;
    cJSON_Delete(rig_get(rig, "traces/0a", 404));
    assert_int_equal(send_to(rig, "POST /v1/traces", "", SPANS), 200);
    assert_int_equal(send_to(rig, "POST /v1/logs", "", LOGS), 200);
    assert_int_equal(send_to(rig, "POST /v1/metrics", "", METRICS), 200);

    cleanup_json cJSON *list = rig_get(rig, "traces?r=api&q=cart&least=3", 200);
    const cJSON *first = cJSON_GetArrayItem(json_get(list, "traces"), 0);
    assert_string_equal(json_string(first, "name", ""), "GET /cart");
    cleanup_json cJSON *none = rig_get(rig, "traces?errors=1", 200);
    assert_int_equal(json_count(json_get(none, "traces")), 0);
    cleanup_json cJSON *trace = rig_get(rig, "traces/0a", 200);
    assert_int_equal(json_count(json_get(trace, "resourceSpans")), 1);
    assert_int_equal(json_count(json_get(trace, "resourceLogs")), 1);

    cleanup_json cJSON *logs = rig_get(rig, "telemetry/logs?severity=9", 200);
    assert_int_equal(json_count(json_get(logs, "resourceLogs")), 1);
    cleanup_json cJSON *names = rig_get(rig, "telemetry/metrics", 200);
    assert_int_equal(json_count(json_get(names, "metrics")), 1);
    cleanup_json cJSON *points = rig_get(rig, "telemetry/metrics?name=hits", 200);
    assert_int_equal(json_count(json_get(points, "resourceMetrics")), 1);
    cleanup_json cJSON *counts = rig_get(rig, "telemetry", 200);
    assert_int_equal(json_int(counts, "exports", 0), 3);
    assert_int_equal(json_int(json_get(counts, "traces"), "kept", 0), 1);
    cJSON_Delete(rig_get(rig, "telemetry/nothing", 404));
}

/* Whoever may not come in, and what is no telemetry. */
static void refused(void **state)
{
    static const struct {
        int status;
        const char *line, *headers, *body;
    } rows[] = {
        {404, "POST /v1/spans", "", "{}"},
        {404, "POST /", "", "{}"},
        {405, "GET /v1/traces", "", NULL},
        {403, "OPTIONS /v1/traces", "Origin: http://localhost:3000\r\n", NULL},
        {403, "POST /v1/traces", "Origin: http://evil.example\r\n", "{}"},
        {403, "POST /v1/traces", "Sec-Fetch-Site: cross-site\r\n", "{}"},
        {400, "POST /v1/traces", "Host: evil.example\r\n", "{}"},
        {415, "POST /v1/traces", "Content-Encoding: br\r\n", "{}"},
        {400, "POST /v1/traces", "Content-Encoding: gzip\r\n", "{}"},
        {400, "POST /v1/traces", "", "{\"resourceSpans\":1}"},
        {415, "POST /v1/traces", "Content-Length: 2\r\nContent-Type: text/plain\r\n", NULL},
        {413, "POST /v1/traces", "Content-Length: 99999999\r\nContent-Type: application/json\r\n", NULL},
    };
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int status = send_to(rig, rows[i].line, rows[i].headers, rows[i].body);
        if (status != rows[i].status)
            fail_msg("row %zu: %d", i, status);
    }
    cleanup_json cJSON *counts = rig_get(rig, "telemetry", 200);
    assert_int_equal(json_int(counts, "exports", -1), 0);
    assert_true(json_int(counts, "refused", 0) > 0);

    struct reply stranger = rig_ask(rig, "GET /api/v1/traces", "", NULL);
    assert_int_equal(stranger.status, 401);
    reply_free(&stranger);
}

/* Who sends keeps the address that it was given; and nothing is told of a dashboard that is gone. */
static void ports(void **state)
{
    struct rig *rig = *state;
    int port = otlp_port(rig);
    assert_int_equal(state_telemetry_port(rig->folder), port);
    rig_restart(rig);
    assert_int_equal(otlp_port(rig), port);
    assert_int_equal(state_telemetry_port("/nowhere"), 0);
}

static int begin(void **state)
{
    *state = rig_start();
    return 0;
}

static int end(void **state)
{
    rig_end(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(there_and_back, begin, end),
        cmocka_unit_test_setup_teardown(refused, begin, end),
        cmocka_unit_test_setup_teardown(ports, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
