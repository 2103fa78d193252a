/*
 * Inside the library: one multiplexed connection that heals itself.
 *
 * Any number of threads submit batches of commands; their bytes go out in order over one stream and the
 * replies come back in the same order. There is no dedicated I/O thread in the way of a reply: the caller
 * that finds nobody receiving takes the *lead*, sends what is queued, receives, hands every reply to its
 * owner, and passes the lead on when its own reply has come. So a lone caller does its own send and recv, and
 * sixty-four callers make one big pipeline.
 *
 * A worker thread does what must not wait for a caller: it dials (and resolves names), redials with jittered
 * backoff, leads while only asynchronous requests are pending, sends keep-alive PINGs, and notices that the
 * peer hung up.
 *
 *     idle ──first use──▶ dialing ──▶ up ──lost──▶ down ──backoff──▶ dialing …          closed from
 * everywhere
 *
 * Waits are bounded: a caller waits for a connection and for its reply until its deadline and no longer. When
 * a connection is lost, what was sent fails; a batch marked idempotent is submitted again while its deadline
 * allows it.
 */
#ifndef CLIENT_CONN_CONN_H
#define CLIENT_CONN_CONN_H

#include "client_conn/dial.h"
#include "client_base/log.h"

#include <string.h>

struct conn;

struct conn_command {
    size_t argc;
    const char *const *argv;
    const size_t *lens; /* NULL: the words are strings */
};

static inline size_t conn_command_length(const struct conn_command *command, size_t word)
{
    if (command->lens)
        return command->lens[word];
    return strlen(command->argv[word]);
}

/* When a batch passed by, Unix time; 0: it did not come so far. Only filled on a connection that is timed. */
struct timing {
    int64_t enqueued_ns, sent_ns, received_ns;
};

/* What a batch is about, so that what follows it can be kept behind it: a hash of its key, or one of these.
 */
enum { KEY_ANY, KEY_NONE };
uint64_t conn_hash_key(const void *data, size_t len);

struct batch {
    const struct conn_command *commands; /* sent together, nothing of other callers in between */
    size_t count;
    uint64_t key;
    bool is_read;         /* it changes nothing: what follows needs not keep behind it */
    bool is_each;         /* every command has a result of its own: where one has none, that is its error */
    bool is_idempotent;   /* may be sent again when the connection was lost under way */
    int timeout_ms;       /* for everything; 0: syncTimeout */
    struct timing *times; /* of the last attempt of conn_call(), or NULL */
};

/* A reply per command, in order. */
struct replies {
    struct resp_reply **items; /* points to `one` for a single command */
    struct resp_reply *one;
    size_t count;
    bool is_transaction; /* the first answers MULTI, the last EXEC */
};

void replies_free(struct replies *replies);

/* Nothing is connected. The options are copied. */
struct conn *conn_new(const struct apphost_options *options, enum dial_role role, const struct log *log,
                      struct apphost_error *error);

/* Ends every wait, and every later call, with APPHOST_E_CLOSED. */
void conn_shut(struct conn *conn);

/* The same, and lets go of it. Returns within about two seconds, a resolver that hangs
 * notwithstanding. */
void conn_close(struct conn *conn);

/* The library name gets a suffix ("-DC"); only before the first use. */
void conn_set_suffix(struct conn *conn, const char *suffix);

/* Batches are timed from now on: somebody makes spans of them. */
void conn_set_timed(struct conn *conn);

/* Callers are told as soon as an attempt to connect has failed: they have somewhere else to go. */
void conn_set_impatient(struct conn *conn);

/* What the server said it is, when it was last connected. */
enum conn_kind { CONN_KIND_UNKNOWN, CONN_KIND_PLAIN, CONN_KIND_CLUSTER };
enum conn_kind conn_kind(const struct conn *conn);

const struct apphost_options *conn_options(const struct conn *conn);

/* Sends and waits. 0 with *replies to free, -1 with an error. An error reply of the server is a reply. */
int conn_call(struct conn *conn, const struct batch *batch, struct replies *replies,
              struct apphost_error *error);

/*
 * Sends and calls back once, from a thread of the library or of another caller: the callback must be short
 * and must not call the connection. On success it owns the replies; on failure they are empty and error says
 * why. Returns -1 when the batch was not accepted (then there is no callback). The callback may run before
 * this returns.
 */
typedef void (*conn_done_fn)(void *user, struct replies *replies, const struct timing *times,
                             const struct apphost_error *error);
int conn_start(struct conn *conn, const struct batch *batch, conn_done_fn done, void *user,
               struct apphost_error *error);

/* Puts one command into a buffer, under this name. 0, -1. */
int conn_append_as(struct resp_buffer *buffer, const char *name, const struct conn_command *command,
                   struct apphost_error *error);

/* Sends one command without waiting and without asking how it went; only if the connection is up. */
void conn_post(struct conn *conn, const struct batch *batch);

/*
 * Where there are two connections to a server, these say which to take. Something about a key (or about any)
 * may be under way of which nobody awaits the end: it was posted, or its caller has left; what comes after it
 * has to follow it on the same connection. And a big value may be arriving, behind which all would wait.
 */
bool conn_owes(struct conn *conn, uint64_t key);
bool conn_is_clogged(const struct conn *conn);

/* Drops the connection and dials again: the server is not what it was (READONLY after a failover). */
void conn_redial(struct conn *conn);

/* Whether the last attempt to connect failed and the next is still to come. */
bool conn_is_failing(struct conn *conn);

/* Whether a connection is established now, and to whom. */
bool conn_is_up(struct conn *conn, char address[128], int *port);

#endif
