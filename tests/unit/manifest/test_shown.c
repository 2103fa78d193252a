/* Problems as they are shown and as JSON; the schema and the manual page that the tables give. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_open, fixture_close)

static void shown_like_a_compiler(void **state)
{
    struct fixture *f = *state;
    assert_null(fixture_load(f, "resources:\n  a: {type: redis, x-ä: 日本, imgae: x}\n"));
    assert_string_equal(strbuf_text(&f->printed), "apphost.yaml:2:29: error: a `redis` has no field `imgae`\n"
                                                  "      a: {type: redis, x-ä: 日本, imgae: x}\n"
                                                  "                                  ^~~~~\n"
                                                  "  hint: did you mean `image`?\n");
    struct strbuf coloured = {0};
    manifest_problems_print(&f->problems, true, &coloured);
    assert_non_null(strstr(coloured.data, "\x1b[1;31merror"));
    strbuf_free(&coloured);
}

static void as_json(void **state)
{
    struct fixture *f = *state;
    assert_null(fixture_load(
        f, "resources:\n  a: {type: redis, imgae: x}\n  b: {type: redis, bind_address: 0.0.0.0}\n"));
    cJSON *json = manifest_problems_to_json(&f->problems);
    char *text = json_print(json);
    assert_string_equal(text,
                        "[{\"severity\":\"error\",\"file\":\"apphost.yaml\",\"line\":2,\"column\":20,"
                        "\"message\":\"a `redis` has no field `imgae`\",\"hint\":\"did you mean `image`?\"},"
                        "{\"severity\":\"warning\",\"file\":\"apphost.yaml\",\"line\":3,\"column\":34,"
                        "\"message\":\"`b` can be reached from other machines at 0.0.0.0\"}]");
    free(text);
    cJSON_Delete(json);
}

static void later_problems_show_their_line(void **state)
{
    struct fixture *f = *state;
    fixture_good(f, "resources:\n  a: redis\n");
    struct error error = {0};
    error_set(&error, ERROR_MANIFEST, "found later");
    error_at(&error, "apphost.yaml", 2, 6);
    manifest_problems_add(&f->problems, &error, false);
    struct strbuf out = {0};
    manifest_problems_print(&f->problems, false, &out);
    assert_string_equal(out.data, "apphost.yaml:2:6: error: found later\n      a: redis\n         ^~~~~\n");
    assert_int_equal(f->problems.errors, 1);
    assert_int_equal(error.code, ERROR_NONE);
    strbuf_free(&out);
}

static void schema_knows_every_kind(void **state)
{
    (void)state;
    static const char *const kinds[] = {"redis",   "valkey",   "garnet", "connection-string",
                                        "process", "container"};
    char *text = manifest_schema_json();
    cJSON *schema = json_parse(text, strlen(text), NULL);
    assert_non_null(schema);
    const cJSON *definitions = json_get(schema, "definitions");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        assert_non_null(json_get(json_get(definitions, kinds[i]), "properties"));
    const cJSON *redis = json_path(definitions, "redis.properties");
    assert_non_null(json_get(redis, "data_volume"));
    assert_non_null(json_get(redis, "type"));
    assert_non_null(json_get(redis, "profiles"));
    assert_null(json_get(redis, "command"));
    assert_non_null(strstr(text, "\"#/definitions/restart\""));
    cJSON_Delete(schema);
    free(text);
}

static void every_definition_is_there(void **state)
{
    (void)state;
    static const char mark[] = "#/definitions/";
    char *text = manifest_schema_json();
    cJSON *schema = json_parse(text, strlen(text), NULL);
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, mark)); count++) {
        at += strlen(mark);
        cleanup_free char *name = xstrndup(at, strcspn(at, "\""));
        assert_non_null(json_get(json_get(schema, "definitions"), name));
    }
    assert_true(count > 30);
    cJSON_Delete(schema);
    free(text);
}

static void manual_page_names_every_field(void **state)
{
    (void)state;
    static const char *const words[] = {
        ".TH APPHOST.YAML 5", "\\fBdata_bind_mount\\fR",    "\\fBkeys_changed_threshold\\fR",
        "\\fBwait_for\\fR",   "\\fBsuccess_exit_codes\\fR", "\\fBotlp_endpoint\\fR"};
    char *page = manifest_man_page();
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        assert_non_null(strstr(page, words[i]));
    for (const char *p = page; (p = strstr(p, "\n.")); p++)
        assert_true(p[2] >= 'A' && p[2] <= 'n'); /* only macros start a line with a dot */
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(shown_like_a_compiler),
        TEST(as_json),
        TEST(later_problems_show_their_line),
        cmocka_unit_test(schema_knows_every_kind),
        cmocka_unit_test(every_definition_is_there),
        cmocka_unit_test(manual_page_names_every_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
