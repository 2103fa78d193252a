/* Whose a TCP connection's other end is, where that is on this machine.
 *
 * Happy path: the kernel's table of sockets is asked for the one socket with our addresses the other way
 * round (NETLINK_SOCK_DIAG, sock_diag(7)), which takes 0.1 ms and needs no privilege. Failure modes: a peer
 * of another machine or network namespace, or a kernel that does not answer, is not known. Ownership: none.
 */
#ifndef MACHINE_PEER_H
#define MACHINE_PEER_H

#include <stdbool.h>
#include <sys/types.h>

/* False: not known. A user whom our user namespace does not have is 65534. */
bool machine_tcp_peer(int fd, uid_t *uid);

#endif
