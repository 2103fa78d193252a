/* Commands from their first word to their exit code, against a supervisor that answers as it is told. */
#include "stage.h"

#include "base/mem.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_open, stage_close)

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

/* ---- looking ---- */

static void ps_shows_names_states_addresses(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("ps"));
    stage_prints(stage, "NAME");
    stage_prints(stage, "127.0.0.1:6380,password=***");
    stage_prints(stage, "failed (exit 3)");
    stage_prints(stage, "job ended with exit code 3");
    stage_prints(stage, "manual");

    stage_runs(stage, 0, WORDS("ps", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_int_equal(json_count(json_get(json, "resources")), 4);
    assert_string_equal(json_string(json, "project", ""), "shop");
}

static void port_is_the_first_or_the_named_one(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("port", "api"));
    assert_string_equal(strbuf_text(&stage->out), "127.0.0.1:8080\n");
    stage_runs(stage, 0, WORDS("port", "api", "admin"));
    assert_string_equal(strbuf_text(&stage->out), "127.0.0.1:8081\n");
    stage_runs(stage, 10, WORDS("port", "api", "grpc"));
    stage_says(stage, "api has no endpoint called \"grpc\"");
    stage_says(stage, "it has: http, admin");
    stage_runs(stage, 10, WORDS("port", "hand"));
    stage_says(stage, "hand has no endpoint");
    stage_runs(stage, 10, WORDS("port", "apy"));
    stage_says(stage, "api");
    stage_runs(stage, 2, WORDS("port"));
}

static void env_is_quoted_for_its_reader(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("env"));
    stage_prints(stage, "export CACHE_HOST='127.0.0.1'");
    stage_prints(stage, "export CACHE_PASSWORD='it'\\''s'");
    stage_runs(stage, 0, WORDS("env", "--format", "github"));
    stage_says(stage, "::add-mask::it's");
    stage_runs(stage, 0, WORDS("env", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_non_null(json_get(json, "CACHE_PASSWORD"));
    stage_runs(stage, 0, WORDS("env", "cache", "--for", "api"));
    stage_was_asked(stage, "\"resources\":[\"cache\"]");
    stage_was_asked(stage, "\"for\":\"api\"");
}

/* ---- doing ---- */

static void what_is_asked_of_resources(void **state)
{
    static const struct {
        const char *verb, *option, *value, *wanted;
    } rows[] = {
        {"start", NULL, NULL, "\"verb\":\"start\""},
        {"stop", NULL, NULL, "\"verb\":\"stop\""},
        {"restart", "--wait-timeout", "5s", "\"timeoutMs\":5000"},
        {"kill", "-s", "HUP", "\"signal\":1"},
        {"kill", "-s", "sigusr1", "\"signal\":10"},
        {"kill", "-s", "15", "\"signal\":15"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage *stage = *state;
        stage_runs(stage, 0, (const char *const[]){rows[i].verb, "api", rows[i].option, rows[i].value, NULL});
        stage_was_asked(stage, rows[i].wanted);
        stage_was_asked(stage, "\"resources\":[\"api\"]");
    }
}

static void mistakes_ask_nothing(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("kill", "api", "-s", "NOSUCH"));
    stage_says(stage, "\"NOSUCH\" is no signal");
    assert_null(strstr(strbuf_text(&stage->asked), "\"verb\":\"kill\""));
    stage_runs(stage, 10, WORDS("stop", "apy"));
    stage_says(stage, "api"); /* did you mean */
    assert_null(strstr(strbuf_text(&stage->asked), "\"verb\":\"stop\""));
    stage_runs(stage, 2, WORDS("restart"));
}

static void a_refusal_is_told_with_its_code(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "start", NULL,
                 ",\"error\":{\"code\":\"resource-failed\",\"message\":\"api ended\",\"resource\":\"api\","
                 "\"hint\":\"look at its log\"}");
    stage_runs(stage, 6, WORDS("start", "api"));
    stage_says(stage, "api ended");
    stage_says(stage, "look at its log");
    stage_runs(stage, 6, WORDS("start", "api", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json_get(json, "error"), "message", ""), "api ended");
}

static void waiting_says_for_what(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("wait", "cache"));
    stage_was_asked(stage, "\"until\":\"healthy\"");
    stage_runs(stage, 0, WORDS("wait", "job", "--for", "completed", "--wait-timeout", "1m"));
    stage_was_asked(stage, "\"until\":\"completed\"");
    stage_was_asked(stage, "\"timeoutMs\":60000");
    stage_runs(stage, 2, WORDS("wait", "--for", "soon"));
    stage_answer(stage, "wait", NULL, ",\"error\":{\"code\":\"timeout\",\"message\":\"cache is not ready\"}");
    stage_runs(stage, 7, WORDS("wait"));
}

/* ---- exec ---- */

static void exec_is_in_the_processs_place(void **state)
{
    struct stage *stage = *state;
    stage_answer(
        stage, "exec-info", NULL,
        ",\"data\":{\"argv\":[\"x\"],\"cwd\":\"/\",\"environment\":[\"PATH=/usr/bin:/bin\",\"OF_API=1\"]}");
    stage_runs(stage, 0, WORDS("exec", "api", "--", "sh", "-c", "pwd; echo $OF_API"));
    assert_string_equal(strbuf_text(&stage->out), "/\n1\n");
    stage_runs(stage, 3, WORDS("exec", "api", "--", "sh", "-c", "exit 3"));
    stage_runs(stage, 0,
               WORDS("exec", "-e", "OF_API=2", "-w", "/tmp", "api", "--", "sh", "-c", "pwd; echo $OF_API"));
    assert_string_equal(strbuf_text(&stage->out), "/tmp\n2\n");
    stage_runs(stage, 127, WORDS("exec", "api", "--", "no-such-program"));
    stage_runs(stage, 125, WORDS("exec", "api"));
    stage_says(stage, "exec wants a command");
    stage_runs(stage, 125, WORDS("exec", "-u", "root", "api", "--", "true"));
    stage_says(stage, "runs as you");
    stage_runs(stage, 125, WORDS("exec", "nobody", "--", "true"));
}

/* ---- nothing runs ---- */

static void without_a_session(void **state)
{
    struct stage *stage = *state;
    stage_end(stage);
    static const char *const need_one[] = {"port", "exec", "restart", "wait"};
    for (size_t i = 0; i < sizeof need_one / sizeof *need_one; i++) {
        int code = strcmp(need_one[i], "exec") == 0 ? 125 : 10;
        const char *dashes = code == 125 ? "--" : NULL;
        stage_runs(stage, code, (const char *const[]){need_one[i], "api", dashes, "x", NULL});
    }
    stage_runs(stage, 10, WORDS("env"));
}

/* A supervisor that says nonsense is an error of its own, not a crash. */
static void nonsense_is_an_error(void **state)
{
    static const char *const nonsense[] = {"", ",\"data\":5", ",\"data\":{\"resources\":{}}",
                                           ",\"data\":{\"resources\":[5,{}]}",
                                           ",\"data\":{\"resources\":[{\"name\":5}]}"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        struct stage *stage = *state;
        stage->answer_count = 1;
        stage_answer(stage, "view", NULL, nonsense[i]);
        int code = stage_run(stage, WORDS("ps"));
        if (code > 2 && code != 10)
            fail_msg("%s: %d\n%s", nonsense[i], code, strbuf_text(&stage->err));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ps_shows_names_states_addresses),
        TEST(port_is_the_first_or_the_named_one),
        TEST(env_is_quoted_for_its_reader),
        TEST(what_is_asked_of_resources),
        TEST(mistakes_ask_nothing),
        TEST(a_refusal_is_told_with_its_code),
        TEST(waiting_says_for_what),
        TEST(exec_is_in_the_processs_place),
        TEST(without_a_session),
        TEST(nonsense_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
