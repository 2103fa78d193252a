/* Kinds of nodes and of readiness beyond the plain server: connection strings, images without a health check,
 * patterns in a log, commands; passwords that are wrong. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* A connection string to cache, checked, and a process behind it. */
static struct plan *behind_a_value(bool check)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    struct plan_node *legacy = plans_value(plan, "legacy", cache);
    if (check)
        legacy->check.kind = PLAN_PROBE_PING;
    plans_edge(plan, plans_process(plan, "api", "run"), legacy, PLAN_HEALTHY);
    return plans_done(plan);
}

static void test_connection_string(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, behind_a_value(false));
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "legacy"), "ready");
    rig_end(rig);
}

static void test_connection_string_checked(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.deaf = true;
    rig_up(rig, behind_a_value(true));
    rig_pass(rig, 5000);
    assert_string_equal(rig_state(rig, "api"), "waiting");
    rig->fake.deaf = false;
    rig_ok(rig);
    assert_true(rig_when(rig, "value:legacy ready") < rig_when(rig, "process:api ready"));
    rig_end(rig);
}

/* A service that others run, asked by HTTP: `front` and the port of cache, which plays it. */
static struct plan *behind_a_service(const char *front)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *service = plans_value(plan, "service", plans_redis(plan, "cache", RIG_IMAGE));
    service->value.parts[0].text = front;
    service->check = (struct plan_probe){.kind = PLAN_PROBE_HTTP, .http_path = "/health"};
    plans_edge(plan, plans_process(plan, "api", "run"), service, PLAN_HEALTHY);
    return plans_done(plan);
}

static void test_external(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.deaf = true;
    rig_up(rig, behind_a_service("http://127.0.0.1:"));
    rig_pass(rig, 5000);
    assert_string_equal(rig_state(rig, "api"), "waiting");
    rig->fake.deaf = false;
    rig_ok(rig);
    assert_true(rig_when(rig, "value:service ready") < rig_when(rig, "process:api ready"));
    rig_end(rig);
}

/* A URL that is put together from values may turn out to be none. */
static void test_external_without_a_host(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig_up(rig, behind_a_service("http://:"));
    rig_pass(rig, 1000);
    assert_string_equal(rig_state(rig, "service"), "failed");
    assert_non_null(strstr(rig->outcome.error.text, "its URL names no host and port"));
    rig_end(rig);
}

/* An image that has neither a health check nor a port is ready when it runs. */
static void test_image_without_health(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    cache->run.ready = (struct plan_probe){.kind = PLAN_PROBE_IMAGE_HEALTH};
    cache->run.port_count = 0;
    rig_up(rig, plans_done(plan));
    rig_ok(rig); /* it has run on for a second */
    assert_in_range(loop_now_ms(&rig->loop), 1000, 1250);
    rig_end(rig);
}

/* One that has a port and no health check is ready when something answers there. */
static void test_port_without_health(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE)->run.ready = (struct plan_probe){.kind = PLAN_PROBE_IMAGE_HEALTH};
    rig->fake.deaf = true;
    rig_up(rig, plans_done(plan));
    rig_pass(rig, 1000);
    assert_string_equal(rig_state(rig, "cache"), "running");
    rig->fake.deaf = false;
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    rig_end(rig);
}

static void test_no_probe(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE)->run.ready = (struct plan_probe){.kind = PLAN_PROBE_NONE};
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    rig_end(rig);
}

/* Ready, lost, ready again: nothing fails and nobody is restarted. */
static void test_lost_and_found(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    rig->fake.deaf = true;
    rig_pass(rig, 600000);
    assert_string_equal(rig_state(rig, "cache"), "running");
    rig->fake.deaf = false;
    rig_pass(rig, 1000);
    assert_string_equal(rig_state(rig, "cache"), "ready");
    rig_end(rig);
}

/* Waiting will not help: the failure comes at once, not after the deadline. */
static void test_wrong_password(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    cache->run.ready.password.parts[0] = (struct plan_part){.kind = PLAN_LITERAL, .text = "nonsense"};
    rig_up(rig, plans_done(plan));
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    assert_non_null(strstr(rig->outcome.error.text, "WRONGPASS"));
    assert_in_range(loop_now_ms(&rig->loop), 1, 1000);
    rig_end(rig);
}

/* A given password wins over the remembered one, and a container made with another is made anew. */
static void test_given_password(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    const char *const given[] = {NULL, "first", "second", "second"};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        struct plan *plan = plans_new("shop");
        plans_redis(plan, "cache", RIG_IMAGE);
        plan->secrets[0].value = given[i] ? arena_strdup(&plan->arena, given[i]) : NULL;
        rig_forget(rig);
        rig_up(rig, plans_done(plan));
        rig_ok(rig);
        bool made = rig_saw(rig, "container:cache creating");
        assert_int_equal(made, i != 3);
    }
    assert_string_equal(rig_state(rig, "cache"), "ready");
    rig_end(rig);
}

/* Sidecars: one failed server does not fail who waits for all of them to run. */
static void test_sidecar(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.crasher = "broken";
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE),
                     *broken = plans_redis(plan, "broken", RIG_IMAGE);
    struct plan_node *insight = plans_process(plan, "insight", "run");
    insight->sidecar = true;
    plans_edge(plan, insight, cache, PLAN_STARTED);
    plans_edge(plan, insight, broken, PLAN_STARTED);
    insight->edges[0].required = insight->edges[1].required = false;
    rig_up(rig, plans_done(plan));
    assert_int_equal(rig_answer(rig), ERROR_RESOURCE);
    rig_pass(rig, 2000);
    assert_true(rig_when(rig, "container:cache running") < rig_when(rig, "process:insight starting"));
    assert_string_equal(rig_state(rig, "insight"), "ready");
    assert_string_equal(rig_state(rig, "broken"), "failed");
    rig_end(rig);
}

static void test_optional(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    rig->fake.crasher = "broken";
    struct plan *plan = plans_new("shop");
    struct plan_node *broken = plans_redis(plan, "broken", RIG_IMAGE),
                     *api = plans_process(plan, "api", "run");
    plans_edge(plan, api, broken, PLAN_HEALTHY);
    api->edges[0].required = false;
    for (size_t i = 0; i < plan->resource_count; i++)
        plan->resources[i].optional = !strcmp(plan->resources[i].name, "broken");
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
    assert_string_equal(rig_state(rig, "api"), "ready");
    rig_end(rig);
}

static void test_manual(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    for (int i = 0; i < 2; i++) {
        struct plan *plan = plans_new("shop");
        plans_redis(plan, "cache", RIG_IMAGE)->manual = true;
        plans_process(plan, "api", "run");
        rig_up(rig, plans_done(plan));
        rig_ok(rig);
        assert_string_equal(rig_state(rig, "cache"), i ? "ready" : "manual");
        rig_control(rig, ORCHESTRATOR_START, "cache"); /* a later up leaves it alone */
        rig_ok(rig);
        assert_string_equal(rig_state(rig, "cache"), "ready");
    }
    rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_string),
        cmocka_unit_test(test_connection_string_checked),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_external_without_a_host),
        cmocka_unit_test(test_image_without_health),
        cmocka_unit_test(test_port_without_health),
        cmocka_unit_test(test_no_probe),
        cmocka_unit_test(test_lost_and_found),
        cmocka_unit_test(test_wrong_password),
        cmocka_unit_test(test_given_password),
        cmocka_unit_test(test_sidecar),
        cmocka_unit_test(test_optional),
        cmocka_unit_test(test_manual),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
