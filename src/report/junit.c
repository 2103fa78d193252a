/* A report as JUnit's XML: a suite for each worker, a case for each resource, and one for the command. See
 * report.h. */
#include "report/internal.h"

#include "base/mem.h"
#include "base/pick.h"

#include <string.h>

/* Only what XML 1.0 may have: no control characters, no broken UTF-8, none of U+FFFE and U+FFFF. */
static void add_text(struct strbuf *out, const char *text)
{
    cleanup_free char *shown = NULL;
    if (!str_is_utf8(text, strlen(text)))
        text = shown = str_printable(text);

    for (const char *at = text; *at; at++) {
        unsigned char c = (unsigned char)*at;
        bool is_no_character = str_starts(at, "\xEF\xBF\xBE") || str_starts(at, "\xEF\xBF\xBF");
        if (c == '&')
            strbuf_adds(out, "&amp;");
        else if (c == '<')
            strbuf_adds(out, "&lt;");
        else if (c == '>')
            strbuf_adds(out, "&gt;");
        else if (c == '"')
            strbuf_adds(out, "&quot;");
        else if (c == '\n' || c == '\t')
            strbuf_addf(out, "&#%d;", c);
        else if (is_no_character)
            at += 2;
        else if (c >= 0x20 && c != 0x7f)
            strbuf_addc(out, *at);
    }
}

static void add_attribute(struct strbuf *out, const char *name, const char *value)
{
    strbuf_addf(out, " %s=\"", name);
    add_text(out, text_or_empty(value));
    strbuf_addc(out, '"');
}

static void add_seconds(struct strbuf *out, int64_t ms)
{
    strbuf_addf(out, " time=\"%lld.%03d\"", (long long)(ms / 1000), (int)(ms % 1000));
}

static void begin_case(struct strbuf *out, const struct report *report, const char *name, int64_t ms)
{
    cleanup_free char *label = report_label(report);
    cleanup_free char *class = xasprintf("apphost.%s%s%s", text_or(report->project, "run"),
                                         text_if(label != NULL, "."), text_or_empty(label));
    strbuf_adds(out, "    <testcase");
    add_attribute(out, "classname", class);
    add_attribute(out, "name", name);
    add_seconds(out, ms);
    strbuf_addc(out, '>');
}

static void add_failure(struct strbuf *out, const char *element, const char *message, const char *body)
{
    strbuf_addf(out, "<%s", element);
    add_attribute(out, "message", message);
    strbuf_addc(out, '>');
    add_text(out, text_or_empty(body));
    strbuf_addf(out, "</%s>", element);
}

static int64_t time_of(const struct report_resource *resource)
{
    int64_t sum = 0;
    for (size_t i = 0; i < resource->timing_count; i++)
        sum += resource->timings[i].ms;
    return sum;
}

static void add_resource(struct strbuf *out, const struct report *report,
                         const struct report_resource *resource)
{
    begin_case(out, report, text_or(resource->name, "?"), time_of(resource));
    if (report_is_failed(resource)) {
        cleanup_free char *reason = report_resource_reason(resource);
        add_failure(out, "failure", reason, text_or(resource->last_lines, resource->last_probe));
    } else if (!resource->is_wanted) {
        strbuf_adds(out, "<skipped/>");
    }
    strbuf_adds(out, "</testcase>\n");
}

static int64_t time_of_phase(const struct report *report, const char *name)
{
    for (size_t i = 0; i < report->phase_count; i++)
        if (str_eq(report->phases[i].name, name))
            return report->phases[i].elapsed_ms;
    return 0;
}

/* A command that failed is a failure; one that could not be run, or judged, an error. */
static void add_command(struct strbuf *out, const struct report *report)
{
    cleanup_free char *line = report_command_line(report);
    begin_case(out, report, *line ? line : "run", time_of_phase(report, "command"));
    if (report->outcome != REPORT_PASSED) {
        cleanup_free char *reason = report_reason(report);
        bool is_its_own = report->code.is_known && !report->error.message;
        add_failure(out, text_pick(is_its_own, "failure", "error"), reason, report->error.hint);
    }
    strbuf_adds(out, "</testcase>\n");
}

struct case_counts {
    size_t cases, failures, errors, skipped;
};

static struct case_counts count_cases(const struct report *report)
{
    bool has_failed = report->outcome != REPORT_PASSED;
    bool is_its_own = has_failed && report->code.is_known && !report->error.message;
    struct case_counts counts = {.cases = report->resource_count + 1};
    counts.failures = is_its_own;
    counts.errors = has_failed && !is_its_own;
    for (size_t i = 0; i < report->resource_count; i++) {
        bool is_failed = report_is_failed(&report->resources[i]);
        counts.failures += is_failed;
        counts.skipped += !is_failed && !report->resources[i].is_wanted;
    }
    return counts;
}

static void add_suite(struct strbuf *out, const struct report *report)
{
    struct case_counts counts = count_cases(report);
    cleanup_free char *label = report_label(report);
    cleanup_free char *name = xasprintf("%s%s%s", text_or(report->project, "apphost"),
                                        text_if(label != NULL, " "), text_or_empty(label));
    strbuf_adds(out, "  <testsuite");
    add_attribute(out, "name", name);
    strbuf_addf(out, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", counts.cases,
                counts.failures, counts.errors, counts.skipped);
    add_seconds(out, report->elapsed_ms);
    strbuf_adds(out, ">\n");
    for (size_t i = 0; i < report->resource_count; i++)
        add_resource(out, report, &report->resources[i]);
    add_command(out, report);
    strbuf_adds(out, "  </testsuite>\n");
}

void report_junit(const struct report *report, struct strbuf *out)
{
    strbuf_adds(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for (size_t i = 0; i < report->worker_count; i++)
        add_suite(out, &report->workers[i]);
    if (!report->worker_count)
        add_suite(out, report);
    strbuf_adds(out, "</testsuites>\n");
}
