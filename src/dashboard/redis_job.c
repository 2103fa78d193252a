/* See redis_job.h. */
#include "dashboard/redis_job.h"

#include "base/mem.h"
#include "control/requests.h"
#include "redis/redis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LATE_MS = 30000, BULK = 16 << 20, TOTAL = 48 << 20, ELEMENTS = 1 << 20 };

/* ---- the end ---- */

/* In a turn of its own: an answer may be given by a callback of the connection's. */
static void release(void *data)
{
    struct redis_job *job = data;
    redis_conn_free(job->conn);
    error_clear(&job->failure);
    cJSON_Delete(job->replies);
    cJSON_Delete(job->body);
    cJSON_Delete(job->out);
    free(job->resource);
    free(job->key);
    free(job);
}

static void end(struct redis_job *job)
{
    job->is_over = true;
    job->request = NULL;
    timer_stop(&job->late);
    loop_post(&job->dashboard->loop, &job->release);
}

static void on_gone(void *data)
{
    struct redis_job *job = data;
    if (!job->is_over)
        end(job);
}

void redis_job_reply_with(struct redis_job *job, const struct web_reply *reply)
{
    web_reply(job->request, reply);
    end(job);
}

void redis_job_answer(struct redis_job *job, cJSON *json)
{
    web_reply_json(job->request, 200, json);
    end(job);
}

void redis_job_refuse(struct redis_job *job, int status, const char *code, const char *text)
{
    answer_refusal(job->request, status, code, text);
    end(job);
}

static void fail(struct redis_job *job, const struct error *error)
{
    answer_error(job->request, error);
    end(job);
}

static void on_late(void *data)
{
    redis_job_refuse(data, 504, "timed-out", "the server does not answer");
}

/* ---- commands ---- */

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct redis_job *job = data;
    if (!reply || job->is_over)
        return;
    cJSON_AddItemToArray(job->replies, redis_json_reply(reply));
    if (--job->waiting == 0 && job->next)
        job->next(job);
}

void redis_job_send(struct redis_job *job, const struct redis_command *command)
{
    struct redis_command own = *command;
    struct error err = {0};
    if (job->is_over)
        return;
    own.on_reply = on_reply;
    own.data = job;
    job->waiting++;
    redis_watch_own(job->dashboard, job->resource, 1);
    if (redis_conn_command(job->conn, &own, &err))
        fail(job, &err);
    error_clear(&err);
}

void redis_job_words(struct redis_job *job, const char *const *words)
{
    struct redis_command command = {.arguments = words};
    while (words[command.count])
        command.count++;
    redis_job_send(job, &command);
}

void redis_job_about(struct redis_job *job, const char *word, const char *const *more)
{
    const char *arguments[12];
    size_t lengths[12], count = 0;
    for (const char *at = word; *at && count < 4;) {
        size_t length = strcspn(at, " ");
        arguments[count] = at;
        lengths[count++] = length;
        at += length + (at[length] == ' ');
    }
    arguments[count] = job->key;
    lengths[count++] = job->key_length;
    for (; more && *more && count < sizeof lengths / sizeof *lengths; more++) {
        arguments[count] = *more;
        lengths[count++] = strlen(*more);
    }
    redis_job_send(job, &(struct redis_command){.count = count, .arguments = arguments, .lengths = lengths});
}

void redis_job_then(struct redis_job *job, redis_step *next)
{
    cJSON_Delete(job->replies);
    job->replies = cJSON_CreateArray();
    job->next = next;
}

const cJSON *redis_job_reply(const struct redis_job *job, int index)
{
    return cJSON_GetArrayItem(job->replies, index);
}

bool redis_job_failed(struct redis_job *job, int index)
{
    const char *text = redis_json_error(redis_job_reply(job, index));
    if (text)
        redis_job_refuse(job, 409, "redis", text);
    return text != NULL;
}

/* ---- the way there ---- */

static void on_closed(const struct error *err, bool final, void *data)
{
    struct redis_job *job = data;
    (void) final;
    if (!job->is_over)
        fail(job, err);
}

/* The first step's replies are ours: a name, and the database. */
static void on_greeted(struct redis_job *job)
{
    const char *database = redis_json_error(redis_job_reply(job, 1));
    if (database) {
        redis_job_refuse(job, 400, "redis", database);
        return;
    }
    redis_job_then(job, NULL);
    job->begin(job);
}

static void greet(struct redis_job *job)
{
    char database[24];
    int64_t number = web_query_int(web_request_head(job->request)->query, "db", json_int(job->body, "db", 0));
    snprintf(database, sizeof database, "%lld", (long long)number);
    redis_job_then(job, on_greeted);
    redis_job_ask(job, "CLIENT", "SETNAME", "apphost-dashboard");
    redis_job_ask(job, "SELECT", database);
    redis_job_ask(job, "CLIENT", "NO-TOUCH", "ON"); /* from 7.2 on: looking at a key is no use of it */
}

static void connect_to(struct redis_job *job, const struct redis_target *target, const char *ca_file)
{
    const struct redis_conn_options options = {
        .host = target->host,
        .port = target->port,
        .unix_path = target->unix_path,
        .username = target->user,
        .password = target->password,
        .tls = target->tls,
        .tls_name = target->tls_name,
        .ca_file = ca_file,
        .limits = {.bulk = BULK, .total = TOTAL, .elements = ELEMENTS},
        .on_closed = on_closed,
        .data = job,
    };

    job->conn = redis_conn_open(&job->dashboard->loop, &options);
    redis_watch_own(job->dashboard, job->resource, target->password != NULL); /* AUTH */
    timer_start(&job->late, LATE_MS);
    greet(job);
}

static bool is_ours(const struct redis_job *job)
{
    const char *kind = document_kind(link_resource(job->dashboard, job->resource));
    return model_kind_info(model_find_kind(kind))->is_server;
}

static void on_environment(struct page_question *question, const struct error *error, const cJSON *result)
{
    struct redis_job *job = question->data;
    struct redis_target target;
    const char *ca_file = NULL;
    (void)error;
    question->data = NULL;
    web_request_watch(job->request, on_gone, job);
    const struct redis_question which = {result, job->resource, is_ours(job)};
    if (!redis_target_of(&target, &which, &ca_file)) {
        redis_job_refuse(job, 409, "no-server", "that is no Redis server, or has no address yet");
        return;
    }
    connect_to(job, &target, ca_file);
    redis_target_fini(&target);
}

void redis_job_start(struct dashboard *dashboard, struct web_request *request, const char *resource,
                     redis_step *begin)
{
    const struct ask_resources ask = {.resources = &resource, .resource_count = 1};
    struct redis_job *job = xcalloc(1, sizeof *job);
    size_t length = 0;
    const char *body = web_request_body(request, &length);
    *job = (struct redis_job){
        .dashboard = dashboard, .request = request, .begin = begin, .resource = xstrdup(resource)};
    if (length)
        job->body = json_parse(body, length, NULL);
    turn_init(&job->release, release, job);
    timer_init(&dashboard->loop, &job->late, on_late, job);
    job->key = web_query_bytes(web_request_head(request)->query, "key", &job->key_length);

    const struct page_question how = {.answer = on_environment, .data = job, .drop = release};
    ask_supervisor(request, dashboard, ASK_ENV, record_to_json(&ask_resources_record, &ask), &how);
}
