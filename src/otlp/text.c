/* OTLP/JSON: what was sent to a tree that has only what the tables have, of the types that they say. Numbers
 * of 64 bits may come as numbers or as strings, enums as numbers. */
#include "otlp/messages.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct text_reader {
    struct error *err;
    int depth;
};

static cJSON *refuse(struct error *err, const char *name, const char *why)
{
    error_set(err, ERROR_USAGE, "that is no OTLP: %s %s", name, why);
    return NULL;
}

/* Before a tree is made of it: how many values it can have at most. */
static bool is_affordable(const char *text, size_t length)
{
    size_t values = 0;
    bool is_inside = false;
    for (size_t i = 0; i < length; i++) {
        if (is_inside && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            is_inside = !is_inside;
        else if (!is_inside && (text[i] == ',' || text[i] == '{' || text[i] == '['))
            values++;
    }
    return values <= OTLP_VALUES;
}

/* ---- values ---- */

static cJSON *read_hex(const cJSON *json)
{
    enum { LONGEST = 32 };
    if (!cJSON_IsString(json) || strlen(json->valuestring) > LONGEST)
        return NULL;
    for (const char *c = json->valuestring; *c; c++)
        if (!isxdigit((unsigned char)*c))
            return NULL;
    cleanup_free char *lower = str_lower(json->valuestring);
    return cJSON_CreateString(lower);
}

static cJSON *read_signed(const cJSON *json)
{
    int64_t value = 0;
    if (cJSON_IsString(json) && str_to_int64(json->valuestring, INT64_MIN, INT64_MAX, &value))
        return otlp_signed_value(value);
    if (cJSON_IsNumber(json) && json->valuedouble > -9e18 && json->valuedouble < 9e18)
        return otlp_signed_value((int64_t)json->valuedouble);
    return NULL;
}

static cJSON *read_unsigned(const cJSON *json)
{
    if (cJSON_IsNumber(json) && json->valuedouble >= 0 && json->valuedouble < 1.8e19)
        return otlp_unsigned_value((uint64_t)json->valuedouble);
    if (!cJSON_IsString(json) || !isdigit((unsigned char)*json->valuestring))
        return NULL;
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(json->valuestring, &end, 10);
    if (*end || errno)
        return NULL;
    return otlp_unsigned_value(value);
}

static cJSON *read_small(const cJSON *json)
{
    if (cJSON_IsNumber(json) && json->valuedouble >= INT32_MIN && json->valuedouble <= UINT32_MAX)
        return cJSON_CreateNumber((double)(int64_t)json->valuedouble);
    return NULL;
}

static cJSON *read_double(const cJSON *json)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    if (cJSON_IsNumber(json))
        return otlp_double_value(json->valuedouble);
    for (size_t i = 0; cJSON_IsString(json) && i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i], json->valuestring))
            return cJSON_CreateString(words[i]);
    return NULL;
}

static cJSON *read_string(const cJSON *json)
{
    if (!cJSON_IsString(json))
        return NULL;
    return otlp_text_value(json->valuestring, strlen(json->valuestring));
}

static cJSON *read_scalar(enum otlp_kind kind, const cJSON *json)
{
    switch (kind) {
    case OTLP_TEXT:
    case OTLP_BASE64:
        return read_string(json);
    case OTLP_HEX:
        return read_hex(json);
    case OTLP_INT64:
    case OTLP_SFIXED64:
        return read_signed(json);
    case OTLP_UINT64:
    case OTLP_FIXED64:
        return read_unsigned(json);
    case OTLP_DOUBLE:
        return read_double(json);
    case OTLP_BOOL:
        if (cJSON_IsBool(json))
            return cJSON_CreateBool(cJSON_IsTrue(json));
        return NULL;
    default:
        return read_small(json);
    }
}

/* ---- messages ---- */

static cJSON *read_object(struct text_reader *reader, const struct otlp_message *message, const char *name,
                          const cJSON *json);

static cJSON *read_value(struct text_reader *reader, const struct otlp_field *row, const cJSON *json)
{
    cJSON *value = NULL;
    if (row->kind == OTLP_MESSAGE)
        return read_object(reader, row->message, row->name, json);
    value = read_scalar(row->kind, json);
    if (!value)
        return refuse(reader->err, row->name, "is of another type");
    return value;
}

static cJSON *read_list(struct text_reader *reader, const struct otlp_field *row, const cJSON *json)
{
    cJSON *list = NULL;
    const cJSON *entry;
    if (!cJSON_IsArray(json))
        return refuse(reader->err, row->name, "is no list");
    list = cJSON_CreateArray();
    cJSON_ArrayForEach(entry, json)
    {
        cJSON *value = read_value(reader, row, entry);
        if (!value) {
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, value);
    }
    return list;
}

static const struct otlp_field *find_row(const struct otlp_message *message, const char *name)
{
    for (size_t i = 0; i < message->count; i++)
        if (!strcmp(message->fields[i].name, name))
            return &message->fields[i];
    return NULL;
}

static bool read_member(struct text_reader *reader, const struct otlp_message *message, const cJSON *member,
                        cJSON *into)
{
    const struct otlp_field *row = find_row(message, member->string);
    cJSON *value = NULL;
    if (!row || cJSON_IsNull(member) || json_get(into, row->name))
        return true;
    if (row->is_list)
        value = read_list(reader, row, member);
    else
        value = read_value(reader, row, member);
    return value && cJSON_AddItemToObjectCS(into, row->name, value);
}

static cJSON *read_object(struct text_reader *reader, const struct otlp_message *message, const char *name,
                          const cJSON *json)
{
    cJSON *into = NULL;
    const cJSON *member;
    bool is_good = true;
    if (!cJSON_IsObject(json))
        return refuse(reader->err, name, "is no object");
    if (reader->depth >= OTLP_DEPTH)
        return refuse(reader->err, name, "is nested too deep");

    reader->depth++;
    into = cJSON_CreateObject();
    cJSON_ArrayForEach(member, json) is_good = is_good && read_member(reader, message, member, into);
    reader->depth--;
    if (is_good)
        return into;
    cJSON_Delete(into);
    return NULL;
}

cJSON *otlp_from_json(const struct otlp_message *message, const char *text, size_t length, struct error *err)
{
    struct text_reader reader = {.err = err};
    cleanup_error struct error why = {0};
    if (!is_affordable(text, length)) {
        error_set(err, ERROR_SPACE, "more than %d values in one export", OTLP_VALUES);
        return NULL;
    }
    cleanup_json cJSON *json = json_parse(text, length, &why);
    if (!json)
        return refuse(err, "the body", why.text);
    return read_object(&reader, message, "the body", json);
}
