/* Bytes of others as JSON; replies of Redis; entries of the cache; records that change. */
#include "dashboard/internal.h"
#include "dashboard/redis_job.h"
#include "dashboard/redis_value.h"
#include "dashboard/text.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect_text(const char *bytes, size_t length, const char *json)
{
    struct strbuf out = {0};
    text_add(&out, bytes, length);
    assert_string_equal(strbuf_text(&out), json);
    cJSON *parsed = cJSON_Parse(out.data);
    assert_true(cJSON_IsString(parsed));
    cJSON_Delete(parsed);
    strbuf_free(&out);
}
#define EXPECT_TEXT(bytes, json) expect_text(bytes, sizeof(bytes) - 1, json)

static void texts(void **state)
{
    (void)state;
    EXPECT_TEXT("", "\"\"");
    EXPECT_TEXT("plain", "\"plain\"");
    EXPECT_TEXT("a\"b\\c", "\"a\\\"b\\\\c\"");
    EXPECT_TEXT("\t\n\x1b[31m\x7f", "\"\\t\\n\\u001b[31m\\u007f\"");
    EXPECT_TEXT("a\0b", "\"a\\u0000b\"");
    EXPECT_TEXT("gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80", "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x98\x80\"");
    EXPECT_TEXT("\xff", "\"\xef\xbf\xbd\"");
    EXPECT_TEXT("a\xc3", "\"a\xef\xbf\xbd\"");
    EXPECT_TEXT("\xc3(", "\"\xef\xbf\xbd(\"");
    EXPECT_TEXT("\xed\xa0\x80z", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\"");
    EXPECT_TEXT("\xe2\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void expect_json(cJSON *json, const char *text)
{
    cleanup_free char *printed = json_print(json);
    assert_string_equal(printed, text);
    cJSON_Delete(json);
}

static void bytes(void **state)
{
    static const char *const rows[] = {"", "key", "\xff\x01", "gr\xc3\xbc"};
    (void)state;
    expect_json(redis_json_bytes("key", 3), "\"key\"");
    expect_json(redis_json_bytes("\xff\x00", 2), "{\"b64\":\"/wA=\",\"length\":2}");
    expect_json(redis_json_bytes("a\0b", 3), "{\"b64\":\"YQBi\",\"length\":3}");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t length = 0;
        cleanup_json cJSON *json = redis_json_bytes(rows[i], strlen(rows[i]));
        cleanup_free char *back = redis_json_read_bytes(json, &length);
        assert_int_equal(length, strlen(rows[i]));
        assert_memory_equal(back, rows[i], length);
    }
}

static void expect_reply(const char *wire, const char *text)
{
    struct resp_reader *reader = resp_reader_new(NULL);
    struct resp_reply *reply = NULL;
    assert_int_equal(resp_reader_feed(reader, wire, strlen(wire)), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 1);
    expect_json(redis_json_reply(reply), text);
    resp_reply_free(reply);
    resp_reader_free(reader);
}

static void replies(void **state)
{
    (void)state;
    expect_reply("+OK\r\n", "\"OK\"");
    expect_reply("-ERR no\r\n", "{\"error\":\"ERR no\"}");
    expect_reply(":42\r\n", "42");
    expect_reply(":9007199254740993\r\n", "\"9007199254740993\"");
    expect_reply("$-1\r\n", "null");
    expect_reply("*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "[\"a\",[1]]");
    expect_reply("%1\r\n+a\r\n:1\r\n", "{\"map\":[[\"a\",1]]}");
    expect_reply("~1\r\n+a\r\n", "[\"a\"]");
    expect_reply("#t\r\n", "true");
    expect_reply(",1.5\r\n", "1.5");
    expect_reply(",inf\r\n", "\"inf\"");
    expect_reply("=5\r\ntxt:x\r\n", "\"x\"");
    expect_reply("_\r\n", "null");
}

static void expect_entry(const char *fields, const char *text)
{
    cleanup_json cJSON *json = json_parse(fields, strlen(fields), NULL);
    cJSON *entry = redis_cache_entry(json);
    if (text)
        expect_json(entry, text);
    else
        assert_null(entry);
}

static void entries(void **state)
{
    (void)state;
    expect_entry("[[\"absexp\",\"621355968010000000\"],[\"sldexp\",\"600000000\"],[\"data\",\"x\"]]",
                 "{\"absexp\":1000,\"sldexp\":60000,\"data\":\"x\",\"length\":1}");
    expect_entry("[[\"data\",{\"b64\":\"/wA=\"}],[\"sldexp\",\"-1\"],[\"absexp\",\"-1\"]]",
                 "{\"absexp\":null,\"sldexp\":null,\"data\":{\"b64\":\"/wA=\"},\"length\":2}");
    expect_entry("[[\"absexp\",\"-1\"],[\"sldexp\",\"-1\"]]", NULL);
    expect_entry("[[\"absexp\",\"-1\"],[\"sldexp\",\"-1\"],[\"other\",\"x\"]]", NULL);
    expect_entry("[[\"absexp\",\"-1\"],[\"sldexp\",\"-1\"],[\"data\",\"x\"],[\"y\",\"z\"]]", NULL);
}

static void changes(void **state)
{
    static const char view_text[] =
        "{\"engine\":{\"connected\":false},\"resources\":[{\"node\":\"a\",\"state\":\"x\"},"
        "{\"node\":\"b\"}],\"others\":[{\"node\":\"n\"}]}";
    static const char changes_text[] =
        "{\"rev\":3,\"engine\":{\"connected\":true},\"resources\":[{\"node\":\"a\",\"state\":\"y\"},"
        "{\"node\":\"c\"}],\"gone\":[\"b\",\"n\",\"never\"]}";
    cleanup_json cJSON *change = json_parse(changes_text, sizeof changes_text - 1, NULL);
    cJSON *view = json_parse(view_text, sizeof view_text - 1, NULL);
    int64_t rev = 0;
    (void)state;
    document_take(&view, &rev, change);
    assert_int_equal(rev, 3);
    expect_json(view, "{\"engine\":{\"connected\":true},\"resources\":[{\"node\":\"a\",\"state\":\"y\"},"
                      "{\"node\":\"c\"}],\"others\":[]}");

    cJSON *empty = cJSON_CreateObject();
    document_take(&empty, &rev, change);
    expect_json(empty, "{\"engine\":{\"connected\":true},\"resources\":[{\"node\":\"a\",\"state\":\"y\"},"
                       "{\"node\":\"c\"}],\"others\":[]}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),   cmocka_unit_test(bytes),   cmocka_unit_test(replies),
        cmocka_unit_test(entries), cmocka_unit_test(changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
