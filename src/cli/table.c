/* Tables of text, and times and sizes as people read them. See output.h. */
#include "base/mem.h"
#include "cli/output.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

void table_row(struct table *table, const char *const *cells)
{
    for (size_t i = 0; i < table->columns; i++)
        strlist_take(&table->cells, str_printable(cells[i] ? cells[i] : ""));
}

static const char *cell(const struct table *table, size_t row, size_t column)
{
    return table->cells.items[row * table->columns + column];
}

static void print_row(const struct table *table, size_t row, const int *widths, FILE *stream)
{
    size_t last = table->columns;
    while (last > 1 && !*cell(table, row, last - 1))
        last--;
    for (size_t i = 0; i < last; i++) {
        const char *text = cell(table, row, i);
        fputs(text, stream);
        if (i + 1 < last)
            fprintf(stream, "%*s", widths[i] - str_width(text) + 2, "");
    }
}

void table_print(const struct table *table, FILE *stream, bool colour)
{
    size_t rows = table->columns ? table->cells.count / table->columns : 0;
    cleanup_free int *widths = xcalloc(table->columns + 1, sizeof *widths);
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < table->columns; i++) {
            int width = str_width(cell(table, row, i));
            widths[i] = width > widths[i] ? width : widths[i];
        }
    for (size_t row = 0; row < rows; row++) {
        fputs(output_colour(colour && row == 0, COLOUR_DIM), stream);
        print_row(table, row, widths, stream);
        fputs(output_colour(colour && row == 0, COLOUR_NONE), stream);
        fputc('\n', stream);
    }
}

void table_free(struct table *table)
{
    strlist_free(&table->cells);
}

void output_elapsed(int64_t ms, char out[24])
{
    if (ms < 0)
        ms = 0;
    if (ms < 10000)
        snprintf(out, 24, "%.2fs", (double)ms / 1000);
    else if (ms < 60000)
        snprintf(out, 24, "%.1fs", (double)ms / 1000);
    else if (ms < 3600000)
        snprintf(out, 24, "%" PRId64 "m%02" PRId64 "s", ms / 60000, ms / 1000 % 60);
    else
        snprintf(out, 24, "%" PRId64 "h%02" PRId64 "m", ms / 3600000, ms / 60000 % 60);
}

void output_bytes(int64_t bytes, char out[24])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 999.5 && unit < 4; unit++)
        value /= 1000;
    snprintf(out, 24, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
}
