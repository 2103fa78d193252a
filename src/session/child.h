/* A command of the user's as our own child: `run`'s and `exec`'s.
 *
 * It gets our standard descriptors, the signals as we were started with them, and a process group of its own.
 * Where we are in the foreground of a terminal, the group gets the terminal. Its exit is noticed on the
 * client's loop, which it keeps alive until then. It dies with us (TERM).
 *
 * When it stops: by Ctrl-Z, we and our whole group stop too, and what continues us continues it. By
 * somebody's STOP, we take the terminal back and go on, so that Ctrl-C and TERM have somebody to reach.
 * Because it wants the terminal from the background, it gets it as soon as we are in the foreground. What it
 * is sent is followed by CONT: a stopped command would sleep through it.
 *
 * child_start() forks: the child does nothing but make itself at home and execute. */
#ifndef SESSION_CHILD_H
#define SESSION_CHILD_H

#include "base/error.h"
#include "loop/loop.h"

#include <stdbool.h>
#include <sys/types.h>

struct child_options {
    char *const *argv;        /* NULL-terminated; looked up in the PATH of its own environment */
    char *const *environment; /* "K=V", NULL-terminated */
    const char *folder;       /* NULL: ours */
    /* It stopped, and we did not: SIGSTOP, or SIGTTIN and SIGTTOU (it waits for the terminal). NULL: nobody.
     */
    void (*on_stop)(int signum, void *data);
    void *data;
};

struct child {
    pid_t pid;
    int tty;           /* our controlling terminal, or -1: none that is ours to give */
    bool has_terminal; /* it was given to the child */
    bool exited;
    int code;    /* -1: not known; child_code() */
    int signal;  /* that ended it, or 0 */
    int stopped; /* by this signal; 0: it runs */
    bool is_ending;
    struct loop *loop;
    struct turn suspend;
    struct timer look;
    void (*on_stop)(int signum, void *data);
    void *data;
};

/* ERROR_NOT_FOUND (127), ERROR_NOT_EXECUTABLE (126). *child stays where it is until child_end(). */
int child_start(struct child *child, struct loop *loop, const struct child_options *options,
                struct error *err);
/* Exit code, 128+n when ended by signal n. Only after its exit was seen. */
int child_code(const struct child *child);
/* To its whole group, to end it; and CONT. */
void child_signal(struct child *child, int signum);
/* Takes the terminal back; after the exit. kill_rest: what it left in its group goes too. */
void child_end(struct child *child, bool kill_rest);

#endif
