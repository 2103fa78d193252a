/* The plan as a document: found by name, told apart by its hashes, explained in words, and read back from a
 * socket that anybody may have written to. */
#include "plan/internal.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- what differs ---- */

static cJSON *spec(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

static void explains(const char *before, const char *after, const char *wanted)
{
    cleanup_json cJSON *old = spec(before), *new = spec(after);
    cleanup_free char *text = plan_explain(old, new);
    assert_string_equal(text, wanted);
}

static void differences_in_words(void **state)
{
    (void)state;
    explains("{\"run\":{}}", "{\"run\":{}}", "");
    explains("{\"run\":{\"image\":\"redis:7\"}}", "{\"run\":{\"image\":\"redis:8\"}}",
             "image: redis:7 → redis:8");
    explains("{\"run\":{}}", "{\"run\":{\"memory\":5}}", "memory: none → 5");
    explains("{\"run\":{\"memory\":5}}", "{\"run\":{}}", "memory: 5 → none");
    explains(
        "{\"run\":{\"environment\":[{\"name\":\"A\",\"value\":\"1\"},{\"name\":\"B\",\"value\":\"1\"}]}}",
        "{\"run\":{\"environment\":[{\"name\":\"A\",\"value\":\"2\"},{\"name\":\"C\",\"value\":\"1\"}]}}",
        "environment A changed; environment C added; environment B removed");
}

/* A literal may be a secret that we do not know to be one. */
static void values_of_variables_and_words_are_never_shown(void **state)
{
    (void)state;
    cleanup_json cJSON *old = spec("{\"run\":{\"command\":[\"--pass\",\"hush\"],\"environment\":[{\"name\":"
                                   "\"P\",\"value\":\"hush\"}]}}");
    cleanup_json cJSON *new = spec("{\"run\":{\"command\":[\"--pass\",\"psst\"],\"environment\":[{\"name\":"
                                   "\"P\",\"value\":\"psst\"}]}}");
    cleanup_free char *text = plan_explain(old, new);
    assert_null(strstr(text, "hush"));
    assert_null(strstr(text, "psst"));
    assert_non_null(strstr(text, "command"));
    assert_non_null(strstr(text, "environment P changed"));
}

static void many_differences_are_counted(void **state)
{
    (void)state;
    cleanup_json cJSON *old = spec("{\"run\":{\"image\":\"a\",\"user\":\"a\",\"memory\":1,\"platform\":\"a\","
                                   "\"working_dir\":\"a\",\"init\":true}}");
    cleanup_json cJSON *new = spec("{\"run\":{\"image\":\"b\",\"user\":\"b\",\"memory\":2,\"platform\":\"b\","
                                   "\"working_dir\":\"b\",\"init\":false}}");
    cleanup_free char *text = plan_explain(old, new);
    assert_non_null(strstr(text, "; and 2 more"));
}

static void control_characters_are_tamed(void **state)
{
    (void)state;
    cleanup_json cJSON *old = spec("{\"run\":{\"image\":\"a\"}}");
    cleanup_json cJSON *new = spec("{\"run\":{\"image\":\"\\u001b[2Jb\"}}");
    cleanup_free char *text = plan_explain(old, new);
    assert_null(strchr(text, '\033'));
}

/* ---- hashes ---- */

static struct plan_node one_node(void)
{
    return (struct plan_node){.id = "process:a",
                              .kind = PLAN_PROCESS,
                              .resource = "a",
                              .name = "a",
                              .run = {.working_dir = "/srv", .stop_timeout_ms = 1000}};
}

static void hash(struct plan *plan, struct plan_node *node, char out[17])
{
    plan_hash_node(plan, node);
    strcpy(out, node->spec_hash);
}

static void what_a_node_is_made_of_makes_its_hash(void **state)
{
    (void)state;
    const struct plan_context context = {.project = "shop", .project_hash = "0123abcd"};
    struct plan *plan = plan_new(&context);
    struct plan_node node = one_node();
    char first[17], again[17], other[17];
    hash(plan, &node, first);
    hash(plan, &node, again);
    assert_string_equal(first, again);
    assert_int_equal(strlen(first), 16);

    node.run.stop_timeout_ms = 9000; /* how it is stopped is no reason to start it anew */
    node.manual = true;
    hash(plan, &node, other);
    assert_string_equal(first, other);
    node.run.working_dir = "/elsewhere";
    hash(plan, &node, other);
    assert_string_not_equal(first, other);
    plan_free(plan);
}

/* ---- reading ---- */

static struct plan *read_plan(const char *text, struct error *err)
{
    cleanup_json cJSON *json = json_parse(text, strlen(text), NULL);
    return plan_from_json(json, err);
}

static void an_empty_plan_comes_back(void **state)
{
    (void)state;
    const struct plan_context context = {.project = "shop", .project_hash = "0123abcd"};
    struct plan *plan = plan_empty(&context);
    cleanup_json cJSON *json = plan_to_json(plan, true);
    struct plan *again = plan_from_json(json, NULL);
    assert_non_null(again);
    assert_string_equal(again->project, "shop");
    assert_string_equal(again->prefix, "shop-0123abcd");
    assert_int_equal(again->node_count, 0);
    assert_null(plan_find(again, "process:a"));
    assert_null(plan_find_resource(again, "a"));
    plan_free(plan);
    plan_free(again);
}

static void what_is_no_plan_is_an_error_that_says_so(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "null", "[]", "5", "{}", "{\"project\":5}", "{\"project\":\"shop\",\"nodes\":{}}"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_error struct error err = {0};
        struct plan *plan = read_plan(bad[i], &err);
        if (plan)
            fail_msg("%s was taken", bad[i]);
        assert_int_equal(err.code, ERROR_PROTOCOL);
        assert_non_null(err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(differences_in_words),
        cmocka_unit_test(values_of_variables_and_words_are_never_shown),
        cmocka_unit_test(many_differences_are_counted),
        cmocka_unit_test(control_characters_are_tamed),
        cmocka_unit_test(what_a_node_is_made_of_makes_its_hash),
        cmocka_unit_test(an_empty_plan_comes_back),
        cmocka_unit_test(what_is_no_plan_is_an_error_that_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
