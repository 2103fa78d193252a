/* What labels say about whose an object is, and what sets one of several workers apart. */
#include "project/owned.h"
#include "project/worker.h"

#include "base/mem.h"
#include "machine/self.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void labels_say_whose_it_is(void **state)
{
    (void)state;
    cleanup_free char *text = xasprintf(
        "{\"Name\": \"v\", \"Labels\": {\"io.apphost.project\": \"shop\", \"io.apphost.project-hash\": "
        "\"0123abcd\", \"io.apphost.manifest\": \"/srv/app/apphost.yaml\", \"io.apphost.container\": \"c0\", "
        "\"io.apphost.manifest-outside\": \"/home/u/shop/apphost.yaml\", \"io.apphost.lifetime\": "
        "\"persistent\", \"io.apphost.uid\": \"%u\"}}",
        (unsigned)getuid());
    cleanup_json cJSON *volume = cJSON_Parse(text);
    const struct owned owned = owned_of(volume);
    assert_string_equal(owned.name, "v");
    assert_string_equal(owned.project, "shop");
    assert_string_equal(owned.hash, "0123abcd");
    assert_string_equal(owned.manifest, "/srv/app/apphost.yaml");
    assert_string_equal(owned.manifest_outside, "/home/u/shop/apphost.yaml");
    assert_true(owned.is_persistent && !owned.is_session);
    assert_true(owned_is_mine(&owned));
    assert_false(owned_is_from_here(&owned)); /* nobody is in a container of this name */
}

/* Nothing is said: nothing is ours. */
static void without_labels_it_is_nobodys(void **state)
{
    (void)state;
    static const char *const texts[] = {"{}", "{\"Labels\": null}",
                                        "{\"Labels\": {\"io.apphost.uid\": \"x\"}}",
                                        "{\"labels\": {\"io.apphost.uid\": \"-1\"}}", "[]"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cleanup_json cJSON *object = cJSON_Parse(texts[i]);
        const struct owned owned = owned_of(object);
        assert_string_equal(owned.project, "");
        assert_int_equal(owned.uid, -1);
        assert_false(owned_is_mine(&owned));
        assert_false(owned.is_persistent || owned.is_session);
        cleanup_free char *container = machine_container_id();
        assert_int_equal(owned_is_from_here(&owned), container == NULL);
    }
}

static void a_matrix_has_the_image_and_its_kind(void **state)
{
    (void)state;
    static const struct {
        const char *image;
        enum model_kind kind;
    } rows[] = {{"redis:7.2", MODEL_REDIS},
                {"docker.io/valkey/valkey:8.1", MODEL_VALKEY},
                {"ghcr.io/acme/valkey-bundle:8.1", MODEL_VALKEY},
                {"ghcr.io/microsoft/garnet:1.0", MODEL_GARNET},
                {"acme/cache@sha256:0", MODEL_REDIS},
                {"valkey/tool:1", MODEL_REDIS}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct model_resource resources[] = {{.kind = MODEL_REDIS, .image = "redis:6"},
                                             {.kind = MODEL_CONTAINER, .image = "web:1"}};
        struct model model = {.resources = resources, .resource_count = 2};
        worker_use_image(&model, rows[i].image);
        assert_int_equal(resources[0].kind, rows[i].kind);
        assert_string_equal(resources[0].image, rows[i].image);
        assert_string_equal(resources[1].image, "web:1");
    }
}

static void workers_share_nothing(void **state)
{
    (void)state;
    struct model_mount written = {0}, read = {.read_only = true};
    struct model_resource resources[] = {
        {.kind = MODEL_REDIS, .lifetime = MODEL_PERSISTENT, .redis = {.host_port = 6379, .data = &written}},
        {.kind = MODEL_VALKEY, .redis = {.host_port = 6380, .data = &read}}};
    struct model model = {.resources = resources, .resource_count = 2};
    worker_isolate(&model);
    assert_int_equal(resources[0].lifetime, MODEL_SESSION);
    assert_int_equal(resources[0].redis.host_port + resources[1].redis.host_port, 0);
    assert_null(resources[0].redis.data);
    assert_ptr_equal(resources[1].redis.data, &read);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_say_whose_it_is),
        cmocka_unit_test(without_labels_it_is_nobodys),
        cmocka_unit_test(a_matrix_has_the_image_and_its_kind),
        cmocka_unit_test(workers_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
