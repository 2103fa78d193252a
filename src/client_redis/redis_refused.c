/*
 * What callers may not send on a connection that many share: whatever changes what later commands are
 * answered, or keeps the others waiting.
 *
 * One table: a command, a subcommand or an argument of it where that decides, and what would happen. Replies
 * are told apart by their order alone, so a single answer too few hands one caller's value to another; hence
 * a row too many is better than one too few. Names count as the caller writes them and as a command map
 * renames them.
 */
#include "client_redis/redis_refused.h"
#include "client_redis/redis.h"
#include "client_base/pick.h"
#include "client_base/fail.h"
#include "resp/resp.h"

#include <string.h>
#include <strings.h>

enum effect {
    EFFECT_ANSWERS,
    EFFECT_STREAM,
    EFFECT_IDENTITY,
    EFFECT_TRANSACTION,
    EFFECT_BLOCKS,
    EFFECT_ENDS,
    EFFECTS
};

static const char *const effects[] = {
    [EFFECT_ANSWERS] = "changes which answers come, or their form",
    [EFFECT_STREAM] = "turns the answers into a stream of messages",
    [EFFECT_IDENTITY] = "changes in whose name or where everybody works",
    [EFFECT_TRANSACTION] = "takes the commands of others into a transaction",
    [EFFECT_BLOCKS] = "keeps the commands of others waiting",
    [EFFECT_ENDS] = "ends or resets the connection",
};

_Static_assert(sizeof(effects) / sizeof(effects[0]) == EFFECTS, "a text for each effect");

/* `word` is where a row stops at one subcommand; ARGUMENT_BLOCK is an option of XREAD and XREADGROUP. */
enum place { WHOLE_COMMAND, SUBCOMMAND, ARGUMENT_BLOCK };

struct row {
    const char *command, *word;
    enum place place;
    enum effect effect;
};

/* A row cannot be written without its effect, nor a subcommand without its name. */
#define COMMAND(name, effect)                                                                                \
    {                                                                                                        \
        name, NULL, WHOLE_COMMAND, effect                                                                    \
    }
#define SUB(name, sub, effect)                                                                               \
    {                                                                                                        \
        name, sub "", SUBCOMMAND, effect                                                                     \
    }
#define BLOCK(name)                                                                                          \
    {                                                                                                        \
        name, "BLOCK", ARGUMENT_BLOCK, EFFECT_BLOCKS                                                         \
    }

static const struct row rows[] = {
    SUB("CLIENT", "REPLY", EFFECT_ANSWERS),
    SUB("CLIENT", "TRACKING", EFFECT_ANSWERS),
    SUB("CLIENT", "CACHING", EFFECT_ANSWERS),
    SUB("CLIENT", "CAPA", EFFECT_ANSWERS),
    SUB("CLIENT", "NO-TOUCH", EFFECT_IDENTITY),
    SUB("CLIENT", "NO-EVICT", EFFECT_IDENTITY),
    SUB("CLIENT", "IMPORT-SOURCE", EFFECT_IDENTITY),
    SUB("CLIENT", "SETNAME", EFFECT_IDENTITY),
    SUB("CLIENT", "SETINFO", EFFECT_IDENTITY),
    SUB("CLIENT", "PAUSE", EFFECT_BLOCKS),
    SUB("SCRIPT", "DEBUG", EFFECT_ANSWERS),
    COMMAND("HELLO", EFFECT_ANSWERS),
    COMMAND("ASKING", EFFECT_ANSWERS),
    COMMAND("READONLY", EFFECT_ANSWERS),
    COMMAND("READWRITE", EFFECT_ANSWERS),
    COMMAND("AUTH", EFFECT_IDENTITY),
    COMMAND("SELECT", EFFECT_IDENTITY),
    COMMAND("SUBSCRIBE", EFFECT_STREAM),
    COMMAND("PSUBSCRIBE", EFFECT_STREAM),
    COMMAND("SSUBSCRIBE", EFFECT_STREAM),
    COMMAND("UNSUBSCRIBE", EFFECT_STREAM),
    COMMAND("PUNSUBSCRIBE", EFFECT_STREAM),
    COMMAND("SUNSUBSCRIBE", EFFECT_STREAM),
    COMMAND("MONITOR", EFFECT_STREAM),
    COMMAND("SYNC", EFFECT_STREAM),
    COMMAND("PSYNC", EFFECT_STREAM),
    COMMAND("REPLCONF", EFFECT_STREAM),
    COMMAND("MULTI", EFFECT_TRANSACTION),
    COMMAND("EXEC", EFFECT_TRANSACTION),
    COMMAND("DISCARD", EFFECT_TRANSACTION),
    COMMAND("WATCH", EFFECT_TRANSACTION),
    COMMAND("UNWATCH", EFFECT_TRANSACTION),
    COMMAND("BLPOP", EFFECT_BLOCKS),
    COMMAND("BRPOP", EFFECT_BLOCKS),
    COMMAND("BRPOPLPUSH", EFFECT_BLOCKS),
    COMMAND("BLMOVE", EFFECT_BLOCKS),
    COMMAND("BLMPOP", EFFECT_BLOCKS),
    COMMAND("BZPOPMIN", EFFECT_BLOCKS),
    COMMAND("BZPOPMAX", EFFECT_BLOCKS),
    COMMAND("BZMPOP", EFFECT_BLOCKS),
    COMMAND("WAIT", EFFECT_BLOCKS),
    COMMAND("WAITAOF", EFFECT_BLOCKS),
    BLOCK("XREAD"),
    BLOCK("XREADGROUP"),
    COMMAND("QUIT", EFFECT_ENDS),
    COMMAND("RESET", EFFECT_ENDS),
    /* A server takes these for an attack by HTTP, and hangs up. */
    COMMAND("POST", EFFECT_ENDS),
    COMMAND("HOST:", EFFECT_ENDS),
};

/* The flags of COMMAND INFO that mean as much. */
static const struct {
    const char *flag;
    enum effect effect;
} flags_refused[] = {
    {"blocking", EFFECT_BLOCKS},
    {"pubsub", EFFECT_STREAM},
    {"no_multi", EFFECT_ANSWERS},
};

const char *redis_refused_by_flags(const struct resp_reply *flags)
{
    for (size_t i = 0; i < flags->count; i++)
        for (size_t k = 0; k < sizeof(flags_refused) / sizeof(flags_refused[0]); k++)
            if (resp_reply_is(&flags->elements[i], flags_refused[k].flag))
                return effects[flags_refused[k].effect];
    return NULL;
}

int redis_fail_refused(const struct apphost_command *command, const char *word, const char *effect,
                       struct apphost_error *error)
{
    const char *name = command->argv[0];
    size_t len = redis_word_length(command, 0);

    return fail_set(error, APPHOST_E_UNSUPPORTED, "argv",
                    "%.*s%s%s is refused, for it %s on a connection that is shared", (int)size_min(len, 64),
                    name, pick(*word, " ", ""), word, effect);
}

static bool is_word(const struct apphost_command *command, size_t i, const char *word)
{
    size_t len = redis_word_length(command, i);

    return strlen(word) == len && strncasecmp(word, command->argv[i], len) == 0;
}

/* Options end at STREAMS; what follows are keys, and names of groups and consumers are no options. */
static bool has_block(const struct apphost_command *command)
{
    for (size_t i = 1; i < command->argc; i++) {
        if (is_word(command, i, "BLOCK"))
            return true;
        if (is_word(command, i, "STREAMS"))
            return false;
        if (is_word(command, i, "COUNT") || is_word(command, i, "CLAIM"))
            i += 1;
        else if (is_word(command, i, "GROUP"))
            i += 2;
    }
    return false;
}

bool redis_command_is(const struct apphost_command *command, const char *name,
                      const struct apphost_options *options)
{
    const char *alias = NULL;
    if (option_has_map(options))
        alias = option_command(options, name, strlen(name));

    return is_word(command, 0, name) || (alias && is_word(command, 0, alias));
}

static bool matches(const struct row *row, const struct apphost_command *command,
                    const struct apphost_options *options)
{
    if (!redis_command_is(command, row->command, options))
        return false;
    switch (row->place) {
    case WHOLE_COMMAND:
        return true;
    case SUBCOMMAND:
        return command->argc > 1 && is_word(command, 1, row->word);
    case ARGUMENT_BLOCK:
        return has_block(command);
    }
    return true;
}

bool redis_has_one_reply(const struct apphost_command *command, const struct apphost_options *options)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        bool is_reply = rows[i].word && strcmp(rows[i].word, "REPLY") == 0;

        if ((rows[i].effect == EFFECT_STREAM || is_reply) && matches(&rows[i], command, options))
            return false;
    }
    return true;
}

const char *redis_refused(const struct apphost_command *command, const struct apphost_options *options,
                          const char **word)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!matches(&rows[i], command, options))
            continue;
        *word = "";
        if (rows[i].word)
            *word = rows[i].word;
        return effects[rows[i].effect];
    }
    return NULL;
}
