/* Environments for a command of the user's: ours, or a resource's, with what the supervisor says. */
#ifndef SESSION_ENVIRONMENT_H
#define SESSION_ENVIRONMENT_H

#include "base/json.h"
#include "base/str.h"

/* Add "K=V" for each variable: of the answer to `env` (control/variables.h), or of a list of them. Later
 * wins. */
void environment_merge(struct strlist *list, const cJSON *answer);
void environment_add(struct strlist *list, const char *const *entries, size_t count);

#endif
