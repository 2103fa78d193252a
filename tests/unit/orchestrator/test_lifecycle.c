/* Lifecycles on the fake engine and virtual time: what is asked of the engine, in which order nodes come and
 * go, what changes are noticed, what is adopted. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct plan *one_redis(void)
{
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE);
    return plans_done(plan);
}

static struct plan *redis_and_api(void)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_port_variable(plan, api, "CACHE", cache);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    return plans_done(plan);
}

static void up(struct rig *rig, struct plan *plan)
{
    rig_up(rig, plan);
    rig_ok(rig);
}

static void down(struct rig *rig)
{
    rig_down(rig, true);
    rig_ok(rig);
    assert_true(rig_is_empty(rig));
}

static bool asked(const struct rig *rig, const char *words)
{
    for (size_t i = 0; i < rig->fake.log.count; i++) {
        if (strstr(rig->fake.log.items[i], words))
            return true;
    }
    return false;
}

static const struct fake_container *container(struct rig *rig, const char *name)
{
    struct fake_container *found = fake_find(&rig->fake, name);
    assert_non_null(found);
    return found;
}

static char *full(const char *name)
{
    static char text[64];
    struct plan *plan = plans_new("shop");
    snprintf(text, sizeof text, "%s-%s", plan->prefix, name);
    plan_free(plan);
    return text;
}

static void test_few_requests(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, one_redis());
    rig_ok(rig);
    assert_in_range(fake_count(&rig->fake), 4, 5);
    assert_false(asked(rig, "networks"));
    rig_forget(rig);
    up(rig, one_redis());
    assert_int_equal(fake_count(&rig->fake), 0);
    assert_int_equal(rig->transitions.count, 0);
    rig_down(rig, true);
    rig_ok(rig);
    assert_in_range(fake_count(&rig->fake), 2, 4);
    assert_false(asked(rig, "/stop")); /* it holds no data: killed and removed in one request */
    assert_string_equal(
        json_string(cJSON_GetArrayItem(json_get(rig->outcome.report, "removed"), 0), "name", ""), "cache");
    assert_true(rig_is_empty(rig));
    assert_int_equal(rig->idles, 1);
    rig_fini(rig);
}

static void test_states(void **state)
{
    (void)state;
    static const char *const expected[] = {
        "container:cache waiting", "container:cache creating", "container:cache starting",
        "container:cache running", "container:cache ready",    "process:api ready",
    };
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    for (size_t i = 1; i < sizeof expected / sizeof *expected; i++) {
        assert_true(rig_saw(rig, expected[i - 1]));
        assert_true(rig_when(rig, expected[i - 1]) < rig_when(rig, expected[i]));
    }
    assert_string_equal(rig_decision(rig, "cache"), "created");
    rig_forget(rig);
    down(rig);
    assert_true(rig_when(rig, "process:api removed") < rig_when(rig, "container:cache removed"));
    assert_true(rig_when(rig, "process:api removed") >= 0);
    rig_fini(rig);
}

static void test_changed(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    rig_pass(rig, 1000); /* specifications are saved a little later */
    rig_forget(rig);
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    plans_variable(plan, cache, "EXTRA", "yes");
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_port_variable(plan, api, "CACHE", cache);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    up(rig, plans_done(plan));
    assert_true(asked(rig, "DELETE /containers/"));
    assert_string_equal(rig_decision(rig, "cache"), "recreated");
    cleanup_json cJSON *view = orchestrator_view(rig->orchestrator);
    const char *why = json_string(cJSON_GetArrayItem(json_get(view, "resources"), 0), "explain", "");
    assert_non_null(strstr(why, "EXTRA"));
    /* It came back with the same port and password: nobody who uses it had to be restarted. */
    assert_false(rig_saw(rig, "process:api starting"));
    assert_string_equal(rig_state(rig, "api"), "ready");
    down(rig);
    rig_fini(rig);
}

static void test_renamed(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "store", RIG_IMAGE);
    up(rig, plans_done(plan));
    assert_null(fake_find(&rig->fake, full("cache")));
    assert_non_null(fake_find(&rig->fake, full("store")));
    assert_int_equal(rig->fake.live_processes, 0);
    assert_true(rig_when(rig, "process:api removed") < rig_when(rig, "container:cache removed"));
    assert_string_equal(rig_state(rig, "cache"), "absent");
    down(rig);
    rig_fini(rig);
}

static void test_adopted(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    rig_kill(rig);
    rig_open(rig);
    rig_forget(rig);
    up(rig, redis_and_api());
    assert_false(asked(rig, "containers/create"));
    assert_int_equal(fake_count(&rig->fake), 2); /* ping, list */
    assert_string_equal(rig_decision(rig, "cache"), "reused");
    down(rig);
    rig_fini(rig);
}

/* The password that the state has lost is read back, the port comes from the label. */
static void test_adopted_without_state(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    int port = container(rig, full("cache"))->ports[0];
    rig_lose_state(rig);
    rig_forget(rig);
    up(rig, redis_and_api());
    assert_false(asked(rig, "containers/create"));
    assert_int_equal(container(rig, full("cache"))->ports[0], port);
    cleanup_error struct error err = {0};
    cleanup_json cJSON *environment = orchestrator_environment(rig->orchestrator, NULL, NULL, &err);
    assert_non_null(environment);
    char expected[32];
    snprintf(expected, sizeof expected, "127.0.0.1:%d,password=", port);
    const cJSON *variable = json_get(environment, "ConnectionStrings__cache");
    assert_true(str_starts(json_string(variable, "value", ""), expected));
    assert_true(json_bool(variable, "secret", false));
    down(rig);
    rig_fini(rig);
}

/* Nobody knows the password any more once the changed server has gone: a new one is made. */
static void test_changed_without_state(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    rig_lose_state(rig);
    struct plan *plan = plans_new("shop");
    plans_variable(plan, plans_redis(plan, "cache", RIG_IMAGE), "EXTRA", "yes");
    up(rig, plans_done(plan));
    assert_string_equal(rig_state(rig, "cache"), "ready");
    down(rig);
    rig_fini(rig);
}

/* Leftovers of an earlier manifest go with a bare up, and with down without any manifest. */
static void test_leftovers(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    rig_kill(rig);
    rig_open(rig);
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "other", RIG_IMAGE);
    up(rig, plans_done(plan));
    rig_pass(rig, 100);
    assert_int_equal(fake_container_count(&rig->fake), 1);
    rig_kill(rig);
    rig_open(rig);
    up(rig, plans_done(plans_new("shop")));
    rig_pass(rig, 100);
    assert_true(rig_is_empty(rig));
    rig_fini(rig);
}

static void test_selection(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct orchestrator_apply apply = {.plan = redis_and_api()};
    strlist_add(&apply.resources, "cache");
    rig_apply(rig, &apply);
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    assert_int_equal(rig->fake.live_processes, 0);
    strlist_free(&apply.resources);
    apply = (struct orchestrator_apply){.plan = redis_and_api()};
    strlist_add(&apply.resources, "api");
    rig_apply(rig, &apply);
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "api"), "ready");
    strlist_free(&apply.resources);
    apply = (struct orchestrator_apply){.plan = redis_and_api()};
    strlist_add(&apply.resources, "nobody");
    rig_apply(rig, &apply);
    assert_int_equal(rig_answer(rig), ERROR_NOT_RUNNING);
    strlist_free(&apply.resources);
    down(rig);
    rig_fini(rig);
}

static struct plan *with_network(bool join)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *network = join ? plans_network(plan) : NULL;
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    if (join) {
        cache->run.on_network = true;
        cache->run.alias = "cache";
        plans_edge(plan, cache, network, PLAN_HEALTHY);
    }
    return plans_done(plan);
}

static void test_network(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, with_network(false));
    rig_forget(rig);
    up(rig, with_network(true));
    rig_pass(rig, 100);
    /* A server that runs joins it live: membership is no part of what it is made of. */
    assert_true(asked(rig, "/connect"));
    assert_false(asked(rig, "DELETE"));
    assert_string_equal(container(rig, full("cache"))->network, rig->fake.networks->id);
    rig_forget(rig);
    down(rig);
    assert_true(rig_when(rig, "container:cache removed") < (int)rig->transitions.count);
    up(rig, with_network(true));
    assert_false(asked(rig, "/connect"));
    assert_string_equal(container(rig, full("cache"))->network, rig->fake.networks->id);
    down(rig);
    rig_fini(rig);
}

static void test_network_of_a_dead_session(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, with_network(true));
    rig_kill(rig);
    rig_open(rig);
    rig_down(rig, true); /* knows nothing of the project: by session */
    rig_ok(rig);
    assert_false(rig_is_empty(rig));
    up(rig, with_network(true));
    down(rig);
    rig_fini(rig);
}

static struct plan *with_volume(bool persistent)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *volume = plans_volume(plan, "cache-data");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    cache->run.persistent = persistent;
    plans_mount(plan, cache, volume);
    return plans_done(plan);
}

static void test_volume(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, with_volume(false));
    rig_forget(rig);
    rig_down(rig, false);
    rig_ok(rig);
    assert_true(asked(rig, "/stop")); /* it has data: time to save */
    assert_null(rig->fake.containers);
    assert_non_null(rig->fake.volumes);
    up(rig, with_volume(false));
    down(rig);
    rig_fini(rig);
}

static void test_persistent(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, with_volume(true));
    rig_down(rig, false);
    rig_ok(rig);
    assert_int_equal(fake_container_count(&rig->fake), 1);
    assert_int_equal(rig->idles, 1);
    rig_kill(rig);
    rig_open(rig);
    struct fake_container *cache = fake_find(&rig->fake, full("cache"));
    fake_crash(&rig->fake, cache, 0, false); /* the machine was switched off */
    rig_forget(rig);
    up(rig, with_volume(true));
    assert_string_equal(rig_decision(rig, "cache"), "started");
    assert_false(asked(rig, "containers/create"));
    down(rig);
    rig_fini(rig);
}

static struct plan *with_task(int code)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    char script[32];
    snprintf(script, sizeof script, "exit %d after 50", code);
    struct plan_node *migrate = plans_process(plan, "migrate", arena_strdup(&plan->arena, script));
    migrate->run.task = true;
    plans_edge(plan, migrate, cache, PLAN_HEALTHY);
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_edge(plan, api, migrate, PLAN_COMPLETED);
    return plans_done(plan);
}

static void test_task(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, with_task(0));
    assert_string_equal(rig_state(rig, "migrate"), "completed");
    assert_int_equal(rig->fake.spawned, 2);
    up(rig, with_task(0));
    assert_int_equal(rig->fake.spawned, 2); /* once in a session */
    fake_destroy(&rig->fake, fake_find(&rig->fake, full("cache")));
    rig_pass(rig, 1000);
    assert_int_equal(rig->fake.spawned, 3); /* what it ran against was recreated */
    assert_string_equal(rig_state(rig, "migrate"), "completed");
    down(rig);
    rig_fini(rig);
}

static void test_failed_task(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, with_task(3));
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    assert_non_null(strstr(rig->outcome.error.text, "migrate"));
    assert_non_null(strstr(rig->outcome.error.text, "exit code 3"));
    assert_string_equal(rig_state(rig, "api"), "failed");
    down(rig);
    rig_fini(rig);
}

static void test_verbs(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    rig_control(rig, ORCHESTRATOR_STOP, "cache");
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "stopped");
    assert_false(container(rig, full("cache"))->running);
    assert_string_equal(rig_state(rig, "api"), "stopped");
    assert_true(rig_when(rig, "process:api stopped") < rig_when(rig, "container:cache stopped"));
    rig_control(rig, ORCHESTRATOR_START, "cache");
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    assert_string_equal(rig_state(rig, "api"), "ready");
    rig_control(rig, ORCHESTRATOR_KILL, "cache");
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "stopped");
    assert_string_equal(rig_state(rig, "api"), "ready"); /* it sees its server missing */
    rig_control(rig, ORCHESTRATOR_START, "cache");
    rig_ok(rig);
    rig_forget(rig);
    rig_control(rig, ORCHESTRATOR_RESTART, "cache");
    rig_ok(rig);
    assert_true(rig_saw(rig, "container:cache stopping"));
    assert_false(asked(rig, "containers/create"));
    int spawned = rig->fake.spawned;
    rig_control(rig, ORCHESTRATOR_RESTART, "api");
    rig_ok(rig);
    assert_int_equal(rig->fake.spawned, spawned + 1);
    rig_control(rig, ORCHESTRATOR_KILL, "api");
    rig_ok(rig);
    assert_int_equal(rig->fake.live_processes, 0);
    assert_string_equal(rig_state(rig, "api"), "stopped");
    rig_control(rig, ORCHESTRATOR_START, "nobody");
    assert_int_equal(rig_answer(rig), ERROR_NOT_RUNNING);
    down(rig);
    rig_fini(rig);
}

static void on_waited(const struct error *error, const cJSON *report, void *data)
{
    (void)report;
    *(int *)data = error ? (int)error->code : -1;
}

static void test_wait(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis_and_api());
    int answer = 0, late = 0;
    struct orchestrator_wait all = {.until = PLAN_HEALTHY};
    orchestrator_wait(rig->orchestrator, &all, on_waited, &answer);
    rig_ok(rig);
    rig_pass(rig, 10);
    assert_int_equal(answer, -1);
    cleanup_strlist struct strlist api = {0};
    strlist_add(&api, "api");
    struct orchestrator_wait never = {.resources = &api, .until = PLAN_COMPLETED, .timeout_ms = 5000};
    orchestrator_wait(rig->orchestrator, &never, on_waited, &late);
    rig_pass(rig, 4000);
    assert_int_equal(late, 0);
    rig_pass(rig, 2000);
    assert_int_equal(late, ERROR_TIMEOUT);
    down(rig);
    rig_fini(rig);
}

/* Before anybody has said what is wanted, "all" is not "nothing". */
static void test_wait_before_up(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    int answer = 0;
    struct orchestrator_wait all = {.until = PLAN_HEALTHY};
    orchestrator_wait(rig->orchestrator, &all, on_waited, &answer);
    rig_pass(rig, 1000);
    assert_int_equal(answer, 0);
    rig_up(rig, redis_and_api());
    rig_ok(rig);
    rig_pass(rig, 10);
    assert_int_equal(answer, -1);
    down(rig);
    rig_fini(rig);
}

static void expect_nobody_starts(struct rig *rig, enum plan_until until)
{
    int answer = 0;
    cleanup_strlist struct strlist api = {0};
    strlist_add(&api, "api");
    struct orchestrator_wait wait = {.resources = &api, .until = until};
    orchestrator_wait(rig->orchestrator, &wait, on_waited, &answer);
    rig_pass(rig, 10);
    assert_int_equal(answer, ERROR_NOT_RUNNING);
}

static void test_wait_for_what_nobody_starts(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, redis_and_api());
    rig_ok(rig);
    rig_control(rig, ORCHESTRATOR_STOP, "api");
    rig_ok(rig);
    expect_nobody_starts(rig, PLAN_HEALTHY);
    expect_nobody_starts(rig, PLAN_COMPLETED);
    rig_control(rig, ORCHESTRATOR_START, "api");
    rig_ok(rig);
    down(rig);
    rig_fini(rig);
}

static void test_dry_run(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct orchestrator_apply apply = {.plan = redis_and_api(), .dry_run = true};
    rig_apply(rig, &apply);
    rig_ok(rig);
    assert_int_equal(rig->fake.effects, 0);
    const cJSON *entry = cJSON_GetArrayItem(json_get(rig->outcome.report, "resources"), 1);
    assert_string_equal(json_string(entry, "name", ""), "cache");
    assert_string_equal(json_string(entry, "decision", ""), "created");
    rig_fini(rig);
}

static void test_exec_info(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, redis_and_api());
    cleanup_error struct error err = {0};
    cleanup_json cJSON *api = orchestrator_exec_info(rig->orchestrator, "api", &err);
    assert_string_equal(cJSON_GetArrayItem(json_get(api, "argv"), 2)->valuestring, "run");
    cleanup_strlist struct strlist environment = {0};
    json_get_strings(api, "environment", &environment);
    char expected[64];
    snprintf(expected, sizeof expected, "127.0.0.1:%d", container(rig, full("cache"))->ports[0]);
    assert_string_equal(strlist_getenv(&environment, "CACHE"), expected);
    assert_string_equal(strlist_getenv(&environment, "APPHOST_RESOURCE"), "api");
    cleanup_json cJSON *cache = orchestrator_exec_info(rig->orchestrator, "cache", &err);
    assert_string_equal(json_string(cache, "containerId", ""), container(rig, full("cache"))->id);
    cleanup_strlist struct strlist login = {0};
    json_get_strings(cache, "environment", &login);
    assert_non_null(strlist_getenv(&login, "REDISCLI_AUTH"));
    assert_true(strlen(strlist_getenv(&login, "REDISCLI_AUTH")) > 0);
    assert_string_equal(strlist_getenv(&login, "REDISCLI_AUTH"), strlist_getenv(&login, "VALKEYCLI_AUTH"));
    assert_null(orchestrator_exec_info(rig->orchestrator, "nobody", &err));
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    down(rig);
    rig_fini(rig);
}

static void test_many(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "r%d", i);
        plans_redis(plan, name, RIG_IMAGE);
    }
    up(rig, plans_done(plan));
    assert_int_equal(fake_container_count(&rig->fake), 100);
    assert_int_equal(fake_count(&rig->fake), 202); /* ping, list, a create and a start each */
    assert_int_equal(rig->fake.most_starts, 16);   /* in flight: eight to a processor */
    down(rig);
    rig_fini(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_few_requests),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_renamed),
        cmocka_unit_test(test_adopted),
        cmocka_unit_test(test_adopted_without_state),
        cmocka_unit_test(test_changed_without_state),
        cmocka_unit_test(test_leftovers),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_network),
        cmocka_unit_test(test_network_of_a_dead_session),
        cmocka_unit_test(test_volume),
        cmocka_unit_test(test_persistent),
        cmocka_unit_test(test_task),
        cmocka_unit_test(test_failed_task),
        cmocka_unit_test(test_verbs),
        cmocka_unit_test(test_wait),
        cmocka_unit_test(test_wait_before_up),
        cmocka_unit_test(test_wait_for_what_nobody_starts),
        cmocka_unit_test(test_dry_run),
        cmocka_unit_test(test_exec_info),
        cmocka_unit_test(test_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
