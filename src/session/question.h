/* A question to the user, before what cannot be undone: yes, or nothing happens. Only where somebody can
 * answer; the others are told to say it beforehand (-y). */
#ifndef SESSION_QUESTION_H
#define SESSION_QUESTION_H

#include "base/error.h"
#include "session/client.h"

/* The question has been printed. 0: yes. -1: ERROR_FAILED, which says what `kept` says ("nothing was
 * changed"), after every other line and the end of input; ERROR_CANCELLED after the user's signal, where the
 * client watches those. client NULL: nobody does, and they end us. */
int question_ask(struct client *client, const char *kept, struct error *err);

#endif
