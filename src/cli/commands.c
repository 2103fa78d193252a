/* The list of commands. See commands.h. */
#include "cli/commands.h"

#include <stddef.h>

#define POINTER(name) &cmd_##name,

static const struct command *const list[] = {CLI_COMMANDS(POINTER) CLI_HIDDEN(POINTER) NULL};

const struct commands cli_commands = {list, cli_habits, cli_option_habits};
