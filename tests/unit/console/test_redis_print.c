/* Replies as text, as raw bytes and as JSON. */
#include "console/redis_print.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#define TEXT(kind, text)                                                                                     \
    {                                                                                                        \
        .type = (kind), .str = (char *)(text), .len = sizeof(text) - 1                                       \
    }
#define NUMBER(n)                                                                                            \
    {                                                                                                        \
        .type = RESP_INTEGER, .integer = (n)                                                                 \
    }

static struct resp_reply inner[] = {NUMBER(-2), {.type = RESP_NIL}};
static struct resp_reply list[] = {TEXT(RESP_STRING, "a\"\x01\n"),
                                   {.type = RESP_ARRAY, .elements = inner, .count = 2},
                                   {.type = RESP_ARRAY}};
static struct resp_reply pairs[] = {
    TEXT(RESP_STRING, "k"), NUMBER(1), NUMBER(7), {.type = RESP_SET, .elements = inner, .count = 2}};

static const struct {
    struct resp_reply reply;
    const char *tty, *raw, *json;
} rows[] = {
    {TEXT(RESP_STATUS, "OK"), "OK\n", "OK\n", "\"OK\"\n"},
    /* nothing steers the terminal: escapes, a lone return, C1 in UTF-8; raw is raw */
    {TEXT(RESP_STATUS, "\x1b[2Jx\ry"), "\\x1b[2Jx\\x0dy\n", "\x1b[2Jx\ry\n", "\"\\u001b[2Jx\\u000dy\"\n"},
    {TEXT(RESP_ERROR, "ERR \a"), "(error) ERR \\x07\n", "ERR \a\n", "{\"error\":\"ERR \\u0007\"}\n"},
    {TEXT(RESP_VERBATIM, "a\r\n\té\xc2\x9b"), "a\r\n\té\\xc2\x9b\n", "a\r\n\té\xc2\x9b\n",
     "\"a\\u000d\\n\\u0009é\xc2\x9b\"\n"},
    {NUMBER(9007199254740993), "(integer) 9007199254740993\n", "9007199254740993\n", "9007199254740993\n"},
    {{.type = RESP_NIL}, "(nil)\n", "\n", "null\n"},
    {TEXT(RESP_ERROR, "ERR x"), "(error) ERR x\n", "ERR x\n", "{\"error\":\"ERR x\"}\n"},
    {{.type = RESP_BOOL, .integer = 1}, "(true)\n", "(true)\n", "true\n"},
    {TEXT(RESP_DOUBLE, "1.50"), "(double) 1.50\n", "1.50\n", "1.50\n"},
    {TEXT(RESP_DOUBLE, "\r1"), "(double) \\x0d1\n", "\r1\n", "\"\\u000d1\"\n"},
    {TEXT(RESP_DOUBLE, "inf"), "(double) inf\n", "inf\n", "\"inf\"\n"},
    {TEXT(RESP_DOUBLE, ".5"), "(double) .5\n", ".5\n", "\".5\"\n"},
    {TEXT(RESP_DOUBLE, "5."), "(double) 5.\n", "5.\n", "\"5.\"\n"},
    {TEXT(RESP_DOUBLE, "+1"), "(double) +1\n", "+1\n", "\"+1\"\n"},
    {TEXT(RESP_DOUBLE, "007"), "(double) 007\n", "007\n", "\"007\"\n"},
    {TEXT(RESP_DOUBLE, "1-2"), "(double) 1-2\n", "1-2\n", "\"1-2\"\n"},
    {TEXT(RESP_DOUBLE, "-0.5e+10"), "(double) -0.5e+10\n", "-0.5e+10\n", "-0.5e+10\n"},
    {TEXT(RESP_DOUBLE, "1e"), "(double) 1e\n", "1e\n", "\"1e\"\n"},
    {TEXT(RESP_BIGNUM, "123456789012345678901"), "123456789012345678901\n", "123456789012345678901\n",
     "123456789012345678901\n"},
    {TEXT(RESP_VERBATIM, "a\nb"), "a\nb\n", "a\nb\n", "\"a\\nb\"\n"},
    {TEXT(RESP_STRING, "é\xff"), "\"\\xc3\\xa9\\xff\"\n", "é\xff\n", "\"\\u00c3\\u00a9\\u00ff\"\n"},
    {TEXT(RESP_STRING, "é"), "\"\\xc3\\xa9\"\n", "é\n", "\"é\"\n"},
    {{.type = RESP_SET}, "(empty set)\n", "\n", "[]\n"},
    {{.type = RESP_MAP}, "(empty hash)\n", "\n", "{}\n"},
    {{.type = RESP_ARRAY, .elements = list, .count = 3},
     "1) \"a\\\"\\x01\\n\"\n2) 1) (integer) -2\n   2) (nil)\n3) (empty array)\n",
     "a\"\x01\n\n-2\n\n\n",
     "[\"a\\\"\\u0001\\n\",[-2,null],[]]\n"},
    {{.type = RESP_MAP, .elements = pairs, .count = 4},
     "1# \"k\" => (integer) 1\n2# (integer) 7 => 1~ (integer) -2\n   2~ (nil)\n",
     "k\n1\n7\n-2\n\n",
     "{\"k\":1,\"7\":[-2,null]}\n"},
};

static void check(enum redis_form form, const struct resp_reply *reply, const char *wanted)
{
    cleanup_strbuf struct strbuf text = {0};
    redis_print(&text, reply, form);
    assert_string_equal(strbuf_text(&text), wanted);
}

static void test_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        check(REDIS_FORM_TTY, &rows[i].reply, rows[i].tty);
        check(REDIS_FORM_RAW, &rows[i].reply, rows[i].raw);
        check(REDIS_FORM_JSON, &rows[i].reply, rows[i].json);
    }
}

/* The numbers are as wide as the last one. */
static void test_wide_list(void **state)
{
    struct resp_reply ten[10];
    cleanup_strbuf struct strbuf text = {0};
    (void)state;
    for (int i = 0; i < 10; i++)
        ten[i] = (struct resp_reply)NUMBER(i);
    ten[8] = (struct resp_reply){.type = RESP_ARRAY, .elements = inner, .count = 2};
    struct resp_reply reply = {.type = RESP_ARRAY, .elements = ten, .count = 10};
    redis_print(&text, &reply, REDIS_FORM_TTY);
    assert_non_null(strstr(strbuf_text(&text), " 8) (integer) 7\n 9) 1) (integer) -2\n    2) (nil)\n10) "));
}

static void test_texts(void **state)
{
    static const struct {
        const char *words[2];
        size_t count;
        bool is_text;
    } lines[] = {
        {{"info"}, 1, true},          {{"INFO", "server"}, 2, true}, {{"CLIENT", "list"}, 2, true},
        {{"CLIENT", "ID"}, 2, false}, {{"CLIENT"}, 1, false},        {{"GET", "LIST"}, 2, false},
        {{"INFORM"}, 1, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        size_t lengths[2] = {strlen(lines[i].words[0]), lines[i].words[1] ? strlen(lines[i].words[1]) : 0};
        assert_int_equal(redis_print_is_text(lines[i].words, lengths, lines[i].count), lines[i].is_text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_wide_list),
        cmocka_unit_test(test_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
