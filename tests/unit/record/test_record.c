/* A structure as JSON and back: everything that a field can be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "record/record.h"

struct inner {
    const char *name;
};
enum mood { CALM, LOUD, MOODS };
struct outer {
    const char *text;
    int number;
    int64_t large;
    bool flag;
    enum mood mood;
    const char **words;
    size_t word_count;
    const char **argv;
    int *codes;
    size_t code_count;
    struct inner one;
    struct inner *many;
    size_t many_count;
    int twice; /* written as its double */
};

static cJSON *write_twice(const void *value, bool spec_only)
{
    int number = *(const int *)value;
    (void)spec_only;
    return number ? cJSON_CreateNumber(2.0 * number) : NULL;
}

static bool read_twice(const cJSON *json, struct arena *arena, void *value)
{
    (void)arena;
    *(int *)value = json->valueint / 2;
    return cJSON_IsNumber(json);
}

static const struct record_custom twice = {write_twice, read_twice};
static NAMES(moods, MOODS, [CALM] = "calm", [LOUD] = "loud");
static const struct record_field inner_fields[] = {RECORD_FIELD(struct inner, name, FIELD_STRING, true)};
static RECORD(inner, struct inner, inner_fields);
static const struct record_field outer_fields[] = {
    RECORD_FIELD(struct outer, text, FIELD_STRING, true),
    RECORD_FIELD(struct outer, number, FIELD_INT, false),
    RECORD_FIELD(struct outer, large, FIELD_INT64, true),
    RECORD_FIELD(struct outer, flag, FIELD_BOOL, false),
    RECORD_NAMED(struct outer, mood, moods, false),
    RECORD_COUNTED(struct outer, words, word_count, FIELD_STRINGS, false),
    RECORD_FIELD(struct outer, argv, FIELD_ARGV, false),
    RECORD_COUNTED(struct outer, codes, code_count, FIELD_INTS, false),
    RECORD_NESTED(struct outer, one, inner, false),
    RECORD_ARRAY(struct outer, many, many_count, inner, true),
    {.name = "twice",
     .type = FIELD_CUSTOM,
     .offset = RECORD_OFFSET(struct outer, twice, int),
     .custom = &twice},
};
static RECORD(outer, struct outer, outer_fields);

static const char all_of_it[] =
    "{\"text\":\"a\",\"number\":3,\"large\":9000000000,\"flag\":true,\"mood\":\"loud\","
    "\"words\":[\"x\",\"y\"],\"argv\":[\"z\"],\"codes\":[1,2],\"one\":{\"name\":\"n\"},"
    "\"many\":[{\"name\":\"p\"},{\"name\":\"q\"}],\"twice\":8}";

static int read_text(const char *text, struct arena *arena, struct outer *into, struct error *err)
{
    cleanup_json cJSON *json = cJSON_Parse(text);
    *into = (struct outer){0};
    return record_read(&outer, json, arena, into, err);
}

static void expect_written(const struct outer *from, bool spec_only, const char *expected)
{
    cleanup_json cJSON *json = cJSON_CreateObject();
    record_write(&outer, from, spec_only, json);
    cleanup_free char *text = cJSON_PrintUnformatted(json);
    assert_string_equal(text, expected);
}

static void test_there_and_back(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct outer value;
    assert_int_equal(read_text(all_of_it, &arena, &value, NULL), 0);
    assert_int_equal(value.twice, 4);
    assert_int_equal(value.mood, LOUD);
    assert_null(value.argv[1]);
    assert_string_equal(value.many[1].name, "q");
    expect_written(&value, false, all_of_it);
    expect_written(&value, true,
                   "{\"text\":\"a\",\"large\":9000000000,\"many\":[{\"name\":\"p\"},{\"name\":\"q\"}]}");
    arena_free(&arena);
}

static void test_zero_is_not_written(void **state)
{
    (void)state;
    struct outer value = {0};
    expect_written(&value, false, "{}");
}

static void test_unknown_members_are_ignored(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct outer value;
    assert_int_equal(read_text("{\"later\":1,\"number\":2}", &arena, &value, NULL), 0);
    assert_int_equal(value.number, 2);
    arena_free(&arena);
}

static void test_wrong_types_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *member;
    } rows[] = {
        {"{\"text\":1}", "\"text\""},
        {"{\"number\":\"1\"}", "\"number\""},
        {"{\"flag\":1}", "\"flag\""},
        {"{\"mood\":\"sad\"}", "\"mood\""},
        {"{\"words\":[1]}", "\"words\""},
        {"{\"argv\":{}}", "\"argv\""},
        {"{\"codes\":[\"1\"]}", "\"codes\""},
        {"{\"one\":[]}", "\"one\""},
        {"{\"many\":[{\"name\":1}]}", "member \"many\": member \"name\" has a wrong type"},
        {"{\"twice\":\"8\"}", "\"twice\""},
        {"[]", "an object was expected"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct arena arena = {0};
        struct outer value;
        cleanup_error struct error error = {0};
        assert_int_equal(read_text(rows[i].text, &arena, &value, &error), -1);
        assert_int_equal(error.code, ERROR_PROTOCOL);
        assert_non_null(strstr(error.text, rows[i].member));
        arena_free(&arena);
    }
}

/* It is known to its owner's reader alone, who says what he did not understand. */
static void test_a_value_without_a_name_is_refused(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct outer value = {.mood = (enum mood)7}, copy = {0};
    cleanup_error struct error error = {0};
    cleanup_json cJSON *json = cJSON_CreateObject();

    record_write(&outer, &value, false, json);
    assert_int_equal(record_read(&outer, json, &arena, &copy, &error), -1);
    assert_non_null(strstr(error.text, "\"mood\""));
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_zero_is_not_written),
        cmocka_unit_test(test_unknown_members_are_ignored),
        cmocka_unit_test(test_wrong_types_are_named),
        cmocka_unit_test(test_a_value_without_a_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
