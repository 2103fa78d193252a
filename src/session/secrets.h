/* Which values are secret, for whoever takes them out of a text (base/scrub.h).
 *
 * A session that runs knows them all; else there are those it remembered, those of the manifest and those of
 * the environment. Each may be missing, and none is a reason to stop. The caller calls scrub_ready() in the
 * end, and owns the scrub. */
#ifndef SESSION_SECRETS_H
#define SESSION_SECRETS_H

#include "base/scrub.h"
#include "plan/plan.h"
#include "session/client.h"

/* -1: it does not tell. */
int secrets_ask(struct client *client, struct limit limit, struct scrub *scrub, struct error *err);
/* Of the project's state folder; NULL: there is none. */
void secrets_remembered(const char *folder, struct scrub *scrub);
/* NULL: there is none. */
void secrets_of_plan(const struct plan *plan, struct scrub *scrub);
/* Whatever is called a parameter there, secret or not. */
void secrets_of_environment(char *const *environment, struct scrub *scrub);

#endif
