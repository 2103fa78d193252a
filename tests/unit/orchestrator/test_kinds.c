/* The table of kinds: what a kind says of itself fits together, so that one that was added by halves fails
 * here by its name. */
#include "orchestrator/internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static const char *name_of(int kind)
{
    return kind == NODE_ENGINE ? "engine" : plan_node_kind_name((enum plan_node_kind)kind);
}

static void every_kind_has_a_row(void **state)
{
    (void)state;
    for (int i = 0; i < NODE_KIND_COUNT; i++) {
        if (!node_kinds[i])
            fail_msg("%s has no row in orchestrator/kinds.c", name_of(i));
        if (!node_kinds[i]->name || strcmp(node_kinds[i]->name, name_of(i)) != 0)
            fail_msg("%s is called %s by its kind", name_of(i), node_kinds[i]->name);
        if (!node_kinds[i]->up || !node_kinds[i]->up->name || !node_kinds[i]->down)
            fail_msg("%s has no way up, or none down", name_of(i));
    }
}

static int count_rows(const struct goal *rows)
{
    int count = 0;
    while (rows[count].name)
        count++;
    return count;
}

static void timings_hold_every_row(void **state)
{
    (void)state;
    for (int i = 0; i < NODE_KIND_COUNT; i++) {
        if (count_rows(node_kinds[i]->up) > GOAL_COUNT || count_rows(node_kinds[i]->down) > GOAL_COUNT)
            fail_msg("%s has more than %d rows", name_of(i), GOAL_COUNT);
    }
}

/* What a kind says of itself, and what it then has to answer. */
static void kinds_answer_what_they_are_asked(void **state)
{
    (void)state;
    for (int i = 0; i < NODE_KIND_COUNT; i++) {
        const struct node_kind *kind = node_kinds[i];
        bool tells_its_end = kind->is_alive && kind->is_gone && kind->is_current;
        if (kind->runs != (kind->is_child || kind->at_engine))
            fail_msg("%s runs, and nobody says where; or the other way round", kind->name);
        if (kind->runs && !(tells_its_end && kind->is_persistent && kind->settles && kind->uses))
            fail_msg("%s runs, and does not answer all that is asked of what runs", kind->name);
        if (kind->runs && !(kind->decide && kind->on_recreate && kind->is_main))
            fail_msg("%s runs, and cannot be made anew", kind->name);
        if (kind->is_child && !(kind->hurry && kind->on_close))
            fail_msg("%s is a process of ours, and outlives us", kind->name);
        if (kind->is_shared && !kind->is_gone)
            fail_msg("%s is used by others, and does not say when it is gone", kind->name);
        if (kind->is_elsewhere && (kind->runs || kind->is_engines || kind->is_shared))
            fail_msg("%s is elsewhere and here", kind->name);
    }
}

/* Only a row that starts something holds a slot, and going down ends with at most one row that removes. */
static void rows_have_the_right_marks(void **state)
{
    (void)state;
    for (int i = 0; i < NODE_KIND_COUNT; i++) {
        for (const struct goal *goal = node_kinds[i]->up; goal->name; goal++)
            assert_true(!goal->removes && (!goal->holds_slot || goal->act));
        for (const struct goal *goal = node_kinds[i]->down; goal->name; goal++)
            assert_true(!goal->holds_slot && (!goal->removes || !goal[1].name));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_a_row),
        cmocka_unit_test(timings_hold_every_row),
        cmocka_unit_test(kinds_answer_what_they_are_asked),
        cmocka_unit_test(rows_have_the_right_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
