/* What becomes of each field of the manifest on each target (room deployment): the table holds exactly the
 * fields that the manifest's own tables have. */
#include "deployment/deployment.h"
#include "manifest/manifest.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static bool has_row(const char *field, const char *const *tables)
{
    for (const struct deployment_field *row = deployment_fields(); row->table; row++)
        for (size_t i = 0; tables[i]; i++)
            if (strcmp(row->table, tables[i]) == 0 && strcmp(row->field, field) == 0)
                return true;
    return false;
}

static void expect_all(const cJSON *schema, const char *kind, const char *const *tables)
{
    const cJSON *field;
    const cJSON *definition = json_get(json_get(schema, "$defs"), kind);
    if (!definition)
        definition = json_get(json_get(schema, "definitions"), kind);
    assert_non_null(definition);
    cJSON_ArrayForEach(field, json_get(definition, "properties"))
    {
        if (!has_row(field->string, tables))
            fail_msg("nothing says what becomes of `%s` of %s", field->string, kind);
    }
}

static void every_field_has_its_row(void **state)
{
    (void)state;
    static const char *const server[] = {"common", "running", "hosted", "server",
                                         "redis",  "valkey",  "garnet", NULL};
    static const char *const process[] = {"common", "running", "process", NULL};
    static const char *const container[] = {"common", "running", "hosted", "container", NULL};
    static const char *const connection[] = {"common", "connection-string", NULL};
    static const char *const external[] = {"common", "external", NULL};
    static const char *const publish[] = {"publish", NULL};
    cleanup_free char *text = manifest_schema_json();
    cleanup_json cJSON *schema = json_parse(text, strlen(text), NULL);
    expect_all(schema, "redis", server);
    expect_all(schema, "valkey", server);
    expect_all(schema, "garnet", server);
    expect_all(schema, "process", process);
    expect_all(schema, "container", container);
    expect_all(schema, "connection-string", connection);
    expect_all(schema, "external", external);
    expect_all(schema, "publish", publish);
}

static void top_level_has_its_rows(void **state)
{
    (void)state;
    static const char *const top[] = {"manifest", NULL};
    cleanup_free char *text = manifest_schema_json();
    cleanup_json cJSON *schema = json_parse(text, strlen(text), NULL);
    const cJSON *field;
    cJSON_ArrayForEach(field, json_get(schema, "properties"))
    {
        if (!has_row(field->string, top))
            fail_msg("nothing says what becomes of `%s`", field->string);
    }
}

/* Whoever is refused or gets something else is told why. */
static void what_is_not_kept_has_words(void **state)
{
    (void)state;
    for (const struct deployment_field *row = deployment_fields(); row->table; row++)
        for (int target = 0; target < DEPLOYMENT_TARGET_COUNT; target++)
            if (row->fate[target] != DEPLOYMENT_KEPT && !row->words)
                fail_msg("`%s` of %s has no words", row->field, row->table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_has_its_row),
        cmocka_unit_test(top_level_has_its_rows),
        cmocka_unit_test(what_is_not_kept_has_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
