/* `redis`: executing commands and showing their answers. The prompt itself is
 * redis_prompt.c. */
#ifndef CONSOLE_REDIS_SHELL_H
#define CONSOLE_REDIS_SHELL_H

#include "console/redis_link.h"
#include "console/redis_print.h"

struct redis_shell {
    struct redis_link link;
    enum redis_form form;
    bool in_transaction;
    bool is_broken; /* the reader of standard output is gone */
};

/* What an execution may end with besides 0 and -1. */
enum {
    REDIS_SHELL_INTERRUPTED = REDIS_LINK_INTERRUPTED,
    REDIS_SHELL_REFUSED = 2, /* the server answered an error: *err holds its words */
};

/* Sends one command and prints the reply. SUBSCRIBE, MONITOR and the like print until a signal comes. */
int redis_shell_execute(struct redis_shell *shell, const struct redis_data_words *words, struct error *err);
/* Commands from standard input, each answered before the next. The exit code, or -1. */
int redis_shell_lines(struct redis_shell *shell, struct error *err);
/* Mass insertion: commands from standard input in a pipeline; counts replies and errors. The exit code, or
 * -1. */
int redis_shell_pipe(struct redis_shell *shell, struct error *err);
/* The prompt on a terminal. The exit code, or -1. */
int redis_shell_prompt(struct redis_shell *shell, struct error *err);

#endif
