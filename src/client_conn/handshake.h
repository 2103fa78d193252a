/* Inside the library: the commands that open a connection. See handshake.c. */
#ifndef CLIENT_CONN_HANDSHAKE_H
#define CLIENT_CONN_HANDSHAKE_H

#include "client_conn/dial.h"

struct handshake {
    const char *library_suffix; /* "-DC" when a cache is on this connection, else "" */
    bool wants_role;            /* fills dialed->is_replica */
    bool is_sentinel;           /* other credentials, no database */
    bool is_reader;             /* of a replica, maybe of a cluster */
};

int handshake_run(struct dialed *dialed, const struct attempt *attempt, const struct handshake *handshake,
                  struct apphost_error *error);

/* The next reply of the stream, by the attempt's deadline. */
int handshake_read(struct dialed *dialed, const struct attempt *attempt, struct resp_reply **reply,
                   struct apphost_error *error);

#endif
