/* Input that means harm or comes from a broken tool: an error with a place, in bounded time, never a crash.
 */
#include "fixture.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static struct model *load_bytes(struct fixture *f, const void *data, size_t length)
{
    assert_int_equal(file_write_atomic("apphost.yaml", data, length, 0644, NULL), 0);
    return fixture_reload(f);
}

static void says(struct fixture *f, const void *data, size_t length, const char *wanted)
{
    assert_null(load_bytes(f, data, length));
    if (!strstr(strbuf_text(&f->printed), wanted))
        fail_msg("wanted \"%s\" in:\n%s", wanted, strbuf_text(&f->printed));
}

static void bytes_that_are_no_text(void **state)
{
    static const struct {
        const char *data;
        size_t length;
        const char *wanted;
    } cases[] = {
        {"", 0, "apphost.yaml:1:1: error: the manifest is empty"},
        {"# only a comment\n", 17, "the manifest is empty"},
        {"name: a\0b\n", 10, "apphost.yaml:1:8: error: a control character (0x00)"},
        {"a: 1\nb: \x01\n", 10, "apphost.yaml:2:4: error: a control character (0x01)"},
        {"\xEF\xBB\xBFname: 1x\n", 12, "apphost.yaml:1:7: error: `1x` cannot be the name"},
        {"\xFF\xFEn\0a\0m\0e\0:\0 \0\xE4\0\n\0", 18, "apphost.yaml:1:7: error: `ä` cannot be the name"},
        {"\xFE\xFF\0n\0a\0m\0e\0:\0 \0001\0\n", 18, "apphost.yaml:1:7: error: `1` cannot be the name"},
        {"\xFF\xFE\n\0a\0\x3D\xD8", 8, "apphost.yaml:2:2: error: byte 0xed: the file is not UTF-8"},
        {"\xFF\xFEn\0:", 5, "apphost.yaml:1:2: error: byte 0xff: the file is not UTF-8"},
        {"\xEF\xBB\xBF", 3, "apphost.yaml:1:1: error: the manifest is empty"},
        {"a: \xFF\n", 5, "apphost.yaml:1:4: error: byte 0xff: the file is not UTF-8"},
        {"a: \xC0\x80\n", 6, "not UTF-8"},
        {"a: \xED\xA0\x80\n", 7, "not UTF-8"},
        {"\tname: a\n", 9, "blanks, not with tabs"},
        {"name: \"\\0\"\n", 11, "a NUL character"},
        {"name: \"\\xZZ\"\n", 13, "not YAML"},
        {"? [a]\n: b\n", 10, "a key must be text"},
        {"- resources\n", 12, "a manifest is a map"},
        {"text\n", 5, "a manifest is a map"},
        {"%YAML 9.9\n---\na: b\n", 19, "error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        says(*state, cases[i].data, cases[i].length, cases[i].wanted);
}

static void hundred_levels(void **state)
{
    struct strbuf text = {0};
    strbuf_adds(&text, "x-deep: ");
    for (int i = 0; i < 30000; i++)
        strbuf_addc(&text, '[');
    says(*state, text.data, text.length, "more than 50 levels deep");
    strbuf_truncate(&text, 0);
    for (int i = 0; i < 100; i++)
        strbuf_addf(&text, "%*sa:\n", i, "");
    says(*state, text.data, text.length, "more than 50 levels deep");
    strbuf_free(&text);
}

static void alias_bombs(void **state)
{
    struct strbuf text = {0};
    strbuf_adds(&text, "x-0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for (int i = 1; i < 12; i++) {
        strbuf_addf(&text, "x-%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            strbuf_addf(&text, "%s*a%d", j ? "," : "", i - 1);
        strbuf_adds(&text, "]\n");
    }
    says(*state, text.data, text.length, "expands to more than");
    strbuf_free(&text);
    static const char circle[] = "x-a: &a [*a]\nresources: {a: redis}\n";
    says(*state, circle, strlen(circle), "stands inside of what it repeats");
    static const char merge[] = "resources:\n  a: &a\n    <<: *a\n    type: redis\n";
    says(*state, merge, strlen(merge), "stands inside of what it repeats");
}

static void alias_chains_count_as_depth(void **state)
{
    struct strbuf text = {0};
    strbuf_adds(&text, "x-0: &a0 [x]\n");
    for (int i = 1; i < 100; i++)
        strbuf_addf(&text, "x-%d: &a%d [*a%d]\n", i, i, i - 1);
    says(*state, text.data, text.length, "more than 50 levels deep");
    strbuf_free(&text);
}

static void lines_of_ten_megabytes(void **state)
{
    size_t length = 10u * 1024 * 1024;
    char *text = xmalloc(length);
    memset(text, 'x', length);
    says(*state, text, length, "larger than");
    says(*state, text, length / 2, "a manifest is a map");
    memcpy(text, "resources: {a: redis}\nbad: ", 27);
    says(*state, text, length / 2, "has no field `bad`");
    assert_true(((struct fixture *)*state)->printed.length < 4096);
    free(text);
}

static void very_many_problems(void **state)
{
    struct fixture *f = *state;
    struct strbuf text = {0};
    strbuf_adds(&text, "resources:\n");
    for (int i = 0; i < 5000; i++)
        strbuf_addf(&text, "  r%d: {type: redis, bad: 1}\n", i);
    says(f, text.data, text.length, "4900 more problems are not shown");
    assert_int_equal(f->problems.errors, 5000);
    strbuf_free(&text);
}

static void one_problem_is_said_once(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "x-d: &d {type: redis, bad: 1}\nresources: {a: *d, b: *d, c: *d}\n";
    says(f, text, strlen(text), "apphost.yaml:1:23: error:");
    assert_int_equal(f->problems.errors, 1);
}

static void ten_thousand_resources(void **state)
{
    struct fixture *f = *state;
    struct strbuf text = {0};
    strbuf_adds(&text, "resources:\n");
    for (int i = 0; i < 5000; i++)
        strbuf_addf(
            &text, "  c%d: redis\n  p%d: {type: process, command: [x, \"${c%d.host}\"], references: [c%d]}\n",
            i, i, i, i);
    assert_non_null(load_bytes(f, text.data, text.length));
    assert_int_equal(f->model->resource_count, 10000);
    strbuf_free(&text);
}

static void a_chain_of_thousands(void **state)
{
    struct fixture *f = *state;
    struct strbuf text = {0};
    strbuf_adds(&text, "resources:\n  r0: {type: process, command: x, wait_for: [r9999]}\n");
    for (int i = 1; i < 10000; i++)
        strbuf_addf(&text, "  r%d: {type: process, command: x, wait_for: [r%d]}\n", i, i - 1);
    says(f, text.data, text.length, "these wait for each other");
    strbuf_free(&text);
}

static void very_long_lists(void **state)
{
    struct strbuf text = {0};
    strbuf_adds(&text, "resources:\n  a: {type: process, command: x, wait_for: [");
    for (int i = 0; i < 200000; i++)
        strbuf_adds(&text, "b,");
    strbuf_adds(&text, "]}\n  b: redis\n");
    says(*state, text.data, text.length, "`wait_for` has more than 2000 items");
    strbuf_free(&text);
}

static void control_characters_are_not_printed(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "\"a\\e[31mb\": 1\nresources: {a: redis}\n";
    says(f, text, strlen(text), "has no field");
    assert_null(strchr(strbuf_text(&f->printed), '\x1b'));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bytes_that_are_no_text),
        TEST(hundred_levels),
        TEST(alias_bombs),
        TEST(alias_chains_count_as_depth),
        TEST(lines_of_ten_megabytes),
        TEST(very_many_problems),
        TEST(one_problem_is_said_once),
        TEST(ten_thousand_resources),
        TEST(a_chain_of_thousands),
        TEST(very_long_lists),
        TEST(control_characters_are_not_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
