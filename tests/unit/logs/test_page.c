/* Logs backwards: every line once, in order, through rotation, whatever the size of a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <regex.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "logs/logs.h"

struct fixture {
    struct loop loop;
    char folder[64];
};

static int open_fixture(void **state)
{
    struct fixture *fixture = xcalloc(1, sizeof *fixture);
    strcpy(fixture->folder, "/tmp/apphost-page-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    assert_int_equal(loop_init(&fixture->loop, NULL), 0);
    *state = fixture;
    return 0;
}

static int close_fixture(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(loop_fini(&fixture->loop), 0);
    int failed = file_remove_tree(fixture->folder, NULL);
    free(fixture);
    return failed;
}

/* Lines "<from>" to "<to - 1>", several of a resource in one piece, a second apart. */
static void write_lines(struct fixture *fixture, const char *resource, int from, int to, int64_t max_bytes)
{
    struct log_writer *writer = log_writer_new(&fixture->loop, fixture->folder, resource, max_bytes, NULL);
    assert_non_null(writer);
    for (int i = from; i < to; i++) {
        char line[32];
        int length = snprintf(line, sizeof line, "%d", i);
        log_writer_add_line(writer, 1 + i % 2, line, (size_t)length, (int64_t)i * 1000000000);
    }
    log_writer_free(writer);
}

/* All pages of this size, from the end: lines are counted down from `last` to `first`. */
static void expect_all(struct fixture *fixture, int64_t size, int first, int last)
{
    struct log_page_options options = {.count = size};
    cleanup_free char *cursor = NULL;
    int next = last;
    do {
        struct log_page page;
        options.before = cursor;
        assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
        assert_true((int64_t)page.count <= size);
        for (size_t i = page.count; i-- > 0; next--) {
            assert_int_equal(atoi(page.lines[i].text), next);
            assert_int_equal(page.lines[i].stream, 1 + next % 2);
        }
        free(cursor);
        cursor = xstrdup_null(page.before);
        log_page_free(&page);
    } while (cursor);
    assert_int_equal(next, first - 1);
}

static void test_every_line_once(void **state)
{
    struct fixture *fixture = *state;
    write_lines(fixture, "api", 0, 100, 0);
    expect_all(fixture, 1, 0, 99);
    expect_all(fixture, 7, 0, 99);
    expect_all(fixture, 1000, 0, 99);
}

static void test_many_lines_in_one_record(void **state)
{
    struct fixture *fixture = *state;
    struct log_writer *writer = log_writer_new(&fixture->loop, fixture->folder, "api", 0, NULL);
    static const char text[] = "0\n1\n\n3\nfour";
    log_writer_add(writer, 1, text, sizeof text - 1);
    log_writer_free(writer);
    struct log_page_options options = {.count = 2};
    struct log_page page;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.lines[0].text, "3");
    assert_string_equal(page.lines[1].text, "four");
    cleanup_free char *cursor = xstrdup(page.before);
    log_page_free(&page);
    options.before = cursor;
    options.count = 10;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.lines[0].text, "0");
    assert_string_equal(page.lines[2].text, "");
    assert_null(page.before);
    log_page_free(&page);
}

static void test_resources_are_merged(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 60; i += 20) {
        write_lines(fixture, "api", i, i + 10, 0);
        write_lines(fixture, "cache", i + 10, i + 20, 0);
    }
    expect_all(fixture, 3, 0, 59);
    struct log_page_options options = {.count = 100};
    struct log_page page;
    strlist_add(&options.resources, "cache");
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_int_equal(page.count, 30);
    log_page_free(&page);
    strlist_free(&options.resources);
}

/* A writer's pieces stay together: files are rotated between them. */
static void write_pieces(struct fixture *fixture, int from, int to)
{
    for (; from < to; from += 50)
        write_lines(fixture, "api", from, from + 50, 4096);
}

static void test_rotation(void **state)
{
    struct fixture *fixture = *state;
    write_pieces(fixture, 0, 200); /* about 25 bytes each: rotated once */
    struct log_page_options options = {.count = 10000};
    struct log_page page;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_true(page.count > 100 && page.count <= 200);
    int oldest = atoi(page.lines[0].text);
    log_page_free(&page);
    expect_all(fixture, 9, oldest, 199);

    /* What a cursor points to may be rotated away: then there is nothing before. */
    options.count = 1;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    cleanup_free char *cursor = xstrdup(page.before);
    log_page_free(&page);
    write_pieces(fixture, 200, 900);
    options.before = cursor;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_int_equal(page.count, 0);
    assert_null(page.before);
    log_page_free(&page);
}

static void test_pattern_and_bound(void **state)
{
    struct fixture *fixture = *state;
    regex_t grep;
    write_lines(fixture, "api", 0, 100, 0);
    assert_int_equal(regcomp(&grep, "^[0-9]*5$", REG_EXTENDED | REG_NOSUB), 0);
    struct log_page_options options = {.count = 3, .grep = &grep, .since_ns = 70000000000};
    struct log_page page;
    assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
    assert_int_equal(page.count, 3);
    assert_string_equal(page.lines[0].text, "75");
    cleanup_free char *cursor = xstrdup_null(page.before);
    log_page_free(&page);
    options.before = cursor;
    if (cursor) {
        assert_int_equal(log_page_read(fixture->folder, &options, &page, NULL), 0);
        assert_int_equal(page.count, 0);
        assert_null(page.before);
        log_page_free(&page);
    }
    regfree(&grep);
}

static void test_torn_end(void **state)
{
    struct fixture *fixture = *state;
    cleanup_free char *path = xasprintf("%s/api.log", fixture->folder);
    write_lines(fixture, "api", 0, 10, 0);
    int fd = open(path, O_WRONLY | O_APPEND);
    assert_int_equal(write(fd, "\x1eL1", 3), 3);
    close(fd);
    expect_all(fixture, 4, 0, 9);
}

static void test_what_is_no_cursor(void **state)
{
    struct fixture *fixture = *state;
    static const char *const cursors[] = {"", "api", "api=1", "api=1:2:-3", "api=1:2:3x", "api=1:2:3,cache"};
    write_lines(fixture, "api", 0, 3, 0);
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        struct log_page_options options = {.before = cursors[i]};
        struct log_page page;
        struct error error = {0};
        assert_int_equal(log_page_read(fixture->folder, &options, &page, &error), -1);
        assert_int_equal(error.code, ERROR_USAGE);
        log_page_free(&page);
        error_clear(&error);
    }
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_fixture, close_fixture)
    static const struct CMUnitTest tests[] = {
        CASE(test_every_line_once),   CASE(test_many_lines_in_one_record), CASE(test_resources_are_merged),
        CASE(test_rotation),          CASE(test_pattern_and_bound),        CASE(test_torn_end),
        CASE(test_what_is_no_cursor),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
