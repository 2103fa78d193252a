/* Log lines on standard output: prefix, colour, time, JSON. Inside cli/ only.
 *
 * On a terminal, what a program prints keeps its colours and nothing else of its escape sequences; into a
 * file or a pipe bytes go as they are. A line that is not finished yet is shown without its end, and
 * continued when nothing came in between. */
#ifndef CLI_LOG_VIEW_H
#define CLI_LOG_VIEW_H

#include "cli/output.h"
#include "logs/logs.h"

struct log_view {
    const struct output *output;
    FILE *stream;
    bool timestamps, prefix;
    bool is_terminal; /* stream is one */
    int name_width;
    char open[128]; /* "resource/stream" whose line is not finished; "" when none */
};

void log_view_init(struct log_view *view, const struct output *output, FILE *stream);
/* Widens the column of names. */
void log_view_add_name(struct log_view *view, const char *name);
void log_view_print(struct log_view *view, const struct log_line *line);
/* Ends a line that is not finished. */
void log_view_end(struct log_view *view);
/* "2026-11-23T00:11:38.123456Z"; out holds 32 bytes. */
void log_view_time(int64_t time_ns, char out[32]);

#endif
