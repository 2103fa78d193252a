/* The end of a command in a container, when a signal ends the exec that it is ours through.
 *
 * The engine cannot kill what it executes. So the command carries a mark in its environment, and a shell in
 * the same container, as the same user, signals whatever carries that: first the signal that we got, after
 * ten seconds (or with the next signal) KILL. Where we had a terminal they are hung up on as well.
 *
 * Failure modes: a container without a shell, a command that has become another user, an engine that does
 * not answer: it is said that the command may still run, and we leave. A third signal leaves at once. */
#ifndef SESSION_EXEC_END_H
#define SESSION_EXEC_END_H

#include "engine/engine.h"
#include "session/exec_session.h"

struct exec_end {
    struct loop *loop;
    struct engine *engine;
    const struct exec_options *options;
    bool has_terminal;
    loop_cb *leave; /* the end of the exec will not be seen */
    void *data;
    /* private */
    char mark[40]; /* "NAME=VALUE" */
    bool is_open, has_left;
    int signum, stage;
    int64_t signalled_ms;
    struct engine_op *asking;
    struct timer patience, again;
};

/* Makes the mark. After that signals are listened to, until exec_end_stop(). */
int exec_end_start(struct exec_end *end, struct error *err);
void exec_end_stop(struct exec_end *end);
/* The command is being started: from now on it can be found. */
void exec_end_open(struct exec_end *end);
/* As if the signal came; of several the first one counts. */
void exec_end_begin(struct exec_end *end, int signum);
/* Returns if none came; else ends us by the first one, as its default action does. */
void exec_end_raise(const struct exec_end *end);

#endif
