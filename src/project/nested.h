/* The session that a command was started inside of: by `run`, by `exec`, or by a process of a manifest.
 *
 * What steers apphost is not inherited (process/inherit.c), the session is: APPHOST_SESSION, or
 * APPHOST_PARENT_SESSION where the child is none of those that are swept at the session's end. A call that
 * names no project itself (-f, -p, -C, their variables) means that session, wherever its working folder is,
 * as long as the session lives; of a dead one nothing is known here, and the search is the ordinary one.
 * Failure: whatever cannot be read is no session. Ownership: the session found is the caller's. */
#ifndef PROJECT_NESTED_H
#define PROJECT_NESTED_H

#include "args/args.h"
#include "engine/engine.h"
#include "state/state.h"

struct nested {
    struct identity identity;
    char *manifest; /* or NULL */
    cJSON *engine;  /* as in struct state_session */
};

bool nested_find(struct nested *nested, const char *root, const struct args *args, char *const *environment);
/* For those who read a manifest: the session's own is the one that is found here, or none is found. Another
 * one that is found here is another project's. *file: the one to read, when it is not found here; the
 * caller's. */
bool nested_means_manifest(const struct nested *nested, char *const *environment, char **file);
/* True and *address: the session has a container engine, and no flag names another. */
bool nested_engine(const struct nested *nested, const struct args *args, struct engine_address *address);
void nested_free(struct nested *nested);
#define cleanup_nested __attribute__((cleanup(nested_free)))

#endif
