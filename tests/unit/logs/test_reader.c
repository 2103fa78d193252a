/* Following, merging, tails, rotation under the reader, files and folders that come later, pause, drain. */
#include "base/file.h"
#include "base/mem.h"
#include "book.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_at(struct log_writer *writer, const char *text, int64_t time_ns)
{
    log_writer_add_line(writer, 1, text, strlen(text), time_ns);
}

/* Ten lines, a1 b2 a3 b4 …, at times 1 to 10. */
static void write_interleaved(struct book *book)
{
    struct log_writer *writers[] = {book_writer(book, "b", 0), book_writer(book, "a", 0)};
    for (int i = 1; i <= 10; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        add_at(writers[i % 2], text, i);
    }
    log_writer_free(writers[0]);
    log_writer_free(writers[1]);
}

static void test_merge_by_time(void **state)
{
    struct book *book = *state;
    write_interleaved(book);
    book_read_all(book, (struct log_reader_options){.tail = -1});
    assert_string_equal(strbuf_text(&book->lines),
                        "a|1|1\nb|1|2\na|1|3\nb|1|4\na|1|5\nb|1|6\na|1|7\nb|1|8\na|1|9\n"
                        "b|1|10\n");
    assert_true(book->is_sorted);
}

static void test_tail_since_and_one_resource(void **state)
{
    struct book *book = *state;
    write_interleaved(book);
    book_read_all(book, (struct log_reader_options){.tail = 3});
    assert_string_equal(strbuf_text(&book->lines), "b|1|8\na|1|9\nb|1|10\n");
    book_read_all(book, (struct log_reader_options){.tail = -1, .since_ns = 9});
    assert_string_equal(strbuf_text(&book->lines), "a|1|9\nb|1|10\n");
    book_read_all(book, (struct log_reader_options){.tail = 1, .since_ns = 9});
    assert_string_equal(strbuf_text(&book->lines), "b|1|10\n");
    book_read_all(book, (struct log_reader_options){.tail = 5, .since_ns = 9});
    assert_int_equal(book->count, 2);
    book_read_all(book, (struct log_reader_options){.tail = 0});
    assert_int_equal(book->count, 0);
    struct log_reader_options one = {.tail = 2};
    strlist_add(&one.resources, "b");
    book_read_all(book, one);
    assert_string_equal(strbuf_text(&book->lines), "b|1|8\nb|1|10\n");
    strlist_free(&one.resources);
}

static void test_grep(void **state)
{
    struct book *book = *state;
    regex_t grep;
    assert_int_equal(regcomp(&grep, "1$|^[35]$", REG_EXTENDED), 0);
    write_interleaved(book);
    book_read_all(book, (struct log_reader_options){.tail = -1, .grep = &grep});
    assert_string_equal(strbuf_text(&book->lines), "a|1|1\na|1|3\na|1|5\n");
    book_read_all(book, (struct log_reader_options){.tail = 2, .grep = &grep}); /* the last two that match */
    assert_string_equal(strbuf_text(&book->lines), "a|1|3\na|1|5\n");
    regfree(&grep);
}

static void test_tail_over_rotation_and_many_lines(void **state)
{
    enum { LINES = 60000, WANTED = 20000 };
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "big", 1024 * 1024);
    for (int i = 0; i < LINES; i++) {
        char line[64];
        snprintf(line, sizeof line, "line %07d of some more text\n", i);
        add_text(writer, 1, line);
    }
    log_writer_flush(writer);
    book_read_all(book, (struct log_reader_options){.tail = WANTED});
    assert_int_equal(book->count, WANTED);
    char first[64];
    snprintf(first, sizeof first, "big|1|line %07d", LINES - WANTED);
    assert_true(str_starts(strbuf_text(&book->lines), first));
    log_writer_free(writer);
}

static void test_follow_through_rotation_loses_nothing(void **state)
{
    enum { ROUNDS = 300, LINES = 20, MAX = 32 * 1024 };
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "r", MAX);
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    int64_t number = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < LINES; i++) {
            char line[64];
            snprintf(line, sizeof line, "line %07d of some more text\n", (int)number++);
            add_text(writer, 1, line);
        }
        assert_true(book_until_count(book, number));
    }
    assert_int_equal(book->count, ROUNDS * LINES);
    assert_int_equal(book->bytes, ROUNDS * LINES * 31);
    assert_true(str_ends(strbuf_text(&book->lines), "line 0005999 of some more text\n"));
    log_writer_free(writer);
}

static void test_reader_one_rotation_behind(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "r", 10000);
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    add_text(writer, 1, "first\n");
    assert_true(book_until_count(book, 1));
    for (int i = 0; i < 600; i++) { /* more than one file, less than two: while the reader sleeps */
        add_text(writer, 1, "twenty bytes a line\n");
        if (i % 100 == 99)
            log_writer_flush(writer);
    }
    assert_true(book_until_count(book, 601));
    assert_int_equal(book->count, 601);
    log_writer_free(writer);
}

static void write_many(struct book *book, struct log_writer *writer, int count, int *number)
{
    for (int i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof line, "line %07d of some more text\n", (*number)++);
        add_text(writer, 1, line);
        if (i % 50 == 0)
            uv_run(&book->loop.uv, UV_RUN_NOWAIT); /* the reader's events */
    }
    log_writer_flush(writer);
}

static void test_slow_reader_loses_nothing_for_a_while(void **state)
{
    enum { LINES = 2000, MAX = 10000 }; /* about ten rotations */
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "r", MAX);
    int number = 0;
    book->pauses_after = 1;
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    write_many(book, writer, LINES, &number);
    assert_int_equal(book->count, 1);
    log_reader_pause(book->reader, false);
    assert_true(book_until_count(book, LINES));
    assert_int_equal(book->bytes, LINES * 31);
    assert_null(strstr(strbuf_text(&book->lines), "missing"));
    log_writer_free(writer);
}

static void test_reader_that_is_too_slow_is_told(void **state)
{
    enum { LINES = 30000, MAX = 10000 };
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "r", MAX);
    int number = 0;
    book->pauses_after = 1;
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    write_many(book, writer, LINES, &number);
    log_reader_pause(book->reader, false);
    log_reader_drain(book->reader);
    assert_in_range(book->count, 2000, LINES - 1);
    assert_non_null(strstr(strbuf_text(&book->lines), "r|2|apphost: lines are missing here"));
    assert_true(str_ends(strbuf_text(&book->lines), "line 0029999 of some more text\n"));
    log_writer_free(writer);
}

static void test_new_file_and_new_folder_appear(void **state)
{
    struct book *book = *state;
    char before[sizeof book->folder];
    strcpy(before, book->folder);
    strcat(book->folder, "/later");
    book_read(book, (struct log_reader_options){.tail = 10, .follow = true});
    for (int i = 0; i < 5; i++)
        uv_run(&book->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(file_mkdirs(book->folder, 0700, NULL), 0);
    struct log_writer *one = book_writer(book, "one", 0);
    add_text(one, 1, "hello\n");
    assert_true(book_until_count(book, 1));
    struct log_writer *two = book_writer(book, "two", 0);
    add_text(two, 2, "world\n");
    assert_true(book_until_count(book, 2));
    assert_string_equal(strbuf_text(&book->lines), "one|1|hello\ntwo|2|world\n");
    log_writer_free(one);
    log_writer_free(two);
    assert_int_equal(file_remove_tree(book->folder, NULL), 0); /* the project went down and comes up again */
    assert_int_equal(file_mkdirs(book->folder, 0700, NULL), 0);
    one = book_writer(book, "one", 0);
    add_text(one, 1, "again\n");
    assert_true(book_until_count(book, 3));
    assert_true(str_ends(strbuf_text(&book->lines), "one|1|again\n"));
    log_writer_free(one);
    strcpy(book->folder, before);
}

static void test_named_resource_that_comes_later(void **state)
{
    struct book *book = *state;
    struct log_reader_options options = {.tail = 0, .follow = true};
    strlist_add(&options.resources, "later");
    book_read(book, options);
    for (int i = 0; i < 5; i++)
        uv_run(&book->loop.uv, UV_RUN_NOWAIT);
    struct log_writer *other = book_writer(book, "other", 0), *later = book_writer(book, "later", 0);
    add_text(other, 1, "not wanted\n");
    add_text(later, 1, "wanted\n");
    assert_true(book_until_count(book, 1));
    assert_string_equal(strbuf_text(&book->lines), "later|1|wanted\n");
    log_writer_free(other);
    log_writer_free(later);
    strlist_free(&options.resources);
}

static void test_pause_and_go_on(void **state)
{
    struct book *book = *state;
    write_interleaved(book);
    book->pauses_after = 4;
    book_read(book, (struct log_reader_options){.tail = -1});
    loop_run(&book->loop); /* nothing is left to happen */
    assert_int_equal(book->count, 4);
    assert_int_equal(book->ends, 0);
    log_reader_pause(book->reader, false);
    loop_run(&book->loop);
    assert_int_equal(book->count, 10);
    assert_int_equal(book->ends, 1);
}

/* A command says "go on" after every turn: that must not be the reason for another one, for ever. */
static void test_going_on_is_no_work(void **state)
{
    struct book *book = *state;
    write_interleaved(book);
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    assert_true(book_until_count(book, 10));
    for (int i = 0; i < 10 && book->loop.turns; i++)
        loop_run_once(&book->loop);
    assert_null(book->loop.turns);
    log_reader_pause(book->reader, false);
    assert_null(book->loop.turns);
}

static void test_pause_within_a_record(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "x", 0);
    add_text(writer, 1, "1\n2\n3\n");
    log_writer_free(writer);
    book->pauses_after = 2;
    book_read(book, (struct log_reader_options){.tail = -1});
    loop_run(&book->loop);
    assert_int_equal(book->count, 2);
    log_reader_drain(book->reader);
    assert_string_equal(strbuf_text(&book->lines), "x|1|1\nx|1|2\nx|1|3\n");
}

static void test_drain_reads_what_is_there_now(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "x", 0);
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    add_text(writer, 1, "said before the end\n");
    log_writer_free(writer);
    log_reader_drain(book->reader); /* without one turn of the loop */
    assert_string_equal(strbuf_text(&book->lines), "x|1|said before the end\n");
}

static void test_free_inside_a_line(void **state)
{
    struct book *book = *state;
    write_interleaved(book);
    book->frees_after = 3;
    book_read(book, (struct log_reader_options){.tail = -1});
    loop_run(&book->loop);
    assert_int_equal(book->count, 3);
    assert_int_equal(book->ends, 0);
}

static void test_list(void **state)
{
    struct book *book = *state;
    cleanup_strlist struct strlist names = {0};
    write_interleaved(book);
    cleanup_free char *old = path_join(book->folder, "gone.log.1");
    assert_int_equal(file_write_atomic(old, "", 0, 0600, NULL), 0);
    assert_int_equal(log_list(book->folder, &names, NULL), 0);
    assert_int_equal(names.count, 2);
    assert_string_equal(names.items[0], "a");
    assert_string_equal(names.items[1], "b");
    assert_int_equal(log_list("/no/such/folder", &names, NULL), 0);
    cleanup_error struct error err = {0};
    assert_int_equal(log_list(old, &names, &err), -1);
    assert_int_equal(err.code, ERROR_FAILED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_merge_by_time),
        CASE(test_tail_since_and_one_resource),
        CASE(test_grep),
        CASE(test_tail_over_rotation_and_many_lines),
        CASE(test_follow_through_rotation_loses_nothing),
        CASE(test_reader_one_rotation_behind),
        CASE(test_slow_reader_loses_nothing_for_a_while),
        CASE(test_reader_that_is_too_slow_is_told),
        CASE(test_new_file_and_new_folder_appear),
        CASE(test_named_resource_that_comes_later),
        CASE(test_pause_and_go_on),
        CASE(test_pause_within_a_record),
        CASE(test_going_on_is_no_work),
        CASE(test_drain_reads_what_is_there_now),
        CASE(test_free_inside_a_line),
        CASE(test_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
