/* Inside the library: what a thread has said about its calls (apphost/limits.h). */
#ifndef CLIENT_BASE_LIMITS_H
#define CLIENT_BASE_LIMITS_H

#include <apphost/limits.h>

#include <stdint.h>

/* The time-out of a call that would have this one. */
int limits_timeout(int timeout_ms);

/* From now on calls of this thread take no longer than that (0: as before); what there was, for
 * apphost_limits_set(). */
struct apphost_limits limits_narrow(int timeout_ms);

bool limits_are_cancelled(void);

/* Until when a wait may sleep that has this deadline: who can be called off looks up from time to time. */
int64_t limits_slice(int64_t deadline_ms);

/* -1. */
int limits_fail(const char *what, struct apphost_error *error);

#endif
