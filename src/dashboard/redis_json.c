/* Redis' replies as JSON, any bytes kept. See redis_job.h. */
#include "dashboard/redis_job.h"

#include "base/digest.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a reader of JSON keeps exactly. */
#define EXACT (1LL << 53)

cJSON *redis_json_bytes(const char *bytes, size_t length)
{
    if (str_is_utf8(bytes, length)) {
        cleanup_free char *text = xstrndup(bytes, length);
        return cJSON_CreateString(text);
    }
    cleanup_free char *packed = digest_base64(bytes, length, 0);
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "b64", packed);
    json_add_int(json, "length", (int64_t)length);
    return json;
}

char *redis_json_read_bytes(const cJSON *json, size_t *length)
{
    const char *packed = json_string(json, "b64", NULL);
    if (packed)
        return digest_unbase64(packed, length);
    if (!cJSON_IsString(json))
        return NULL;
    *length = strlen(json->valuestring);
    return xstrdup(json->valuestring);
}

static cJSON *integer_json(long long value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", value);
    if (value > -EXACT && value < EXACT)
        return cJSON_CreateNumber((double)value);
    return cJSON_CreateString(text);
}

static cJSON *real_json(const struct resp_reply *reply)
{
    if (reply->real - reply->real != 0) /* infinite, or no number */
        return redis_json_bytes(reply->str, reply->len);
    return cJSON_CreateNumber(reply->real);
}

static cJSON *list_json(const struct resp_reply *reply)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < reply->count; i++)
        cJSON_AddItemToArray(list, redis_json_reply(&reply->elements[i]));
    return list;
}

static cJSON *map_json(const struct resp_reply *reply)
{
    cJSON *json = cJSON_CreateObject(), *list = json_add_array(json, "map");
    for (size_t i = 0; i + 1 < reply->count; i += 2) {
        cJSON *pair = cJSON_CreateArray();
        cJSON_AddItemToArray(pair, redis_json_reply(&reply->elements[i]));
        cJSON_AddItemToArray(pair, redis_json_reply(&reply->elements[i + 1]));
        cJSON_AddItemToArray(list, pair);
    }
    return json;
}

cJSON *redis_json_reply(const struct resp_reply *reply)
{
    cJSON *json;
    switch (reply->type) {
    case RESP_NIL:
        return cJSON_CreateNull();
    case RESP_ERROR:
        json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, "error", redis_json_bytes(reply->str, reply->len));
        return json;
    case RESP_INTEGER:
        return integer_json(reply->integer);
    case RESP_BOOL:
        return cJSON_CreateBool(reply->integer != 0);
    case RESP_DOUBLE:
        return real_json(reply);
    case RESP_MAP:
        return map_json(reply);
    case RESP_ARRAY:
    case RESP_SET:
    case RESP_PUSH:
        return list_json(reply);
    case RESP_STATUS:
    case RESP_STRING:
    case RESP_BIGNUM:
    case RESP_VERBATIM:
        break;
    }
    return redis_json_bytes(reply->str, reply->len);
}

const char *redis_json_error(const cJSON *reply)
{
    return json_string(reply, "error", NULL);
}

int64_t redis_json_int(const cJSON *reply, int64_t fallback)
{
    int64_t value = fallback;
    if (cJSON_IsNumber(reply))
        return (int64_t)reply->valuedouble;
    if (cJSON_IsString(reply) && str_to_int64(reply->valuestring, INT64_MIN, INT64_MAX, &value))
        return value;
    return fallback;
}
