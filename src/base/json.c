/* Getters and builders over cJSON; see json.h for why its own are not used. */
#include "base/json.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below it a double has every digit and is printed with all of them. */
#define EXACT INT64_C(1000000000000000)

cJSON *json_parse(const char *text, size_t length, struct error *err)
{
    const char *end = text;
    cJSON *document = NULL;
    if (length)
        document = cJSON_ParseWithLengthOpts(text, length, &end, false);
    while (document && end < text + length && *end && strchr(" \t\r\n", *end))
        end++;
    if (document && (end == text + length || !*end))
        return document;
    cJSON_Delete(document);
    error_set(err, ERROR_PROTOCOL, "not valid JSON at byte %lld", (long long)(end - text));
    return NULL;
}

void json_free(cJSON **document)
{
    cJSON_Delete(*document);
    *document = NULL;
}

cJSON *json_get(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

cJSON *json_path(const cJSON *object, const char *dotted)
{
    cJSON *value = (cJSON *)object;
    char key[64];
    while (value && *dotted) {
        size_t n = strcspn(dotted, ".");
        if (n >= sizeof key)
            return NULL;
        memcpy(key, dotted, n);
        key[n] = '\0';
        value = json_get(value, key);
        dotted += n + (dotted[n] == '.');
    }
    return value;
}

const char *json_string(const cJSON *object, const char *key, const char *fallback)
{
    const cJSON *value = json_get(object, key);
    return cJSON_IsString(value) ? value->valuestring : fallback;
}

int64_t json_int(const cJSON *object, const char *key, int64_t fallback)
{
    const cJSON *value = json_get(object, key);
    int64_t exact;
    if (cJSON_IsRaw(value) && str_to_int64(value->valuestring, INT64_MIN, INT64_MAX, &exact))
        return exact;
    if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble) || fabs(value->valuedouble) > 9e15)
        return fallback;
    return (int64_t)value->valuedouble;
}

bool json_bool(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *value = json_get(object, key);
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
}

int json_count(const cJSON *array)
{
    return cJSON_IsArray(array) ? cJSON_GetArraySize(array) : 0;
}

void json_add_string(cJSON *object, const char *key, const char *text)
{
    if (text)
        cJSON_AddStringToObject(object, key, text);
}

void json_add_int(cJSON *object, const char *key, int64_t value)
{
    if (value > -EXACT && value < EXACT) {
        cJSON_AddNumberToObject(object, key, (double)value);
        return;
    }
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    cJSON_AddRawToObject(object, key, digits);
}

void json_add_bool(cJSON *object, const char *key, bool value)
{
    cJSON_AddBoolToObject(object, key, value);
}

cJSON *json_add_object(cJSON *object, const char *key)
{
    return cJSON_AddObjectToObject(object, key);
}

cJSON *json_add_array(cJSON *object, const char *key)
{
    return cJSON_AddArrayToObject(object, key);
}

void json_add_strings(cJSON *object, const char *key, const struct strlist *list)
{
    cJSON *array = json_add_array(object, key);
    for (size_t i = 0; i < list->count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateString(list->items[i]));
}

bool json_get_strings(const cJSON *object, const char *key, struct strlist *list)
{
    const cJSON *array = json_get(object, key), *item;
    if (!cJSON_IsArray(array))
        return false;
    cJSON_ArrayForEach(item, array)
    {
        if (!cJSON_IsString(item))
            return false;
        strlist_add(list, item->valuestring);
    }
    return true;
}

char *json_print(const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    if (!text)
        return xstrdup("null");
    return text;
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

static void sort_members(cJSON *value)
{
    size_t count = (size_t)cJSON_GetArraySize(value), i = 0;

    for (cJSON *item = value->child; item; item = item->next)
        if (item->child)
            sort_members(item);
    if (!cJSON_IsObject(value) || count < 2)
        return;

    cJSON **items = xcalloc(count, sizeof *items);
    for (cJSON *item = value->child; item; item = item->next)
        items[i++] = item;
    qsort(items, count, sizeof *items, compare_keys);
    items[0]->prev = items[count - 1]; /* cJSON's way to the end of a list; the other way is open */
    items[count - 1]->next = NULL;
    for (i = 1; i < count; i++) {
        items[i]->prev = items[i - 1];
        items[i - 1]->next = items[i];
    }
    value->child = items[0];
    free(items);
}

char *json_print_canonical(const cJSON *value)
{
    cJSON *copy = cJSON_Duplicate(value, true);
    if (copy)
        sort_members(copy);
    char *text = json_print(copy);
    cJSON_Delete(copy);
    return text;
}
