/* Private to room process: what will be executed, found out before the fork.
 *
 * uv_spawn() answers ENOENT for a missing folder, a missing command and a missing interpreter alike; looking
 * first lets each have its own sentence. */
#ifndef PROCESS_FIND_H
#define PROCESS_FIND_H

#include "process/process.h"

/* 0, or -1 with ERROR_RESOURCE when the working directory is missing, no folder, or may not be entered. */
int find_working_dir(const char *working_dir, struct error *err);
/* The path to execute, as seen from the working directory: a name without a slash is looked up in the PATH of
 * options->environment (or /usr/local/bin:/usr/bin:/bin without one). The caller frees.
 * NULL: ERROR_NOT_FOUND or ERROR_NOT_EXECUTABLE. */
char *find_command(const struct process_options *options, struct error *err);

#endif
