/* `run`: the pieces that cmd_run.c puts in order. Inside cli/ only. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "session/child.h"
#include "session/environment.h"
#include "session/session.h"

/* What is going to be executed; owned. */
struct run_command {
    struct strlist argv, environment;
    char *folder; /* NULL: ours */
};
void run_command_free(struct run_command *command);

/* The command after "--", with the environment of a consumer of `resources` (empty: all servers). */
int run_prepare_command(struct context *context, const struct strlist *resources, struct run_command *command,
                        struct error *err);
/* A task of the manifest, as the supervisor would run it; it must know the manifest by now. */
int run_prepare_task(struct context *context, const char *task, struct run_command *command,
                     struct error *err);
/* Resources that must be up before the task. */
void run_task_needs(const struct project *project, const char *task, struct strlist *needs);

/* Executes and waits for its end, ending it when its time is over or when the session goes away beneath it.
 * *code gets its exit code (128+n by signal n) wherever that was seen. 0 when it ended by itself; else -1
 * with ERROR_RUN_TIMEOUT, or with what kept us from knowing. */
int run_execute(struct context *context, const struct run_command *command, struct limit limit,
                bool kill_rest, int *code, struct error *err);

/* Last lines of everybody else, to standard error, after a failure. */
void run_show_logs(struct context *context);

#endif
