/* Every command's record, each defined in its own file as cmd_NAME: one row each, in the order of the help.
 * Inside cli/ only; see command.h. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args/suggest.h"

#define CLI_COMMANDS(ROW)                                                                                    \
    ROW(up)                                                                                                  \
    ROW(down)                                                                                                \
    ROW(run)                                                                                                 \
    ROW(start)                                                                                               \
    ROW(stop)                                                                                                \
    ROW(restart)                                                                                             \
    ROW(kill)                                                                                                \
    ROW(ps)                                                                                                  \
    ROW(ls)                                                                                                  \
    ROW(logs)                                                                                                \
    ROW(env)                                                                                                 \
    ROW(port)                                                                                                \
    ROW(wait)                                                                                                \
    ROW(exec)                                                                                                \
    ROW(events)                                                                                              \
    ROW(top)                                                                                                 \
    ROW(redis)                                                                                               \
    ROW(dashboard)                                                                                           \
    ROW(validate)                                                                                            \
    ROW(config)                                                                                              \
    ROW(graph)                                                                                               \
    ROW(init)                                                                                                \
    ROW(pull)                                                                                                \
    ROW(publish)                                                                                             \
    ROW(deploy)                                                                                              \
    ROW(doctor)                                                                                              \
    ROW(bundle)                                                                                              \
    ROW(gc)                                                                                                  \
    ROW(completion)                                                                                          \
    ROW(version)                                                                                             \
    ROW(help)
/* What `make install`, the completion scripts and we ourselves use. */
#define CLI_HIDDEN(ROW)                                                                                      \
    ROW(man)                                                                                                 \
    ROW(schema)                                                                                              \
    ROW(manifest_man)                                                                                        \
    ROW(complete)                                                                                            \
    ROW(dashboard_serve)                                                                                     \
    ROW(publish_man)

#define CLI_DECLARE(name) extern const struct command cmd_##name;
CLI_COMMANDS(CLI_DECLARE)
CLI_HIDDEN(CLI_DECLARE)
#undef CLI_DECLARE

/* habits.c */
extern const struct habit cli_habits[];
extern const struct option_habit cli_option_habits[];

/* All of them. */
extern const struct commands cli_commands;

#endif
