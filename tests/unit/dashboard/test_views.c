/* What the page is told: session, view, resources, environment, actions; and what it is when there is none of
 * that. */
#include "rig.h"

#include "base/mem.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void without_a_session(void **state)
{
    static const char *const paths[] = {"view",  "resources/api", "resources/api/env",
                                        "graph", "history",       "redis/cache/info"};
    struct rig *rig = *state;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        cleanup_json cJSON *json = rig_get(rig, paths[i], 503);
        assert_string_equal(json_string(json, "code", ""), "not-running");
        assert_string_equal(json_string(json, "state", ""), "no-session");
    }
    cleanup_json cJSON *session = rig_get(rig, "session", 503);
    assert_string_equal(json_string(session, "project", ""), "shop");
    assert_null(json_get(session, "session"));
    assert_int_equal(json_int(json_get(session, "dashboard"), "port", 0), rig->port);
    cleanup_json cJSON *stats = rig_get(rig, "stats", 200);
    assert_int_equal(json_int(stats, "intervalMs", 0), 2000);
}

static void paths(void **state)
{
    struct rig *rig = *state;
    cJSON_Delete(rig_get(rig, "nothing", 404));
    cJSON_Delete(rig_get(rig, "viewer", 404));
    cJSON_Delete(rig_post(rig, "view", "{}", 405));
    cJSON_Delete(rig_get(rig, "login", 405));
    struct reply page = rig_ask(rig, "GET /", "", NULL), none = rig_ask(rig, "GET /../x.js", "", NULL);
    assert_int_equal(page.status, 200);
    assert_non_null(strstr(page.text, "Content-Encoding: gzip"));
    assert_non_null(strstr(page.text, "require-trusted-types-for 'script'"));
    assert_int_equal(none.status, 404);

    const char *etag = strstr(page.text, "ETag: ");
    cleanup_free char *header = xasprintf("If-None-Match: %.*s\r\n", (int)strcspn(etag + 6, "\r"), etag + 6);
    struct reply again = rig_ask(rig, "GET /", header, NULL), head = rig_ask(rig, "HEAD /", "", NULL);
    assert_int_equal(again.status, 304);
    assert_int_equal(head.status, 200);
    reply_free(&page);
    reply_free(&none);
    reply_free(&again);
    reply_free(&head);
}

static void views(void **state)
{
    struct rig *rig = *state;
    rig_begin_session(rig);
    cleanup_json cJSON *session = rig_get(rig, "session", 200);
    assert_string_equal(json_string(json_get(session, "session"), "id", ""), "00000000000000aa");
    struct reply stream = rig_open(rig, "events?topics=state");
    rig_wait_said(rig, &stream, "event: view");
    close(stream.fd);
    reply_free(&stream);

    cleanup_json cJSON *view = rig_get(rig, "view", 200);
    assert_int_equal(json_count(json_get(view, "resources")), 2);
    cleanup_json cJSON *plain = rig_get(rig, "resources/api", 200);
    assert_string_equal(json_string(json_get(plain, "resource"), "node", ""), "process:api");
    assert_null(json_get(plain, "details"));
    rig_answers(rig, "details", "{\"name\":\"api\",\"spec\":{}}");
    cleanup_json cJSON *detailed = rig_get(rig, "resources/api", 200);
    assert_non_null(json_get(detailed, "details"));

    cJSON_Delete(rig_get(rig, "resources/nobody", 404));
    cJSON_Delete(rig_get(rig, "resources/api/nothing", 404));
    cJSON_Delete(rig_get(rig, "resources/%00", 404));
    cJSON_Delete(rig_get(rig, "graph", 501));
    rig_answers(rig, "edges", "{\"edges\":[]}");
    cJSON_Delete(rig_get(rig, "graph", 200));
    rig_answers(rig, "history", "{\"rev\":7,\"items\":[]}");
    cleanup_json cJSON *history = rig_get(rig, "history?since=5", 200);
    assert_int_equal(json_int(history, "rev", 0), 7);
    assert_int_equal(json_int(rig_asked(rig, "history"), "since", 0), 5);
}

static void wait_for_view(struct rig *rig)
{
    struct reply stream = rig_open(rig, "events?topics=state");
    rig_wait_said(rig, &stream, "event: view");
    close(stream.fd);
    reply_free(&stream);
}

static void secrets(void **state)
{
    struct rig *rig = *state;
    rig_begin_session(rig);
    wait_for_view(rig);
    rig_answers(rig, "env", "{\"A\":{\"value\":\"open\"},\"P\":{\"value\":\"hidden!\",\"secret\":true}}");
    struct reply shown = rig_ask(rig, "GET /api/v1/resources/api/env", NULL, NULL);
    assert_null(strstr(shown.text, "hidden!"));
    assert_string_equal(json_string(json_get(shown.json, "A"), "value", ""), "open");
    assert_true(cJSON_IsNull(json_get(json_get(shown.json, "P"), "value")));
    assert_non_null(strstr(shown.text, "no-store"));
    reply_free(&shown);

    cleanup_json cJSON *revealed = rig_post(rig, "resources/api/env/reveal", "{\"name\":\"P\"}", 200);
    assert_string_equal(json_string(revealed, "value", ""), "hidden!");
    cJSON_Delete(rig_post(rig, "resources/api/env/reveal", "{\"name\":\"Q\"}", 404));
    cJSON_Delete(rig_post(rig, "resources/api/env/reveal", "{}", 400));
}

static void actions(void **state)
{
    struct rig *rig = *state;
    rig_begin_session(rig);
    wait_for_view(rig);
    rig_answers(rig, "restart", "{\"resources\":[]}");
    cleanup_json cJSON *done = rig_post(rig, "resources/api/restart", "{\"timeoutMs\":5000}", 200);
    assert_int_equal(json_int(done, "code", -1), 0);
    assert_non_null(json_get(done, "view"));
    const cJSON *asked = rig_asked(rig, "restart");
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(json_get(asked, "resources"), 0)), "api");
    assert_int_equal(json_int(asked, "timeoutMs", 0), 5000);

    rig_answers(rig, "stop", "{\"error\":{\"code\":\"resource-failed\",\"message\":\"it does not\"}}");
    cleanup_json cJSON *failed = rig_post(rig, "resources/api/stop", "", 200);
    assert_true(json_int(failed, "code", 0) != 0);
    assert_string_equal(json_string(json_get(failed, "error"), "message", ""), "it does not");
    rig_answers(rig, "kill", "{}");
    cJSON_Delete(rig_post(rig, "resources/api/kill", "{\"signal\":\"USR1\"}", 200));
    assert_int_equal(json_int(rig_asked(rig, "kill"), "signal", 0), 10);
    cJSON_Delete(rig_post(rig, "resources/api/stop", "[1]", 400));
    cJSON_Delete(rig_post(rig, "resources/api/explode", "{}", 404));
}

static int start(void **state)
{
    *state = rig_start();
    return 0;
}

static int end(void **state)
{
    rig_end(*state);
    return 0;
}
#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(without_a_session), WITH_RIG(paths), WITH_RIG(views), WITH_RIG(secrets), WITH_RIG(actions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
