/* Is the supervisor still there, while it works on something that may take for ever?
 *
 * A request without a limit is bounded by the supervisor, which helps only as long as it runs: one that is
 * stopped or hangs answers nothing. So it is asked `hello` now and then, and is silent when a question has
 * stood for three beats. A beat counts only what the loop could have read since the one before: time in which
 * we were stopped ourselves, or the machine slept, is one beat however long it was.
 *
 * Ownership: the pulse is the caller's and stays where it is between start and end. */
#ifndef SESSION_PULSE_H
#define SESSION_PULSE_H

#include "session/client.h"

struct pulse {
    struct client *client;
    struct timer beat;
    struct client_call question;
    int missed;
    bool is_silent; /* also noted in the client: the next one is given a single beat to answer */
};

void pulse_start(struct pulse *pulse, struct client *client);
void pulse_end(struct pulse *pulse);

#endif
