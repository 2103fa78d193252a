/* Output of resources: one file a resource in the project's log folder, rotated; followed and merged by
 * readers.
 *
 * Writer side (supervisor): raw pieces of stdout and stderr become records; a partial line is flushed within
 * 100 ms, no byte is lost, rates of a million lines a second are meant. Reader side (commands): follow the
 * files of several resources in the order of their times, from a number of last lines or a point in time,
 * through rotation.
 *
 * The record format is ours to choose (time, stream, text; partial marker) and private to this room. Files
 * are 0600. When the disk is full, the file loses records: they are counted, and a line says so when there is
 * room again. Readers get them nevertheless, from memory of the writer's process, up to 16 MiB behind. */
#ifndef LOGS_LOGS_H
#define LOGS_LOGS_H

#include "base/error.h"
#include "base/mem.h"
#include "base/scrub.h"
#include "base/str.h"
#include "loop/loop.h"

#include <regex.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- writing ---- */
struct log_writer;
/* Appends to "<folder>/<resource>.log" (created 0600); rotates at max_bytes (0: 16 MiB) keeping one older
 * file. */
struct log_writer *log_writer_new(struct loop *loop, const char *folder, const char *resource,
                                  int64_t max_bytes, struct error *err);
/* From now on secrets are taken out of what is added. The scrub is taken over (and ready); NULL: no more. */
void log_writer_mask(struct log_writer *writer, struct scrub *scrub);
/* stream 1 or 2. Lines may come in pieces. */
void log_writer_add(struct log_writer *writer, int stream, const char *bytes, size_t length);
/* A whole line with its own time (container output); time_ns 0: now. */
void log_writer_add_line(struct log_writer *writer, int stream, const char *line, size_t length,
                         int64_t time_ns);
/* Ends partial lines and writes what is buffered. */
void log_writer_flush(struct log_writer *writer);
/* Called for each complete line (for log probes), or NULL. */
void log_writer_watch(struct log_writer *writer, void (*on_line)(const char *line, size_t length, void *data),
                      void *data);
/* The last `count` lines as text (newline-terminated), for failure reports; from memory. The caller frees. */
char *log_writer_tail(const struct log_writer *writer, int count);
void log_writer_free(struct log_writer *writer); /* flushes */

/* ---- reading ---- */
struct log_line {
    const char *resource;
    int stream;
    int64_t time_ns;  /* wall clock */
    const char *text; /* without newline; untrusted bytes */
    size_t length;
    bool partial; /* the line goes on in the next record of this resource and stream */
};
struct log_reader_options {
    struct strlist resources; /* whose logs; empty: all files of the folder, new ones too while following */
    int64_t tail;             /* last N lines over all; -1: everything */
    int64_t since_ns;         /* 0: no bound */
    bool follow;
    const regex_t *grep; /* or NULL */
};
typedef void log_line_cb(const struct log_line *line, void *data);
struct log_reader;
/* Reads what is there, then follows if asked to. on_end runs once when there is nothing (more) to read and
 * follow is off. Lines are valid during the callback. */
struct log_reader *log_reader_start(struct loop *loop, const char *folder,
                                    const struct log_reader_options *options, log_line_cb *on_line,
                                    loop_cb *on_end, void *data);
/* Delivers now whatever the files hold at this moment (used before a command ends). */
void log_reader_drain(struct log_reader *reader);
/* Pauses while the output's pipe is full, and goes on. */
void log_reader_pause(struct log_reader *reader, bool paused);
void log_reader_free(struct log_reader *reader);

/* The text as JSON can have it; the caller frees. */
char *log_line_shown(const struct log_line *line);

/* ---- reading backwards ---- */
/* One page: the last lines before a place, in the order of their times. The place is a cursor, a text that
 * means something to this room alone and stays good while the files are there; what was rotated away since is
 * not there any more. Bounded in lines and bytes, and in what is looked through for a pattern: a page may
 * have fewer lines than were asked for, even none, and a cursor all the same. */
struct log_page_options {
    struct strlist resources; /* whose logs; empty: all files of the folder */
    const char *before;       /* a page's cursor; NULL: the end */
    int64_t count;            /* at most 10,000 */
    int64_t since_ns;         /* 0: no bound */
    const regex_t *grep;      /* or NULL */
};
struct log_page {
    struct log_line *lines;
    size_t count;
    const char *before; /* for the page before this one; NULL: there is nothing */
    struct arena arena;
};
/* ERROR_USAGE: the cursor is none. Free with log_page_free() also then. */
int log_page_read(const char *folder, const struct log_page_options *options, struct log_page *page,
                  struct error *err);
void log_page_free(struct log_page *page);

/* Names of resources that have logs in the folder. */
int log_list(const char *folder, struct strlist *resources, struct error *err);

#endif
