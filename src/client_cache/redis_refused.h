/* Inside the library: what callers may not send on a connection that many share. */
#ifndef CLIENT_CACHE_REDIS_REFUSED_H
#define CLIENT_CACHE_REDIS_REFUSED_H

#include "client_options/options.h"

#include <apphost/redis.h>

/*
 * What the command would do to the others on its connection, in words; NULL when it may be sent. *word is the
 * subcommand or the option that decides, "" when the command itself does. The command has a name, and no
 * word of it is NULL. `options` are those of the connection, for its command map.
 */
const char *redis_refused(const struct apphost_command *command, const struct apphost_options *options,
                          const char **word);

/* Whether it is this one: by its name, or by the name that the command map gives it. */
bool redis_command_is(const struct apphost_command *command, const char *name,
                      const struct apphost_options *options);

#endif
