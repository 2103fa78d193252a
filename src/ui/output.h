/* How we speak: colours, glyphs, tables, errors, and which stream gets what.
 *
 * Standard output is data, standard error is everything else. With -o json a failure is one {"error":…}
 * document on standard output. Text that came from outside goes through str_printable() before it reaches a
 * terminal. Writing to a closed pipe is noticed by output_flush(): the command then ends quietly. */
#ifndef UI_OUTPUT_H
#define UI_OUTPUT_H

#include "base/error.h"
#include "base/json.h"
#include "args/args.h"
#include "manifest/manifest.h"

#include <stdio.h>

enum progress { PROGRESS_TTY, PROGRESS_PLAIN, PROGRESS_JSON, PROGRESS_QUIET, PROGRESS_COUNT };
enum colour {
    COLOUR_NONE,
    COLOUR_RED,
    COLOUR_GREEN,
    COLOUR_YELLOW,
    COLOUR_BLUE,
    COLOUR_MAGENTA,
    COLOUR_CYAN,
    COLOUR_DIM,
    COLOUR_BOLD,
    COLOUR_COUNT
};

struct output {
    bool json;
    bool quiet, verbose, debug;
    bool interactive; /* standard input is a terminal and no CI is about */
    bool github;      /* in a GitHub Actions step */
    bool unicode;
    bool colour_out, colour_err;
    enum progress progress;
};

/* From the command line, the environment and what the descriptors are. */
void output_init(struct output *output, const struct args *args, char *const *environment);
/* Which variable says that a CI runs us, or NULL. */
const char *output_ci(char *const *environment);

/* The escape sequence for a stream that has colours, else "". */
const char *output_colour(bool on, enum colour colour);
/* A colour that stays the same for a name. */
enum colour output_name_colour(const char *name);
/* Columns of the terminal on fd (COLUMNS, then 80, where it does not say). */
int output_width(int fd);

/* "apphost: …" on standard error unless quiet. */
void output_note(const struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
void output_warn(const struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The error, in the form and on the stream that was asked for. */
void output_error(const struct output *output, const struct error *error);
void output_problems(const struct output *output, const struct manifest_problems *problems);
/* One JSON document and a newline on standard output. */
void output_json(const cJSON *value);
/* The same with indentation, for people. */
void output_json_pretty(const cJSON *value);
/* False when standard output's reader is gone (or the disk is full, which is said). */
bool output_flush(void);

/* A table: cells row by row, the first row is the head. Columns are as wide as their widest cell. */
struct text_table {
    struct strlist cells;
    size_t columns;
};
void table_row(struct text_table *table, const char *const *cells);
void table_print(const struct text_table *table, FILE *stream, bool colour);
void table_free(struct text_table *table);

/* Columns that lines on this stream may take: those of the terminal, or as many as they need where none is.
 */
int output_room(FILE *stream);

#endif
