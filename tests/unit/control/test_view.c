/* What crosses the control socket as structures: read and written by the same tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "control/control.h"
#include "control/requests.h"
#include "control/variables.h"
#include "control/view.h"
#include "control/watch.h"

static cJSON *parse(const char *text)
{
    cJSON *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    return json;
}

static void test_view(void **state)
{
    static const char text[] =
        "{\"project\":\"shop\",\"engine\":{\"connected\":true,\"published\":{\"host\":\"h\",\"how\":\"so\"}},"
        "\"resources\":[{\"name\":\"cache\",\"kind\":\"redis\",\"node\":\"container:cache\",\"state\":"
        "\"failed\","
        "\"lifetime\":\"persistent\",\"health\":\"unhealthy\",\"exitCode\":0,\"ports\":[{\"endpoint\":"
        "\"tcp\","
        "\"port\":7}],\"timings\":{\"seen\":1,\"created\":20},\"error\":{\"code\":\"failed\",\"message\":"
        "\"no\"}},"
        "{\"name\":\"api\",\"node\":\"process:api\",\"state\":\"ready\"}],\"others\":[],"
        "\"report\":{\"resources\":[{\"name\":\"api\",\"blocked\":true,\"lastLines\":\"x\"}]}}";
    cleanup_view struct view *view = view_read(parse(text), NULL);
    (void)state;
    assert_non_null(view);
    assert_string_equal(view->engine.published.host, "h");
    assert_int_equal(view->resource_count, 2);
    const struct view_resource *cache = &view->resources[0], *api = &view->resources[1];
    assert_int_equal(cache->state, VIEW_FAILED);
    assert_int_equal(cache->node_kind, VIEW_CONTAINER);
    assert_int_equal(cache->lifetime, LIFETIME_PERSISTENT);
    assert_int_equal(cache->health, HEALTH_UNHEALTHY);
    assert_true(cache->exit_code.is_known);
    assert_int_equal(cache->ports[0].port, 7);
    assert_int_equal(json_int(cache->ports[0].json, "port", 0), 7);
    assert_int_equal(cache->timings.count, 2);
    assert_string_equal(cache->timings.items[1].goal, "created");
    assert_int_equal(cache->timings.items[1].ms, 20);
    assert_string_equal(cache->error.message, "no");
    assert_int_equal(api->node_kind, VIEW_PROCESS);
    assert_false(api->exit_code.is_known);
    assert_int_equal(view->report.resource_count, 1);
    assert_true(view->report.resources[0].is_blocked);
}

/* As many as a lifecycle has rows, of several resources: each list has the room that it needs. */
static void test_many_timings(void **state)
{
    enum { RESOURCES = 30, ROWS = 40 };
    cJSON *json = cJSON_CreateObject(), *list = json_add_array(json, "resources");
    (void)state;
    for (int r = 0; r < RESOURCES; r++) {
        cJSON *resource = cJSON_CreateObject();
        json_add_string(resource, "name", "api");
        cJSON *timings = json_add_object(resource, "timings");
        for (int i = 0; i < ROWS; i++) {
            char goal[24];
            snprintf(goal, sizeof goal, "goal-%d", i);
            json_add_int(timings, goal, i);
        }
        cJSON_AddItemToArray(list, resource);
    }
    cleanup_view struct view *view = view_read(json, NULL);
    assert_non_null(view);
    for (int r = 0; r < RESOURCES; r++) {
        assert_int_equal(view->resources[r].timings.count, ROWS);
        assert_int_equal(view->resources[r].timings.items[ROWS - 1].ms, ROWS - 1);
    }
}

static void test_what_is_no_view(void **state)
{
    struct error error = {0};
    (void)state;
    assert_null(view_read(parse("{\"resources\":[{\"state\":\"of affairs\"}]}"), &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    assert_non_null(strstr(error.text, "\"state\""));
    error_clear(&error);
    assert_null(view_read(parse("[]"), &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    error_clear(&error);
    assert_null(view_down_read(parse("{\"left\":3}"), &error));
    assert_int_equal(error.code, ERROR_PROTOCOL);
    error_clear(&error);
}

/* To the letter: others read these lines, too. */
static void test_transition(void **state)
{
    struct error cause = {0};
    (void)state;
    error_set(&cause, ERROR_FAILED, "bad");
    struct transition transition = {
        .id = 4,
        .type = NEWS_TRANSITION,
        .time_ms = 12,
        .resource = "api",
        .node = "process:api",
        .kind = VIEW_PROCESS,
        .state = VIEW_FAILED,
        .goal = "",
        .detail = "",
        .cause = &cause,
    };
    cJSON *json = transition_to_json(&transition);
    char *text = json_print(json);
    assert_string_equal(
        text, "{\"id\":4,\"type\":\"transition\",\"timeMs\":12,\"resource\":\"api\",\"node\":\"process:api\","
              "\"kind\":\"process\",\"state\":\"failed\",\"goal\":\"\",\"detail\":\"\",\"elapsedMs\":0,"
              "\"error\":{\"code\":\"failed\",\"message\":\"bad\"}}");
    free(text);

    struct arena arena = {0};
    struct transition back;
    assert_int_equal(transition_read(json, &arena, &back), 0);
    assert_int_equal(back.state, VIEW_FAILED);
    assert_string_equal(back.error.message, "bad");
    assert_null(back.cause);
    arena_free(&arena);
    cJSON_Delete(json);
    error_clear(&cause);
}

/* What changed, there and back; what is not there is as it was. */
static void test_changes(void **state)
{
    const struct view_engine engine = {.is_connected = true, .state = VIEW_READY};
    struct view_port ports[] = {{.endpoint = "tcp", .port = 7}};
    struct view_resource resource = {
        .name = "cache",
        .node = "container:cache",
        .state = VIEW_READY,
        .ports = ports,
        .port_count = 1,
        .error = {.code = "failed", .message = "no", .file = "a.yaml", .line = 3}};
    const char *gone[] = {"process:api"};
    const struct view_changes changes = {.id = 3,
                                         .type = NEWS_CHANGES,
                                         .rev = 12,
                                         .session = "s",
                                         .engine = &engine,
                                         .resources = &resource,
                                         .resource_count = 1,
                                         .gone = gone,
                                         .gone_count = 1};
    struct arena arena = {0};
    struct view_changes back;
    cJSON *json = view_changes_to_json(&changes);
    (void)state;
    assert_int_equal(view_changes_read(json, &arena, &back, NULL), 0);
    assert_int_equal(back.type, NEWS_CHANGES);
    assert_int_equal(back.rev, 12);
    assert_true(back.engine->is_connected);
    assert_int_equal(back.resource_count, 1);
    assert_int_equal(back.resources[0].node_kind, VIEW_CONTAINER);
    assert_int_equal(back.resources[0].ports[0].port, 7);
    assert_string_equal(back.resources[0].error.file, "a.yaml");
    assert_int_equal(back.resources[0].error.line, 3);
    assert_string_equal(back.gone[0], "process:api");
    assert_int_equal(back.other_count, 0);
    assert_null(back.view);
    arena_free(&arena);
    cJSON_Delete(json);

    struct error error = {0};
    cJSON *wrong = parse("{\"type\":\"changes\",\"resources\":[3]}");
    assert_int_equal(view_changes_read(wrong, &arena, &back, &error), -1);
    assert_int_equal(error.code, ERROR_PROTOCOL);
    arena_free(&arena);
    error_clear(&error);
    cJSON_Delete(wrong);
}

static void test_requests(void **state)
{
    static const char *names[] = {"cache"};
    cJSON *plan = parse("{\"project\":\"shop\"}");
    const struct ask_up ask = {.resources = names, .resource_count = 1, .plan = plan, .replace = true};
    cJSON *message = record_to_json(&ask_up_record, &ask);
    char *text = json_print(message);
    (void)state;
    assert_string_equal(text, "{\"resources\":[\"cache\"],\"plan\":{\"project\":\"shop\"},\"only\":false,"
                              "\"replace\":true,\"defaultsOnly\":false,\"forceRecreate\":false,"
                              "\"startedOnly\":false,\"dryRun\":false,\"lease\":false,\"timeoutMs\":0}");
    struct arena arena = {0};
    struct ask_up back = {0};
    assert_int_equal(record_read(&ask_up_record, message, &arena, &back, NULL), 0);
    assert_true(back.replace && !back.only && !back.engine);
    assert_string_equal(back.resources[0], "cache");
    assert_string_equal(json_string(back.plan, "project", ""), "shop");
    arena_free(&arena);
    free(text);
    cJSON_Delete(message);
    cJSON_Delete(plan);
}

static void test_variables(void **state)
{
    static const struct answer_variable given[] = {{"CACHE_URI", "redis://:p@h:1", true, "cache"},
                                                   {"EMPTY", "", false, NULL},
                                                   {"CACHE_URI", "later", true, "b"}};
    cJSON *answer = cJSON_CreateObject();
    struct answer_variable variable;
    const cJSON *at = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        answer_variable_add(answer, &given[i]);
    char *text = json_print(answer);
    assert_string_equal(text, "{\"EMPTY\":{\"value\":\"\",\"secret\":false},"
                              "\"CACHE_URI\":{\"value\":\"later\",\"secret\":true,\"resource\":\"b\"}}");

    assert_true(answer_variable_next(answer, &at, &variable));
    assert_string_equal(variable.name, "EMPTY");
    assert_string_equal(variable.value, "");
    assert_null(variable.resource);
    assert_true(answer_variable_next(answer, &at, &variable));
    assert_false(answer_variable_next(answer, &at, &variable));
    assert_true(answer_variable_find(answer, "CACHE_URI", &variable));
    assert_true(variable.is_secret);
    assert_string_equal(variable.resource, "b");
    assert_false(answer_variable_find(answer, "CACHE", &variable));
    assert_false(answer_variable_find(NULL, "CACHE", &variable));

    answer_variables_wipe(answer);
    assert_true(answer_variable_find(answer, "CACHE_URI", &variable));
    assert_string_equal(variable.value, "");
    free(text);
    cJSON_Delete(answer);
}

static void test_answers(void **state)
{
    static const char *argv[] = {"node", "a.js"}, *environment[] = {"A=1"};
    const struct answer_exec exec = {
        .argv = argv, .argv_count = 2, .folder = "/f", .environment = environment, .environment_count = 1};
    cJSON *json = record_to_json(&answer_exec_record, &exec);
    char *text = json_print(json);
    (void)state;
    assert_string_equal(text, "{\"argv\":[\"node\",\"a.js\"],\"cwd\":\"/f\",\"environment\":[\"A=1\"]}");
    free(text);
    cJSON_Delete(json);

    cJSON *values = parse("[\"one\",\"two\"]");
    const struct answer_secrets told = {values};
    json = record_to_json(&answer_secrets_record, &told);
    text = json_print(json);
    assert_string_equal(text, "{\"secrets\":[\"one\",\"two\"]}");
    struct answer_secrets back = {0};
    struct arena arena = {0};
    assert_int_equal(record_read(&answer_secrets_record, json, &arena, &back, NULL), 0);
    assert_int_equal(json_count(back.secrets), 2);
    arena_free(&arena);
    free(text);
    cJSON_Delete(json);
    cJSON_Delete(values);
}

/* What is told of a resource is the resource's. */
static void test_whose_error(void **state)
{
    static const struct {
        const char *text;
        enum error_origin origin;
    } rows[] = {
        {"{\"code\":\"command-not-found\",\"message\":\"m\",\"resource\":\"api\"}", ORIGIN_RESOURCE},
        {"{\"code\":\"resource-failed\",\"message\":\"m\"}", ORIGIN_RESOURCE},
        {"{\"code\":\"usage\",\"message\":\"m\"}", ORIGIN_OURS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error error = {0};
        cJSON *json = parse(rows[i].text);
        control_error_from_json(json, &error);
        assert_int_equal(error.origin, rows[i].origin);
        error_clear(&error);
        cJSON_Delete(json);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view),
        cmocka_unit_test(test_many_timings),
        cmocka_unit_test(test_what_is_no_view),
        cmocka_unit_test(test_transition),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_whose_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
