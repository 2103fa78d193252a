/* The list of commands: one line each, in the order of the help. */
#include "cli/commands.h"

#include "base/str.h"

#include <stddef.h>

static const struct command *const commands[] = {
    &cmd_up,      &cmd_down, &cmd_run,     &cmd_start,     &cmd_stop,         &cmd_restart,  &cmd_kill,
    &cmd_ps,      &cmd_ls,   &cmd_logs,    &cmd_env,       &cmd_port,         &cmd_wait,     &cmd_exec,
    &cmd_events,  &cmd_top,  &cmd_redis,   &cmd_dashboard, &cmd_validate,     &cmd_config,   &cmd_graph,
    &cmd_init,    &cmd_pull, &cmd_publish, &cmd_deploy,    &cmd_doctor,       &cmd_gc,       &cmd_completion,
    &cmd_version, &cmd_help, &cmd_man,     &cmd_schema,    &cmd_manifest_man, &cmd_complete, NULL,
};

const struct command *const *command_list(void)
{
    return commands;
}

const struct command *command_find(const char *name)
{
    for (const struct command *const *command = commands; *command; command++)
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
