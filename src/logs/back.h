/* Private to room logs: one resource's records from the newest to the oldest, through both of its files.
 *
 * A place is a file's number, an offset in it that ends a record, and how many lines of that record's end are
 * behind us. back_open() goes to a place or to the end; back_peek() says which record is next on the way
 * back; back_pass() goes on. A file with a torn end is entered at its last whole record. Ownership:
 * descriptors and the name are the reader's; the record's text, once back_text() has read it, too, until the
 * next one. */
#ifndef LOGS_BACK_H
#define LOGS_BACK_H

#include "logs/record.h"

#include "base/str.h"

struct back_place {
    int64_t number, offset, skip;
};
struct back {
    char *resource;
    char *folder;
    int fd;                  /* -1: there is nothing before */
    bool is_old;             /* of the two files */
    struct back_place place; /* where we are */
    bool has_record;
    struct log_record record; /* the one that ends at place.offset; its text only after back_text() */
    struct strbuf text;
};

/* place NULL: the end. */
void back_open(struct back *back, const char *folder, const char *resource, const struct back_place *place);
void back_close(struct back *back);
/* The record that is next, without its text; NULL: there is none. */
const struct log_record *back_peek(struct back *back);
/* Reads the text of the record that was peeked. False: it cannot be read. */
bool back_text(struct back *back);
void back_pass(struct back *back);
/* Nothing before is wanted. */
void back_leave(struct back *back);

#endif
