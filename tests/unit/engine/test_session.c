/* A command's session: what is asked of the engine for it, the terminal's size, and cancelling. Input needs a
 * real connection: unit/http/test_duplex.c, e2e/exec.bats. */
#include "engine/internal.h"
#include "script.h"
#include "world.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *no_environment[] = {NULL};
static const char *const argv[] = {"sh", NULL};
static const char resize_path[] = "/v1.41/exec/e1/resize?h=24&w=80";

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    script_reset();
    world_open_over(world, script_open, no_environment);
    script_ping("1.41");
    script_add((struct script_row){
        .method = "POST", .path = "/v1.41/containers/c/exec", .status = 201, .body = "{\"Id\":\"e1\"}"});
    script_add((struct script_row){
        .method = "POST", .path = "/v1.41/exec/e1/start", .status = 101, .body = "x\1\n", .piece = 1});
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    world_close(world);
    assert_int_equal(script.open_calls, 0);
    free(world);
    return 0;
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct outcome *outcome = data;
    assert_int_equal(stream, 1);
    strncat(outcome->text, bytes, length);
}

static void await_requests(struct world *world, int count)
{
    for (int i = 0; i < 1000 && script.request_count < count; i++)
        loop_run_once(&world->loop);
    assert_int_equal(script.request_count, count);
}

static struct engine_op *start(struct world *world, struct outcome *outcome)
{
    struct engine_session session = {.argv = argv,
                                     .user = "999",
                                     .folder = "/tmp",
                                     .has_input = true,
                                     .has_terminal = true,
                                     .rows = 24,
                                     .columns = 80,
                                     .on_output = on_output};
    return engine_session(world->engine, "c", &session, on_outcome, outcome);
}

/* The size is told again for as long as the engine says that nothing runs yet. */
static void test_requests(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    script_add((struct script_row){.method = "GET", .path = "/v1.41/exec/e1/json", .status = -1});
    script_add((struct script_row){.method = "POST",
                                   .path = resize_path,
                                   .status = 500,
                                   .body = "{\"message\":\"exec process is not started\"}"});
    script_add((struct script_row){.method = "POST", .path = resize_path, .status = 200});
    start(world, &outcome);
    await_requests(world, 6);
    assert_non_null(strstr(script.requests[1], "\"User\":\"999\",\"WorkingDir\":\"/tmp\""));
    assert_non_null(strstr(script.requests[1], "\"AttachStdin\":true,\"Tty\":true"));
    assert_non_null(strstr(script.requests[2], "\"Tty\":true,\"ConsoleSize\":[24,80]"));
    assert_string_equal(outcome.text, "x\1\n"); /* bare: a terminal's output has no headers */
    assert_int_equal(outcome.calls, 0);         /* the engine closes with all of it in flight */
}

static void test_code(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    script_add((struct script_row){.method = "POST", .path = resize_path, .status = -1});
    script_add((struct script_row){.method = "GET",
                                   .path = "/v1.41/exec/e1/json",
                                   .status = 200,
                                   .body = "{\"ExitCode\":7,\"Running\":false}"});
    start(world, &outcome);
    await_ok(&world->loop, &outcome);
    assert_int_equal(outcome.exit_code, 7);
    assert_int_equal(script.open_calls, 0); /* nobody resizes what has ended */
    outcome_reset(&outcome);
}

static void test_cancel(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    script_add((struct script_row){.method = "POST", .path = resize_path, .status = -1});
    struct engine_op *op = start(world, &outcome);
    engine_session_resize(op, 24, 80); /* before there is anything to resize */
    await_requests(world, 4);
    engine_session_resize(op, 30, 100); /* waits for the answer */
    engine_cancel(world->engine, op);
    assert_int_equal(script.open_calls, 0);
    assert_int_equal(outcome.calls, 0);
}

#define session_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        session_test(test_requests),
        session_test(test_code),
        session_test(test_cancel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
