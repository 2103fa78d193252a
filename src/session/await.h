/* Waiting, the one way of it: a command waits for a fact, and nothing but the fact is success.
 *
 * A wait says what it waits for (in words, for texts), the variable that becomes true when it is so, and how
 * long at most; FOREVER is spelled out where something else bounds it. It ends with the fact; by the user's
 * signals, where the client watches them; late; or when nothing is left in the loop that could still make the
 * fact true. An empty loop, a closed descriptor, an empty set are never the fact.
 *
 * What follows from more than one thing is one fact: `judge` runs before the first round and after each one,
 * and says so by setting the variable. A wait that passes signals on itself is `steady`. */
#ifndef SESSION_AWAIT_H
#define SESSION_AWAIT_H

#include "base/error.h"
#include "session/client.h"

struct wait {
    const bool *fact;
    const char *what; /* "the answer to up" */
    struct limit limit;
    loop_cb *judge; /* or NULL */
    void *data;
    bool is_steady; /* the user's signals do not end it: judge acts on them */
};
enum { AWAIT_INTERRUPTED = 1 };
/* 0: *fact. AWAIT_INTERRUPTED: the user's signal came; client->signum. -1: ERROR_TIMEOUT, or ERROR_FAILED
 * when nothing is left that could happen. */
int await(struct client *client, const struct wait *wait, struct error *err);

/* An interruption as an error, for those who return no third way; the exit code becomes 128 + signal. */
int await_interrupted(struct error *err);

#endif
