/* Who is beside us: whether another process shares our process numbers and our network.
 *
 * Happy path: a unix socket's peer credentials name the process that listens there, as our own pid namespace
 * sees it; a forwarder or a socket activator is seen as itself, which is as good: it is beside us. Failure
 * modes: what the kernel does not let us see is "unknown", which is no evidence for either answer. Blocking,
 * local, at most some milliseconds. Ownership: none. */
#ifndef MACHINE_NEIGHBOUR_H
#define MACHINE_NEIGHBOUR_H

#include <stdbool.h>
#include <sys/types.h>

/* Who listens at a unix socket: its pid; 0: a process of another pid namespace; -1: nobody, or not to be
 * told. */
pid_t machine_socket_peer(const char *path);

enum machine_answer { MACHINE_UNKNOWN, MACHINE_YES, MACHINE_NO };
/* Is the process, or one that it descends from, in our network namespace? (What an engine in a network
 * namespace of its own publishes is forwarded by its parent: rootless Docker.) */
enum machine_answer machine_shares_network(pid_t pid);
/* Does anything listen on this TCP port in our network namespace, at whatever address? */
enum machine_answer machine_has_listener(int port);
/* Can 127.0.0.1 be reached at all? In a fresh network namespace the loopback is down. */
bool machine_has_loopback(void);

#endif
