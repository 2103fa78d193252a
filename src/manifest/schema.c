/* The JSON Schema of the manifest (draft 07, which editors know best), from the field tables.
 *
 * A shape becomes the list of what it accepts; a table becomes a definition, made once. Wherever a number or
 * a choice is wanted, a text with ${…} is one too, since types are looked at after interpolation. */
#include "manifest/root.h"

#include <string.h>

static cJSON *schema_of(const struct shape *shape, const struct field *field, cJSON *definitions);

static void add_to(cJSON *list, const char *type)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "type", type);
    cJSON_AddItemToArray(list, item);
}

static void add_interpolated(cJSON *list)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "type", "string");
    json_add_string(item, "pattern", "\\$\\{");
    cJSON_AddItemToArray(list, item);
}

static void add_choices(cJSON *list, const struct shape *shape)
{
    cJSON *item = cJSON_CreateObject();
    cJSON *values = json_add_array(item, "enum");
    for (size_t i = shape->first_choice; i < shape->choices->count; i++)
        cJSON_AddItemToArray(values, cJSON_CreateString(shape->choices->texts[i]));
    cJSON_AddItemToArray(list, item);
    add_interpolated(list);
}

static void add_integer(cJSON *list, const struct shape *shape, const struct field *field)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "type", "integer");
    if (shape == &shape_port) {
        json_add_int(item, "minimum", 1);
        json_add_int(item, "maximum", 65535);
    } else if (field && field->max && (shape == &shape_number || shape == &shape_number_64)) {
        json_add_int(item, "minimum", field->min);
        json_add_int(item, "maximum", field->max);
    }
    cJSON_AddItemToArray(list, item);
}

static void add_text(cJSON *list, const struct shape *shape)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "type", "string");
    if (shape->pattern) {
        cleanup_free char *pattern = xasprintf("(%s)|\\$\\{", shape->pattern);
        json_add_string(item, "pattern", pattern);
    }
    cJSON_AddItemToArray(list, item);
}

struct schema_target {
    cJSON *properties, *definitions;
};

static void add_property(const struct field *field, void *data)
{
    struct schema_target *target = data;
    cJSON *property = schema_of(field->shape, field, target->definitions);
    cleanup_free char *text = NULL;
    if (field->fallback)
        text = xasprintf("%s Default: %s.", field->help, field->fallback);
    else
        text = xstrdup(field->help);
    json_add_string(property, "description", text);
    cJSON_AddItemToObject(target->properties, field->name, property);
}

static void fill_table(cJSON *object, const struct table *table, cJSON *definitions)
{
    json_add_string(object, "type", "object");
    struct schema_target target = {json_add_object(object, "properties"), definitions};
    manifest_each_field(table, add_property, &target);
    json_add_object(json_add_object(object, "patternProperties"), "^x-");
    json_add_bool(object, "additionalProperties", false);
}

static void add_table(cJSON *list, const struct table *table, cJSON *definitions)
{
    if (!json_get(definitions, table->name))
        fill_table(json_add_object(definitions, table->name), table, definitions);
    cJSON *item = cJSON_CreateObject();
    cleanup_free char *path = xasprintf("#/definitions/%s", table->name);
    json_add_string(item, "$ref", path);
    cJSON_AddItemToArray(list, item);
}

static void add_collection(cJSON *list, const struct shape *shape, const char *type, const char *key,
                           cJSON *definitions)
{
    cJSON *item = cJSON_CreateObject();
    json_add_string(item, "type", type);
    cJSON_AddItemToObject(item, key, schema_of(shape->item, NULL, definitions));
    cJSON_AddItemToArray(list, item);
}

static void add_scalars(cJSON *list, const struct shape *shape, const struct field *field)
{
    if (shape->choices)
        add_choices(list, shape);
    if (shape->accept & ACCEPT_BOOL)
        add_to(list, "boolean");
    if (shape->accept & ACCEPT_INT)
        add_integer(list, shape, field);
    if ((shape->accept & ACCEPT_SCALAR) == ACCEPT_SCALAR)
        add_to(list, "number");
    if ((shape->accept & ACCEPT_TEXT) && !shape->choices)
        add_text(list, shape);
    else if (shape->accept & (ACCEPT_BOOL | ACCEPT_INT))
        add_interpolated(list);
    if (shape->accept & ACCEPT_NULL)
        add_to(list, "null");
}

static cJSON *schema_of(const struct shape *shape, const struct field *field, cJSON *definitions)
{
    cJSON *schema = cJSON_CreateObject();
    cJSON *list = json_add_array(schema, "anyOf");
    add_scalars(list, shape, field);
    if (shape->accept & ACCEPT_TABLE && shape->table)
        add_table(list, shape->table, definitions);
    if (shape->accept & ACCEPT_LIST)
        add_collection(list, shape, "array", "items", definitions);
    if (shape->accept & ACCEPT_MAP)
        add_collection(list, shape, "object", "additionalProperties", definitions);
    return schema;
}

/* --- resources: the kind decides --- */

static cJSON *kind_names(void)
{
    cJSON *names = cJSON_CreateArray();
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++)
        cJSON_AddItemToArray(names, cJSON_CreateString(model_kind_name((enum model_kind)kind)));
    return names;
}

static cJSON *when_kind(enum model_kind kind, cJSON *definitions)
{
    const char *name = model_kind_name(kind);
    cJSON *rule = cJSON_CreateObject();
    cJSON *type = json_add_object(json_add_object(json_add_object(rule, "if"), "properties"), "type");
    json_add_string(type, "const", name);
    cleanup_free char *path = xasprintf("#/definitions/%s", name);
    json_add_string(json_add_object(rule, "then"), "$ref", path);
    if (!json_get(definitions, name))
        fill_table(json_add_object(definitions, name), manifest_kind_table(kind), definitions);
    return rule;
}

static void add_resource(cJSON *definitions)
{
    cJSON *list = json_add_array(json_add_object(definitions, "resource"), "anyOf");
    cJSON *brief = cJSON_CreateObject(), *whole = cJSON_CreateObject();
    cJSON_AddItemToObject(brief, "enum", kind_names());
    cJSON_AddItemToArray(list, brief);
    json_add_string(whole, "type", "object");
    cJSON_AddItemToObject(json_add_object(json_add_object(whole, "properties"), "type"), "enum",
                          kind_names());
    cJSON_AddItemToArray(json_add_array(whole, "required"), cJSON_CreateString("type"));
    cJSON *rules = json_add_array(whole, "allOf");
    for (int kind = 0; kind < MODEL_KIND_COUNT; kind++)
        cJSON_AddItemToArray(rules, when_kind((enum model_kind)kind, definitions));
    cJSON_AddItemToArray(list, whole);
}

static void point_to_resource(cJSON *root)
{
    cJSON *resources = json_path(root, "properties.resources");
    cJSON *map = cJSON_CreateObject();
    json_add_string(map, "$ref", "#/definitions/resource");
    cJSON *first = cJSON_GetArrayItem(json_get(resources, "anyOf"), 0);
    cJSON_ReplaceItemInObjectCaseSensitive(first, "additionalProperties", map);
}

char *manifest_schema_json(void)
{
    cJSON *root = cJSON_CreateObject(), *definitions = cJSON_CreateObject();
    json_add_string(root, "$schema", "http://json-schema.org/draft-07/schema#");
    json_add_string(root, "title", "apphost.yaml");
    json_add_string(root, "description", "What an application is made of: see apphost.yaml(5).");
    fill_table(root, &table_manifest, definitions);
    cJSON_AddItemToArray(json_add_array(root, "required"), cJSON_CreateString("resources"));
    add_resource(definitions);
    point_to_resource(root);
    cJSON_AddItemToObject(root, "definitions", definitions);
    char *text = cJSON_Print(root);
    char *copy = xasprintf("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(root);
    return copy;
}
