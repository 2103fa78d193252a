/* Inside the library: starting a thread of its own. */
#ifndef CLIENT_BASE_THREAD_H
#define CLIENT_BASE_THREAD_H

/* Detached, and without signals: they are for the program's own threads. 0, -1 when none can be had. */
int thread_start(void *(*work)(void *user), void *user);

#endif
