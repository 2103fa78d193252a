/* What the tests of room logs share: a folder of its own, a loop, and a reader whose lines are written down.
 */
#ifndef BOOK_H
#define BOOK_H

#include "base/str.h"
#include "logs/logs.h"

struct book {
    struct loop loop;
    char folder[64];
    struct log_reader *reader;
    struct strbuf lines; /* "resource|stream|text\n"; a partial line has "+\n" */
    int64_t count;
    int64_t bytes; /* of the texts, with a newline each unless partial */
    bool keeps;    /* write lines down; else they are only counted */
    int64_t last_time_ns;
    bool is_sorted;
    int ends;
    int64_t pauses_after, frees_after; /* lines; 0: never */
};

int book_setup(void **state);
/* Fails when something was left in the loop; removes the folder. */
int book_teardown(void **state);
struct log_writer *book_writer(struct book *book, const char *resource, int64_t max_bytes);
/* tail -1: everything. */
void book_read(struct book *book, struct log_reader_options options);
void book_forget(struct book *book); /* frees the reader and what was written down */
/* Reads everything there is, without following, until the end. */
void book_read_all(struct book *book, struct log_reader_options options);
bool book_until_count(struct book *book, int64_t count);
/* Lets the loop run until nothing happens for a moment or holds() is true; false after ten seconds. */
bool book_until(struct book *book, bool (*holds)(struct book *book));
void add_text(struct log_writer *writer, int stream, const char *text);

#endif
