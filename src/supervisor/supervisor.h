/* The supervisor: the long-lived process of a project. Ties lock, control socket, orchestrator and lifetime
 * together.
 *
 * A command finds one with supervisor_find() and connects, or starts one (guard first) with
 * supervisor_start(). Inside the new process a loop runs until the session ends: a `down`, the loss of the
 * last lease, a signal, the guard's death. */
#ifndef SUPERVISOR_SUPERVISOR_H
#define SUPERVISOR_SUPERVISOR_H

#include "base/error.h"
#include "control/control.h"
#include "engine/engine.h"
#include "loop/loop.h"
#include "state/state.h"

struct supervisor_options {
    const char *state_root; /* state_root() */
    const char *prefix;     /* "<project>-<hash8>" */
    const char *project, *hash, *manifest;
    const struct engine_address *engine; /* NULL, or without a host: none, only host processes */
    char *const *environment;            /* the client's */
    const char *log_dir;                 /* --log-dir, or NULL: the state folder's */
    bool detached;
    /* Has nothing to do but a `down`: one that fails is no death, and what stays is a dead session's again.
     */
    bool takes_down;
    struct strlist *swept; /* or NULL: what was ended of a dead session's processes before it began */
    /* Runs in the new process, which has a copy of the caller's memory: gives back what only the caller needs
     * (not these options). May be NULL. */
    void (*forget)(void *data);
    void *forget_data;
};

/* Forks guard and supervisor, before the caller has a loop. Returns 0 when the supervisor listens (then
 * connect with supervisor_connect), 1 when somebody else was quicker and listens (connect), or -1 with what
 * it said. *lease_fd (may be NULL) receives one end of a socket pair that the supervisor watches: its end
 * without a goodbye is a `down`. ERROR_OWNER when somebody else holds the lock for long without listening. A
 * guard that is still cleaning up after a supervisor that died is waited for; what a session that died
 * without a guard left of processes is swept first. Blocking. */
int supervisor_start(const struct supervisor_options *options, int *lease_fd, struct error *err);
/* Is one running? Reads the session record; ERROR_NOT_RUNNING when none. *session is filled on success. */
int supervisor_find(const char *state_root, const char *prefix, struct state_session *session,
                    struct error *err);
/* Connects to a running one. */
struct control_connection *supervisor_connect(struct loop *loop, const struct state_session *session,
                                              struct error *err);
/* What is known of whoever has the project's lock. */
enum supervisor_sign {
    SUPERVISOR_GONE,    /* nobody has it */
    SUPERVISOR_LISTENS, /* accepts at the recorded socket */
    SUPERVISOR_SILENT,  /* has it, and does not accept */
    SUPERVISOR_UNSEEN,  /* others have it: a guard that cleans up, or who is not seen from here */
};
/* Who does not accept may be about to, or about to let the lock go, which comes after its socket; and a guard
 * comes to an end. So the last two are known late: of the supervisor itself after `silence`, which is for a
 * busy machine, of others after 30 s. Blocking. */
#define SUPERVISOR_SILENCE LIMIT_MS(2000)
enum supervisor_sign supervisor_await_sign(struct state *state, struct limit silence);
/* Signals the recorded supervisor, if it is the process that holds the project's lock; false: nobody was.
 * SIGCONT asks it to look after its socket, SIGTERM to take everything down. */
bool supervisor_signal(const char *state_root, const char *prefix, pid_t pid, int signum);
/* `gc --session ID`, for the guard alone: sweeps processes, then an orchestrator with everything wanted gone
 * for the dead session in the folder. In this process, because the guard's supervisor has just died, and
 * another one might die of the same. Blocking. *removed lists what went (caller frees). */
int supervisor_clean(const char *folder, const char *session, const struct engine_address *engine,
                     char *const *environment, struct strlist *removed, struct error *err);

/* Does the native server of this record still run? */
bool supervisor_server_runs(const struct state_server *server);

#endif
