/* Killed at every request: for each request n of a scenario, the orchestrator dies before the request's
 * effect, or between effect and answer; another one on the same world must converge to the plan, do nothing
 * the second time, and leave an empty world after `down`. Then the same at random, several times in a row. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <utlist.h>

typedef struct plan *plan_maker(void);

/* Two servers, one with data and one on the network, a task, a process that needs all. */
static struct plan *rich_plan(void)
{
    struct plan *plan = plans_new("rich");
    struct plan_node *network = plans_network(plan);
    struct plan_node *volume = plans_volume(plan, "cache-data");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    struct plan_node *queue = plans_redis(plan, "queue", RIG_IMAGE);
    plans_mount(plan, cache, volume);
    queue->run.on_network = true;
    queue->run.alias = "queue";
    plans_edge(plan, queue, network, PLAN_HEALTHY);
    struct plan_node *migrate = plans_process(plan, "migrate", "exit 0 after 7");
    migrate->run.task = true;
    plans_edge(plan, migrate, cache, PLAN_HEALTHY);
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_port_variable(plan, api, "CACHE", cache);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    plans_edge(plan, api, queue, PLAN_HEALTHY);
    plans_edge(plan, api, migrate, PLAN_COMPLETED);
    return plans_done(plan);
}

/* The same, changed: other settings for one server, another removed, one new. */
static struct plan *other_plan(void)
{
    struct plan *plan = plans_new("rich");
    struct plan_node *volume = plans_volume(plan, "cache-data");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    plans_mount(plan, cache, volume);
    plans_variable(plan, cache, "EXTRA", "1");
    plans_redis(plan, "fresh", RIG_IMAGE);
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    return plans_done(plan);
}

static void must_converge(struct rig *rig, plan_maker *make)
{
    rig_up(rig, make());
    rig_ok(rig);
    const struct fake_container *container;
    DL_FOREACH(rig->fake.containers, container)
    assert_true(container->running);
    rig_pass(rig, 50); /* what was adopted is ready before its volume has been looked at */
    fake_forget(&rig->fake);
    rig_up(rig, make());
    rig_ok(rig);
    rig_pass(rig, 1000);
    for (size_t i = 0; fake_count(&rig->fake) && i < rig->fake.log.count; i++)
        print_error("the second time: %s\n", rig->fake.log.items[i]);
    assert_int_equal(fake_count(&rig->fake), 0);
}

static void must_empty(struct rig *rig)
{
    rig_down(rig, true);
    rig_ok(rig);
    if (!rig_is_empty(rig))
        fail_msg("something is left");
}

enum scenario { UP, DOWN, CHANGE };

static void begin(struct rig *rig, enum scenario scenario, int n, enum fake_kill kill)
{
    rig_init(rig);
    rig_open(rig);
    if (scenario != UP) {
        rig_up(rig, rich_plan());
        rig_ok(rig);
    }
    fake_arm(&rig->fake, n, kill);
    if (scenario == DOWN)
        rig_down(rig, true);
    else
        rig_up(rig, scenario == UP ? rich_plan() : other_plan());
}

/* False when the scenario has fewer than n requests. */
static bool killed_once(enum scenario scenario, int n, enum fake_kill kill)
{
    struct rig rig;
    begin(&rig, scenario, n, kill);
    rig_await(&rig, &rig.outcome.done, 600000);
    bool killed = rig.fake.dead;
    if (!killed && rig.outcome.error.code)
        fail_msg("%s", rig.outcome.error.text);
    rig_kill(&rig);
    rig_open(&rig);
    if (scenario != DOWN)
        must_converge(&rig, scenario == UP ? rich_plan : other_plan);
    else if (n % 2 == 0) /* half of them come up again, the others are only cleaned */
        must_converge(&rig, rich_plan);
    else { /* `down` in a new process knows the project only */
        struct plan *plan = plans_done(plans_new("rich"));
        struct orchestrator_apply apply = {.plan = plan};
        rig_apply(&rig, &apply);
        rig_ok(&rig);
    }
    must_empty(&rig);
    rig_fini(&rig);
    return killed;
}

static void kill_everywhere(enum scenario scenario)
{
    int n[2] = {1, 1};
    for (int kill = 0; kill < 2; kill++) {
        while (killed_once(scenario, n[kill], (enum fake_kill)kill))
            n[kill]++;
    }
    print_message("%d requests, killed at each, twice\n", n[0] - 1);
    assert_true(n[0] > 3);
    assert_int_equal(n[0], n[1]);
}

static void test_up(void **state)
{
    (void)state;
    kill_everywhere(UP);
}

static void test_down(void **state)
{
    (void)state;
    kill_everywhere(DOWN);
}

static void test_change(void **state)
{
    (void)state;
    kill_everywhere(CHANGE);
}

static void test_random(void **state)
{
    (void)state;
    srandom(7);
    for (int round = 0; round < 30; round++) {
        struct rig rig;
        rig_init(&rig);
        for (int life = 0; life < 6; life++) {
            rig_open(&rig);
            fake_arm(&rig.fake, 1 + (int)(random() % 14), random() % 2 ? FAKE_KILL_AFTER : FAKE_KILL_BEFORE);
            if (random() % 3 == 0)
                rig_down(&rig, random() % 2 == 0);
            else
                rig_up(&rig, random() % 2 ? rich_plan() : other_plan());
            rig_await(&rig, &rig.outcome.done, 600000);
            rig_kill(&rig);
        }
        rig_open(&rig);
        must_converge(&rig, rich_plan);
        must_empty(&rig);
        rig_fini(&rig);
    }
}

static struct fake_container *any_container(struct rig *rig)
{
    int count = fake_container_count(&rig->fake);
    struct fake_container *container = rig->fake.containers;
    for (int i = count ? (int)(random() % count) : 0; i > 0; i--)
        container = container->next;
    return container;
}

static void crash_one(struct rig *rig)
{
    struct fake_container *container = any_container(rig);
    if (container && container->running)
        fake_crash(&rig->fake, container, random() % 2 ? 137 : 0, random() % 2 == 0);
}

static void destroy_one(struct rig *rig)
{
    struct fake_container *container = any_container(rig);
    if (container)
        fake_destroy(&rig->fake, container);
}

static void lose_engine(struct rig *rig)
{
    fake_engine_gone(&rig->fake);
}

static void find_engine(struct rig *rig)
{
    fake_engine_back(&rig->fake);
}

static void restart_one(struct rig *rig)
{
    rig_control(rig, ORCHESTRATOR_RESTART, random() % 2 ? "cache" : "api");
}

static void stop_one(struct rig *rig)
{
    rig_control(rig, ORCHESTRATOR_STOP, random() % 2 ? "cache" : "api");
}

static void take_ports(struct rig *rig)
{
    struct fake_container *container = any_container(rig);
    for (int i = 0; container && i < container->port_count; i++)
        rig->fake.taken[container->ports[i]] = true;
}

static void apply_rich(struct rig *rig)
{
    rig_up(rig, rich_plan());
}

static void apply_other(struct rig *rig)
{
    rig_up(rig, other_plan());
}

static void take_down(struct rig *rig)
{
    rig_down(rig, random() % 2 == 0);
}

/* Accidents and commands on top of one another, at any moment; then peace. */
static void test_accidents(void **state)
{
    (void)state;
    static void (*const accidents[])(struct rig *) = {
        crash_one,  destroy_one, lose_engine, find_engine, restart_one, stop_one,
        take_ports, apply_rich,  apply_other, take_down,   find_engine,
    };
    srandom(11);
    for (int round = 0; round < 60; round++) {
        struct rig rig;
        rig_init(&rig);
        rig_open(&rig);
        for (int i = 0; i < 25; i++) {
            accidents[(size_t)random() % (sizeof accidents / sizeof *accidents)](&rig);
            rig_pass(&rig, random() % 3 ? random() % 12 : random() % 40000);
        }
        fake_engine_back(&rig.fake);
        crash_one(&rig);
        rig_pass(&rig, 200000); /* what is wanted came back without being asked again */
        assert_string_not_equal(rig_state(&rig, "cache"), "running");
        must_converge(&rig, rich_plan);
        must_empty(&rig);
        rig_fini(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up),     cmocka_unit_test(test_down),      cmocka_unit_test(test_change),
        cmocka_unit_test(test_random), cmocka_unit_test(test_accidents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
