/* Exports in both forms, what is refused, what is kept, and what is asked for. Protobuf is written by hand
 * here, so that the reader is held against the format and not against our own writer. */
#include "otlp/otlp.h"

#include "base/mem.h"
#include "base/str.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "0102030405060708090a0b0c0d0e0f10"

/* ---- protobuf, by hand ---- */

static void put_varint(struct strbuf *out, uint64_t value)
{
    for (; value > 0x7f; value >>= 7)
        strbuf_addc(out, (char)(value | 0x80));
    strbuf_addc(out, (char)value);
}

static void put_number(struct strbuf *out, unsigned field, uint64_t value)
{
    put_varint(out, field << 3);
    put_varint(out, value);
}

static void put_fixed(struct strbuf *out, unsigned field, unsigned type, uint64_t value)
{
    put_varint(out, field << 3 | type);
    for (int i = 0; i < (type == 5 ? 4 : 8); i++)
        strbuf_addc(out, (char)(value >> (8 * i)));
}

static void put_double(struct strbuf *out, unsigned field, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_fixed(out, field, 1, bits);
}

static void put_bytes(struct strbuf *out, unsigned field, const char *bytes, size_t length)
{
    put_varint(out, field << 3 | 2);
    put_varint(out, length);
    strbuf_add(out, bytes, length);
}

static void put_text(struct strbuf *out, unsigned field, const char *text)
{
    put_bytes(out, field, text, strlen(text));
}

/* Takes the part. */
static void put_part(struct strbuf *out, unsigned field, struct strbuf part)
{
    put_bytes(out, field, strbuf_text(&part), part.length);
    strbuf_free(&part);
}

static struct strbuf pair_of(const char *key, struct strbuf value)
{
    struct strbuf pair = {0};
    put_text(&pair, 1, key);
    put_part(&pair, 2, value);
    return pair;
}

static struct strbuf text_of(const char *text)
{
    struct strbuf value = {0};
    put_text(&value, 1, text);
    return value;
}

static struct strbuf resource_of(const char *service)
{
    struct strbuf resource = {0};
    put_part(&resource, 1, pair_of("service.name", text_of(service)));
    return resource;
}

/* A request of one resource and one scope, around an item. Takes it. */
static struct strbuf request_of(const char *service, struct strbuf item)
{
    struct strbuf scope = {0}, scopes = {0}, group = {0}, request = {0};
    put_text(&scope, 1, "lib");
    put_part(&scopes, 1, scope);
    put_part(&scopes, 2, item);
    put_part(&group, 1, resource_of(service));
    put_part(&group, 2, scopes);
    put_part(&request, 1, group);
    return request;
}

static struct strbuf span_of(const char *name, unsigned char id, unsigned char parent, uint64_t begin_ns,
                             uint64_t end_ns)
{
    struct strbuf span = {0};
    char ids[8] = {0};
    put_bytes(&span, 1, "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17\20", 16);
    ids[7] = (char)id;
    put_bytes(&span, 2, ids, 8);
    ids[7] = (char)parent;
    if (parent)
        put_bytes(&span, 4, ids, 8);
    put_text(&span, 5, name);
    put_number(&span, 6, 3);
    put_fixed(&span, 7, 1, begin_ns);
    put_fixed(&span, 8, 1, end_ns);
    return span;
}

/* ---- the store ---- */

static int take(struct otlp_store *store, enum otlp_signal signal, struct strbuf body, struct error *err)
{
    const struct otlp_body how = {.signal = signal, .bytes = strbuf_text(&body), .length = body.length};
    int failed = otlp_take(store, &how, err);
    strbuf_free(&body);
    return failed;
}

static int take_json(struct otlp_store *store, enum otlp_signal signal, const char *text, struct error *err)
{
    const struct otlp_body how = {.signal = signal, .is_json = true, .bytes = text, .length = strlen(text)};
    return otlp_take(store, &how, err);
}

static void assert_refused(struct otlp_store *store, const struct otlp_body *body, enum error_code code,
                           const char *words)
{
    cleanup_error struct error err = {0};
    assert_int_equal(otlp_take(store, body, &err), -1);
    assert_int_equal(err.code, code);
    if (!strstr(err.text, words))
        fail_msg("'%s' has no '%s'", err.text, words);
    assert_int_equal(otlp_counts(store, body->signal).received, 0);
}

static char *items(const struct otlp_store *store, enum otlp_signal signal)
{
    const struct otlp_filter filter = {0};
    size_t length = 0;
    return otlp_items(store, signal, &filter, &length);
}

/* ---- tests ---- */

/* All kinds of values, as the protocol has them. */
static void test_span(void **state)
{
    struct strbuf span = span_of("GET k", 1, 2, 1700000000000000001u, 1700000000000000500u);
    struct strbuf value = {0}, list = {0}, event = {0}, status = {0};
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    put_number(&value, 3, (uint64_t)-5);
    put_part(&span, 9, pair_of("minus", value));
    value = (struct strbuf){0};
    put_number(&value, 2, 1);
    put_part(&span, 9, pair_of("yes", value));
    value = (struct strbuf){0};
    put_double(&value, 4, 0.5);
    put_part(&list, 1, value);
    value = (struct strbuf){0};
    put_bytes(&value, 7, "\1\2", 2);
    put_part(&list, 1, value);
    value = (struct strbuf){0};
    put_part(&value, 5, list);
    put_part(&span, 9, pair_of("list", value));
    put_fixed(&event, 1, 1, 7);
    put_text(&event, 2, "retry");
    put_part(&span, 11, event);
    put_text(&status, 2, "no");
    put_number(&status, 3, 2);
    put_part(&span, 15, status);
    put_fixed(&span, 16, 5, 257);
    put_text(&span, 99, "of a later version");

    assert_int_equal(take(store, OTLP_TRACES, request_of("api", span), NULL), 0);
    cleanup_free char *text = items(store, OTLP_TRACES);
    assert_string_equal(
        text, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"
              "{\"stringValue\":\"api\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"lib\"},\"spans\":["
              "{\"traceId\":\"" ID "\",\"spanId\":\"0000000000000001\",\"parentSpanId\":\"0000000000000002\","
              "\"name\":\"GET k\",\"kind\":3,\"startTimeUnixNano\":\"1700000000000000001\","
              "\"endTimeUnixNano\":\"1700000000000000500\",\"attributes\":["
              "{\"key\":\"minus\",\"value\":{\"intValue\":\"-5\"}},{\"key\":\"yes\",\"value\":{\"boolValue\":"
              "true}},"
              "{\"key\":\"list\",\"value\":{\"arrayValue\":{\"values\":[{\"doubleValue\":0.5},"
              "{\"bytesValue\":\"AQI=\"}]}}}],\"events\":[{\"timeUnixNano\":\"7\",\"name\":\"retry\"}],"
              "\"status\":{\"message\":\"no\",\"code\":2},\"flags\":257}]}]}]}");

    struct otlp_store *other = otlp_store_new(NULL);
    assert_int_equal(take_json(other, OTLP_TRACES, text, NULL), 0);
    cleanup_free char *again = items(other, OTLP_TRACES);
    assert_string_equal(again, text);
    otlp_store_free(store);
    otlp_store_free(other);
}

/* Lists of numbers, packed and one by one; negative numbers in zigzag. */
static void test_metric(void **state)
{
    struct strbuf metric = {0}, histogram = {0}, point = {0}, packed = {0}, buckets = {0};
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    put_fixed(&point, 3, 1, 9);
    put_fixed(&point, 4, 1, 3);
    put_double(&point, 5, INFINITY);
    put_number(&point, 6, 5); /* -3 */
    put_number(&buckets, 1, 4);
    put_varint(&packed, 300);
    put_varint(&packed, 1);
    put_part(&buckets, 2, packed);
    put_number(&buckets, 2, 7);
    put_part(&point, 8, buckets);
    put_part(&histogram, 1, point);
    put_number(&histogram, 2, 2);
    put_text(&metric, 1, "latency");
    put_text(&metric, 3, "ms");
    put_part(&metric, 10, histogram);

    assert_int_equal(take(store, OTLP_METRICS, request_of("api", metric), NULL), 0);
    cleanup_free char *text = items(store, OTLP_METRICS);
    assert_non_null(strstr(text, "{\"name\":\"latency\",\"unit\":\"ms\",\"exponentialHistogram\":{"
                                 "\"dataPoints\":[{\"timeUnixNano\":\"9\",\"count\":\"3\","
                                 "\"sum\":\"Infinity\",\"scale\":-3,\"positive\":{\"offset\":2,"
                                 "\"bucketCounts\":[\"300\",\"1\",\"7\"]}}],\"aggregationTemporality\":2}}"));
    cleanup_json cJSON *names = otlp_metric_names(store, &(struct otlp_filter){0});
    cleanup_free char *list = json_print(names);
    assert_string_equal(list, "{\"metrics\":[{\"name\":\"latency\",\"service\":\"api\",\"unit\":\"ms\","
                              "\"kind\":\"exponentialHistogram\"}]}");
    otlp_store_free(store);
}

/* JSON as people write it: numbers for long integers, capital hexadecimal, members of later versions. */
static void test_json(void **state)
{
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    assert_int_equal(take_json(store, OTLP_LOGS,
                               "{\"resourceLogs\":[{\"later\":1,\"scopeLogs\":[{\"logRecords\":[{"
                               "\"timeUnixNano\":1000,\"severityNumber\":17,\"traceId\":\"ABCDEF\","
                               "\"body\":{\"stringValue\":\"<b>\\u0000\"},\"flags\":null}]}]}]}",
                               NULL),
                     0);
    cleanup_free char *text = items(store, OTLP_LOGS);
    assert_string_equal(text, "{\"resourceLogs\":[{\"resource\":{},\"scopeLogs\":[{\"scope\":{},"
                              "\"logRecords\":[{\"timeUnixNano\":\"1000\",\"severityNumber\":17,"
                              "\"traceId\":\"abcdef\",\"body\":{\"stringValue\":\"<b>\"}}]}]}]}");
    otlp_store_free(store);
}

static void test_refused_json(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "not valid JSON"},
        {"{\"resourceSpans\":[", "not valid JSON"},
        {"[]", "the body is no object"},
        {"{\"resourceSpans\":{}}", "resourceSpans is no list"},
        {"{\"resourceSpans\":[1]}", "resourceSpans is no object"},
        {"{\"resourceSpans\":[{\"schemaUrl\":1}]}", "schemaUrl is of another type"},
        {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"traceId\":\"xyz\"}]}]}]}", "traceId"},
        {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"endTimeUnixNano\":-1}]}]}]}",
         "endTimeUnixNano"},
        {"{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"kind\":\"SPAN_KIND_SERVER\"}]}]}]}", "kind"},
    };
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct otlp_body body = {
            .is_json = true, .bytes = rows[i].text, .length = strlen(rows[i].text)};
        assert_refused(store, &body, ERROR_USAGE, rows[i].words);
    }
    otlp_store_free(store);
}

/* A list in a list in a list: a thousand of them. */
static void test_deep(void **state)
{
    enum { DEEP = 1000 };
    struct strbuf value = {0}, span = {0}, text = {0};
    struct otlp_store *store = otlp_store_new(NULL);
    cleanup_error struct error err = {0};
    (void)state;
    for (int i = 0; i < DEEP; i++) {
        struct strbuf list = {0}, outer = {0};
        put_part(&list, 1, value);
        put_part(&outer, 5, list);
        value = outer;
    }
    put_part(&span, 9, pair_of("deep", value));
    assert_int_equal(take(store, OTLP_TRACES, request_of("api", span), &err), -1);
    assert_int_equal(err.code, ERROR_USAGE);
    assert_non_null(strstr(err.text, "nested too deep"));

    strbuf_adds(&text, "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"body\":");
    for (int i = 0; i < DEEP / 4; i++)
        strbuf_adds(&text, "{\"arrayValue\":{\"values\":[");
    for (int i = 0; i < DEEP / 4; i++)
        strbuf_adds(&text, "]}}");
    strbuf_adds(&text, "}]}]}]}");
    const struct otlp_body body = {
        .signal = OTLP_LOGS, .is_json = true, .bytes = strbuf_text(&text), .length = text.length};
    assert_refused(store, &body, ERROR_USAGE, "deep");
    strbuf_free(&text);
    otlp_store_free(store);
}

/* A million empty messages are two megabytes on the wire, and would be a hundred as a tree. */
static void test_many(void **state)
{
    enum { MANY = 1000000 };
    struct strbuf body = {0}, text = {0};
    struct otlp_store *store = otlp_store_new(NULL);
    cleanup_error struct error err = {0};
    (void)state;
    for (int i = 0; i < MANY; i++)
        strbuf_add(&body, "\12\0", 2);
    assert_int_equal(take(store, OTLP_TRACES, body, &err), -1);
    assert_int_equal(err.code, ERROR_SPACE);

    strbuf_adds(&text, "{\"resourceSpans\":[{}");
    for (int i = 0; i < MANY; i++)
        strbuf_adds(&text, ",{}");
    strbuf_adds(&text, "]}");
    const struct otlp_body json = {.is_json = true, .bytes = strbuf_text(&text), .length = text.length};
    assert_refused(store, &json, ERROR_SPACE, "values");
    strbuf_free(&text);
    otlp_store_free(store);
}

/* Cut off at each byte, and each byte another: an answer every time. */
static void test_broken(void **state)
{
    struct strbuf whole = request_of("api", span_of("a", 1, 0, 1, 2));
    struct otlp_store *store = otlp_store_new(NULL);
    size_t refused = 0;
    (void)state;
    for (size_t i = 0; i < whole.length; i++) {
        char *copy = xmemdup(whole.data, whole.length);
        struct otlp_body body = {.bytes = xmemdup(copy, i + 1), .length = i};
        refused += otlp_take(store, &body, NULL) != 0;
        free((void *)(uintptr_t)body.bytes);
        copy[i] = (char)(copy[i] ^ 0xff);
        body = (struct otlp_body){.bytes = copy, .length = whole.length};
        otlp_take(store, &body, NULL);
        free(copy);
    }
    assert_true(refused > whole.length / 2);
    strbuf_free(&whole);
    otlp_store_free(store);
}

static struct strbuf output_of(const char *command)
{
    struct strbuf out = {0};
    char chunk[4096];
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    for (size_t n; (n = fread(chunk, 1, sizeof chunk, pipe)) > 0;)
        strbuf_add(&out, chunk, n);
    assert_int_equal(pclose(pipe), 0);
    return out;
}

static void test_packed(void **state)
{
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    struct strbuf bomb = output_of("head -c 20000000 /dev/zero | gzip");
    struct otlp_body body = {.is_packed = true, .bytes = bomb.data, .length = bomb.length};
    assert_true(bomb.length < OTLP_BODY_LIMIT);
    assert_refused(store, &body, ERROR_SPACE, "larger than");
    body.length = 5000;
    assert_refused(store, &body, ERROR_USAGE, "gzip");
    body.bytes = "not packed";
    body.length = 10;
    assert_refused(store, &body, ERROR_USAGE, "gzip");
    strbuf_free(&bomb);

    struct strbuf good =
        output_of("echo '{\"resourceSpans\":[{\"scopeSpans\":[{\"spans\":[{\"name\":\"a\"}]}]}]}' | gzip");
    body = (struct otlp_body){.is_json = true, .is_packed = true, .bytes = good.data, .length = good.length};
    assert_int_equal(otlp_take(store, &body, NULL), 0);
    assert_int_equal(otlp_counts(store, OTLP_TRACES).received, 1);
    strbuf_free(&good);
    otlp_store_free(store);
}

/* Names that are no text, and ones that are too long. */
static void test_texts(void **state)
{
    struct strbuf record = {0}, body = {0};
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    put_bytes(&record, 3, "a\0\xff", 3);
    for (int i = 0; i < 20000; i++)
        strbuf_adds(&body, "ä");
    put_part(&record, 5, text_of(strbuf_text(&body)));
    strbuf_free(&body);
    assert_int_equal(take(store, OTLP_LOGS, request_of("api", record), NULL), 0);
    cleanup_free char *text = items(store, OTLP_LOGS);
    assert_non_null(strstr(text, "\"severityText\":\"a??\""));
    assert_non_null(strstr(text, "ä…\""));
    assert_true(strlen(text) < 17000);
    otlp_store_free(store);
}

/* The oldest goes, and is counted; the newest is there. */
static void test_bounds(void **state)
{
    enum { ROOM = 20000, COUNT = 1000 };
    const struct otlp_limits limits = {.bytes[OTLP_TRACES] = ROOM};
    struct otlp_store *store = otlp_store_new(&limits);
    (void)state;
    for (int i = 0; i < COUNT; i++) {
        cleanup_free char *name = xasprintf("span %d", i);
        assert_int_equal(take(store, OTLP_TRACES,
                              request_of("api", span_of(name, 1, 0, (uint64_t)i, (uint64_t)i + 1)), NULL),
                         0);
    }
    struct otlp_counts counts = otlp_counts(store, OTLP_TRACES);
    assert_int_equal(counts.received, COUNT);
    assert_int_equal(counts.kept + counts.dropped, COUNT);
    assert_true(counts.bytes <= ROOM && counts.kept > 10);
    cleanup_free char *text = items(store, OTLP_TRACES);
    assert_non_null(strstr(text, "span 999"));
    assert_null(strstr(text, "\"span 1\""));
    otlp_store_free(store);
}

static cJSON *traces(const struct otlp_store *store, struct otlp_filter filter)
{
    cJSON *json = otlp_traces(store, &filter);
    cJSON *list = cJSON_DetachItemFromObjectCaseSensitive(json, "traces");
    cJSON_Delete(json);
    return list;
}

static void expect_traces(const struct otlp_store *store, struct otlp_filter filter, const char *names)
{
    cleanup_json cJSON *list = traces(store, filter);
    struct strbuf out = {0};
    const cJSON *trace;
    cJSON_ArrayForEach(trace, list) strbuf_addf(&out, "%s;", json_string(trace, "name", ""));
    assert_string_equal(strbuf_text(&out), names);
    strbuf_free(&out);
}

#define SPAN(trace, id, parent, name, begin, end, more)                                                      \
    "{\"traceId\":\"" trace "\",\"spanId\":\"" id "\",\"parentSpanId\":\"" parent "\",\"name\":\"" name      \
    "\",\"startTimeUnixNano\":\"" begin "\",\"endTimeUnixNano\":\"" end "\"" more "}"
#define SPANS(service, spans)                                                                                \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":"                \
    "{\"stringValue\":\"" service "\"}}]},\"scopeSpans\":[{\"spans\":[" spans "]}]}]}"

static void test_traces(void **state)
{
    struct otlp_store *store = otlp_store_new(NULL);
    (void)state;
    /* The children first, as they end first. */
    take_json(store, OTLP_TRACES,
              SPANS("cache", SPAN("aa", "2", "1", "GET", "2000000", "3000000", ",\"status\":{\"code\":2}")),
              NULL);
    take_json(store, OTLP_TRACES,
              SPANS("api", SPAN("aa", "1", "", "/cart", "1000000", "9000000",
                                "") "," SPAN("bb", "3", "", "/home", "5000000", "6000000", "")),
              NULL);
    take_json(store, OTLP_LOGS,
              "{\"resourceLogs\":[{\"scopeLogs\":[{\"logRecords\":[{\"traceId\":\"aa\",\"severityNumber\":9,"
              "\"body\":{\"stringValue\":\"hello\"}},{\"body\":{\"stringValue\":\"elsewhere\"}}]}]}]}",
              NULL);

    expect_traces(store, (struct otlp_filter){0}, "/home;/cart;");
    expect_traces(store, (struct otlp_filter){.limit = 1}, "/home;");
    expect_traces(store, (struct otlp_filter){.is_error_only = true}, "/cart;");
    expect_traces(store, (struct otlp_filter){.service = "cache"}, "/cart;");
    expect_traces(store, (struct otlp_filter){.text = "home"}, "/home;");
    expect_traces(store, (struct otlp_filter){.least_ms = 2}, "/cart;");
    expect_traces(store, (struct otlp_filter){.since_ns = 7000000}, "/cart;");

    cleanup_json cJSON *list = traces(store, (struct otlp_filter){.text = "cart"});
    cleanup_free char *text = json_print(cJSON_GetArrayItem(list, 0));
    assert_string_equal(text, "{\"traceId\":\"aa\",\"name\":\"/cart\",\"service\":\"api\","
                              "\"services\":[\"cache\",\"api\"],\"startTimeUnixNano\":\"1000000\","
                              "\"durationMs\":8,\"spans\":2,\"errors\":1}");

    size_t length = 0;
    cleanup_free char *trace = otlp_trace(store, "aa", &length);
    assert_non_null(strstr(trace, "\"GET\""));
    assert_non_null(strstr(trace, "hello"));
    assert_null(strstr(trace, "elsewhere"));
    assert_null(strstr(trace, "/home"));
    assert_null(otlp_trace(store, "cc", &length));
    otlp_store_free(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_span),         cmocka_unit_test(test_metric), cmocka_unit_test(test_json),
        cmocka_unit_test(test_refused_json), cmocka_unit_test(test_deep),   cmocka_unit_test(test_many),
        cmocka_unit_test(test_broken),       cmocka_unit_test(test_packed), cmocka_unit_test(test_texts),
        cmocka_unit_test(test_bounds),       cmocka_unit_test(test_traces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
