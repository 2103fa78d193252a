/* The user's command as our child: exit codes, signals, environment, folder, what cannot be started. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "session/child.h"
#include "loop/testing.h"

static char *environment[] = {(char *)"PATH=/usr/bin:/bin", (char *)"GREETING=hello", NULL};

static int start(struct child *child, struct loop *loop, const char *script, const char *folder,
                 struct error *err)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    struct child_options options = {.argv = argv, .environment = environment, .folder = folder};
    assert_int_equal(loop_init(loop, NULL), 0);
    return child_start(child, loop, &options, err);
}

/* A timer keeps the loop turning; the test fails after ten seconds. */
static void on_late(void *data)
{
    (void)data;
    fail_msg("the child did not end");
}

static void wait_for_exit(struct child *child, struct loop *loop)
{
    struct timer late;
    timer_init(loop, &late, on_late, NULL);
    timer_start(&late, 10000);
    while (!child->exited && loop_run_once(loop))
        continue;
    timer_stop(&late);
    child_end(child, true);
    assert_int_equal(loop_fini(loop), 0);
}

static void expect_code(const char *script, const char *folder, int code)
{
    struct child child;
    struct loop loop;
    assert_int_equal(start(&child, &loop, script, folder, NULL), 0);
    wait_for_exit(&child, &loop);
    assert_int_equal(child_code(&child), code);
}

static void test_codes(void **state)
{
    (void)state;
    expect_code("exit 0", NULL, 0);
    expect_code("exit 42", NULL, 42);
    expect_code("kill -9 $$", NULL, 128 + SIGKILL);
    expect_code("test \"$GREETING\" = hello && test -z \"$HOME\"", NULL, 0);
    expect_code("test \"$PWD\" = /usr", "/usr", 0);
    /* its signals are as a shell would have left them, its group is its own */
    expect_code("kill -PIPE $$; exit 0", NULL, 128 + SIGPIPE);
    expect_code("test $(ps -o pgid= -p $$) = $$ 2>/dev/null || ! command -v ps >/dev/null", NULL, 0);
}

static void test_signals_reach_the_group(void **state)
{
    (void)state;
    struct child child;
    struct loop loop;
    assert_int_equal(start(&child, &loop, "sleep 100 & wait", NULL, NULL), 0);
    child_signal(&child, SIGTERM);
    wait_for_exit(&child, &loop);
    assert_int_equal(child_code(&child), 128 + SIGTERM);
    assert_int_equal(child.signal, SIGTERM);
}

static void note_stop(int signum, void *data)
{
    *(int *)data = signum;
}

static void test_a_stopped_one_can_be_ended(void **state)
{
    (void)state;
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"kill -STOP $$; sleep 100", NULL};
    int stopped = 0;
    struct child_options options = {
        .argv = argv, .environment = environment, .on_stop = note_stop, .data = &stopped};
    struct child child;
    struct loop loop;
    struct timer late;
    assert_int_equal(loop_init(&loop, NULL), 0);
    assert_int_equal(child_start(&child, &loop, &options, NULL), 0);
    timer_init(&loop, &late, on_late, NULL);
    timer_start(&late, 10000);
    while (!stopped && loop_run_once(&loop))
        continue;
    timer_stop(&late);
    assert_int_equal(stopped, SIGSTOP);
    child_signal(&child, SIGTERM);
    wait_for_exit(&child, &loop);
    assert_int_equal(child_code(&child), 128 + SIGTERM);
}

static void expect_failure(const char *command, const char *folder, enum error_code code, const char *said)
{
    char *argv[] = {(char *)command, NULL};
    struct child_options options = {.argv = argv, .environment = environment, .folder = folder};
    struct child child;
    struct loop loop;
    struct error error = {0};
    assert_int_equal(loop_init(&loop, NULL), 0);
    assert_int_equal(child_start(&child, &loop, &options, &error), -1);
    assert_int_equal(error.code, code);
    if (!strstr(error.text, said))
        fail_msg("\"%s\" lacks \"%s\"", error.text, said);
    error_clear(&error);
    assert_int_equal(loop_fini(&loop), 0);
}

static void test_what_cannot_be_started(void **state)
{
    (void)state;
    expect_failure("no-such-program", NULL, ERROR_NOT_FOUND, "no-such-program");
    expect_failure("/etc/passwd", NULL, ERROR_NOT_EXECUTABLE, "/etc/passwd");
    expect_failure("sh", "/no/such/folder", ERROR_FAILED, "/no/such/folder");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_signals_reach_the_group),
        cmocka_unit_test(test_a_stopped_one_can_be_ended),
        cmocka_unit_test(test_what_cannot_be_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
