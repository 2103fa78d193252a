/* Which form, and the file; annotations. See report.h. */
#include "report/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

enum { FILE_MODE = 0644 };

static const struct form {
    const char *prefix, *suffix;
    enum report_form form;
} forms[] = {
    {"json:", ".json", REPORT_JSON},
    {"xml:", ".xml", REPORT_JUNIT},
    {"md:", ".md", REPORT_MARKDOWN},
};

enum report_form report_form_of(const char *option, const char **file)
{
    *file = option;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (!str_starts(option, forms[i].prefix))
            continue;
        *file = option + strlen(forms[i].prefix);
        return forms[i].form;
    }
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (str_ends(option, forms[i].suffix))
            return forms[i].form;
    return REPORT_JSON;
}

static void add_json(const cJSON *document, struct strbuf *out)
{
    cleanup_free char *text = json_print(document);
    strbuf_addf(out, "%s\n", text);
}

static int make(const cJSON *document, enum report_form form, struct strbuf *out, struct error *err)
{
    struct report report = {0};
    struct arena arena = {0};
    if (record_take(&report_record, document, &arena, &report, "the report", err)) {
        arena_free(&arena);
        return -1;
    }
    if (form == REPORT_JSON)
        add_json(document, out);
    if (form == REPORT_JUNIT)
        report_junit(&report, out);
    if (form == REPORT_MARKDOWN)
        report_markdown(&report, out);
    arena_free(&arena);
    return 0;
}

int report_write(const cJSON *document, const char *option, struct error *err)
{
    const char *file;
    cleanup_strbuf struct strbuf text = {0};
    enum report_form form = report_form_of(option, &file);
    if (make(document, form, &text, err))
        return -1;
    return file_write_atomic(file, strbuf_text(&text), text.length, FILE_MODE, err);
}

/* ---- annotations ---- */

/* A workflow command's text: what would end it, or begin another, is written as a code. */
static void put_escaped(const char *text, bool is_property, FILE *stream)
{
    for (const char *at = text; *at; at++) {
        bool is_special = *at == '%' || *at == '\r' || *at == '\n';
        if (is_special || (is_property && (*at == ':' || *at == ',')))
            fprintf(stream, "%%%02X", (unsigned char)*at);
        else
            fputc(*at, stream);
    }
}

static void annotate(const char *title, const struct view_error *error, const char *text, FILE *stream)
{
    fputs("::error title=", stream);
    put_escaped(title, true, stream);
    if (error->file) {
        fputs(",file=", stream);
        put_escaped(error->file, true, stream);
        fprintf(stream, ",line=%lld", (long long)int64_or(error->line, 1));
    }
    fputs("::", stream);
    put_escaped(text, false, stream);
    fputc('\n', stream);
}

static void annotate_run(const struct report *report, FILE *stream)
{
    cleanup_free char *label = report_label(report), *reason = report_reason(report);
    cleanup_free char *title =
        xasprintf("apphost run%s%s", text_if(label != NULL, " "), text_or_empty(label));
    for (size_t i = 0; i < report->resource_count; i++) {
        const struct report_resource *resource = &report->resources[i];
        if (!report_is_failed(resource))
            continue;
        cleanup_free char *why = report_resource_reason(resource);
        cleanup_free char *text = xasprintf("%s%s%s", why, text_if(resource->last_lines != NULL, "\n"),
                                            text_or_empty(resource->last_lines));
        annotate(text_or(resource->name, "?"), &resource->error, text, stream);
    }
    if (report->outcome != REPORT_PASSED)
        annotate(title, &report->error, reason, stream);
}

void report_annotate(const cJSON *document, FILE *stream)
{
    struct report report = {0};
    struct arena arena = {0};
    if (!record_take(&report_record, document, &arena, &report, "the report", NULL)) {
        for (size_t i = 0; i < report.worker_count; i++)
            annotate_run(&report.workers[i], stream);
        if (!report.worker_count)
            annotate_run(&report, stream);
    }
    arena_free(&arena);
}
