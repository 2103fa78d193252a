/* up, run, down and events against a supervisor that is there already: what they ask it, what they tell, what
 * their exit codes are; whatever it answers, and when it does not. */
#include "stage.h"

#include "base/mem.h"

#include <string.h>
#include <unistd.h>

static const char manifest[] = "name: shop\n"
                               "engine: native\n"
                               "resources:\n"
                               "  api: {type: process, command: [sleep, '1000']}\n"
                               "  job: {type: process, command: [sh, -c, exit 3], task: true}\n"
                               "  hand: {type: process, command: [sleep, '1000'], start: manual}\n";

/* Data of the answer to a down. */
static const char removed[] =
    ",\"data\":{\"removed\":[{\"kind\":\"process\",\"name\":\"api\",\"resource\":\"api\"},"
    "{\"kind\":\"volume\",\"name\":\"shop-data\",\"resource\":\"cache\"}],\"kept\":[]}";

static int open_up(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_up, stage_close)

static void was_not_asked(const struct stage *stage, const char *text)
{
    if (strstr(strbuf_text(&stage->asked), text))
        fail_msg("asked for %s:\n%s", text, strbuf_text(&stage->asked));
}

/* ---- down ---- */

static void down_names_what_went(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "down", NULL, removed);
    stage_runs(stage, 0, WORDS("down"));
    stage_prints(stage, "removed process api");
    stage_prints(stage, "removed volume shop-data");
    stage_was_asked(stage, "\"verb\":\"down\"");
    was_not_asked(stage, "\"volumes\":true");
    was_not_asked(stage, "\"persistent\":true");

    stage_runs(stage, 0, WORDS("down", "-o", "json"));
    cleanup_json cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    assert_int_equal(json_count(json_get(json, "removed")), 2);
}

static void down_asks_what_it_was_told(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "down", NULL, removed);
    stage_runs(stage, 0, WORDS("down", "-v", "--all", "--kill", "-t", "3s"));
    stage_was_asked(stage, "\"volumes\":true");
    stage_was_asked(stage, "\"persistent\":true");
    stage_was_asked(stage, "\"kill\":true");
    stage_was_asked(stage, "\"timeoutMs\":3000");
}

static void a_dry_down_does_nothing(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("down", "--dry-run"));
    stage_prints(stage, "would stop api (ready)");
    was_not_asked(stage, "\"verb\":\"down\"");
}

static void a_down_that_fails_is_told(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "down", NULL, ",\"error\":{\"code\":\"failed\",\"message\":\"the volume is busy\"}");
    stage_runs(stage, 1, WORDS("down"));
    stage_says(stage, "the volume is busy");
}

/* ---- up ---- */

static void up_sends_the_plan_and_shows_the_table(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "up", NULL, stage_view);
    stage_runs(stage, 0, WORDS("up", "-d"));
    stage_was_asked(stage, "\"verb\":\"up\"");
    stage_was_asked(stage, "\"plan\":{");
    stage_says(stage, "http://127.0.0.1:8080");
    was_not_asked(stage, "\"verb\":\"down\""); /* it was there before us */

    stage_runs(stage, 0, WORDS("up", "-d", "api", "--wait-timeout", "7s"));
    stage_was_asked(stage, "\"resources\":[\"api\"]");
    stage_was_asked(stage, "\"timeoutMs\":7000");
    stage_runs(stage, 0, WORDS("up", "-d", "--force-recreate"));
    stage_was_asked(stage, "\"forceRecreate\":true");
    stage_runs(stage, 0, WORDS("up", "--dry-run"));
    stage_was_asked(stage, "\"dryRun\":true");
}

static void up_of_what_is_not_there_asks_nothing(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 10, WORDS("up", "-d", "apy"));
    stage_says(stage, "api");
    was_not_asked(stage, "\"verb\":\"up\"");
    stage_file("apphost.yaml", "name: shop\nresources:\n  api: {type: process}\n");
    stage_runs(stage, 3, WORDS("up", "-d"));
    stage_says(stage, "apphost.yaml:3:3: error");
    was_not_asked(stage, "\"verb\":\"up\"");
}

static void a_failure_has_its_causes_code(void **state)
{
    static const struct {
        const char *answer;
        int code;
    } rows[] = {
        {",\"error\":{\"code\":\"resource-failed\",\"message\":\"api ended\",\"resource\":\"api\"}", 6},
        {",\"error\":{\"code\":\"timeout\",\"message\":\"api is not ready\",\"resource\":\"api\"}", 7},
        {",\"error\":{\"code\":\"port-conflict\",\"message\":\"port 80 is taken\",\"resource\":\"api\"}", 8},
        {",\"error\":{\"code\":\"engine-unreachable\",\"message\":\"no engine\"}", 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage *stage = *state;
        stage->answer_count = 3;
        stage_answer(stage, "up", NULL, rows[i].answer);
        int code = stage_run(stage, WORDS("up", "-d"));
        if (code != rows[i].code)
            fail_msg("%s: %d\n%s", rows[i].answer, code, strbuf_text(&stage->err));
    }
}

/* What the error says already is told by the report's fields, and by no likeness of the texts. */
static void a_report_says_what_the_error_does_not(void **state)
{
    static const char report[] =
        ",\"error\":{\"code\":\"resource-failed\",\"message\":\"cache fell: no memory, refused\"},"
        "\"data\":{\"project\":\"shop\",\"hash\":\"0123abcd\",\"engine\":{\"connected\":false},\"resources\":"
        "[],"
        "\"others\":[],\"report\":{\"resources\":["
        "{\"name\":\"cache\",\"told\":true,\"error\":{\"message\":\"in other words\"},"
        "\"lastProbe\":\"no answer\",\"attemptTold\":true},"
        "{\"name\":\"api\",\"blocked\":true,\"told\":true,\"consequence\":\"api was not started\","
        "\"error\":{\"message\":\"api was not started: it fell\"}},"
        "{\"name\":\"job\",\"error\":{\"message\":\"no memory\"},\"lastProbe\":\"refused\"}]}}";
    struct stage *stage = *state;
    stage_answer(stage, "up", NULL, report);
    stage_runs(stage, 6, WORDS("up", "-d"));
    stage_says(stage, "  api was not started\n");
    stage_says(stage, "  job: no memory\n");
    stage_says(stage, "  job: the last attempt: refused\n");
    assert_null(strstr(strbuf_text(&stage->err), "in other words"));
    assert_null(strstr(strbuf_text(&stage->err), "it fell"));
    assert_null(strstr(strbuf_text(&stage->err), "no answer"));
}

/* ---- run ---- */

static void run_gives_the_environment_and_its_code(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "up", NULL, stage_view);
    stage_runs(stage, 0, WORDS("run", "--", "sh", "-c", "echo $CACHE_HOST $CACHE_PASSWORD"));
    assert_string_equal(strbuf_text(&stage->out), "127.0.0.1 it's\n");
    stage_was_asked(stage, "\"verb\":\"up\"");
    stage_runs(stage, 5, WORDS("run", "--", "sh", "-c", "exit 5"));
    stage_runs(stage, 128 + 9, WORDS("run", "--", "sh", "-c", "kill -9 $$"));
    stage_runs(stage, 127, WORDS("run", "--", "no-such-program"));
}

/* What runs when the resources did not come up: nothing. */
static void run_runs_nothing_that_has_not_what_it_needs(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "up", NULL,
                 ",\"error\":{\"code\":\"resource-failed\",\"message\":\"api ended\",\"resource\":\"api\"}");
    stage_runs(stage, 125, WORDS("run", "--", "touch", "it-ran"));
    stage_says(stage, "api ended");
    assert_int_equal(access("it-ran", F_OK), -1);
}

static void run_wants_a_command(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 125, WORDS("run"));
    stage_says(stage, "apphost run [RES…] -- COMMAND");
    stage_runs(stage, 125, WORDS("run", "api"));
    stage_says(stage, "api is not a task");
    was_not_asked(stage, "\"verb\":\"up\"");
}

static void run_has_a_limit(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "up", NULL, stage_view);
    stage_runs(stage, 124, WORDS("run", "--timeout", "200ms", "--", "sleep", "1000"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(down_names_what_went),
        TEST(down_asks_what_it_was_told),
        TEST(a_dry_down_does_nothing),
        TEST(a_down_that_fails_is_told),
        TEST(up_sends_the_plan_and_shows_the_table),
        TEST(up_of_what_is_not_there_asks_nothing),
        TEST(a_failure_has_its_causes_code),
        TEST(a_report_says_what_the_error_does_not),
        TEST(run_gives_the_environment_and_its_code),
        TEST(run_runs_nothing_that_has_not_what_it_needs),
        TEST(run_wants_a_command),
        TEST(run_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
