/* `redis`: the way to a server of the running project, and asking it as if it blocked.
 *
 * The supervisor says where the server is and what its password is (its answers to `view` and `env`), or what
 * the connection string is; the password goes straight into the connection's options. A link opens its
 * connection at the first question, and again when it was lost: servers come back elsewhere after a restart.
 */
#ifndef CONSOLE_REDIS_LINK_H
#define CONSOLE_REDIS_LINK_H

#include "session/context.h"
#include "redis_conn/redis_conn.h"
#include "redis_data/redis_data.h"

struct redis_link {
    struct context *context;
    char *resource, *asked; /* who is talked to; what was asked for: of a topology perhaps the whole */
    bool is_foreign; /* a connection string's: the server, and what it holds, belong to somebody else */
    bool is_cluster; /* one node of one */
    struct redis_conn_options server; /* its texts are ours */
    struct redis_conn *conn;
    bool is_lost;     /* the connection ended: `failure` */
    bool was_sent_on; /* by a node that named another: who is not there is told, not asked for again */
    struct error failure;
    int64_t database;        /* selected whenever the connection is made */
    struct redis_elsewhere { /* where redis_link_follow() goes; no host: where it is */
        char *host;
        int port;
        bool is_asked; /* only for the next command, which is told beforehand */
    } elsewhere;
    redis_reply_cb *on_push; /* what comes unasked; or NULL */
    void *push_data;
    /* redis_link_await()'s */
    const bool *await_fact;
    loop_cb *await_judge;
    void *await_data;
    bool await_over;
};

/* Asks the supervisor. ERROR_NOT_RUNNING (10) where nothing runs or nothing is called so, ERROR_USAGE where
 * it is no Redis server. Sets the database that a connection string asks for. Opens nothing. */
int redis_link_init(struct redis_link *link, struct context *context, const char *resource,
                    struct error *err);
void redis_link_fini(struct redis_link *link);

enum { REDIS_LINK_INTERRUPTED = 1 };
/* Opens the connection where there is none, or none that lives. */
int redis_link_open(struct redis_link *link, struct error *err);
/* Closes it; the next question opens another. */
void redis_link_close(struct redis_link *link);
/* Sends one command and waits for its reply, for which on_reply runs once. 0; REDIS_LINK_INTERRUPTED; -1 when
 * the connection failed. A reply that is an error is 0. */
int redis_link_ask(struct redis_link *link, const struct redis_data_words *words, redis_reply_cb *on_reply,
                   void *data, struct error *err);
/* 0 when the fact is true (`judge`, or NULL, runs after each round and may make it so);
 * REDIS_LINK_INTERRUPTED after a signal; -1 when the connection has ended. */
int redis_link_await(struct redis_link *link, const bool *fact, loop_cb *judge, void *data,
                     struct error *err);
/* The server's error reply as ours: "ERR unknown command …", exit code 1. Returns -1. */
int redis_link_answer(const struct resp_reply *reply, struct error *err);

/* Whether the error reply is a redirection of a cluster's node, "MOVED 3999 172.20.0.1:24001" or "ASK …",
 * that this link may follow: it is to the cluster as a whole, not to one node by its name. Notes where to. */
bool redis_link_is_sent_on(struct redis_link *link, const struct resp_reply *reply);
/* Goes there; the command is the caller's to say again. The connection after next is to the resource again.
 */
int redis_link_follow(struct redis_link *link, struct error *err);

/* ---- standard input beside the loop ---- */

enum { REDIS_INPUT_INTERRUPTED = -1, REDIS_INPUT_BROKEN = -2 };

/* Up to `size` bytes from standard input, waiting with the loop turning: their number, 0 at the end,
 * REDIS_INPUT_INTERRUPTED when a signal came (client->interrupts has changed), REDIS_INPUT_BROKEN with errno.
 * Plain reads: the descriptor, shared with the shell, stays as it is. */
ssize_t redis_read_input(struct client *client, char *bytes, size_t size);

#endif
