/* Output to a reader that takes nothing: before a signal it is waited for, after one what waits is dropped.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/stall.h"

enum { LINES = 200000, LONG_S = 120 }; /* more than a pipe holds; what a hang is ended by */

static volatile sig_atomic_t handled;

static void on_term(int signum)
{
    handled = signum;
}

static void listen_for(int signum)
{
    struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
    sigaction(signum, &action, NULL);
    stall_note(signum);
    stall_note(signum); /* once is enough */
}

/* In a process of its own, whose standard output goes into the pipe. The answer is the first line that does
 * not hold. */
static int print_much(int out, int told)
{
    alarm(LONG_S);
    signal(SIGPIPE, SIG_IGN);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    listen_for(SIGTERM);
    stall_guard();
    if (write(told, "x", 1) != 1)
        return __LINE__;

    for (int i = 0; i < LINES; i++)
        printf("line %09d\n", i);
    bool is_out = !fflush(stdout) && !ferror(stdout);
    if (is_out)
        return stall_gave_up() || handled ? __LINE__ : 0;
    if (errno == EPIPE)
        return stall_gave_up() ? __LINE__ : EPIPE;
    if (stall_gave_up() != SIGTERM || handled != SIGTERM)
        return __LINE__;
    fprintf(stderr, "nobody waits for this one either\n");
    return ECANCELED;
}

struct writer {
    pid_t pid;
    int out, told;
};

static void begin(struct writer *writer)
{
    int out[2], told[2];
    char byte;
    assert_int_equal(pipe(out), 0);
    assert_int_equal(pipe(told), 0);
    writer->pid = fork();
    if (writer->pid == 0) {
        close(out[0]);
        _exit(print_much(out[1], told[1]));
    }
    close(out[1]);
    close(told[1]);
    writer->out = out[0];
    assert_int_equal(read(told[0], &byte, 1), 1);
    close(told[0]);
}

static int end(struct writer *writer)
{
    int status = 0;
    assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
    if (writer->out >= 0)
        close(writer->out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_a_slow_reader_gets_everything(void **state)
{
    (void)state;
    struct writer writer;
    char chunk[4096];
    size_t length = 0;
    begin(&writer);
    for (ssize_t n; (n = read(writer.out, chunk, sizeof chunk)) > 0; length += (size_t)n)
        ;
    assert_int_equal(end(&writer), 0);
    assert_int_equal(length, LINES * strlen("line 000000000\n"));
}

static void test_a_signal_ends_the_wait(void **state)
{
    (void)state;
    struct writer writer;
    begin(&writer);
    kill(writer.pid, SIGTERM);
    assert_int_equal(end(&writer), ECANCELED);
}

static void test_a_reader_that_is_gone_is_another_end(void **state)
{
    (void)state;
    struct writer writer;
    begin(&writer);
    close(writer.out);
    writer.out = -1;
    assert_int_equal(end(&writer), EPIPE);
}

/* What is ignored, or has no handler, stays so. */
static void test_only_handlers_are_noted(void **state)
{
    (void)state;
    struct sigaction now;
    signal(SIGUSR1, SIG_IGN);
    signal(SIGUSR2, SIG_DFL);
    stall_note(SIGUSR1);
    stall_note(SIGUSR2);
    assert_int_equal(sigaction(SIGUSR1, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
    assert_int_equal(sigaction(SIGUSR2, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_slow_reader_gets_everything),
        cmocka_unit_test(test_a_signal_ends_the_wait),
        cmocka_unit_test(test_a_reader_that_is_gone_is_another_end),
        cmocka_unit_test(test_only_handlers_are_noted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
