/* Work of a project that nobody answers for in our state folder: whose is it?
 *
 * The lock in the state folder says who owns, but only to those who look into the same one. A supervisor can
 * be seen from outside as well: it is a process of ours that has a lock open which is named after the
 * project, in whatever folder. Asked only when no supervisor was found and something is to be claimed, or
 * said not to run; so ordinary commands pay nothing. And where supervisor and guard were killed, processes
 * that they started carry the session, whose id begins with the identity's hash. */
#ifndef PROJECT_OWNER_H
#define PROJECT_OWNER_H

#include "base/error.h"
#include "project/project.h"

/* root: of our own state folders. -1 with ERROR_OWNER, naming pid and folder: another state folder's
 * supervisor runs the project of this hash, or processes of it are left; nothing of it may be touched. 0:
 * nobody. */
int owner_check(const char *root, const char *hash, struct error *err);
/* A supervisor of this hash whose folder in our state root was taken away is asked to make it again, which
 * takes it moments. The project's prefix, to be looked for anew; the caller frees. NULL: there is none such.
 */
char *owner_recall(const char *root, const char *hash);
/* owner_check() by the labels of running containers, where processes do not tell all: before a session starts
 * or is taken down. Trouble with the engine is not reported: what follows has it too. */
int owner_check_engine(const struct project *project, const struct project_options *options,
                       struct error *err);

#endif
