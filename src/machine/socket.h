/* The one way to reach a unix socket: connect(2), without blocking unless somebody says for how long. */
#ifndef MACHINE_SOCKET_H
#define MACHINE_SOCKET_H

/* The descriptor, close-on-exec and non-blocking; or the negative errno. -EAGAIN: somebody listens, and does
 * not get round to it. */
int machine_connect(const char *path);
/* While more wait than its queue holds, who connects waits as well: at most for wait_ms, or until a signal
 * comes. */
int machine_connect_within(const char *path, int wait_ms);

#endif
