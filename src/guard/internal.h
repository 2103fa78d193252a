/* What the files of this room share: reading /proc without malloc, and the mark. */
#ifndef GUARD_INTERNAL_H
#define GUARD_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>

/* Reads at most size bytes of a file; -1 when it cannot. */
ssize_t guard_read_file(const char *path, char *into, size_t size);
/* `count` numbers of /proc/PID/stat from field `first` (numbered as in proc(5), 4 is the parent). */
bool guard_stat_fields(pid_t pid, int first, unsigned long *values, int count);
/* What guard_mark() leaves for this session; and what a process carries, 0 for none. */
unsigned long guard_mark_of(const char *session);
unsigned long guard_read_mark(pid_t pid);

#endif
