/* What the writer puts into files, seen through the reader: lines, partial lines, rotation, a full disk, torn
 * files. */
#include "base/file.h"
#include "base/mem.h"
#include "book.h"
#include "logs/spill.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct log_reader_options everything = {.tail = -1};

static int64_t file_size(const struct book *book, const char *name)
{
    cleanup_free char *path = path_join(book->folder, name);
    struct stat st;
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void test_lines_and_streams(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "api", 0);
    add_text(writer, 1, "one\ntwo\n");
    add_text(writer, 2, "oops\n");
    add_text(writer, 1, "\nthr");
    add_text(writer, 1, "ee\nfour");
    log_writer_add_line(writer, 2, "late", 4, 0);
    log_writer_free(writer);
    book_read_all(book, everything);
    assert_string_equal(strbuf_text(&book->lines), "api|1|one\napi|1|two\napi|2|oops\napi|1|\napi|1|three\n"
                                                   "api|2|late\napi|1|four\n");
    cleanup_free char *path = path_join(book->folder, "api.log");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_any_bytes(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "odd", 0);
    log_writer_add(writer, 1, "a\0b\x1eL1\xff\r\n\x1eL1\n", 13);
    log_writer_flush(writer);
    struct log_reader_options options = everything;
    book->keeps = false;
    book_read_all(book, options);
    assert_int_equal(book->count, 2);
    assert_int_equal(book->bytes, 13);
    log_writer_free(writer);
}

static bool has_line(struct book *book)
{
    return book->count > 0;
}

static void test_partial_line_comes_by_itself(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "ask", 0);
    book_read(book, (struct log_reader_options){.tail = -1, .follow = true});
    int64_t before_ms = loop_now_ms(&book->loop);
    add_text(writer, 1, "password: ");
    assert_true(book_until(book, has_line));
    assert_true(loop_now_ms(&book->loop) - before_ms >= 50);
    add_text(writer, 1, "secret\nnext\n");
    assert_true(book_until_count(book, 3));
    add_text(writer, 1, "half");
    assert_true(book_until_count(book, 4));
    log_writer_flush(writer); /* the process ended */
    assert_true(book_until_count(book, 5));
    assert_string_equal(strbuf_text(&book->lines),
                        "ask|1|password: +\nask|1|secret\nask|1|next\nask|1|half+\nask|1|\n");
    log_writer_free(writer);
}

static void test_long_line_is_whole(void **state)
{
    enum { LENGTH = 1000000 };
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "long", 0);
    cleanup_free char *line = xmalloc(LENGTH);
    memset(line, 'x', LENGTH);
    log_writer_add(writer, 1, line, LENGTH);
    add_text(writer, 1, "\n");
    log_writer_add_line(writer, 1, line, LENGTH, 0);
    log_writer_flush(writer);
    book->keeps = false;
    book_read_all(book, everything);
    assert_int_equal(book->bytes, 2 * (LENGTH + 1));
    log_writer_free(writer);
}

static void test_rotation_keeps_one_older_file(void **state)
{
    enum { LINES = 5000, MAX = 64 * 1024 };
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "busy", MAX);
    char line[64];
    for (int i = 0; i < LINES; i++) {
        snprintf(line, sizeof line, "line %07d of some more text\n", i);
        add_text(writer, 1, line);
    }
    log_writer_flush(writer);
    assert_in_range(file_size(book, "busy.log"), 1, MAX);
    assert_in_range(file_size(book, "busy.log.1"), MAX / 2, MAX);
    assert_int_equal(file_size(book, "busy.log.2"), -1);
    book_read_all(book, everything);
    snprintf(line, sizeof line, "busy|1|line %07d of some more text\n", LINES - 1);
    assert_true(str_ends(strbuf_text(&book->lines), line));
    assert_int_equal(book->bytes, book->count * 31);
    snprintf(line, sizeof line, "busy|1|line %07d",
             (int)(LINES - book->count)); /* without a gap to the end */
    assert_true(str_starts(strbuf_text(&book->lines), line));
    log_writer_free(writer);
}

static bool spill_text(struct log_spill *spill, const char *text, size_t length)
{
    struct iovec piece = {(char *)text, length};
    return log_spill_write(spill, "web", &piece, 1);
}

/* Found by its address for as long as it is there, by its own resource only; the next one takes its place. */
static void test_what_is_spilt(void **state)
{
    (void)state;
    enum { PIECE = 1 << 20 };
    struct log_spill spill = {.fd = -1};
    struct stat st;
    char *text = calloc(1, PIECE);
    assert_true(spill_text(&spill, "one\n", 4));
    int64_t address = log_spill_address(&spill);
    cleanup_free char *path = log_spill_path(address, "web");
    assert_non_null(path);
    assert_null(log_spill_path(address, "api"));
    assert_null(log_spill_path(0, "web"));
    assert_int_equal(stat(path, &st), 0);
    ino_t first = st.st_ino;
    for (int64_t written = 0; written < SPILL_MAX; written += PIECE)
        assert_true(spill_text(&spill, text, PIECE));
    assert_int_equal(log_spill_address(&spill), address);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_ino != first);
    assert_in_range(st.st_size, PIECE, SPILL_MAX);
    log_spill_close(&spill);
    assert_null(log_spill_path(address, "web"));
    free(text);
}

static void test_full_disk_drops_counts_and_says_so(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "full", 0);
    struct rlimit before, small;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){.rlim_cur = 20000, .rlim_max = before.rlim_max};
    add_text(writer, 1, "before\n");
    log_writer_flush(writer);
    setrlimit(RLIMIT_FSIZE, &small);
    for (int i = 0; i < 3000; i++)
        add_text(writer, 1, "dropped or not\n");
    log_writer_flush(writer);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_in_range(file_size(book, "full.log"), 1, 20000);
    add_text(writer, 1, "after\n");
    log_writer_flush(writer);
    book_read_all(book, everything);
    const char *told = strstr(strbuf_text(&book->lines), "full|2|apphost: ");
    assert_non_null(told);
    int64_t lost = atoll(told + strlen("full|2|apphost: "));
    assert_true(lost > 0);
    assert_int_equal(book->count + lost, 3000 + 3); /* every line is there or counted */
    assert_non_null(strstr(told, " lines of this log could not be written: No space left on device\n"));
    assert_true(str_ends(told, "full|1|after\n"));
    log_writer_free(writer);
}

static void test_folder_that_is_missing(void **state)
{
    struct book *book = *state;
    cleanup_error struct error err = {0};
    cleanup_free char *folder = path_join(book->folder, "nowhere");
    assert_null(log_writer_new(&book->loop, folder, "a", 0, &err));
    assert_non_null(strstr(err.text, "cannot open the log"));
}

static void test_torn_end_is_put_aside(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "torn", 0);
    add_text(writer, 1, "good\n");
    log_writer_free(writer);
    cleanup_free char *path = path_join(book->folder, "torn.log");
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, "\x1eL1\x01\xff\0\0\0torn", 12), 12);
    close(fd);
    writer = book_writer(book, "torn", 0);
    add_text(writer, 1, "new\n");
    log_writer_free(writer);
    for (int tail = -1; tail < 4; tail++) {
        book_read_all(book, (struct log_reader_options){.tail = tail});
        const char *whole = "torn|1|good\ntorn|1|new\n";
        assert_string_equal(strbuf_text(&book->lines), tail == 0 ? "" : tail == 1 ? whole + 12 : whole);
    }
    writer = book_writer(book, "torn", 0); /* a whole one is gone on with */
    log_writer_free(writer);
    assert_true(file_size(book, "torn.log") > 0);
}

static void expect_tail(struct log_writer *writer, int count, const char *expected)
{
    cleanup_free char *text = log_writer_tail(writer, count);
    assert_string_equal(text, expected);
}

static void test_tail_from_memory(void **state)
{
    struct book *book = *state;
    struct log_writer *writer = book_writer(book, "t", 0);
    expect_tail(writer, 5, "");
    add_text(writer, 1, "one\ntwo\n");
    add_text(writer, 2, "three\nfou");
    expect_tail(writer, 5, "one\ntwo\nthree\nfou\n");
    expect_tail(writer, 2, "three\nfou\n");
    expect_tail(writer, 0, "");
    add_text(writer, 2, "r\n");
    expect_tail(writer, 1, "four\n");
    for (int i = 0; i < 20000; i++)
        add_text(writer, 1, "many lines\n");
    add_text(writer, 1, "last\n");
    expect_tail(writer, 2, "many lines\nlast\n");
    cleanup_free char *all = log_writer_tail(writer, 1000000);
    assert_true(str_starts(all, "many lines\n")); /* no half line at the cut */
    assert_in_range(strlen(all), 4096, 32768);
    log_writer_free(writer);
}

struct watcher {
    struct log_writer *writer;
    struct strbuf lines;
    int stops_after;
};

static void on_watched(const char *line, size_t length, void *data)
{
    struct watcher *watcher = data;
    strbuf_add(&watcher->lines, line, length);
    strbuf_addc(&watcher->lines, '|');
    if (--watcher->stops_after == 0)
        log_writer_watch(watcher->writer, NULL, NULL);
}

static void test_watched_lines(void **state)
{
    struct book *book = *state;
    struct watcher watcher = {.writer = book_writer(book, "w", 0)};
    log_writer_watch(watcher.writer, on_watched, &watcher);
    add_text(watcher.writer, 1, "one\ntw");
    add_text(watcher.writer, 2, "other\n");
    add_text(watcher.writer, 1, "o\n");
    log_writer_add_line(watcher.writer, 1, "ready to accept", 15, 0);
    add_text(watcher.writer, 1, "end");
    log_writer_flush(watcher.writer);
    assert_string_equal(strbuf_text(&watcher.lines), "one|other|two|ready to accept|end|");
    strbuf_truncate(&watcher.lines, 0);
    watcher.stops_after = 2;
    add_text(watcher.writer, 1, "1\n2\n3\n4\n");
    assert_string_equal(strbuf_text(&watcher.lines), "1|2|");
    strbuf_free(&watcher.lines);
    log_writer_free(watcher.writer);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, book_setup, book_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_lines_and_streams),
        CASE(test_any_bytes),
        CASE(test_partial_line_comes_by_itself),
        CASE(test_long_line_is_whole),
        CASE(test_rotation_keeps_one_older_file),
        CASE(test_full_disk_drops_counts_and_says_so),
        CASE(test_what_is_spilt),
        CASE(test_folder_that_is_missing),
        CASE(test_torn_end_is_put_aside),
        CASE(test_tail_from_memory),
        CASE(test_watched_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
