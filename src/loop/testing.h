/* For tests: a loop by hand, round by round. The program waits through session/await.h, or runs a loop to its
 * end.
 */
#ifndef LOOP_TESTING_H
#define LOOP_TESTING_H

#include "loop/loop.h"

/* One round: waits for something to happen at most once. Returns false when nothing is left. */
bool loop_run_once(struct loop *loop);

#endif
