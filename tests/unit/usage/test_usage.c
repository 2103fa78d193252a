/* Usage of real trees of processes: who belongs to whom, and that what is not there uses nothing. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "usage/usage.h"

/* A child that sleeps, with a child of its own, whose number it tells. */
static pid_t start_two(pid_t *inner)
{
    int fds[2];
    assert_int_equal(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pid_t child = fork();
        if (child && write(fds[1], &child, sizeof child) != sizeof child)
            _exit(1);
        for (;;)
            pause();
    }
    close(fds[1]);
    assert_int_equal(read(fds[0], inner, sizeof *inner), sizeof *inner);
    close(fds[0]);
    return pid;
}

static void test_trees(void **state)
{
    pid_t inner, outer = start_two(&inner);
    (void)state;
    const pid_t roots[] = {getpid(), outer, 0, 999999999};
    struct usage usages[4];
    usage_look(roots, usages, 4);
    assert_int_equal(usages[1].processes, 2);
    assert_true(usages[0].processes >= 1); /* not those of the nearer root */
    assert_true(usages[1].memory_bytes > 0);
    assert_int_equal(usages[2].processes, 0);
    assert_int_equal(usages[3].processes, 0);
    assert_int_equal(usages[3].memory_bytes, 0);
    kill(inner, SIGKILL);
    kill(outer, SIGKILL);
    assert_int_equal(waitpid(outer, NULL, 0), outer);
}

static void test_time_passes(void **state)
{
    const pid_t me = getpid();
    struct usage before, now;
    (void)state;
    usage_look(&me, &before, 1);
    do
        usage_look(&me, &now, 1);
    while (now.cpu_us < before.cpu_us + 20000); /* looking is work */
    assert_true(usage_share(before.cpu_us, now.cpu_us, 1000) > 0);
}

static void test_shares(void **state)
{
    (void)state;
    assert_true(usage_share(0, 500000, 1000) == 50);
    assert_true(usage_share(0, 2000000, 1000) == 200);
    assert_true(usage_share(500, 400, 1000) == 0);
    assert_true(usage_share(0, 500, 0) == 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trees),
        cmocka_unit_test(test_time_passes),
        cmocka_unit_test(test_shares),
    };
    alarm(100);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
