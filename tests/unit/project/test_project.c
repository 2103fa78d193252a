/* What a manifest becomes for a command: the plan, or all that is wrong with it; names, and what they need.
 */
#include "place.h"
#include "project/adopt.h"
#include "project/native.h"
#include "project/worker.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_open, place_close)

static void load(struct place *place, const char *text, const char *const *words)
{
    place_manifest(place, "shop", text);
    if (place_load(place, words))
        fail_msg("%s", place->error.text);
}

static void refuses(struct place *place, const char *text, const char *const *words, const char *wanted)
{
    place_manifest(place, "shop", text);
    assert_int_equal(place_load(place, words), -1);
    assert_int_equal(place->error.code, ERROR_MANIFEST);
    if (!strstr(place->error.text, wanted))
        fail_msg("wanted \"%s\": %s", wanted, place->error.text);
}

static void a_plan_and_its_identity(void **state)
{
    struct place *place = *state;
    load(place, "name: shop\nresources:\n  cache: redis\n", NO_WORDS);
    const struct project *project = &place->project;
    assert_string_equal(project->name, "shop");
    assert_string_equal(project->plan->prefix, project->prefix);
    assert_non_null(plan_find_resource(project->plan, "cache"));
    cleanup_free char *hash = xstrdup(project->hash);
    assert_int_equal(place_identify(place, NO_WORDS), 0);
    assert_string_equal(place->project.hash, hash); /* both ways lead to the same */
}

static void problems_are_counted(void **state)
{
    refuses(*state, "resources:\n  cache: {type: redis, hst_port: 1}\n  a: {type: process}\n", NO_WORDS,
            "2 errors in apphost.yaml; nothing was created");
    refuses(*state, "resources:\n  a: {type: process}\n", NO_WORDS, "1 error in apphost.yaml");
}

static void a_manifest_that_is_not_there(void **state)
{
    struct place *place = *state;
    assert_int_equal(place_load(place, WORDS("-f", "none.yaml")), -1);
    assert_non_null(strstr(place->error.text, "none.yaml"));
    assert_int_equal(place->project.problems.count, 0); /* the error is the whole story */
}

static void the_engine_is_the_flags_then_the_manifests(void **state)
{
    struct place *place = *state;
    static const char native[] = "engine: native\nresources:\n  cache: redis\n";
    load(place, native, NO_WORDS);
    assert_true(place->project.is_native);
    assert_string_equal(place->project.plan->engine_kind, "native");
    assert_int_equal(project_resolve_engine(&place->project, &place->options, &place->error), -1);
    assert_int_equal(place->error.code, ERROR_ENGINE);

    load(place, native, WORDS("--engine", "docker"));
    assert_false(place->project.is_native);
    assert_true(place->project.has_engine);
    assert_string_equal(place->project.engine.host, "unix:///nowhere/docker.sock");

    load(place, "resources:\n  cache: redis\n", WORDS("--engine", "native"));
    assert_true(place->project.is_native);
}

static void profiles_by_flag_and_by_variable(void **state)
{
    struct place *place = *state;
    static const char text[] =
        "resources:\n  cache: redis\n  tools: {type: process, command: [x], profiles: [dev]}\n";
    load(place, text, NO_WORDS);
    assert_null(plan_find_resource(place->project.plan, "tools"));
    load(place, text, WORDS("--profile", "dev"));
    assert_non_null(plan_find_resource(place->project.plan, "tools"));
    strlist_add(&place->environment, "APPHOST_PROFILES=other,,dev");
    load(place, text, NO_WORDS);
    assert_non_null(plan_find_resource(place->project.plan, "tools"));
}

/* Everybody on the machine can read a command line. */
static void a_secret_on_the_command_line_is_warned_of(void **state)
{
    struct place *place = *state;
    static const char text[] = "parameters:\n  key: {secret: true}\n  plain: {}\nresources: {}\n";
    load(place, text, WORDS("--parameter", "key=hush", "--parameter", "plain=x"));
    assert_int_equal(place->project.problems.count, 1);
    const struct error *warning = &place->project.problems.items[0].error;
    assert_true(place->project.problems.items[0].is_warning);
    assert_non_null(strstr(warning->text, "--parameter key="));
    assert_null(strstr(warning->text, "hush"));

    assert_int_equal(file_write_atomic("key.txt", "hush", 4, 0600, NULL), 0);
    load(place, text, WORDS("--parameter", "key=@key.txt", "--parameter", "plain=x"));
    assert_int_equal(place->project.problems.count, 0);
}

/* ---- names ---- */

static void closure_is(struct place *place, const char *const *names, const char *const *wanted)
{
    cleanup_strlist struct strlist asked = {0}, found = {0};
    for (; *names; names++)
        strlist_add(&asked, *names);
    project_closure(&place->project, &asked, &found);
    for (size_t i = 0; i < found.count; i++) {
        if (!wanted[i])
            fail_msg("%s as well", found.items[i]);
        assert_string_equal(found.items[i], wanted[i]);
    }
    assert_null(wanted[found.count]);
}

static void what_names_need(void **state)
{
    struct place *place = *state;
    load(place,
         "resources:\n  cache: redis\n  other: redis\n"
         "  migrate: {type: process, command: [x], task: true, references: [other]}\n"
         "  api: {type: process, command: [x], references: [cache], wait_for: [migrate]}\n"
         "  many: {type: process, command: [x], replicas: 2, references: [cache]}\n",
         NO_WORDS);
    closure_is(place, WORDS("api"), WORDS("cache", "other", "migrate", "api"));
    closure_is(place, WORDS("migrate"), WORDS("other", "migrate"));
    closure_is(place, WORDS("many-2"), WORDS("cache", "many-2"));
    closure_is(place, WORDS("many"), WORDS("cache", "many-1", "many-2"));
    closure_is(place, NO_WORDS, WORDS("cache", "other", "migrate", "api", "many-1", "many-2"));
}

static void unknown_names_get_a_suggestion(void **state)
{
    struct place *place = *state;
    cleanup_strlist struct strlist names = {0};
    load(place, "resources:\n  cache: redis\n  api: {type: process, command: [x]}\n", NO_WORDS);
    strlist_add(&names, "cache");
    assert_int_equal(project_check_names(&place->project, &names, &place->error), 0);
    strlist_add(&names, "cahce");
    assert_int_equal(project_check_names(&place->project, &names, &place->error), -1);
    assert_int_equal(place->error.code, ERROR_NOT_RUNNING);
    assert_non_null(strstr(place->error.text, "cahce"));
    assert_non_null(strstr(place->error.hint, "cache"));
}

/* ---- workers ---- */

static void a_worker_has_what_can_be_had_often(void **state)
{
    struct place *place = *state;
    place_enter(place, "shop/data");
    place_enter(place, "shop");
    place->options.isolate = "1";
    load(
        place,
        "name: shop\nresources:\n"
        "  cache: {type: redis, host_port: 6379, data_volume: true, lifetime: persistent, commander: "
        "{host_port: 81}}\n"
        "  kept: {type: redis, data_bind_mount: {source: ./data, read_only: true}}\n"
        "  api: {type: process, command: [x], endpoints: {http: {port: 80, env: PORT}, fixed: {port: 90}}}\n",
        NO_WORDS);
    const struct model *model = place->project.model;
    const struct model_resource *cache = model_find(model, "cache"), *api = model_find(model, "api");
    assert_string_equal(place->project.name, "shop-1");
    assert_int_equal(cache->redis.host_port, 0);
    assert_int_equal(cache->redis.commander.host_port, 0);
    assert_null(cache->redis.data);
    assert_int_equal(cache->lifetime, MODEL_SESSION);
    assert_non_null(model_find(model, "kept")->redis.data); /* reading disturbs nobody */
    assert_int_equal(api->endpoints[0].port, 0);            /* it is told its port */
    assert_int_equal(api->endpoints[1].port, 90);           /* it is not */
}

/* ---- adoption ---- */

static void another_identity_is_adopted(void **state)
{
    struct place *place = *state;
    load(place, "name: shop\nengine: native\nresources:\n  cache: redis\n",
         WORDS("up", "--adopt", "4567abcd"));
    assert_int_equal(adopt_take(&place->project, &place->options, &place->error), -1);
    assert_int_equal(place->error.code, ERROR_NOT_RUNNING); /* nothing has that identity */
    assert_non_null(strstr(place->error.text, "4567abcd"));

    load(place, "name: shop\nengine: native\nresources:\n  cache: redis\n",
         WORDS("up", "--adopt", "no-hash!"));
    assert_int_equal(adopt_take(&place->project, &place->options, &place->error), -1);
    assert_int_equal(place->error.code, ERROR_USAGE);

    place_state(place, "shop", "4567abcd", "old/apphost.yaml", PLACE_OVER);
    cleanup_free char *volume = xasprintf("%s/shop-4567abcd/volumes/shop-4567abcd-cache-data", place->root);
    assert_int_equal(file_mkdirs(volume, 0700, NULL), 0);
    place->options.adopt = "4567abcd";
    load(place, "name: shop\nengine: native\nresources:\n  cache: redis\n",
         WORDS("up", "--adopt", "4567abcd"));
    if (adopt_take(&place->project, &place->options, &place->error))
        fail_msg("%s", place->error.text);
    place->options.adopt = NULL;
    assert_int_equal(place_identify(place, NO_WORDS), 0); /* from now on */
    assert_string_equal(place->project.hash, "4567abcd");
    assert_string_not_equal(place->project.own_hash, "4567abcd");
}

static void a_broken_map_adopts_nothing(void **state)
{
    struct place *place = *state;
    cleanup_free char *path = path_join(place->root, "adopted.json");
    char hash[9] = "0123abcd";
    assert_int_equal(file_mkdirs(place->root, 0700, NULL), 0);
    assert_int_equal(file_write_atomic(path, "{\"0123abcd\":\"../../etc\"}", 24, 0600, NULL), 0);
    assert_false(adopt_hash(place->root, hash));
    assert_string_equal(hash, "0123abcd");
    assert_int_equal(file_write_atomic(path, "[", 1, 0600, NULL), 0);
    assert_false(adopt_hash(place->root, hash));
}

/* ---- the native engine ---- */

static void a_missing_program_is_named_at_its_resource(void **state)
{
    struct place *place = *state;
    load(place, "engine: native\nresources:\n  cache: redis\n", NO_WORDS);
    char *const empty[] = {(char *)"PATH=/nowhere", NULL};
    assert_int_equal(native_check(place->project.plan, empty, &place->error), -1);
    assert_int_equal(place->error.code, ERROR_ENGINE);
    assert_int_equal(place->error.source.line, 3);
    assert_non_null(strstr(place->error.text, "redis-server"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_and_its_identity),
        TEST(problems_are_counted),
        TEST(a_manifest_that_is_not_there),
        TEST(the_engine_is_the_flags_then_the_manifests),
        TEST(profiles_by_flag_and_by_variable),
        TEST(a_secret_on_the_command_line_is_warned_of),
        TEST(what_names_need),
        TEST(unknown_names_get_a_suggestion),
        TEST(a_worker_has_what_can_be_had_often),
        TEST(another_identity_is_adopted),
        TEST(a_broken_map_adopts_nothing),
        TEST(a_missing_program_is_named_at_its_resource),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
