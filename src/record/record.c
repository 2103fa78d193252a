/* Walks a record's fields for writing, reading, and for the specification. Unknown members are ignored: a
 * newer client talks to an older supervisor. See record.h. */
#include "record/record.h"

#include <string.h>

#define AT(base, offset, type) (*(type *)((char *)(base) + (offset)))
#define CONST_AT(base, offset, type) (*(type const *)((const char *)(base) + (offset)))

static void write_strings(const struct record_field *f, const void *from, cJSON *into)
{
    const char **items = CONST_AT(from, f->offset, const char **);
    size_t count = 0;
    if (f->type == FIELD_STRINGS)
        count = CONST_AT(from, f->count_offset, size_t);
    for (; f->type == FIELD_ARGV && items && items[count]; count++)
        ;
    if (!count)
        return;
    cJSON *array = json_add_array(into, f->name);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(items[i]));
}

static void write_ints(const struct record_field *f, const void *from, cJSON *into)
{
    const int *items = CONST_AT(from, f->offset, int *);
    size_t count = CONST_AT(from, f->count_offset, size_t);
    if (!count)
        return;
    cJSON *array = json_add_array(into, f->name);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(items[i]));
}

static void write_array(const struct record_field *f, const void *from, bool spec_only, cJSON *into)
{
    const char *items = CONST_AT(from, f->offset, char *);
    size_t count = CONST_AT(from, f->count_offset, size_t);
    if (!count && !f->always)
        return;
    cJSON *array = json_add_array(into, f->name);
    for (size_t i = 0; i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        record_write(f->sub, items + i * f->sub->size, spec_only, item);
        cJSON_AddItemToArray(array, item);
    }
}

static void write_struct(const struct record_field *f, const void *from, bool spec_only, cJSON *into)
{
    cJSON *item = cJSON_CreateObject();
    record_write(f->sub, (const char *)from + f->offset, spec_only, item);
    if (item->child)
        cJSON_AddItemToObject(into, f->name, item);
    else
        cJSON_Delete(item);
}

static void write_custom(const struct record_field *f, const void *from, bool spec_only, cJSON *into)
{
    cJSON *value = f->custom->write((const char *)from + f->offset, spec_only);
    if (value)
        cJSON_AddItemToObject(into, f->name, value);
}

static void write_scalar(const struct record_field *f, const void *from, cJSON *into)
{
    int64_t number = 0;
    switch (f->type) {
    case FIELD_STRING:
        json_add_string(into, f->name, CONST_AT(from, f->offset, char *));
        return;
    case FIELD_INT:
        number = CONST_AT(from, f->offset, int);
        break;
    case FIELD_INT64:
        number = CONST_AT(from, f->offset, int64_t);
        break;
    case FIELD_BOOL:
        if (f->always || CONST_AT(from, f->offset, bool))
            json_add_bool(into, f->name, CONST_AT(from, f->offset, bool));
        return;
    case FIELD_MAYBE:
        if (CONST_AT(from, f->offset, struct record_maybe).is_known)
            json_add_int(into, f->name, CONST_AT(from, f->offset, struct record_maybe).value);
        return;
    case FIELD_NAME:
        if (CONST_AT(from, f->offset, int))
            json_add_string(into, f->name, names_text(f->names, (size_t)CONST_AT(from, f->offset, int)));
        return;
    default:
        return;
    }
    if (number || f->always)
        json_add_int(into, f->name, number);
}

void record_write(const struct record *record, const void *from, bool spec_only, cJSON *into)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct record_field *f = &record->fields[i];
        if (spec_only && !f->in_spec)
            continue;
        switch (f->type) {
        case FIELD_CUSTOM:
            write_custom(f, from, spec_only, into);
            break;
        case FIELD_STRINGS:
        case FIELD_ARGV:
            write_strings(f, from, into);
            break;
        case FIELD_INTS:
            write_ints(f, from, into);
            break;
        case FIELD_ARRAY:
            write_array(f, from, spec_only, into);
            break;
        case FIELD_STRUCT:
            write_struct(f, from, spec_only, into);
            break;
        default:
            write_scalar(f, from, into);
        }
    }
}

static bool read_strings(const struct record_field *f, const cJSON *json, struct arena *arena, void *into)
{
    size_t count = (size_t)json_count(json), i = 0;
    const char **items = arena_alloc(arena, (count + 1) * sizeof *items);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsString(item))
            return false;
        items[i++] = arena_strdup(arena, item->valuestring);
    }
    AT(into, f->offset, const char **) = items;
    if (f->type == FIELD_STRINGS)
        AT(into, f->count_offset, size_t) = count;
    return cJSON_IsArray(json);
}

static bool read_ints(const struct record_field *f, const cJSON *json, struct arena *arena, void *into)
{
    size_t count = (size_t)json_count(json), i = 0;
    int *items = arena_alloc(arena, (count + 1) * sizeof *items);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (!cJSON_IsNumber(item))
            return false;
        items[i++] = item->valueint;
    }
    AT(into, f->offset, int *) = items;
    AT(into, f->count_offset, size_t) = count;
    return cJSON_IsArray(json);
}

static bool read_array(const struct record_field *f, const cJSON *json, struct arena *arena, void *into,
                       struct error *err)
{
    size_t count = (size_t)json_count(json), i = 0;
    char *items = arena_alloc(arena, (count + 1) * f->sub->size);
    const cJSON *item;
    cJSON_ArrayForEach(item, json)
    {
        if (record_read(f->sub, item, arena, items + i++ * f->sub->size, err) < 0)
            return false;
    }
    AT(into, f->offset, char *) = items;
    AT(into, f->count_offset, size_t) = count;
    return cJSON_IsArray(json);
}

static bool read_name(const struct record_field *f, const cJSON *json, void *into)
{
    int value = names_find(f->names, cJSON_GetStringValue(json));

    if (value >= 0)
        AT(into, f->offset, int) = value;
    return value >= 0;
}

static bool read_field(const struct record_field *f, const cJSON *json, struct arena *arena, void *into,
                       struct error *err)
{
    switch (f->type) {
    case FIELD_STRING:
        AT(into, f->offset, const char *) = NULL;
        if (!cJSON_IsString(json))
            return false;
        AT(into, f->offset, const char *) = arena_strdup(arena, json->valuestring);
        return true;
    case FIELD_INT:
        AT(into, f->offset, int) = json->valueint;
        return cJSON_IsNumber(json);
    case FIELD_INT64:
        AT(into, f->offset, int64_t) = (int64_t)json->valuedouble;
        return cJSON_IsNumber(json);
    case FIELD_MAYBE:
        AT(into, f->offset, struct record_maybe) = (struct record_maybe){true, (int64_t)json->valuedouble};
        return cJSON_IsNumber(json);
    case FIELD_BOOL:
        AT(into, f->offset, bool) = cJSON_IsTrue(json);
        return cJSON_IsBool(json);
    case FIELD_NAME:
        return read_name(f, json, into);
    case FIELD_CUSTOM:
        return f->custom->read(json, arena, (char *)into + f->offset);
    case FIELD_STRINGS:
    case FIELD_ARGV:
        return read_strings(f, json, arena, into);
    case FIELD_INTS:
        return read_ints(f, json, arena, into);
    case FIELD_ARRAY:
        return read_array(f, json, arena, into, err);
    case FIELD_STRUCT:
        return record_read(f->sub, json, arena, (char *)into + f->offset, err) == 0;
    }
    return false;
}

int record_read(const struct record *record, const cJSON *json, struct arena *arena, void *into,
                struct error *err)
{
    if (!cJSON_IsObject(json))
        return error_set(err, ERROR_PROTOCOL, "an object was expected");
    for (size_t i = 0; i < record->count; i++) {
        const struct record_field *f = &record->fields[i];
        const cJSON *value = json_get(json, f->name);
        if (!value || read_field(f, value, arena, into, err))
            continue;
        if (error_is_set(err)) /* of a record inside */
            return error_wrap(err, "member \"%s\"", f->name);
        return error_set(err, ERROR_PROTOCOL, "member \"%s\" has a wrong type", f->name);
    }
    return 0;
}

int record_take(const struct record *record, const cJSON *json, struct arena *arena, void *into,
                const char *what, struct error *err)
{
    memset(into, 0, record->size);
    if (record_read(record, json, arena, into, err))
        return error_wrap(err, "%s", what);
    return 0;
}

cJSON *record_to_json(const struct record *record, const void *from)
{
    cJSON *json = cJSON_CreateObject();
    record_write(record, from, false, json);
    return json;
}

const struct record_field *record_find(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->fields[i].name, name) == 0)
            return &record->fields[i];
    return NULL;
}

/* Parts that somebody else reads and writes: they stay where they are. */
static cJSON *refer(const void *value, bool spec_only)
{
    const cJSON *const *json = value;
    (void)spec_only;
    if (cJSON_IsArray(*json))
        return cJSON_CreateArrayReference((*json)->child);
    if (*json)
        return cJSON_CreateObjectReference((*json)->child);
    return NULL;
}

static bool borrow(const cJSON *json, struct arena *arena, void *value)
{
    const cJSON **at = value;
    (void)arena;
    *at = json;
    return true;
}

const struct record_custom record_borrowed = {refer, borrow};
