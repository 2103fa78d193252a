/* The end of our terminal, for whom the kernel does not tell.
 *
 * HUP goes to the session's leader and to the group in the foreground. A command in the background, or one
 * that handed the foreground to its child, would go on without anybody who could end it. Somebody who told us
 * to ignore HUP (`nohup`), or who took the terminal away from all three standard descriptors, wants just
 * that: then nothing is watched. */
#ifndef SESSION_HANGUP_H
#define SESSION_HANGUP_H

#include "loop/loop.h"

struct hangup {
    uv_poll_t poll;
    int fd; /* our controlling terminal; 0 or less: not watched */
    loop_signal_cb *run;
    void *data;
};

/* The terminal whose end is ours too, or -1; for poll(2), which tells POLLHUP. The caller closes. */
int hangup_open(void);
/* run(SIGHUP, data), once, when the terminal hangs up. */
void hangup_watch(struct hangup *hangup, struct loop *loop, loop_signal_cb *run, void *data);
void hangup_end(struct hangup *hangup); /* before loop_fini() */

#endif
