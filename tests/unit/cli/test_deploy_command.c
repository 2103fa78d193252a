/* `deploy` and `ps --target swarm` as whole commands: what is refused before anything, and the conversation
 * about a swarm that is kept in memory. */
#include "stage.h"
#include "swarm.h"

#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CACHE "registry.example/redis:7"
#define API "registry.example/api:1"

struct world {
    struct stage *stage; /* first: stage_close() takes it */
    struct swarm swarm;
};

static const char manifest[] =
    "name: shop\n"
    "resources:\n"
    "  cache: {type: redis, image: 'registry.example/redis:7', data_volume: true}\n"
    "  api: {type: process, command: [x], references: [cache], publish: {image: 'registry.example/api:1'}}\n";

/* api has another variable. */
static const char changed[] =
    "name: shop\n"
    "resources:\n"
    "  cache: {type: redis, image: 'registry.example/redis:7', data_volume: true}\n"
    "  api: {type: process, command: [x], references: [cache], publish: {image: 'registry.example/api:1'},\n"
    "    environment: {A: b}}\n";

static int open_world(void **state)
{
    static const char *const images[] = {CACHE, API, NULL};
    struct world *world = xcalloc(1, sizeof *world);
    void *stage = NULL;
    if (stage_open(&stage))
        return -1;
    world->stage = stage;
    stage_end(world->stage);
    file_remove_tree("state", NULL); /* or the dead session would be cleaned up after, at the engine too */
    world->stage->is_plain = true;
    stage_file("apphost.yaml", manifest);
    swarm_start(&world->swarm, world->stage->folder, images);
    *state = world;
    return 0;
}

static int close_world(void **state)
{
    struct world *world = *state;
    void *stage = world->stage;
    swarm_stop(&world->swarm);
    free(world);
    return stage_close(&stage);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

/* "deploy swarm --host …" and these words. */
static void deploys(struct world *world, int code, const char *const *more)
{
    const char *words[16] = {"deploy", "swarm", "--host", world->swarm.host};
    for (int i = 0; more[i]; i++)
        words[4 + i] = more[i];
    stage_runs(world->stage, code, words);
}

static cJSON *printed(const struct stage *stage)
{
    cJSON *json = json_parse(strbuf_text(&stage->out), stage->out.length, NULL);
    if (!json)
        fail_msg("no JSON: %s", strbuf_text(&stage->out));
    return json;
}

static void says_not(const struct world *world, const char *text)
{
    if (strstr(strbuf_text(&world->stage->err), text))
        fail_msg("\"%s\" stands in:\n%s", text, strbuf_text(&world->stage->err));
}

/* ---- what is refused before anything ---- */

static void what_makes_no_sense_asks_nobody(void **state)
{
    static const struct {
        const char *words[6];
        int code;
        const char *wanted, *hint;
    } rows[] = {
        {{"deploy"}, 2, "deploy wants TARGET [--diff]", "apphost deploy swarm --diff"},
        {{"deploy", "nomad"}, 2, "there is no target nomad", "one of compose, swarm, kubernetes"},
        {{"deploy", "compose"}, 2, "compose deploys by itself", "docker compose up -d --wait"},
        {{"deploy", "swarm", "--diff", "--remove"}, 2, "--diff, --remove and --rollback exclude", ""},
        {{"deploy", "swarm", "--rollback", "--remove"}, 2, "--diff, --remove and --rollback exclude", ""},
        {{"deploy", "swarm", "--dry-run", "--remove"}, 2, "--diff, --remove and --rollback exclude", ""},
        {{"deploy", "swarm", "--volumes"}, 2, "--volumes goes with --remove", ""},
        {{"deploy", "swarm", "-f", "none.yaml"}, 3, "none.yaml", ""},
        {{"deploy", "swarm", "-y"}, 4, "cannot connect to unix:///nowhere/docker.sock", "address"},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage_runs(world->stage, rows[i].code, rows[i].words);
        stage_says(world->stage, rows[i].wanted);
        stage_says(world->stage, rows[i].hint);
    }
    assert_int_equal(swarm_count(&world->swarm, "/"), 0);
}

static void a_manifest_that_no_swarm_can_have_changes_nothing(void **state)
{
    struct world *world = *state;
    stage_file("apphost.yaml", "name: shop\nresources:\n  api: {type: process, command: [x]}\n");
    deploys(world, 3, WORDS("-y"));
    stage_says(world->stage, "apphost.yaml:3:3: error: the process \"api\" has no image");
    stage_says(world->stage, "1 error in apphost.yaml; nothing was created");
    assert_int_equal(swarm_count(&world->swarm, "/"), 0);
}

static void an_engine_without_a_swarm_says_so(void **state)
{
    struct world *world = *state;
    swarm_stop(&world->swarm);
    assert_int_equal(file_mkdirs("other", 0700, NULL), 0);
    cleanup_free char *folder = xasprintf("%s/other", world->stage->folder);
    swarm_start_without(&world->swarm, folder);
    deploys(world, 4, WORDS("-y"));
    stage_says(world->stage, "swarm");
    assert_int_equal(swarm_count(&world->swarm, "POST"), 0);
}

/* ---- the conversation ---- */

static void nobody_is_asked_without_a_terminal(void **state)
{
    struct world *world = *state;
    deploys(world, 2, WORDS(NULL));
    stage_says(world->stage, "changes in the swarm at unix://");
    stage_says(world->stage, "and nobody to ask");
    stage_says(world->stage, "-y makes them without asking, --diff shows them");
    stage_says(world->stage, "create service cache");
    assert_int_equal(swarm_count(&world->swarm, "POST"), 0);
}

static void a_difference_is_data(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("--diff"));
    assert_string_equal(strbuf_text(&world->stage->out), "create service cache\ncreate service api\n");
    says_not(world, "create");
    deploys(world, 0, WORDS("--dry-run")); /* the same */
    assert_string_equal(strbuf_text(&world->stage->out), "create service cache\ncreate service api\n");
    assert_int_equal(swarm_count(&world->swarm, "POST"), 0);
}

static void what_is_deployed_stays_as_it_is(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("-y"));
    stage_says(world->stage, "service cache: created");
    stage_says(world->stage, "service api: ready");
    assert_string_equal(strbuf_text(&world->stage->out), "");
    assert_int_equal(swarm_count(&world->swarm, "POST /services/create"), 2);

    swarm_forget(&world->swarm);
    deploys(world, 0, WORDS("-y"));
    says_not(world, "created");
    deploys(world, 0, WORDS("--diff"));
    stage_says(world->stage, "nothing would change");
    assert_int_equal(swarm_count(&world->swarm, "POST"), 0);
}

static void a_change_is_told_with_its_reason(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("-y"));
    stage_file("apphost.yaml",
               "name: shop\nresources:\n"
               "  cache: {type: redis, image: 'registry.example/redis:7', data_volume: true}\n");
    deploys(world, 0, WORDS("--diff"));
    assert_string_equal(strbuf_text(&world->stage->out), "remove service api\n");
    deploys(world, 0, WORDS("-y"));
    stage_says(world->stage, "service api: removed");
    assert_int_equal(swarm_count(&world->swarm, "DELETE /services/"), 1);
}

static void an_image_that_is_nowhere_changes_nothing(void **state)
{
    struct world *world = *state;
    stage_file("apphost.yaml", "name: shop\nresources:\n  web: {type: container, image: 'a.example/b:2'}\n");
    int code = stage_run(world->stage, WORDS("deploy", "swarm", "--host", world->swarm.host, "-y"));
    assert_int_equal(code, 5);
    stage_says(world->stage, "a.example/b:2");
    assert_int_equal(swarm_count(&world->swarm, "POST"), 0);
}

static void programs_get_all_changes_at_the_end(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("-y", "-o", "json"));
    cleanup_json cJSON *json = printed(world->stage);
    assert_string_equal(json_string(json, "target", ""), "swarm");
    assert_string_equal(json_string(json, "project", ""), "shop");
    assert_string_equal(json_string(json, "engine", ""), world->swarm.host);

    bool is_ready = false;
    const cJSON *change;
    cJSON_ArrayForEach(change, json_get(json, "changes"))
    {
        if (strcmp(json_string(change, "action", ""), "ready") == 0 &&
            strcmp(json_string(change, "name", ""), "api") == 0)
            is_ready = json_get(change, "afterMs") != NULL;
    }
    assert_true(is_ready);
}

/* ---- away, and back ---- */

static void what_is_removed_is_gone(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("-y"));
    swarm_forget(&world->swarm);
    deploys(world, 2, WORDS("--remove"));
    stage_says(world->stage, "and nobody to ask");
    assert_int_equal(swarm_count(&world->swarm, "DELETE"), 0);

    deploys(world, 0, WORDS("--remove", "-y"));
    stage_says(world->stage, "service cache: removed");
    assert_int_equal(swarm_count(&world->swarm, "DELETE /services/"), 2);
    assert_int_equal(swarm_count(&world->swarm, "DELETE /networks/"), 1);
    assert_int_equal(swarm_count(&world->swarm, "DELETE /volumes/"), 0); /* data stays */
}

static void a_change_is_undone(void **state)
{
    struct world *world = *state;
    deploys(world, 0, WORDS("-y"));
    deploys(world, 10, WORDS("--rollback", "-y"));
    stage_says(world->stage, "there is nothing before the last deploy of shop to go back to");

    stage_file("apphost.yaml", changed);
    deploys(world, 0, WORDS("--diff"));
    stage_prints(world->stage, "update service api");
    deploys(world, 0, WORDS("-y"));
    stage_says(world->stage, "service api: updated");
    swarm_forget(&world->swarm);
    deploys(world, 0, WORDS("--rollback", "-y"));
    stage_says(world->stage, "service api: goes back");
    assert_int_equal(swarm_count(&world->swarm, "/update\n"), 1);
}

/* ---- ps --target swarm ---- */

static void ps_shows_what_the_swarm_has(void **state)
{
    struct world *world = *state;
    struct stage *stage = world->stage;
    const char *host = world->swarm.host;
    stage_runs(stage, 10, WORDS("ps", "--target", "swarm", "--host", host));
    stage_says(stage, "nothing was deployed from this folder");
    deploys(world, 0, WORDS("-y"));
    stage_runs(stage, 0, WORDS("ps", "--target", "swarm", "--host", host));
    stage_prints(stage, "NAME   KIND");
    stage_prints(stage, CACHE);
    stage_prints(stage, "1/1");

    stage_runs(stage, 0, WORDS("ps", "api", "--target", "swarm", "--host", host, "-o", "json"));
    cleanup_json cJSON *json = printed(stage);
    const cJSON *api = cJSON_GetArrayItem(json_get(json, "resources"), 0);
    assert_int_equal(json_count(json_get(json, "resources")), 1);
    assert_string_equal(json_string(api, "name", ""), "api");
    assert_int_equal(json_int(api, "running", 0), 1);
    stage_runs(stage, 10, WORDS("ps", "nobody", "--target", "swarm", "--host", host));
    stage_says(stage, "shop has no nobody in this swarm");
    deploys(world, 0, WORDS("--remove", "-y"));
    stage_runs(stage, 0, WORDS("-p", "shop", "ps", "--target", "swarm", "--host", host));
    stage_says(stage, "shop has nothing in this swarm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_makes_no_sense_asks_nobody),
        TEST(a_manifest_that_no_swarm_can_have_changes_nothing),
        TEST(an_engine_without_a_swarm_says_so),
        TEST(nobody_is_asked_without_a_terminal),
        TEST(a_difference_is_data),
        TEST(what_is_deployed_stays_as_it_is),
        TEST(a_change_is_told_with_its_reason),
        TEST(an_image_that_is_nowhere_changes_nothing),
        TEST(programs_get_all_changes_at_the_end),
        TEST(what_is_removed_is_gone),
        TEST(a_change_is_undone),
        TEST(ps_shows_what_the_swarm_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
