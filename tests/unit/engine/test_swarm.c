/* The swarm's requests over a scripted transport: paths, bodies, credentials, and what its refusals become.
 */
#include "engine/swarm.h"

#include "engine/internal.h"
#include "script.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static char *with_registry[] = {
    (char[]){"DOCKER_CONFIG=/nonexistent"},
    (char[]){"DOCKER_AUTH_CONFIG={\"auths\":{\"registry.example\":{\"auth\":\"dTpw\"}}}"},
    NULL,
};

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    script_reset();
    script_ping("1.41");
    world_open_over(world, script_open, with_registry);
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

static void answer(const char *method, const char *path, int status, const char *body)
{
    script_add((struct script_row){.method = method, .path = path, .status = status, .body = body});
}

static void assert_asked(int number, const char *wanted)
{
    if (!str_starts(script.requests[number], wanted))
        print_error("asked %s, expected %s\n", script.requests[number], wanted);
    assert_true(str_starts(script.requests[number], wanted));
}

static void test_lists(void **state)
{
    struct world *world = *state;
    static const char *const paths[ENGINE_SWARM_KIND_COUNT] = {"/v1.41/services?status=true", "/v1.41/tasks?",
                                                               "/v1.41/secrets?", "/v1.41/networks?",
                                                               "/v1.41/nodes?"};
    for (int kind = 0; kind < ENGINE_SWARM_KIND_COUNT; kind++) {
        struct outcome outcome = {0};
        answer("GET", paths[kind], 200, "[{\"ID\":\"x\"}]");
        engine_swarm_list(world->engine, (enum engine_swarm_kind)kind, "a=b", on_outcome, &outcome);
        await_ok(&world->loop, &outcome);
        assert_int_equal(json_count(outcome.json), 1);
        assert_non_null(strstr(script.requests[kind + 1], "&filters=%7B%22label%22%3A%5B%22a%3Db%22%5D%7D"));
        outcome_reset(&outcome);
    }
}

static void test_service(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    cleanup_json cJSON *body = json_parse("{\"Name\":\"shop_cache\"}", 21, NULL);
    answer("POST", "/v1.41/services/create", 201, "{\"ID\":\"id1\"}");
    engine_service_create(world->engine, "registry.example/a:1", body, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.id, "id1");
    assert_asked(1, "POST /v1.41/services/create {\"Name\":\"shop_cache\"}");
    assert_true(str_starts(script.headers[1], "X-Registry-Auth: "));

    struct engine_update update = {.id = "id1", .name = "shop_cache", .version = 12, .body = body};
    answer("POST", "/v1.41/services/id1/update?version=12", 200, "{\"Warnings\":null}");
    engine_service_update(world->engine, &update, on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    assert_string_equal(script.headers[2], "");

    update.to_previous = true;
    answer("POST", "/v1.41/services/id1/update?version=12&rollback=previous", 500,
           "{\"message\":\"rpc error: code = Unknown desc = update out of sequence\"}");
    engine_service_update(world->engine, &update, on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_CONFLICT);
    assert_int_equal(outcome.err.detail, DETAIL_OUT_OF_SEQUENCE);

    answer("DELETE", "/v1.41/services/id1", 404, "{\"message\":\"service id1 not found\"}");
    engine_service_remove(world->engine, "id1", on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    outcome_reset(&outcome);
}

static void test_secret_and_network(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    cleanup_json cJSON *labels = json_parse("{\"k\":\"v\"}", 9, NULL);
    answer("POST", "/v1.41/secrets/create", 201, "{\"ID\":\"s1\"}");
    engine_secret_create(world->engine, "shop_pw", labels, "S3cret", on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.id, "s1");
    assert_asked(1, "POST /v1.41/secrets/create "
                    "{\"Name\":\"shop_pw\",\"Labels\":{\"k\":\"v\"},\"Data\":\"UzNjcmV0\"}");

    answer("DELETE", "/v1.41/secrets/s1", 400,
           "{\"message\":\"rpc error: code = InvalidArgument desc = secret 'shop_pw' is in use by the "
           "following service: shop_cache\"}");
    engine_secret_remove(world->engine, "s1", on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_CONFLICT);

    answer("POST", "/v1.41/networks/create", 201, "{\"Id\":\"n1\",\"Warning\":\"\"}");
    engine_overlay_create(world->engine, "shop_default", labels, on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.id, "n1");
    assert_non_null(strstr(script.requests[3], "\"Driver\":\"overlay\""));

    answer("POST", "/v1.41/nodes/n/update?version=3", 200, "");
    engine_node_update(world->engine, "n", 3, labels, on_outcome, outcome_reset(&outcome));
    await_ok(&world->loop, &outcome);
    outcome_reset(&outcome);
}

static void test_digest(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    answer("GET", "/v1.41/distribution/registry.example/a:1/json", 200,
           "{\"Descriptor\":{\"digest\":\"sha256:ab\"},\"Platforms\":[]}");
    engine_image_digest(world->engine, "registry.example/a:1", on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.id, "sha256:ab");
    assert_true(str_starts(script.headers[1], "X-Registry-Auth: "));

    answer("GET", "/v1.41/distribution/other.example/a:1/json", 500,
           "{\"message\":\"manifest unknown: manifest unknown\"}");
    engine_image_digest(world->engine, "other.example/a:1", on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_PULL);
    assert_string_equal(script.headers[2], "");

    engine_image_digest(world->engine, "Not a name", on_outcome, outcome_reset(&outcome));
    await_code(&world->loop, &outcome, ERROR_MANIFEST);
    outcome_reset(&outcome);
}

static void test_no_swarm(void **state)
{
    struct world *world = *state;
    static const char *const texts[] = {
        "This node is not a swarm manager. Use \\\"docker swarm init\\\" or \\\"docker swarm join\\\" to "
        "connect this node to swarm and try again.",
        "This node is not a swarm manager. Worker nodes can't be used to view or modify cluster state. "
        "Please run this command on a manager node or promote the current node to a manager.",
        "Swarm is encrypted and needs to be unlocked before it can be used. Please use \\\"docker swarm "
        "unlock\\\" to unlock it.",
        "rpc error: code = Unknown desc = The swarm does not have a leader. It's possible that too few "
        "managers are online. Make sure more than half of the managers are online.",
    };
    static const char *const hints[] = {"swarm init", "managers", "unlock", "node ls"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct outcome outcome = {0};
        cleanup_free char *body = xasprintf("{\"message\":\"%s\"}", texts[i]);
        answer("GET", "/v1.41/services", 503, body);
        engine_swarm_list(world->engine, ENGINE_SERVICES, NULL, on_outcome, &outcome);
        await_code(&world->loop, &outcome, ERROR_ENGINE);
        assert_int_equal(outcome.err.detail, DETAIL_NO_SWARM);
        assert_non_null(strstr(outcome.err.hint, hints[i]));
        outcome_reset(&outcome);
    }
}

static void test_output(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    answer("GET", "/v1.41/tasks/t1/logs?stdout=1&stderr=1&tail=5", 200, "plain text\n");
    engine_task_tail(world->engine, "t1", 5, on_outcome, &outcome);
    await_ok(&world->loop, &outcome);
    assert_string_equal(outcome.text, "plain text\n");
    outcome_reset(&outcome);
}

/* What was asked for is given up while the credentials are still looked for: nobody is told. */
static void test_cancel(void **state)
{
    struct world *world = *state;
    struct outcome outcome = {0};
    struct engine_op *op = engine_image_digest(world->engine, "registry.example/a:1", on_outcome, &outcome);
    engine_cancel(world->engine, op);
    struct outcome ping = {0};
    engine_ping(world->engine, on_outcome, &ping);
    await_ok(&world->loop, &ping);
    assert_int_equal(outcome.calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lists, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_service, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_secret_and_network, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_digest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_swarm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_output, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cancel, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
