/* A deployment as a stack file: what a service becomes there, where its secrets are, and what is refused. */
#include "fake_swarm.h"
#include "shop.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define KEY "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

struct world {
    struct fake_swarm fake;
    struct shop shop;
    char folder[64];
    struct publish_files files;
    struct error err;
};

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    fake_init(&world->fake);
    shop_init(&world->shop);
    strcpy(world->shop.d.key, KEY);
    world->shop.secret.value = "S3cr'et$\\";
    strlist_add(&world->fake.images, SHOP_API_IMAGE);
    strcpy(world->folder, "/tmp/apphost-stack-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->files.folder = world->folder;
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    assert_int_equal(file_remove_tree(world->folder, NULL), 0);
    publish_free(&world->files);
    fake_fini(&world->fake);
    shop_fini(&world->shop);
    error_clear(&world->err);
    free(world);
    return 0;
}

static int publish(struct world *world)
{
    char *no_environment[] = {(char[]){"DOCKER_CONFIG=/nonexistent"}, NULL};
    struct engine_once once = {.exit_code = -1};
    publish_free(&world->files);
    error_clear(&world->err);
    world->files.folder = world->folder;
    assert_int_equal(loop_init_virtual(&once.loop, NULL), 0);
    once.engine = engine_open_over(&once.loop, fake_open(&world->fake, &once.loop), no_environment);
    int code = deploy_stack(&once, &world->files, &world->shop.d, &world->err);
    engine_once_close(&once);
    return code;
}

static const struct publish_file *file_of(const struct world *world, const char *front)
{
    for (size_t i = 0; i < world->files.count; i++)
        if (str_starts(world->files.items[i].name, front))
            return &world->files.items[i];
    fail_msg("no file %s", front);
    return NULL;
}

static void assert_has(const char *text, const char *part)
{
    assert_non_null(text);
    if (!strstr(text, part))
        print_error("%s\nhas not:\n%s\n", text, part);
    assert_non_null(strstr(text, part));
}

static void assert_noted(const struct world *world, const char *part)
{
    for (size_t i = 0; i < world->files.notes.count; i++)
        if (strstr(world->files.notes.items[i], part))
            return;
    fail_msg("not said: %s", part);
}

static void test_server(void **state)
{
    struct world *world = *state;
    assert_int_equal(publish(world), 0);
    const char *stack = file_of(world, "stack.yaml")->text;
    assert_has(stack,
               "version: \"3.8\"\nservices:\n  cache:\n    image: \"registry.example/redis:7\"\n"
               "    command:\n    - redis-server\n    - /run/secrets/cache.conf\n    hostname: cache\n");
    assert_has(stack, "      target: cache-password\n      uid: \"0\"\n      gid: \"0\"\n      mode: 292\n");
    assert_has(stack,
               "    - type: volume\n      source: shop_cache-data\n      volume:\n        nocopy: true\n"
               "      target: /data\n");
    assert_has(stack,
               "    healthcheck:\n      test:\n      - CMD-SHELL\n      - ping\n      interval: \"2s\"\n"
               "      timeout: \"3s\"\n      start_period: \"600s\"\n      retries: 10\n");
    assert_has(stack, "    deploy:\n      replicas: 1\n      restart_policy:\n        condition: any\n"
                      "        delay: \"2s\"\n      placement:\n        constraints:\n"
                      "        - \"node.labels.io.apphost.volume.shop_cache-data==true\"\n"
                      "      update_config:\n        parallelism: 1\n        order: stop-first\n"
                      "        failure_action: rollback\n        monitor: \"5s\"\n");
    assert_has(stack, "      endpoint_mode: dnsrr\n");
    assert_has(stack, "volumes:\n  shop_cache-data:\n    name: shop_cache-data\n");
    assert_null(strstr(stack, "io.apphost.deployment"));
    assert_noted(world, "docker node update --label-add io.apphost.volume.shop_cache-data=true NODE");
}

/* Nothing secret stands in the file, dollars are doubled, and braces are no template. */
static void test_consumer(void **state)
{
    struct world *world = *state;
    struct model_pair label = {.name = "team", .value = "$blue"};
    struct deployment_service *api = &world->shop.services[1];
    const char *hosts[] = {"gate:10.0.0.1"};
    api->labels = &label;
    api->label_count = api->extra_host_count = 1;
    api->extra_hosts = hosts;
    api->memory = 64 << 20;
    api->platform = "linux/arm64/v8";
    api->replicas = 3;
    assert_int_equal(publish(world), 0);
    const char *stack = file_of(world, "stack.yaml")->text;
    assert_null(strstr(stack, "S3cr"));
    assert_has(stack, "    - \"set -a; . /run/secrets/api.env; set +a; exec \\\"$$0\\\" \\\"$$@\\\"\"\n");
    assert_has(stack, "    - \"PLAIN={{ \\\"{{\\\" }}x}} $$HOME\"\n");
    assert_has(stack, "    labels:\n      team: \"$$blue\"\n");
    assert_has(stack, "    extra_hosts:\n    - \"gate:10.0.0.1\"\n");
    assert_has(stack, "          memory: \"67108864\"\n");
    assert_has(stack, "        - \"node.platform.arch==aarch64\"\n");
    assert_has(stack, "      replicas: 3\n");
    const struct publish_file *secret = file_of(world, "secrets/shop_api-env_");
    assert_true(secret->is_secret);
    assert_string_equal(secret->text, "ConnectionStrings__cache='S3cr'\\''et$\\'\n");
    assert_string_equal(file_of(world, "secrets/shop_cache-password_")->text, "S3cr'et$\\");
}

static void test_task(void **state)
{
    struct world *world = *state;
    struct deployment_service *task = shop_add(&world->shop, "migrate", SHOP_API_IMAGE);
    task->is_task = true;
    task->restart.when = MODEL_RESTART_NEVER;
    assert_int_equal(publish(world), 0);
    assert_has(file_of(world, "stack.yaml")->text,
               "    deploy:\n      mode: replicated-job\n      replicas: 1\n      restart_policy:\n"
               "        condition: none\n");
    assert_noted(world, "the task migrate runs at each");
}

/* A value's file has no mark: its name says what is in it. */
static void test_files(void **state)
{
    struct world *world = *state;
    assert_int_equal(publish(world), 0);
    assert_int_equal(publish_write(&world->files, false, &world->err), 0);
    assert_int_equal(publish(world), 0);
    assert_int_equal(publish_look(&world->files, false, &world->err), 0);
    for (size_t i = 0; i < world->files.count; i++)
        assert_false(world->files.items[i].is_changed);

    cleanup_free char *path = path_join(world->folder, file_of(world, "secrets/shop_cache-password_")->name);
    assert_int_equal(file_write_atomic(path, "mine", 4, 0600, NULL), 0);
    assert_int_equal(publish_write(&world->files, false, &world->err), -1);
    assert_has(world->err.text, "was edited since it was published");
    error_clear(&world->err);
    assert_int_equal(publish_write(&world->files, true, &world->err), 0);
    cleanup_free char *text = file_read(path, 100, NULL, NULL);
    assert_string_equal(text, "S3cr'et$\\");

    world->shop.secret.value = NULL; /* as another machine would go on */
    world->shop.d.key[0] = '\0';
    assert_int_equal(publish_take_generated(&world->files, &world->shop.d, &world->err), 0);
    assert_string_equal(world->shop.secret.value, "S3cr'et$\\");
    assert_string_equal(world->shop.d.key, KEY);
}

/* The image's own command has to stand behind the shell: the engine has to have it. */
static void test_unknown_image(void **state)
{
    struct world *world = *state;
    assert_true(deploy_stack_needs_engine(&world->shop.d));
    world->shop.services[1].image = "registry.example/nowhere:1";
    assert_int_equal(publish(world), -1);
    assert_int_equal(world->err.source.line, 50);
    assert_has(world->err.hint, "docker pull registry.example/nowhere:1");
    world->shop.d.service_count = 1;
    assert_false(deploy_stack_needs_engine(&world->shop.d));
    assert_int_equal(publish(world), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_server, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_consumer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_task, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_files, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_unknown_image, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
