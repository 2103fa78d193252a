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
 * for the answer to the EXPIRE of a sliding entry.
 *
 * A queue belongs to one thread: start, cancel, dispatch and free it there.
 */
#ifndef APPHOST_QUEUE_H
#define APPHOST_QUEUE_H

#include <stddef.h>

#include <apphost/cache.h>
#include <apphost/error.h>
#include <apphost/redis.h>

#ifdef __cplusplus
extern "C" {
#endif

struct apphost_queue;
struct apphost_call;

struct apphost_queue *apphost_queue_new(struct apphost_error *error);

/* Calls under way are cancelled. Not from within a callback. */
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
    const struct apphost_reply *reply; /* command: the reply */
    const struct apphost_error *error; /* when rc is -1 */
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
