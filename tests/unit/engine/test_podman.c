/* What Podman does otherwise, over a scripted transport: no program for Init, networks that it removes under
 * their members when asked by id, times of whole seconds. */
#include "engine/internal.h"
#include "script.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *no_environment[] = {NULL};

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    script_reset();
    world_open_over(world, script_open, no_environment);
    *state = world;
    script_ping("1.41");
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

static void add(const char *method, const char *path, int status, const char *body, size_t piece)
{
    script_add(
        (struct script_row){.method = method, .path = path, .status = status, .body = body, .piece = piece});
}

static const char no_init[] =
    "{\"message\":\"container create: container-init binary not found on the host\"}";

static void test_init_left_out(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    cleanup_json cJSON *body = cJSON_Parse("{\"Image\":\"x\",\"HostConfig\":{\"Init\":true}}");
    add("POST", "/v1.41/containers/create", 500, no_init, 0);
    add("POST", "/v1.41/containers/create", 201, "{\"Id\":\"c1\"}", 0);
    engine_container_create(world->engine, "c", NULL, body, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.id, "c1");
    assert_int_equal(script.request_count, 3);
    assert_non_null(strstr(script.requests[1], "\"Init\":true"));
    assert_non_null(strstr(script.requests[2], "\"Init\":false"));
    /* Once: an engine that repeats itself is believed. */
    add("POST", "/v1.41/containers/create", 500, no_init, 0);
    add("POST", "/v1.41/containers/create", 500, no_init, 0);
    engine_container_create(world->engine, "c", NULL, body, on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_FAILED);
    assert_int_equal(script.request_count, 5);
    outcome_reset(&outcome);
}

static void test_network_by_name(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    engine_ping(world->engine, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    world->engine->info.is_podman = true;
    add("GET", "/v1.41/networks/abc", 200, "{\"Id\":\"abc\",\"Name\":\"net\"}", 0);
    add("DELETE", "/v1.41/networks/net", 500,
        "{\"message\":\"\\\"net\\\" has associated containers with it\"}", 0);
    engine_network_remove(world->engine, "abc", on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_CONFLICT);
    add("GET", "/v1.41/networks/abc", 404, "{\"message\":\"network not found\"}", 0);
    engine_network_remove(world->engine, "abc", on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome); /* gone already */
    outcome_reset(&outcome);
}

struct follower {
    struct outcome outcome;
    int64_t times[8];
    int lines;
};

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct follower *follower = data;
    (void)stream, (void)line, (void)length;
    follower->times[follower->lines++] = time_ns;
}

static void on_followed(const struct engine_result *result, const struct error *err, void *data)
{
    on_outcome(result, err, &((struct follower *)data)->outcome);
}

static const char seconds[] = "2026-01-01T00:00:01Z a\n2026-01-01T00:00:01Z b\n2026-01-01T00:00:02Z c\n"
                              "2026-01-01T00:00:02.5Z d\n";

/* Followed again from its second line, the first two do not come again, though all have one time. */
static void test_whole_seconds(void **state)
{
    struct world *world = *state;
    struct follower first = {0}, second = {0};
    for (int i = 0; i < 2; i++)
        add("GET", "/v1.41/containers/c/logs", 200, seconds, 7);
    engine_container_follow(world->engine, "c", 0, on_line, on_followed, &first);
    await_ok(&world->loop, &first.outcome);
    assert_int_equal(first.lines, 4);
    for (int i = 1; i < 4; i++)
        assert_true(first.times[i] > first.times[i - 1]);
    assert_int_equal(first.times[3] % 1000000000, 500000000);
    engine_container_follow(world->engine, "c", first.times[1], on_line, on_followed, &second);
    await_ok(&world->loop, &second.outcome);
    assert_int_equal(second.lines, 2);
    assert_int_equal(second.times[0], first.times[2]);
    outcome_reset(&first.outcome);
    outcome_reset(&second.outcome);
}

#define script_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        script_test(test_init_left_out),
        script_test(test_network_by_name),
        script_test(test_whole_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
