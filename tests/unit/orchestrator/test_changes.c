/* Revisions: what is told of a change, and that nothing is told of what is as it was. */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static struct plan *redis_and_api(void)
{
    struct plan *plan = plans_new("shop");
    struct plan_node *cache = plans_redis(plan, "cache", RIG_IMAGE);
    plans_edge(plan, plans_process(plan, "api", "run"), cache, PLAN_HEALTHY);
    return plans_done(plan);
}

static void up(struct rig *rig, struct plan *plan)
{
    rig_up(rig, plan);
    rig_ok(rig);
}

struct seen {
    bool is_known;
    struct view_changes changes;
    struct arena arena;
};

static struct seen since(struct rig *rig, int64_t rev)
{
    struct seen seen = {0};
    seen.is_known = orchestrator_changes(rig->orchestrator, rev, &seen.arena, &seen.changes);
    return seen;
}

static bool has_gone(const struct seen *seen, const char *id)
{
    for (size_t i = 0; i < seen->changes.gone_count; i++)
        if (strcmp(seen->changes.gone[i], id) == 0)
            return true;
    return false;
}

static void test_only_what_changed(void **state)
{
    struct rig *rig = rig_fresh();
    (void)state;
    up(rig, redis_and_api());
    int64_t rev = orchestrator_rev(rig->orchestrator);
    assert_int_equal(orchestrator_rev(rig->orchestrator), rev);
    struct seen nothing = since(rig, rev);
    assert_true(nothing.is_known);
    assert_int_equal(nothing.changes.rev, rev);
    assert_int_equal(nothing.changes.resource_count + nothing.changes.other_count, 0);
    assert_null(nothing.changes.engine);
    arena_free(&nothing.arena);

    rig_control(rig, ORCHESTRATOR_RESTART, "api");
    rig_ok(rig);
    struct seen one = since(rig, rev);
    assert_true(one.is_known);
    assert_int_equal(one.changes.resource_count, 1);
    assert_string_equal(one.changes.resources[0].name, "api");
    assert_int_equal(one.changes.resources[0].state, VIEW_READY);
    assert_true(one.changes.rev > rev);
    arena_free(&one.arena);
    rig_end(rig);
}

static void test_what_is_gone(void **state)
{
    struct rig *rig = rig_fresh();
    (void)state;
    up(rig, redis_and_api());
    int64_t before = orchestrator_rev(rig->orchestrator);
    struct plan *plan = plans_new("shop");
    plans_process(plan, "api", "run");
    up(rig, plans_done(plan));
    struct seen other_plan = since(rig, before); /* another order, other resources: all of it */
    assert_false(other_plan.is_known);
    arena_free(&other_plan.arena);

    int64_t rev = orchestrator_rev(rig->orchestrator);
    rig_down(rig, true);
    rig_ok(rig);
    struct seen gone = since(rig, rev);
    assert_true(gone.is_known);
    assert_false(has_gone(&gone, "container:cache")); /* it went before */
    for (size_t i = 0; i < gone.changes.resource_count; i++)
        assert_int_equal(gone.changes.resources[i].state, VIEW_REMOVED);
    arena_free(&gone.arena);
    rig_end(rig);
}

static void test_later_than_known(void **state)
{
    struct rig *rig = rig_fresh();
    (void)state;
    up(rig, redis_and_api());
    struct seen later = since(rig, orchestrator_rev(rig->orchestrator) + 1);
    assert_false(later.is_known);
    arena_free(&later.arena);
    rig_end(rig);
}

/* Who does not follow pays nothing. */
static void test_only_who_follows_is_told(void **state)
{
    struct rig *rig = rig_fresh();
    (void)state;
    up(rig, redis_and_api());
    assert_int_equal(rig->changes, 0);
    orchestrator_follow(rig->orchestrator, true);
    rig_control(rig, ORCHESTRATOR_RESTART, "api");
    rig_ok(rig);
    assert_true(rig->changes > 0);
    orchestrator_follow(rig->orchestrator, false);
    rig_end(rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_what_changed),
        cmocka_unit_test(test_what_is_gone),
        cmocka_unit_test(test_later_than_known),
        cmocka_unit_test(test_only_who_follows_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
