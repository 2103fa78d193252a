/*
 * Inside the library: calls under way and the queue that their results go to.
 *
 * A call is owned by the queue from start to callback. The connection's completion, on whatever thread, moves
 * the replies into the call and the call into the queue's list; everything else happens in dispatch, on the
 * queue's thread.
 */
#ifndef CLIENT_QUEUE_H
#define CLIENT_QUEUE_H

#include "client/cache.h"

#include <apphost/queue.h>

/* Turns replies into a result; `error` is the call's own room for one. Fills result->rc, data, reply. */
/* Whether the call goes on: it was sent again in another way. */
typedef bool (*call_again_fn)(struct apphost_call *call);
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
    bool is_cancelled, has_failed, is_counted;
    struct full_key key;
    struct replies replies;
    struct apphost_error error;
    struct apphost_value value;
    int64_t started_us, start_ns, end_ns;
    struct timing times;
    char names[CACHE_WRITE_COMMANDS][16]; /* of the commands, for spans */
    size_t count;
};

struct apphost_call *call_new(struct apphost_queue *queue, apphost_result_fn done, void *user,
                              call_finish_fn finish, struct apphost_error *error);
void call_free(struct apphost_call *call);

/* Hands the batch to the connection of call->role. 0, -1. */
int call_send(struct apphost_call *call, const struct batch *batch, struct apphost_error *error);

/* The same for a call that is new. The call, or NULL (freed). */
struct apphost_call *call_start(struct apphost_call *call, const struct batch *batch,
                                struct apphost_error *error);

/* Puts it into the queue as failed, to call back later like any other. */
struct apphost_call *call_fail_later(struct apphost_call *call, const struct apphost_error *failure);

#endif
