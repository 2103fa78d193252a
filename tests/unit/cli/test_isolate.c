/* What isolated workers differ in, and how the parent passes on what they print. */
#include "cli/isolate.h"
#include "cli/isolate_relay.h"
#include "console/redis_store.h"
#include "project/worker.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_path(void **state)
{
    static const struct {
        int count;
        const char *path, *wanted;
    } rows[] = {
        {1, "report.json", "report.json"}, {4, "report.json", "report-3.json"},
        {4, "a.b/logs", "a.b/logs-3"},     {4, "a/report.x.json", "a/report.x-3.json"},
        {4, ".hidden", ".hidden-3"},       {0, "x", "x"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct isolate_worker worker = {.number = 3, .count = rows[i].count};
        cleanup_free char *path = isolate_path(&worker, rows[i].path);
        assert_string_equal(path, rows[i].wanted);
    }
    assert_null(isolate_path(&(struct isolate_worker){.count = 4}, NULL));
}

static void test_image(void **state)
{
    static const struct {
        const char *image;
        enum model_kind kind;
    } rows[] = {
        {"redis:7.2", MODEL_REDIS},
        {"valkey/valkey:8.1", MODEL_VALKEY},
        {"ghcr.io/acme/valkey-bundle:8.1", MODEL_VALKEY},
        {"ghcr.io/valkey/redis:1", MODEL_REDIS},
        {"ghcr.io/microsoft/garnet:1.0", MODEL_GARNET},
        {"acme/store:3", MODEL_VALKEY}, /* as the manifest has it */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model_resource resources[] = {{.kind = MODEL_VALKEY, .image = "valkey/valkey:8"},
                                             {.kind = MODEL_CONTAINER, .image = "nginx:1"}};
        struct model model = {.resources = resources, .resource_count = 2};
        worker_use_image(&model, rows[i].image);
        assert_string_equal(resources[0].image, rows[i].image);
        assert_int_equal(resources[0].kind, rows[i].kind);
        assert_string_equal(resources[1].image, "nginx:1");
    }
}

static void test_model(void **state)
{
    struct model_mount writable = {.is_volume = true}, fixed = {.read_only = true};
    struct model_endpoint told = {.port = 80, .env = "PORT"}, untold = {.port = 81};
    struct model_resource resources[] = {
        {.kind = MODEL_REDIS, .lifetime = MODEL_PERSISTENT, .redis = {.host_port = 6379, .data = &writable}},
        {.kind = MODEL_VALKEY, .redis = {.data = &fixed, .commander = {.host_port = 8081}}},
        {.kind = MODEL_PROCESS, .endpoints = &told, .endpoint_count = 1},
        {.kind = MODEL_PROCESS, .endpoints = &untold, .endpoint_count = 1},
    };
    struct model model = {.resources = resources, .resource_count = 4};
    (void)state;
    worker_isolate(&model);
    assert_int_equal(resources[0].redis.host_port, 0);
    assert_null(resources[0].redis.data);
    assert_int_equal(resources[0].lifetime, MODEL_SESSION);
    assert_ptr_equal(resources[1].redis.data, &fixed);
    assert_int_equal(resources[1].redis.commander.host_port, 0);
    assert_int_equal(told.port, 0);
    assert_int_equal(untold.port, 81);
}

static void add_child(struct isolate_relay *relay, int number, const char *script)
{
    int out[2], errors[2];
    assert_int_equal(pipe2(out, O_CLOEXEC) + pipe2(errors, O_CLOEXEC), 0);
    sigset_t held, before;
    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    /* An earlier relay's handlers are still there: until they are reset, the child must not swallow a signal.
     */
    sigprocmask(SIG_BLOCK, &held, &before);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, SIG_DFL);
        signal(SIGHUP, SIG_DFL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        dup2(out[1], STDOUT_FILENO);
        dup2(errors[1], STDERR_FILENO);
        execl("/bin/sh", "sh", "-c", script, (char *)NULL);
        _exit(127);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(out[1]);
    close(errors[1]);
    isolate_relay_add(relay, &(struct isolate_name){.number = number, .count = 3}, pid,
                      (int[2]){out[0], errors[0]});
}

/* Runs the relay with standard output in a file; the worst code, and the text. */
static int relay_text(struct isolate_relay *relay, char **text)
{
    char path[] = "/tmp/test-isolate-XXXXXX";
    int file = mkstemp(path), before = dup(STDOUT_FILENO);
    fflush(stdout);
    dup2(file, STDOUT_FILENO);
    int code = isolate_relay_run(relay);
    fflush(stdout);
    dup2(before, STDOUT_FILENO);
    close(before);
    close(file);
    *text = file_read(path, 1 << 20, NULL, NULL);
    unlink(path);
    return code;
}

static void test_relay(void **state)
{
    struct output output = {.quiet = true};
    struct isolate_relay *relay = isolate_relay_new(&output);
    cleanup_free char *text = NULL;
    (void)state;
    add_child(relay, 1, "printf 'one\\ntwo'; exit 3");
    add_child(relay, 2, "printf 'a'; sleep 0.05; echo b; kill -9 $$");
    add_child(relay, 3, "exec >&- 2>&-; exit 0");
    add_child(relay, 4, "sleep 2 & echo started");
    assert_int_equal(relay_text(relay, &text), 137);
    assert_non_null(strstr(text, "[1] one\n"));
    assert_non_null(strstr(text, "[1] two\n"));
    assert_non_null(strstr(text, "[2] ab\n"));
    assert_non_null(strstr(text, "[4] started\n"));
}

static void on_early(int signum)
{
    (void)signum;
}

/* The worker waits until the relay is told; the relay passes on what it gets. */
static void test_relay_passes_signals_on(void **state)
{
    struct output output = {.quiet = true};
    struct isolate_relay *relay = isolate_relay_new(&output);
    /* Further ones are ignored once the first has come, or the trap would run inside the trap. */
    cleanup_free char *script = xasprintf("trap 'got=1' HUP; for i in $(seq 3000); do [ \"$got\" ] && break; "
                                          "kill -HUP %ld; sleep 0.02; done; trap '' HUP; "
                                          "[ \"$got\" ] && echo got it && exit 5",
                                          (long)getpid());
    cleanup_free char *text = NULL;
    (void)state;
    signal(SIGHUP, on_early); /* until the relay watches; ignored it would be for the worker, too */
    add_child(relay, 1, script);
    assert_int_equal(relay_text(relay, &text), 5);
    signal(SIGHUP, SIG_DFL);
    assert_string_equal(text, "[1] got it\n");
}

static void test_relay_stops(void **state)
{
    struct output output = {.quiet = true};
    struct isolate_relay *relay = isolate_relay_new(&output);
    cleanup_free char *text = NULL;
    (void)state;
    add_child(relay, 1, "exec sleep 1000");
    isolate_relay_stop(relay);
    assert_int_equal(relay_text(relay, &text), 128 + SIGTERM);
}

static void test_snapshot_names(void **state)
{
    static const char *const good[] = {"clean", "a.b", "A_b-2", "0"};
    static const char *const bad[] = {"", ".", "..", "a/b", "../x", "-a", ".a", "a b", "a\n", "ä", "x.tmp"};
    char name[102];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(redis_store_check_name(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_error struct error err = {0};
        assert_int_equal(redis_store_check_name(bad[i], &err), -1);
        assert_int_equal(err.code, ERROR_USAGE);
    }
    memset(name, 'a', sizeof name);
    name[101] = '\0';
    assert_int_equal(redis_store_check_name(name, NULL), -1);
    name[100] = '\0';
    assert_int_equal(redis_store_check_name(name, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path),
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_image),
        cmocka_unit_test(test_relay),
        cmocka_unit_test(test_relay_passes_signals_on),
        cmocka_unit_test(test_relay_stops),
        cmocka_unit_test(test_snapshot_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
