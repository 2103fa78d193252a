/* An engine that is there, and does not do as it should: at each request n of `up`, of a change and of `down`
 * the request is swallowed, its answer is, its connection is dropped before or after the effect. The same
 * command must still come to its end and be right about it. Then trouble that lasts: it ends within a bound,
 * says what stays and why, and calls nothing gone that is not known to be.
 *
 * And the tables: every row that acts has a limit. */
#include "rig.h"

#include "loop/testing.h"
#include "orchestrator/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { BOUND_MS = 400000 };

static struct plan *rich_plan(const char *more)
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
    if (more)
        plans_variable(plan, cache, "EXTRA", more);
    struct plan_node *api = plans_process(plan, "api", "run");
    plans_port_variable(plan, api, "CACHE", cache);
    plans_edge(plan, api, cache, PLAN_HEALTHY);
    plans_edge(plan, api, queue, PLAN_HEALTHY);
    return plans_done(plan);
}

static void must_run(const struct rig *rig)
{
    const struct fake_container *container;
    assert_int_equal(fake_container_count(&rig->fake), 2);
    DL_FOREACH(rig->fake.containers, container)
    assert_true(container->running);
    assert_int_equal(rig->fake.live_processes, 1);
}

enum scenario { UP, CHANGE, DOWN };

static void begin(struct rig *rig, enum scenario scenario, struct fake_trouble trouble)
{
    rig_init(rig);
    rig_open(rig);
    if (scenario != UP) {
        rig_up(rig, rich_plan(NULL));
        rig_ok(rig);
    }
    fake_trouble(&rig->fake, trouble);
    if (scenario == DOWN)
        rig_down(rig, true);
    else
        rig_up(rig, rich_plan(scenario == UP ? NULL : "1"));
}

/* False when the scenario has fewer than n requests. */
static bool troubled_once(enum scenario scenario, int n, enum fake_fault fault)
{
    struct rig rig;
    begin(&rig, scenario, (struct fake_trouble){.at = n, .fault = fault, .on = true});
    rig_ok(&rig);
    assert_in_range(loop_now_ms(&rig.loop), 0, BOUND_MS);
    bool hit = rig.fake.troubled > 0;
    fake_trouble(&rig.fake, (struct fake_trouble){0});
    if (scenario == DOWN)
        assert_true(rig_is_empty(&rig));
    else
        must_run(&rig);
    rig_end(&rig);
    return hit;
}

static void trouble_everywhere(enum scenario scenario)
{
    for (int fault = 0; fault < FAKE_REFUSE; fault++) {
        int n = 1;
        while (troubled_once(scenario, n, (enum fake_fault)fault))
            n++;
        assert_true(n > 4);
    }
}

static void test_up(void **state)
{
    (void)state;
    trouble_everywhere(UP);
}

static void test_change(void **state)
{
    (void)state;
    trouble_everywhere(CHANGE);
}

static void test_down(void **state)
{
    (void)state;
    trouble_everywhere(DOWN);
}

/* ---- trouble that lasts ---- */

static bool is_in(const struct rig *rig, const char *list, const char *name)
{
    const cJSON *entry;
    cJSON_ArrayForEach(entry, json_get(rig->outcome.report, list))
    {
        if (!strcmp(json_string(entry, "name", ""), name))
            return true;
    }
    return false;
}

/* It comes to an end in time, says so with an error, and all is still there and named. */
static void must_say_what_stays(struct rig *rig, const char *why)
{
    assert_int_not_equal(rig_answer(rig), ERROR_NONE);
    assert_in_range(loop_now_ms(&rig->loop), 0, BOUND_MS);
    const char *text = rig->outcome.error.text;
    if (!strstr(text, "not removed: ") || !strstr(text, "container cache") || !strstr(text, why))
        fail_msg("it says: %s", text);
    assert_false(is_in(rig, "removed", "cache"));
}

static void test_lasting(void **state)
{
    (void)state;
    static const struct fake_trouble troubles[] = {
        {.method = "POST", .part = "/stop", .fault = FAKE_REFUSE, .on = true},
        {.method = "POST", .part = "/stop", .fault = FAKE_DROP, .on = true},
        {.method = "POST", .part = "/stop", .fault = FAKE_SILENT, .on = true},
        {.method = "DELETE", .fault = FAKE_REFUSE, .on = true},
        {.method = "DELETE", .fault = FAKE_DROP, .on = true},
        {.method = "DELETE", .fault = FAKE_SILENT, .on = true},
    };
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        struct rig rig;
        begin(&rig, DOWN, troubles[i]);
        must_say_what_stays(&rig, troubles[i].fault == FAKE_REFUSE ? "out of order" : "the engine at fake");
        assert_in_range(fake_container_count(&rig.fake), 1, 2); /* what holds no data needs no stop */
        fake_trouble(&rig.fake, (struct fake_trouble){0});
        rig_end(&rig); /* another try, without trouble */
    }
}

/* Its answers are lost every time, and what was asked for happens. */
static void test_lost_every_time(void **state)
{
    (void)state;
    static const enum fake_fault faults[] = {FAKE_LOSE, FAKE_MUTE};
    static const char *const methods[] = {"POST", "DELETE"};
    for (int i = 0; i < 4; i++) {
        struct rig rig;
        begin(&rig, DOWN,
              (struct fake_trouble){.method = methods[i / 2], .fault = faults[i % 2], .on = true});
        rig_ok(&rig);
        assert_true(rig_is_empty(&rig));
        rig_fini(&rig);
    }
}

/* The event says that it has happened: nobody waits for the answer's whole time. */
static void test_lost_answer_is_seen(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, UP,
          (struct fake_trouble){.method = "POST", .part = "/start", .fault = FAKE_MUTE, .on = true});
    rig_ok(&rig);
    assert_in_range(loop_now_ms(&rig.loop), 0, 10000);
    must_run(&rig);
    fake_trouble(&rig.fake, (struct fake_trouble){0});
    rig_end(&rig);
}

static int requests(const struct rig *rig, const char *start, const char *end)
{
    int count = 0;
    for (size_t i = 0; i < rig->fake.log.count; i++)
        count += str_starts(rig->fake.log.items[i], start) && str_ends(rig->fake.log.items[i], end);
    return count;
}

/* No event says so either: a look beside the open request does, long before the request's own limit. */
static bool lost_without_event(enum scenario scenario, int n)
{
    struct rig rig;
    begin(&rig, scenario, (struct fake_trouble){.at = n, .fault = FAKE_MUTE, .on = true, .deaf = true});
    fake_forget(&rig.fake);
    int64_t before_ms = loop_now_ms(&rig.loop);
    rig_ok(&rig);
    bool hit = rig.fake.troubled > 0;
    if (hit && !str_starts(rig.fake.log.items[n - 1], "GET"))
        assert_in_range(loop_now_ms(&rig.loop) - before_ms, 0, 12000);
    fake_trouble(&rig.fake, (struct fake_trouble){0});
    if (scenario == DOWN)
        assert_true(rig_is_empty(&rig));
    else
        must_run(&rig);
    rig_end(&rig);
    return hit;
}

static void test_lost_without_event(void **state)
{
    (void)state;
    for (enum scenario scenario = UP; scenario <= DOWN; scenario++) {
        int n = 1;
        while (lost_without_event(scenario, n))
            n++;
        assert_true(n > 4);
    }
}

/* Slow is not lost: while nothing is to be seen the request stays open, and is asked once. */
static void test_slow_is_not_lost(void **state)
{
    (void)state;
    struct rig rig;
    begin(&rig, UP,
          (struct fake_trouble){.method = "POST", .part = "/start", .fault = FAKE_SILENT, .on = true});
    fake_forget(&rig.fake);
    rig_pass(&rig, 25000);
    assert_int_equal(requests(&rig, "POST /containers/", "/start"), 2); /* of two containers */
    assert_in_range(requests(&rig, "GET /containers/", "/json"), 2, 8);
    fake_trouble(&rig.fake, (struct fake_trouble){0});
    rig_ok(&rig);
    must_run(&rig);
    rig_end(&rig);
}

/* Kept on purpose: it was not looked at, so it is not said to be gone. */
static void test_kept_is_not_removed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    rig_open(&rig);
    rig_up(&rig, rich_plan(NULL));
    rig_ok(&rig);
    rig_pass(&rig, 100);
    rig_down(&rig, false);
    rig_pass(&rig, 3);
    fake_engine_gone(&rig.fake);
    rig_pass(&rig, 4000);
    fake_engine_back(&rig.fake);
    rig_ok(&rig);
    assert_int_equal(fake_container_count(&rig.fake), 0);
    assert_non_null(rig.fake.volumes);
    assert_false(is_in(&rig, "removed", "cache-data"));
    cJSON *removed = json_get(rig.outcome.report, "removed");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, removed) assert_string_not_equal(json_string(entry, "kind", ""), "volume");
    rig_end(&rig);
}

/* Accepts the question for events and says nothing: known after seconds, and leaving does not wait for it. */
static void test_silent_events(void **state)
{
    (void)state;
    const struct fake_trouble silent = {.part = "/events", .fault = FAKE_SILENT, .on = true};
    struct rig rig;
    begin(&rig, UP, silent);
    assert_int_not_equal(rig_answer(&rig), ERROR_NONE);
    assert_in_range(loop_now_ms(&rig.loop), 1000, 60000);
    rig_fini(&rig);

    begin(&rig, UP, silent);
    rig_pass(&rig, 3000);
    int64_t before_ms = loop_now_ms(&rig.loop);
    rig_down(&rig, false);
    rig_ok(&rig);
    assert_in_range(loop_now_ms(&rig.loop) - before_ms, 0, 1000);
    rig_fini(&rig);
}

/* ---- the tables ---- */

static void check_rows(const struct goal *rows)
{
    for (const struct goal *goal = rows; goal->name; goal++) {
        bool has_reason = goal->limit != goal_forever || goal->why;
        if (goal->act && (!goal->limit || !has_reason))
            fail_msg("row %s acts, and has neither a limit nor a reason to have none", goal->name);
    }
}

static void test_limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < NODE_KIND_COUNT; i++) {
        check_rows(node_kinds[i]->up);
        check_rows(node_kinds[i]->down);
    }
}

static enum error_code down_without_engine(enum orchestrator_left left, struct plan *plan, bool is_manifest)
{
    static struct rig rig;
    rig_init(&rig);
    rig.left = left;
    rig_open(&rig);
    fake_engine_gone(&rig.fake);
    struct orchestrator_apply apply = {.plan = plan, .replace = is_manifest, .names_only = !is_manifest};
    rig_apply(&rig, &apply);
    rig_pass(&rig, 5000);
    rig_down(&rig, false);
    enum error_code code = rig_answer(&rig);
    rig_pass(&rig, 20000);
    assert_int_equal(rig.reached, 0);
    assert_int_equal(rig.fake.live_processes, 0);
    rig_fini(&rig);
    return code;
}

/* Without an engine processes go; whether that is all depends on what is known of the session before. */
static void test_left(void **state)
{
    (void)state;
    static const struct {
        enum orchestrator_left left;
        enum error_code processes, nothing, names_only;
    } cases[] = {
        {LEFT_UNKNOWN, ERROR_NONE, ERROR_NONE, ERROR_ENGINE},
        {LEFT_NOTHING, ERROR_NONE, ERROR_NONE, ERROR_NONE},
        {LEFT_SOMETHING, ERROR_ENGINE, ERROR_ENGINE, ERROR_ENGINE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plan *plan = plans_new("shop");
        plans_process(plan, "web", "exec sleep 1000");
        assert_int_equal(down_without_engine(cases[i].left, plans_done(plan), true), cases[i].processes);
        plan = plans_done(plans_new("shop"));
        assert_int_equal(down_without_engine(cases[i].left, plan, true), cases[i].nothing);
        plan = plans_done(plans_new("shop"));
        assert_int_equal(down_without_engine(cases[i].left, plan, false), cases[i].names_only);
    }
}

/* Once a session, and before anything is made. */
static void test_reached(void **state)
{
    (void)state;
    struct rig *rig = rig_fresh();
    struct plan *plan = plans_new("shop");
    plans_redis(plan, "cache", RIG_IMAGE);
    rig_up(rig, plans_done(plan));
    while (!rig->reached) {
        assert_int_equal(fake_container_count(&rig->fake), 0);
        rig_pass(rig, 1);
    }
    rig_ok(rig);
    fake_engine_gone(&rig->fake);
    rig_pass(rig, 1000);
    fake_engine_back(&rig->fake);
    rig_pass(rig, 10000);
    assert_int_equal(rig->reached, 1);
    rig_end(rig);
}

/* What is refused when nobody wants it any more has failed nothing. */
static void test_refused_on_the_way_down(void **state)
{
    (void)state;
    static const char *const refusals[] = {"listen tcp4 9.9.9.9:1: bind: cannot assign requested address",
                                           "Bind for 127.0.0.1:1 failed: port is already allocated",
                                           "something odd in the engine"};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct rig *rig = rig_fresh();
        struct plan *plan = plans_new("shop");
        plans_redis(plan, "cache", RIG_IMAGE);
        plans_redis(plan, "queue", RIG_IMAGE);
        rig->fake.start_error = refusals[i];
        rig_up(rig, plans_done(plan));
        while (rig->fake.most_starts < 2)
            assert_true(loop_run_once(&rig->loop));
        rig_down(rig, true);
        rig_ok(rig);
        assert_true(rig_is_empty(rig));
        rig_end(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_left),
        cmocka_unit_test(test_reached),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_up),
        cmocka_unit_test(test_change),
        cmocka_unit_test(test_down),
        cmocka_unit_test(test_lasting),
        cmocka_unit_test(test_lost_every_time),
        cmocka_unit_test(test_lost_answer_is_seen),
        cmocka_unit_test(test_lost_without_event),
        cmocka_unit_test(test_slow_is_not_lost),
        cmocka_unit_test(test_kept_is_not_removed),
        cmocka_unit_test(test_silent_events),
        cmocka_unit_test(test_refused_on_the_way_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
