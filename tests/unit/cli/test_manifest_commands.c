/* Commands that need no session: what the manifest comes to, who needs whom, what is wrong, and what is
 * written. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char manifest[] =
    "name: shop\n"
    "parameters:\n"
    "  key: {secret: true, default: hush-hush}\n"
    "resources:\n"
    "  cache: {type: redis, image: redis:8, host_port: 6390}\n"
    "  migrate: {type: process, command: [sh, -c, exit], task: true, references: [cache]}\n"
    "  api:\n"
    "    type: process\n"
    "    command: [sleep, '1']\n"
    "    references: [cache]\n"
    "    wait_for: [migrate]\n"
    "    endpoints: {http: {port: 8099}}\n"
    "    environment: {KEY: '${parameters.key}', A: b}\n";

static int open_plain(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage_end(stage);
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_plain, stage_close)

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

static void prints_not(const struct stage *stage, const char *text)
{
    assert_null(strstr(strbuf_text(&stage->out), text));
    assert_null(strstr(strbuf_text(&stage->err), text));
}

/* ---- validate ---- */

static void a_good_manifest_is_said_to_be_one(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("validate"));
    stage_prints(stage, "is valid: project shop, 3 resources");
    stage_runs(stage, 0, WORDS("validate", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json, "project", ""), "shop");
    assert_int_equal(json_int(json, "resources", 0), 3);
    assert_int_equal(json_count(json_get(json, "problems")), 0);
}

static void problems_stand_at_their_places(void **state)
{
    struct stage *stage = *state;
    stage_file("apphost.yaml", "resources:\n  cache: {type: redsi}\n  api: {type: process, comand: [x]}\n");
    stage_runs(stage, 3, WORDS("validate"));
    stage_says(stage, "apphost.yaml:2:17: error: there is no kind of resource `redsi`");
    stage_says(stage, "did you mean `redis`?");
    stage_says(stage, "apphost.yaml:3:24: error: a `process` has no field `comand`");
    stage_runs(stage, 3, WORDS("validate", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *problem = cJSON_GetArrayItem(json_get(json_get(json, "error"), "problems"), 0);
    assert_string_equal(json_string(problem, "severity", ""), "error");
    assert_int_equal(json_int(problem, "line", 0), 2);
    assert_int_equal(json_int(problem, "column", 0), 17);
}

/* What `up` would refuse: found by looking, not by starting. */
static void what_up_would_refuse_is_found(void **state)
{
    struct stage *stage = *state;
    stage_file("apphost.yaml", "resources:\n  api: {type: process, command: [no-such-program]}\n");
    stage_runs(stage, 3, WORDS("validate"));
    stage_says(stage, "command no-such-program was not found in PATH");
    stage_file("apphost.yaml",
               "resources:\n  api: {type: process, command: [sleep], working_dir: nowhere}\n");
    stage_runs(stage, 3, WORDS("validate"));
    stage_says(stage, "nowhere");
}

static void other_files_by_option(void **state)
{
    struct stage *stage = *state;
    stage_file("over.yaml", "resources:\n  extra: redis\n");
    stage_runs(stage, 0, WORDS("-f", "apphost.yaml", "-f", "over.yaml", "validate"));
    stage_prints(stage, "4 resources");
    stage_runs(stage, 3, WORDS("-f", "none.yaml", "validate"));
    stage_says(stage, "none.yaml");
    unlink("apphost.yaml");
    stage_runs(stage, 3, WORDS("validate"));
    stage_says(stage, "apphost init");
}

/* ---- config ---- */

static void config_says_everything_but_secrets(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("config"));
    stage_prints(stage, "project: shop");
    stage_prints(stage, "127.0.0.1:6390,password=***");
    stage_prints(stage, "KEY=***");
    stage_prints(stage, "A=b");
    stage_prints(stage, "task: true");
    prints_not(stage, "hush-hush");
}

static void config_for_programs(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("config", "-o", "json"));
    prints_not(stage, "hush-hush");
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json, "project", ""), "shop");
    assert_int_equal(json_count(json_get(json, "resources")), 3);
    assert_true(json_count(json_get(json, "nodes")) >= 4);
    stage_runs(stage, 2, WORDS("config", "api"));
}

/* ---- graph ---- */

static void graph_in_three_forms(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("graph"));
    stage_prints(stage, "cache (redis)\nmigrate (process)\n  -> cache (healthy)\napi (process)\n");
    stage_prints(stage, "  -> migrate (completed)\n");
    stage_runs(stage, 0, WORDS("graph", "--format", "dot"));
    stage_prints(stage, "digraph \"shop\" {");
    stage_prints(stage, "\"api\" -> \"migrate\" [label=\"completed\"]");
    stage_runs(stage, 0, WORDS("graph", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_int_equal(json_count(json_get(json, "edges")), 3);
    stage_runs(stage, 2, WORDS("graph", "--format", "svg"));
}

/* ---- init ---- */

static void init_writes_what_validates(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 1, WORDS("init")); /* never over what is there */
    stage_says(stage, "apphost.yaml is there already");
    unlink("apphost.yaml");
    stage_runs(stage, 0, WORDS("init"));
    assert_true(file_exists("apphost.yaml"));
    stage_runs(stage, 0, WORDS("validate"));
}

static void init_writes_the_schema(void **state)
{
    struct stage *stage = *state;
    size_t length = 0;
    stage_runs(stage, 0, WORDS("init", "--schema"));
    cleanup_free char *text = file_read("apphost.schema.json", 1 << 20, &length, NULL);
    assert_non_null(text);
    cleanup_json cJSON *schema = json_parse(text, length, NULL);
    assert_non_null(json_get(schema, "definitions"));
}

/* ---- the machine ---- */

static void ls_tells_of_all_projects(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("ls"));
    stage_prints(stage, "shop");
    stage_prints(stage, "dead"); /* its record is there, and nobody holds the lock */
    stage_runs(stage, 0, WORDS("ls", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *project = cJSON_GetArrayItem(json_get(json, "projects"), 0);
    cleanup_free char *prefix = xasprintf("shop-%s", stage->hash);
    assert_string_equal(json_string(project, "prefix", ""), prefix);
    assert_string_equal(json_string(project, "state", ""), "dead");
}

static void version_and_help(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("version"));
    assert_true(str_starts(strbuf_text(&stage->out), "apphost "));
    stage_runs(stage, 0, WORDS("version", "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_non_null(json_string(json, "version", NULL));
    stage_runs(stage, 0, WORDS("help", "up"));
    stage_prints(stage, "Usage: apphost up");
    stage_runs(stage, 0, WORDS("up", "--help"));
    stage_prints(stage, "Usage: apphost up");
    stage_runs(stage, 2, WORDS("help", "upp"));
    stage_runs(stage, 2, WORDS("upp"));
    stage_says(stage, "did you mean apphost up?");
}

static void completion_scripts(void **state)
{
    static const char *const shells[] = {"bash", "zsh", "fish"};
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        struct stage *stage = *state;
        stage_runs(stage, 0, WORDS("completion", shells[i]));
        stage_prints(stage, "apphost");
    }
    stage_runs(*state, 2, WORDS("completion", "tcsh"));
}

/* ---- an engine that is not there ---- */

static void without_an_engine(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 4, WORDS("pull"));
    stage_says(stage, "cannot connect to unix:///nowhere/docker.sock");
    stage_runs(stage, 4, WORDS("doctor"));
    stage_prints(stage, "unix:///nowhere/docker.sock");
    stage_runs(stage, 0, WORDS("validate")); /* needs none */
}

/* ---- logs ---- */

static void logs_of_the_last_session(void **state)
{
    struct stage *stage = *state;
    stage->is_plain = false;
    stage_log(stage, "api", "one\ntwo error\nthree\n");
    stage_log(stage, "cache", "ready\n");
    stage_runs(stage, 0, WORDS("logs"));
    stage_prints(stage, "api   | one");
    stage_prints(stage, "cache | ready");
    stage_runs(stage, 0, WORDS("logs", "api", "--no-prefix", "-n", "1"));
    assert_string_equal(strbuf_text(&stage->out), "three\n");
    stage_runs(stage, 0, WORDS("logs", "--grep", "err", "--no-prefix"));
    assert_string_equal(strbuf_text(&stage->out), "two error\n");
    stage_runs(stage, 0, WORDS("logs", "api", "-o", "json", "-n", "1"));
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json, "line", ""), "three");
    stage_runs(stage, 2, WORDS("logs", "--grep", "("));
    stage_runs(stage, 2, WORDS("logs", "-n", "some"));
    stage_runs(stage, 2, WORDS("logs", "--since", "lately"));
    stage_runs(stage, 10, WORDS("logs", "nobody"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_good_manifest_is_said_to_be_one),
        TEST(problems_stand_at_their_places),
        TEST(what_up_would_refuse_is_found),
        TEST(other_files_by_option),
        TEST(config_says_everything_but_secrets),
        TEST(config_for_programs),
        TEST(graph_in_three_forms),
        TEST(init_writes_what_validates),
        TEST(init_writes_the_schema),
        TEST(ls_tells_of_all_projects),
        TEST(version_and_help),
        TEST(completion_scripts),
        TEST(without_an_engine),
        TEST(logs_of_the_last_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
