/* Raw commands on a named client, and what callers may ask of their replies. */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_redis/redis.h"
#include "client_redis/redis_refused.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 64 };

/* Commands of an administrator, as the original counts them. */
static const char *const administrative[] = {
    "BGREWRITEAOF", "BGSAVE", "CONFIG",   "DEBUG",   "FLUSHALL", "FLUSHDB",  "KEYS",
    "REPLICAOF",    "SAVE",   "SHUTDOWN", "SLAVEOF", "SWAPDB",   "FAILOVER", "MIGRATE",
};

static bool is_administrative(const struct apphost_command *command, const struct apphost_options *options)
{
    for (size_t i = 0; i < sizeof(administrative) / sizeof(administrative[0]); i++)
        if (redis_command_is(command, administrative[i], options))
            return true;
    return false;
}

int redis_check_words(const struct apphost_command *command, struct apphost_error *error)
{
    if (command->argc == 0 || !command->argv || !command->argv[0])
        return fail_argument(error, "argv", "is empty");
    for (size_t i = 0; i < command->argc; i++)
        if (!command->argv[i] && (!command->lens || command->lens[i] > 0))
            return fail_argument(error, "argv", "contains a NULL");
    if (redis_word_length(command, 0) == 0)
        return fail_argument(error, "argv", "is empty");
    return 0;
}

int redis_check_admin(const struct apphost_command *command, const struct apphost_options *options,
                      struct apphost_error *error)
{
    const char *name = command->argv[0];
    int len;
    if (command->lens)
        len = (int)command->lens[0];
    else
        len = (int)strlen(name);

    if (option_number(options, OPT_ALLOW_ADMIN) || !is_administrative(command, options))
        return 0;
    return fail_set(error, APPHOST_E_UNSUPPORTED, "allowAdmin",
                    "This operation is not available unless admin mode is enabled: %.*s", len, name);
}

int redis_check_command(struct apphost_redis *redis, const struct apphost_command *command,
                        struct apphost_error *error)
{
    const char *word;

    if (redis_check_words(command, error) < 0)
        return -1;
    const struct apphost_options *options = apphost_redis_options(redis, error);
    if (!options)
        return -1;
    const char *effect = redis_refused(command, options, &word);
    if (effect)
        return redis_fail_refused(command, word, effect, error);
    if (redis_check_admin(command, options, error) < 0)
        return -1;
    return redis_asked_known(redis, command, error);
}

int redis_clear_command(struct apphost_redis *redis, const struct apphost_command *command,
                        struct apphost_error *error)
{
    struct asked_question question;
    struct replies replies;
    int rc = redis_check_command(redis, command, error);

    if (rc <= 0)
        return rc;
    redis_ask_command(redis, command, &question);
    if (redis_run(redis, DIAL_PRIMARY, &question.batch, &replies, error) < 0)
        return -1;
    rc = redis_asked_judge(redis, command, &replies, error);
    replies_free(&replies);
    return rc;
}

int apphost_redis_pipeline(struct apphost_redis *redis, const struct apphost_command *commands, size_t count,
                           struct apphost_reply **replies, struct apphost_error *error)
{
    struct replies got;
    int rc = 0;

    if (!redis)
        return fail_argument(error, "redis", "is NULL or empty");
    if (!replies)
        return fail_argument(error, "replies", "is NULL or empty");
    if (!commands || count == 0)
        return fail_argument(error, "commands", "is NULL or empty");
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = redis_clear_command(redis, &commands[i], error);
    struct conn_command *list = NULL;
    if (rc == 0)
        list = calloc(count, sizeof(*list));
    if (!list) {
        if (rc < 0)
            return -1;
        return fail_memory(error);
    }
    for (size_t i = 0; i < count; i++)
        list[i] = (struct conn_command){commands[i].argc, commands[i].argv, commands[i].lens};
    const struct batch batch = {.commands = list, .count = count};
    rc = redis_run(redis, DIAL_PRIMARY, &batch, &got, error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        replies[i] = (struct apphost_reply *)got.items[i];
        got.items[i] = NULL;
    }
    if (rc == 0)
        replies_free(&got);
    free(list);
    return rc;
}

int apphost_redis_command(struct apphost_redis *redis, size_t argc, const char *const argv[],
                          const size_t lens[], struct apphost_reply **reply, struct apphost_error *error)
{
    const struct apphost_command command = {argc, argv, lens};
    struct apphost_reply *got = NULL;

    if (!reply)
        return fail_argument(error, "reply", "is NULL");
    if (apphost_redis_pipeline(redis, &command, 1, &got, error) < 0)
        return -1;
    if (apphost_reply_type(got) == APPHOST_REPLY_ERROR) {
        redis_fail_reply(redis, (const struct resp_reply *)got, error);
        apphost_reply_free(got);
        return -1;
    }
    *reply = got;
    return 0;
}

int apphost_redis_execute(struct apphost_redis *redis, struct apphost_reply **reply,
                          struct apphost_error *error, ...)
{
    const char *argv[MAX_WORDS];
    size_t argc = 0;
    va_list words;

    va_start(words, error);
    const char *word;
    while ((word = va_arg(words, const char *)) && argc < MAX_WORDS)
        argv[argc++] = word;
    va_end(words);
    if (word)
        return fail_argument(error, "argv", "more than 64 words");
    return apphost_redis_command(redis, argc, argv, NULL, reply, error);
}

int apphost_redis_ping(struct apphost_redis *redis, int64_t *latency_us, struct apphost_error *error)
{
    struct apphost_reply *reply = NULL;
    int64_t started = clock_us();

    if (apphost_redis_execute(redis, &reply, error, "PING", NULL) < 0)
        return -1;
    if (latency_us)
        *latency_us = clock_us() - started;
    apphost_reply_free(reply);
    return 0;
}

/* ---- Replies: the public type is the codec's, under another name ---- */

static const struct resp_reply *inside(const struct apphost_reply *reply)
{
    return (const struct resp_reply *)reply;
}

enum apphost_reply_type apphost_reply_type(const struct apphost_reply *reply)
{
    _Static_assert((int)APPHOST_REPLY_NIL == (int)RESP_NIL && (int)APPHOST_REPLY_STRING == (int)RESP_STRING &&
                       (int)APPHOST_REPLY_VERBATIM == (int)RESP_VERBATIM &&
                       (int)APPHOST_REPLY_PUSH == (int)RESP_PUSH,
                   "both enumerations have the same order");
    if (reply)
        return (enum apphost_reply_type)inside(reply)->type;
    return APPHOST_REPLY_NIL;
}

int64_t apphost_reply_integer(const struct apphost_reply *reply)
{
    if (reply)
        return inside(reply)->integer;
    return 0;
}

double apphost_reply_double(const struct apphost_reply *reply)
{
    if (reply)
        return inside(reply)->real;
    return 0;
}

const char *apphost_reply_string(const struct apphost_reply *reply, size_t *len)
{
    if (len) {
        *len = 0;
        if (reply)
            *len = inside(reply)->len;
    }
    if (reply)
        return inside(reply)->str;
    return NULL;
}

size_t apphost_reply_count(const struct apphost_reply *reply)
{
    if (reply)
        return inside(reply)->count;
    return 0;
}

const struct apphost_reply *apphost_reply_element(const struct apphost_reply *reply, size_t index)
{
    if (reply && index < inside(reply)->count)
        return (const struct apphost_reply *)&inside(reply)->elements[index];
    return NULL;
}

void apphost_reply_free(struct apphost_reply *reply)
{
    resp_reply_free((struct resp_reply *)reply);
}
