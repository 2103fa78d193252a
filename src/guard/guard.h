/* The guard: the supervisor's parent, and the one who cleans up when the supervisor cannot.
 *
 * guard_start() forks twice. The guard becomes a session leader, a child subreaper and a process of its own
 * name; it uses libc only, keeps next to no memory, and sleeps in waitpid. Supervisor exits 0: goodbye, and
 * what is left of the session's processes is swept. It dies otherwise: the guard sweeps them as well, then
 * executes `apphost gc --session ID`, which takes the rest down. The supervisor dies with the guard (parent
 * death signal TERM).
 *
 * Call before any loop, thread or libcurl exists. */
#ifndef GUARD_GUARD_H
#define GUARD_GUARD_H

#include <sys/types.h>

struct guard_options {
    const char *session;          /* id */
    const char *state_folder;     /* for gc and the log */
    const char *program;          /* path of this program, /proc/self/exe resolved */
    int log_fd;                   /* becomes descriptors 1 and 2 of both */
    int keep_fds[8];              /* inherited by guard and supervisor (lock); -1 ends */
    int supervisor_fds[8];        /* inherited by the supervisor only (ready pipe, lease); -1 ends */
    int (*supervisor)(void *arg); /* runs in the supervisor; its result is the exit code */
    void *arg;
};
/* In the caller: the guard's pid (which is not a child to wait for: it was double-forked), or -1 with errno.
 */
pid_t guard_start(const struct guard_options *options);
/* The name that ps, top and killall show, and the command line as well: both are overwritten, arguments and
 * environment of the first program (which may hold secrets) with them. getenv() keeps working. Call once, in
 * a process of its own. */
void guard_set_title(const char *title);
/* Standard input of a process that no sweep may touch is a memory file (memfd) of this name: servers with
 * data, which gc stops in order, and persistent ones, which stay. */
#define GUARD_KEPT_INPUT "apphost-kept"
/* Marks the calling process, and all that it starts from now on, as one of this session's, in a way that
 * neither a new environment nor a new process session takes off. Guard and supervisor are marked, so their
 * children are. Safe between fork and exec. */
void guard_mark(const char *session);
/* The calling process belongs to no session any more. Safe between fork and exec. */
void guard_unmark(void);
/* The one way in which the processes of a session are ended: TERM, at most grace_ms, then KILL; except the
 * caller and the kept ones. Meant are those whose environment carries APPHOST_SESSION=session, those with its
 * mark, and the children of its guard, as long as that lives (guard: its pid; 0: it is dead). Returns how
 * many were found. Blocking. */
int guard_sweep(const char *session, pid_t guard, int grace_ms);

#endif
