/* Commands that look at a running project: why something waits, what it uses, what happens, and where the
 * time of an `up` went. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>

static const char manifest[] = "name: shop\n"
                               "engine: native\n"
                               "resources:\n"
                               "  api: {type: process, command: [sleep, '1000'], wait_for: [job]}\n"
                               "  job: {type: process, command: [sh, -c, exit 3], task: true}\n";

static int open_up(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    stage_answer(stage, "up", NULL, stage_view);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_up, stage_close)

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

static void lacks(const struct strbuf *where, const char *text)
{
    if (strstr(strbuf_text(where), text))
        fail_msg("\"%s\" stands in:\n%s", text, strbuf_text(where));
}

/* ---- graph --running ---- */

/* api waits for job, not for its image, and once for the network; job needs nothing. */
static const char edges[] =
    ",\"data\":{\"edges\":["
    "{\"from\":\"api\",\"to\":\"job\",\"fromNode\":\"process:api\",\"toNode\":\"process:job\","
    "\"until\":\"completed\",\"required\":true,\"met\":false,\"why\":\"job\\u001b[2J has failed\"},"
    "{\"from\":\"api\",\"to\":\"hand\",\"fromNode\":\"process:api\",\"toNode\":\"process:hand\","
    "\"until\":\"healthy\",\"required\":false,\"met\":true},"
    "{\"from\":\"api\",\"to\":\"redis:8\",\"fromNode\":\"process:api\",\"toNode\":\"image:redis:8\","
    "\"until\":\"started\",\"required\":true,\"met\":true},"
    "{\"from\":\"api\",\"to\":\"shop\",\"fromNode\":\"process:api\",\"toNode\":\"network:shop\","
    "\"until\":\"started\",\"required\":true,\"met\":false,\"why\":\"it is made\"},"
    "{\"from\":\"shop\",\"to\":\"job\",\"fromNode\":\"network:shop\",\"toNode\":\"process:job\","
    "\"until\":\"started\",\"required\":true,\"met\":false}]}";

static void a_running_graph_says_what_is_waited_for(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "edges", NULL, edges);
    stage_runs(stage, 0, WORDS("graph", "--running"));
    assert_string_equal(strbuf_text(&stage->out), "api (process)\n"
                                                  "  -> job (completed): waits, job\\x1b[2J has failed\n"
                                                  "  -> hand (healthy, optional): met\n"
                                                  "  -> shop (started): waits, it is made\n"
                                                  "job (process)\n");
    stage_was_asked(stage, "\"verb\":\"edges\"");
}

static void a_running_graph_for_programs_has_all_edges(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "edges", NULL, edges);
    stage_runs(stage, 0, WORDS("graph", "--running", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *first = cJSON_GetArrayItem(json_get(json, "edges"), 0);
    assert_int_equal(json_count(json_get(json, "edges")), 5);
    assert_string_equal(json_string(first, "toNode", ""), "process:job");
    assert_false(json_bool(first, "met", true));
}

static void a_running_graph_needs_what_runs(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "edges", NULL, ",\"error\":{\"code\":\"failed\",\"message\":\"no such verb\"}");
    stage_runs(stage, 1, WORDS("graph", "--running"));
    stage_says(stage, "no such verb");
    stage_answer(stage, "edges", NULL, ",\"data\":{\"edges\":[{\"from\":5}]}");
    stage_runs(stage, 1, WORDS("graph", "--running"));
    stage_says(stage, "the answer to edges");

    stage_end(stage);
    stage_runs(stage, 10, WORDS("graph", "--running"));
    stage_says(stage, "nothing is running");
    stage_runs(stage, 0, WORDS("graph")); /* the manifest's own needs nobody */
    stage_prints(stage, "  -> job (completed)\n");
}

/* ---- top ---- */

static const char usage[] =
    ",\"data\":{\"timeMs\":1,\"clockMs\":1000,\"resources\":["
    "{\"name\":\"cache\",\"node\":\"process:cache\",\"pid\":41,\"cpuUs\":500000,\"memoryBytes\":12000000,"
    "\"processes\":1,\"readBytes\":2000,\"writtenBytes\":3000000},"
    "{\"name\":\"api\",\"node\":\"process:api\",\"pid\":42,\"cpuUs\":0,\"memoryBytes\":5000,"
    "\"processes\":2}]}";

static void top_says_what_is_used(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "usage", NULL, usage);
    stage_runs(stage, 0, WORDS("top"));
    stage_prints(stage, "NAME   STATE   CPU   MEMORY   PROCESSES  READ    WRITTEN\n");
    stage_prints(stage, "cache  ready   0.0%  12.0 MB  1          2.0 kB  3.0 MB\n");
    stage_prints(stage, "api    ready   0.0%  5.0 kB   2\n"); /* what is not known is not said to be none */
    stage_prints(stage, "job    failed                 0\n");
    assert_int_equal(stage_asked(stage), 5); /* hello, and two looks */
}

static void top_keeps_to_the_names(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "usage", NULL, usage);
    stage_runs(stage, 0, WORDS("stats", "api", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *list = json_get(json, "resources"), *api = cJSON_GetArrayItem(list, 0);
    assert_int_equal(json_count(list), 1);
    assert_string_equal(json_string(api, "name", ""), "api");
    assert_int_equal(json_int(api, "memoryBytes", 0), 5000);
    assert_int_equal(json_int(api, "processes", 0), 2);
    assert_null(json_get(api, "readBytes"));

    stage_runs(stage, 10, WORDS("top", "apy"));
    stage_says(stage, "api");
    assert_null(strstr(strbuf_text(&stage->asked), "\"verb\":\"usage\""));
}

static void top_tells_what_goes_wrong(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "usage", NULL, ",\"data\":{\"resources\":[{\"pid\":\"x\"}]}");
    stage_runs(stage, 1, WORDS("top"));
    stage_says(stage, "the answer to usage");
    stage_runs(stage, 2, WORDS("top", "--interval", "soon"));
    stage_end(stage);
    stage_runs(stage, 10, WORDS("top"));
}

/* ---- events ---- */

static const char record[] = "\"timeMs\":1700000000000,\"resource\":\"api\",\"node\":\"process:api\","
                             "\"kind\":\"process\",\"state\":\"ready\",\"elapsedMs\":1200";

static void events_are_a_line_each(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "watch", record, "");
    stage_runs(stage, 0, WORDS("events"));
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json, "state", ""), "ready");
    assert_int_equal(json_int(json, "elapsedMs", 0), 1200);
    assert_null(json_get(json, "id")); /* the request's, of no meaning outside */
    stage_was_asked(stage, "\"verb\":\"watch\"");
}

static void events_of_the_names_alone(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "watch", record, "");
    stage_runs(stage, 0, WORDS("events", "cache"));
    assert_string_equal(strbuf_text(&stage->out), "");
    stage_runs(stage, 0, WORDS("events", "cache", "api"));
    stage_prints(stage, "\"resource\":\"api\"");
    stage_runs(stage, 10, WORDS("events", "apy"));
    lacks(&stage->asked, "\"verb\":\"watch\"");
}

static void an_end_that_is_an_error_is_told(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "watch", record, ",\"error\":{\"code\":\"failed\",\"message\":\"too many watch\"}");
    stage_runs(stage, 1, WORDS("events"));
    stage_prints(stage, "\"resource\":\"api\"");
    stage_says(stage, "too many watch");
}

/* ---- up --timings, --trace, --explain ---- */

/* Long after the command's begin, whenever that is; and one moment from before. */
static const char history[] =
    ",\"data\":{\"type\":\"moments\",\"rev\":9,\"items\":["
    "{\"type\":\"goal\",\"rev\":1,\"resource\":\"old\",\"node\":\"process:old\",\"name\":\"starting\","
    "\"beginUs\":5,\"elapsedUs\":7000000},"
    "{\"type\":\"goal\",\"rev\":2,\"resource\":\"api\",\"node\":\"process:api\",\"name\":\"waiting\","
    "\"beginUs\":8000000000000000,\"elapsedUs\":1500000},"
    "{\"type\":\"goal\",\"rev\":3,\"node\":\"image:redis:8\",\"name\":\"pulling\","
    "\"beginUs\":8000000000000000,\"elapsedUs\":2500000},"
    "{\"type\":\"request\",\"rev\":4,\"node\":\"process:api\",\"name\":\"GET /x\","
    "\"beginUs\":8000000000000000,\"elapsedUs\":9500000}]}";

static void timings_are_of_this_command(void **state)
{
    struct stage *stage = *state;
    stage_answer(stage, "history", NULL, history);
    stage_runs(stage, 0, WORDS("up", "-d", "--timings"));
    stage_says(stage, "RESOURCE");
    stage_says(stage, "api            waiting  1.50s");
    stage_says(stage, "image redis:8  pulling  2.50s");
    lacks(&stage->err, "old");
    lacks(&stage->err, "GET /x");

    stage_answer(stage, "history", NULL, ",\"data\":{\"type\":\"moments\",\"rev\":9,\"items\":[]}");
    stage_runs(stage, 0, WORDS("up", "-d", "--timings"));
    stage_says(stage, "nothing took time: everything was there");
    stage_runs(stage, 0, WORDS("up", "-d"));
    lacks(&stage->asked, "\"verb\":\"history\"");
}

static const cJSON *event_named(const cJSON *trace, const char *name)
{
    const cJSON *event;
    cJSON_ArrayForEach(event, trace)
    {
        if (strcmp(json_string(event, "name", ""), name) == 0)
            return event;
    }
    fail_msg("no event %s", name);
    return NULL;
}

static void a_trace_has_phases_and_moments(void **state)
{
    struct stage *stage = *state;
    size_t length = 0;
    stage_answer(stage, "history", NULL, history);
    stage_runs(stage, 0, WORDS("up", "-d", "--trace", "trace.json"));
    cleanup_free char *text = file_read("trace.json", 1 << 20, &length, NULL);
    cleanup_json cJSON *trace = json_parse(text, length, NULL);
    assert_true(cJSON_IsArray(trace));
    assert_string_equal(json_string(event_named(trace, "connect"), "cat", ""), "phase");
    assert_string_equal(json_string(event_named(trace, "up"), "cat", ""), "phase");

    const cJSON *moment = event_named(trace, "pulling");
    assert_string_equal(json_string(moment, "cat", ""), "goal");
    assert_string_equal(json_string(moment, "ph", ""), "X");
    assert_int_equal(json_int(moment, "dur", 0), 2500000);
    assert_string_equal(json_string(event_named(trace, "GET /x"), "cat", ""), "request");
    assert_null(strstr(text, "\"old\""));
}

static void a_trace_that_cannot_be_written_stops_before_anything(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("up", "-d", "--trace", "nowhere/trace.json"));
    stage_says(stage, "--trace: cannot write nowhere/trace.json: No such file or directory");
    lacks(&stage->asked, "\"verb\":\"up\"");
}

static void what_needs_the_foreground_is_refused_behind(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("up", "-d", "--watch"));
    stage_says(stage, "--watch needs the foreground: leave --detach out");
    stage_runs(stage, 2, WORDS("up", "-d", "--exit-code-from", "job"));
    stage_says(stage, "--exit-code-from needs the foreground: leave --detach out");
    stage_runs(stage, 10, WORDS("up", "--exit-code-from", "jop"));
    stage_says(stage, "job");
    lacks(&stage->asked, "\"verb\":\"up\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_running_graph_says_what_is_waited_for),
        TEST(a_running_graph_for_programs_has_all_edges),
        TEST(a_running_graph_needs_what_runs),
        TEST(top_says_what_is_used),
        TEST(top_keeps_to_the_names),
        TEST(top_tells_what_goes_wrong),
        TEST(events_are_a_line_each),
        TEST(events_of_the_names_alone),
        TEST(an_end_that_is_an_error_is_told),
        TEST(timings_are_of_this_command),
        TEST(a_trace_has_phases_and_moments),
        TEST(a_trace_that_cannot_be_written_stops_before_anything),
        TEST(what_needs_the_foreground_is_refused_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
