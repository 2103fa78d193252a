/* What dead owners left: every command looks, and takes it away.
 *
 * A session is dead when a folder tells of one (its record, or the number in its lock) and nobody holds the
 * lock: supervisor and guard were killed together, else one of them would have cleaned up. heal_project()
 * does that before a command's own business, heal_all() for all projects of this user; `gc` and `down` use
 * heal_session() itself. `up` and `run` do not: a session that starts sweeps processes and takes containers
 * over.
 *
 * There is one way down: a supervisor with nothing else to do is started, which sweeps and takes the lock as
 * any other, and the command is its client. So a living session, one that is about to start or somebody else
 * who heals is never touched; nor is another user's folder, nor a project that is run from another state
 * folder or container. Failure: what cannot be taken away is a note of the command and not its failure; a
 * record stays, and the next command tries again. Blocking; a command that ends meanwhile leaves the rest to
 * the supervisor, which goes on. */
#ifndef SESSION_HEAL_H
#define SESSION_HEAL_H

#include "session/context.h"

/* Is the session that this folder tells of a dead one? *session is filled then; the caller frees. */
bool heal_finds(const char *folder, struct state_session *session);
/* The session's own engine, or today's where the record does not say. The caller frees. */
int heal_engine_of(const struct context *context, const struct state_session *session,
                   struct engine_address *address, struct error *err);
/* Takes away what it left, with the engine that it used. *removed: a text each. ERROR_OWNER: it is somebody's
 * after all. ERROR_NOT_RUNNING: somebody else was quicker. */
struct heal_task {
    const char *folder;
    const struct state_session *session;
    bool is_asked; /* the command's own business: signals are watched and progress is shown */
};
int heal_session(const struct context *context, const struct heal_task *task, struct strlist *removed,
                 struct error *err);

/* What became of one: removed is a list of words, empty with --dry-run; error NULL: all is gone. */
struct heal_report {
    const char *project, *removed;
    const struct error *error;
};
typedef void heal_report_cb(const struct heal_report *report, void *data);
/* All that this user has. With --dry-run nothing is done. */
void heal_all(const struct context *context, heal_report_cb *report, void *data);
/* The command's own project, as far as it is known; said in a note. */
void heal_project(const struct context *context);

#endif
