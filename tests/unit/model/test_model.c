/* Look-ups by name, with and without the index. */
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static const char *const names[] = {"cache", "Api", "api", "b", "z-9", "a"};
enum { COUNT = sizeof names / sizeof *names };

static struct model make_model(void)
{
    struct model model = {.resource_count = COUNT};
    model.resources = arena_alloc(&model.arena, COUNT * sizeof *model.resources);
    for (int i = 0; i < COUNT; i++)
        model.resources[i].name = names[i];
    return model;
}

static void finds_every_name(void **state)
{
    (void)state;
    struct model model = make_model();
    for (int indexed = 0; indexed < 2; indexed++) {
        for (int i = 0; i < COUNT; i++)
            assert_ptr_equal(model_find(&model, names[i]), &model.resources[i]);
        assert_null(model_find(&model, "API"));
        assert_null(model_find(&model, ""));
        assert_null(model_find(&model, "zz"));
        model_index(&model);
    }
    model_free(&model);
}

static void kinds_have_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++)
        assert_string_not_equal(model_kind_name((enum model_kind)kind), "unknown");
    assert_string_equal(model_kind_name(MODEL_KIND_COUNT), "unknown");
}

static void kinds_are_found_by_their_names(void **state)
{
    (void)state;
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++)
        assert_int_equal(model_find_kind(model_kind_name((enum model_kind)kind)), kind);
    assert_int_equal(model_find_kind("unknown"), MODEL_KIND_COUNT);
    assert_int_equal(model_find_kind("Redis"), MODEL_KIND_COUNT);
}

/* A server is started from an image; whatever has endpoints has no address of its own. */
static void rows_of_kinds_are_whole(void **state)
{
    (void)state;
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const struct model_kind_info *info = model_kind_info((enum model_kind)i);
        bool has_image = info->default_image;
        if (has_image != info->is_server || (info->is_server && !info->has_string) ||
            (info->is_server && (info->is_elsewhere || info->has_endpoints)))
            fail_msg("the row of %s in model/kinds.c contradicts itself", info->name);
    }
}

static void literals(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct model_text empty = model_literal(&arena, ""), text = model_literal(&arena, "x");
    assert_true(empty.given && empty.count == 0);
    assert_true(text.given && text.count == 1);
    assert_string_equal(text.parts[0].literal, "x");
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_every_name),
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(kinds_are_found_by_their_names),
        cmocka_unit_test(rows_of_kinds_are_whole),
        cmocka_unit_test(literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
