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

/*
 * A call that sends several commands, or waits for what others do, has its time-out as a whole. What there
 * was before is given back when it ends; one inside of another has the time of that. 0 while the caller's own
 * function runs: its calls are no part of ours.
 */
int64_t limits_enter(void);
void limits_leave(int64_t before);

/* Until when such a call may wait that would wait until then; whether its time is up, and saying so: -1. */
int64_t limits_until(int64_t deadline_ms);
bool limits_are_over(void);
int limits_late(const char *what, struct apphost_error *error);

bool limits_are_cancelled(void);

/* Until when a wait may sleep that has this deadline: who can be called off looks up from time to time. */
int64_t limits_slice(int64_t deadline_ms);

/* -1. */
int limits_fail(const char *what, struct apphost_error *error);

#endif
