/* Output that does not block: nothing is lost, a stuck reader is noticed, one that is gone as well. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ui/outbox.h"

enum { BIG = 300000 }; /* more than a pipe holds */

struct fixture {
    struct loop loop;
    struct outbox outbox;
    int fds[2];
};

static void open_fixture(struct fixture *fixture)
{
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fixture->fds), 0);
    assert_int_equal(loop_init(&fixture->loop, NULL), 0);
    outbox_init(&fixture->outbox, &fixture->loop, fixture->fds[1]);
}

static void close_fixture(struct fixture *fixture)
{
    outbox_fini(&fixture->outbox, 0);
    close(fixture->fds[1]);
    assert_int_equal(loop_fini(&fixture->loop), 0);
}

static void fill(struct fixture *fixture)
{
    for (int i = 0; i < BIG / 10; i++)
        strbuf_addf(&fixture->outbox.pending, "%09d\n", i);
}

static void test_small_output_goes_at_once(void **state)
{
    (void)state;
    struct fixture fixture;
    char answer[16] = "";
    open_fixture(&fixture);
    strbuf_adds(&fixture.outbox.pending, "hello\n");
    assert_true(outbox_flush(&fixture.outbox));
    assert_int_equal(read(fixture.fds[0], answer, sizeof answer - 1), 6);
    assert_string_equal(answer, "hello\n");
    close(fixture.fds[0]);
    close_fixture(&fixture);
}

static void test_a_stuck_reader_gets_everything_later(void **state)
{
    (void)state;
    struct fixture fixture;
    static char seen[BIG];
    size_t length = 0;
    open_fixture(&fixture);
    fill(&fixture);
    assert_false(outbox_flush(&fixture.outbox)); /* and does not block */
    assert_true(timer_is_armed(&fixture.outbox.retry));
    while (length < BIG) {
        ssize_t got = read(fixture.fds[0], seen + length, BIG - length);
        assert_true(got > 0);
        length += (size_t)got;
        while (length < BIG && outbox_flush(&fixture.outbox) && fixture.outbox.pending.length)
            continue;
    }
    assert_true(outbox_flush(&fixture.outbox));
    for (int i = 0; i < BIG / 10; i++)
        assert_int_equal(atoi(seen + i * 10), i);
    close(fixture.fds[0]);
    close_fixture(&fixture);
}

static void test_a_reader_that_is_gone(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    close(fixture.fds[0]);
    strbuf_adds(&fixture.outbox.pending, "hello\n");
    assert_true(outbox_flush(&fixture.outbox));
    assert_true(fixture.outbox.is_broken);
    fill(&fixture);
    assert_true(outbox_flush(&fixture.outbox));
    close_fixture(&fixture);
}

static void test_the_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture);
    fill(&fixture);
    alarm(20); /* a blocking write would stay here */
    close_fixture(&fixture);
    alarm(0);
    close(fixture.fds[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_output_goes_at_once),
        cmocka_unit_test(test_a_stuck_reader_gets_everything_later),
        cmocka_unit_test(test_a_reader_that_is_gone),
        cmocka_unit_test(test_the_end_does_not_wait_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
