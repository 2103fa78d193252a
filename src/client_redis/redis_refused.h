/* Inside the library: what callers may not send on a connection that many share. */
#ifndef CLIENT_REDIS_REDIS_REFUSED_H
#define CLIENT_REDIS_REDIS_REFUSED_H

#include "client_options/options.h"

#include <apphost/redis.h>

/*
 * What the command would do to the others on its connection, in words; NULL when it may be sent. *word is the
 * subcommand or the option that decides, "" when the command itself does. The command has a name, and no
 * word of it is NULL. `options` are those of the connection, for its command map.
 */
const char *redis_refused(const struct apphost_command *command, const struct apphost_options *options,
                          const char **word);

/* The same from the server's own flags of a command that the table does not know; NULL: nothing. */
struct resp_reply;
const char *redis_refused_by_flags(const struct resp_reply *flags);

/* Whether it is answered by exactly one reply, on whatever connection. */
bool redis_has_one_reply(const struct apphost_command *command, const struct apphost_options *options);

/* Tells the caller that it is refused; -1. */
int redis_fail_refused(const struct apphost_command *command, const char *word, const char *effect,
                       struct apphost_error *error);

/* Whether it is this one: by its name, or by the name that the command map gives it. */
bool redis_command_is(const struct apphost_command *command, const char *name,
                      const struct apphost_options *options);

#endif
