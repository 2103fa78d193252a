/* A swarm behind a socket: the one that deploy's tests keep in memory, in a process of its own that speaks
 * HTTP. It lives from swarm_start() to swarm_stop(), over as many commands as there are. */
#ifndef SWARM_H
#define SWARM_H

#include "base/str.h"

#include <sys/types.h>

struct swarm {
    pid_t process;
    char *host;         /* for --host */
    char *notes;        /* a file: "POST /services/create" a line */
    struct strbuf text; /* what was read of it last */
};

/* images: NULL-terminated, those that a registry has. folder: where socket and notes are. */
void swarm_start(struct swarm *swarm, const char *folder, const char *const *images);
void swarm_stop(struct swarm *swarm);
/* Is no manager of a swarm, and says so. */
void swarm_start_without(struct swarm *swarm, const char *folder);

/* How many requests held this text since the last swarm_forget(). */
int swarm_count(struct swarm *swarm, const char *text);
void swarm_forget(struct swarm *swarm);

#endif
