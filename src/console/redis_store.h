/* `redis`: flush, seed and snapshots from the command line.
 *
 * Snapshots are files of the project's state: <state>/snapshots/<resource>/<name>, 0600 in folders of 0700.
 */
#ifndef CONSOLE_REDIS_STORE_H
#define CONSOLE_REDIS_STORE_H

#include "console/redis_link.h"

/* Letters, digits, ".", "_" and "-", at most 100 of them, no "." or "-" in front: ERROR_USAGE. */
int redis_store_check_name(const char *name, struct error *err);

/* Each: the exit code, or -1 with *err. */
int redis_store_flush(struct redis_link *link, struct error *err);
int redis_store_seed(struct redis_link *link, const char *file, struct error *err);
int redis_store_snapshot(struct redis_link *link, const char *name, struct error *err);
int redis_store_restore(struct redis_link *link, const char *name, struct error *err);
/* These two need no running server. */
int redis_store_drop(struct context *context, const char *resource, const char *name, struct error *err);
void redis_store_names(const struct project *project, const char *resource,
                       struct strlist *names); /* sorted */
int redis_store_list(struct context *context, const char *resource, struct error *err);

#endif
