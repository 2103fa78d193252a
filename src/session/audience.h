/* Is there still somebody who reads what we print?
 *
 * Who follows something (`logs -f | grep -m1 ready`) may have nothing more to print for hours: a write would
 * tell that the reader is gone, but there is none. audience_watch() asks the kernel instead, and gone becomes
 * true, which wakes the loop. Files, terminals (hangup.h) and /dev/null have no such end: nothing is
 * watched then, and that is no failure.
 *
 * Ownership: the descriptor stays the caller's, its flags are not touched. The struct lives as long as its
 * loop (a client has both, and ends it); audience_end() before loop_fini(), also right for one of zeros. */
#ifndef SESSION_AUDIENCE_H
#define SESSION_AUDIENCE_H

#include "loop/loop.h"

#include <stdbool.h>

struct audience {
    uv_poll_t poll;
    int epoll; /* 0 or less: not watched */
    bool is_gone;
};

void audience_watch(struct audience *audience, struct loop *loop, int fd);
void audience_end(struct audience *audience);

#endif
