/* The loop: order of turns and timers, virtual time, signals, and that it closes clean. */
#include "loop/loop.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct recorder {
    struct loop loop;
    char order[64];
    struct turn a, b;
    struct timer first, second, again;
    int count;
};

static void note(struct recorder *r, const char *what)
{
    strcat(r->order, what);
}

static void on_b(void *data)
{
    note(data, "b");
}

static void on_a(void *data)
{
    struct recorder *r = data;
    note(r, "a");
    if (r->count++ == 0) {
        loop_post(&r->loop, &r->a);
        loop_post(&r->loop, &r->b);
        loop_post(&r->loop, &r->b);
    }
}

static void turns_run_once_and_in_rounds(void **state)
{
    (void)state;
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct recorder r = {0};
        assert_int_equal(is_virtual ? loop_init_virtual(&r.loop, NULL) : loop_init(&r.loop, NULL), 0);
        turn_init(&r.a, on_a, &r);
        turn_init(&r.b, on_b, &r);
        loop_post(&r.loop, &r.a);
        loop_run(&r.loop);
        assert_string_equal(r.order, "aab");
        assert_int_equal(loop_fini(&r.loop), 0);
    }
}

static void on_unpost(void *data)
{
    struct recorder *r = data;
    note(r, "x");
    loop_unpost(&r->loop, &r->b);
}

static void a_turn_can_be_taken_back_in_its_round(void **state)
{
    (void)state;
    struct recorder r = {0};
    loop_init_virtual(&r.loop, NULL);
    turn_init(&r.a, on_unpost, &r);
    turn_init(&r.b, on_b, &r);
    loop_post(&r.loop, &r.a);
    loop_post(&r.loop, &r.b);
    loop_run(&r.loop);
    assert_string_equal(r.order, "x");
    assert_int_equal(loop_fini(&r.loop), 0);
}

static void on_first(void *data)
{
    struct recorder *r = data;
    note(r, "1");
    timer_stop(&r->second);
}

static void on_again(void *data)
{
    struct recorder *r = data;
    note(r, "z");
    if (++r->count < 3)
        timer_start(&r->again, 0);
}

static void timers_run_in_order_of_time(void **state)
{
    (void)state;
    struct recorder r = {0};
    loop_init_virtual(&r.loop, NULL);
    timer_init(&r.loop, &r.first, on_first, &r);
    timer_init(&r.loop, &r.second, on_b, &r);
    timer_init(&r.loop, &r.again, on_again, &r);
    timer_start(&r.second, 5000);
    timer_start(&r.first, 1000);
    timer_start(&r.again, 0);
    loop_run(&r.loop);
    assert_string_equal(r.order, "zzz1");
    assert_int_equal(loop_now_ms(&r.loop), 1000);
    assert_int_equal(loop_fini(&r.loop), 0);
}

static void on_stop(void *data)
{
    struct recorder *r = data;
    loop_stop(&r->loop);
}

static void a_zero_timer_does_not_starve_the_loop(void **state)
{
    (void)state;
    struct recorder r = {0};
    loop_init(&r.loop, NULL);
    timer_init(&r.loop, &r.again, on_again, &r);
    timer_init(&r.loop, &r.first, on_stop, &r);
    r.count = -100000;
    timer_start(&r.first, 5);
    r.order[0] = '\0';
    timer_init(&r.loop, &r.second, on_stop, &r);
    timer_start(&r.second, 1);
    loop_run(&r.loop);
    timer_stop(&r.first);
    assert_int_equal(loop_fini(&r.loop), 0);
}

static void on_usr1(int signum, void *data)
{
    struct recorder *r = data;
    r->count = signum;
    loop_stop(&r->loop);
}

static void signals_arrive_on_the_loop(void **state)
{
    (void)state;
    struct recorder r = {0};
    loop_init(&r.loop, NULL);
    assert_int_equal(loop_watch_signal(&r.loop, SIGUSR1, on_usr1, &r, NULL), 0);
    timer_init(&r.loop, &r.first, on_stop, &r);
    timer_start(&r.first, 5000);
    raise(SIGUSR1);
    loop_run(&r.loop);
    assert_int_equal(r.count, SIGUSR1);
    timer_stop(&r.first);
    assert_int_equal(loop_fini(&r.loop), 0);
}

static void a_forgotten_handle_is_reported(void **state)
{
    (void)state;
    struct loop loop;
    static uv_timer_t forgotten;
    loop_init(&loop, NULL);
    uv_timer_init(&loop.uv, &forgotten);
    assert_int_equal(loop_fini(&loop), -1);
    uv_close((uv_handle_t *)&forgotten, NULL);
    uv_run(&loop.uv, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop.uv), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_run_once_and_in_rounds),
        cmocka_unit_test(a_turn_can_be_taken_back_in_its_round),
        cmocka_unit_test(timers_run_in_order_of_time),
        cmocka_unit_test(a_zero_timer_does_not_starve_the_loop),
        cmocka_unit_test(signals_arrive_on_the_loop),
        cmocka_unit_test(a_forgotten_handle_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
