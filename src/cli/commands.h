/* Every command's record, each defined in its own file. Inside cli/ only; see command.h. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "args/suggest.h"

extern const struct command cmd_up, cmd_down, cmd_run;
extern const struct command cmd_start, cmd_stop, cmd_restart, cmd_kill;
extern const struct command cmd_ps, cmd_ls, cmd_logs, cmd_env, cmd_port, cmd_wait, cmd_exec, cmd_events,
    cmd_top;
extern const struct command cmd_redis, cmd_dashboard, cmd_dashboard_serve, cmd_publish, cmd_deploy;
extern const struct command cmd_validate, cmd_config, cmd_graph, cmd_init, cmd_pull;
extern const struct command cmd_doctor, cmd_bundle, cmd_gc, cmd_completion, cmd_version, cmd_help;
/* Hidden: what `make install` and the completion scripts use. */
extern const struct command cmd_man, cmd_schema, cmd_manifest_man, cmd_publish_man, cmd_complete;

/* habits.c */
extern const struct habit cli_habits[];
extern const struct option_habit cli_option_habits[];

/* All of them. */
extern const struct commands cli_commands;

#endif
