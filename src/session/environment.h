/* Environments for a command of the user's: ours, or a resource's, with what the supervisor says. */
#ifndef SESSION_ENVIRONMENT_H
#define SESSION_ENVIRONMENT_H

#include "base/json.h"
#include "base/str.h"

/* Adds "K=V" for each variable of {"NAME": {"value": …}}, {"NAME": "value"} or ["NAME=value"]; later wins. */
void environment_merge(struct strlist *list, const cJSON *variables);

#endif
