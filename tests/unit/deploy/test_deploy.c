/* Whole deploys against a swarm of one process: what is made, in which order, what a second one does, and
 * what becomes of it when the deployer dies at any request. */
#include "fake_swarm.h"
#include "shop.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct world {
    struct fake_swarm fake;
    struct shop shop;
    struct deploy_wish wish;
    struct strlist news; /* "create service cache" */
    struct error err;
};

static void on_news(const struct deploy_news *news, void *data)
{
    struct world *world = data;
    if (news->verb == DEPLOY_SAY)
        strlist_addf(&world->news, "%s: %s", news->name, news->why);
    else
        strlist_addf(&world->news, "%s %s %s%s%s", names_text(&deploy_verb_names, news->verb), news->kind,
                     news->name, news->why ? ": " : "", news->why ? news->why : "");
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    fake_init(&world->fake);
    shop_init(&world->shop);
    strlist_add(&world->fake.images, SHOP_CACHE_IMAGE);
    strlist_add(&world->fake.images, SHOP_API_IMAGE);
    strlist_add(&world->fake.images, FAKE_BROKEN);
    strlist_add(&world->fake.images, FAKE_PENDING);
    world->wish =
        (struct deploy_wish){.wait_ms = 20000, .store = &world->shop.store, .tell = on_news, .data = world};
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    fake_fini(&world->fake);
    shop_fini(&world->shop);
    strlist_free(&world->news);
    error_clear(&world->err);
    free(world);
    return 0;
}

/* ---- deployers ---- */

enum way { DEPLOY, DIFF, REMOVE, REMOVE_ALL, ROLL_BACK };

static int do_way(struct world *world, struct engine_once *once, enum way way)
{
    struct deployment *d = &world->shop.d;
    switch (way) {
    case DEPLOY:
        return deploy_swarm(once, d, &world->wish, &world->err);
    case DIFF:
        return deploy_swarm_diff(once, d, &world->wish, &world->err);
    case REMOVE:
    case REMOVE_ALL:
        return deploy_swarm_remove(once, d->project, way == REMOVE_ALL, &world->wish, &world->err);
    case ROLL_BACK:
        return deploy_swarm_roll_back(once, d->project, &world->wish, &world->err);
    }
    return -1;
}

static int run(struct world *world, enum way way)
{
    char *no_environment[] = {(char[]){"DOCKER_CONFIG=/nonexistent"}, NULL};
    struct engine_once once = {.exit_code = -1};
    strlist_free(&world->news);
    error_clear(&world->err);
    /* As a process of its own would: what is not in the store is not known. */
    world->shop.secret.value = NULL;
    world->shop.d.key[0] = '\0';
    assert_int_equal(loop_init_virtual(&once.loop, NULL), 0);
    once.engine = engine_open_over(&once.loop, fake_open(&world->fake, &once.loop), no_environment);
    int code = do_way(world, &once, way);
    engine_once_close(&once);
    return code;
}

static void assert_ok(struct world *world, enum way way)
{
    int code = run(world, way);
    if (code)
        print_error("%s\n", error_is_set(&world->err) ? world->err.text : "?");
    assert_int_equal(code, 0);
}

static void assert_fails(struct world *world, enum way way, enum error_code code, const char *words)
{
    assert_int_equal(run(world, way), -1);
    if (world->err.code != code || !strstr(world->err.text, words))
        print_error("%s: %s, expected %s\n", error_name(world->err.code), world->err.text, words);
    assert_int_equal(world->err.code, code);
    assert_non_null(strstr(world->err.text, words));
}

static bool was_told(const struct world *world, const char *text)
{
    for (size_t i = 0; i < world->news.count; i++)
        if (strstr(world->news.items[i], text))
            return true;
    return false;
}

static int place_of(const struct world *world, const char *text)
{
    for (size_t i = 0; i < world->news.count; i++)
        if (strstr(world->news.items[i], text))
            return (int)i;
    print_error("not told: %s\n", text);
    return -1;
}

static int count(const cJSON *array)
{
    return json_count(array);
}

/* ---- the happy path ---- */

static void test_first(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    assert_int_equal(count(world->fake.services), 2);
    assert_int_equal(count(world->fake.secrets), 3);
    assert_int_equal(count(world->fake.networks), 1);
    /* The consumer comes once the server is ready. */
    assert_true(place_of(world, "ready service cache") < place_of(world, "create service api"));
    assert_true(was_told(world, "ready service api"));
    const cJSON *cache = fake_service(&world->fake, "shop_cache");
    assert_string_equal(cJSON_GetStringValue(json_path(cache, "Spec.TaskTemplate.ContainerSpec.Image")),
                        SHOP_CACHE_IMAGE "@sha256:0123");
    assert_string_equal(swarm_label(world->fake.nodes->child, "io.apphost.volume.shop_cache-data"), "true");
}

static void test_second(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    int changes = world->fake.changes;
    assert_ok(world, DEPLOY);
    assert_int_equal(world->fake.changes, changes);
    assert_int_equal(world->fake.requests, 3);
    assert_int_equal(run(world, DIFF), 0);
    assert_int_equal(world->news.count, 0);
}

static void test_update(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    strlist_add(&world->fake.images, "registry.example/api:2");
    world->shop.services[1].image = "registry.example/api:2";
    assert_int_equal(run(world, DIFF), 1);
    assert_true(was_told(world, "update service api: image: " SHOP_API_IMAGE " → registry.example/api:2"));
    int cache = (int)swarm_version(fake_service(&world->fake, "shop_cache"));
    assert_ok(world, DEPLOY);
    assert_int_equal(swarm_version(fake_service(&world->fake, "shop_cache")), cache);
    assert_true(was_told(world, "update service api"));

    assert_ok(world, ROLL_BACK);
    const cJSON *api = fake_service(&world->fake, "shop_api");
    assert_string_equal(cJSON_GetStringValue(json_path(api, "Spec.TaskTemplate.ContainerSpec.Image")),
                        SHOP_API_IMAGE "@sha256:0123");
    assert_fails(world, ROLL_BACK, ERROR_NOT_RUNNING, "nothing before");
}

static void assert_told(struct world *world, const char *text)
{
    assert_int_equal(run(world, DIFF), 1);
    if (!was_told(world, text))
        print_error("not told: %s, but %s\n", text, world->news.items[0]);
    assert_true(was_told(world, text));
}

/* Behind the shell that reads its secrets a command stands with the image's own in front. */
static void test_reasons(void **state)
{
    struct world *world = *state;
    struct plan_part parts[] = {{.kind = PLAN_LITERAL, .text = "one"}, {.kind = PLAN_LITERAL, .text = "two"}};
    struct plan_text one = {&parts[0], 1}, two = {&parts[1], 1};
    struct deployment_service *api = &world->shop.services[1];
    struct model_pair label = {.name = "team", .value = "blue"};
    api->command = &one;
    api->command_count = 1;
    api->labels = &label;
    api->label_count = 1;
    assert_ok(world, DEPLOY);
    api->command = &two;
    assert_told(world, "update service api: command: [\"one\"] → [\"two\"]");
    api->command_count = 0;
    assert_told(world, "update service api: its command");
    api->command_count = 1;
    api->command = &one;
    api->label_count = 0;
    assert_told(world, "update service api: labels.team: blue → nothing");

    api->label_count = 1;
    api->is_task = true;
    assert_ok(world, DEPLOY);
    api->command = &two;
    assert_told(world, "run task api: command: [\"one\"] → [\"two\"]");
}

/* A password that was replaced goes for good, in the server first, then in who uses it. */
static void test_rotation(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    cleanup_free char *old = xstrdup(world->fake.secrets->child->child->next->next->child->valuestring);
    world->shop.store.set("secret:cache-password", "another", world->shop.store.data, NULL);
    assert_int_equal(run(world, DIFF), 2);
    assert_true(was_told(world, "secret cache-password: changed"));
    assert_false(was_told(world, "another"));
    assert_ok(world, DEPLOY);
    assert_true(place_of(world, "ready service cache") < place_of(world, "update service api"));
    assert_int_equal(count(world->fake.secrets), 3);
    assert_null(swarm_find(world->fake.secrets, "Spec.Name", old));
    assert_fails(world, ROLL_BACK, ERROR_FAILED, "was replaced");
}

static void test_remove(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    cJSON *volume = cJSON_CreateObject();
    json_add_string(volume, "Name", "shop_cache-data");
    cJSON_AddItemToArray(world->fake.volumes, volume);
    assert_ok(world, REMOVE);
    assert_int_equal(count(world->fake.services) + count(world->fake.secrets) + count(world->fake.networks),
                     0);
    assert_int_equal(count(world->fake.volumes), 1);
    assert_true(was_told(world, "--volumes removes it"));
    /* The password is remembered: the data is still there. */
    assert_non_null(world->shop.store.get("secret:cache-password", world->shop.store.data));
    assert_ok(world, REMOVE_ALL);
    assert_int_equal(count(world->fake.volumes), 0);
    assert_null(swarm_label(world->fake.nodes->child, "io.apphost.volume.shop_cache-data"));
}

static void test_resource_goes(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    world->shop.d.service_count = 1;
    assert_ok(world, DEPLOY);
    assert_true(was_told(world, "remove service api"));
    assert_int_equal(count(world->fake.services), 1);
    assert_int_equal(count(world->fake.secrets), 2);
}

static void test_task(void **state)
{
    struct world *world = *state;
    struct deployment_service *task = shop_add(&world->shop, "migrate", SHOP_API_IMAGE);
    task->is_task = true;
    task->restart.when = MODEL_RESTART_NEVER;
    assert_ok(world, DEPLOY);
    assert_true(was_told(world, "ready task migrate"));
    int changes = world->fake.changes;
    assert_ok(world, DEPLOY); /* it would run again with every update */
    assert_int_equal(world->fake.changes, changes);

    strlist_add(&world->fake.images, FAKE_BROKEN);
    task->image = FAKE_BROKEN;
    assert_fails(world, DEPLOY, ERROR_RESOURCE, "non-zero exit (3)");
    task->image = SHOP_API_IMAGE;
    assert_ok(world, DEPLOY);
    assert_true(was_told(world, "run task migrate"));

    task->is_task = false;
    assert_int_equal(run(world, DIFF), 1);
    assert_true(was_told(world, "replace service migrate"));
    assert_ok(world, DEPLOY);
}

/* ---- failures ---- */

static void test_image(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    int changes = world->fake.changes;
    world->shop.services[0].image = "registry.example/redis:nope";
    assert_fails(world, DEPLOY, ERROR_PULL, "manifest unknown");
    assert_int_equal(world->fake.changes, changes);
    assert_int_equal(world->err.source.line, 50);
}

static void test_bad_update(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    world->shop.services[1].image = FAKE_BROKEN;
    assert_fails(world, DEPLOY, ERROR_RESOURCE, "non-zero exit (3); the one before serves again");
    assert_string_equal(world->err.resource, "api");
    assert_int_equal(error_exit_code(&world->err), 6);
    world->shop.services[1].image = SHOP_API_IMAGE;
    assert_ok(world, DEPLOY);
    assert_int_equal(count(world->fake.secrets), 3);
}

static void test_bad_first(void **state)
{
    struct world *world = *state;
    world->shop.services[1].image = FAKE_BROKEN;
    assert_fails(world, DEPLOY, ERROR_RESOURCE, "the swarm goes on trying");
    /* What failed until now is not held against the next one. */
    world->shop.services[1].image = SHOP_API_IMAGE;
    assert_ok(world, DEPLOY);
}

static void test_late(void **state)
{
    struct world *world = *state;
    world->shop.services[0].image = FAKE_PENDING;
    assert_fails(world, DEPLOY, ERROR_TIMEOUT, "0 of 1 tasks run: no suitable node");
    assert_int_equal(error_exit_code(&world->err), 7);
    assert_true(was_told(world, "wait service cache: no suitable node"));
    assert_false(was_told(world, "create service api"));
}

static void test_no_swarm(void **state)
{
    struct world *world = *state;
    world->fake.no_swarm = 503;
    assert_fails(world, DEPLOY, ERROR_ENGINE, "not a swarm manager");
    assert_int_equal(world->fake.changes, 0);
    assert_null(world->shop.store.get("key", world->shop.store.data));
}

static void test_other_machine(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    struct shop other;
    shop_init(&other);
    world->wish.store = &other.store;
    assert_fails(world, DEPLOY, ERROR_OWNER, "another machine");
    assert_fails(world, DIFF, ERROR_OWNER, "another machine");
    assert_null(
        other.store.get("key", other.store.data)); /* nothing was made that could be used by mistake */
    world->wish.takes_over = true;
    assert_ok(world, DEPLOY);
    world->wish.takes_over = false;
    assert_ok(world, DEPLOY);
    world->wish.store = &world->shop.store;
    assert_fails(world, DEPLOY, ERROR_OWNER, "another machine");
    shop_fini(&other);
}

static void test_several_nodes(void **state)
{
    struct world *world = *state;
    fake_add_node(&world->fake, "node2", "two");
    assert_fails(world, DEPLOY, ERROR_MANIFEST, "on which of them");
    assert_int_equal(world->err.source.line, 14);
    assert_int_equal(world->fake.changes, 0);
    struct strlist places = {0};
    strlist_add(&places, "cache=three");
    world->wish.places = &places;
    assert_fails(world, DEPLOY, ERROR_USAGE, "no node of that name");
    assert_non_null(strstr(world->err.hint, "one, two"));
    strlist_setenv(&places, "cache", "two");
    assert_ok(world, DEPLOY);
    const char *label = "io.apphost.volume.shop_cache-data";
    assert_null(swarm_label(world->fake.nodes->child, label));
    assert_string_equal(swarm_label(world->fake.nodes->child->next, label), "true");
    /* Once said, it stays. */
    world->wish.places = NULL;
    world->shop.services[0].memory = 1 << 20;
    assert_ok(world, DEPLOY);
    strlist_free(&places);
}

static void test_foreign(void **state)
{
    struct world *world = *state;
    cJSON *network = cJSON_CreateObject();
    json_add_string(network, "Name", "shop_default");
    cJSON_AddItemToArray(world->fake.networks, network);
    assert_fails(world, DEPLOY, ERROR_CONFLICT, "network shop_default");
    json_add_string(json_add_object(network, "Labels"), SWARM_PROJECT, "shop");
    json_add_string(network, "Id", "n");
    cJSON *service = cJSON_CreateObject();
    json_add_string(json_add_object(service, "Spec"), "Name", "shop_api");
    cJSON_AddItemToArray(world->fake.services, service);
    assert_fails(world, DEPLOY, ERROR_CONFLICT, "service shop_api");
    assert_int_equal(world->fake.changes, 0);
}

/* ---- two at once ---- */

static cJSON *api_of(struct fake_swarm *fake)
{
    return (cJSON *)(uintptr_t)fake_service(fake, "shop_api");
}

static void note_course(struct fake_swarm *fake) /* the swarm itself writes there, too */
{
    cJSON_SetNumberValue(json_path(api_of(fake), "Version.Index"), ++fake->index);
}

static void deploy_other(struct fake_swarm *fake)
{
    cJSON *labels = json_path(api_of(fake), "Spec.Labels");
    cJSON_ReplaceItemInObjectCaseSensitive(labels, SWARM_HASH, cJSON_CreateString("theirs"));
    note_course(fake);
}

static void test_two_at_once(void **state)
{
    struct world *world = *state;
    assert_ok(world, DEPLOY);
    world->shop.services[1].memory = 1 << 20;
    world->fake.meanwhile = note_course;
    assert_ok(world, DEPLOY);
    world->shop.services[1].memory = 2 << 20;
    world->fake.meanwhile = deploy_other;
    assert_fails(world, DEPLOY, ERROR_OWNER, "somebody else");
    assert_ok(world, DEPLOY);
}

/* ---- killed at every request ---- */

static int everything(const struct world *world)
{
    return count(world->fake.services) * 100 + count(world->fake.secrets) * 10 + count(world->fake.networks);
}

static void kill_at(struct world *world, int number, bool after)
{
    world->fake.dies_at = number;
    world->fake.dies_after = after;
    int code = run(world, DEPLOY);
    world->fake.dies_at = 0;
    world->fake.dies_after = false;
    (void)code;
    assert_ok(world, DEPLOY);
    assert_int_equal(everything(world), 231);
    int changes = world->fake.changes;
    assert_ok(world, DEPLOY);
    assert_int_equal(world->fake.changes, changes);
    assert_int_equal(world->fake.requests, 3);
}

/* How many requests one needs that is left alone. */
static int requests_of(void (*prepare)(struct world *))
{
    void *state;
    set_up(&state);
    struct world *world = state;
    if (prepare)
        prepare(world);
    assert_ok(world, DEPLOY);
    int requests = world->fake.requests;
    tear_down(&state);
    return requests;
}

static void kill_everywhere(void (*prepare)(struct world *))
{
    int requests = requests_of(prepare);
    assert_true(requests > 10);
    for (int i = 0; i < requests * 2; i++) {
        void *state;
        set_up(&state);
        struct world *world = state;
        if (prepare)
            prepare(world);
        kill_at(world, i / 2 + 1, i % 2);
        tear_down(&state);
    }
}

static void rotate(struct world *world)
{
    assert_ok(world, DEPLOY);
    world->shop.store.set("secret:cache-password", "another", world->shop.store.data, NULL);
}

static void test_killed(void **state)
{
    (void)state;
    kill_everywhere(NULL);
    kill_everywhere(rotate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_update, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_reasons, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rotation, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remove, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_resource_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_image, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_update, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bad_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_late, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_swarm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_other_machine, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_several_nodes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_foreign, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_two_at_once, set_up, tear_down),
        cmocka_unit_test(test_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
