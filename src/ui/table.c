/* Tables of text. See output.h. */
#include "base/mem.h"
#include "base/pick.h"
#include "ui/output.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { GAP = 2, INDENT = 4 };

void table_row(struct text_table *table, const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++)
        strlist_take(&table->cells, str_printable(text_or_empty(cells[i])));
}

static const char *cell(const struct text_table *table, size_t row, size_t column)
{
    return table->cells.items[row * table->columns + column];
}

int output_room(FILE *stream)
{
    int fd = fileno(stream);
    if (fd >= 0 && isatty(fd))
        return output_width(fd);
    return INT_MAX;
}

/* A cell that the terminal would break goes to a line of its own, whole: states and addresses are never cut.
 */
static void print_row(const struct text_table *table, size_t row, const int *widths, int room, FILE *stream)
{
    size_t last = table->columns;
    int column = 0, place = 0; /* where the cursor is, and where the next cell begins */
    bool is_wrapped = false;

    while (last > 1 && !*cell(table, row, last - 1))
        last--;

    for (size_t i = 0; i < last; i++) {
        const char *text = cell(table, row, i);
        int width = str_width(text);
        if (*text && place + width > room && column > INDENT) {
            fprintf(stream, "\n%*s", INDENT, "");
            column = place = INDENT;
            is_wrapped = true;
        }
        if (*text) {
            fprintf(stream, "%*s%s", place - column, "", text);
            column = place + width;
        }
        if (!is_wrapped)
            place += (widths[i] > width ? widths[i] : width) + GAP;
        else if (*text)
            place = column + GAP;
    }
}

static void measure(const struct text_table *table, size_t rows, int room, int *widths)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < table->columns; i++) {
            int width = str_width(cell(table, row, i));
            bool is_usual = i || width <= room / 2; /* one long name does not push all states away */
            if (is_usual && width > widths[i])
                widths[i] = width;
        }
}

void table_print(const struct text_table *table, FILE *stream, bool colour)
{
    size_t rows = 0;
    if (table->columns)
        rows = table->cells.count / table->columns;
    int room = output_room(stream);
    cleanup_free int *widths = xcalloc(table->columns + 1, sizeof *widths);
    measure(table, rows, room, widths);
    for (size_t row = 0; row < rows; row++) {
        fputs(output_colour(colour && row == 0, COLOUR_DIM), stream);
        print_row(table, row, widths, room, stream);
        fputs(output_colour(colour && row == 0, COLOUR_NONE), stream);
        fputc('\n', stream);
    }
}

void table_free(struct text_table *table)
{
    strlist_free(&table->cells);
}
