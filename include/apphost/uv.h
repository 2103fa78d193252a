/*
 * apphost/uv.h - a queue of results on a libuv loop. Header only: the library itself does not need libuv.
 *
 *     struct apphost_uv results;
 *     apphost_uv_init(&results, loop, &error);
 *     apphost_cache_get_start(cache, results.queue, apphost_str("k"), on_value, NULL, &error);
 *     uv_run(loop, UV_RUN_DEFAULT);
 *
 * Callbacks run on the loop's thread. The handle keeps the loop alive until apphost_uv_close(); uv_unref() it
 * by
 * `&results.poll` if it should not.
 */
#ifndef APPHOST_UV_H
#define APPHOST_UV_H

#include <stdlib.h>
#include <uv.h>

#include <apphost/queue.h>

struct apphost_uv {
    uv_poll_t poll;
    struct apphost_queue *queue;
    uv_close_cb closed;
};

static inline void apphost_uv_on_ready(uv_poll_t *poll, int status, int events)
{
    struct apphost_uv *uv = (struct apphost_uv *)poll->data;

    (void)events;
    if (status == 0)
        apphost_queue_dispatch(uv->queue);
}

/* 0, or -1. */
static inline int apphost_uv_init(struct apphost_uv *uv, uv_loop_t *loop, struct apphost_error *error)
{
    uv->closed = NULL;
    uv->queue = apphost_queue_new(error);
    if (!uv->queue)
        return -1;
    uv->poll.data = uv;
    if (uv_poll_init(loop, &uv->poll, apphost_queue_fd(uv->queue)) == 0 &&
        uv_poll_start(&uv->poll, UV_READABLE, apphost_uv_on_ready) == 0)
        return 0;
    apphost_queue_free(uv->queue);
    uv->queue = NULL;
    return -1;
}

static inline void apphost_uv_on_closed(uv_handle_t *handle)
{
    struct apphost_uv *uv = (struct apphost_uv *)handle->data;

    apphost_queue_free(uv->queue);
    uv->queue = NULL;
    if (uv->closed)
        uv->closed(handle);
}

/* Cancels what is under way and what waits: no callback runs any more, not even when this is called from one.
 * `closed` (may be NULL) runs from the loop; `*uv` must last until then. */
static inline void apphost_uv_close(struct apphost_uv *uv, uv_close_cb closed)
{
    uv->closed = closed;
    apphost_queue_close(uv->queue);
    uv_close((uv_handle_t *)&uv->poll, apphost_uv_on_closed);
}

#endif
