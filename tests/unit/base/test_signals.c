/* Inherited signals: what stays ignored, what a command is given. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/signals.h"

static bool is_ignored(int signum)
{
    struct sigaction now;
    sigaction(signum, NULL, &now);
    return now.sa_handler == SIG_IGN;
}

static bool is_blocked(int signum)
{
    sigset_t mask;
    sigprocmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, signum);
}

/* In a child, whose signals are nobody else's. The answer is the number of the first line that does not hold.
 */
static int life_of_a_program(void)
{
    sigset_t some;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    sigprocmask(SIG_SETMASK, &some, NULL);
    signal(SIGHUP, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    signal(SIGINT, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);

    signals_remember();
    if (is_blocked(SIGUSR2))
        return __LINE__;
    if (!signals_stay_ignored(SIGHUP) || signals_stay_ignored(SIGINT))
        return __LINE__;
    if (signals_stay_ignored(SIGTERM)) /* whoever stops us has to be able to */
        return __LINE__;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signals_give_back();
    if (!is_ignored(SIGHUP) || !is_ignored(SIGTERM) || is_ignored(SIGPIPE) || is_ignored(SIGINT))
        return __LINE__;
    return is_blocked(SIGUSR2) && !is_blocked(SIGINT) ? 0 : __LINE__;
}

static void test_inherited(void **state)
{
    (void)state;
    int status = 0;
    pid_t pid = fork();
    if (pid == 0)
        _exit(life_of_a_program());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_inherited)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
