/* Restarts because files changed, on virtual time: who is restarted and who is not, and that nothing is lost.
 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char *globs[] = {"src/**"};

static void watch_files(struct plan_node *node)
{
    node->run.watch = globs;
    node->run.watch_count = 1;
}

/* "api" with this script, watching; "web" waits for it. */
static struct plan *api_and_web(const char *script, bool watches)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_process(plan, "api", script);
    if (watches)
        watch_files(api);
    plans_edge(plan, plans_process(plan, "web", "run"), api, PLAN_HEALTHY);
    return plans_done(plan);
}

static void up(struct rig *rig, struct plan *plan)
{
    rig_up(rig, plan);
    rig_ok(rig);
    rig_forget(rig);
}

static void change(struct rig *rig, const char *path)
{
    assert_int_equal(fake_change(&rig->fake, path), 1);
}

static int count(const struct rig *rig, const char *transition)
{
    int found = 0;
    for (size_t i = 0; i < rig->transitions.count; i++)
        found += !strcmp(rig->transitions.items[i], transition);
    return found;
}

static void test_only_the_one_that_watches(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, api_and_web("run", true));
    change(rig, "src/a.js");
    rig_pass(rig, 2000);
    assert_int_equal(count(rig, "process:api starting"), 1);
    assert_int_equal(count(rig, "process:api ready"), 1);
    assert_false(rig_saw(rig, "process:web stopping"));
    assert_string_equal(rig_state(rig, "web"), "ready");
    rig_end(rig);
}

/* It is stopping while the next change comes, and takes its time. */
static void test_a_change_during_the_restart(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_process(plan, "api", "stubborn");
    watch_files(api);
    api->run.stop_timeout_ms = 3000;
    up(rig, plans_done(plan));
    change(rig, "src/a.js");
    rig_pass(rig, 100);
    assert_string_equal(rig_state(rig, "api"), "stopping");
    change(rig, "src/b.js");
    rig_pass(rig, 20000);
    assert_string_equal(rig_state(rig, "api"), "ready");
    assert_int_equal(rig->fake.spawned, 2);
    change(rig, "src/b.js");
    rig_pass(rig, 20000);
    assert_int_equal(rig->fake.spawned, 3);
    rig_end(rig);
}

static void test_ended_and_failed_ones_come_back(void **state)
{
    (void)state;
    static const char *const scripts[] = {"exit 1 after 1200", "exit 0 after 200"};
    static const char *const states[] = {"failed", "completed"};
    for (size_t i = 0; i < 2; i++) {
        struct rig *rig = rig_fresh();
        up(rig, api_and_web(scripts[i], true));
        rig_pass(rig, 60000);
        assert_string_equal(rig_state(rig, "api"), states[i]);
        assert_int_equal(rig->fake.spawned, 2);
        change(rig, "src/a.js");
        rig_pass(rig, 10);
        assert_int_equal(rig->fake.spawned, 3);
        rig_pass(rig, 60000);
        assert_string_equal(rig_state(rig, "api"), states[i]);
        rig_end(rig);
    }
}

/* In the middle of a long backoff: at once, and the backoff begins anew. */
static void test_no_backoff(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_process(plan, "api", "exit 1 after 1100");
    watch_files(api);
    api->run.restart = (struct plan_restart){MODEL_RESTART_ON_FAILURE, 30000, 60000, -1};
    up(rig, plans_done(plan));
    rig_pass(rig, 5000);
    assert_string_equal(rig_state(rig, "api"), "restarting");
    int before = rig->fake.spawned;
    change(rig, "src/a.js");
    rig_pass(rig, 10);
    assert_int_equal(rig->fake.spawned, before + 1);
    rig_end(rig);
}

static void test_a_task_runs_again(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *task = plans_process(plan, "generate", "exit 0 after 50");
    task->run.task = true;
    watch_files(task);
    plans_edge(plan, plans_process(plan, "web", "run"), task, PLAN_COMPLETED);
    up(rig, plans_done(plan));
    change(rig, "src/a.js");
    rig_pass(rig, 1000);
    assert_int_equal(rig->fake.spawned, 3);
    assert_string_equal(rig_state(rig, "generate"), "completed");
    assert_false(rig_saw(rig, "process:web stopping"));
    rig_end(rig);
}

/* What waits will see the files as they are; what was stopped by hand stays so. */
static void test_not_before_it_runs(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    struct plan_node *api = plans_process(plan, "api", "run");
    watch_files(api);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    rig->fake.deaf = true;
    rig_up(rig, plans_done(plan));
    rig_pass(rig, 1000);
    change(rig, "src/a.js");
    rig_pass(rig, 1000);
    assert_string_equal(rig_state(rig, "api"), "waiting");
    rig->fake.deaf = false;
    rig_ok(rig);
    assert_int_equal(count(rig, "process:api starting"), 1);
    rig_control(rig, ORCHESTRATOR_STOP, "api");
    rig_ok(rig);
    assert_null(rig->fake.watches);
    rig_control(rig, ORCHESTRATOR_START, "api");
    rig_ok(rig);
    assert_non_null(rig->fake.watches);
    rig_end(rig);
}

static void test_replicas_share_a_watch(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    struct plan_node *api = plans_replicas(plan, "api", 3, "run");
    for (int i = 0; i < 3; i++)
        watch_files(&api[i]);
    up(rig, plans_done(plan));
    change(rig, "src/a.js");
    rig_pass(rig, 1000);
    assert_int_equal(rig->fake.spawned, 6);
    rig_end(rig);
}

/* A second `up` without `watch`, or with other globs, restarts nothing. */
static void test_watching_is_no_specification(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, api_and_web("run", true));
    struct fake_watch *first = rig->fake.watches;
    up(rig, api_and_web("run", true));
    assert_ptr_equal(rig->fake.watches, first);
    up(rig, api_and_web("run", false));
    assert_null(rig->fake.watches);
    assert_int_equal(rig->fake.spawned, 2);
    rig_end(rig);
}

/* A process that writes what it watches: rounds get rarer instead of filling the machine. */
static void test_its_own_changes(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    up(rig, api_and_web("run", true));
    for (int i = 0; i < 300; i++) {
        change(rig, "src/own.log");
        rig_pass(rig, 200);
    }
    assert_in_range(rig->fake.spawned, 12, 40);
    rig_pass(rig, 60000);
    int before = rig->fake.spawned;
    change(rig, "src/a.js");
    rig_pass(rig, 100);
    assert_int_equal(rig->fake.spawned, before + 1);
    rig_end(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_one_that_watches),
        cmocka_unit_test(test_a_change_during_the_restart),
        cmocka_unit_test(test_ended_and_failed_ones_come_back),
        cmocka_unit_test(test_no_backoff),
        cmocka_unit_test(test_a_task_runs_again),
        cmocka_unit_test(test_not_before_it_runs),
        cmocka_unit_test(test_replicas_share_a_watch),
        cmocka_unit_test(test_watching_is_no_specification),
        cmocka_unit_test(test_its_own_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
