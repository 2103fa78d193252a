/* Certificates of servers with TLS, when a plan is about to be used: made by the development authority or
 * read from the user's files, and handed to the plan as secrets. */
#ifndef PROJECT_CERTIFICATES_H
#define PROJECT_CERTIFICATES_H

#include "base/error.h"
#include "project/project.h"

/* Where the user's development authority is kept: below the state root. The caller frees. */
char *certificates_folder(const struct project *project);
/* Gives every server with TLS its certificate; makes the authority at first need. The engine is
 * asked where its ports are reached. Errors stand at their positions. */
int certificates_fill(struct project *project, char *const *environment, struct error *err);

#endif
