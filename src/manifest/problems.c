/* Problems: collecting them with their source line, and showing them as compilers do.
 *
 * At most MAX_PROBLEMS are kept; the rest is counted. One and the same sentence at one position is kept once,
 * because an aliased node is read in every place that uses it. Source lines are clipped to a window around
 * the caret. */
#include "manifest/loader.h"
#include "base/file.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_PROBLEMS = 100, WINDOW = 160 };

void manifest_problems_free(struct manifest_problems *problems)
{
    for (size_t i = 0; i < problems->count; i++) {
        error_clear(&problems->items[i].error);
        free(problems->items[i].source_line);
    }
    free(problems->items);
    *problems = (struct manifest_problems){0};
}

/* The byte where a column (from 1, in characters) starts. */
static size_t offset_of_column(const char *line, size_t length, int column)
{
    size_t at = 0;
    for (int i = 1; i < column && at < length; i++)
        for (at++; at < length && ((unsigned char)line[at] & 0xC0) == 0x80;)
            at++;
    return at;
}

/* Printable copy of [from, to) of a line; tabs become blanks so that the caret stands right. */
static char *printable_part(const char *line, size_t from, size_t to)
{
    cleanup_free char *raw = xstrndup(line + from, to - from);
    for (char *p = raw; *p; p++)
        if (*p == '\t')
            *p = ' ';
    return str_printable(raw);
}

static size_t step_back_to_start(const char *line, size_t at)
{
    while (at && ((unsigned char)line[at] & 0xC0) == 0x80)
        at--;
    return at;
}

static void set_source_line(struct manifest_problem *problem, const char *line, size_t size, int length)
{
    size_t at = offset_of_column(line, size, problem->error.source.column);
    size_t from = 0;
    if (at > WINDOW / 2 && size > WINDOW)
        from = step_back_to_start(line, at - WINDOW / 2);
    size_t to = size;
    if (size - from > WINDOW)
        to = step_back_to_start(line, from + WINDOW);
    cleanup_free char *before = printable_part(line, from, at);
    cleanup_free char *after = printable_part(line, at, size_max(at, to));
    const char *left = text_if(from, "… "), *right = text_if(to < size, " …");
    problem->source_line = xasprintf("%s%s%s%s", left, before, after, right);
    problem->caret = str_width(left) + str_width(before);
    problem->caret_length = int_max(int_min(length, str_width(after)), 1);
}

static struct manifest_problem *add_problem(struct manifest_problems *problems, bool is_warning)
{
    problems->items = xreallocarray(problems->items, problems->count + 1, sizeof *problems->items);
    struct manifest_problem *problem = &problems->items[problems->count++];
    *problem = (struct manifest_problem){.is_warning = is_warning};
    problems->errors += !is_warning;
    return problem;
}

static bool is_known(const struct manifest_problems *problems, struct model_pos pos, const char *text)
{
    for (size_t i = 0; i < problems->count; i++) {
        const struct error *e = &problems->items[i].error;
        if (e->source.line == pos.line && e->source.column == pos.column &&
            str_eq(e->source.file, pos.file) && strcmp(e->text, text) == 0)
            return true;
    }
    return false;
}

struct problem_place {
    struct model_pos pos;
    int length;
    bool is_warning;
};

static int __attribute__((format(printf, 3, 0)))
report(struct loader *l, struct problem_place place, const char *format, va_list args)
{
    cleanup_free char *text = xvasprintf(format, args);
    l->last_was_new = false;
    if (is_known(l->problems, place.pos, text))
        return -1;

    if (l->problems->count >= MAX_PROBLEMS) {
        l->hidden_problems++;
        l->problems->errors += !place.is_warning;
        return -1;
    }

    l->last_was_new = true;
    struct manifest_problem *problem = add_problem(l->problems, place.is_warning);
    cleanup_free char *shown = str_printable(text);
    error_set(&problem->error, ERROR_MANIFEST, "%s", shown);
    error_at(&problem->error, place.pos.file, place.pos.line, place.pos.column);
    size_t size = 0;
    const char *line = manifest_source_line(l, place.pos.file, place.pos.line, &size);
    if (line && size) /* nothing to see in an empty line, or after the last one */
        set_source_line(problem, line, size, place.length);
    return -1;
}

int manifest_problem(struct loader *l, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(l, (struct problem_place){node->pos, node->length, false}, format, args);
    va_end(args);
    return -1;
}

int manifest_problem_at(struct loader *l, struct model_pos pos, int length, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(l, (struct problem_place){pos, length, false}, format, args);
    va_end(args);
    return -1;
}

void manifest_warning(struct loader *l, const struct yaml_node *node, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(l, (struct problem_place){node->pos, node->length, true}, format, args);
    va_end(args);
}

void manifest_hint(struct loader *l, const char *format, ...)
{
    if (!l->last_was_new)
        return;
    va_list args;
    va_start(args, format);
    cleanup_free char *text = xvasprintf(format, args);
    va_end(args);
    cleanup_free char *shown = str_printable(text);
    error_hint(&l->problems->items[l->problems->count - 1].error, "%s", shown);
}

void manifest_hint_nearest(struct loader *l, const char *text, const char *const *names, size_t count,
                           const char *fallback)
{
    const char *near = NULL;
    if (l->last_was_new)
        near = str_nearest(text, names, count);
    if (near)
        manifest_hint(l, "did you mean `%s`?", near);
    else if (fallback)
        manifest_hint(l, "%s", fallback);
}

void manifest_hide_source(struct loader *l)
{
    if (!l->last_was_new)
        return;
    struct manifest_problem *problem = &l->problems->items[l->problems->count - 1];
    free(take_ptr(&problem->source_line));
}

static size_t source_rank(const struct loader *l, const char *file)
{
    size_t i = 0;
    while (i < l->source_count && !str_eq(l->sources[i].name, file))
        i++;
    return i;
}

static int compare_problems(const void *left, const void *right, void *data)
{
    const struct manifest_problem *a = left, *b = right;
    size_t rank_a = source_rank(data, a->error.source.file), rank_b = source_rank(data, b->error.source.file);
    if (rank_a != rank_b) {
        if (rank_a < rank_b)
            return -1;
        return 1;
    }
    if (a->error.source.line != b->error.source.line) {
        if (a->error.source.line < b->error.source.line)
            return -1;
        return 1;
    }
    return (a->error.source.column > b->error.source.column) -
           (a->error.source.column < b->error.source.column);
}

void manifest_problems_finish(struct loader *l)
{
    struct manifest_problems *problems = l->problems;
    if (problems->count > 1)
        qsort_r(problems->items, problems->count, sizeof *problems->items, compare_problems, l);
    if (!l->hidden_problems)
        return;
    struct manifest_problem *last = add_problem(problems, false);
    problems->errors--; /* the hidden ones are counted already */
    error_set(&last->error, ERROR_MANIFEST, "%zu more problems are not shown", l->hidden_problems);
    error_at(&last->error, l->source_count ? l->sources[0].name : NULL, 0, 0);
}

/* --- positions that another room complains about --- */

static const char *nth_line(const char *text, int line, size_t *length)
{
    for (int i = 1; i < line && text; i++) {
        text = strchr(text, '\n');
        if (text)
            text = text + 1;
        else
            text = NULL;
    }
    if (!text)
        return NULL;
    *length = strcspn(text, "\r\n");
    return text;
}

void manifest_problems_add(struct manifest_problems *problems, struct error *error, bool is_warning)
{
    struct manifest_problem *problem = add_problem(problems, is_warning);
    error_move(&problem->error, error);
    struct source *at = &problem->error.source;
    if (!at->file || at->line < 1)
        return;

    cleanup_free char *text = NULL;
    if (strcmp(at->file, "-"))
        text = file_read_text(at->file, NODE_MAX_BYTES, NULL, NULL);
    size_t size = 0;
    const char *line = NULL;
    if (text)
        line = nth_line(text, at->line, &size);
    if (!line)
        return;
    size_t from = offset_of_column(line, size, at->column);
    size_t word = strcspn(line + from, " \t\r\n,:]}#");
    set_source_line(problem, line, size, (int)word);
}

/* --- showing --- */

static void print_position(const struct source *at, struct strbuf *out)
{
    cleanup_free char *file = NULL;
    if (at->file)
        file = str_printable(at->file);
    if (file && at->line > 0)
        strbuf_addf(out, "%s:%d:%d: ", file, at->line, at->column);
    else if (file)
        strbuf_addf(out, "%s: ", file);
}

static const char *severity_of(const struct manifest_problem *problem)
{
    return text_pick(problem->is_warning, "warning", "error");
}

static void print_problem(const struct manifest_problem *problem, bool colour, struct strbuf *out)
{
    const char *bold = text_if(colour, "\x1b[1m"), *off = text_if(colour, "\x1b[0m");
    const char *tint = text_if(colour, text_pick(problem->is_warning, "\x1b[1;33m", "\x1b[1;31m"));
    const char *green = text_if(colour, "\x1b[1;32m");
    strbuf_adds(out, bold);
    print_position(&problem->error.source, out);
    strbuf_addf(out, "%s%s%s: %s%s\n", tint, severity_of(problem), off, problem->error.text, "");
    if (problem->source_line && problem->caret >= 0) {
        strbuf_addf(out, "    %s\n    %*s%s^", problem->source_line, problem->caret, "", green);
        for (int i = 1; i < problem->caret_length; i++)
            strbuf_addc(out, '~');
        strbuf_addf(out, "%s\n", off);
    }
    if (problem->error.hint)
        strbuf_addf(out, "  hint: %s\n", problem->error.hint);
}

void manifest_problems_print(const struct manifest_problems *problems, bool colour, struct strbuf *out)
{
    for (size_t i = 0; i < problems->count; i++)
        print_problem(&problems->items[i], colour, out);
}

cJSON *manifest_problems_to_json(const struct manifest_problems *problems)
{
    cJSON *array = cJSON_CreateArray();
    for (size_t i = 0; i < problems->count; i++) {
        const struct manifest_problem *problem = &problems->items[i];
        cJSON *item = cJSON_CreateObject();
        json_add_string(item, "severity", severity_of(problem));
        json_add_string(item, "file", problem->error.source.file);
        if (problem->error.source.line > 0) {
            json_add_int(item, "line", problem->error.source.line);
            json_add_int(item, "column", problem->error.source.column);
        }
        json_add_string(item, "message", problem->error.text);
        json_add_string(item, "hint", problem->error.hint);
        cJSON_AddItemToArray(array, item);
    }
    return array;
}
