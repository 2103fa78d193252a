/* Texts: what they measure, how they are wrapped, shown, encoded; numbers and elapsed times; image
 * references. */
#include "base/image.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void whole_numbers_only(void **state)
{
    (void)state;
    static const char *const bad[] = {"",  " 1", "1 ", "+1", "0x1", "1e3", "1.0", "9223372036854775808",
                                      "-", "١"};
    int64_t value = 7;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (str_to_int64(bad[i], INT64_MIN, INT64_MAX, &value))
            fail_msg("\"%s\" was taken for %lld", bad[i], (long long)value);
    }
    assert_int_equal(value, 7); /* left alone */
    assert_true(str_to_int64("9223372036854775807", INT64_MIN, INT64_MAX, &value));
    assert_true(value == INT64_MAX);
    assert_true(str_to_int64("-5", -5, 5, &value));
    assert_false(str_to_int64("-6", -5, 5, &value));
    assert_false(str_to_int64("6", -5, 5, &value));
}

static void columns_are_not_bytes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int width;
    } rows[] = {{"", 0}, {"abc", 3}, {"é", 1}, {"e\xcc\x81", 1}, {"漢字", 4}, {"\xff\xfe", 2}, {"a\xc3", 2}};
    for (size_t i = 0; i < COUNT(rows); i++)
        assert_int_equal(str_width(rows[i].text), rows[i].width);
}

static void words_are_wrapped_and_never_broken(void **state)
{
    (void)state;
    cleanup_strbuf struct strbuf out = {0};
    str_wrap(&out, "one two three four", 2, 11);
    assert_string_equal(strbuf_text(&out), "one two\n  three\n  four");
    strbuf_truncate(&out, 0);
    str_wrap(&out, "a-word-that-is-longer-than-the-line and more", 4, 12);
    assert_string_equal(strbuf_text(&out), "a-word-that-is-longer-than-the-line\n    and more");
}

static void elapsed_times_and_sizes(void **state)
{
    (void)state;
    static const struct {
        int64_t value;
        const char *elapsed, *bytes;
    } rows[] = {{0, "0.00s", "0 B"},
                {420, "0.42s", "420 B"},
                {12000, "12.0s", "12.0 kB"},
                {65000, "1m05s", "65.0 kB"},
                {1200000, "20m00s", "1.2 MB"}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[24];
        str_elapsed(rows[i].value, text);
        assert_string_equal(text, rows[i].elapsed);
        str_bytes(rows[i].value, text);
        assert_string_equal(text, rows[i].bytes);
    }
}

static void percent_encoding(void **state)
{
    (void)state;
    cleanup_free char *text = str_percent_encode("a-._~Z9 /?#[]@!$&'()*+,;=%\"é\n");
    assert_string_equal(text, "a-._~Z9%20%2F%3F%23%5B%5D%40%21%24%26%27%28%29%2A%2B%2C%3B%3D%25%22%C3%A9%0A");
}

static void beginnings_ends_and_equals(void **state)
{
    (void)state;
    assert_true(str_starts("container:cache", "container:"));
    assert_false(str_starts("con", "container:"));
    assert_true(str_ends("a.yaml", ".yaml"));
    assert_false(str_ends("yaml", ".yaml"));
    assert_true(str_ends("x", ""));
    assert_true(str_eq(NULL, NULL));
    assert_false(str_eq(NULL, ""));
    assert_false(str_eq("a", "A"));
    cleanup_free char *lower = str_lower("AbC-É1");
    assert_string_equal(lower, "abc-É1"); /* letters of ASCII alone */
}

static void small_choices(void **state)
{
    (void)state;
    assert_string_equal(text_or(NULL, "x"), "x");
    assert_string_equal(text_or("", "x"), ""); /* an empty text is there */
    assert_string_equal(text_or_empty(NULL), "");
    assert_string_equal(plural_s(1), "");
    assert_string_equal(plural_s(0), "s");
    assert_int_equal(int_min(-1, 1), -1);
    assert_int_equal(int_max(-1, 1), 1);
    assert_true(size_or(0, 5) == 5 && size_or(3, 5) == 3);
    assert_true(grown(0, 8) == 8 && grown(8, 8) == 16);
}

/* ---- buffers and lists ---- */

static void a_buffer_is_consumed_from_its_front(void **state)
{
    (void)state;
    cleanup_strbuf struct strbuf out = {0};
    strbuf_adds(&out, "one ");
    strbuf_addf(&out, "%d", 2);
    strbuf_addc(&out, '!');
    strbuf_consume(&out, 4);
    assert_string_equal(strbuf_text(&out), "2!");
    strbuf_truncate(&out, 1);
    assert_string_equal(strbuf_text(&out), "2");
    cleanup_free char *taken = strbuf_take(&out);
    assert_string_equal(taken, "2");
    assert_string_equal(strbuf_text(&out), "");
}

static void lists_end_with_null_and_copy_whole(void **state)
{
    (void)state;
    cleanup_strlist struct strlist list = {0}, copy = {0};
    for (int i = 0; i < 100; i++)
        strlist_addf(&list, "item %d", i);
    assert_int_equal(list.count, 100);
    assert_null(list.items[100]);
    assert_true(strlist_has(&list, "item 99"));
    assert_false(strlist_has(&list, "item"));
    strlist_copy(&copy, &list);
    strlist_free(&list);
    assert_string_equal(copy.items[42], "item 42");
}

/* ---- JSON ---- */

static void equal_documents_print_alike(void **state)
{
    (void)state;
    static const char one[] = "{\"b\":[{\"y\":1,\"x\":2}],\"a\":null}",
                      two[] = "{\"a\":null,\"b\":[{\"x\":2,\"y\":1}]}";
    cleanup_json cJSON *first = json_parse(one, strlen(one), NULL),
                       *second = json_parse(two, strlen(two), NULL);
    cleanup_free char *text = json_print_canonical(first), *same = json_print_canonical(second);
    assert_string_equal(text, same);
    assert_string_equal(text, two);
}

static void documents_are_whole_and_bounded(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "{", "{}x", "{} {}", "nul", "{\"a\":}", "[1,]"};
    char deep[4096];
    for (size_t i = 0; i < COUNT(bad); i++) {
        cleanup_error struct error err = {0};
        assert_null(json_parse(bad[i], strlen(bad[i]), &err));
        assert_int_equal(err.code, ERROR_PROTOCOL);
    }
    memset(deep, '[', sizeof deep);
    assert_null(json_parse(deep, sizeof deep, NULL));
}

static void lists_of_strings(void **state)
{
    (void)state;
    static const char text[] = "{\"a\":[\"x\",\"y\"],\"b\":[\"x\",5],\"c\":\"x\"}";
    cleanup_json cJSON *json = json_parse(text, strlen(text), NULL);
    cleanup_strlist struct strlist list = {0}, mixed = {0};
    assert_true(json_get_strings(json, "a", &list));
    assert_int_equal(list.count, 2);
    assert_false(json_get_strings(json, "b", &mixed));
    assert_false(json_get_strings(json, "c", &mixed));
    assert_false(json_get_strings(json, "none", &mixed));
    assert_int_equal(json_count(json_get(json, "c")), 0);
    assert_null(json_path(json, "a.b.c"));
}

/* ---- image references ---- */

static void references_in_full(void **state)
{
    (void)state;
    static const struct {
        const char *text, *full, *mirrored;
    } rows[] = {
        {"redis", "docker.io/library/redis:latest", "mirror:5000/library/redis:latest"},
        {"redis:8", "docker.io/library/redis:8", "mirror:5000/library/redis:8"},
        {"valkey/valkey:9", "docker.io/valkey/valkey:9", "mirror:5000/valkey/valkey:9"},
        {"ghcr.io/a/b:1", "ghcr.io/a/b:1", "ghcr.io/a/b:1"},
        {"localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x:latest"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct image_reference reference;
        assert_int_equal(image_reference_parse(rows[i].text, &reference, NULL), 0);
        cleanup_free char *full = image_reference_text(&reference, NULL, false);
        cleanup_free char *mirrored = image_reference_text(&reference, "mirror:5000", false);
        assert_string_equal(full, rows[i].full);
        assert_string_equal(mirrored, rows[i].mirrored);
        image_reference_free(&reference);
    }
}

static void what_is_no_reference(void **state)
{
    (void)state;
    static const char *const bad[] = {"",   ":",           "a:b:c", "UPPER", "a//b",
                                      "/a", "a@sha256:12", "a:",    "a b",   "-a"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        cleanup_error struct error err = {0};
        struct image_reference reference;
        if (image_reference_parse(bad[i], &reference, &err) == 0)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_non_null(err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_only),
        cmocka_unit_test(columns_are_not_bytes),
        cmocka_unit_test(words_are_wrapped_and_never_broken),
        cmocka_unit_test(elapsed_times_and_sizes),
        cmocka_unit_test(percent_encoding),
        cmocka_unit_test(beginnings_ends_and_equals),
        cmocka_unit_test(small_choices),
        cmocka_unit_test(a_buffer_is_consumed_from_its_front),
        cmocka_unit_test(lists_end_with_null_and_copy_whole),
        cmocka_unit_test(equal_documents_print_alike),
        cmocka_unit_test(documents_are_whole_and_bounded),
        cmocka_unit_test(lists_of_strings),
        cmocka_unit_test(references_in_full),
        cmocka_unit_test(what_is_no_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
