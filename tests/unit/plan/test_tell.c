/* What `config` says of a specification: whatever a row of the record says, and nothing that is secret. */
#include "plan/internal.h"
#include "base/str.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void add_line(const char *label, const char *text, void *data)
{
    strbuf_addf(data, "%s%s%s\n", label ? label : "", label ? ": " : "", text);
}

static char *told(const struct plan_run *run)
{
    struct plan plan = {.project = "shop"};
    struct strbuf out = {0};
    plan_tell(&plan, run, add_line, &out);
    return strbuf_take(&out);
}

static void a_row_that_nobody_thought_of_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < plan_record_run.count; i++) {
        const struct record_field *row = &plan_record_run.fields[i];
        bool has_type = row->type != FIELD_STRUCT && row->type != FIELD_ARRAY && row->type != FIELD_CUSTOM;
        if (!has_type && !row->form)
            fail_msg("\"%s\" is no simple value: config needs a form for it (plan/forms.c)", row->name);
    }
}

static void nothing_is_told_of_nothing(void **state)
{
    (void)state;
    struct plan_run run = {0};
    cleanup_free char *text = told(&run);
    assert_string_equal(text, "");
}

static void simple_values_stand_in_a_manifests_words(void **state)
{
    (void)state;
    const char *globs[] = {"*.c", "!x.c"};
    int codes[] = {0, 3};
    struct plan_run run = {.image = "redis:8",
                           .pull = MODEL_PULL_NEVER,
                           .memory = 64 * 1024 * 1024,
                           .task = true,
                           .host_network = true,
                           .stop_signal = SIGINT,
                           .stop_timeout_ms = 90000,
                           .success_codes = codes,
                           .success_count = 2,
                           .input_end = PLAN_INPUT_CLOSED,
                           .watch = globs,
                           .watch_count = 2,
                           .restart = {MODEL_RESTART_ON_FAILURE, 500, 60000, 4},
                           .ready = {.kind = PLAN_PROBE_HTTP, .http_path = "/x", .interval_ms = 1000}};
    cleanup_free char *text = told(&run);
    assert_string_equal(text, "image: redis:8\npull: never\nnetwork: host\nmemory: 64m\nstdin: closed\n"
                              "task: true\nsuccess_exit_codes: 0 3\nstop.signal: INT\nstop.timeout: 1m30s\n"
                              "restart: on-failure, after 500ms to 1m, at most 4 times\n"
                              "ready: http\nready.http: /x\nready.interval: 1s\nwatch: *.c\nwatch: !x.c\n");
}

static void places_come_after_settings_and_variables_last(void **state)
{
    (void)state;
    struct plan_part literal = {.text = "a b"}, secret = {.kind = PLAN_SECRET, .text = "pw"};
    struct plan_text word = {&literal, 1};
    struct plan_variable variable = {"PASSWORD", {&secret, 1}};
    struct plan_port port = {
        .endpoint = "http", .scheme = "http", .preferred_port = 21000, .target_port = 80};
    struct plan_mount mount = {.source = "vol", .target = "/data", .read_only = true};
    struct model_pair label = {"a", "b", {0}};
    struct plan_run run = {.command = &word,
                           .command_count = 1,
                           .environment = &variable,
                           .environment_count = 1,
                           .ports = &port,
                           .port_count = 1,
                           .mounts = &mount,
                           .mount_count = 1,
                           .labels = &label,
                           .label_count = 1,
                           .ready = {.kind = PLAN_PROBE_PING, .password = {&secret, 1}}};
    cleanup_free char *text = told(&run);
    assert_string_equal(text, "command: 'a b'\nlabel: a=b\nready: ping\n"
                              "endpoint http: http://127.0.0.1:21000 (or the next that is free) -> 80\n"
                              "mount: vol -> /data (read-only)\nPASSWORD=***\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_that_nobody_thought_of_is_told),
        cmocka_unit_test(nothing_is_told_of_nothing),
        cmocka_unit_test(simple_values_stand_in_a_manifests_words),
        cmocka_unit_test(places_come_after_settings_and_variables_last),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
