/* Bad luck on the fake engine and virtual time: taken ports, missing images, crashes, lost engines,
 * deadlines. Each ends with the right kind of error that names its culprit, or heals by itself; and nothing
 * is left behind. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A Redis called cache, with what a test changes about it. */
static struct plan *redis_with(int fixed_port, const char *image)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", image);
    cache->run.ports[0].fixed_port = fixed_port;
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_port_variable(plan, api, "CACHE", cache);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    return plans_done(plan);
}

static struct plan *redis(void)
{
    return redis_with(0, RIG_IMAGE);
}

static void must_fail(struct rig *rig, enum error_code code, const char *words)
{
    enum error_code answer = rig_answer(rig);
    const char *text = rig->outcome.error.text ? rig->outcome.error.text : "";
    if (answer != code || !strstr(text, words))
        fail_msg("expected %s and \"%s\", got %s: %s", error_name(code), words, error_name(answer), text);
}

static const cJSON *reported(const struct rig *rig, const char *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(rig->outcome.report, "resources"))
    {
        if (!strcmp(json_string(entry, "name", ""), name))
            return entry;
    }
    return NULL;
}

static struct fake_container *only(struct rig *rig)
{
    assert_int_equal(fake_container_count(&rig->fake), 1);
    return rig->fake.containers;
}

/* ---- ports ---- */

static void test_port_taken_before(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    int port = only(rig)->ports[0];
    rig_down(rig, true);
    rig_ok(rig);
    rig->fake.taken[port] = true;
    rig_up(rig, redis());
    rig_ok(rig);
    /* The remembered one is taken at the start call only: our look was before. */
    assert_int_equal(only(rig)->ports[0], port + 1);
    rig_down(rig, true);
    rig_ok(rig);
    rig->fake.taken[port] = false;
    rig_up(rig, redis());
    rig_ok(rig);
    assert_int_equal(only(rig)->ports[0], port + 1); /* remembered */
    rig_end(rig);
}

static void test_port_fixed(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.taken[6400] = rig->fake.taken[6401] = true;
    rig_up(rig, redis_with(6400, RIG_IMAGE));
    must_fail(rig, ERROR_PORT, "127.0.0.1:6400");
    assert_non_null(strstr(rig->outcome.error.hint, "6402"));
    assert_string_equal(rig->outcome.error.resource, "cache");
    rig_end(rig);
}

/* A persistent server stays when a session ends; one that never ran holds nothing, and goes. */
static void test_port_fixed_persistent(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    cache->run.ports[0].fixed_port = 6400;
    cache->run.persistent = true;
    rig->fake.taken[6400] = true;
    rig_up(rig, plans_done(plan));
    must_fail(rig, ERROR_PORT, "127.0.0.1:6400");
    rig_down(rig, false);
    rig_ok(rig);
    assert_int_equal(fake_container_count(&rig->fake), 0);
    rig_end(rig);
}

static void test_port_held_by_container(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("elsewhere");
    plans_redis(plan, "holder", RIG_IMAGE)->run.ports[0].fixed_port = 6400;
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    cleanup_free char *name = xstrdup(only(rig)->name);
    rig_kill(rig);
    rig_open(rig);
    rig_up(rig, redis_with(6400, RIG_IMAGE));
    must_fail(rig, ERROR_PORT, name);
    rig_down(rig, true);
    rig_ok(rig);
    assert_int_equal(fake_container_count(&rig->fake), 1);
    rig_fini(rig);
}

static void test_port_of_process(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_port(plan, plans_process(plan, "web", "run"), 0, 5000, 0);
    rig->fake.taken[5000] = true;
    rig_up(rig, plans_done(plan));
    must_fail(rig, ERROR_PORT, "5000");
    assert_int_equal(rig->fake.spawned, 0);
    rig_end(rig);
}

/* ---- images ---- */

static void test_image_pulled(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    strlist_add(&rig->fake.pullable, "redis:8");
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "one", "redis:8");
    plans_redis(plan, "two", "redis:8");
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    int pulls = 0;
    for (size_t i = 0; i < rig->fake.log.count; i++)
        pulls += str_starts(rig->fake.log.items[i], "POST /images/create");
    assert_int_equal(pulls, 1); /* for both */
    assert_true(rig_saw(rig, "container:one pulling"));
    rig_end(rig);
}

static void test_image_missing(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis_with(0, "nosuch:1"));
    must_fail(rig, ERROR_PULL, "nosuch:1");
    assert_true(json_bool(reported(rig, "api"), "blocked", false));
    rig_end(rig);
}

static void test_image_never(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", "nosuch:1")->run.pull = MODEL_PULL_NEVER;
    rig_up(rig, plans_done(plan));
    must_fail(rig, ERROR_NO_IMAGE, "nosuch:1");
    rig_end(rig);
}

/* ---- ends ---- */

static void test_ends_at_once(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.crasher = "cache";
    rig->fake.crash_code = 3;
    rig_up(rig, redis());
    must_fail(rig, ERROR_RESOURCE, "cache ended before it was ready with exit code 3");
    assert_true(str_starts(rig->outcome.error.text, "cache ended")); /* not what it held back */
    assert_string_equal(json_string(reported(rig, "cache"), "lastLines", ""), "the last words\n");
    assert_int_equal(json_int(reported(rig, "cache"), "exitCode", -1), 3);
    const cJSON *api = reported(rig, "api");
    assert_true(json_bool(api, "blocked", false));
    assert_non_null(strstr(json_string(json_get(api, "error"), "message", ""), "api was not started"));
    assert_true(json_bool(api, "told", false) && json_bool(reported(rig, "cache"), "told", false));
    assert_string_equal(json_string(api, "consequence", ""), "api was not started");
    assert_string_equal(json_string(reported(rig, "cache"), "consequence", ""), "");
    assert_false(json_bool(reported(rig, "cache"), "attemptTold", false));
    assert_int_equal(rig->fake.spawned, 0);
    rig_end(rig);
}

static void test_server_comes_back(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    int port = only(rig)->ports[0];
    for (int i = 0; i < 5; i++) {
        fake_crash(&rig->fake, only(rig), 137, true);
        rig_pass(rig, 1);
        rig_pass(rig, 80000);
        assert_string_equal(rig_state(rig, "cache"), "ready");
        assert_int_equal(only(rig)->ports[0], port);
    }
    assert_true(rig_saw(rig, "container:cache restarting"));
    assert_int_equal(rig->fake.spawned, 1); /* same address, same password: nobody else was touched */
    rig_end(rig);
}

/* Somebody removed it: made anew. */
static void test_removed_by_others(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    fake_destroy(&rig->fake, only(rig));
    rig_pass(rig, 1000);
    assert_true(only(rig)->running);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    rig_end(rig);
}

/* It comes back on another port: its dependants get a new environment. */
static void test_moved(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    rig->fake.taken[only(rig)->ports[0]] = true;
    fake_destroy(&rig->fake, only(rig));
    rig_pass(rig, 2000);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    assert_string_equal(rig_state(rig, "api"), "ready");
    assert_int_equal(rig->fake.spawned, 2);
    rig_end(rig);
}

static struct plan *flaky(const char *script, enum model_restart_when when, int retries)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_process(plan, "api", script);
    api->run.restart.when = when;
    api->run.restart.max_retries = retries;
    api->run.restart.backoff_ms = 1000;
    api->run.restart.max_backoff_ms = 8000;
    return plans_done(plan);
}

static void test_restart_policies(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, flaky("exit 1 after 1100", MODEL_RESTART_ON_FAILURE, 3));
    rig_ok(rig);
    rig_pass(rig, 60000);
    assert_int_equal(rig->fake.spawned, 4);
    assert_string_equal(rig_state(rig, "api"), "failed");
    rig_up(rig, flaky("exit 0 after 100", MODEL_RESTART_ON_FAILURE, 3));
    rig_ok(rig);
    rig_pass(rig, 60000);
    assert_int_equal(rig->fake.spawned, 5);
    assert_string_equal(rig_state(rig, "api"), "completed");
    rig_up(rig, flaky("exit 1 after 1050", MODEL_RESTART_NEVER, -1));
    rig_ok(rig);
    rig_pass(rig, 60000);
    assert_string_equal(rig_state(rig, "api"), "failed");
    rig_up(rig, flaky("exit 0 after 60100", MODEL_RESTART_ALWAYS, -1));
    rig_ok(rig);
    int before = rig->fake.spawned;
    rig_pass(rig, 10 * 62000);
    /* Stable for a minute each time: the pause stays the first one, about a second. */
    assert_in_range(rig->fake.spawned - before, 9, 11);
    rig_end(rig);
}

/* An end with an error in the first second is a start that failed, though nothing says when it is ready. */
static void test_ends_right_after_its_start(void **state)
{
    (void)state;
    static const char *const scripts[] = {"exit 3 after 0", "exit 3 after 20", "exit 3 after 999"};
    for (size_t i = 0; i < sizeof scripts / sizeof *scripts; i++) {
        struct rig *rig = rig_fresh();
        rig_up(rig, flaky(scripts[i], MODEL_RESTART_NEVER, 0));
        must_fail(rig, ERROR_RESOURCE, "api ended right after its start with exit code 3");
        assert_string_equal(rig_state(rig, "api"), "failed");
        rig_end(rig);
    }
}

/* With a restart policy it has failed when the tries are over. */
static void test_restarts_before_it_has_started(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, flaky("exit 3 after 100", MODEL_RESTART_ON_FAILURE, 2));
    must_fail(rig, ERROR_RESOURCE, "exit code 3");
    assert_int_equal(rig->fake.spawned, 3);
    rig_up(rig, flaky("exit 4 after 100", MODEL_RESTART_ALWAYS, -1));
    must_fail(rig, ERROR_TIMEOUT, "api");
    rig_end(rig);
}

/* They all settle at the same time; who depends on them does not wait for it. */
static void test_many_settle_at_once(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_replicas(plan, "worker", 50, "run");
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_edge(plan, api, plans_process(plan, "base", "run"), PLAN_HEALTHY);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_in_range(loop_now_ms(&rig->loop), 1000, 1100);
    int64_t before = loop_now_ms(&rig->loop);
    rig_control(rig, ORCHESTRATOR_RESTART, "api");
    rig_ok(rig);
    assert_in_range(loop_now_ms(&rig->loop) - before, 1000, 1100);
    rig_end(rig);
}

static void test_cannot_spawn(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, flaky("missing", MODEL_RESTART_NEVER, 0));
    must_fail(rig, ERROR_NOT_FOUND, "missing");
    rig_end(rig);
}

static void test_bad_start(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.start_error = "something odd in the engine";
    rig_up(rig, redis());
    must_fail(rig, ERROR_FAILED, "something odd in the engine");
    rig->fake.start_error = NULL;
    rig_end(rig);
}

static void test_name_taken(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    /* The same name, without our labels. */
    cJSON_DeleteItemFromObjectCaseSensitive(only(rig)->body, "Labels");
    rig_kill(rig);
    rig_open(rig);
    rig_up(rig, redis());
    must_fail(rig, ERROR_CONFLICT, "not ours");
    rig_down(rig, true);
    rig_ok(rig);
    assert_int_equal(fake_container_count(&rig->fake), 1);
    rig_fini(rig);
}

/* ---- time ---- */

static void test_never_ready(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.deaf = true;
    rig_up(rig, redis());
    must_fail(rig, ERROR_TIMEOUT, "connection refused");
    assert_non_null(strstr(json_string(reported(rig, "cache"), "lastProbe", ""), "connection refused"));
    assert_true(json_bool(reported(rig, "cache"), "attemptTold", false));
    assert_in_range(loop_now_ms(&rig->loop), 119000, 122000);
    rig->fake.deaf = false;
    rig_up(rig, redis()); /* another try finds it */
    rig_ok(rig);
    rig_end(rig);
}

static void test_request_timeout(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.deaf = true;
    struct orchestrator_apply apply = {.plan = redis(), .timeout_ms = 3000};
    rig_apply(rig, &apply);
    must_fail(rig, ERROR_TIMEOUT, "cache is still running after 3 s");
    assert_true(json_bool(reported(rig, "cache"), "told", false));
    assert_true(json_bool(reported(rig, "cache"), "attemptTold", false));
    assert_string_equal(rig_state(rig, "cache"), "running");
    rig_end(rig);
}

/* What it waits for then is told, not what its probe met before it answered. */
static void test_request_timeout_names_what_the_topology_misses(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *node = plans_redis(plan, "cache-1", RIG_IMAGE);
    node->run.replica_of = "cache";
    node->run.topology =
        (struct plan_topology){.kind = MODEL_TOPOLOGY_REPLICATION, .shards = 1, .replicas = 1};
    struct orchestrator_apply apply = {.plan = plans_done(plan), .timeout_ms = 30000};
    rig_apply(rig, &apply);
    must_fail(rig, ERROR_TIMEOUT, "cache-1 is still running after 30 s: cache-1 does not answer");
    assert_string_equal(rig_state(rig, "cache-1"), "running");
    rig_end(rig);
}

static void test_stubborn(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, flaky("stubborn", MODEL_RESTART_NEVER, 0));
    rig_ok(rig);
    rig_down(rig, true);
    rig_pass(rig, 1000);
    assert_false(rig->outcome.done);
    orchestrator_hurry(rig->orchestrator, true);
    rig_pass(rig, 100);
    assert_true(rig->outcome.done);
    assert_true(rig_is_empty(rig));
    rig_fini(rig);
}

/* The command was killed: what ignores TERM is gone within the second that is promised, and a server with
 * data still has its time to save. */
static void test_hurried(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    plans_mount(plan, cache, plans_volume(plan, "cache-data"));
    plans_process(plan, "app", "stubborn");
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    fake_forget(&rig->fake);
    rig_down(rig, false);
    orchestrator_hurry(rig->orchestrator, false);
    rig_pass(rig, 600);
    assert_true(rig->outcome.done);
    bool was_told = false;
    for (size_t i = 0; i < rig->fake.log.count; i++) {
        const char *request = rig->fake.log.items[i];
        was_told |= str_ends(request, "/stop");
        assert_null(strstr(request, "/stop?"));
    }
    assert_true(was_told);
    rig_end(rig);
}

/* ---- the engine ---- */

static void test_no_engine(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    fake_engine_gone(&rig->fake);
    rig_up(rig, redis());
    must_fail(rig, ERROR_ENGINE, "connection refused");
    assert_in_range(loop_now_ms(&rig->loop), 0, 1000);
    rig_down(rig, true); /* nothing was made */
    rig_ok(rig);
    fake_engine_back(&rig->fake);
    rig_up(rig, redis());
    rig_ok(rig);
    rig_end(rig);
}

/* Processes need no engine. */
static void test_no_engine_needed(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    fake_engine_gone(&rig->fake);
    rig_up(rig, flaky("run", MODEL_RESTART_NEVER, 0));
    rig_ok(rig);
    rig_pass(rig, 60000);
    rig_end(rig);
}

static void test_engine_lost(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_ok(rig);
    fake_engine_gone(&rig->fake);
    rig_pass(rig, 1800000);
    assert_string_equal(rig_state(rig, "cache"), "engine-lost");
    assert_string_equal(rig_state(rig, "api"), "ready");
    /* Without live-restore the containers end with their engine, and it comes back without them running. */
    fake_engine_back(&rig->fake);
    fake_crash(&rig->fake, only(rig), 0, false);
    rig_pass(rig, 10000);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    assert_int_equal(rig->fake.spawned, 1);
    rig_end(rig);
}

static void test_engine_dies_in_mid_up(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis());
    rig_pass(rig, 13); /* the start is in flight */
    fake_engine_gone(&rig->fake);
    must_fail(rig, ERROR_ENGINE, "has not answered");
    fake_engine_back(&rig->fake);
    rig_pass(rig, 10000);
    assert_string_equal(rig_state(rig, "cache"), "ready"); /* it went on by itself */
    rig_end(rig);
}

static void test_superseded(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.deaf = true;
    rig_up(rig, redis());
    rig_pass(rig, 100);
    assert_false(rig->outcome.done);
    const struct orchestrator_down down = {.volumes = true};
    orchestrator_down(rig->orchestrator, &down, NULL, NULL);
    assert_int_equal(rig_answer(rig), ERROR_CANCELLED);
    rig_pass(rig, 1000);
    assert_true(rig_is_empty(rig));
    rig_fini(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_port_taken_before),
        cmocka_unit_test(test_port_fixed_persistent),
        cmocka_unit_test(test_port_fixed),
        cmocka_unit_test(test_port_held_by_container),
        cmocka_unit_test(test_port_of_process),
        cmocka_unit_test(test_image_pulled),
        cmocka_unit_test(test_image_missing),
        cmocka_unit_test(test_image_never),
        cmocka_unit_test(test_ends_at_once),
        cmocka_unit_test(test_server_comes_back),
        cmocka_unit_test(test_removed_by_others),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_restart_policies),
        cmocka_unit_test(test_ends_right_after_its_start),
        cmocka_unit_test(test_restarts_before_it_has_started),
        cmocka_unit_test(test_many_settle_at_once),
        cmocka_unit_test(test_cannot_spawn),
        cmocka_unit_test(test_bad_start),
        cmocka_unit_test(test_name_taken),
        cmocka_unit_test(test_never_ready),
        cmocka_unit_test(test_request_timeout),
        cmocka_unit_test(test_request_timeout_names_what_the_topology_misses),
        cmocka_unit_test(test_stubborn),
        cmocka_unit_test(test_no_engine),
        cmocka_unit_test(test_no_engine_needed),
        cmocka_unit_test(test_hurried),
        cmocka_unit_test(test_engine_lost),
        cmocka_unit_test(test_engine_dies_in_mid_up),
        cmocka_unit_test(test_superseded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
