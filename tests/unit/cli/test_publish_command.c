/* `publish` from its first word to the files that it leaves: what is said, what is written, what is never
 * overwritten, and what a target cannot have. */
#include "stage.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char manifest[] = "name: shop\n"
                               "parameters:\n"
                               "  key: {secret: true, default: hush-hush}\n"
                               "resources:\n"
                               "  cache: {type: redis, image: registry.example/redis:7, data_volume: true}\n"
                               "  api:\n"
                               "    type: process\n"
                               "    command: [sleep, '1000']\n"
                               "    references: [cache]\n"
                               "    endpoints: {http: {port: 8099}}\n"
                               "    environment: {KEY: '${parameters.key}', A: b}\n"
                               "    publish: {image: registry.example/api:1, replicas: 2}\n"
                               "  tests: {type: process, command: [x], publish: false}\n";

static int open_shop(void **state)
{
    if (stage_open(state))
        return -1;
    struct stage *stage = *state;
    stage_end(stage);
    stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_shop, stage_close)

static char *content(const char *path)
{
    char *text = file_read(path, 1 << 20, NULL, NULL);
    if (!text)
        fail_msg("%s is not there", path);
    return text;
}

static void holds(const char *path, const char *wanted)
{
    cleanup_free char *text = content(path);
    if (!strstr(text, wanted))
        fail_msg("wanted \"%s\" in %s:\n%s", wanted, path, text);
}

static void lacks(const char *path, const char *unwanted)
{
    cleanup_free char *text = content(path);
    if (strstr(text, unwanted))
        fail_msg("\"%s\" stands in %s:\n%s", unwanted, path, text);
}

static void says_not(const struct stage *stage, const char *text)
{
    if (strstr(strbuf_text(&stage->err), text))
        fail_msg("\"%s\" stands in:\n%s", text, strbuf_text(&stage->err));
}

static int mode_of(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_mode & 0777;
}

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

static const cJSON *file_of(const cJSON *document, int index)
{
    return cJSON_GetArrayItem(json_get(document, "files"), index);
}

/* ---- compose ---- */

static void compose_has_what_the_manifest_says(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    stage_says(stage, "wrote made/compose.yaml\n");
    stage_says(stage, "wrote made/.env (secrets, mode 0600)\n");
    stage_says(stage, "next: cd made && docker compose up -d --wait");

    holds("made/compose.yaml", "name: shop\nservices:\n  cache:\n    image: \"registry.example/redis:7\"\n");
    holds("made/compose.yaml", "    deploy:\n      replicas: 2\n");
    holds("made/compose.yaml", "    - \"127.0.0.1:8099:8099\"\n");
    holds("made/compose.yaml", "      cache:\n        condition: service_healthy\n");
    lacks("made/compose.yaml", "  tests:\n");
}

static void secrets_are_in_the_file_for_them_alone(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    lacks("made/compose.yaml", "hush-hush");
    holds("made/compose.yaml", "KEY: \"${KEY:?it is a secret of .env}\"");
    holds("made/.env", "hush-hush");
    holds("made/.gitignore", ".env\n");
    assert_int_equal(mode_of("made/.env"), 0600);
    assert_int_equal(mode_of("made/compose.yaml"), 0644);
    says_not(stage, "hush-hush");
}

/* The password is remembered: nothing changes, whether the folder still tells it or not. */
static void a_second_time_writes_nothing_new(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    cleanup_free char *first = content("made/.env");
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    says_not(stage, "wrote");

    assert_int_equal(unlink("made/.env"), 0);
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    stage_says(stage, "wrote made/.env");
    says_not(stage, "wrote made/compose.yaml");
    cleanup_free char *again = content("made/.env");
    assert_string_equal(again, first);
}

static void what_was_edited_is_left_as_it_is(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made"));
    cleanup_free char *before = content("made/compose.yaml"), *edited = xasprintf("%sx-mine: 1\n", before);
    stage_file("made/compose.yaml", edited);

    stage_runs(stage, 1, WORDS("publish", "compose", "-o", "made"));
    stage_says(stage, "made/compose.yaml was edited since it was published: it is left as it is");
    stage_says(stage, "compose.override.yaml; --force replaces this one");
    holds("made/compose.yaml", "x-mine: 1\n");
    stage_runs(stage, 1, WORDS("publish", "compose", "-o", "made", "--dry-run"));

    stage_runs(stage, 0, WORDS("publish", "compose", "-o", "made", "--force"));
    cleanup_free char *after = content("made/compose.yaml");
    assert_string_equal(after, before);
}

static void what_is_somebody_elses_stops_all(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(file_mkdirs("made", 0755, NULL), 0);
    stage_file("made/compose.yaml", "services: {}\n");
    stage_runs(stage, 1, WORDS("publish", "compose", "-o", "made"));
    stage_says(stage, "made/compose.yaml is there already and was not published by apphost");
    assert_false(file_exists("made/.env"));
    holds("made/compose.yaml", "services: {}\n");
}

/* ---- other forms ---- */

static void a_dry_run_writes_nothing(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "--dry-run"));
    stage_says(stage, "would write compose/compose.yaml\n"); /* the folder is called like the target */
    stage_says(stage, "would write compose/.env (secrets, mode 0600)\n");
    says_not(stage, "next:");
    assert_false(file_exists("compose"));
}

static void programs_get_one_document(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "compose", "--into", "made", "--output", "json"));
    cleanup_json cJSON *json = printed(stage);
    assert_string_equal(json_string(json, "target", ""), "compose");
    assert_string_equal(json_string(json, "folder", ""), "made");
    assert_false(json_bool(json, "dryRun", true));
    assert_int_equal(json_count(json_get(json, "files")), 3);
    assert_string_equal(json_string(file_of(json, 0), "name", ""), "compose.yaml");
    assert_true(json_bool(file_of(json, 0), "changed", false));
    assert_false(json_bool(file_of(json, 0), "secret", true));
    assert_string_equal(json_string(file_of(json, 1), "name", ""), ".gitignore"); /* before what it hides */
    assert_true(json_bool(file_of(json, 2), "secret", false));

    stage_runs(stage, 0, WORDS("publish", "compose", "--into", "made", "--output", "json", "--dry-run"));
    cleanup_json cJSON *again = printed(stage);
    assert_true(json_bool(again, "dryRun", false));
    assert_false(json_bool(file_of(again, 0), "changed", true));
}

static void what_is_otherwise_there_is_said_at_its_position(void **state)
{
    struct stage *stage = *state;
    stage_file("apphost.yaml", "name: shop\nresources:\n"
                               "  api: {type: process, command: [x], mask: true, publish: {image: a:1}}\n");
    stage_runs(stage, 0, WORDS("publish", "compose"));
    stage_says(stage,
               "apphost.yaml:3:3: `mask` of \"api\": the engine's logs are as the program writes them");
    stage_runs(stage, 0, WORDS("-q", "publish", "compose"));
    says_not(stage, "`mask`");
    stage_runs(stage, 0, WORDS("publish", "compose", "--output", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *note = cJSON_GetArrayItem(json_get(json, "notes"), 0);
    assert_string_equal(cJSON_GetStringValue(note),
                        "`mask` of \"api\": the engine's logs are as the program writes them");
}

static void kubernetes_has_a_file_a_service(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 0, WORDS("publish", "kubernetes", "-o", "k8s"));
    stage_says(stage, "wrote k8s/secrets/cache.yaml (secrets, mode 0600)\n");
    stage_says(stage, "next: cd k8s && kubectl apply --server-side --field-manager=apphost -k .");
    holds("k8s/kustomization.yaml", "- api.yaml\n");
    holds("k8s/cache.yaml", "kind: StatefulSet\n");
    holds("k8s/api.yaml", "kind: Deployment\n");
    holds("k8s/api.yaml", "  replicas: 2\n");
    lacks("k8s/api.yaml", "hush-hush");
    assert_int_equal(mode_of("k8s/secrets/api.yaml"), 0600);
    assert_false(file_exists("k8s/tests.yaml"));
}

/* ---- mistakes ---- */

static void targets_have_names(void **state)
{
    struct stage *stage = *state;
    stage_runs(stage, 2, WORDS("publish"));
    stage_says(stage, "publish wants TARGET");
    stage_runs(stage, 2, WORDS("publish", "compose", "kubernetes"));
    stage_runs(stage, 2, WORDS("publish", "nomad\033[2J"));
    stage_says(stage, "there is no target nomad");
    says_not(stage, "\033[2J");
}

static void what_a_target_cannot_have_is_refused_at_its_position(void **state)
{
    static const struct {
        const char *target, *resource, *wanted, *hint;
    } rows[] = {
        {"compose", "api: {type: process, command: [x]}",
         "apphost.yaml:3:3: error: the process \"api\" has no image: it runs on this machine only",
         "`publish: false` leaves it out"},
        {"kubernetes", "api: {type: process, command: [x], publish: {build: .}}",
         "apphost.yaml:3:55: error: kubernetes builds no images: the process \"api\" needs the name of one",
         "build and push it"},
        {"compose", "api: {type: process, command: [x], publish: {image: a:1, ports: {http: 80}}}",
         "apphost.yaml:3:68: error: \"api\" has no endpoint \"http\"", NULL},
        {"compose", "cache: {type: redis, tls: true}",
         "apphost.yaml:3:29: error: the development certificate of \"cache\" is for this machine alone",
         "tls: {cert: …, key: …, ca: …}"},
        {"compose", "c: {type: container, image: a:1, volumes: ['d:/d'], publish: {replicas: 2}}",
         "apphost.yaml:3:75: error: \"c\" has data, which two of it would write at once",
         "leave `replicas` out, or the data"},
        {"compose",
         "t: {type: process, command: [x], task: true, success_exit_codes: [3], publish: {image: a:1}}",
         "error: `success_exit_codes` of \"t\" cannot be published to compose", "only 0 is success there"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct stage *stage = *state;
        cleanup_free char *text = xasprintf("name: shop\nresources:\n  %s\n", rows[i].resource);
        stage_file("apphost.yaml", text);
        stage_runs(stage, 3, WORDS("publish", rows[i].target, "-o", "made"));
        stage_says(stage, rows[i].wanted);
        if (rows[i].hint)
            stage_says(stage, rows[i].hint);
        stage_says(stage, "1 error in apphost.yaml; nothing was created");
        assert_false(file_exists("made"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(compose_has_what_the_manifest_says),
        TEST(secrets_are_in_the_file_for_them_alone),
        TEST(a_second_time_writes_nothing_new),
        TEST(what_was_edited_is_left_as_it_is),
        TEST(what_is_somebody_elses_stops_all),
        TEST(a_dry_run_writes_nothing),
        TEST(programs_get_one_document),
        TEST(what_is_otherwise_there_is_said_at_its_position),
        TEST(kubernetes_has_a_file_a_service),
        TEST(targets_have_names),
        TEST(what_a_target_cannot_have_is_refused_at_its_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
