/* Replicas on virtual time: the resource's name means all of them, another number adds or removes the
 * difference, and who needs the resource can do without one that was stopped by hand. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* "api" with a port each, and "web" that waits for all of them. */
static void up(struct rig *rig, int replicas)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_replicas(plan, "api", replicas, "run");
    struct plan_node *web = plans_process(plan, "web", "run");
    for (int i = 0; i < replicas; i++) {
        plans_port(plan, &api[i], 0, 0, 20100);
        plans_edge(plan, web, &api[i], PLAN_HEALTHY);
    }
    rig_forget(rig);
    rig_up(rig, plans_done(plan));
    rig_ok(rig);
}

static void control(struct rig *rig, enum orchestrator_verb verb, const char *name)
{
    rig_forget(rig);
    rig_control(rig, verb, name);
    rig_ok(rig);
}

static int port_of(struct rig *rig, const char *name)
{
    cleanup_json cJSON *view = orchestrator_view(rig->orchestrator);
    const cJSON *resource;
    cJSON_ArrayForEach(resource, json_get(view, "resources"))
    {
        if (!strcmp(json_string(resource, "name", ""), name))
            return (int)json_int(resource, "port", 0);
    }
    return 0;
}

static void test_another_number(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, 2);
    int first = port_of(rig, "api-1"), second = port_of(rig, "api-2");
    assert_true(first && second && first != second);
    up(rig, 3);
    assert_string_equal(rig_state(rig, "api-3"), "ready");
    assert_string_equal(rig_decision(rig, "api-3"), "created");
    assert_string_equal(rig_decision(rig, "api-1"), "reused");
    assert_false(rig_saw(rig, "process:api-1 stopping"));
    assert_int_equal(port_of(rig, "api-2"), second);
    up(rig, 1);
    assert_true(rig_saw(rig, "process:api-3 removed"));
    assert_false(rig_saw(rig, "process:api-1 stopping"));
    up(rig, 2);
    assert_int_equal(port_of(rig, "api-2"), second);
    rig_end(rig);
}

static void test_a_name_means_all(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, 2);
    control(rig, ORCHESTRATOR_RESTART, "api");
    assert_true(rig_saw(rig, "process:api-1 stopping") && rig_saw(rig, "process:api-2 stopping"));
    assert_false(rig_saw(rig, "process:web stopping"));
    control(rig, ORCHESTRATOR_RESTART, "api-2");
    assert_false(rig_saw(rig, "process:api-1 stopping"));
    assert_true(rig_saw(rig, "process:api-2 stopping"));
    rig_control(rig, ORCHESTRATOR_RESTART, "api-3");
    assert_int_equal(rig_answer(rig), ERROR_NOT_RUNNING);
    rig_end(rig);
}

/* One of several stopped takes nobody along; the last one does, and any that comes back brings them back. */
static void test_stand_in(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, 2);
    control(rig, ORCHESTRATOR_STOP, "api-1");
    assert_string_equal(rig_state(rig, "web"), "ready");
    control(rig, ORCHESTRATOR_RESTART, "web");
    assert_string_equal(rig_state(rig, "web"), "ready");
    assert_string_equal(rig_state(rig, "api-1"), "stopped");
    control(rig, ORCHESTRATOR_STOP, "api-2");
    assert_string_equal(rig_state(rig, "web"), "stopped");
    control(rig, ORCHESTRATOR_START, "api-2");
    assert_string_equal(rig_state(rig, "web"), "ready");
    assert_string_equal(rig_state(rig, "api-1"), "stopped");
    control(rig, ORCHESTRATOR_START, "api");
    assert_string_equal(rig_state(rig, "api-1"), "ready");
    rig_end(rig);
}

static void test_stopped_as_a_whole(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, 3);
    control(rig, ORCHESTRATOR_STOP, "api");
    assert_string_equal(rig_state(rig, "api-3"), "stopped");
    assert_string_equal(rig_state(rig, "web"), "stopped");
    assert_true(rig_when(rig, "process:web stopped") < rig_when(rig, "process:api-3 stopped"));
    control(rig, ORCHESTRATOR_START, "api");
    assert_string_equal(rig_state(rig, "web"), "ready");
    rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_number),
        cmocka_unit_test(test_a_name_means_all),
        cmocka_unit_test(test_stand_in),
        cmocka_unit_test(test_stopped_as_a_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
