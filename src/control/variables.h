/* The answer to `env`: an object with a member a variable, {"NAME": {"value","secret","resource"}}. Both ends
 * go through these. What is read is borrowed from the answer. */
#ifndef CONTROL_VARIABLES_H
#define CONTROL_VARIABLES_H

#include "base/json.h"

struct answer_variable {
    const char *name, *value; /* value: never NULL */
    bool is_secret;
    const char *resource; /* whose it is, or NULL */
};

/* Takes the place of an earlier one of this name. */
void answer_variable_add(cJSON *answer, const struct answer_variable *variable);
/* One after the other; *at begins with NULL. False: there is no more. */
bool answer_variable_next(const cJSON *answer, const cJSON **at, struct answer_variable *variable);
/* False: there is none of this name. */
bool answer_variable_find(const cJSON *answer, const char *name, struct answer_variable *variable);
/* Overwrites the values, before the answer is deleted. */
void answer_variables_wipe(cJSON *answer);

#endif
