/* Moments, edges, usage and pages of logs: what one end writes, the other one reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/details.h"
#include "control/pages.h"
#include "control/usage.h"
#include "control/watch.h"

/* As it goes over the wire. */
static cJSON *sent(cJSON *json)
{
    char *text = json_print(json);
    cJSON *back = json_parse(text, strlen(text), NULL);
    cJSON_Delete(json);
    free(text);
    assert_non_null(back);
    return back;
}

/* Microseconds since 1970 have sixteen digits. */
static void test_moments(void **state)
{
    const struct view_moment moment = {.type = NEWS_GOAL,
                                       .rev = 7,
                                       .resource = "cache",
                                       .node = "container:cache",
                                       .name = "created",
                                       .begin_us = 1795950147443210,
                                       .elapsed_us = 97001};
    const struct transition transition = {.type = NEWS_TRANSITION, .rev = 8, .state = VIEW_READY};
    struct view_moments moments = {.type = NEWS_MOMENTS, .rev = 9, .session = "s", .from = 3};
    cJSON *items = cJSON_CreateArray();
    struct arena arena = {0};
    struct view_moment back;
    (void)state;
    cJSON_AddItemToArray(items, moment_to_json(&moment));
    cJSON_AddItemToArray(items, transition_to_json(&transition));
    moments.items = items;
    cJSON *json = sent(view_moments_to_json(&moments));
    cJSON_Delete(items);

    assert_int_equal(view_moments_read(json, &arena, &moments, NULL), 0);
    assert_int_equal(moments.rev, 9);
    assert_int_equal(moments.from, 3);
    assert_int_equal(json_count(moments.items), 2);
    assert_int_equal(moment_read(cJSON_GetArrayItem(moments.items, 0), &arena, &back), 0);
    assert_int_equal(back.type, NEWS_GOAL);
    assert_true(back.begin_us == moment.begin_us);
    assert_int_equal(back.elapsed_us, 97001);
    assert_string_equal(back.name, "created");
    assert_int_equal(moment_read(cJSON_GetArrayItem(moments.items, 1), &arena, &back), -1);
    arena_free(&arena);
    cJSON_Delete(json);
}

static void test_edges(void **state)
{
    struct view_edge edge = {.from = "api",
                             .to = "cache",
                             .from_node = "process:api",
                             .to_node = "container:cache",
                             .until = "healthy",
                             .is_required = true,
                             .why = "cache is starting"};
    const struct view_edges edges = {.edges = &edge, .edge_count = 1};
    cleanup_view_edges struct view_edges *back = view_edges_read(sent(view_edges_to_json(&edges)), NULL);
    struct error error = {0};
    (void)state;
    assert_non_null(back);
    assert_int_equal(back->edge_count, 1);
    assert_string_equal(back->edges[0].why, "cache is starting");
    assert_true(back->edges[0].is_required && !back->edges[0].is_met);
    assert_null(view_edges_read(cJSON_CreateArray(), &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    error_clear(&error);
}

/* A disk that may not be read is not one of which nothing was read. */
static void test_usage(void **state)
{
    struct view_usage resources[] = {
        {.name = "api", .node = "process:api", .pid = 4, .cpu_us = 5, .read_bytes = {true, 0}},
        {.name = "web", .node = "process:web", .pid = 6},
    };
    const struct view_usages usages = {
        .time_ms = 1, .clock_ms = 2, .resources = resources, .resource_count = 2};
    struct view_usages *back = view_usages_read(sent(view_usages_to_json(&usages)), NULL);
    (void)state;
    assert_non_null(back);
    assert_int_equal(back->clock_ms, 2);
    assert_true(back->resources[0].read_bytes.is_known);
    assert_false(back->resources[0].written_bytes.is_known);
    assert_false(back->resources[1].read_bytes.is_known);
    view_usages_free(back);
}

static void test_pages(void **state)
{
    struct view_line line = {
        .resource = "api", .stream = "stderr", .time_ms = 3, .line = "", .partial = true};
    const struct answer_logs answer = {.lines = &line, .line_count = 1, .before = "api=1:2:3"};
    struct answer_logs back = {0};
    struct arena arena = {0};
    cJSON *json = cJSON_CreateObject();
    (void)state;
    record_write(&answer_logs_record, &answer, false, json);
    json = sent(json);
    assert_int_equal(record_read(&answer_logs_record, json, &arena, &back, NULL), 0);
    assert_int_equal(back.line_count, 1);
    assert_string_equal(back.lines[0].line, "");
    assert_true(back.lines[0].partial);
    assert_string_equal(back.before, "api=1:2:3");
    arena_free(&arena);
    cJSON_Delete(json);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
