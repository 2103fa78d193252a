/* The list of commands: one line each, in the order of the help. */
#include "cli/commands.h"

#include <stddef.h>

static const struct command *const list[] = {
    &cmd_up,          &cmd_down,   &cmd_run,    &cmd_start,        &cmd_stop,       &cmd_restart,
    &cmd_kill,        &cmd_ps,     &cmd_ls,     &cmd_logs,         &cmd_env,        &cmd_port,
    &cmd_wait,        &cmd_exec,   &cmd_events, &cmd_top,          &cmd_redis,      &cmd_dashboard,
    &cmd_validate,    &cmd_config, &cmd_graph,  &cmd_init,         &cmd_pull,       &cmd_publish,
    &cmd_deploy,      &cmd_doctor, &cmd_bundle, &cmd_gc,           &cmd_completion, &cmd_version,
    &cmd_help,        &cmd_man,    &cmd_schema, &cmd_manifest_man, &cmd_complete,   &cmd_dashboard_serve,
    &cmd_publish_man, NULL,
};

const struct commands cli_commands = {list, cli_habits, cli_option_habits};
