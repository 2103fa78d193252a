/* What a run was, in all forms: nothing breaks out of them, and no secret is in any. */
#include "report/internal.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct report_timing times[] = {{"waiting", 3}, {"healthy", 40}};
static struct report_resource resources[] = {
    {.name = "cache",
     .kind = "redis",
     .state = "ready",
     .is_wanted = true,
     .address = "h:1,password=***",
     .timings = times,
     .timing_count = 2},
    {.name = "api",
     .kind = "process",
     .state = "failed",
     .is_wanted = true,
     .exit_code = {true, 7},
     .last_lines = "<b>&\"\n``` fence ````\n\x1b[31mred\n"},
    {.name = "hand", .kind = "process", .state = "manual"},
};
static struct report_span spans[] = {{"cache", "healthy", false, 0, 40}};
static const char *command[] = {"npm", "run", "a|b <x>"};

static struct report a_report(void)
{
    return (struct report){.version = 1,
                           .outcome = REPORT_FAILED,
                           .phase = "done",
                           .exit_code = {true, 3},
                           .code = {true, 3},
                           .elapsed_ms = 1234,
                           .project = "shop",
                           .command = command,
                           .command_count = 3,
                           .resources = resources,
                           .resource_count = 3,
                           .spans = spans,
                           .span_count = 1};
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not there: %s\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("there: %s\n%s", part, text);
}

static void forms_by_suffix_or_prefix(void **state)
{
    static const struct {
        const char *option, *file;
        enum report_form form;
    } rows[] = {
        {"r.json", "r.json", REPORT_JSON},    {"r", "r", REPORT_JSON},
        {"r.xml", "r.xml", REPORT_JUNIT},     {"r.md", "r.md", REPORT_MARKDOWN},
        {"md:/s/1", "/s/1", REPORT_MARKDOWN}, {"json:r.md", "r.md", REPORT_JSON},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *file;
        assert_int_equal(report_form_of(rows[i].option, &file), rows[i].form);
        assert_string_equal(file, rows[i].file);
    }
}

static void junit_has_a_case_each_and_the_command(void **state)
{
    struct report report = a_report();
    cleanup_strbuf struct strbuf out = {0};
    (void)state;
    report_junit(&report, &out);
    const char *text = strbuf_text(&out);
    has(text, "tests=\"4\" failures=\"2\" errors=\"0\" skipped=\"1\" time=\"1.234\"");
    has(text, "name=\"cache\" time=\"0.043\"></testcase>");
    has(text, "name=\"api\" time=\"0.000\"><failure message=\"exit code 7\">&lt;b&gt;&amp;&quot;&#10;");
    has(text, "name=\"hand\" time=\"0.000\"><skipped/>");
    has(text, "name=\"npm run 'a|b &lt;x&gt;'\"");
    has_not(text, "\x1b");
}

static void junit_says_what_was_never_run(void **state)
{
    struct report report = a_report();
    cleanup_strbuf struct strbuf out = {0};
    (void)state;
    report.outcome = REPORT_UNFINISHED;
    report.phase = "up";
    report.code.is_known = false;
    report_junit(&report, &out);
    has(strbuf_text(&out), "<error message=\"apphost was ended in phase up\">");
    has(strbuf_text(&out), "errors=\"1\"");
}

static void markdown_keeps_what_is_in_it_inside(void **state)
{
    struct report report = a_report();
    cleanup_strbuf struct strbuf out = {0};
    (void)state;
    report_markdown(&report, &out);
    const char *text = strbuf_text(&out);
    has(text, "### shop: failed in 1.23s");
    has(text, "Command: npm run 'a\\|b &lt;x>'");
    has(text, "| api | failed | 0.00s |");
    has(text, "\n`````text\n<b>"); /* longer than the one within */
    has(text, "cache     healthy  0.04s");
}

static void annotations_stay_on_their_line(void **state)
{
    struct report report = a_report();
    struct scrub none = {0};
    char *text = NULL;
    size_t length = 0;
    (void)state;
    scrub_ready(&none);
    cleanup_json cJSON *document = report_document(&report, &none, true);
    FILE *stream = open_memstream(&text, &length);
    report_annotate(document, stream);
    fclose(stream);
    has(text, "::error title=api::exit code 7%0A<b>&\"%0A```");
    has(text, "\n::error title=apphost run::exit code 3\n");
    free(text);
}

static void no_secret_is_in_the_document(void **state)
{
    struct report report = a_report();
    struct scrub scrub = {0};
    const char *words[] = {"login", "hunter2-secret", "cache"};
    (void)state;
    scrub_add(&scrub, "hunter2-secret");
    scrub_add(&scrub, "cache"); /* the server's name as well, which stays */
    scrub_ready(&scrub);
    report.command = words;
    resources[1].last_probe = "it said hunter2-secret";
    cleanup_json cJSON *sure = report_document(&report, &scrub, true);
    cleanup_json cJSON *unsure = report_document(&report, &scrub, false);
    cleanup_free char *text = json_print(sure), *rest = json_print(unsure);
    resources[1].last_probe = NULL;
    scrub_free(&scrub);

    has(text, "it said ***");
    has(text, "\"name\":\"cache\"");
    has(text, "[\"login\",\"***\",\"***\"]");
    has_not(text, "hunter2");
    has(text, "lastLines");
    has_not(rest, "lastLines");
    has_not(rest, "lastProbe");
}

static void workers_are_one_document(void **state)
{
    struct report report = a_report(),
                  whole = {.version = 1, .outcome = REPORT_FAILED, .exit_code = {true, 3}};
    struct scrub none = {0};
    cleanup_strbuf struct strbuf out = {0};
    (void)state;
    scrub_ready(&none);
    report.worker = 1;
    report.variant = "image=redis:7.2";
    cJSON *parts[] = {report_document(&report, &none, true), report_of_lost_worker(2, NULL)};
    cleanup_json cJSON *document = report_of_workers(&whole, parts, 2);
    cleanup_free char *text = json_print(document);
    has(text, "\"worker\":2");
    has(text, "\"outcome\":\"unfinished\"");

    struct report read = {0};
    struct arena arena = {0};
    assert_int_equal(record_take(&report_record, document, &arena, &read, "it", NULL), 0);
    report_markdown(&read, &out);
    arena_free(&arena);
    has(strbuf_text(&out), "| image=redis:7.2 | failed | 3 | 1.23s |");
    has(strbuf_text(&out), "| worker 2 | unfinished |");
}

/* The table of a matrix, as a terminal has it. */
static void workers_are_a_table(void **state)
{
    struct report good = a_report(), bad = a_report(), whole = {.version = 1, .outcome = REPORT_FAILED};
    struct scrub none = {0};
    char *text = NULL;
    size_t length = 0;
    (void)state;
    scrub_ready(&none);
    good.variant = "image=redis:7.2";
    good.outcome = REPORT_PASSED;
    good.exit_code = good.code = (struct record_maybe){true, 0};
    bad.variant = "image=valkey:8.1";
    bad.worker = 2;
    cJSON *parts[] = {report_document(&good, &none, true), report_document(&bad, &none, true),
                      report_of_lost_worker(3, "image=\x1b[31mred")};
    cleanup_json cJSON *document = report_of_workers(&whole, parts, 3);
    FILE *stream = open_memstream(&text, &length);
    report_print_workers(document, stream, false);
    fclose(stream);

    has(text, "RUN ");
    has(text, "image=redis:7.2");
    has(text, "passed");
    has(text, "image=valkey:8.1");
    has(text, "failed");
    has(text, "unfinished");
    has_not(text, "\x1b"); /* it is a terminal's */
    free(text);

    /* Of one alone there is nothing to compare. */
    cleanup_json cJSON *single = report_document(&good, &none, true);
    text = NULL;
    stream = open_memstream(&text, &length);
    report_print_workers(single, stream, false);
    fclose(stream);
    has_not(text, "redis:7.2");
    free(text);
}

/* What a view says of a resource is what the report says of it. */
static void a_view_is_taken_as_it_is(void **state)
{
    struct view_resource seen[] = {
        {.name = "cache",
         .kind = "redis",
         .state = VIEW_READY,
         .restarts = 2,
         .role = "primary",
         .is_wanted = true},
        {.name = "cache-2", .replica_of = "cache", .kind = "redis", .state = VIEW_FAILED, .is_wanted = true},
    };
    struct view view = {.resources = seen, .resource_count = 2};
    struct report report = {.version = 1};
    (void)state;
    report_take_view(&report, &view);
    assert_int_equal(report.resource_count, 2);
    assert_string_equal(report.resources[0].name, "cache");
    assert_string_equal(report.resources[0].role, "primary");
    assert_int_equal(report.resources[0].restarts, 2);
    assert_string_equal(report.resources[1].replica_of, "cache");
    assert_false(report_is_failed(&report.resources[0]));
    assert_true(report_is_failed(&report.resources[1]));
    arena_free(&report.arena);
}

static void reasons_are_lines(void **state)
{
    static const struct {
        struct report_resource resource;
        const char *reason;
    } rows[] = {
        {{.name = "a", .state = "failed", .exit_code = {true, 7}}, "exit code 7"},
        {{.name = "a", .state = "failed", .signal = 9}, "signal 9"},
        {{.name = "a", .state = "failed", .exit_code = {true, 137}, .is_out_of_memory = true}, "memory"},
        {{.name = "a", .state = "failed"}, ""},
        {{.name = "a", .state = "failed", .error = {.message = "the port is taken"}}, "the port is taken"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cleanup_free char *reason = report_resource_reason(&rows[i].resource);
        has(reason, rows[i].reason);
        assert_null(strchr(reason, '\n'));
    }
}

static void a_file_is_replaced_or_stays(void **state)
{
    char folder[] = "/tmp/report.XXXXXX";
    struct error error = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    cleanup_free char *file = xasprintf("%s/r.json", folder), *away = xasprintf("%s/no/r.json", folder);
    struct report report = a_report();
    cleanup_json cJSON *document = record_to_json(&report_record, &report);
    assert_int_equal(report_write(document, file, NULL), 0);
    assert_int_equal(report_write(document, away, &error), -1);
    has(error.text, "no/r.json");
    error_clear(&error);
    size_t length = 0;
    cleanup_free char *text = file_read(file, 1 << 20, &length, NULL);
    cleanup_json cJSON *again = json_parse(text, length, NULL);
    assert_int_equal(json_int(again, "exitCode", -1), 3);
    file_remove_tree(folder, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forms_by_suffix_or_prefix),
        cmocka_unit_test(junit_has_a_case_each_and_the_command),
        cmocka_unit_test(junit_says_what_was_never_run),
        cmocka_unit_test(markdown_keeps_what_is_in_it_inside),
        cmocka_unit_test(annotations_stay_on_their_line),
        cmocka_unit_test(no_secret_is_in_the_document),
        cmocka_unit_test(workers_are_one_document),
        cmocka_unit_test(workers_are_a_table),
        cmocka_unit_test(a_view_is_taken_as_it_is),
        cmocka_unit_test(reasons_are_lines),
        cmocka_unit_test(a_file_is_replaced_or_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
