/*
 * Inside the library: a stream to a server that one user has for itself, beneath the dedicated connections
 * and the subscriptions. It does not heal.
 *
 * It belongs to one thread at a time; own_end() comes from any, and so does the client's end, which knows all
 * of its streams. Every wait is one poll(2) for the socket and for that call.
 */
#ifndef CLIENT_REDIS_OWN_H
#define CLIENT_REDIS_OWN_H

#include "client_redis/redis.h"

#include <apphost/cache.h>

struct own {
    struct own *next, *previous;                          /* of the client's, under its lock */
    void (*end)(struct own *own, enum apphost_code code); /* own_end(), for the client's end */
    struct apphost_redis *redis;
    struct life *life;
    struct apphost_options *options; /* RESP3 where nobody said otherwise */
    enum dial_role role;
    struct dialed dialed;
    struct resp_buffer out; /* not sent yet */
    int wake_fd;
    _Atomic int ended;        /* an apphost_code; APPHOST_OK: it goes on */
    atomic_bool is_cancelled; /* of its dial */
};

/* Nothing is connected yet. */
int own_init(struct own *own, struct apphost_redis *redis, enum dial_role role, struct apphost_error *error);
void own_fini(struct own *own);

/* At the endpoints of these options instead. */
int own_aim(struct own *own, const struct apphost_options *at, struct apphost_error *error);

/* In a cluster at the node of this key, which is asked for; elsewhere it changes nothing. */
int own_aim_at_key(struct own *own, struct apphost_bytes key, struct apphost_error *error);

/* Connects, for `timeout_ms` (0: connectTimeout). A resolver may take longer. */
int own_dial(struct own *own, int timeout_ms, struct apphost_error *error);
void own_hang_up(struct own *own);

/* Ends the wait under way and all later ones with this code. */
void own_end(struct own *own, enum apphost_code code);

/* Lets the wait under way return OWN_WOKEN. */
void own_wake(struct own *own);

enum own_result { OWN_FAILED = -1, OWN_DONE, OWN_WOKEN, OWN_LATE };

/* Sends what is in `out`; meanwhile what comes in is kept, so that both sides always move on. */
enum own_result own_flush(struct own *own, int64_t deadline_ms, struct apphost_error *error);

/* The next reply, pushes among them. OWN_LATE sets no error. */
enum own_result own_next(struct own *own, int64_t deadline_ms, struct resp_reply **reply,
                         struct apphost_error *error);

#endif
