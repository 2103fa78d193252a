/* The contract, and what only a real engine can answer (output, exec, pulls), on the engine of this machine.
 * Skipped where there is none, or not the image. */
#include "contract.h"
#include "world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_contract(void **state)
{
    (void)state;
    struct world world;
    bool usable = world_open_real(&world, contract_image());
    if (usable)
        contract_run(&world.loop, world.engine);
    world_close(&world);
    if (!usable)
        skip();
}

/* Runs a container with a shell script; its id in `outcome`. */
static void run_script(struct world *world, struct outcome *outcome, const char *script)
{
    static int number;
    char name[64];
    snprintf(name, sizeof name, "apphost-engine-test-%d-%d", (int)getpid(), ++number);
    cleanup_json cJSON *body = cJSON_CreateObject();
    json_add_string(body, "Image", contract_image());
    cJSON *entry = json_add_array(body, "Entrypoint");
    cJSON_AddItemToArray(entry, cJSON_CreateString("/bin/sh"));
    cJSON_AddItemToArray(entry, cJSON_CreateString("-c"));
    cJSON_AddItemToArray(json_add_array(body, "Cmd"), cJSON_CreateString(script));
    json_add_string(json_add_object(body, "Labels"), "apphost.contract", contract_label());
    json_add_string(json_add_object(body, "HostConfig"), "NetworkMode", "none");
    engine_container_create(world->engine, name, NULL, body, on_outcome, outcome_reset(outcome));
    await_ok(&world->loop, outcome);
    char id[128];
    snprintf(id, sizeof id, "%s", outcome->id);
    engine_container_start(world->engine, id, on_outcome, outcome_reset(outcome));
    await_ok(&world->loop, outcome);
    snprintf(outcome->id, sizeof outcome->id, "%s", id);
}

struct follower {
    struct strbuf text;
    int64_t last_ns;
    int lines;
    struct outcome outcome;
};

static void on_line(int stream, const char *line, size_t length, int64_t time_ns, void *data)
{
    struct follower *follower = data;
    follower->lines++;
    if (length < 100)
        strbuf_addf(&follower->text, "%d:%.*s;", stream, (int)length, line);
    else
        strbuf_addf(&follower->text, "%d:%zu bytes;", stream, length); /* 16 KiB pieces came together */
    assert_true(time_ns > 0);
    if (time_ns > follower->last_ns) /* between the two streams the order is not kept */
        follower->last_ns = time_ns;
}

/* The outcome is data for both callbacks. */
static void on_followed(const struct engine_result *result, const struct error *err, void *data)
{
    on_outcome(result, err, &((struct follower *)data)->outcome);
}

static void test_output(void **state)
{
    (void)state;
    struct world world;
    struct outcome outcome = {0};
    struct follower follower = {0};
    if (!world_open_real(&world, contract_image())) {
        world_close(&world);
        skip();
    }
    run_script(&world, &outcome,
               "echo one; echo two >&2; sleep 0.1; printf '%040000d\\n' 7; echo end; sleep 0.2");
    char id[128];
    snprintf(id, sizeof id, "%s", outcome.id);
    engine_container_follow(world.engine, id, 0, on_line, on_followed, &follower);
    await_ok(&world.loop, &follower.outcome);
    assert_int_equal(follower.lines, 4);
    assert_non_null(strstr(strbuf_text(&follower.text), "1:one;"));
    assert_non_null(strstr(strbuf_text(&follower.text), "2:two;"));
    assert_non_null(strstr(strbuf_text(&follower.text), "1:40000 bytes;"));
    assert_non_null(strstr(strbuf_text(&follower.text), "1:end;"));
    assert_true(follower.last_ns > 1600000000LL * 1000000000);
    /* From the last line on there is nothing. */
    follower.lines = 0;
    outcome_reset(&follower.outcome);
    engine_container_follow(world.engine, id, follower.last_ns, on_line, on_followed, &follower);
    await_ok(&world.loop, &follower.outcome);
    assert_int_equal(follower.lines, 0);
    engine_container_tail(world.engine, id, 1, on_outcome, outcome_reset(&outcome));
    await_ok(&world.loop, &outcome);
    assert_string_equal(outcome.text, "end\n");
    engine_container_remove(world.engine, id, true, on_outcome, outcome_reset(&outcome));
    await_ok(&world.loop, &outcome);
    strbuf_free(&follower.text);
    outcome_reset(&follower.outcome);
    outcome_reset(&outcome);
    world_close(&world);
}

static void test_exec(void **state)
{
    (void)state;
    struct world world;
    struct outcome outcome = {0};
    if (!world_open_real(&world, contract_image())) {
        world_close(&world);
        skip();
    }
    run_script(&world, &outcome, "sleep 60");
    char id[128];
    snprintf(id, sizeof id, "%s", outcome.id);
    const char *const argv[] = {"/bin/sh", "-c", "echo $WORD; echo bad >&2; exit 3", NULL};
    const char *const environment[] = {"WORD=good", NULL};
    engine_exec(world.engine, id, argv, environment, on_outcome, outcome_reset(&outcome));
    await_ok(&world.loop, &outcome);
    assert_int_equal(outcome.exit_code, 3);
    assert_non_null(strstr(outcome.text, "good\n"));
    assert_non_null(strstr(outcome.text, "bad\n"));
    const char *const missing[] = {"no-such-command", NULL};
    engine_exec(world.engine, id, missing, NULL, on_outcome, outcome_reset(&outcome));
    await_ok(&world.loop, &outcome);
    assert_true(outcome.exit_code == 126 || outcome.exit_code == 127);
    engine_container_remove(world.engine, id, true, on_outcome, outcome_reset(&outcome));
    await_ok(&world.loop, &outcome);
    engine_exec(world.engine, id, argv, NULL, on_outcome, outcome_reset(&outcome));
    await_code(&world.loop, &outcome, ERROR_GONE);
    outcome_reset(&outcome);
    world_close(&world);
}

/* Nothing listens on port 1: no registry has to exist for a pull to fail well. */
static void test_pull_refused(void **state)
{
    (void)state;
    struct world world;
    struct outcome outcome = {0};
    if (!world_open_real(&world, contract_image())) {
        world_close(&world);
        skip();
    }
    engine_image_pull(world.engine,
                      &(struct engine_pull){"127.0.0.1:1/absent:1", NULL, LIMIT_MS(20000), NULL}, on_outcome,
                      &outcome);
    await_code(&world.loop, &outcome, ERROR_PULL);
    assert_non_null(strstr(outcome.err.text, "127.0.0.1:1/absent:1"));
    assert_non_null(outcome.err.hint);
    engine_image_inspect(world.engine, "127.0.0.1:1/absent:1", on_outcome, outcome_reset(&outcome));
    await_code(&world.loop, &outcome, ERROR_NO_IMAGE);
    outcome_reset(&outcome);
    world_close(&world);
}

/* Also after a test that failed in the middle. */
static int sweep(void **state)
{
    (void)state;
    struct world world;
    if (world_open_real(&world, contract_image()))
        contract_sweep(&world.loop, world.engine);
    world_close(&world);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_contract),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_exec),
        cmocka_unit_test(test_pull_refused),
    };
    return cmocka_run_group_tests(tests, NULL, sweep);
}
