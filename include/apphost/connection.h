/*
 * apphost/connection.h - a connection of one's own, for what may not be done on one that is shared:
 * transactions with WATCH, commands that block, streams, long pipelines, and, further below, subscriptions.
 *
 *     struct apphost_connection *own = apphost_connection_open(redis, NULL, &error);
 *     apphost_connection_execute(own, &reply, &error, "WATCH", "stock", NULL);
 *     ...
 *     if (apphost_connection_transaction(own, commands, 2, &results, &error) == 0)
 *         ... somebody else was faster: again
 *     apphost_connection_close(own);
 *
 * It is made from a named client (apphost/redis.h) and has its options, credentials, TLS, sentinels and
 * spans. RESP3 is spoken where the server has it and the connection string does not say protocol=2. A cluster
 * is not routed here: say by the key in the options whose node it shall be.
 *
 * A connection belongs to one thread at a time; only apphost_connection_interrupt() may come from others. It
 * does not heal: what it held on the server (watched keys, a place in a stream) is gone when it is lost, so
 * every later call fails with the reason, and the caller opens a new one. It may outlive its host.
 *
 * Unless said otherwise functions return 0, or -1 with an error (which may be NULL): APPHOST_E_CONNECT for a
 * connection that is lost, APPHOST_E_TIMEOUT, APPHOST_E_CANCELLED after an interrupt, APPHOST_E_CLOSED after
 * apphost_redis_close(). After the last three the connection is lost as well, for its replies would no longer
 * be in step.
 */
#ifndef APPHOST_CONNECTION_H
#define APPHOST_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <apphost/cache.h>
#include <apphost/error.h>
#include <apphost/redis.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { APPHOST_FOREVER = -1 };

struct apphost_connection;

/* Zero is a good value for every field. */
struct apphost_connection_options {
    int connect_timeout_ms;   /* for connecting; 0: connectTimeout */
    bool from_replica;        /* a replica, which serves reads; fails where there is none */
    struct apphost_bytes key; /* in a cluster: the node that has this key; no data: any node */
    /* What the server says unasked (RESP3 pushes, as of CLIENT TRACKING); runs within the calls below. The
     * reply lives until it returns. NULL: it is dropped. */
    void (*push)(void *user, const struct apphost_reply *push);
    void *user;
};

/* Connects, and waits for it. NULL with an error. */
struct apphost_connection *apphost_connection_open(struct apphost_redis *redis,
                                                   const struct apphost_connection_options *options,
                                                   struct apphost_error *error);

/* Hangs up and frees it. NULL is allowed. */
void apphost_connection_close(struct apphost_connection *connection);

/* From any thread: the call under way, and every later one, ends with APPHOST_E_CANCELLED. The connection
 * must not be closed meanwhile. */
void apphost_connection_interrupt(struct apphost_connection *connection);

/* Whether it was not lost so far, as far as its last call could see. */
bool apphost_connection_is_up(const struct apphost_connection *connection);

/* 3 where RESP3 is spoken, else 2. */
int apphost_connection_protocol(const struct apphost_connection *connection);

/*
 * Sends one command and waits for its reply, `timeout_ms` milliseconds: 0 is syncTimeout, APPHOST_FOREVER no
 * limit, which suits a command that blocks. An error reply is a failure (APPHOST_E_SERVER). On success the
 * caller frees *reply.
 *
 * Commands that are not answered by one reply (SUBSCRIBE, MONITOR, CLIENT REPLY) are refused here with
 * APPHOST_E_UNSUPPORTED; send and receive take them. Those that administer a server need `allowAdmin=true`.
 */
int apphost_connection_command(struct apphost_connection *connection, const struct apphost_command *command,
                               int timeout_ms, struct apphost_reply **reply, struct apphost_error *error);

/* The same for C strings, ended by a NULL, with syncTimeout. */
int apphost_connection_execute(struct apphost_connection *connection, struct apphost_reply **reply,
                               struct apphost_error *error, ...)
#if defined(__GNUC__)
    __attribute__((sentinel))
#endif
    ;

/*
 * MULTI, the commands, EXEC, in one round trip. 1: they have run, and *results, which the caller frees, is an
 * array with a reply for each, of which any may be an error. 0: a watched key was changed by somebody else,
 * nothing has run, *results is NULL. -1: nothing has run (or, for a lost connection, it is not known).
 */
int apphost_connection_transaction(struct apphost_connection *connection,
                                   const struct apphost_command *commands, size_t count,
                                   struct apphost_reply **results, struct apphost_error *error);

/*
 * Pipelines of any length. A command is put into a buffer, which is sent when it is full or a reply is waited
 * for; replies come in the order of their commands, error replies among them, and have to be received before
 * the calls above may be used again. No command is refused: the
 * caller knows how many replies come (a stream of MONITOR or of RESP2 messages may be received for ever).
 */
int apphost_connection_send(struct apphost_connection *connection, const struct apphost_command *command,
                            struct apphost_error *error);
int apphost_connection_receive(struct apphost_connection *connection, int timeout_ms,
                               struct apphost_reply **reply, struct apphost_error *error);

/* ---- Subscriptions ---- */

/*
 * Messages of channels and patterns, over a connection that the subscription has for itself, and which it
 * makes anew when it is lost, with everything subscribed again. Redis keeps no messages: what is published
 * while it is away is lost, which `state` tells.
 *
 * Callbacks run on a thread of the subscription, one after the other; with `is_polled` they run in
 * apphost_subscription_dispatch() instead, on the thread that calls it, when the descriptor is readable. No
 * lock is held: they may call anything here, and close the subscription, too.
 */
struct apphost_subscription;

/* Valid until the callback returns. */
struct apphost_message {
    struct apphost_bytes channel;
    struct apphost_bytes pattern; /* that matched; no data: the channel itself was subscribed to */
    struct apphost_bytes data;
};

enum apphost_subscription_state {
    APPHOST_SUBSCRIPTION_UP,   /* all that was added is subscribed to */
    APPHOST_SUBSCRIPTION_LOST, /* from here on messages are missed; it is connecting again */
};

/* Zero is a good value for every field but `message`. */
struct apphost_subscription_options {
    void (*message)(void *user, const struct apphost_message *message);
    /* `why` is NULL for UP. */
    void (*state)(void *user, enum apphost_subscription_state state, const struct apphost_error *why);
    void *user;
    bool is_polled;
    /* Sharded channels (SSUBSCRIBE, Redis 7), which have no patterns. In a cluster the channels of one
     * subscription belong to one slot, that of `key`: the connection goes to its node, and follows it. */
    bool is_sharded;
    struct apphost_bytes key; /* copied */
    size_t backlog_bytes; /* polled: from that many on no more is read until some is dispatched; 0: 16 MiB */
};

/* Does not wait for a connection: NULL only for arguments, memory, and a configuration that is wrong. Closed
 * by apphost_redis_close() as well (there is one more LOST then); free it with apphost_subscription_close().
 */
struct apphost_subscription *apphost_subscription_open(struct apphost_redis *redis,
                                                       const struct apphost_subscription_options *options,
                                                       struct apphost_error *error);

/* From any thread; the name is copied. A pattern is as PSUBSCRIBE takes it. The second time is no error. What
 * was removed may still bring messages that were under way. */
int apphost_subscription_add(struct apphost_subscription *subscription, struct apphost_bytes name,
                             bool is_pattern, struct apphost_error *error);
int apphost_subscription_remove(struct apphost_subscription *subscription, struct apphost_bytes name,
                                bool is_pattern, struct apphost_error *error);

/* For poll(2), POLLIN; -1 when it is not polled. Dispatching returns the number of callbacks that ran. */
int apphost_subscription_fd(const struct apphost_subscription *subscription);
size_t apphost_subscription_dispatch(struct apphost_subscription *subscription);

/* No callback runs after it has returned; one under way on the subscription's thread is waited for, unless
 * this is called from it. NULL is allowed. */
void apphost_subscription_close(struct apphost_subscription *subscription);

#ifdef __cplusplus
}
#endif
#endif
