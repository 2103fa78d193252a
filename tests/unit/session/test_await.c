/* Waiting: nothing but the fact is success. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "session/await.h"

struct scene {
    struct client client;
    struct timer timer;
    struct turn turn;
    bool fact;
    int judged;
    struct error error;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    *state = scene;
    return client_open_alone(&scene->client, NULL);
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    timer_stop(&scene->timer);
    error_clear(&scene->error);
    client_close(&scene->client);
    free(scene);
    return 0;
}

static int wait_for(struct scene *scene, struct limit limit)
{
    struct wait wait = {.fact = &scene->fact, .what = "the moon", .limit = limit};
    return await(&scene->client, &wait, &scene->error);
}

static void become_true(void *data)
{
    struct scene *scene = data;
    scene->fact = true;
}

static void interrupt(void *data)
{
    struct scene *scene = data;
    scene->client.interrupts++;
    scene->client.signum = SIGINT;
}

static void after(struct scene *scene, int64_t ms, loop_cb *what)
{
    timer_init(&scene->client.loop, &scene->timer, what, scene);
    timer_start(&scene->timer, ms);
}

static void test_the_fact(void **state)
{
    struct scene *scene = *state;
    scene->fact = true;
    assert_int_equal(wait_for(scene, FOREVER), 0); /* it is so already */
    scene->fact = false;
    after(scene, 1, become_true);
    assert_int_equal(wait_for(scene, FOREVER), 0);
    assert_false(error_is_set(&scene->error));
}

static void test_an_empty_loop_is_a_failure(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(wait_for(scene, FOREVER), -1);
    assert_int_equal(scene->error.code, ERROR_FAILED);
    assert_non_null(strstr(scene->error.text, "the moon"));
    assert_non_null(strstr(scene->error.text, "nothing is left that could happen"));
}

static void test_late_names_the_fact(void **state)
{
    struct scene *scene = *state;
    after(scene, 3600000, become_true);
    assert_int_equal(wait_for(scene, LIMIT_MS(5)), -1);
    assert_int_equal(scene->error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(scene->error.text, "the moon"));
}

static void test_signals_end_it(void **state)
{
    struct scene *scene = *state;
    after(scene, 1, interrupt);
    assert_int_equal(wait_for(scene, LIMIT_MS(3600000)), AWAIT_INTERRUPTED);
    assert_false(error_is_set(&scene->error));
    /* What had come before is no reason. */
    after(scene, 1, become_true);
    assert_int_equal(wait_for(scene, FOREVER), 0);
}

static void judge(void *data)
{
    struct scene *scene = data;
    scene->judged++;
    if (scene->client.interrupts)
        scene->fact = true;
}

static void test_a_steady_one_judges_them(void **state)
{
    struct scene *scene = *state;
    struct wait wait = {.fact = &scene->fact,
                        .what = "the moon",
                        .limit = FOREVER,
                        .judge = judge,
                        .data = scene,
                        .is_steady = true};
    after(scene, 1, interrupt);
    assert_int_equal(await(&scene->client, &wait, &scene->error), 0);
    assert_true(scene->judged >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_fact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_loop_is_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_names_the_fact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_signals_end_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_steady_one_judges_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
