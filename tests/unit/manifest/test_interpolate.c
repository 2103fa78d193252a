/* ${…}: every form of compose's, nesting, references, and what is left alone. */
#include "fixture.h"

#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static const struct {
    const char *text, *wanted;
} forms[] = {
    {"${SET}", "value"},
    {"a${SET}b${SET}", "avalueb"
                       "value"},
    {"${SET:-x}", "value"},
    {"${EMPTY:-x}", "x"},
    {"${EMPTY-x}", ""},
    {"${UNSET-x}", "x"},
    {"${UNSET:-}", ""},
    {"${SET:?no}", "value"},
    {"${EMPTY?no}", ""},
    {"${SET:+x}", "x"},
    {"${EMPTY:+x}", ""},
    {"${EMPTY+x}", "x"},
    {"${UNSET+x}", ""},
    {"${UNSET:-${SET}}", "value"},
    {"${UNSET:-a${UNSET2:-${SET}}b}c", "avaluebc"},
    {"${SET:-${UNSET}}", "value"},
    {"${UNSET:+${UNSET}}", ""},
    {"$$", "$"},
    {"$${SET}", "${SET}"},
    {"$SET $", "$SET $"},
    {"${UNSET:-$$x}", "$x"},
    {"${UNSET:-a b: c}", "a b: c"},
    {"${cache.host}", "<cache.host>"},
    {"${cache.uri}/${SET}", "<cache.uri>/value"},
    {"${UNSET:-${cache.port}}", "<cache.port>"},
    {"${api.http.url}", "<api.http.url>"},
    {"${parameters.p}", "<p.parameter>"},
    {"${HOST-example.com}", "example.com"},
    {"${A_B-cache.internal.example}", "cache.internal.example"},
    {"naïve ${SET} ☃", "naïve value ☃"},
};

static void every_form(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "SET=value");
    strlist_add(&f->environment, "EMPTY=");
    struct strbuf text = {0};
    strbuf_adds(&text, "parameters: {p: {default: x}}\nresources:\n  cache: redis\n  api:\n    type: "
                       "process\n    command: x\n"
                       "    endpoints: {http: {}}\n    environment:\n");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        strbuf_addf(&text, "      V%zu: '%s'\n", i, forms[i].text);
    struct model *model = fixture_good(f, text.data);
    strbuf_free(&text);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        cleanup_free char *name = xasprintf("V%zu", i);
        assert_string_equal(fixture_variable(model_find(model, "api"), name), forms[i].wanted);
    }
}

static void types_are_looked_at_afterwards(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "PORT=6380");
    strlist_add(&f->environment, "TASK=true");
    strlist_add(&f->environment, "KIND=redis");
    strlist_add(&f->environment, "COMMAND=node server.js");
    struct model *model = fixture_good(
        f, "resources:\n  a: {type: \"${KIND}\", host_port: \"${PORT}\", data_volume: \"${D:-true}\"}\n"
           "  b: {type: process, command: \"${COMMAND}\", task: \"${TASK}\"}\n");
    assert_int_equal(model_find(model, "a")->redis.host_port, 6380);
    assert_non_null(model_find(model, "a")->redis.data);
    assert_true(model_find(model, "b")->process.task);
    assert_int_equal(model_find(model, "b")->process.command_count, 2);
}

static void values_are_not_expanded_again(void **state)
{
    struct fixture *f = *state;
    strlist_add(&f->environment, "A=${B} $$");
    strlist_add(&f->environment, "B=never");
    struct model *model =
        fixture_good(f, "resources:\n  a: {type: process, command: x, environment: {V: \"${A}\"}}\n");
    assert_string_equal(fixture_variable(model_find(model, "a"), "V"), "${B} $$");
}

static void known_parameters_may_stand_anywhere(void **state)
{
    struct model *model = fixture_good(*state, "parameters: {tag: {default: \"7.4\"}}\nresources:\n"
                                               "  a: {type: redis, image: \"redis:${parameters.tag}\"}\n");
    assert_string_equal(model_find(model, "a")->image, "redis:7.4");
}

static void only_what_is_read_is_expanded(void **state)
{
    fixture_good(*state, "x-note: ${UNSET}\nresources:\n  a: {type: redis, x-other: \"${UNSET}\"}\n");
}

static void dotenv_beside_the_manifest(void **state)
{
    struct fixture *f = *state;
    fixture_write(".env", "A=file\nB=file\n");
    fixture_write("other.env", "A=other\nC=other\n");
    strlist_add(&f->environment, "B=environment");
    static const char text[] =
        "resources:\n  a: {type: process, command: x, environment: {V: \"${A} ${B} ${C-none}\", A: }}\n";
    assert_string_equal(fixture_variable(model_find(fixture_good(f, text), "a"), "V"),
                        "file environment none");
    strlist_add(&f->options.env_files, "other.env");
    assert_string_equal(fixture_variable(model_find(fixture_good(f, text), "a"), "V"),
                        "other environment other");
}

static void named_env_files(void **state)
{
    fixture_write("one.env", "A=1\nB=1\n");
    fixture_write("two.env", "B=2\n");
    struct model *model =
        fixture_good(*state, "env_file: [one.env, two.env, {path: no.env, required: false}]\nresources:\n"
                             "  a: {type: process, command: x, environment: {V: \"${A}${B}\"}}\n");
    assert_string_equal(fixture_variable(model_find(model, "a"), "V"), "12");
    fixture_bad(*state, "env_file: none.env\nresources:\n  a: redis\n",
                "apphost.yaml:1:11: error: cannot open");
}

static void bad_dotenv_has_a_position(void **state)
{
    fixture_write(".env", "A=1\nB='never closed secret\n");
    fixture_bad(*state, "resources:\n  a: redis\n", ".env:2:1: error: this quote is never closed");
    assert_null(strstr(strbuf_text(&((struct fixture *)*state)->printed), "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_form),
        TEST(types_are_looked_at_afterwards),
        TEST(values_are_not_expanded_again),
        TEST(known_parameters_may_stand_anywhere),
        TEST(only_what_is_read_is_expanded),
        TEST(dotenv_beside_the_manifest),
        TEST(named_env_files),
        TEST(bad_dotenv_has_a_position),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
