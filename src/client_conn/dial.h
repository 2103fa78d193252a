/*
 * Inside the library: from options to a connection that is ready for commands. Blocking; for threads of our
 * own.
 *
 * With one endpoint that one is taken as it is. With several, the first that says it is a primary wins, a
 * replica is the last resort; a dial for a replica wants the reverse. With a service name the endpoints are
 * sentinels, which are asked.
 */
#ifndef CLIENT_CONN_DIAL_H
#define CLIENT_CONN_DIAL_H

#include "client_conn/transport.h"
#include "resp/resp.h"

/* DIAL_BULK is a primary once more, for what is big. */
enum dial_role { DIAL_PRIMARY, DIAL_REPLICA, DIAL_BULK, DIAL_ROLES };

struct dialed {
    struct transport transport;
    struct resp_reader *reader; /* with whatever came after the handshake */
    bool is_replica;
    bool is_cluster;    /* a node of one, as HELLO tells */
    int protocol;       /* 3 when RESP3 is spoken */
    char no_multi[160]; /* why transactions cannot be had, in the server's words; "": they can */
    char address[128];  /* for logs and spans */
    int port;
};

int dial(const struct attempt *attempt, enum dial_role role, const char *library_suffix, struct dialed *out,
         struct apphost_error *error);
void dial_close(struct dialed *dialed);

/* One endpoint, without asking for its role or for sentinels: what a health check wants. */
int dial_endpoint(const struct attempt *attempt, size_t index, struct dialed *out,
                  struct apphost_error *error);

/* Sends one command (NULL-terminated words) and waits for its reply, which the caller frees. */
int dial_ask(struct dialed *dialed, const struct attempt *attempt, const char *const words[],
             struct resp_reply **reply, struct apphost_error *error);

#endif
