/* `run --log-dir`: each resource's log as a file of plain text, once all is over. Inside cli/ only. */
#ifndef CLI_RUN_LOGS_H
#define CLI_RUN_LOGS_H

#include "base/scrub.h"
#include "session/context.h"

/* Makes the folder, or finds one: ERROR_USAGE for anything else, a link to one included. */
int run_logs_prepare(const char *folder, struct error *err);
/* "NAME.log" for everybody who said something since then (nanoseconds since 1970), without the secrets.
 * Replaces what has the name; follows no link. */
int run_logs_write(const char *from, const char *folder, int64_t since_ns, const struct scrub *scrub,
                   struct error *err);
/* The last lines of one; NULL: it said nothing. The caller frees. */
char *run_logs_tail(const char *from, const char *resource, int64_t since_ns);

#endif
