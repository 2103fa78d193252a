/* One key: what it is, and a page of what it holds; the raw bytes of a string; its end. Entries of the
 * distributed cache (a hash of absexp, sldexp and data, as .NET's and our own client write it) are read as
 * such. */
#include "dashboard/redis_value.h"
#include "dashboard/redis_job.h"

#include "base/mem.h"
#include "base/pick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_BYTES = 256 << 10, FIRST = 100, MOST = 1000, TYPE = 0, TTL = 1, BYTES = 2, ENCODING = 3 };

/* Ticks of .NET: 100 ns, since the year 1. */
#define TICKS_1970 621355968000000000LL
#define TICKS_A_MS 10000

static int64_t query_number(const struct redis_job *job, const char *name, int64_t fallback)
{
    return web_query_int(web_request_head(job->request)->query, name, fallback);
}

static int64_t page_count(const struct redis_job *job)
{
    return int64_max(1, int64_min(query_number(job, "count", FIRST), MOST));
}

/* ---- answers, by type ---- */

static void add_next(struct redis_job *job, int64_t next)
{
    if (next < json_int(job->out, "length", 0))
        json_add_int(job->out, "offset", next);
}

static void add_cursor(struct redis_job *job, const cJSON *page)
{
    const char *cursor = text_or(cJSON_GetStringValue(cJSON_GetArrayItem(page, 0)), "0");
    if (strcmp(cursor, "0"))
        json_add_string(job->out, "cursor", cursor);
}

/* [a, b, c, d] as [[a, b], [c, d]]. */
static cJSON *pairs(const cJSON *list)
{
    cJSON *out = cJSON_CreateArray();
    const cJSON *item = NULL, *second;
    if (list)
        item = list->child;
    for (; item && item->next; item = second->next) {
        cJSON *pair = cJSON_CreateArray();
        second = item->next;
        cJSON_AddItemToArray(pair, cJSON_Duplicate(item, 1));
        cJSON_AddItemToArray(pair, cJSON_Duplicate(second, 1));
        cJSON_AddItemToArray(out, pair);
    }
    return out;
}

/* How many there are behind the escapes. */
static size_t count_bytes(const cJSON *text)
{
    size_t length = 0;
    free(redis_json_read_bytes(text, &length));
    return length;
}

static void take_string(struct redis_job *job, const cJSON *reply)
{
    int64_t offset = query_number(job, "offset", 0), length = 0;
    cJSON *value = json_add_object(job->out, "value");
    length = json_int(job->out, "length", 0);
    cJSON_AddItemToObject(value, "data", cJSON_Duplicate(reply, 1));
    json_add_int(value, "offset", offset);
    json_add_int(value, "length", length);
    add_next(job, offset + (int64_t)count_bytes(reply));
}

static void take_list(struct redis_job *job, const cJSON *reply)
{
    cJSON_AddItemToObject(job->out, "value", cJSON_Duplicate(reply, 1));
    add_next(job, query_number(job, "offset", 0) + page_count(job));
}

static void take_set(struct redis_job *job, const cJSON *reply)
{
    cJSON_AddItemToObject(job->out, "value", cJSON_Duplicate(cJSON_GetArrayItem(reply, 1), 1));
    add_cursor(job, reply);
}

static void take_sorted(struct redis_job *job, const cJSON *reply)
{
    cJSON_AddItemToObject(job->out, "value", pairs(reply));
    add_next(job, query_number(job, "offset", 0) + page_count(job));
}

static void take_stream(struct redis_job *job, const cJSON *reply)
{
    cJSON *value = json_add_array(job->out, "value");
    const cJSON *entry;
    cJSON_ArrayForEach(entry, reply)
    {
        cJSON *json = cJSON_CreateObject();
        cJSON_AddItemToObject(json, "id", cJSON_Duplicate(cJSON_GetArrayItem(entry, 0), 1));
        cJSON_AddItemToObject(json, "fields", pairs(cJSON_GetArrayItem(entry, 1)));
        cJSON_AddItemToArray(value, json);
    }
    const cJSON *last = cJSON_GetArrayItem(reply, json_count(reply) - 1);
    const char *id = cJSON_GetStringValue(cJSON_GetArrayItem(last, 0));
    if (id && json_count(reply) == page_count(job)) {
        cleanup_free char *after = xasprintf("(%s", id);
        json_add_string(job->out, "cursor", after);
    }
}

static void add_time(cJSON *json, const char *name, const cJSON *ticks, int64_t since)
{
    int64_t value = -1;
    if (cJSON_IsString(ticks))
        str_to_int64(ticks->valuestring, INT64_MIN, INT64_MAX, &value);
    if (value < 0)
        cJSON_AddNullToObject(json, name);
    else
        json_add_int(json, name, (value - since) / TICKS_A_MS);
}

cJSON *redis_cache_entry(const cJSON *fields)
{
    const cJSON *pair, *found[3] = {NULL};
    static const char *const names[3] = {"absexp", "sldexp", "data"};
    if (json_count(fields) != 3)
        return NULL;
    cJSON_ArrayForEach(pair, fields)
    {
        const char *name = text_or_empty(cJSON_GetStringValue(cJSON_GetArrayItem(pair, 0)));
        for (size_t i = 0; i < 3; i++)
            if (!strcmp(name, names[i]))
                found[i] = cJSON_GetArrayItem(pair, 1);
    }
    if (!found[0] || !found[1] || !found[2])
        return NULL;

    cJSON *json = cJSON_CreateObject();
    add_time(json, "absexp", found[0], TICKS_1970);
    add_time(json, "sldexp", found[1], 0);
    cJSON_AddItemToObject(json, "data", cJSON_Duplicate(found[2], 1));
    json_add_int(json, "length", (int64_t)count_bytes(found[2]));
    return json;
}

static void take_hash(struct redis_job *job, const cJSON *reply)
{
    cJSON *value = pairs(cJSON_GetArrayItem(reply, 1));
    cJSON *entry = redis_cache_entry(value);
    cJSON_AddItemToObject(job->out, "value", value);
    if (entry)
        cJSON_AddItemToObject(job->out, "cacheEntry", entry);
    add_cursor(job, reply);
}

/* ---- questions, by type ---- */

static void ask_range(struct redis_job *job, const char *command, int64_t count, const char *more)
{
    char begin[24], end[24];
    int64_t offset = query_number(job, "offset", 0);
    snprintf(begin, sizeof begin, "%" PRId64, offset);
    snprintf(end, sizeof end, "%" PRId64, offset + count - 1);
    redis_job_about(job, command, (const char *const[]){begin, end, more, NULL});
}

static void ask_scan(struct redis_job *job, const char *command)
{
    char count[24];
    cleanup_free char *cursor = web_query_bytes(web_request_head(job->request)->query, "cursor", NULL);
    snprintf(count, sizeof count, "%" PRId64, page_count(job));
    redis_job_about(job, command, (const char *const[]){text_or(cursor, "0"), "COUNT", count, NULL});
}

static void ask_string(struct redis_job *job)
{
    ask_range(job, "GETRANGE", PAGE_BYTES, NULL);
}

static void ask_list(struct redis_job *job)
{
    ask_range(job, "LRANGE", page_count(job), NULL);
}

static void ask_sorted(struct redis_job *job)
{
    ask_range(job, "ZRANGE", page_count(job), "WITHSCORES");
}

static void ask_set(struct redis_job *job)
{
    ask_scan(job, "SSCAN");
}

static void ask_hash(struct redis_job *job)
{
    ask_scan(job, "HSCAN");
}

static void ask_stream(struct redis_job *job)
{
    char count[24];
    cleanup_free char *cursor = web_query_bytes(web_request_head(job->request)->query, "cursor", NULL);
    snprintf(count, sizeof count, "%" PRId64, page_count(job));
    redis_job_about(job, "XRANGE", (const char *const[]){text_or(cursor, "-"), "+", "COUNT", count, NULL});
}

static const struct shown_type {
    const char *name, *length_command;
    redis_step *ask;
    void (*take)(struct redis_job *job, const cJSON *reply);
} shown_types[] = {
    {"string", "STRLEN", ask_string, take_string}, {"list", "LLEN", ask_list, take_list},
    {"set", "SCARD", ask_set, take_set},           {"hash", "HLEN", ask_hash, take_hash},
    {"zset", "ZCARD", ask_sorted, take_sorted},    {"stream", "XLEN", ask_stream, take_stream},
};

static const struct shown_type *find_type(const char *name)
{
    for (size_t i = 0; i < sizeof shown_types / sizeof *shown_types; i++)
        if (!strcmp(shown_types[i].name, name))
            return &shown_types[i];
    return NULL;
}

const char *redis_length_command(const char *type)
{
    const struct shown_type *shown = find_type(type);
    if (shown)
        return shown->length_command;
    return NULL;
}

/* ---- the key ---- */

static void tell_value(struct redis_job *job)
{
    const struct shown_type *type = find_type(json_string(job->out, "type", ""));
    if (redis_job_failed(job, 0) || redis_job_failed(job, 1))
        return;
    json_add_int(job->out, "length", redis_json_int(redis_job_reply(job, 0), 0));
    type->take(job, redis_job_reply(job, 1));
    redis_job_answer(job, take_ptr(&job->out));
}

static void describe(struct redis_job *job, const char *type)
{
    const cJSON *bytes = redis_job_reply(job, BYTES);
    job->out = cJSON_CreateObject();
    cJSON_AddItemToObject(job->out, "key", redis_json_bytes(job->key, job->key_length));
    json_add_string(job->out, "type", type);
    json_add_int(job->out, "ttlMs", redis_json_int(redis_job_reply(job, TTL), -1));
    if (cJSON_IsNumber(bytes))
        json_add_int(job->out, "bytes", redis_json_int(bytes, 0));
    json_add_string(job->out, "encoding", cJSON_GetStringValue(redis_job_reply(job, ENCODING)));
}

static void tell_download(struct redis_job *job)
{
    size_t length = 0;
    if (redis_job_failed(job, 0))
        return;
    char *bytes = redis_json_read_bytes(redis_job_reply(job, 0), &length);
    redis_job_reply_with(job, &(struct web_reply){.type = "application/octet-stream",
                                                  .body = bytes,
                                                  .length = length,
                                                  .attachment = "value.bin"});
}

static void ask_value(struct redis_job *job)
{
    const cJSON *type = redis_job_reply(job, TYPE);
    const char *name = text_or(cJSON_GetStringValue(type), "none");
    const struct shown_type *shown = find_type(name);
    bool is_download = web_query_flag(web_request_head(job->request)->query, "download");
    if (redis_job_failed(job, TYPE))
        return;
    if (!strcmp(name, "none")) {
        redis_job_refuse(job, 404, "no-key", "there is no such key");
        return;
    }

    describe(job, name);
    if (is_download && !strcmp(name, "string")) {
        redis_job_then(job, tell_download);
        redis_job_about(job, "GET", NULL);
    } else if (shown) {
        redis_job_then(job, tell_value);
        redis_job_about(job, shown->length_command, NULL);
        shown->ask(job);
    } else {
        cJSON_AddNullToObject(job->out, "value");
        redis_job_answer(job, take_ptr(&job->out));
    }
}

void redis_key(struct redis_job *job)
{
    if (!job->key) {
        redis_job_refuse(job, 400, "bad-request", "key= is missing");
        return;
    }
    redis_job_then(job, ask_value);
    redis_job_about(job, "TYPE", NULL);
    redis_job_about(job, "PTTL", NULL);
    redis_job_about(job, "MEMORY USAGE", NULL);
    redis_job_about(job, "OBJECT ENCODING", NULL);
}

/* ---- its end ---- */

static void tell_deleted(struct redis_job *job)
{
    if (redis_job_failed(job, 0))
        return;
    if (redis_json_int(redis_job_reply(job, 0), 0) == 0)
        redis_job_refuse(job, 404, "no-key", "there is no such key");
    else
        redis_job_reply_with(job, &(struct web_reply){.status = 204, .fixed = ""});
}

void redis_key_delete(struct redis_job *job)
{
    if (!job->key)
        redis_job_refuse(job, 400, "bad-request", "key= is missing");
    else if (!json_bool(job->body, "write", false))
        redis_job_refuse(job, 403, "read-only", "{\"write\": true} allows a change");
    else
        redis_job_then(job, tell_deleted);
    if (!job->is_over)
        redis_job_about(job, "UNLINK", NULL);
}
