/* The guard of a session whose supervisor has died, while it cleans up: as long as servers take to stop.
 *
 * It is known by the session's record and by the lock, which it has and the supervisor has not. Who waits
 * for it looks once a second, and says so. Failure modes: what cannot be read is no such guard. */
#ifndef SESSION_CLEANING_H
#define SESSION_CLEANING_H

#include "base/error.h"

#include <stdint.h>
#include <sys/types.h>

/* folder: of the project's state. 0: nobody cleans up there. */
pid_t cleaning_guard(const char *folder);

/* Of one wait; begins as zeros. */
struct cleaning_wait {
    int64_t looked_ms;
    pid_t guard; /* seen at the last look */
    pid_t told;
};
/* Called as often as one likes. tell (or NULL) hears of a guard once. */
typedef void cleaning_cb(pid_t guard, void *data);
void cleaning_look(struct cleaning_wait *cleaning, const char *folder, cleaning_cb *tell, void *data);

/* Always -1. ERROR_NOT_RUNNING, for those who do not wait. */
int cleaning_refuse(pid_t guard, const char *project, struct error *err);
/* ERROR_OWNER: it was waited for in vain. */
int cleaning_refuse_late(pid_t guard, const char *project, const char *folder, struct error *err);

#endif
