/* The console: one command, its reply as JSON.
 *
 * What only reads is allowed; everything else needs "write", because a stray click must change nothing. What
 * reads is told by the server's own flag, and a list of commands that have no such flag and change nothing.
 * What would stop the server, turn the connection into a stream or let the caller wait is refused whatever is
 * said. */
#include "dashboard/redis_job.h"

#include "base/mem.h"
#include "base/pick.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORDS = 1024 };

/* "CONFIG" alone means all of its sub-commands but those in `harmless`. */
static const char *const never[] = {
    "MONITOR", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "SYNC",   "PSYNC",    "SHUTDOWN", "DEBUG",  "CONFIG",
    "MODULE",  "REPLICAOF", "SLAVEOF",    "FAILOVER",   "RESET",  "QUIT",     "HELLO",    "AUTH",   "CLUSTER",
    "BLPOP",   "BRPOP",     "BLMOVE",     "BRPOPLPUSH", "BLMPOP", "BZPOPMIN", "BZPOPMAX", "BZMPOP", "WAIT",
    "WAITAOF", "MULTI",     "EXEC",       "WATCH",      "ACL",    "REPLCONF", "MIGRATE",
};

static const char *const harmless[] = {
    "PING",          "ECHO",           "INFO",         "TIME",
    "COMMAND",       "ROLE",           "LASTSAVE",     "LOLWUT",
    "CLIENT LIST",   "CLIENT ID",      "CLIENT INFO",  "CLIENT GETNAME",
    "CONFIG GET",    "SLOWLOG GET",    "SLOWLOG LEN",  "LATENCY",
    "MEMORY",        "OBJECT",         "XINFO",        "PUBSUB",
    "ACL WHOAMI",    "ACL CAT",        "CLUSTER INFO", "CLUSTER NODES",
    "CLUSTER SLOTS", "CLUSTER SHARDS", "CLUSTER MYID", "CLUSTER KEYSLOT",
    "SCRIPT EXISTS", "FUNCTION LIST",  "DBSIZE",
};

/* The first word, or the first two, of a command. */
static bool is_in(const char *const *list, size_t count, const char *first, const char *second)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strcspn(list[i], " ");
        bool is_first = strlen(first) == length && !strncasecmp(list[i], first, length);
        if (is_first && (!list[i][length] || !strcasecmp(list[i] + length + 1, second)))
            return true;
    }
    return false;
}
#define IS_IN(list, first, second) is_in(list, sizeof(list) / sizeof *(list), first, second)

struct console_words {
    char *items[WORDS];
    size_t lengths[WORDS];
    size_t count;
};

static void free_words(struct console_words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->items[i]);
    free(words);
}

/* NULL: it is no command. */
static struct console_words *read_words(const cJSON *argv)
{
    struct console_words *words = xcalloc(1, sizeof *words);
    const cJSON *item;
    bool is_right = json_count(argv) > 0 && json_count(argv) <= WORDS;
    cJSON_ArrayForEach(item, argv)
    {
        char *text = NULL;
        if (is_right)
            text = redis_json_read_bytes(item, &words->lengths[words->count]);
        is_right = text != NULL;
        if (text)
            words->items[words->count++] = text;
    }

    if (is_right && *words->items[0])
        return words;
    free_words(words);
    return NULL;
}

static void tell_reply(struct redis_job *job)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, "reply", cJSON_Duplicate(redis_job_reply(job, 0), 1));
    redis_job_answer(job, json);
}

static void send_command(struct redis_job *job)
{
    struct console_words *words = read_words(json_get(job->body, "argv"));
    redis_job_then(job, tell_reply);
    redis_job_send(job, &(struct redis_command){.count = words->count,
                                                .arguments = (const char *const *)words->items,
                                                .lengths = words->lengths});
    free_words(words);
}

/* COMMAND INFO: [[name, arity, [flags], …]] */
static bool has_flag(const cJSON *reply, const char *flag)
{
    const cJSON *item, *flags = cJSON_GetArrayItem(cJSON_GetArrayItem(reply, 0), 2);
    cJSON_ArrayForEach(item, flags)
    {
        if (cJSON_IsString(item) && !strcmp(item->valuestring, flag))
            return true;
    }
    return false;
}

static void judge(struct redis_job *job)
{
    const cJSON *reply = redis_job_reply(job, 0);
    if (has_flag(reply, "blocking") || has_flag(reply, "pubsub"))
        redis_job_refuse(job, 403, "refused", "this command does not answer at once: use `apphost redis`");
    else if (has_flag(reply, "readonly") || json_bool(job->body, "write", false))
        send_command(job);
    else
        redis_job_refuse(job, 403, "read-only",
                         "this command may change something: {\"write\": true} allows it");
}

void redis_command_run(struct redis_job *job)
{
    struct console_words *words = read_words(json_get(job->body, "argv"));
    const char *second = "";
    if (!words) {
        redis_job_refuse(job, 400, "bad-request", "{\"argv\": [the command's words]}");
        return;
    }

    if (words->count > 1)
        second = words->items[1];
    if (IS_IN(harmless, words->items[0], second)) {
        send_command(job);
    } else if (IS_IN(never, words->items[0], second)) {
        redis_job_refuse(job, 403, "refused", "this command is not for here: use `apphost redis`");
    } else {
        redis_job_then(job, judge);
        redis_job_ask(job, "COMMAND", "INFO", words->items[0]);
    }
    free_words(words);
}
