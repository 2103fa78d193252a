/*
 * Inside the library: calls under way and the queue that their results go to.
 *
 * A call is owned by the queue from start to callback. The connection's completion, on whatever thread, moves
 * the replies into the call and the call into the queue's list; everything else happens in dispatch, on the
 * queue's thread.
 */
#ifndef CLIENT_CACHE_QUEUE_H
#define CLIENT_CACHE_QUEUE_H

#include "client_cache/cache.h"

#include <apphost/queue.h>

/* Whether the call goes on: it was sent again in another way. */
typedef bool (*call_again_fn)(struct apphost_call *call);

/* Turns replies into a result, of which rc is -1 so far; call->error is the room for why. */
typedef void (*call_finish_fn)(struct apphost_call *call, struct apphost_result *result);

struct apphost_call {
    struct apphost_call *next;
    struct apphost_queue *queue;
    struct apphost_redis *redis;
    struct apphost_cache *cache; /* NULL: a raw command */
    apphost_result_fn done;
    void *user;
    call_finish_fn finish;
    call_again_fn again;      /* NULL: one attempt */
    const char *const *words; /* of a command about one key, which goes after the first; NULL-terminated */
    enum dial_role role;      /* where it was sent */
    atomic_bool is_cancelled;
    bool has_failed, is_counted;
    bool is_local; /* nothing was asked of a server */
    struct full_key key;
    uint64_t ticket;              /* of get: for level one, from before the question */
    struct apphost_command *kept; /* a raw command that waits for leave to be sent */
    struct many many;             /* of get-many */
    struct increment increment;   /* of increment */
    size_t entries;               /* of set and set-many: how many */
    uint64_t *wrote;              /* their hashes, where there is a level one */
    struct apphost_value *values; /* one for each key of get-many */
    size_t value_count;
    struct removals removals; /* of remove-many */
    struct apphost_outcome *outcomes;
    struct apphost_value value; /* of get */
    int made;                   /* of a get-or-create: its result */
    struct replies replies;
    struct apphost_error error;
    int64_t started_us, start_ns, end_ns;
    struct trace_parent parent; /* of the thread when it was started */
    struct timing times;
    struct conn_command *names; /* the commands without their arguments, for spans; NULL: nobody wants any */
    size_t name_count;
};

struct apphost_call *call_new(struct apphost_queue *queue, apphost_result_fn done, void *user,
                              call_finish_fn finish, struct apphost_error *error);
/* The client that it is about, which lives at least as long. */
void call_belongs_to(struct apphost_call *call, struct apphost_redis *redis);
void call_free(struct apphost_call *call);

/* Hands the batch, of which nothing is needed afterwards, to the connection of call->role. 0, -1. */
int call_send(struct apphost_call *call, const struct batch *batch, struct apphost_error *error);

/* Whether nobody waits for its result any more. Any thread, while it is under way. */
bool call_is_off(const struct apphost_call *call);

/* Puts it into the queue, to call back later like any other: with nothing sent, or as failed. */
struct apphost_call *call_ready(struct apphost_call *call);
struct apphost_call *call_fail_later(struct apphost_call *call, const struct apphost_error *failure);

#endif
