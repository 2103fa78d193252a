/* `publish`: what a resource becomes on other engines. Each field and where it stood, and each mistake at its
 * position. */
#include "fixture.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct model_publish *published(struct fixture *f, const char *kind, const char *value)
{
    cleanup_free char *text = xasprintf("resources:\n  a: {type: %s, publish: %s}\n", kind, value);
    return &model_find(fixture_good(f, text), "a")->publish;
}

static const char process[] = "process, command: [x], endpoints: {http: {}, admin: {}}";

static void nothing_is_said_unless_it_is(void **state)
{
    const struct model *model = fixture_good(*state, "resources:\n  a: redis\n");
    const struct model_publish *publish = &model_find(model, "a")->publish;
    assert_false(publish->given || publish->off);
    assert_int_equal(publish->replicas, 0);
    assert_null(publish->placement);
}

static void false_leaves_it_out(void **state)
{
    assert_true(published(*state, "redis", "false")->off);
    assert_true(published(*state, "container, image: x", "false")->given);
    assert_false(published(*state, "redis", "true")->off);
    assert_true(published(*state, "redis", "{}")->given);
    assert_false(published(*state, "redis", "{}")->off);
}

static void a_process_has_an_image_there(void **state)
{
    const struct model_publish *publish = published(
        *state, process,
        "{image: shop/api, command: [run, '--port', 80], ports: {http: 8080, admin: 9000}, replicas: 3}");
    assert_string_equal(publish->image, "shop/api");
    assert_int_equal(publish->command_count, 3);
    assert_string_equal(fixture_text(&publish->command[2]), "80");
    assert_int_equal(publish->port_count, 2);
    assert_string_equal(publish->ports[1].endpoint, "admin");
    assert_int_equal(publish->ports[1].port, 9000);

    assert_int_equal(publish->replicas, 3);
    assert_int_equal(publish->image_pos.line, 2);
    assert_int_equal(publish->image_pos.column, 87);
    assert_int_equal(publish->replicas_pos.column, 171);
    assert_int_equal(publish->build_pos.line, 0); /* not given */
}

static void a_build_is_a_folder_of_the_manifests(void **state)
{
    struct fixture *f = *state;
    const struct model_publish *publish =
        published(f, process, "{build: ./api, dockerfile: Dockerfile.prod}");
    cleanup_free char *wanted = xasprintf("%s/api", f->folder);
    assert_string_equal(publish->build, wanted);
    assert_string_equal(publish->build_file, "Dockerfile.prod");
    assert_null(publish->image);
}

static void where_it_runs_and_who_reaches_it(void **state)
{
    const struct model_publish *publish =
        published(*state, "redis", "{placement: node.labels.disk==ssd, expose: true}");
    assert_string_equal(publish->placement, "node.labels.disk==ssd");
    assert_true(publish->expose);
    assert_int_equal(publish->placement_pos.column, 41);
    assert_false(published(*state, "redis", "{placement: n1}")->expose);
}

/* ---- mistakes ---- */

struct refusal {
    const char *kind, *value, *wanted, *hint;
};

static const struct refusal refusals[] = {
    {"redis", "later", "2:29: error: `publish` must be a map, or false, not `later`", NULL},
    {"redis", "[a]", "2:29: error: `publish` must be a map, or false, not a list", NULL},
    {"redis", "{image: x}", "2:30: error: `image` of `publish` is for processes: `a` is no process", NULL},
    {"redis", "{command: [x]}", "2:30: error: `command` of `publish` is for processes: `a` is no process",
     NULL},
    {"redis", "{replicas: 2}", "2:30: error: a server has no replicas", NULL},
    {"container, image: x", "{build: .}",
     "2:44: error: `build` of `publish` is for processes: `a` is no process", NULL},
    {"container, image: x", "{ports: {e: 1}}",
     "2:44: error: `ports` of `publish` is for processes: `a` is no process", NULL},
    {"container, image: x", "{replicas: 0}", "2:54: error: `replicas` must be from 1 to 100", NULL},
    {"container, image: x", "{replicas: 101}", "2:54: error: `replicas` must be from 1 to 100", NULL},
    {"redis", "{expose: sometimes}", "2:38: error: `expose` must be true or false, not `sometimes`", NULL},
    {"redis", "{placement: ''}",
     "2:41: error: `placement` must be a node's name, or a constraint such as node.labels.disk==ssd", NULL},
    {"redis", "{placement: \"a;b\"}",
     "2:41: error: `placement` must be a node's name, or a constraint such as node.labels.disk==ssd, not "
     "`a;b`",
     NULL},
    {"redis", "{placment: a}", "2:30: error: `publish` has no field `placment`", "did you mean `placement`?"},
    {"process, command: [x]", "{image: \"UPPER\"}", "2:53: error: `image`: the repository must be lower case",
     NULL},
    {"process, command: [x]", "{ports: {e: 0}}", "2:57: error: `ports` must be from 1 to 65535", NULL},
    {"process, command: [x]", "{ports: {e: 65536}}", "2:57: error: `ports` must be from 1 to 65535", NULL},
    {"process, command: [x]", "{ports: {e: [1]}}", "2:57: error: `ports` must be", NULL},
    {"process, command: [x]", "{ports: 80}",
     "2:53: error: `ports` must be a map from endpoints to ports inside of the container, not `80`", NULL},
};

static void each_mistake_at_its_position(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct refusal *row = &refusals[i];
        cleanup_free char *text =
            xasprintf("resources:\n  a: {type: %s, publish: %s}\n", row->kind, row->value);
        fixture_bad(f, text, row->wanted);
        if (row->hint && !strstr(strbuf_text(&f->printed), row->hint))
            fail_msg("wanted \"%s\" in:\n%s", row->hint, strbuf_text(&f->printed));
    }
}

/* What runs nowhere has nothing to be published, nor an output to be masked. */
static void only_what_runs_is_published(void **state)
{
    static const char *const kinds[] = {"connection-string, value: 'a:1'", "external, url: 'http://a'"};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        cleanup_free char *published_text =
            xasprintf("resources:\n  a: {type: %s, publish: false}\n", kinds[i]);
        fixture_bad(*state, published_text, "has no field `publish`");
        cleanup_free char *masked_text = xasprintf("resources:\n  a: {type: %s, mask: true}\n", kinds[i]);
        fixture_bad(*state, masked_text, "has no field `mask`");
    }
}

/* ---- `mask` and `dashboard` ---- */

static void masks_and_pages_are_off_unless_they_are_said_to_be_on(void **state)
{
    const struct model *model = fixture_good(*state, "dashboard: false\nresources:\n"
                                                     "  a: {type: redis, mask: true}\n  b: redis\n");
    assert_false(model->has_dashboard);
    assert_true(model_find(model, "a")->mask);
    assert_false(model_find(model, "b")->mask);
    assert_false(fixture_good(*state, "resources:\n  a: redis\n")->has_dashboard);

    fixture_bad(*state, "dashboard: {port: 80}\nresources:\n  a: redis\n",
                "1:12: error: `dashboard` must be true or false, not a map");
    fixture_bad(*state, "resources:\n  a: {type: redis, mask: secrets}\n",
                "2:26: error: `mask` must be true or false, not `secrets`");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_is_said_unless_it_is),     TEST(false_leaves_it_out),
        TEST(a_process_has_an_image_there),     TEST(a_build_is_a_folder_of_the_manifests),
        TEST(where_it_runs_and_who_reaches_it), TEST(each_mistake_at_its_position),
        TEST(only_what_runs_is_published),      TEST(masks_and_pages_are_off_unless_they_are_said_to_be_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
