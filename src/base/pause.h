/* The blocking pause between two looks at something that nobody tells us of: a lock, a socket that appears.
 * Where a loop runs, a timer and loop/await.h take its place. */
#ifndef BASE_PAUSE_H
#define BASE_PAUSE_H

#include <stdint.h>

/* A signal ends it early. */
void pause_ms(int64_t ms);

#endif
