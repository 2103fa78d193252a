/* The one way to reach a unix socket: connect(2) without blocking. */
#ifndef MACHINE_SOCKET_H
#define MACHINE_SOCKET_H

/* The descriptor, close-on-exec and non-blocking; or the negative errno. -EAGAIN: somebody listens, and does
 * not get round to it. */
int machine_connect(const char *path);

#endif
