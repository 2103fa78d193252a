/* A report as Markdown, for the summary of a CI's step: how it ended, the resources, what failed with its
 * last lines, and where the time went. See report.h. */
#include "report/internal.h"
#include "ui/waterfall.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>

/* A text within a line: nothing of it is markup, and nothing ends the line, or the cell. */
static void add_inline(struct strbuf *out, const char *text)
{
    cleanup_free char *shown = str_printable(text_or_empty(text));
    for (const char *at = shown; *at; at++) {
        if (*at == '<')
            strbuf_adds(out, "&lt;");
        else if (*at == '&')
            strbuf_adds(out, "&amp;");
        else if (*at == '\n' || *at == '\r' || *at == '\t')
            strbuf_addc(out, ' ');
        else if (strchr("\\`*_[]|#~@", *at))
            strbuf_addf(out, "\\%c", *at);
        else
            strbuf_addc(out, *at);
    }
}

static size_t longest_fence(const char *text)
{
    size_t longest = 2;
    for (const char *at = text; *at;) {
        size_t length = strspn(at, "`");
        longest = size_max(longest, length);
        at += size_max(length, 1);
    }
    return longest;
}

/* In a fence that is longer than any in it. */
static void add_block(struct strbuf *out, const char *text)
{
    size_t ticks = longest_fence(text) + 1;
    size_t length = strlen(text);
    bool is_open = length && text[length - 1] != '\n';
    cleanup_free char *fence = xcalloc(ticks + 1, 1);
    memset(fence, '`', ticks);
    strbuf_addf(out, "\n%stext\n%s%s%s\n\n", fence, text, text_if(is_open, "\n"), fence);
}

static void add_cell(struct strbuf *out, const char *text)
{
    strbuf_adds(out, "| ");
    add_inline(out, text);
    strbuf_addc(out, ' ');
}

static void add_resource(struct strbuf *out, const struct report_resource *resource)
{
    int64_t ms = 0;
    char elapsed[24];
    for (size_t i = 0; i < resource->timing_count; i++)
        ms += resource->timings[i].ms;
    str_elapsed(ms, elapsed);
    cleanup_free char *restarts = xasprintf("%lld", (long long)resource->restarts);
    add_cell(out, resource->name);
    add_cell(out, text_or(resource->state, resource->health));
    add_cell(out, elapsed);
    add_cell(out, resource->decision);
    add_cell(out, restarts);
    add_cell(out, resource->image);
    add_cell(out, resource->address);
    strbuf_adds(out, "|\n");
}

static void add_resources(struct strbuf *out, const struct report *report)
{
    if (!report->resource_count)
        return;
    strbuf_adds(out, "\n| resource | state | time | decision | restarts | image | address |\n"
                     "|---|---|--:|---|--:|---|---|\n");
    for (size_t i = 0; i < report->resource_count; i++)
        add_resource(out, &report->resources[i]);
}

static void add_failures(struct strbuf *out, const struct report *report)
{
    for (size_t i = 0; i < report->resource_count; i++) {
        const struct report_resource *resource = &report->resources[i];
        if (!report_is_failed(resource))
            continue;
        cleanup_free char *reason = report_resource_reason(resource);
        strbuf_adds(out, "\n**");
        add_inline(out, resource->name);
        strbuf_adds(out, "**: ");
        add_inline(out, reason);
        strbuf_addc(out, '\n');
        if (resource->last_lines)
            add_block(out, resource->last_lines);
    }
}

static void print_waterfall(const struct report *report, FILE *stream)
{
    const struct output output = {.unicode = true};
    cleanup_free struct waterfall_row *rows = xcalloc(report->span_count + 1, sizeof *rows);
    for (size_t i = 0; i < report->span_count; i++) {
        const struct report_span *span = &report->spans[i];
        rows[i] = (struct waterfall_row){
            .name = text_or(span->resource, "?"),
            .goal = text_or_empty(span->goal),
            .waits = span->waits,
            .begin_us = span->begin_ms * 1000,
            .elapsed_us = span->elapsed_ms * 1000,
        };
    }
    waterfall_print(&output, rows, report->span_count, stream);
}

static void add_waterfall(struct strbuf *out, const struct report *report)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    if (report->span_count && stream)
        print_waterfall(report, stream);
    if (stream)
        fclose(stream);
    if (text && length) {
        strbuf_adds(out, "\n<details><summary>Where the time went</summary>\n");
        add_block(out, text);
        strbuf_adds(out, "</details>\n");
    }
    free(text);
}

static void add_images(struct strbuf *out, const struct report *report)
{
    for (size_t i = 0; i < report->image_count; i++) {
        strbuf_adds(out, text_if(i == 0, "\nImages:\n\n"));
        strbuf_adds(out, "- ");
        add_inline(out, report->images[i].name);
        strbuf_adds(out, ": ");
        add_inline(out, text_or(report->images[i].digest, report->images[i].id));
        strbuf_addc(out, '\n');
    }
}

static void add_head(struct strbuf *out, const struct report *report)
{
    char elapsed[24];
    cleanup_free char *label = report_label(report), *line = report_command_line(report);
    str_elapsed(report->elapsed_ms, elapsed);
    strbuf_adds(out, "### ");
    add_inline(out, text_or(report->project, "apphost run"));
    if (label) {
        strbuf_adds(out, ", ");
        add_inline(out, label);
    }
    strbuf_addf(out, ": %s in %s\n\n", report_outcome_name(report->outcome), elapsed);
    if (*line) {
        strbuf_adds(out, "Command: ");
        add_inline(out, line);
        strbuf_adds(out, "\n");
    }

    if (report->outcome != REPORT_PASSED) {
        cleanup_free char *reason = report_reason(report);
        strbuf_adds(out, "\n**");
        add_inline(out, reason);
        strbuf_adds(out, "**\n");
    }
}

static void add_run(struct strbuf *out, const struct report *report)
{
    add_head(out, report);
    add_resources(out, report);
    add_failures(out, report);
    add_images(out, report);
    add_waterfall(out, report);
}

static void add_worker_row(struct strbuf *out, const struct report *worker)
{
    char elapsed[24];
    cleanup_free char *label = report_label(worker), *code = xasprintf("%d", (int)worker->exit_code.value);
    str_elapsed(worker->elapsed_ms, elapsed);
    add_cell(out, label);
    add_cell(out, report_outcome_name(worker->outcome));
    add_cell(out, worker->exit_code.is_known ? code : "");
    add_cell(out, elapsed);
    strbuf_adds(out, "|\n");
}

void report_markdown(const struct report *report, struct strbuf *out)
{
    if (!report->worker_count) {
        add_run(out, report);
        return;
    }
    add_head(out, report);
    strbuf_adds(out, "\n| worker | outcome | exit code | time |\n|---|---|--:|--:|\n");
    for (size_t i = 0; i < report->worker_count; i++)
        add_worker_row(out, &report->workers[i]);
    for (size_t i = 0; i < report->worker_count; i++) {
        strbuf_addc(out, '\n');
        add_run(out, &report->workers[i]);
    }
}
