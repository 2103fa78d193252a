/* Waiting on a bare loop: nothing but the fact is success. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "loop/await.h"

struct scene {
    struct loop loop;
    struct timer timer;
    bool fact, is_interrupted;
    int asked;
    struct error error;
};

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    *state = scene;
    return loop_init_virtual(&scene->loop, NULL);
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    timer_stop(&scene->timer);
    error_clear(&scene->error);
    int left = loop_fini(&scene->loop);
    free(scene);
    return left;
}

static bool is_interrupted(void *data)
{
    struct scene *scene = data;
    scene->asked++;
    return scene->is_interrupted;
}

static int wait_for(struct scene *scene, struct limit limit)
{
    const struct wait wait = {.fact = &scene->fact, .what = "the moon", .limit = limit};
    const struct await_watch watch = {is_interrupted, scene};
    return loop_await(&scene->loop, &wait, &watch, &scene->error);
}

static void after(struct scene *scene, int64_t ms, loop_cb *what)
{
    timer_init(&scene->loop, &scene->timer, what, scene);
    timer_start(&scene->timer, ms);
}

static void become_true(void *data)
{
    struct scene *scene = data;
    scene->fact = true;
}

static void interrupt(void *data)
{
    struct scene *scene = data;
    scene->is_interrupted = true;
}

static void test_the_fact(void **state)
{
    struct scene *scene = *state;
    after(scene, 1000, become_true);
    assert_int_equal(wait_for(scene, FOREVER), 0);
    assert_true(scene->asked > 0);
    assert_false(error_is_set(&scene->error));
}

static void test_the_fact_comes_before_an_interruption(void **state)
{
    struct scene *scene = *state;
    scene->fact = scene->is_interrupted = true;
    assert_int_equal(wait_for(scene, FOREVER), 0);
}

static void test_interrupted(void **state)
{
    struct scene *scene = *state;
    after(scene, 1000, interrupt);
    assert_int_equal(wait_for(scene, LIMIT_MS(5000)), AWAIT_INTERRUPTED);
    assert_false(error_is_set(&scene->error));
}

static void test_late(void **state)
{
    struct scene *scene = *state;
    after(scene, 6000, become_true);
    assert_int_equal(wait_for(scene, LIMIT_MS(5000)), -1);
    assert_int_equal(scene->error.code, ERROR_TIMEOUT);
    assert_non_null(strstr(scene->error.text, "the moon did not come within 5.00s"));
}

static void test_an_empty_loop_is_a_failure(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(wait_for(scene, FOREVER), -1);
    assert_int_equal(scene->error.code, ERROR_FAILED);
}

static void test_nobody_watches(void **state)
{
    struct scene *scene = *state;
    const struct wait wait = {.fact = &scene->fact, .what = "the moon", .limit = FOREVER};
    after(scene, 1000, become_true);
    assert_int_equal(loop_await(&scene->loop, &wait, NULL, &scene->error), 0);
}

/* ---- input: a loop with the real clock ---- */

struct reader {
    struct loop loop;
    struct timer timer;
    int ends[2];
    bool is_interrupted;
};

static void write_a_byte(void *data)
{
    struct reader *reader = data;
    assert_int_equal(write(reader->ends[1], "x", 1), 1);
}

static void interrupt_reader(void *data)
{
    struct reader *reader = data;
    reader->is_interrupted = true;
}

static bool is_reader_interrupted(void *data)
{
    const struct reader *reader = data;
    return reader->is_interrupted;
}

static void test_input(void **state)
{
    struct reader reader = {0};
    const struct await_watch watch = {is_reader_interrupted, &reader};
    char byte;
    (void)state;
    assert_int_equal(loop_init(&reader.loop, NULL), 0);
    assert_int_equal(pipe(reader.ends), 0);

    timer_init(&reader.loop, &reader.timer, write_a_byte, &reader);
    timer_start(&reader.timer, 1);
    assert_int_equal(loop_await_input(&reader.loop, reader.ends[0], &watch), 0);
    assert_int_equal(read(reader.ends[0], &byte, 1), 1);

    timer_init(&reader.loop, &reader.timer, interrupt_reader, &reader);
    timer_start(&reader.timer, 1);
    assert_int_equal(loop_await_input(&reader.loop, reader.ends[0], &watch), AWAIT_INTERRUPTED);

    close(reader.ends[1]); /* the end is something to read */
    assert_int_equal(loop_await_input(&reader.loop, reader.ends[0], NULL), 0);
    close(reader.ends[0]);
    assert_int_equal(loop_fini(&reader.loop), 0);
}

static void test_catching_up(void **state)
{
    struct reader reader = {0};
    (void)state;
    assert_int_equal(loop_init(&reader.loop, NULL), 0);
    timer_init(&reader.loop, &reader.timer, interrupt_reader, &reader);
    loop_catch_up(&reader.loop); /* nothing is there to wait for */
    timer_start(&reader.timer, 0);
    loop_catch_up(&reader.loop);
    assert_true(reader.is_interrupted);
    assert_int_equal(loop_fini(&reader.loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_fact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_fact_comes_before_an_interruption, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupted, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_empty_loop_is_a_failure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_watches, setup, teardown),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_catching_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
