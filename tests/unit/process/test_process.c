/* Real children of /bin/sh: output, exit, every way a start can fail, every way an end can drag on. */
#include "base/file.h"
#include "base/mem.h"
#include "guard/guard.h"
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_gone(pid_t pid)
{
    return kill(pid, 0) < 0 && errno == ESRCH;
}

static bool is_group_gone(struct run *run)
{
    return kill(-(pid_t)run->how.code, 0) < 0 && errno == ESRCH;
}

static void test_output_and_exit_code(void **state)
{
    struct run *run = *state;
    run_script(run, "echo out; echo err >&2; exit 7");
    assert_true(process_is_running(run->process));
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->exits, 1);
    assert_int_equal(run->how.code, 7);
    assert_int_equal(run->how.signal, 0);
    assert_string_equal(strbuf_text(&run->out[1]), "out\n");
    assert_string_equal(strbuf_text(&run->out[2]), "err\n");
    assert_true(run->has_ended[1] && run->has_ended[2]);
    assert_false(process_is_running(run->process));
    assert_int_equal(process_signal(run->process, SIGTERM, NULL), -1);
}

static void test_much_output_is_whole(void **state)
{
    struct run *run = *state;
    run_script(run, "seq 1 200000; seq 1 1000 >&2");
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->out[1].length, 1288895); /* seq 1 200000 | wc -c */
    assert_int_equal(run->out[2].length, 3893);
    assert_true(str_ends(strbuf_text(&run->out[1]), "\n199999\n200000\n"));
}

static void test_own_session_and_no_descriptors(void **state)
{
    struct run *run = *state;
    int leaky = open("/dev/zero", O_RDONLY); /* as libcurl's socket: not close-on-exec */
    assert_true(leaky > 2);
    /* No pipe: the shell would have its ends open for a moment. */
    run_script(run, "cut -d' ' -f1,5,6 /proc/$$/stat; ls /proc/$$/fd; readlink /proc/$$/fd/0; "
                    "echo to-stdout >/dev/stdout");
    assert_true(run_until(run, run_has_exited));
    close(leaky);
    int pid = 0, group = 0, session = 0;
    assert_int_equal(sscanf(strbuf_text(&run->out[1]), "%d %d %d", &pid, &group, &session), 3);
    assert_int_equal(pid, process_pid(run->process));
    assert_int_equal(group, pid);
    assert_int_equal(session, pid);
    assert_non_null(strstr(strbuf_text(&run->out[1]), "\n0\n1\n2\n/dev/null\nto-stdout\n"));
}

static void test_environment_is_the_given_one(void **state)
{
    struct run *run = *state;
    const char *argv[] = {"/usr/bin/env", NULL};
    const char *environment[] = {"A=1", "B=two words", NULL};
    assert_non_null(run_argv(run, argv, environment, "/tmp", NULL));
    assert_true(run_until(run, run_has_exited));
    assert_string_equal(strbuf_text(&run->out[1]), "A=1\nB=two words\n");
}

static void test_input_is_read_to_its_end(void **state)
{
    struct run *run = *state;
    char *text = malloc(200001);
    memset(text, 'x', 200000);
    text[200000] = '\0';
    run->input = text;
    run_script(run, "wc -c; readlink /proc/self/fd/0 | cut -c1-6");
    assert_true(run_until(run, run_has_exited));
    assert_non_null(strstr(strbuf_text(&run->out[1]), "200000"));
    free(text);
}

/* The input gives nothing and does not end; one process does not hold the input of another. */
static void test_input_stays_open(void **state)
{
    struct run *run = *state;
    run->keeps_input_open = true;
    run_script(run, "echo waits; cat; echo ended");
    assert_true(run_until(run, run_has_output));
    assert_string_equal(strbuf_text(&run->out[1]), "waits\n");
    assert_true(process_is_running(run->process));
    process_stop(run->process, SIGTERM, 10000);
    assert_true(run_until(run, run_has_exited));
    assert_string_equal(strbuf_text(&run->out[1]), "waits\n");
}

struct refusal {
    const char *command, *path, *dir;
    enum error_code code;
    const char *text;
};

static void test_what_cannot_start(void **state)
{
    static const struct refusal refusals[] = {
        {"no-such-command", "PATH=/usr/bin:/bin", NULL, ERROR_NOT_FOUND,
         "no-such-command was not found in PATH"},
        {"/no/such", "PATH=/bin", NULL, ERROR_NOT_FOUND, "command /no/such does not exist"},
        {"./no-such", "PATH=/bin", "/tmp", ERROR_NOT_FOUND, "command ./no-such does not exist in /tmp"},
        {"sh", "PATH=/nowhere", NULL, ERROR_NOT_FOUND, "sh was not found in PATH"},
        {"", "PATH=/bin", NULL, ERROR_NOT_FOUND, "empty"},
        {"/etc/passwd", "PATH=/bin", NULL, ERROR_NOT_EXECUTABLE, "/etc/passwd: it is not an executable file"},
        {"passwd", "PATH=/etc", NULL, ERROR_NOT_EXECUTABLE, "/etc/passwd"},
        {"/tmp", "PATH=/bin", NULL, ERROR_NOT_EXECUTABLE, "/tmp"},
        {"sh", "PATH=/bin", "/no/such/dir", ERROR_RESOURCE, "working directory /no/such/dir does not exist"},
        {"sh", "PATH=/bin", "/etc/passwd", ERROR_RESOURCE, "/etc/passwd is not a directory"},
    };
    struct run *run = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        const char *argv[] = {r->command, NULL}, *environment[] = {r->path, NULL};
        cleanup_error struct error err = {0};
        assert_null(run_argv(run, argv, environment, r->dir, &err));
        assert_int_equal(err.code, r->code);
        assert_non_null(strstr(err.text, r->text));
        if (strstr(r->text, "in PATH"))
            assert_string_equal(strstr(err.hint, "/"), r->path + strlen("PATH="));
        const struct process_options same = {.argv = argv, .environment = environment, .working_dir = r->dir};
        cleanup_error struct error checked = {0};
        assert_int_equal(process_check(&same, &checked), -1);
        assert_int_equal(checked.code, err.code);
        assert_string_equal(checked.text, err.text);
    }
    assert_int_equal(run->exits, 0);
}

static void write_script(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
    assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static void test_interpreter_and_relative_commands(void **state)
{
    struct run *run = *state;
    char dir[] = "/tmp/test-process-XXXXXX";
    assert_non_null(mkdtemp(dir));
    cleanup_free char *odd = path_join(dir, "odd"), *good = path_join(dir, "good");
    write_script(odd, "#!/no/such/interpreter\n");
    write_script(good, "#!/bin/sh\npwd\n");
    const char *environment[] = {"PATH=.:/bin", NULL};
    cleanup_error struct error err = {0};
    assert_null(run_argv(run, (const char *[]){"./odd", NULL}, environment, dir, &err));
    assert_int_equal(err.code, ERROR_NOT_FOUND);
    assert_non_null(strstr(err.text, "interpreter"));
    assert_non_null(run_argv(run, (const char *[]){"good", NULL}, environment, dir, NULL));
    assert_true(run_until(run, run_has_exited));
    assert_memory_equal(strbuf_text(&run->out[1]), dir, strlen(dir));
    unlink(odd);
    unlink(good);
    rmdir(dir);
}

static void test_stop_by_signal(void **state)
{
    struct run *run = *state;
    run_script(run, "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done");
    assert_true(run_until(run, run_has_output));
    process_stop(run->process, SIGTERM, 9000);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->how.code, 3);
    assert_string_equal(strbuf_text(&run->out[1]), "up\nbye\n");
}

static void test_stop_of_a_stopped_process(void **state)
{
    struct run *run = *state;
    run_script(run, "echo up; kill -STOP $$; echo never");
    assert_true(run_until(run, run_has_output));
    process_stop(run->process, SIGTERM, 9000);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->how.signal, SIGTERM);
    assert_int_equal(run->how.code, -1);
}

static void test_term_ignored_is_killed_at_the_deadline(void **state)
{
    struct run *run = *state;
    run_script(run, "trap '' TERM; echo up; while :; do sleep 60; done");
    assert_true(run_until(run, run_has_output));
    process_stop(run->process, SIGTERM, 60000);
    process_stop(run->process, SIGTERM, 50); /* shortens */
    process_stop(run->process, SIGTERM, 60000);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->how.signal, SIGKILL);
}

static void test_children_get_the_time_until_the_deadline(void **state)
{
    struct run *run = *state;
    /* The shell ends at once; its child, with no pipe of ours, saves for a while. */
    char dir[] = "/tmp/test-process-XXXXXX";
    assert_non_null(mkdtemp(dir));
    cleanup_free char *file = path_join(dir, "saved");
    cleanup_free char *script = xasprintf("trap 'exit 0' TERM; "
                                          "(trap 'sleep 0.2; echo >%s; exit' TERM; echo up; "
                                          "exec >/dev/null 2>&1; while :; do sleep 0.01; done) & wait",
                                          file);
    run_script(run, script);
    assert_true(run_until(run, run_has_output));
    process_stop(run->process, SIGTERM, 9000);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->how.code, 0);
    assert_int_equal(unlink(file), 0); /* it was there */
    rmdir(dir);
}

static void test_grandchild_that_left_holds_the_pipes(void **state)
{
    struct run *run = *state;
    run_script(run, "setsid sh -c 'echo $$; exec sleep 600' & sleep 0.1; exit 0");
    int64_t before_ms = loop_now_ms(&run->loop);
    assert_true(run_until(run, run_has_exited)); /* a second after the exit, not with the grandchild */
    assert_true(loop_now_ms(&run->loop) - before_ms >= 900);
    assert_true(run->has_ended[1] && run->has_ended[2]);
    pid_t left = atoi(strbuf_text(&run->out[1]));
    assert_true(left > 1);
    assert_int_equal(kill(left, SIGKILL), 0); /* not of the group: the guard's business */
}

static void test_rest_of_the_group_is_killed(void **state)
{
    struct run *run = *state;
    run_script(run, "sleep 60 >/dev/null 2>&1 & echo $!; exit 0");
    assert_true(run_until(run, run_has_exited));
    run->how.code = process_pid(run->process);
    assert_true(run_until(run, is_group_gone));
    assert_true(is_gone(atoi(strbuf_text(&run->out[1]))));
}

static void test_free_of_a_running_process_kills_it(void **state)
{
    struct run *run = *state;
    run_script(run, "trap '' TERM; sleep 60 & echo up; wait");
    assert_true(run_until(run, run_has_output));
    run->how.code = process_pid(run->process);
    process_free(run->process);
    run->process = NULL;
    assert_true(is_gone(run->how.code));
    assert_true(run_until(run, is_group_gone));
    assert_int_equal(run->exits, 0);
}

static void test_free_inside_callbacks(void **state)
{
    struct run *run = *state;
    run->frees_in_exit = true;
    run_script(run, "echo x");
    assert_true(run_until(run, run_has_exited));
    run->frees_in_output = true;
    run->exits = 0;
    run->has_ended[1] = run->has_ended[2] = false;
    strbuf_truncate(&run->out[1], 0);
    run_script(run, "seq 1 100000");
    assert_true(run_until(run, run_has_output));
    assert_int_equal(run->exits, 0);
    assert_null(run->process);
}

static void test_start_ticks(void **state)
{
    struct run *run = *state;
    run_script(run, "exec sleep 60");
    uint64_t ticks = process_start_ticks(process_pid(run->process));
    assert_true(ticks >= process_start_ticks(getpid()));
    assert_true(process_start_ticks(getpid()) > 0);
    assert_true(process_start_ticks(0) == 0);
    assert_int_equal(process_signal(run->process, SIGUSR1, NULL), 0);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->how.signal, SIGUSR1);
}

static bool has_said_one(struct run *run)
{
    return strstr(strbuf_text(&run->out[1]), "one\n") != NULL;
}

static bool has_said_two(struct run *run)
{
    return strstr(strbuf_text(&run->out[1]), "two\n") != NULL;
}

/* Let go and adopted as another program would do it: nothing of its output is lost, nothing comes twice. */
static void test_released_and_adopted(void **state)
{
    struct run *run = *state;
    char path[] = "/tmp/apphost-adopt-XXXXXX";
    cleanup_error struct error err = {0};
    close(mkstemp(path));
    run->output_path = path;
    run->input = "";
    run_script(run, "readlink /proc/$$/fd/0; trap 'echo two; exit 0' USR1; trap '' TERM; echo one; "
                    "while :; do sleep 0.01; done");
    assert_true(run_until(run, has_said_one));
    assert_non_null(strstr(strbuf_text(&run->out[1]), "/memfd:" GUARD_KEPT_INPUT " "));
    pid_t pid = process_pid(run->process);
    uint64_t ticks = process_start_ticks(pid);
    int64_t offset = process_output_offset(run->process);
    process_release(run->process);
    assert_int_equal(kill(pid, 0), 0);
    assert_null(run_adopt(run, pid, ticks + 1, offset, &err));
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    assert_non_null(run_adopt(run, pid, ticks, offset, NULL));
    assert_int_equal(process_pid(run->process), pid);
    assert_int_equal(process_signal(run->process, SIGUSR1, NULL), 0);
    assert_true(run_until(run, has_said_two));
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(run->exits, 1);
    assert_int_equal(run->how.code, -1);
    assert_int_equal(process_signal(run->process, SIGTERM, NULL), -1);
    char *first = strstr(strbuf_text(&run->out[1]), "one\n");
    assert_null(strstr(first + 1, "one\n"));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    unlink(path);
}

static void test_adopted_is_killed_at_the_deadline(void **state)
{
    struct run *run = *state;
    char path[] = "/tmp/apphost-adopt-XXXXXX";
    close(mkstemp(path));
    run->output_path = path;
    run->input = "";
    run_script(run, "trap '' TERM; echo one; while :; do sleep 0.01; done");
    assert_true(run_until(run, has_said_one));
    pid_t pid = process_pid(run->process);
    process_release(run->process);
    assert_non_null(run_adopt(run, pid, process_start_ticks(pid), -1, NULL));
    process_stop(run->process, SIGTERM, 30);
    assert_true(run_until(run, run_has_exited));
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    unlink(path);
}

static void test_what_children_inherit(void **state)
{
    (void)state;
    char *environment[] = {(char *)"PATH=/bin",
                           (char *)"APPHOST_PARAM_TOKEN=secret",
                           (char *)"Parameters__token=secret",
                           (char *)"APPHOST_FILE=a.yaml",
                           (char *)"APPHOST_LOCK_FD=3",
                           (char *)"APPHOST_SESSION=1",
                           (char *)"APPHOST_WORKER_SLOT=2",
                           (char *)"APPHOST_FILES=theirs",
                           (char *)"DOCKER_HOST=unix:///x",
                           NULL};
    static const char *const kept[] = {"PATH=/bin", "APPHOST_SESSION=1", "APPHOST_WORKER_SLOT=2",
                                       "APPHOST_FILES=theirs", "DOCKER_HOST=unix:///x"};
    cleanup_strlist struct strlist list = {0};
    process_inherit(&list, environment);
    assert_int_equal(list.count, sizeof kept / sizeof *kept);
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.items[i], kept[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, run_setup, run_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_output_and_exit_code),
        CASE(test_much_output_is_whole),
        CASE(test_own_session_and_no_descriptors),
        CASE(test_environment_is_the_given_one),
        cmocka_unit_test(test_what_children_inherit),
        CASE(test_input_is_read_to_its_end),
        CASE(test_input_stays_open),
        CASE(test_what_cannot_start),
        CASE(test_interpreter_and_relative_commands),
        CASE(test_stop_by_signal),
        CASE(test_stop_of_a_stopped_process),
        CASE(test_term_ignored_is_killed_at_the_deadline),
        CASE(test_children_get_the_time_until_the_deadline),
        CASE(test_grandchild_that_left_holds_the_pipes),
        CASE(test_rest_of_the_group_is_killed),
        CASE(test_free_of_a_running_process_kills_it),
        CASE(test_free_inside_callbacks),
        CASE(test_start_ticks),
        CASE(test_released_and_adopted),
        CASE(test_adopted_is_killed_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
