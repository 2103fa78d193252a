/* `run --chaos KIND=TIME`: see chaos.c. Inside cli/ only. Whatever takes a chaos takes NULL, which is none.
 */
#ifndef CLI_CHAOS_H
#define CLI_CHAOS_H

#include "base/json.h"
#include "session/context.h"

struct chaos;

/* NULL without the option; or with ERROR_USAGE, when it cannot be done to this project. The manifest is
 * loaded by now. */
struct chaos *chaos_new(struct context *context, struct error *err);
/* The command runs, in this environment: from now on. */
void chaos_begin(struct chaos *chaos, const struct strlist *environment);
/* It has ended: what is under way is waited for, and all of it is told. */
void chaos_end(struct chaos *chaos);
/* [{"kind", "resource", "node", "atMs", "elapsedMs", "code", "said"}], for the report; the caller
 * deletes. */
cJSON *chaos_json(const struct chaos *chaos);
void chaos_free(struct chaos *chaos);

#endif
