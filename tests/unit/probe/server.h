/* What the tests of room probe share: a loop that runs until something holds, a real redis-server of its own,
 * and a TCP listener that behaves as told. */
#ifndef SERVER_H
#define SERVER_H

#include "loop/loop.h"

#include <stdbool.h>
#include <sys/types.h>

/* A port nobody listens on at this moment. */
int free_port(void);

/* redis-server on 127.0.0.1:port without persistence and with the given further words ("--requirepass x"). */
pid_t redis_start(int port, const char *const *words);
void redis_kill(pid_t pid);

/* A listener in a child process: accepts, writes `greeting` (may be NULL) and closes, or keeps the
 * connection, or reads something, writes and closes. */
enum manner { CLOSES, HOLDS, ANSWERS };
pid_t listener_start(int port, const char *greeting, enum manner manner);
void listener_kill(pid_t pid);

/* Runs the loop until holds(data), ten seconds at most; returns whether it holds. */
bool loop_until(struct loop *loop, bool (*holds)(void *data), void *data);

#endif
