/* Output to a reader that may have stalled: a pager that waits, a pipe that nobody empties.
 *
 * Who catches the signals that are to end him, and writes by blocking calls, is ended by neither: the write
 * goes on after the handler. stall_note() has the handlers of such signals noticed, and stall_guard() makes
 * standard output and standard error streams that look at that: as long as no signal has come they wait for
 * their reader for ever; from then on only while he takes something. What he did not take is dropped, the
 * stream has an error with ECANCELED, and whoever wrote gets to hear of the signal in his loop.
 *
 * Terminals are left alone: a signal's key starts one that was stopped. The state is static, as standard
 * output is; handlers are those of the process. */
#ifndef BASE_STALL_H
#define BASE_STALL_H

#include <stddef.h>

/* The signal has a handler, which goes on doing its work; that it came is noted from now on. */
void stall_note(int signum);
/* Standard output and error, where they are no terminals. May be called again. */
void stall_guard(void);
/* All of it: 0. The reader is gone, the disk is full, or he took nothing after a signal: -1 with errno. */
int stall_write(int fd, const char *data, size_t length);
/* Something was dropped: after which signal, else 0. */
int stall_gave_up(void);

#endif
