/* One line a row of the lifecycle: name, row, time, and a bar where it lies between begin and end. Waiting
 * for others is drawn lightly, so that what was worked on stands out. See waterfall.h. */
#include "ui/waterfall.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* "cache"; of what the user gave no name: "image redis:7". */
static const char *name_of(const struct view_moment *moment, struct arena *arena)
{
    if (moment->resource)
        return moment->resource;
    char *name = arena_strdup(arena, text_or_empty(moment->node));
    char *colon = strchr(name, ':');
    if (colon)
        *colon = ' ';
    return name;
}

size_t waterfall_read(const cJSON *items, int64_t since_us, struct arena *arena, struct waterfall_row **rows)
{
    size_t count = 0;
    const cJSON *item;
    *rows = arena_alloc(arena, ((size_t)json_count(items) + 1) * sizeof **rows);
    cJSON_ArrayForEach(item, items)
    {
        struct view_moment moment;
        if (moment_read(item, arena, &moment) || moment.type != NEWS_GOAL || moment.begin_us < since_us)
            continue;

        (*rows)[count++] = (struct waterfall_row){
            .name = name_of(&moment, arena),
            .goal = moment.name,
            .waits = moment.waits,
            .begin_us = moment.begin_us - since_us,
            .elapsed_us = moment.elapsed_us,
        };
    }
    return count;
}

enum { BAR_WIDTH = 40, LEAST_US = 5000 };

struct line {
    const struct waterfall_row *row;
    int64_t first_us; /* of the first row of this name */
    size_t place;     /* as they came */
};

static int64_t first_of(const struct waterfall_row *rows, size_t count, const char *name)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            first = int64_min(first, rows[i].begin_us);
    return first;
}

static int compare_numbers(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int compare(const void *one, const void *other)
{
    const struct line *a = one, *b = other;
    int order = compare_numbers(a->first_us, b->first_us);
    if (!order)
        order = strcmp(a->row->name, b->row->name);
    if (!order)
        order = compare_numbers(a->row->begin_us, b->row->begin_us);
    if (!order)
        order = compare_numbers((int64_t)a->place, (int64_t)b->place);
    return order;
}

static const char *mark_of(const struct output *output, const struct waterfall_row *row)
{
    static const char *const marks[2][2] = {{"#", "."}, {"█", "░"}};
    return marks[output->unicode][row->waits];
}

static char *bar_of(const struct output *output, const struct waterfall_row *row, int64_t total_us)
{
    struct strbuf bar = {0};
    int64_t from = row->begin_us * BAR_WIDTH / total_us;
    int64_t to = (row->begin_us + row->elapsed_us) * BAR_WIDTH / total_us;
    from = int64_min(from, BAR_WIDTH - 1);
    to = int64_max(to, from + 1);
    for (int64_t i = 0; i < from; i++)
        strbuf_addc(&bar, ' ');
    for (int64_t i = from; i < to; i++)
        strbuf_adds(&bar, mark_of(output, row));
    return strbuf_take(&bar);
}

static void add_line(struct text_table *table, const struct output *output, const struct waterfall_row *row,
                     int64_t total_us)
{
    char elapsed[24];
    cleanup_free char *bar = bar_of(output, row, total_us);
    str_elapsed(row->elapsed_us / 1000, elapsed);
    const char *const cells[] = {row->name, row->goal, elapsed, bar};
    table_row(table, cells);
}

void waterfall_print(const struct output *output, const struct waterfall_row *rows, size_t count,
                     FILE *stream)
{
    struct text_table table = {.columns = 4};
    cleanup_free struct line *lines = xcalloc(count + 1, sizeof *lines);
    int64_t total_us = 1;
    char total[24];

    for (size_t i = 0; i < count; i++) {
        lines[i] = (struct line){&rows[i], first_of(rows, count, rows[i].name), i};
        total_us = int64_max(total_us, rows[i].begin_us + rows[i].elapsed_us);
    }
    qsort(lines, count, sizeof *lines, compare);

    str_elapsed(total_us / 1000, total);
    cleanup_free char *title = xasprintf("0 TO %s", total);
    const char *const head[] = {"RESOURCE", "GOAL", "TIME", title};
    table_row(&table, head);
    for (size_t i = 0; i < count; i++)
        if (lines[i].row->elapsed_us >= LEAST_US)
            add_line(&table, output, lines[i].row, total_us);
    table_print(&table, stream, output->colour_err);
    table_free(&table);
}
