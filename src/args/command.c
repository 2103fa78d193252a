/* Looking into the table of commands. See command.h. */
#include "args/command.h"

#include "base/str.h"

const struct command *command_find(const struct commands *commands, const char *name)
{
    for (const struct command *const *command = commands->list; *command; command++)
        if (str_eq((*command)->name, name) || ((*command)->alias && str_eq((*command)->alias, name)))
            return *command;
    return NULL;
}

const char *command_group_title(enum command_group group)
{
    static const char *const titles[GROUP_COUNT] = {
        [GROUP_RUN] = "Run",
        [GROUP_LOOK] = "Look and use",
        [GROUP_MANIFEST] = "The manifest",
        [GROUP_MACHINE] = "This machine",
        [GROUP_OTHER] = "Other",
    };
    return titles[group];
}
