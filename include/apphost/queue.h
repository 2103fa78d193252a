/*
 * apphost/queue.h - the asynchronous API, for any event loop.
 *
 * A call is started, and its result is put into a queue; the queue has a descriptor that is readable while
 * results wait. apphost_queue_dispatch() runs the callbacks on the calling thread, and nowhere else do they
 * run: never before the start function has returned, exactly once, and not at all after a cancel. Nothing
 * here blocks, names are not resolved on your thread, and every call ends within `asyncTimeout`. apphost/uv.h
 * ties a queue to a libuv loop.
 *
 * The rules are those of the blocking calls: what is safe to repeat is sent again when a connection is lost,
 * `read_from_replica`, fail-open and the circuit breaker hold. Only in strict-wire mode nothing here waits
 * for the answer to the EXPIRE of a sliding entry or of a new number. Every blocking call of the cache has
 * its counterpart but get-or-create, which runs a function of the caller's that may take its time: get, make
 * it as your loop likes, set; or let it run on a thread, with apphost_hybrid_get_or_create_start().
 *
 * A queue belongs to one thread: start, cancel, dispatch, close and free it there. Caches, hosts and queues
 * may end in any order, from within callbacks too: a call whose cache or host was closed still calls back,
 * with what had come by then or with APPHOST_E_CLOSED. After a fork(2) the child has none of the library's
 * threads: it may call exec or _exit, and nothing here.
 */
#ifndef APPHOST_QUEUE_H
#define APPHOST_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include <apphost/cache.h>
#include <apphost/error.h>
#include <apphost/redis.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_queue;
struct apphost_call;

struct apphost_queue *apphost_queue_new(struct apphost_error *error);

/* Cancels everything: no callback runs any more, and no call can be started. The queue is still to be freed.
 * Its calls may not be touched afterwards. */
void apphost_queue_close(struct apphost_queue *queue);

/* Closes it and lets go of it; from within a callback, too. */
void apphost_queue_free(struct apphost_queue *queue);

/* For poll(2), POLLIN. */
int apphost_queue_fd(const struct apphost_queue *queue);

/* Runs what is ready; the number of callbacks that ran. */
size_t apphost_queue_dispatch(struct apphost_queue *queue);

/* Calls started and neither called back nor cancelled. */
size_t apphost_queue_pending(const struct apphost_queue *queue);

/* Valid during the callback. */
struct apphost_result {
    int rc;           /* as of the blocking call of the same name */
    const char *data; /* get: the value of a hit, and a NUL after it */
    size_t len;
    const struct apphost_reply *reply;  /* command: the reply */
    const struct apphost_error *error;  /* when rc is -1 */
    const struct apphost_value *values; /* get-many: one for each key, the library's own; no data: a miss */
    size_t count;                       /* get-many, remove-many: of them */
    int64_t number; /* increment: the sum; remaining: milliseconds, -1 for never and for no entry */
    const struct apphost_outcome *outcomes; /* remove-many: one for each key */
};

typedef void (*apphost_result_fn)(void *user, const struct apphost_result *result);

/*
 * Each returns a call that can be cancelled until its callback begins, or NULL with an error (then there is
 * no callback). Keys, data and arguments are copied.
 */
struct apphost_call *apphost_cache_get_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             struct apphost_bytes key, apphost_result_fn done, void *user,
                                             struct apphost_error *error);
struct apphost_call *apphost_cache_set_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                             const struct apphost_entry *entry, apphost_result_fn done,
                                             void *user, struct apphost_error *error);
struct apphost_call *apphost_cache_refresh_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                 struct apphost_bytes key, apphost_result_fn done, void *user,
                                                 struct apphost_error *error);
struct apphost_call *apphost_cache_remove_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                struct apphost_bytes key, apphost_result_fn done, void *user,
                                                struct apphost_error *error);
struct apphost_call *apphost_cache_remaining_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                   struct apphost_bytes key, apphost_result_fn done,
                                                   void *user, struct apphost_error *error);

struct apphost_keys {
    const struct apphost_bytes *items;
    size_t count;
};

/* One round trip. result->rc is the number of hits; no key at all is a result like any other. */
struct apphost_call *apphost_cache_get_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                  const struct apphost_keys *keys, apphost_result_fn done,
                                                  void *user, struct apphost_error *error);

/* One round trip. result->rc is the number of entries that there were. */
struct apphost_call *apphost_cache_remove_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                     const struct apphost_keys *keys, apphost_result_fn done,
                                                     void *user, struct apphost_error *error);

struct apphost_entries {
    const struct apphost_entry *items;
    size_t count;
};

/* All or nothing, one round trip; in a cluster that is so for each entry, and the nodes are asked at once. */
struct apphost_call *apphost_cache_set_many_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                  const struct apphost_entries *entries,
                                                  apphost_result_fn done, void *user,
                                                  struct apphost_error *error);

struct apphost_increment {
    struct apphost_bytes key;
    int64_t by;
    struct apphost_expiry expiry; /* of a new entry */
};

/* Atomic. Never sent a second time, and fail-open does not absorb it: a failure is one of the result. */
struct apphost_call *apphost_cache_increment_start(struct apphost_cache *cache, struct apphost_queue *queue,
                                                   const struct apphost_increment *increment,
                                                   apphost_result_fn done, void *user,
                                                   struct apphost_error *error);

struct apphost_call *apphost_redis_command_start(struct apphost_redis *redis, struct apphost_queue *queue,
                                                 const struct apphost_command *command,
                                                 apphost_result_fn done, void *user,
                                                 struct apphost_error *error);

/* The callback will not run. The command may have been sent all the same. */
void apphost_call_cancel(struct apphost_call *call);

#ifdef __cplusplus
}
#endif
#endif
