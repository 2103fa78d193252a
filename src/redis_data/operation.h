/* What every operation has: a connection, an end, a `done`. Inside redis_data/ only.
 *
 * Of several servers (redis_data_also()) each has a connection from the start, and `conn` is the one that is
 * talked to; one that closes ends the operation, also when it was another one's turn.
 *
 * An operation embeds `struct redis_data` as its first member and gives it a row of functions. It ends
 * through operation_end() or operation_fail(), once; `done` then runs in a turn of its own. */
#ifndef REDIS_DATA_OPERATION_H
#define REDIS_DATA_OPERATION_H

#include "redis_data/redis_data.h"

struct operation_peer {
    struct redis_conn *conn;
    int port;
};
struct redis_data {
    struct loop *loop;
    struct redis_conn *conn;                    /* one of those of the peers */
    struct operation_peer *peers;               /* the first one is whom it was started for */
    size_t peer_count, turn;                    /* whose it is */
    void (*fini)(struct redis_data *operation); /* frees what the operation holds besides; may be NULL */
    redis_data_done_cb *done;
    void *data;
    struct turn end_turn;
    struct redis_data_result result;
    struct error error;
    bool ended;
};

/* Opens the connection. The operation was allocated with xcalloc and is ours from now on. */
void operation_start(struct redis_data *operation, struct loop *loop, const struct redis_conn_options *server,
                     redis_data_done_cb *done, void *data);
/* Talks to the next server from now on; false: there is no other. */
bool operation_next(struct redis_data *operation);
/* Talks to the server with this port; false: none has it. */
bool operation_turn_to(struct redis_data *operation, int port);
/* It worked, or failed with *err (moved). Later calls change nothing. */
void operation_end(struct redis_data *operation);
void operation_fail(struct redis_data *operation, struct error *err);
/* Sends a command; what cannot be sent fails the operation. on_reply gets the operation as its data. */
void operation_send(struct redis_data *operation, const struct redis_command *command);
void operation_words(struct redis_data *operation, const char *const *words, redis_reply_cb *on_reply);
/* The server's words, printable and short, as an error. Returns -1. */
int operation_answer(const struct resp_reply *reply, struct error *err);
/* Is the operation over, or did the connection end (reply NULL)? The callback then does nothing more. */
static inline bool operation_is_over(const struct redis_data *operation, const struct resp_reply *reply)
{
    return operation->ended || !reply;
}

#endif
