/* `run --isolate N`: the parent's part while its workers run. Inside cli/ only. */
#ifndef CLI_ISOLATE_RELAY_H
#define CLI_ISOLATE_RELAY_H

#include "ui/output.h"

#include <sys/types.h>

struct isolate_name {
    int number, count; /* from 1; of how many */
    const char *label; /* in front of its lines; NULL: the number. Borrowed */
};
struct isolate_relay;
struct isolate_relay *isolate_relay_new(const struct output *output);
/* A worker and the pipes of its two streams, which are the relay's from now on. pid -1: it was not started.
 */
void isolate_relay_add(struct isolate_relay *relay, const struct isolate_name *name, pid_t pid,
                       const int pipes[2]);
/* In a worker: closes what belongs to the others, frees. */
void isolate_relay_forget(struct isolate_relay *relay);
/* In a worker: signals do again what they did before the first relay ran. */
void isolate_relay_leave_signals(void);
/* Asks all workers to end. */
void isolate_relay_stop(struct isolate_relay *relay);
/* Passes on lines until all workers have ended; SIGINT, SIGTERM and SIGHUP go to them. Frees. The highest
 * exit code. */
int isolate_relay_run(struct isolate_relay *relay);
/* A signal of the user's came while the last one ran. */
bool isolate_relay_was_interrupted(void);

#endif
