/*
 * apphost/limits.h - how long the calls of a thread may take, and calling them off.
 *
 *     struct apphost_limits limits = {.timeout_ms = 50, .cancel = request->cancel};
 *     apphost_limits_set(&limits);
 *     ... calls of the library ...
 *     apphost_limits_set(NULL);
 *
 * They hold for all blocking calls of caches and clients that the thread makes until they are set anew; the
 * time-out also for the asynchronous ones that it starts (those are cancelled with apphost_call_cancel()). A
 * call that is called off fails with APPHOST_E_CANCELLED within some twenty milliseconds, wherever it waits;
 * in a cluster it ends with its time-out. As after a time-out the command may have been executed.
 *
 * A get-or-create has the time-out as a whole: for asking Redis and for waiting while others create
 * (APPHOST_E_TIMEOUT). A function of yours that runs is not interrupted, and what it made is kept; one that
 * was called off is not begun.
 */
#ifndef APPHOST_LIMITS_H
#define APPHOST_LIMITS_H

#include <stdbool.h>

#include <apphost/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Calls off the calls of any number of threads, once and for ever. */
struct apphost_cancel;

/* NULL when memory is out. It must outlive the limits that name it. */
struct apphost_cancel *apphost_cancel_new(void);
void apphost_cancel_free(struct apphost_cancel *cancel);

/* From any thread, a handler of a signal too. */
void apphost_cancel(struct apphost_cancel *cancel);
bool apphost_is_cancelled(const struct apphost_cancel *cancel);

/* Zero is no limit. */
struct apphost_limits {
    int timeout_ms; /* of each call, instead of syncTimeout and the cache's own */
    const struct apphost_cancel *cancel;
};

/* Of the calling thread; copied. NULL: none. */
void apphost_limits_set(const struct apphost_limits *limits);

#ifdef __cplusplus
}
#endif
#endif
