/* Container output, cut in every way. */
#include "engine/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct strbuf *seen = data;
    if (length > 200)
        strbuf_addf(seen, "%d+%zu", stream, length);
    else
        strbuf_addf(seen, "%d:%.*s", stream, (int)length, line);
    if (time_ns)
        strbuf_addf(seen, "@%lld", (long long)time_ns);
    strbuf_addc(seen, '|');
}

static void add_record(struct strbuf *wire, int stream, const char *payload)
{
    size_t n = strlen(payload);
    char head[8] = {(char)stream, 0, 0, 0, (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n};
    strbuf_add(wire, head, sizeof head);
    strbuf_add(wire, payload, n);
}

/* Feeds the wire in pieces of every size up to 40 bytes, and whole; each time the same lines must come. */
static void check(const struct strbuf *wire, bool has_times, const char *expected)
{
    for (size_t piece = 1; piece <= 41; piece++) {
        struct engine_demux demux;
        struct strbuf seen = {0};
        size_t step = piece == 41 ? wire->length : piece;
        engine_demux_init(&demux, has_times, on_line, &seen);
        for (size_t i = 0; i < wire->length; i += step) {
            size_t n = wire->length - i < step ? wire->length - i : step;
            /* A copy of just these bytes: reading past them is found. */
            char *bytes = xmemdup(wire->data + i, n);
            engine_demux_feed(&demux, bytes, n);
            free(bytes);
        }
        engine_demux_end(&demux);
        if (strcmp(strbuf_text(&seen), expected) != 0)
            print_error("pieces of %zu\n", step);
        assert_string_equal(strbuf_text(&seen), expected);
        engine_demux_fini(&demux);
        strbuf_free(&seen);
    }
}

static void test_records(void **state)
{
    (void)state;
    cleanup_strbuf struct strbuf wire = {0};
    add_record(&wire, 1, "one\n");
    add_record(&wire, 2, "two\n");
    add_record(&wire, 1, "par");
    add_record(&wire, 2, "between\n");
    add_record(&wire, 1, "tial\n");
    add_record(&wire, 1, "");
    add_record(&wire, 1, "a\nb\n\nc\n");
    add_record(&wire, 0, "as one\n");
    add_record(&wire, 2, "no end");
    check(&wire, false, "1:one|2:two|2:between|1:partial|1:a|1:b|1:|1:c|1:as one|2:no end|");
}

static void test_terminal(void **state)
{
    (void)state;
    cleanup_strbuf struct strbuf wire = {0};
    strbuf_adds(&wire, "one\r\ntwo\r\nthr\ree\nfour");
    check(&wire, false, "1:one|1:two|1:thr\ree|1:four|");
    cleanup_strbuf struct strbuf little = {0};
    strbuf_adds(&little, "ab");
    check(&little, false, "1:ab|");
    cleanup_strbuf struct strbuf nothing = {0};
    strbuf_addc(&nothing, '\n');
    check(&nothing, false, "1:|");
}

static void test_times(void **state)
{
    (void)state;
    cleanup_strbuf struct strbuf wire = {0};
    add_record(&wire, 1, "1970-01-01T00:00:01.000000002Z one\n");
    add_record(&wire, 2, "1970-01-01T00:00:02Z 2026-01-01T00:00:00Z its own\n");
    add_record(&wire, 1, "1970-01-01T00:00:03Z long ");
    add_record(&wire, 1, "1970-01-01T00:00:04Z line\n");
    add_record(&wire, 1, "1970-01-01T00:00:05Z \n");
    add_record(&wire, 1, "no time at all, and a rather long line, longer than a time\n");
    add_record(&wire, 1, "short\n");
    add_record(&wire, 1, "1970-01-01T00:00:06Z");
    check(&wire, true,
          "1:one@1000000002|2:2026-01-01T00:00:00Z its own@2000000000|1:long line@3000000000|1:@5000000000|"
          "1:no time at all, and a rather long line, longer than a time|1:short|1:1970-01-01T00:00:06Z|");
    cleanup_strbuf struct strbuf bare = {0};
    strbuf_adds(&bare, "1970-01-01T00:00:01Z one\r\n1970-01-01T00:00:02Z two\r\n");
    check(&bare, true, "1:one@1000000000|1:two@2000000000|");
}

static void test_endless_line(void **state)
{
    (void)state;
    struct engine_demux demux;
    struct strbuf seen = {0};
    char *block = xmalloc(65537);
    memset(block, 'x', 65536);
    block[65536] = '\0';
    engine_demux_init(&demux, false, on_line, &seen);
    for (int i = 0; i < 40; i++) { /* 2.5 MiB without a newline */
        struct strbuf wire = {0};
        add_record(&wire, 1, block);
        engine_demux_feed(&demux, wire.data, wire.length);
        strbuf_free(&wire);
    }
    engine_demux_end(&demux);
    assert_string_equal(strbuf_text(&seen), "1+1048575|1+1048575|1+524290|");
    engine_demux_fini(&demux);
    strbuf_free(&seen);
    free(block);
}

static void test_parse_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ns; /* -1: no time */
    } rows[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-22T19:11:49Z", 1795374709000000000},
        {"2000-02-29T23:59:59.5Z", 951868799500000000},
        {"2026-11-23T00:44:14.770614591Z", 1795394654770614591},
        {"2026-11-23T01:44:14.770614591+01:00", 1795394654770614591},
        {"2026-11-22T23:14:14.770614591-01:30", 1795394654770614591},
        {"2026-11-23T00:44:14.7706145919999Z", 1795394654770614591},
        {"2026-11-23 00:44:14Z", -1},
        {"2026-13-23T00:44:14Z", -1},
        {"2026-11-23T00:44:14", -1},
        {"2026-11-23T00:44:14Zx", -1},
        {"2026", -1},
        {"", -1},
        {"1969-01-01T00:00:00Z", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t ns = -1;
        bool ok = engine_parse_time(rows[i].text, strlen(rows[i].text), &ns);
        if (ns != rows[i].ns)
            print_error("%s: %lld\n", rows[i].text, (long long)ns);
        assert_int_equal(ok, rows[i].ns >= 0);
        assert_true(ns == rows[i].ns);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records),      cmocka_unit_test(test_terminal),   cmocka_unit_test(test_times),
        cmocka_unit_test(test_endless_line), cmocka_unit_test(test_parse_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
