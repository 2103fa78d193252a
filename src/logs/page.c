/* A page of lines before a place: the newest record of all resources is taken again and again, until there
 * are enough lines. See logs.h.
 *
 * The cursor names each resource's place: "api=3:4711:0,cache=1:20:2". */
#include "base/mem.h"
#include "logs/back.h"
#include "logs/feed.h"
#include "logs/logs.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_LINES = 10000, PAGE_BYTES = 1 << 20, PAGE_SCANNED = 8 << 20 };

struct pager {
    const struct log_page_options *options;
    struct log_page *page;
    struct back *backs;
    size_t back_count;
    size_t most, bytes, scanned;
};

/* ---- the cursor ---- */

/* "=NUMBER:OFFSET:SKIP" behind a name. */
static bool parse_place(const char *text, struct back_place *place)
{
    int used = 0;
    int found = sscanf(text, "%" SCNd64 ":%" SCNd64 ":%" SCNd64 "%n", &place->number, &place->offset,
                       &place->skip, &used);
    bool is_whole = found == 3 && (!text[used] || text[used] == ',');
    return is_whole && place->offset >= 0 && place->skip >= 0;
}

/* The resource's place in the cursor; false: it is not in it, so there is nothing before. */
static bool find_place(const char *cursor, const char *resource, struct back_place *place)
{
    size_t length = strlen(resource);
    for (const char *at = cursor; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, resource, length) == 0 && at[length] == '=')
            return parse_place(at + length + 1, place);
    }
    return false;
}

static int check_cursor(const char *cursor, struct error *err)
{
    for (const char *at = cursor; at; at = strchr(at, ',')) {
        struct back_place place;
        at += *at == ',';
        const char *equals = strchr(at, '=');
        if (!equals || !parse_place(equals + 1, &place))
            return error_set(err, ERROR_USAGE, "the place in the logs is none: take it from a page");
    }
    return 0;
}

static const char *make_cursor(struct pager *pager)
{
    cleanup_strbuf struct strbuf text = {0};
    for (size_t i = 0; i < pager->back_count; i++) {
        struct back *back = &pager->backs[i];
        if (!back_peek(back))
            continue;
        if (text.length)
            strbuf_addc(&text, ',');
        strbuf_addf(&text, "%s=%" PRId64 ":%" PRId64 ":%" PRId64, back->resource, back->place.number,
                    back->place.offset, back->place.skip);
    }
    if (!text.length)
        return NULL;
    return arena_strdup(&pager->page->arena, strbuf_text(&text));
}

/* ---- lines ---- */

static bool is_full(const struct pager *pager)
{
    return pager->page->count >= pager->most || pager->bytes >= PAGE_BYTES || pager->scanned >= PAGE_SCANNED;
}

static void add_line(struct pager *pager, const struct back *back, const char *text, size_t length,
                     bool partial)
{
    struct log_page *page = pager->page;
    if (!feed_matches(pager->options->grep, text, length))
        return;
    page->lines[page->count++] = (struct log_line){
        .resource = arena_strdup(&page->arena, back->resource),
        .stream = back->record.stream,
        .time_ns = back->record.time_ns,
        .text = arena_strndup(&page->arena, text, length),
        .length = length,
        .partial = partial,
    };
    pager->bytes += length;
}

/* Where the last of so many bytes' lines begins. */
static size_t line_start(const char *text, size_t end)
{
    const char *newline = NULL;
    if (end)
        newline = memrchr(text, '\n', end);
    if (!newline)
        return 0;
    return (size_t)(newline + 1 - text);
}

/* Lines of the record from its end, but for those that an earlier page had, until the page is full. */
static void take_lines(struct pager *pager, struct back *back)
{
    const char *text = back->record.text;
    size_t end = back->record.length;
    int64_t passed = 0;
    bool partial = back->record.partial;
    if (end && text[end - 1] == '\n' && !partial)
        end--;

    for (bool more = true; more; passed++) {
        size_t start = line_start(text, end);
        if (passed >= back->place.skip && is_full(pager)) {
            back->place.skip = passed;
            return;
        }
        if (passed >= back->place.skip)
            add_line(pager, back, text + start, end - start, partial && !passed);
        more = start > 0;
        end = start - more;
    }
    back_pass(back);
}

static struct back *newest(struct pager *pager)
{
    struct back *found = NULL;
    for (size_t i = 0; i < pager->back_count; i++) {
        struct back *back = &pager->backs[i];
        if (back_peek(back) && (!found || back->record.time_ns > found->record.time_ns))
            found = back;
    }
    return found;
}

static void fill(struct pager *pager)
{
    while (!is_full(pager)) {
        struct back *back = newest(pager);
        if (!back)
            return;
        if (back->record.time_ns < pager->options->since_ns) {
            for (size_t i = 0; i < pager->back_count; i++)
                back_leave(&pager->backs[i]);
            return;
        }
        pager->scanned += back->record.size;
        if (back_text(back))
            take_lines(pager, back);
        else
            back_pass(back);
    }
}

static void reverse(struct log_page *page)
{
    for (size_t i = 0, j = page->count; i + 1 < j; i++) {
        struct log_line line = page->lines[i];
        page->lines[i] = page->lines[--j];
        page->lines[j] = line;
    }
}

/* ---- a page ---- */

static void open_backs(struct pager *pager, const char *folder, const struct strlist *names)
{
    const char *before = pager->options->before;
    pager->backs = xcalloc(names->count + 1, sizeof *pager->backs);
    for (size_t i = 0; i < names->count; i++) {
        struct back_place place;
        if (!before)
            back_open(&pager->backs[pager->back_count++], folder, names->items[i], NULL);
        else if (find_place(before, names->items[i], &place))
            back_open(&pager->backs[pager->back_count++], folder, names->items[i], &place);
    }
}

int log_page_read(const char *folder, const struct log_page_options *options, struct log_page *page,
                  struct error *err)
{
    cleanup_strlist struct strlist names = {0};
    struct pager pager = {.options = options, .page = page, .most = PAGE_LINES};
    *page = (struct log_page){0};
    if (options->count > 0 && options->count < PAGE_LINES)
        pager.most = (size_t)options->count;
    strlist_copy(&names, &options->resources);
    if (check_cursor(options->before, err) || (!names.count && log_list(folder, &names, err)))
        return -1;

    page->lines = arena_alloc(&page->arena, (pager.most + 1) * sizeof *page->lines);
    open_backs(&pager, folder, &names);
    fill(&pager);
    page->before = make_cursor(&pager);
    reverse(page);
    for (size_t i = 0; i < pager.back_count; i++)
        back_close(&pager.backs[i]);
    free(pager.backs);
    return 0;
}

void log_page_free(struct log_page *page)
{
    arena_free(&page->arena);
}

/* NUL, and what is no UTF-8, cannot stand in JSON. */
char *log_line_shown(const struct log_line *line)
{
    if (str_is_utf8(line->text, line->length))
        return xstrndup(line->text, line->length);
    cleanup_free char *raw = xmalloc(line->length + 1);
    memcpy(raw, line->text, line->length);
    raw[line->length] = '\0';
    for (char *nul = raw; (nul = memchr(nul, '\0', line->length - (size_t)(nul - raw)));)
        *nul = '\1';
    return str_printable(raw);
}
