/* Reading a map by its table: look up, check the YAML kind, hand over to the shape. */
#include "manifest/field.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 128 };

const struct field *manifest_find_field(const struct table *table, const char *name)
{
    for (; table; table = table->base)
        for (size_t i = 0; i < table->count; i++)
            if (strcmp(table->fields[i].name, name) == 0)
                return &table->fields[i];
    return NULL;
}

void manifest_each_field(const struct table *table, void (*visit)(const struct field *field, void *data),
                         void *data)
{
    for (size_t i = 0; i < table->count; i++)
        visit(&table->fields[i], data);
    if (table->base)
        manifest_each_field(table->base, visit, data);
}

struct known_names {
    const char *items[MAX_NAMES];
    size_t count;
};

static void collect_name(const struct field *field, void *data)
{
    struct known_names *names = data;
    if (names->count < MAX_NAMES)
        names->items[names->count++] = field->name;
}

static void report_unknown(struct loader *l, const struct table *table, const struct yaml_node *key)
{
    manifest_problem(l, key, "%s has no field `%s`", table->help, key->text);
    const char *ours = manifest_foreign_word(table->name, key->text);
    if (ours) {
        manifest_hint(l, "%s", ours);
        return;
    }
    struct known_names names = {.count = 0};
    manifest_each_field(table, collect_name, &names);
    manifest_hint_nearest(l, key->text, names.items, names.count, NULL);
}

static bool has_kind(const struct shape *shape, const struct yaml_node *value)
{
    if (value->kind == NODE_LIST)
        return shape->accept & ACCEPT_LIST;
    if (value->kind == NODE_MAP)
        return shape->accept & (ACCEPT_TABLE | ACCEPT_MAP);
    return shape->accept & ACCEPT_SCALAR;
}

static NAMES(kinds, NODE_KINDS, [NODE_LIST] = "a list", [NODE_MAP] = "a map", [NODE_SCALAR] = "text");

static const char *describe(const struct yaml_node *value)
{
    return names_text(&kinds, value->kind);
}

int manifest_bad_value(struct loader *l, const struct field *field, const struct yaml_node *value)
{
    if (value->kind != NODE_SCALAR)
        return manifest_problem(l, value, "`%s` must be %s, not %s", field->name, field->shape->words,
                                describe(value));
    bool wants_list = (field->shape->accept & ~(unsigned)ACCEPT_NULL) == ACCEPT_LIST;
    /* What a variable holds may be a secret: only what the file says is repeated. */
    if (strchr(value->text, '$'))
        return manifest_problem(l, value, "`%s` must be %s; what `%.60s` gives is none", field->name,
                                field->shape->words, value->text);
    manifest_problem(l, value, "`%s` must be %s, not `%.60s`", field->name, field->shape->words, value->text);
    if (wants_list && *value->text)
        manifest_hint(l, "a list has brackets: `%s: [%.60s]`", field->name, value->text);
    return -1;
}

static void read_field(struct loader *l, const struct field *field, struct yaml_node *value, void *object)
{
    if (manifest_is_null(value) && !(field->shape->accept & ACCEPT_NULL))
        return;
    size_t most = field->shape->most;
    if (!has_kind(field->shape, value))
        manifest_bad_value(l, field, value);
    else if (most && value->count > most)
        manifest_problem(l, value, "`%s` has more than %zu items", field->name, most);
    else
        field->shape->read(l, field, value, object);
}

int manifest_read_table(struct loader *l, const struct table *table, struct yaml_node *map, void *object)
{
    size_t before = l->problems->errors;
    for (size_t i = 0; i < map->count; i++) {
        const struct yaml_node *key = map->keys[i];
        const struct field *field = manifest_find_field(table, key->text);
        if (field)
            read_field(l, field, map->items[i], object);
        else if (!str_starts(key->text, "x-"))
            report_unknown(l, table, key);
    }
    for (const struct table *t = table; t; t = t->base)
        if (t->finish)
            t->finish(l, map, object);
    if (l->problems->errors == before)
        return 0;
    return -1;
}

static int report_range(struct loader *l, const struct field *field, const struct yaml_node *value)
{
    return manifest_problem(l, value, "`%s` must be from %lld to %lld", field->name, (long long)field->min,
                            (long long)field->max);
}

int manifest_read_int64(struct loader *l, const struct field *field, const struct yaml_node *value,
                        int64_t *out)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    int64_t number;
    if (!str_to_int64(text, INT64_MIN, INT64_MAX, &number))
        return manifest_bad_value(l, field, value);
    if (field->max && (number < field->min || number > field->max))
        return report_range(l, field, value);
    *out = number;
    return 0;
}

const char *manifest_meant_bool(const char *text)
{
    static const char *const other[] = {"yes", "no", "on", "off", "y", "n", "true", "false"};
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        if (strcasecmp(text, other[i]) == 0) {
            if (i % 2)
                return "false";
            return "true";
        }
    return NULL;
}

int manifest_read_bool_value(struct loader *l, const struct field *field, const struct yaml_node *value,
                             bool *out)
{
    const char *text = manifest_final(l, value);
    if (!text)
        return -1;
    *out = strcmp(text, "true") == 0;
    if (*out || strcmp(text, "false") == 0)
        return 0;
    manifest_bad_value(l, field, value);
    const char *meant = manifest_meant_bool(text);
    if (meant)
        manifest_hint(l, "write `%s`", meant);
    return -1;
}

int manifest_read_choice(struct loader *l, const struct field *field, const struct yaml_node *value)
{
    const struct enum_names *choices = field->shape->choices;
    size_t first = field->shape->first_choice;
    const char *text = manifest_final(l, value);
    int index = names_find(choices, text);

    if (!text || (index >= 0 && (size_t)index >= first))
        return index;
    manifest_bad_value(l, field, value);
    manifest_hint_nearest(l, text, choices->texts + first, choices->count - first, NULL);
    return -1;
}

size_t manifest_item_count(const struct yaml_node *value)
{
    if (value->kind == NODE_LIST)
        return value->count;
    return 1;
}

struct yaml_node *manifest_item(struct yaml_node *value, size_t index)
{
    if (value->kind == NODE_LIST)
        return value->items[index];
    return value;
}
