/* Waiting of a command: loop/await.h on the client's loop, ended by the user's signals as well, where the
 * client watches them. Commands wait through this and nothing else turns a loop there. */
#ifndef SESSION_AWAIT_H
#define SESSION_AWAIT_H

#include "base/error.h"
#include "loop/await.h"
#include "session/client.h"

/* 0: the fact. AWAIT_INTERRUPTED: the user's signal came; client->signum. -1: ERROR_TIMEOUT, or ERROR_FAILED
 * when nothing is left that could happen. */
int await(struct client *client, const struct wait *wait, struct error *err);
/* The same for what the supervisor works on, however long: it is asked meanwhile whether it is there
 * (session/pulse.h), and ERROR_OWNER when it is silent. */
int await_supervisor(struct client *client, const struct wait *wait, struct error *err);

/* 0: the descriptor has bytes, or has ended; AWAIT_INTERRUPTED; -1 with errno. */
int await_input(struct client *client, int fd);

/* An interruption as an error, for those who return no third way; the exit code becomes 128 + signal. */
int await_interrupted(struct error *err);

#endif
