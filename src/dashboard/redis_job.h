/* A question about a server's data: the way there, commands in steps, one answer.
 *
 * Happy path: redis_job_start() asks the supervisor where the server is and opens a connection of this job's
 * own, named apphost-dashboard; then `begin` sends commands and says which step comes when all have been
 * answered. A step finds the replies as JSON in job->replies, sends more or ends the job by an answer.
 * Failure modes: no server, no connection, a server's error, nothing within 30 s: answered as such.
 * Ownership: the job is freed by its answer, or when the client leaves. */
#ifndef DASHBOARD_REDIS_JOB_H
#define DASHBOARD_REDIS_JOB_H

#include "dashboard/internal.h"
#include "redis_conn/redis_conn.h"

struct redis_job;
typedef void redis_step(struct redis_job *job);

struct redis_job {
    struct dashboard *dashboard;
    struct web_request *request;
    redis_step *begin, *next;
    char *resource;
    struct redis_conn *conn;
    struct error failure; /* the connection's end */
    size_t waiting;
    cJSON *replies; /* of the last step, in order */
    struct timer late;
    struct turn release;
    bool is_over;

    cJSON *body; /* of the request, or NULL */
    cJSON *out;  /* what becomes the answer, for steps that need several */
    char *key;   /* of a question about one */
    size_t key_length;
};

void redis_job_start(struct dashboard *dashboard, struct web_request *request, const char *resource,
                     redis_step *begin);
/* NULL-terminated. */
void redis_job_words(struct redis_job *job, const char *const *words);
#define redis_job_ask(job, ...) redis_job_words(job, (const char *const[]){__VA_ARGS__, NULL})
/* Words, and one argument of any bytes; more words behind it. */
void redis_job_about(struct redis_job *job, const char *word, const char *const *more);
void redis_job_send(struct redis_job *job, const struct redis_command *command);
/* Runs when all replies are there that are asked for from now on; those of the last step are gone. */
void redis_job_then(struct redis_job *job, redis_step *next);

/* The replies by number; NULL: there is none. */
const cJSON *redis_job_reply(const struct redis_job *job, int index);
/* True: that reply is an error, and the job was ended with it. */
bool redis_job_failed(struct redis_job *job, int index);
void redis_job_answer(struct redis_job *job, cJSON *json); /* takes it */
void redis_job_refuse(struct redis_job *job, int status, const char *code, const char *text);
/* With something else than JSON. */
void redis_job_reply_with(struct redis_job *job, const struct web_reply *reply);

/* ---- redis_json.c ---- */
/* A string, or {"b64","length"} for what is no UTF-8. */
cJSON *redis_json_bytes(const char *bytes, size_t length);
/* Back again; the caller frees. NULL: it is neither. */
char *redis_json_read_bytes(const cJSON *json, size_t *length);
cJSON *redis_json_reply(const struct resp_reply *reply);
const char *redis_json_error(const cJSON *reply); /* or NULL */
int64_t redis_json_int(const cJSON *reply, int64_t fallback);

/* ---- the panels: redis_panels.c, redis_keys.c, redis_value.c, redis_console.c ---- */
redis_step redis_info, redis_slowlog, redis_clients, redis_commandstats, redis_latency;
/* redis_action.c: what is done with all of a server's data. False: it is none of that, and nothing was
 * answered. */
bool redis_action_start(struct dashboard *dashboard, struct web_request *request, const char *resource,
                        const char *what);
redis_step redis_keys, redis_key, redis_key_delete, redis_command_run;

#endif
