/* Inside the library: the clocks. Deadlines are monotonic milliseconds, expirations are Unix milliseconds. */
#ifndef CLIENT_BASE_CLOCK_H
#define CLIENT_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_ms(void);      /* monotonic */
int64_t clock_us(void);      /* monotonic */
int64_t clock_unix_ms(void); /* wall clock */
int64_t clock_unix_ns(void);

/* Milliseconds until a monotonic deadline, within 0 and INT_MAX. */
int clock_left(int64_t deadline_ms);

/* A number below `bound` (> 0) that is good enough for jitter and identifiers, not for secrets. */
uint64_t clock_random(uint64_t bound);

#endif
