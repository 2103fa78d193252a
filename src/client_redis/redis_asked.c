/*
 * Commands that this library does not know (a module's, a newer server's): the server itself says by its
 * flags what they would do to the others on a connection. Each is asked about once, with COMMAND INFO.
 *
 * A server that says nothing, because it has no such table, the user may not look at it, or it does not know
 * the command either, is taken to have nothing against it: its refusal of the command itself comes soon
 * enough.
 */
#include "client_redis/redis.h"
#include "client_base/lock.h"
#include "client_redis/redis_refused.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MOST_ASKED = 1024, NAME_SIZE = 64 };

struct asked {
    struct asked *next;
    const char *effect; /* NULL: it may be sent */
    char name[NAME_SIZE];
};

/* What is longer than any name is cut. */
static void take_name(const struct apphost_command *command, char name[NAME_SIZE])
{
    size_t len;
    if (command->lens)
        len = command->lens[0];
    else
        len = strlen(command->argv[0]);

    if (len >= NAME_SIZE)
        len = NAME_SIZE - 1;
    memcpy(name, command->argv[0], len);
    name[len] = '\0';
}

int redis_asked_known(struct apphost_redis *redis, const struct apphost_command *command,
                      struct apphost_error *error)
{
    char name[NAME_SIZE];

    take_name(command, name);
    if (option_is_known_command(name))
        return 0;
    lock_take(&redis->lock);
    const struct asked *at = redis->asked;
    while (at && strcasecmp(at->name, name) != 0)
        at = at->next;
    const char *effect = NULL;
    if (at)
        effect = at->effect;
    lock_drop(&redis->lock);
    if (effect)
        return redis_fail_refused(command, "", effect, error);
    if (at)
        return 0;
    return 1;
}

void redis_ask_command(struct apphost_redis *redis, const struct apphost_command *command,
                       struct asked_question *question)
{
    take_name(command, question->name);
    const char *on_wire = option_command(redis->options, question->name, strlen(question->name));

    question->argv[0] = "COMMAND";
    question->argv[1] = "INFO";
    if (on_wire)
        question->argv[2] = on_wire;
    else
        question->argv[2] = question->name;
    question->command = (struct conn_command){3, question->argv, NULL};
    question->batch =
        (struct batch){.commands = &question->command, .count = 1, .key = KEY_NONE, .is_idempotent = true};
}

/* Of [[name, arity, [flags, ...], ...]]. */
static const char *effect_of(const struct resp_reply *reply)
{
    const struct resp_reply *row = NULL;
    if (reply->type == RESP_ARRAY && reply->count == 1)
        row = reply->elements;

    if (!row || row->type != RESP_ARRAY || row->count < 3)
        return NULL;
    return redis_refused_by_flags(&row->elements[2]);
}

int redis_asked_judge(struct apphost_redis *redis, const struct apphost_command *command,
                      const struct replies *replies, struct apphost_error *error)
{
    const char *effect = effect_of(replies->items[0]);
    struct asked *asked = malloc(sizeof(*asked));

    if (asked) {
        asked->effect = effect;
        take_name(command, asked->name);
        lock_take(&redis->lock);
        bool is_kept = redis->asked_count < MOST_ASKED;
        if (is_kept) {
            asked->next = redis->asked;
            redis->asked = asked;
            redis->asked_count++;
        }
        lock_drop(&redis->lock);
        if (!is_kept)
            free(asked);
    }
    if (effect)
        return redis_fail_refused(command, "", effect, error);
    return 0;
}

void redis_asked_free(struct apphost_redis *redis)
{
    while (redis->asked) {
        struct asked *next = redis->asked->next;

        free(redis->asked);
        redis->asked = next;
    }
}
