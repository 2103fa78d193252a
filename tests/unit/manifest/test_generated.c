/* What is generated from the field tables is whole: each field of each kind stands in the schema and in the
 * manual page, every reference of the schema leads somewhere, and what has choices or bounds says so. */
#include "fixture.h"
#include "manifest/tables.h"

#include <string.h>

static cJSON *read_schema(void)
{
    cleanup_free char *text = manifest_schema_json();
    cJSON *schema = json_parse(text, strlen(text), NULL);
    assert_non_null(schema);
    return schema;
}

static const cJSON *definition(const cJSON *schema, const char *name)
{
    const cJSON *found = json_get(json_get(schema, "definitions"), name);
    if (!found)
        fail_msg("the schema does not define `%s`", name);
    return found;
}

/* ---- references ---- */

static void follow(const cJSON *schema, const cJSON *at)
{
    const char *reference = json_string(at, "$ref", NULL);
    const cJSON *child;
    if (reference) {
        assert_true(str_starts(reference, "#/definitions/"));
        definition(schema, reference + strlen("#/definitions/"));
    }
    cJSON_ArrayForEach(child, at) follow(schema, child);
}

static void references_lead_somewhere(void **state)
{
    (void)state;
    cleanup_json cJSON *schema = read_schema();
    follow(schema, schema);
}

/* ---- fields ---- */

struct walk {
    const cJSON *schema, *properties;
    const char *page, *table;
    int count;
};

static void look_at(const struct field *field, void *data)
{
    struct walk *walk = data;
    const cJSON *property = json_get(walk->properties, field->name);
    if (!property)
        fail_msg("the schema of `%s` has no `%s`", walk->table, field->name);
    const char *description = json_string(property, "description", "");
    assert_true(str_starts(description, field->help));
    if (field->fallback)
        assert_non_null(strstr(description, field->fallback));
    cleanup_free char *entry = xasprintf("\\fB%s\\fR", field->name);
    if (!strstr(walk->page, entry))
        fail_msg("the manual page has no `%s` (of `%s`)", field->name, walk->table);
    walk->count++;
}

static void every_field_of_every_kind_is_there(void **state)
{
    (void)state;
    cleanup_json cJSON *schema = read_schema();
    cleanup_free char *page = manifest_man_page();
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const struct table *table = manifest_kind_table((enum model_kind)i);
        const cJSON *properties = json_get(definition(schema, table->name), "properties");
        struct walk walk = {schema, properties, page, table->name, 0};
        manifest_each_field(table, look_at, &walk);
        assert_true(walk.count > 3);
        assert_int_equal(cJSON_GetArraySize(properties), walk.count);
    }
}

/* What nobody declared is refused by an editor as it is by us. */
static void nothing_else_is_allowed(void **state)
{
    (void)state;
    cleanup_json cJSON *schema = read_schema();
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const struct table *table = manifest_kind_table((enum model_kind)i);
        assert_false(json_bool(definition(schema, table->name), "additionalProperties", true));
    }
}

/* ---- shapes ---- */

static bool has_type(const cJSON *property, const char *type)
{
    const cJSON *choice;
    if (str_eq(json_string(property, "type", NULL), type))
        return true;
    cJSON_ArrayForEach(choice, json_get(property, "anyOf"))
    {
        if (has_type(choice, type))
            return true;
    }
    return false;
}

static const cJSON *find_key(const cJSON *at, const char *key)
{
    const cJSON *child, *found = json_get(at, key);
    cJSON_ArrayForEach(child, at)
    {
        if (!found)
            found = find_key(child, key);
    }
    return found;
}

static void check_shape(const struct field *field, void *data)
{
    struct walk *walk = data;
    const cJSON *property = json_get(walk->properties, field->name);
    if (field->shape->accept == ACCEPT_BOOL)
        assert_true(has_type(property, "boolean"));
    if (field->shape == &shape_number && field->max) {
        assert_int_equal(find_key(property, "minimum")->valueint, field->min);
        assert_int_equal(find_key(property, "maximum")->valueint, field->max);
    }
    if (field->shape == &shape_port)
        assert_int_equal(find_key(property, "maximum")->valueint, 65535);
    if (field->shape->choices && !field->shape->table)
        assert_non_null(find_key(property, "enum"));
}

static void bounds_and_choices_are_said(void **state)
{
    (void)state;
    cleanup_json cJSON *schema = read_schema();
    for (int i = 0; i < MODEL_KIND_COUNT; i++) {
        const struct table *table = manifest_kind_table((enum model_kind)i);
        const cJSON *properties = json_get(definition(schema, table->name), "properties");
        struct walk walk = {schema, properties, "", table->name, 0};
        manifest_each_field(table, check_shape, &walk);
    }
}

/* ---- the manual page ---- */

/* No line may begin with what troff takes for a request, unless it is one. */
static void the_page_is_sound(void **state)
{
    (void)state;
    static const char *const requests[] = {".TH", ".nh", ".ad", ".SH", ".SS", ".TP", ".PP",   ".nf", ".fi",
                                           ".B",  ".I",  ".RS", ".RE", ".IP", ".br", ".\\\"", ".TQ"};
    cleanup_free char *page = manifest_man_page();
    assert_true(str_starts(page, ".TH "));
    char *save = NULL;
    for (char *line = strtok_r(page, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        bool is_known = *line != '.' && *line != '\'';
        for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
            is_known = is_known || str_starts(line, requests[i]);
        if (!is_known)
            fail_msg("not a request of ours: %s", line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_lead_somewhere), cmocka_unit_test(every_field_of_every_kind_is_there),
        cmocka_unit_test(nothing_else_is_allowed),   cmocka_unit_test(bounds_and_choices_are_said),
        cmocka_unit_test(the_page_is_sound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
