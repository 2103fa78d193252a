/*
 * A raw command, asynchronously. One that this library does not know is kept while its server is asked what
 * it would do to the others on the connection (client_redis/redis_asked.c); all others are sent at once.
 */
#include "client_base/fail.h"
#include "client_cache/cache_async.h"

#include <stdlib.h>
#include <string.h>

/* A copy in one block of memory: the words, their lengths, their text. */
static struct apphost_command *copy_command(const struct apphost_command *command)
{
    size_t size = sizeof(*command) + command->argc * (sizeof(char *) + sizeof(size_t));

    for (size_t i = 0; i < command->argc; i++)
        size += redis_word_length(command, i) + 1;
    struct apphost_command *copy = malloc(size);
    if (!copy)
        return NULL;
    const char **argv = (const char **)(copy + 1);
    size_t *lens = (size_t *)(argv + command->argc);
    char *text = (char *)(lens + command->argc);
    for (size_t i = 0; i < command->argc; i++) {
        lens[i] = redis_word_length(command, i);
        argv[i] = text;
        if (lens[i] > 0)
            memcpy(text, command->argv[i], lens[i]);
        text[lens[i]] = '\0';
        text += lens[i] + 1;
    }
    *copy = (struct apphost_command){command->argc, argv, lens};
    return copy;
}

static int send_command(struct apphost_call *call, const struct apphost_command *command,
                        struct apphost_error *error)
{
    const struct conn_command one = {command->argc, command->argv, command->lens};
    const struct batch batch = {.commands = &one, .count = 1};

    return call_send(call, &batch, error);
}

/* The server has said what it knows about the command. */
static bool try_kept(struct apphost_call *call)
{
    struct apphost_error error;

    if (call->has_failed)
        return false;
    call->again = NULL;
    int rc = redis_asked_judge(call->redis, call->kept, &call->replies, &error);
    replies_free(&call->replies);
    if (rc == 0)
        rc = send_command(call, call->kept, &error);
    if (rc == 0)
        return true;
    call->has_failed = true;
    call->error = error;
    return false;
}

static int start(struct apphost_call *call, const struct apphost_command *command, bool is_unknown,
                 struct apphost_error *error)
{
    struct asked_question question;

    if (!is_unknown)
        return send_command(call, command, error);
    call->kept = copy_command(command);
    if (!call->kept)
        return fail_memory(error);
    call->again = try_kept;
    redis_ask_command(call->redis, command, &question);
    return call_send(call, &question.batch, error);
}

struct apphost_call *apphost_redis_command_start(struct apphost_redis *redis, struct apphost_queue *queue,
                                                 const struct apphost_command *command,
                                                 apphost_result_fn done, void *user,
                                                 struct apphost_error *error)
{
    if (!redis || !command) {
        fail_null(error, redis, "redis", "command");
        return NULL;
    }
    int rc = redis_check_command(redis, command, error);
    if (rc < 0)
        return NULL;
    struct apphost_call *call = call_new(queue, done, user, call_finish_command, error);
    if (!call)
        return NULL;
    call_belongs_to(call, redis);
    if (start(call, command, rc == 1, error) == 0)
        return call;
    call_free(call);
    return NULL;
}
