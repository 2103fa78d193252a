/* A command of the user's as our own child: `run`'s and `exec`'s. Inside cli/ only.
 *
 * It gets our standard descriptors and a process group of its own; where we are in the foreground of a
 * terminal, the group gets the terminal, and Ctrl-Z stops both of us. Its exit is noticed on the client's
 * loop, which it keeps alive until then. It dies with us (TERM).
 *
 * child_start() forks: the child does nothing but make itself at home and execute. */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct child_options {
    char *const *argv;        /* NULL-terminated; looked up in the PATH of its own environment */
    char *const *environment; /* "K=V", NULL-terminated */
    const char *folder;       /* NULL: ours */
};

struct child {
    pid_t pid;
    int tty; /* the terminal that it was given, or -1 */
    struct loop *loop;
    bool exited;
    int code;   /* -1: not known; child_code() */
    int signal; /* that ended it, or 0 */
};

/* ERROR_NOT_FOUND (127), ERROR_NOT_EXECUTABLE (126). */
int child_start(struct child *child, struct loop *loop, const struct child_options *options,
                struct error *err);
/* Exit code, 128+n when ended by signal n. Only after its exit was seen. */
int child_code(const struct child *child);
/* To its whole group. */
void child_signal(const struct child *child, int signum);
/* Takes the terminal back; after the exit. kill_rest: what it left in its group goes too. */
void child_end(struct child *child, bool kill_rest);

#endif
