/*
 * Dialling in a thread of its own, with a limit for all of it.
 *
 * The thread is left behind when it takes too long (a resolver cannot be called off): then the connection is
 * its own, and it closes it. Failure: the reason that the dialling has, or the limit.
 */
#include "client_redis/opening.h"

#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/thread.h"

#include <apphost/connection.h>

#include <stdlib.h>

enum { SPARE_MS = 200 };

/* Between the caller and the thread that dials; the last of them frees. */
struct opening {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct apphost_connection *connection;
    struct own *own; /* the connection's */
    struct apphost_error error;
    int timeout_ms, rc;
    bool is_done, is_left;
};

static void free_opening(struct opening *opening)
{
    pthread_mutex_destroy(&opening->lock);
    pthread_cond_destroy(&opening->changed);
    free(opening);
}

static void *open_there(void *user)
{
    struct opening *opening = user;
    struct apphost_connection *connection = opening->connection;
    int rc = own_dial(opening->own, opening->timeout_ms, &opening->error);

    lock_take(&opening->lock);
    opening->rc = rc;
    opening->is_done = true;
    bool is_left = opening->is_left;
    pthread_cond_signal(&opening->changed);
    lock_drop(&opening->lock);
    if (is_left) {
        apphost_connection_close(connection);
        free_opening(opening);
    }
    return NULL;
}

static struct opening *new_opening(struct apphost_connection *connection, struct own *own, int timeout_ms)
{
    struct opening *opening = calloc(1, sizeof(*opening));
    pthread_condattr_t attributes;

    if (!opening)
        return NULL;
    pthread_mutex_init(&opening->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&opening->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    opening->connection = connection;
    opening->own = own;
    opening->timeout_ms = timeout_ms;
    return opening;
}

/* True when the thread came back in time, or was called off; else everything is its own from now on. */
static bool await_opening(struct opening *opening)
{
    int64_t deadline_ms = clock_ms() + opening->timeout_ms + SPARE_MS;
    struct timespec deadline = {deadline_ms / 1000, (deadline_ms % 1000) * 1000000};
    int rc = 0;

    lock_take(&opening->lock);
    while (!opening->is_done && rc == 0)
        rc = pthread_cond_timedwait(&opening->changed, &opening->lock, &deadline);
    bool is_done = opening->is_done;
    opening->is_left = !is_done;
    lock_drop(&opening->lock);
    return is_done;
}

int opening_within(struct apphost_connection *connection, struct own *own, int timeout_ms,
                   struct apphost_error *error)
{
    struct opening *opening = new_opening(connection, own, timeout_ms);

    if (!opening || thread_start(open_there, opening) < 0) {
        apphost_connection_close(connection);
        free(opening);
        return fail_memory(error);
    }
    if (!await_opening(opening))
        return fail_set(error, APPHOST_E_TIMEOUT, "connectTimeout", "connecting took longer than %d ms",
                        timeout_ms);
    int rc = opening->rc;
    if (rc < 0) {
        if (error)
            *error = opening->error;
        apphost_connection_close(connection);
    }
    free_opening(opening);
    return rc;
}
