/* A folder, a loop, a reader and what it said: see book.h. */
#include "book.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_MS = 10000 };

int book_setup(void **state)
{
    struct book *book = xcalloc(1, sizeof *book);
    strcpy(book->folder, "/tmp/test-logs-XXXXXX");
    assert_non_null(mkdtemp(book->folder));
    assert_int_equal(loop_init(&book->loop, NULL), 0);
    book->keeps = true;
    book->is_sorted = true;
    *state = book;
    return 0;
}

int book_teardown(void **state)
{
    struct book *book = *state;
    book_forget(book);
    int rc = loop_fini(&book->loop);
    assert_int_equal(file_remove_tree(book->folder, NULL), 0);
    strbuf_free(&book->lines);
    free(book);
    assert_int_equal(rc, 0);
    return 0;
}

void book_forget(struct book *book)
{
    log_reader_free(book->reader);
    book->reader = NULL;
    strbuf_truncate(&book->lines, 0);
    book->count = book->bytes = book->last_time_ns = book->ends = 0;
    book->is_sorted = true;
}

struct log_writer *book_writer(struct book *book, const char *resource, int64_t max_bytes)
{
    struct log_writer *writer = log_writer_new(&book->loop, book->folder, resource, max_bytes, NULL);
    assert_non_null(writer);
    return writer;
}

static void on_line(const struct log_line *line, void *data)
{
    struct book *book = data;
    assert_null(memchr(line->text, '\n', line->length));
    book->count++;
    book->bytes += (int64_t)line->length + !line->partial;
    book->is_sorted = book->is_sorted && line->time_ns >= book->last_time_ns;
    book->last_time_ns = line->time_ns;
    if (book->keeps)
        strbuf_addf(&book->lines, "%s|%d|%.*s%s\n", line->resource, line->stream, (int)line->length,
                    line->text, line->partial ? "+" : "");
    if (book->count == book->pauses_after)
        log_reader_pause(book->reader, true);
    if (book->count == book->frees_after) {
        log_reader_free(book->reader);
        book->reader = NULL;
    }
}

static void on_end(void *data)
{
    ((struct book *)data)->ends++;
}

void book_read(struct book *book, struct log_reader_options options)
{
    book->reader = log_reader_start(&book->loop, book->folder, &options, on_line, on_end, book);
    assert_int_equal(book->count, 0);
}

static void on_limit(void *data)
{
    *(bool *)data = true;
}

bool book_until(struct book *book, bool (*holds)(struct book *book))
{
    bool is_over = false;
    struct timer limit;
    timer_init(&book->loop, &limit, on_limit, &is_over);
    timer_start(&limit, LIMIT_MS);
    while (!holds(book) && !is_over)
        loop_run_once(&book->loop);
    timer_stop(&limit);
    return holds(book);
}

static bool has_ended(struct book *book)
{
    return book->ends > 0;
}

void book_read_all(struct book *book, struct log_reader_options options)
{
    book_forget(book);
    book_read(book, options);
    assert_true(book_until(book, has_ended));
    assert_int_equal(book->ends, 1);
}

bool book_until_count(struct book *book, int64_t count)
{
    bool is_over = false;
    struct timer limit;
    timer_init(&book->loop, &limit, on_limit, &is_over);
    timer_start(&limit, LIMIT_MS);
    while (book->count < count && !is_over)
        loop_run_once(&book->loop);
    timer_stop(&limit);
    return book->count >= count;
}

void add_text(struct log_writer *writer, int stream, const char *text)
{
    log_writer_add(writer, stream, text, strlen(text));
}
