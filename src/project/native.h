/* The native engine, as commands see it: is what it needs there, and would it do where containers cannot be
 * had? */
#ifndef PROJECT_NATIVE_H
#define PROJECT_NATIVE_H

#include "project/project.h"

/* ERROR_ENGINE at the resource's position when the program of a native server of the plan is not in PATH. */
int native_check(const struct plan *plan, char *const *environment, struct error *err);
/* Adds to an ERROR_ENGINE's hint that `--engine native` would work here, where it would. */
void native_offer(const struct project *project, char *const *environment, struct error *error);
/* The state holds servers or data of the native engine. */
bool native_has_left(const struct project *project);

#endif
