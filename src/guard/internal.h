/* What the files of this room share: reading /proc without malloc, and a sweep that also takes orphans. */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Reads at most size bytes of a file; -1 when it cannot. */
ssize_t guard_read_file(const char *path, char *into, size_t size);
/* `count` numbers of /proc/PID/stat from field `first` (numbered as in proc(5), 4 is the parent). */
bool guard_stat_fields(pid_t pid, int first, unsigned long *values, int count);
/* guard_sweep, and every child of the caller is meant as well and reaped. */
int guard_sweep_all(const char *session, int grace_ms);

#endif
