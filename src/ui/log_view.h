/* Log lines as people and programs want them: prefix, colour, time, JSON.
 *
 * Lines are added to a buffer of the caller's, who hands it out when a round of lines is done: a million
 * lines a second are meant, so a line costs no system call, no allocation and no formatting; what stands
 * before a resource's lines is made once.
 *
 * On a terminal, what a program prints keeps its colours and nothing else of its escape sequences; into a
 * file or a pipe bytes go as they are. A line that is not finished yet is shown without its end, and
 * continued when nothing came in between.
 *
 * Ownership: the buffer is the caller's; log_view_fini() frees what was made for prefixes. */
#ifndef UI_LOG_VIEW_H
#define UI_LOG_VIEW_H

#include "ui/output.h"
#include "logs/logs.h"

struct log_prefix;

struct log_view {
    const struct output *output;
    struct strbuf *out;
    bool timestamps, prefix;
    bool colours;
    bool is_terminal; /* where the lines end up */
    int name_width;
    struct log_prefix *prefixes, *last; /* by name; the last one used */
    int open_stream;                    /* of `last`, whose line is not finished; 0: none */
    int64_t time_ns;                    /* what time_text says */
    char time_text[32];
};

/* Lines for the descriptor fd, which tells whether it is a terminal; they are only added to out. */
void log_view_init(struct log_view *view, const struct output *output, struct strbuf *out, int fd);
void log_view_fini(struct log_view *view);
/* Widens the column of names. */
void log_view_add_name(struct log_view *view, const char *name);
void log_view_print(struct log_view *view, const struct log_line *line);
/* Ends a line that is not finished. */
void log_view_end(struct log_view *view);
/* Writes the buffer to fd and empties it; blocks. False when the reader is gone (or the disk is full, which
 * is said). */
bool log_view_write(struct log_view *view, int fd);
/* "2026-11-23T00:11:38.123456Z"; out holds 32 bytes. */
void log_view_time(int64_t time_ns, char out[32]);

#endif
