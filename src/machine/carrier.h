/* Processes that were started with a certain entry in their environment: what a session's children carry
 * tells of it when nobody holds its lock any more. Reads /proc; what cannot be looked at carries nothing.
 * Facts: proc(5), /proc/PID/environ is what execve(2) was given; a zombie's is empty. */
#ifndef MACHINE_CARRIER_H
#define MACHINE_CARRIER_H

#include <stdbool.h>
#include <sys/types.h>

struct machine_carrier {
    pid_t pid;
    char *entry;       /* "NAME=value", of its environment */
    char *environment; /* all of it, entries end with NUL, the last one with two */
};
typedef bool machine_carrier_cb(const struct machine_carrier *carrier, void *data);

/* Of the processes of this user, but us and those that we descend from, the first that has an entry which
 * begins with `start`, and which `is_meant`. False: nobody. The caller frees: machine_carrier_free(). */
bool machine_find_carrier(const char *start, machine_carrier_cb *is_meant, void *data,
                          struct machine_carrier *carrier);
/* The value of a variable of its environment, borrowed, or NULL. */
const char *machine_carrier_value(const struct machine_carrier *carrier, const char *name);
void machine_carrier_free(struct machine_carrier *carrier);

#endif
