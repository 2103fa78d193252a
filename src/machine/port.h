/* Who listens where: TCP sockets in the state LISTEN, from /proc/PID/net/tcp and tcp6 (formats: proc(5)), and
 * the processes that have them open, from /proc/PID/fd. Who that is serves for words only: nothing is decided
 * by it. What cannot be looked into (processes of other users, another machine's) is nobody. */
#ifndef MACHINE_PORT_H
#define MACHINE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct machine_listener {
    char address[46]; /* "127.0.0.1", "::1", "0.0.0.0" */
    int port;
    unsigned long inode; /* of the socket */
};
struct machine_listeners {
    struct machine_listener items[64]; /* more are left out */
    size_t count;
};
/* Adds what a text in the format of /proc/net/tcp or tcp6 says. Pure. */
void machine_listeners_in(const char *text, struct machine_listeners *out);
/* The same of one port alone: whether it says anything. */
bool machine_is_listened_in(const char *text, int port);
/* What the processes of a session (setsid(2): its number is its leader's) listen on. */
void machine_listeners_of_session(pid_t session, struct machine_listeners *out);
/* What is listened on in the network of a container (64 hex digits), whose first process has this number with
 * the engine. False: it is not that container's with us, so nothing is known. */
bool machine_listeners_of_container(pid_t pid, const char *id, struct machine_listeners *out);
/* Who holds a port of this machine, in words: "redis-server (pid 12)", or NULL. The caller frees. */
char *machine_port_holder(int port);
/* Does nobody listen there? Asked by trying, with a socket that is closed again. address NULL or "": on
 * loopback. True where we may not (below 1024, as an ordinary user) or cannot (an address that is not this
 * machine's, or none): an engine may, and whoever cannot will tell. */
bool machine_port_is_free(const char *address, int port);
/* Is this IPv4 address, in numbers, surely none of our network namespace? Asked by trying to be at home
 * there; false where that cannot be told. */
bool machine_lacks_address(const char *address);

#endif
