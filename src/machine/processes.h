/* The one walk of /proc: every process that can be seen, once. Others than the guard, which lives on libc
 * alone, ask here. Failure modes: a process may end while it is looked at; where there is no /proc there is
 * nobody. */
#ifndef MACHINE_PROCESSES_H
#define MACHINE_PROCESSES_H

#include <stdbool.h>
#include <sys/types.h>

/* The answer is whether that was enough. */
typedef bool machine_process_cb(pid_t pid, void *data);
void machine_each_process(machine_process_cb *look, void *data);
/* Whose child it is, and of which process session. False: it cannot be told. */
struct machine_process {
    pid_t parent, session;
};
bool machine_look_at_process(pid_t pid, struct machine_process *process);

#endif
