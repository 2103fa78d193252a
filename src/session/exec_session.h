/* A command in a container with our standard input and output: piped through byte for byte, or as a terminal.
 * A signal, or the end of whoever reads us, ends the command, and then us by the same signal (exec_end.h).
 *
 * With a terminal ours is raw until the end, so that keys go to the command (Ctrl-C too) and its own terminal
 * echoes; it is as before on every way out, signals included. */
#ifndef SESSION_EXEC_SESSION_H
#define SESSION_EXEC_SESSION_H

#include "engine/engine.h"
#include "ui/output.h"

struct exec_options {
    const char *container;
    const char *const *argv;
    const char *const *environment; /* or NULL */
    const char *user, *folder;      /* or NULL */
    const struct output *output;
    bool no_terminal; /* never one; else where stdin and stdout are terminals */
};

/* The command's exit code; -1 with an error. */
int exec_session_run(const struct engine_address *address, char *const *environment,
                     const struct exec_options *options, struct error *err);

#endif
