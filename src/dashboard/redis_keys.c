/* Keys, a page at a time: SCAN, then what is known of each in one pipeline. KEYS would stop the server. */
#include "dashboard/redis_job.h"
#include "dashboard/redis_value.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 1000, FIRST = 200, EACH = 4 };

static void ask_about(struct redis_job *job, const cJSON *key, const char *const *words, size_t count)
{
    const char *arguments[4];
    size_t sizes[4], length = 0;
    cleanup_free char *bytes = redis_json_read_bytes(key, &length);
    for (size_t i = 0; i < count; i++) {
        arguments[i] = words[i];
        sizes[i] = strlen(words[i]);
    }
    arguments[count] = text_or_empty(bytes);
    sizes[count] = length;
    redis_job_send(job,
                   &(struct redis_command){.count = count + 1, .arguments = arguments, .lengths = sizes});
}

static void tell_keys(struct redis_job *job)
{
    int index = 0;
    cJSON *key;
    cJSON_ArrayForEach(key, json_get(job->out, "keys"))
    {
        if (!redis_length_command(json_string(key, "type", "")))
            continue;
        const cJSON *length = redis_job_reply(job, index++);
        if (!redis_json_error(length))
            json_add_int(key, "length", redis_json_int(length, 0));
    }
    redis_job_answer(job, take_ptr(&job->out));
}

/* What went meanwhile has the type "none". */
static void ask_lengths(struct redis_job *job)
{
    int index = 0, asked = 0;
    cJSON *key;
    cJSON_ArrayForEach(key, json_get(job->out, "keys"))
    {
        const cJSON *type = redis_job_reply(job, index), *ttl = redis_job_reply(job, index + 1);
        const cJSON *bytes = redis_job_reply(job, index + 2), *encoding = redis_job_reply(job, index + 3);
        index += EACH;
        cJSON_AddItemToObject(key, "type", cJSON_Duplicate(type, 1));
        json_add_int(key, "ttlMs", redis_json_int(ttl, -1));
        if (cJSON_IsNumber(bytes))
            json_add_int(key, "bytes", redis_json_int(bytes, 0));
        if (cJSON_IsString(encoding))
            json_add_string(key, "encoding", encoding->valuestring);
    }

    redis_job_then(job, tell_keys);
    cJSON_ArrayForEach(key, json_get(job->out, "keys"))
    {
        const char *command = redis_length_command(json_string(key, "type", ""));
        if (command)
            ask_about(job, json_get(key, "key"), &command, 1);
        asked += command != NULL;
    }
    if (!asked)
        tell_keys(job);
}

static void ask_details(struct redis_job *job)
{
    static const char *const memory[] = {"MEMORY", "USAGE"}, *const object[] = {"OBJECT", "ENCODING"};
    static const char *const type[] = {"TYPE"}, *const ttl[] = {"PTTL"};
    if (redis_job_failed(job, 0))
        return;
    const cJSON *page = redis_job_reply(job, 0), *name;
    cJSON *list;
    job->out = cJSON_CreateObject();
    json_add_string(job->out, "cursor", text_or(cJSON_GetStringValue(cJSON_GetArrayItem(page, 0)), "0"));
    json_add_int(job->out, "total", redis_json_int(redis_job_reply(job, 1), 0));
    list = json_add_array(job->out, "keys");
    cJSON_ArrayForEach(name, cJSON_GetArrayItem(page, 1))
    {
        cJSON *key = cJSON_CreateObject();
        cJSON_AddItemToObject(key, "key", cJSON_Duplicate(name, 1));
        cJSON_AddItemToArray(list, key);
    }

    redis_job_then(job, ask_lengths);
    cJSON_ArrayForEach(name, list)
    {
        const cJSON *key = json_get(name, "key");
        ask_about(job, key, type, 1);
        ask_about(job, key, ttl, 1);
        ask_about(job, key, memory, 2);
        ask_about(job, key, object, 2);
    }
    if (!json_count(list))
        redis_job_answer(job, take_ptr(&job->out));
}

void redis_keys(struct redis_job *job)
{
    const char *query = web_request_head(job->request)->query;
    size_t match_length = 1, count = 0;
    cleanup_free char *match = web_query_bytes(query, "match", &match_length);
    cleanup_free char *type = web_query_bytes(query, "type", NULL);
    cleanup_free char *cursor = web_query_bytes(query, "cursor", NULL);
    char number[24];
    int64_t wanted = web_query_int(query, "count", FIRST);
    snprintf(number, sizeof number, "%" PRId64, int64_max(1, int64_min(wanted, MOST)));
    const char *arguments[8] = {"SCAN", text_or(cursor, "0"), "COUNT", number};
    size_t sizes[8];

    for (count = 0; count < 4; count++)
        sizes[count] = strlen(arguments[count]);
    if (match && match_length) {
        arguments[count] = "MATCH";
        sizes[count++] = 5;
        arguments[count] = match;
        sizes[count++] = match_length;
    }
    if (type && *type) {
        arguments[count] = "TYPE";
        sizes[count++] = 4;
        arguments[count] = type;
        sizes[count++] = strlen(type);
    }
    redis_job_then(job, ask_details);
    redis_job_send(job, &(struct redis_command){.count = count, .arguments = arguments, .lengths = sizes});
    redis_job_ask(job, "DBSIZE");
}
