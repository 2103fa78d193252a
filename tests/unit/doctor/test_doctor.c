/* Every finding of apphost doctor with its fix, and the report as text and as JSON. */
#include "clinic.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHOP "name: shop\nresources:\n  cache: {type: redis, image: redis:7.4}\n"
#define PUBLISHED "published ports are reached at 192.0.2.7: APPHOST_PUBLISHED_HOST*"

static const struct saying answers[] = {
    {"/_ping", 200, "OK"},
    {"/containers/json", 200, "[]"},
    {"redis", 200, "{\"Id\":\"sha256:1\"}"}, /* its image */
    {NULL, 0, NULL},
};

/* ---- program ---- */

static void test_the_program_is_told_with_its_libraries(void **state)
{
    struct clinic *clinic = *state;
    CHECK(clinic, "program");
    FINDS(clinic, {DOCTOR_PASS, "apphost " APPHOST_VERSION " from source, libcurl *", NULL});
}

/* ---- engine ---- */

static void test_an_engine_is_named_with_its_way_and_version(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *which =
        xasprintf("unix://%s/engine.sock (DOCKER_HOST), Docker/20.10.24 (linux), API 1.41", clinic->folder);
    clinic_engine(clinic, answers);
    CHECK(clinic, "engine");
    FINDS(clinic, {DOCTOR_PASS, which, NULL}, {DOCTOR_PASS, PUBLISHED, NULL});
    assert_true(clinic->doctor.has_engine);
}

static void test_an_engine_that_is_not_there_fails_with_the_way(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *which = xasprintf("unix://%s/engine.sock (DOCKER_HOST)", clinic->folder);
    CHECK(clinic, "engine");
    FINDS(clinic, {DOCTOR_WARNING, which, "if that is the wrong one*"},
          {DOCTOR_FAIL, "the container engine is not running*", "*"});
    assert_false(clinic->doctor.has_engine);
    assert_int_equal(clinic->doctor.first.code, ERROR_ENGINE);
}

static void test_an_engine_that_refuses_fails(void **state)
{
    static const struct saying broken[] = {{"/_ping", 500, "{\"message\":\"out of order\"}"},
                                           {NULL, 0, NULL}};
    struct clinic *clinic = *state;
    clinic_engine(clinic, broken);
    CHECK(clinic, "engine", "images");
    assert_int_equal(clinic->doctor.counts[DOCTOR_FAIL], 1);
    assert_false(clinic->doctor.has_engine);
}

static void test_an_address_that_is_none_fails(void **state)
{
    struct clinic *clinic = *state;
    free(clinic->environment.items[4]);
    clinic->environment.items[4] = xstrdup("DOCKER_HOST=gopher://x");
    CHECK(clinic, "engine");
    FINDS(clinic, {DOCTOR_FAIL, "DOCKER_HOST: \"gopher://x\" is no engine address", "use unix:///*"});
}

static void test_the_native_engine_wants_the_servers_program(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *program = path_join(clinic->folder, "redis-server");
    static const char script[] = "#!/bin/sh\necho Redis server v=7.4.0 sha=0\n";
    clinic_manifest(clinic, "name: shop\nengine: native\nresources:\n  cache: {type: redis}\n");
    CHECK(clinic, "engine");
    FINDS(clinic, {DOCTOR_FAIL, "*", "*"});

    assert_int_equal(file_write_atomic(program, script, sizeof script - 1, 0755, NULL), 0);
    CHECK(clinic, "engine");
    FINDS(clinic, {DOCTOR_PASS, "native: the servers run on this machine, without containers", NULL});
    assert_false(clinic->doctor.has_engine);
}

/* ---- manifest, images, ports ---- */

static void test_a_manifest_is_there_or_missing_or_wrong(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *good = xasprintf("%s/apphost.yaml: project shop, 1 resource", clinic->folder);
    CHECK(clinic, "manifest");
    FINDS(clinic, {DOCTOR_WARNING, "*", "apphost init"});

    clinic_manifest(clinic, SHOP);
    CHECK(clinic, "manifest");
    FINDS(clinic, {DOCTOR_PASS, good, NULL});

    clinic_manifest(clinic, "name: shop\nresources:\n  cache: {type: redis, prot: 1}\n");
    CHECK(clinic, "manifest");
    FINDS(clinic, {DOCTOR_FAIL, "*", "apphost validate"});
    assert_int_equal(clinic->doctor.first.code, ERROR_MANIFEST);
}

static void test_each_image_is_looked_at_once(void **state)
{
    struct clinic *clinic = *state;
    clinic_manifest(clinic, "name: shop\nresources:\n"
                            "  cache: {type: redis, image: redis:7.4}\n"
                            "  other: {type: redis, image: redis:7.4}\n"
                            "  third: {type: valkey, image: valkey:8}\n");
    clinic_engine(clinic, answers);
    CHECK(clinic, "engine", "images");
    FINDS(clinic, {DOCTOR_PASS, NULL, NULL}, {DOCTOR_PASS, PUBLISHED, NULL},
          {DOCTOR_PASS, "redis:7.4 is there", NULL},
          {DOCTOR_WARNING, "valkey:8 is not there yet: up will pull it", "apphost pull"});
}

static int take_port(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static void test_a_port_that_somebody_has_fails_with_its_holder(void **state)
{
    struct clinic *clinic = *state;
    int port, fd = take_port(&port);
    cleanup_free char *manifest =
        xasprintf("name: shop\nresources:\n  cache: {type: redis, image: redis:7.4, host_port: %d}\n", port);
    cleanup_free char *text = xasprintf("port %d of cache is taken by *", port);
    clinic_manifest(clinic, manifest);
    CHECK(clinic, "ports");
    FINDS(clinic, {DOCTOR_FAIL, text, "another host_port in the manifest, or end who holds it"});
    assert_int_equal(clinic->doctor.first.code, ERROR_NONE);
    close(fd);
}

static void test_ports_of_a_project_that_runs_are_its_own(void **state)
{
    struct clinic *clinic = *state;
    int port, fd = take_port(&port);
    cleanup_free char *manifest =
        xasprintf("name: shop\nresources:\n  cache: {type: redis, image: redis:7.4, host_port: %d}\n", port);
    clinic_manifest(clinic, manifest);
    CHECK(clinic, "manifest");
    int lock = clinic_session(clinic, clinic->context.project.hash, true);

    CHECK(clinic, "ports");
    FINDS(clinic, {DOCTOR_PASS, "the project is running: its ports are its own", NULL});
    close(lock);
    close(fd);
}

static void test_ports_that_nobody_has_are_in_nobodys_way(void **state)
{
    struct clinic *clinic = *state;
    clinic_manifest(clinic, "name: shop\nresources:\n  app: {type: process, command: [sleep, '1']}\n");
    CHECK(clinic, "ports");
    FINDS(clinic, {DOCTOR_PASS, "no port of the manifest is in anybody's way", NULL});
}

/* ---- leftovers, state, sessions, sockets ---- */

static void test_nothing_is_left(void **state)
{
    struct clinic *clinic = *state;
    CHECK(clinic, "leftovers");
    FINDS(clinic, {DOCTOR_PASS, "no dead session has left anything", NULL});
}

static void test_a_dead_session_is_told_with_what_removes_it(void **state)
{
    struct clinic *clinic = *state;
    clinic->context.dry_run = true;
    clinic_session(clinic, "0a1b2c3d", false);
    CHECK(clinic, "leftovers");
    FINDS(clinic, {DOCTOR_WARNING, "1 dead session, 0 containers without an owner", "apphost gc"});
}

static void test_a_dead_session_that_cannot_be_removed_is_told(void **state)
{
    struct clinic *clinic = *state;
    clinic_session(clinic, "0a1b2c3d", false);
    CHECK(clinic, "leftovers");
    assert_int_equal(clinic->doctor.counts[DOCTOR_FAIL], 0);
    assert_true(clinic->doctor.finding_count >= 1);
}

static void add_container(struct strbuf *list, const char *project, long uid, const char *lifetime)
{
    const char *comma = ",";
    if (!list->length)
        comma = "[";
    strbuf_addf(list,
                "%s{\"Id\":\"1\",\"Names\":[\"/x\"],\"State\":\"running\",\"Labels\":{"
                "\"io.apphost.project\":\"%s\",\"io.apphost.project-hash\":\"0a1b2c3d\","
                "\"io.apphost.uid\":\"%ld\",\"io.apphost.lifetime\":\"%s\"}}",
                comma, project, uid, lifetime);
}

static void test_containers_without_an_owner_are_told_by_project(void **state)
{
    struct clinic *clinic = *state;
    cleanup_strbuf struct strbuf list = {0};
    long uid = (long)getuid();
    add_container(&list, "shop", uid, "session");
    add_container(&list, "shop", uid, "session");
    add_container(&list, "yard", uid, "session");
    add_container(&list, "kept", uid, "persistent");
    add_container(&list, "theirs", uid + 1, "session");
    strbuf_adds(&list, "]");

    const struct saying sayings[] = {
        {"/_ping", 200, "OK"}, {"/containers/json", 200, strbuf_text(&list)}, {NULL, 0, NULL}};
    clinic_engine(clinic, sayings);
    CHECK(clinic, "engine", "leftovers");
    FINDS(clinic, {DOCTOR_PASS, NULL, NULL}, {DOCTOR_PASS, PUBLISHED, NULL},
          {DOCTOR_WARNING, "0 dead sessions, 3 containers without an owner of shop, yard",
           "apphost down, in the project's folder"});
}

static void test_the_folder_of_all_state_is_there_or_cannot_be(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *file = path_join(clinic->folder, "file");
    CHECK(clinic, "state");
    FINDS(clinic, {DOCTOR_PASS, clinic->root, NULL});

    assert_int_equal(file_write_atomic(file, "", 0, 0600, NULL), 0);
    free(clinic->environment.items[0]);
    clinic->environment.items[0] = xasprintf("XDG_STATE_HOME=%s/below", file);
    CHECK(clinic, "state");
    assert_int_equal(clinic->doctor.counts[DOCTOR_FAIL], 1);
    assert_int_equal(clinic->doctor.finding_count, 1);
}

static void test_sessions_that_run_can_be_reached_or_are_named(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *silent =
        xasprintf("the supervisor of shop (pid %ld, state in %s/shop-0a1b2c3d) does not answer",
                  (long)getpid(), clinic->root);
    CHECK(clinic, "sessions");
    FINDS(clinic, {DOCTOR_PASS, "none is running", NULL});

    int lock = clinic_session(clinic, "0a1b2c3d", true);
    clinic_session(clinic, "4e5f6071", false);
    CHECK(clinic, "sessions");
    FINDS(clinic, {DOCTOR_WARNING, silent, "apphost down -p shop, which tells it by a signal"});
    close(lock);
}

static void test_the_folder_of_sockets_is_named(void **state)
{
    struct clinic *clinic = *state;
    cleanup_free char *folder = path_join(clinic->folder, "apphost");
    CHECK(clinic, "sockets");
    FINDS(clinic, {DOCTOR_PASS, folder, NULL});
}

/* ---- the report ---- */

/* An error that says nothing of it either. */
static void test_each_failure_has_a_fix(void **state)
{
    struct clinic *clinic = *state;
    struct doctor *doctor = &clinic->doctor;
    for (int code = ERROR_NONE + 1; code < ERROR_CODE_COUNT; code++) {
        cleanup_error struct error error = {0};
        error_set(&error, (enum error_code)code, "it is broken");
        doctor_fail(doctor, &error);
        const struct doctor_finding *finding = &doctor->findings[doctor->finding_count - 1];
        assert_int_equal(finding->status, DOCTOR_FAIL);
        assert_true(finding->fix && *finding->fix);
        error_hint(&error, "mend it");
        doctor_fail(doctor, &error);
        assert_string_equal(doctor->findings[doctor->finding_count - 1].fix, "mend it");
    }
}

static void test_the_report_is_text_with_marks_fixes_and_a_sum(void **state)
{
    struct clinic *clinic = *state;
    cleanup_error struct error error = {0};
    clinic_manifest(clinic, SHOP);
    clinic_engine(clinic, (const struct saying[]){
                              {"/_ping", 200, "OK"}, {"/containers/json", 200, "[]"}, {NULL, 0, NULL}});
    assert_int_equal(clinic_run(clinic, &error), 0);
    const char *text = strbuf_text(&clinic->printed);
    assert_non_null(strstr(text, "ok engine    unix://"));
    assert_non_null(strstr(text, "!  images    redis:7.4 is not there yet: up will pull it\n"
                                 "             fix: apphost pull\n"));
    assert_non_null(strstr(text, "\n9 passed, 1 warning, 0 failed\n"));
    assert_false(clinic->context.is_told);
}

static void test_the_report_is_unicode_where_the_terminal_is(void **state)
{
    struct clinic *clinic = *state;
    cleanup_error struct error error = {0};
    clinic->context.output.unicode = true;
    assert_int_equal(clinic_run(clinic, &error), -1);
    assert_non_null(strstr(strbuf_text(&clinic->printed), "✘ engine    the container engine is not running"));
    assert_non_null(strstr(strbuf_text(&clinic->printed), "✔ state"));
}

static void test_the_first_failure_is_the_commands(void **state)
{
    struct clinic *clinic = *state;
    cleanup_error struct error error = {0};
    clinic_manifest(clinic, "name: shop\nresources:\n  cache: {type: redis, prot: 1}\n");
    assert_int_equal(clinic_run(clinic, &error), -1);
    assert_int_equal(error.code, ERROR_ENGINE);
    assert_true(clinic->context.is_told);
    assert_non_null(strstr(strbuf_text(&clinic->printed), ", 2 failed\n"));
}

static void test_the_report_as_json_has_each_finding_and_the_sum(void **state)
{
    struct clinic *clinic = *state;
    cleanup_error struct error error = {0};
    clinic->context.output.json = true;
    clinic_manifest(clinic, SHOP);
    clinic_engine(clinic, answers);
    assert_int_equal(clinic_run(clinic, &error), 0);

    cleanup_json cJSON *report = json_parse(strbuf_text(&clinic->printed), clinic->printed.length, NULL);
    const cJSON *checks = json_get(report, "checks"), *summary = json_get(report, "summary"), *check;
    const char *last = "engine";
    assert_string_equal(json_string(report, "version", ""), APPHOST_VERSION);
    cJSON_ArrayForEach(check, checks)
    {
        assert_string_equal(json_string(check, "status", ""), "pass");
        last = json_string(check, "category", "");
        assert_true(*last);
        assert_true(*json_string(check, "message", ""));
        assert_null(json_string(check, "fix", NULL));
    }
    assert_string_equal(last, "sockets");
    assert_int_equal(json_int(summary, "passed", -1), json_count(checks));
    assert_int_equal(json_int(summary, "warnings", -1), 0);
    assert_int_equal(json_int(summary, "failed", -1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, clinic_open, clinic_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_program_is_told_with_its_libraries),
        TEST(test_an_engine_is_named_with_its_way_and_version),
        TEST(test_an_engine_that_is_not_there_fails_with_the_way),
        TEST(test_an_engine_that_refuses_fails),
        TEST(test_an_address_that_is_none_fails),
        TEST(test_the_native_engine_wants_the_servers_program),
        TEST(test_a_manifest_is_there_or_missing_or_wrong),
        TEST(test_each_image_is_looked_at_once),
        TEST(test_a_port_that_somebody_has_fails_with_its_holder),
        TEST(test_ports_of_a_project_that_runs_are_its_own),
        TEST(test_ports_that_nobody_has_are_in_nobodys_way),
        TEST(test_nothing_is_left),
        TEST(test_a_dead_session_is_told_with_what_removes_it),
        TEST(test_a_dead_session_that_cannot_be_removed_is_told),
        TEST(test_containers_without_an_owner_are_told_by_project),
        TEST(test_the_folder_of_all_state_is_there_or_cannot_be),
        TEST(test_sessions_that_run_can_be_reached_or_are_named),
        TEST(test_the_folder_of_sockets_is_named),
        TEST(test_each_failure_has_a_fix),
        TEST(test_the_report_is_text_with_marks_fixes_and_a_sum),
        TEST(test_the_report_is_unicode_where_the_terminal_is),
        TEST(test_the_first_failure_is_the_commands),
        TEST(test_the_report_as_json_has_each_finding_and_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
