/* The supervisor with real guards, sockets and processes: verbs, leases, every way to end, and that nothing
 * is left. */
#include "rig.h"
#include "base/file.h"
#include "base/mem.h"
#include "guard/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define SAY "echo $$ >>$PIDS; "
static const char *const one[] = {SAY "exec sleep 1000", NULL};
static const char *const several[] = {
    SAY "exec sleep 1000",
    SAY "trap '' TERM; while :; do sleep 0.05; done",
    "setsid sh -c '" SAY "exec sleep 1000' & " SAY "exec sleep 1000",
    NULL,
};

static void expect_ok(struct rig *rig, const char *verb, cJSON *message)
{
    struct answer answer;
    rig_call(rig, verb, message, &answer);
    if (answer.error.code)
        fail_msg("%s: %s", verb, answer.error.text);
    answer_free(&answer);
}

static void starts_answers_and_ends(void **state)
{
    struct rig *rig = *state;
    struct answer hello;
    rig_start(rig, true);
    rig_call(rig, "hello", NULL, &hello);
    assert_string_equal(json_string(hello.data, "session", ""), rig->session.id);
    assert_string_equal(json_string(hello.data, "project", ""), "shop");
    assert_int_equal(json_int(hello.data, "pid", 0), rig->session.supervisor);
    assert_int_equal(json_int(hello.data, "owner", 0), getpid());
    assert_false(json_bool(hello.data, "detached", true));
    answer_free(&hello);
    expect_ok(rig, "view", NULL);
    expect_ok(rig, "down", NULL);
    cleanup_error struct error err = {0};
    struct state_session none = {0};
    assert_int_equal(supervisor_find(rig->root, RIG_PREFIX, &none, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    rig_start(rig, false); /* at once: waits for the lock */
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void second_start_finds_the_first(void **state)
{
    struct rig *rig = *state;
    cleanup_error struct error err = {0};
    int lease_fd = 7;
    rig_start(rig, true);
    assert_int_equal(rig_try_start(rig, &lease_fd, &err), 1);
    assert_false(error_is_set(&err));
    assert_int_equal(lease_fd, -1);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void is_named_after_its_project(void **state)
{
    struct rig *rig = *state;
    rig_start(rig, false);
    cleanup_free char *path = xasprintf("/proc/%ld/cmdline", (long)rig->session.supervisor);
    cleanup_free char *line = file_read(path, 100000, NULL, NULL);
    assert_string_equal(line, "apphost: shop");
    cleanup_free char *environ_path = xasprintf("/proc/%ld/environ", (long)rig->session.supervisor);
    size_t length = 0;
    cleanup_free char *shown = file_read(environ_path, 1 << 20, &length, NULL);
    assert_null(memmem(shown, length, "PATH=", 5));
    cleanup_free char *out = xasprintf("/proc/%ld/fd/1", (long)rig->session.supervisor);
    char target[512] = "";
    assert_true(readlink(out, target, sizeof target - 1) > 0);
    assert_non_null(strstr(target, "/supervisor.log"));
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void up_and_down_of_processes(void **state)
{
    struct rig *rig = *state;
    struct answer up, down;
    pid_t pids[8];
    rig_start(rig, true);
    rig_call(rig, "up", rig_up(rig, several), &up);
    assert_int_equal(up.error.code, ERROR_NONE);
    assert_true(up.transitions >= 3);
    assert_int_equal(json_count(json_get(up.data, "resources")), 3);
    answer_free(&up);
    rig_children(rig, pids, 4);
    rig_call(rig, "up", rig_up(rig, one), &up); /* a second client converges through the first's supervisor */
    assert_int_equal(up.error.code, ERROR_NONE);
    answer_free(&up);
    rig_until_left(pids, 4, 2); /* the first, and what left its group: the guard's business */
    rig_call(rig, "down", NULL, &down);
    assert_int_equal(down.error.code, ERROR_NONE);
    assert_non_null(json_get(down.data, "removed"));
    answer_free(&down);
    for (int i = 0; i < 4; i++)
        rig_until_gone(pids[i]);
    rig_until_over(rig);
}

static cJSON *ask_records(const char *session, int64_t since)
{
    cJSON *message = cJSON_CreateObject();
    json_add_bool(message, "records", true);
    json_add_string(message, "session", session);
    json_add_int(message, "since", since);
    return message;
}

/* The whole first; who comes back gets what changed meanwhile, and nothing else. */
static void records_go_on_from_a_revision(void **state)
{
    struct rig *rig = *state;
    pid_t pids[1];
    rig_start(rig, false);
    expect_ok(rig, "up", rig_up(rig, one));
    rig_children(rig, pids, 1);
    cleanup_json cJSON *whole = rig_watch(rig, ask_records(NULL, 0), "view");
    int64_t rev = json_int(whole, "rev", 0);
    assert_true(rev > 0);
    assert_int_equal(json_int(json_get(whole, "view"), "rev", 0), rev);
    assert_int_equal(json_count(json_path(whole, "view.resources")), 1);

    cleanup_json cJSON *nothing = rig_watch(rig, ask_records(rig->session.id, rev), "changes");
    assert_int_equal(json_int(nothing, "rev", 0), rev);
    assert_null(json_get(nothing, "resources"));

    cJSON *names = cJSON_CreateObject();
    cJSON_AddItemToArray(json_add_array(names, "resources"), cJSON_CreateString("p0"));
    expect_ok(rig, "restart", names);
    cleanup_json cJSON *changes = rig_watch(rig, ask_records(rig->session.id, rev), "changes");
    const cJSON *resource = cJSON_GetArrayItem(json_get(changes, "resources"), 0);
    assert_true(json_int(changes, "rev", 0) > rev);
    assert_int_equal(json_count(json_get(changes, "resources")), 1);
    assert_string_equal(json_string(resource, "name", ""), "p0");
    assert_true(json_int(resource, "pid", 0) != pids[0]);

    cleanup_json cJSON *other = rig_watch(rig, ask_records("another", rev), "view");
    cleanup_json cJSON *later = rig_watch(rig, ask_records(rig->session.id, rev + 1000), "view");
    assert_true(json_int(other, "rev", 0) == json_int(later, "rev", 0));
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static bool has_item(const cJSON *items, const char *type, const char *name)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, items)
    {
        bool is_it = strcmp(json_string(item, "type", ""), type) == 0;
        if (is_it && strcmp(json_string(item, "name", json_string(item, "state", "")), name) == 0)
            return true;
    }
    return false;
}

/* Rows with their beginning, operations, transitions; from the start of the session or from a revision. */
static void what_happened_is_remembered(void **state)
{
    struct rig *rig = *state;
    pid_t pids[1];
    rig_start(rig, false);
    expect_ok(rig, "up", rig_up(rig, one));
    rig_children(rig, pids, 1);
    cJSON *message = cJSON_CreateObject();
    json_add_bool(message, "moments", true);
    cleanup_json cJSON *news = rig_watch(rig, message, "moments");
    const cJSON *items = json_get(news, "items");
    assert_true(has_item(items, "goal", "started"));
    assert_true(has_item(items, "transition", "ready"));
    assert_true(json_int(cJSON_GetArrayItem(items, 0), "rev", 0) > 0);
    assert_int_equal(json_int(news, "from", -1), 0);

    struct answer answer;
    message = ask_records(rig->session.id, json_int(news, "rev", 0));
    rig_call(rig, "history", message, &answer);
    assert_int_equal(json_count(json_get(answer.data, "items")), 0);
    answer_free(&answer);
    rig_call(rig, "history", NULL, &answer);
    assert_true(has_item(json_get(answer.data, "items"), "goal", "started"));
    answer_free(&answer);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void edges_and_details(void **state)
{
    struct rig *rig = *state;
    struct answer answer;
    pid_t pids[1];
    cJSON *up = rig_up(rig, one), *message = cJSON_CreateObject();
    rig_start(rig, false);
    expect_ok(rig, "up", up);
    rig_children(rig, pids, 1);
    rig_call(rig, "edges", NULL, &answer);
    assert_int_equal(json_count(json_get(answer.data, "edges")), 0);
    answer_free(&answer);

    json_add_string(message, "resource", "p0");
    rig_call(rig, "details", message, &answer);
    assert_string_equal(json_string(answer.data, "node", ""), "process:p0");
    assert_non_null(json_get(answer.data, "spec"));
    assert_null(json_get(answer.data, "container"));
    answer_free(&answer);
    message = cJSON_CreateObject();
    json_add_string(message, "resource", "nobody");
    rig_call(rig, "details", message, &answer);
    assert_int_equal(answer.error.code, ERROR_NOT_RUNNING);
    answer_free(&answer);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void tells_usage_and_pages(void **state)
{
    static const char *const talks[] = {SAY "echo one; echo two; exec sleep 1000", NULL};
    struct rig *rig = *state;
    struct answer answer;
    pid_t pids[1];
    rig_start(rig, false);
    expect_ok(rig, "up", rig_up(rig, talks));
    rig_children(rig, pids, 1);
    rig_call(rig, "usage", NULL, &answer);
    const cJSON *usage = cJSON_GetArrayItem(json_get(answer.data, "resources"), 0);
    assert_string_equal(json_string(usage, "name", ""), "p0");
    assert_int_equal(json_int(usage, "pid", 0), pids[0]);
    assert_true(json_int(usage, "memoryBytes", 0) > 0);
    answer_free(&answer);

    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "before", "nonsense");
    rig_call(rig, "logs", message, &answer);
    assert_int_equal(answer.error.code, ERROR_USAGE);
    answer_free(&answer);
    message = cJSON_CreateObject();
    json_add_string(message, "grep", "((");
    rig_call(rig, "logs", message, &answer);
    assert_int_equal(answer.error.code, ERROR_USAGE);
    answer_free(&answer);
    const cJSON *lines = NULL;
    for (int64_t until = loop_clock_ms() + 60000; json_count(lines) < 2 && loop_clock_ms() < until;) {
        if (lines)
            answer_free(&answer);
        rig_call(rig, "logs", NULL, &answer);
        lines = json_get(answer.data, "lines");
    }
    assert_int_equal(json_count(lines), 2);
    assert_string_equal(json_string(cJSON_GetArrayItem(lines, 1), "line", ""), "two");
    assert_null(json_get(answer.data, "before"));
    answer_free(&answer);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void refuses_nonsense(void **state)
{
    struct rig *rig = *state;
    struct answer answer;
    rig_start(rig, true);
    rig_call(rig, "dance", NULL, &answer);
    assert_int_equal(answer.error.code, ERROR_USAGE);
    answer_free(&answer);
    rig_call(rig, "up", NULL, &answer);
    assert_true(answer.error.code != ERROR_NONE);
    answer_free(&answer);
    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "plan", "none");
    rig_call(rig, "up", message, &answer);
    assert_true(answer.error.code != ERROR_NONE);
    answer_free(&answer);
    message = cJSON_CreateObject();
    json_add_string(message, "until", "tea");
    rig_call(rig, "wait", message, &answer);
    assert_int_equal(answer.error.code, ERROR_USAGE);
    answer_free(&answer);
    message = cJSON_CreateObject();
    json_add_string(message, "resource", "none");
    rig_call(rig, "exec-info", message, &answer);
    assert_true(answer.error.code != ERROR_NONE);
    answer_free(&answer);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void start_several(struct rig *rig, bool lease, pid_t *pids)
{
    rig_start(rig, lease);
    expect_ok(rig, "up", rig_up(rig, several));
    rig_children(rig, pids, 4);
}

static void expect_nothing_left(struct rig *rig, const pid_t *pids)
{
    for (int i = 0; i < 4; i++)
        rig_until_gone(pids[i]);
    rig_until_over(rig);
}

static void lost_lease_is_a_down(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, true, pids);
    close(rig->lease_fd);
    rig->lease_fd = -1;
    expect_nothing_left(rig, pids);
}

static void returned_lease_is_none(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    struct answer hello;
    start_several(rig, true, pids);
    expect_ok(rig, "bye", NULL);
    close(rig->lease_fd);
    rig->lease_fd = -1;
    rig_call(rig, "hello", NULL, &hello);
    assert_true(json_bool(hello.data, "detached", false));
    assert_int_equal(json_int(hello.data, "owner", -1), 0);
    answer_free(&hello);
    assert_int_equal(kill(pids[0], 0), 0);
    expect_ok(rig, "down", NULL);
    expect_nothing_left(rig, pids);
}

/* A client that holds the session through its connection, and ends without a word. */
static void lost_connection_is_a_down(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, true, pids);
    cJSON *message = rig_up(rig, several);
    json_add_bool(message, "lease", true);
    close(rig->lease_fd); /* the other end notices after the request, or before: both are right */
    rig->lease_fd = -1;
    struct answer answer;
    rig_call(rig, "up", message, &answer);
    answer_free(&answer);
    expect_nothing_left(rig, pids);
}

static void detached_stays(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, false, pids);
    expect_ok(rig, "view", NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(kill(pids[i], 0), 0);
    expect_ok(rig, "down", NULL);
    expect_nothing_left(rig, pids);
}

static void signals_are_a_down(void **state)
{
    struct rig *rig = *state;
    static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        pid_t pids[8];
        unlink(rig->pids);
        start_several(rig, false, pids);
        kill(i == 1 ? rig->session.guard : rig->session.supervisor, signals[i]);
        expect_nothing_left(rig, pids);
    }
}

static void killed_guard_is_a_down(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, false, pids);
    kill(rig->session.guard, SIGKILL);
    expect_nothing_left(rig, pids);
    cleanup_free char *log = rig_log(rig);
    assert_non_null(strstr(log, "the guard"));
}

static void killed_supervisor_is_cleaned_up_after(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, false, pids);
    kill(rig->session.supervisor, SIGKILL);
    expect_nothing_left(rig, pids); /* gc forgets the record, and frees the lock that it was handed */
    cleanup_free char *log = rig_log(rig);
    assert_non_null(strstr(log, "ended with signal 9; cleaning up"));
}

/* While the guard cleans up, `up` waits for the lock and then starts anew. */
static void start_waits_for_the_cleaning(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    start_several(rig, false, pids);
    pid_t guard = rig->session.guard, supervisor = rig->session.supervisor;
    kill(supervisor, SIGKILL);
    rig_until_gone(supervisor);
    rig_start(rig, false);
    for (int i = 0; i < 4; i++)
        rig_until_gone(pids[i]);
    rig_until_gone(guard);
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void kill_both(struct rig *rig)
{
    kill(rig->session.guard, SIGSTOP); /* so that it cannot react in between */
    kill(rig->session.supervisor, SIGKILL);
    kill(rig->session.guard, SIGKILL);
    rig_until_gone(rig->session.supervisor);
    rig_until_gone(rig->session.guard);
}

static void next_start_heals(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    cleanup_error struct error err = {0};
    struct state_session found = {0};
    start_several(rig, false, pids);
    kill_both(rig);
    assert_int_equal(kill(pids[0], 0), 0);
    assert_int_equal(supervisor_find(rig->root, RIG_PREFIX, &found, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    cleanup_free char *old_socket = xstrdup(rig->session.socket);
    rig_start(rig, false);
    for (int i = 0; i < 4; i++)
        rig_until_gone(pids[i]);
    assert_false(file_exists(old_socket));
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

static void clean_heals(void **state)
{
    struct rig *rig = *state;
    pid_t pids[8];
    struct error err = {0};
    cleanup_strlist struct strlist removed = {0};
    cleanup_free char *folder = state_folder(rig->root, RIG_PREFIX);
    start_several(rig, false, pids);
    assert_int_equal(supervisor_clean(folder, rig->session.id, NULL, rig->environment, &removed, &err), -1);
    assert_int_equal(err.code, ERROR_OWNER); /* it runs */
    error_clear(&err);
    kill_both(rig);
    assert_int_equal(supervisor_clean(folder, "0", NULL, rig->environment, &removed, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    error_clear(&err);
    if (supervisor_clean(folder, rig->session.id, NULL, rig->environment, &removed, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(removed.count, 1);
    expect_nothing_left(rig, pids);
}

static void failure_to_start_is_told(void **state)
{
    struct rig *rig = *state;
    struct error err = {0};
    int lease_fd = -1;
    rig->log_dir = "/proc/nowhere/logs";
    assert_int_equal(rig_try_start(rig, &lease_fd, &err), -1);
    assert_non_null(strstr(err.text, "/proc/nowhere"));
    assert_int_equal(lease_fd, -1);
    error_clear(&err);
    rig->log_dir = NULL;
    rig_start(rig, true); /* nothing stands in the way of the next */
    expect_ok(rig, "down", NULL);
    rig_until_over(rig);
}

/* What the guard executes: see guard.h. */
static int collect_garbage(const char *session)
{
    extern char **environ;
    cleanup_free char *root = state_root(environ, NULL);
    cleanup_free char *folder = state_folder(root, RIG_PREFIX);
    cleanup_strlist struct strlist removed = {0};
    cleanup_error struct error err = {0};
    if (supervisor_clean(folder, session, NULL, environ, &removed, &err) == 0)
        return 0;
    fprintf(stderr, "gc failed: %s\n", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "gc") == 0 && strcmp(argv[2], "--session") == 0)
        return collect_garbage(argv[3]);
#define CASE(f) cmocka_unit_test_setup_teardown(f, rig_open, rig_close)
    const struct CMUnitTest tests[] = {
        CASE(starts_answers_and_ends),
        CASE(second_start_finds_the_first),
        CASE(is_named_after_its_project),
        CASE(up_and_down_of_processes),
        CASE(records_go_on_from_a_revision),
        CASE(what_happened_is_remembered),
        CASE(edges_and_details),
        CASE(tells_usage_and_pages),
        CASE(refuses_nonsense),
        CASE(lost_lease_is_a_down),
        CASE(returned_lease_is_none),
        CASE(lost_connection_is_a_down),
        CASE(detached_stays),
        CASE(signals_are_a_down),
        CASE(killed_guard_is_a_down),
        CASE(killed_supervisor_is_cleaned_up_after),
        CASE(start_waits_for_the_cleaning),
        CASE(next_start_heals),
        CASE(clean_heals),
        CASE(failure_to_start_is_told),
    };
#undef CASE
    alarm(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
