/* Log lines on a terminal, in a pipe, as JSON: what passes, what is shown instead, where lines continue. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/mem.h"
#include "ui/log_view.h"

struct sight {
    struct output output;
    struct log_view view;
    struct strbuf out;
};

static int open_sight(void **state)
{
    struct sight *sight = xcalloc(1, sizeof *sight);
    log_view_init(&sight->view, &sight->output, &sight->out, -1);
    *state = sight;
    return 0;
}

static int close_sight(void **state)
{
    struct sight *sight = *state;
    log_view_fini(&sight->view);
    strbuf_free(&sight->out);
    free(sight);
    return 0;
}

static void print(struct sight *sight, const char *resource, const char *text, bool partial)
{
    const struct log_line line = {
        .resource = resource, .stream = 1, .text = text, .length = strlen(text), .partial = partial};
    log_view_print(&sight->view, &line);
}

static void shows(struct sight *sight, const char *wanted)
{
    log_view_end(&sight->view);
    assert_string_equal(strbuf_text(&sight->out), wanted);
    strbuf_truncate(&sight->out, 0);
}

static void names_stand_before_lines(void **state)
{
    struct sight *sight = *state;
    log_view_add_name(&sight->view, "cache");
    print(sight, "api", "one", false);
    print(sight, "cache", "two", false);
    shows(sight, "api   | one\ncache | two\n");
    sight->output.unicode = true;
    print(sight, "much-longer", "three", false);
    print(sight, "api", "four", false);
    shows(sight, "much-longer │ three\napi         │ four\n");
}

static void a_line_goes_on_where_nothing_came_between(void **state)
{
    struct sight *sight = *state;
    print(sight, "a", "name? ", true);
    print(sight, "a", "x", false);
    shows(sight, "a | name? x\n");
    print(sight, "a", "half", true);
    print(sight, "b", "whole", false);
    print(sight, "a", "rest", false);
    shows(sight, "a | half\nb | whole\na | rest\n");
}

/* A pipe gets the bytes, whatever they are. */
static void a_pipe_gets_every_byte(void **state)
{
    struct sight *sight = *state;
    sight->view.prefix = false;
    print(sight, "a", "\033]0;title\007\033[31mred\033[0m\r", false);
    shows(sight, "\033]0;title\007\033[31mred\033[0m\r\n");
}

static void a_terminal_gets_colours_and_nothing_else(void **state)
{
    struct sight *sight = *state;
    sight->view.prefix = false;
    sight->view.is_terminal = sight->view.colours = true;
    print(sight, "a", "\033[1;31mred", false);
    shows(sight, "\033[1;31mred\033[0m\n"); /* and an end to them */
    print(sight, "a", "\033[2J\033]0;t\007\033[5A", false);
    shows(sight, "\\x1b[2J\\x1b]0;t\\x07\\x1b[5A\n");
    print(sight, "a", "\033[38;5;9", false); /* never finished */
    shows(sight, "\\x1b[38;5;9\n");
    print(sight, "a", "plain é 漢", false);
    shows(sight, "plain é 漢\n");
    print(sight, "a", "bad \xff\xc3", false);
    assert_null(strchr(strbuf_text(&sight->out), '\xff'));
}

static void without_colours_they_are_left_out(void **state)
{
    struct sight *sight = *state;
    sight->view.prefix = false;
    sight->view.is_terminal = true;
    print(sight, "a", "\033[31mred\033[0m", false);
    shows(sight, "red\n");
}

static void json_is_json_whatever_the_bytes(void **state)
{
    struct sight *sight = *state;
    sight->output.json = true;
    struct log_line line = {
        .resource = "a", .stream = 2, .time_ns = 1500000000, .text = "a\0\xff\"\n", .length = 5};
    log_view_print(&sight->view, &line);
    cleanup_json cJSON *json = json_parse(strbuf_text(&sight->out), sight->out.length, NULL);
    assert_non_null(json);
    assert_string_equal(json_string(json, "resource", ""), "a");
    assert_string_equal(json_string(json, "stream", ""), "stderr");
    assert_string_equal(json_string(json, "time", ""), "1970-01-01T00:00:01.500000Z");
    assert_true(str_starts(json_string(json, "line", ""), "a"));
    strbuf_truncate(&sight->out, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_sight, close_sight)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_stand_before_lines),
        TEST(a_line_goes_on_where_nothing_came_between),
        TEST(a_pipe_gets_every_byte),
        TEST(a_terminal_gets_colours_and_nothing_else),
        TEST(without_colours_they_are_left_out),
        TEST(json_is_json_whatever_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
