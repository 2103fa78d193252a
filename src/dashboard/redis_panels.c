/* What a server says about itself: INFO, slow log, clients, statistics of commands, latency. */
#include "dashboard/redis_job.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define OUR_NAME "apphost-dashboard"

/* ---- texts of "key:value" ---- */

static const char *text_of(const cJSON *reply)
{
    if (cJSON_IsString(reply))
        return reply->valuestring;
    return "";
}

/* The next line, without its end; NULL: there is none. The caller frees. */
static char *next_line(const char **at)
{
    size_t length = strcspn(*at, "\r\n");
    if (!**at)
        return NULL;
    char *line = xstrndup(*at, length);
    *at += length;
    *at += strspn(*at, "\r\n");
    return line;
}

/* A number where it is one. */
static void add_value(cJSON *json, const char *key, const char *text)
{
    int64_t number = 0;
    char *end = NULL;
    bool is_short = *text && strlen(text) < 16;
    double real = strtod(text, &end);
    if (is_short && str_to_int64(text, INT64_MIN, INT64_MAX, &number))
        json_add_int(json, key, number);
    else if (is_short && !*end && strspn(text, "-0123456789.") == strlen(text))
        cJSON_AddNumberToObject(json, key, real);
    else
        json_add_string(json, key, text);
}

/* "a=1,b=2" with these separators. */
static cJSON *pairs_json(char *text, const char *separators)
{
    cJSON *json = cJSON_CreateObject();
    char *rest = NULL;
    for (char *pair = strtok_r(text, separators, &rest); pair; pair = strtok_r(NULL, separators, &rest)) {
        char *equals = strchr(pair, '=');
        if (!equals)
            continue;
        *equals = '\0';
        add_value(json, pair, equals + 1);
    }
    return json;
}

/* ---- info ---- */

static cJSON *sections_json(const char *text)
{
    cJSON *sections = cJSON_CreateObject(), *section = NULL;
    for (char *line; (line = next_line(&text)); free(line)) {
        char *colon = strchr(line, ':');
        if (*line == '#') {
            char *name = str_lower(line + 1 + strspn(line + 1, " "));
            section = json_add_object(sections, name);
            free(name);
        } else if (section && colon) {
            *colon = '\0';
            add_value(section, line, colon + 1);
        }
    }
    return sections;
}

/* "db0:keys=1,expires=0,avg_ttl=0" */
static cJSON *keyspace_json(const cJSON *section)
{
    cJSON *list = cJSON_CreateArray();
    const cJSON *entry;
    cJSON_ArrayForEach(entry, section)
    {
        int64_t number = 0;
        if (!str_starts(entry->string, "db") || !str_to_int64(entry->string + 2, 0, INT32_MAX, &number))
            continue;

        cleanup_free char *text = xstrdup(text_of(entry));
        cleanup_json cJSON *pairs = pairs_json(text, ",");
        cJSON *database = cJSON_CreateObject();
        json_add_int(database, "db", number);
        json_add_int(database, "keys", json_int(pairs, "keys", 0));
        json_add_int(database, "expires", json_int(pairs, "expires", 0));
        json_add_int(database, "avgTtl", json_int(pairs, "avg_ttl", 0));
        cJSON_AddItemToArray(list, database);
    }
    return list;
}

static void tell_info(struct redis_job *job)
{
    if (redis_job_failed(job, 0))
        return;
    cJSON *json = cJSON_CreateObject();
    cJSON *sections = sections_json(text_of(redis_job_reply(job, 0)));
    cJSON_AddItemToObject(json, "sections", sections);
    cJSON_AddItemToObject(json, "keyspace", keyspace_json(json_get(sections, "keyspace")));
    redis_job_answer(job, json);
}

void redis_info(struct redis_job *job)
{
    redis_job_then(job, tell_info);
    redis_job_ask(job, "INFO");
}

/* ---- the slow log ---- */

static void tell_slowlog(struct redis_job *job)
{
    const cJSON *entry;
    if (redis_job_failed(job, 0))
        return;

    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(entry, redis_job_reply(job, 0))
    {
        cJSON *json = cJSON_CreateObject();
        json_add_int(json, "id", redis_json_int(cJSON_GetArrayItem(entry, 0), 0));
        json_add_int(json, "timeMs", redis_json_int(cJSON_GetArrayItem(entry, 1), 0) * 1000);
        json_add_int(json, "us", redis_json_int(cJSON_GetArrayItem(entry, 2), 0));
        cJSON_AddItemToObject(json, "argv", cJSON_Duplicate(cJSON_GetArrayItem(entry, 3), 1));
        json_add_string(json, "client", text_of(cJSON_GetArrayItem(entry, 4)));
        json_add_string(json, "name", text_of(cJSON_GetArrayItem(entry, 5)));
        cJSON_AddItemToArray(list, json);
    }
    redis_job_answer(job, list);
}

void redis_slowlog(struct redis_job *job)
{
    redis_job_then(job, tell_slowlog);
    redis_job_ask(job, "SLOWLOG", "GET", "128");
}

/* ---- clients ---- */

static void tell_clients(struct redis_job *job)
{
    const char *text = text_of(redis_job_reply(job, 0));
    if (redis_job_failed(job, 0))
        return;
    cJSON *list = cJSON_CreateArray();
    for (char *line; (line = next_line(&text)); free(line)) {
        cJSON *client = pairs_json(line, " ");
        json_add_bool(client, "ours", !strcmp(json_string(client, "name", ""), OUR_NAME));
        cJSON_AddItemToArray(list, client);
    }
    redis_job_answer(job, list);
}

void redis_clients(struct redis_job *job)
{
    redis_job_then(job, tell_clients);
    redis_job_ask(job, "CLIENT", "LIST");
}

/* ---- commands ---- */

/* "cmdstat_get:calls=1,usec=2,…" */
static void add_command(cJSON *list, const char *name, const char *value)
{
    cleanup_free char *text = xstrdup(value);
    cleanup_json cJSON *pairs = pairs_json(text, ",");
    cJSON *json = cJSON_CreateObject();
    json_add_string(json, "command", name);
    json_add_int(json, "calls", json_int(pairs, "calls", 0));
    json_add_int(json, "usec", json_int(pairs, "usec", 0));
    const cJSON *each = json_get(pairs, "usec_per_call");
    if (cJSON_IsNumber(each))
        cJSON_AddNumberToObject(json, "usecPerCall", each->valuedouble);
    json_add_int(json, "failed", json_int(pairs, "failed_calls", 0));
    json_add_int(json, "rejected", json_int(pairs, "rejected_calls", 0));
    cJSON_AddItemToArray(list, json);
}

/* "latency_percentiles_usec_get:p50=1.003,p99=5.023,p99.9=9.023", to the command of that name. */
static void add_percentiles(cJSON *list, const char *name, const char *value)
{
    static const char *const known[] = {"p50", "p99", "p99.9"};
    cleanup_free char *text = xstrdup(value);
    cleanup_json cJSON *pairs = pairs_json(text, ",");
    cJSON *command;
    cJSON_ArrayForEach(command, list)
    {
        if (strcasecmp(json_string(command, "command", ""), name))
            continue;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            const cJSON *number = json_get(pairs, known[i]);
            if (cJSON_IsNumber(number))
                cJSON_AddNumberToObject(command, known[i], number->valuedouble);
        }
    }
}

static void read_statistics(cJSON *list, const char *text, const char *prefix,
                            void (*take)(cJSON *list, const char *name, const char *value))
{
    for (char *line; (line = next_line(&text)); free(line)) {
        char *colon = strchr(line, ':');
        if (!colon || !str_starts(line, prefix))
            continue;
        *colon = '\0';
        take(list, line + strlen(prefix), colon + 1);
    }
}

static void tell_commands(struct redis_job *job)
{
    if (redis_job_failed(job, 0))
        return;
    cJSON *list = cJSON_CreateArray();
    read_statistics(list, text_of(redis_job_reply(job, 0)), "cmdstat_", add_command);
    read_statistics(list, text_of(redis_job_reply(job, 1)), "latency_percentiles_usec_", add_percentiles);
    redis_job_answer(job, list);
}

void redis_commandstats(struct redis_job *job)
{
    redis_job_then(job, tell_commands);
    redis_job_ask(job, "INFO", "commandstats");
    redis_job_ask(job, "INFO", "latencystats"); /* from 7.0 on */
}

/* ---- latency ---- */

static void tell_latency(struct redis_job *job)
{
    const cJSON *entry;
    if (redis_job_failed(job, 0))
        return;
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(entry, redis_job_reply(job, 0))
    {
        cJSON *json = cJSON_CreateObject();
        json_add_string(json, "event", text_of(cJSON_GetArrayItem(entry, 0)));
        json_add_int(json, "timeMs", redis_json_int(cJSON_GetArrayItem(entry, 1), 0) * 1000);
        json_add_int(json, "latestMs", redis_json_int(cJSON_GetArrayItem(entry, 2), 0));
        json_add_int(json, "maxMs", redis_json_int(cJSON_GetArrayItem(entry, 3), 0));
        cJSON_AddItemToArray(list, json);
    }
    redis_job_answer(job, list);
}

void redis_latency(struct redis_job *job)
{
    redis_job_then(job, tell_latency);
    redis_job_ask(job, "LATENCY", "LATEST");
}
