/* Who needs whom, which nodes a resource has, and both of them once the plan went through a socket. */
#include "plan/internal.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* api waits for cache's end and needs job; cache is a container with an image, a network and a volume; job
 * waits for api. worker has two replicas, and between them stands what the second one needs. */
static const char document[] =
    "{\"format\":1,\"project\":\"shop\",\"projectHash\":\"0123abcd\",\"prefix\":\"shop-0123abcd\","
    "\"resources\":[{\"name\":\"api\",\"kind\":\"process\",\"node\":\"process:api\"},"
    "{\"name\":\"worker\",\"kind\":\"process\",\"node\":\"process:worker-1\"},"
    "{\"name\":\"lost\",\"kind\":\"process\",\"node\":\"process:lost\"}],"
    "\"replicas\":[{\"name\":\"worker-2\",\"kind\":\"process\",\"node\":\"process:worker-2\"}],"
    "\"secrets\":[{\"name\":\"cache-password\",\"value\":\"hush\",\"secret\":true},"
    "{\"name\":\"region\",\"value\":\"north\",\"secret\":false}],"
    "\"environment\":[\"A=b\",5,\"C=d\"],"
    "\"nodes\":["
    "{\"id\":\"image:redis:8\",\"kind\":\"image\",\"name\":\"redis:8\"},"
    "{\"id\":\"image:other\",\"kind\":\"image\",\"name\":\"other\"},"
    "{\"id\":\"network\",\"kind\":\"network\",\"name\":\"shop-0123abcd\"},"
    "{\"id\":\"volume:data\",\"kind\":\"volume\",\"name\":\"data\"},"
    "{\"id\":\"container:cache\",\"kind\":\"container\",\"name\":\"cache\",\"run\":{\"image\":\"redis:8\","
    "\"on_network\":true,\"mounts\":[{\"is_volume\":true,\"source\":\"data\",\"target\":\"/data\"},"
    "{\"is_volume\":false,\"source\":\"other\",\"target\":\"/x\"}]}},"
    "{\"id\":\"process:job\",\"kind\":\"process\",\"name\":\"job\","
    "\"edges\":[{\"to\":\"process:api\",\"until\":\"started\"}]},"
    "{\"id\":\"process:api\",\"kind\":\"process\",\"name\":\"api\","
    "\"edges\":[{\"to\":\"container:cache\",\"until\":\"gone\"},{\"to\":\"process:job\",\"until\":"
    "\"completed\"},{\"to\":\"process:nobody\",\"until\":\"started\"}]},"
    "{\"id\":\"process:worker-1\",\"kind\":\"process\",\"name\":\"worker-1\","
    "\"run\":{\"replica_of\":\"worker\"}},"
    "{\"id\":\"volume:between\",\"kind\":\"volume\",\"name\":\"between\"},"
    "{\"id\":\"process:worker-2\",\"kind\":\"process\",\"name\":\"worker-2\","
    "\"run\":{\"replica_of\":\"worker\"}}]}";

static int open_plan(void **state)
{
    cleanup_error struct error err = {0};
    cleanup_json cJSON *json = json_parse(document, strlen(document), NULL);
    *state = plan_from_json(json, &err);
    if (!*state)
        fail_msg("%s", err.text);
    return 0;
}

static int close_plan(void **state)
{
    plan_free(*state);
    return 0;
}

/* The ids of what is marked from here, in the plan's order. */
static void needs(const struct plan *plan, const char *id, const char *wanted)
{
    bool marks[16] = {false};
    cleanup_strbuf struct strbuf found = {0};
    plan_closure(plan, plan_find(plan, id), marks);
    for (size_t i = 0; i < plan->node_count; i++)
        if (marks[i])
            strbuf_addf(&found, "%s ", plan->nodes[i].id);
    assert_string_equal(strbuf_text(&found), wanted);
}

static void a_container_needs_what_the_engine_makes_of_it(void **state)
{
    needs(*state, "container:cache", "image:redis:8 network volume:data container:cache ");
    needs(*state, "volume:between", "volume:between ");
}

/* Those who wait for each other are no endless way; who waits for an end does not need what ends. */
static void edges_are_followed_once(void **state)
{
    needs(*state, "process:api", "process:job process:api ");
    needs(*state, "process:job", "process:job process:api ");
}

static void tasks_are_found_over_others(void **state)
{
    const struct plan *plan = *state;
    assert_true(plan_needs_task(plan, plan_find(plan, "process:api")));
    assert_true(plan_needs_task(plan, plan_find(plan, "process:job"))); /* which api waits for */
    assert_false(plan_needs_task(plan, plan_find(plan, "container:cache")));
}

static void replicas_are_the_nodes_of_their_resource(void **state)
{
    const struct plan *plan = *state;
    const struct plan_resource *worker = plan_find_resource(plan, "worker");
    assert_string_equal(plan_node_of(plan, worker, 0)->id, "process:worker-1");
    assert_string_equal(plan_node_of(plan, worker, 1)->id, "process:worker-2");
    assert_null(plan_node_of(plan, worker, 2));

    assert_string_equal(plan_find_resource(plan, "worker-2")->node, "process:worker-2");
    assert_null(plan_find_resource(plan, "worker-1")); /* not listed */
    assert_null(plan_node_of(plan, plan_find_resource(plan, "api"), 1));
    assert_null(plan_node_of(plan, plan_find_resource(plan, "lost"), 0));
}

static void a_plan_that_is_shown_has_no_secrets(void **state)
{
    struct plan *plan = *state;
    cleanup_json cJSON *shown = plan_to_json(plan, false), *whole = plan_to_json(plan, true);
    const cJSON *secrets = json_get(shown, "secrets");
    assert_string_equal(json_string(cJSON_GetArrayItem(secrets, 0), "value", ""), "***");
    assert_string_equal(json_string(cJSON_GetArrayItem(secrets, 1), "value", ""), "north");
    assert_null(json_get(shown, "environment"));

    secrets = json_get(whole, "secrets");
    assert_string_equal(json_string(cJSON_GetArrayItem(secrets, 0), "value", ""), "hush");
    assert_int_equal(json_count(json_get(whole, "environment")), 2); /* a number is no variable */
    assert_string_equal(plan->environment[1], "C=d");
    assert_null(plan->environment[2]);
}

static void a_secret_is_given_later(void **state)
{
    struct plan *plan = *state;
    plan_give_secret(plan, "cache-password", "psst");
    plan_give_secret(plan, "nobody", "x");
    assert_string_equal(plan_find_secret(plan, "cache-password")->value, "psst");
    assert_null(plan_find_secret(plan, "nobody"));
}

/* Whatever stands in these lists is looked up by its name later. */
static void what_has_no_name_is_damaged(void **state)
{
    (void)state;
    static const char *const lists[] = {"\"nodes\":[{\"id\":\"a\"}]", "\"resources\":[{\"name\":\"a\"}]",
                                        "\"replicas\":[{\"node\":\"a\"}]", "\"secrets\":[{}]"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        cleanup_error struct error err = {0};
        cleanup_free char *text = xasprintf("{\"format\":1,\"project\":\"shop\",\"projectHash\":\"0\","
                                            "\"prefix\":\"shop-0\",%s}",
                                            lists[i]);
        cleanup_json cJSON *json = json_parse(text, strlen(text), NULL);
        assert_null(plan_from_json(json, &err));
        assert_string_equal(err.text, "the plan is damaged: something has no name");
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plan, close_plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_container_needs_what_the_engine_makes_of_it),
        TEST(edges_are_followed_once),
        TEST(tasks_are_found_over_others),
        TEST(replicas_are_the_nodes_of_their_resource),
        TEST(a_plan_that_is_shown_has_no_secrets),
        TEST(a_secret_is_given_later),
        TEST(what_has_no_name_is_damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
