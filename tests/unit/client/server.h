/* room: client_conn */
/* A Redis of the test's own: in a temporary folder, on a unix socket and a free loopback port, ended by its
 * process id. */
#ifndef TEST_SERVER_H
#define TEST_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

struct server {
    char folder[64];
    char socket[96]; /* as an endpoint: "!/path" */
    int port;
    pid_t pid;
};

/* Returns when it answers a PING; fails the test when it does not within half a minute. `extra` may be NULL.
 */
void server_start(struct server *server, const char *extra);
void server_stop(struct server *server); /* and removes the folder */

/* In place: the same port, the same folder. `hard` is kill -9. */
void server_kill(struct server *server, bool hard);
void server_again(struct server *server, const char *extra);
void server_sentinel(struct server *server); /* with the sentinel.conf in its folder */
void server_freeze(struct server *server, bool is_frozen);

/* One command over a connection of its own, by hiredis: the reply as text for free(3); integers and nil in
 * words. */
char *server_ask(const struct server *server, const char *format, ...);
long long server_ask_number(const struct server *server, const char *format, ...);

int free_port(void);

/* The first element of an array, or NULL. */
char *server_first(const struct server *server, const char *format, ...);

#endif
