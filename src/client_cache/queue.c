/* The queue of results: an eventfd, a list, and who may free what. */
#include "client_cache/queue.h"
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/pick.h"
#include "client_base/lock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct apphost_queue {
    pthread_mutex_t lock;
    int fd;
    struct apphost_call *first, *last; /* ready */
    struct apphost_call *running;      /* about to be called back; of the owner's thread only */
    size_t references;                 /* the owner and every call under way */
    size_t pending;                    /* of the owner's thread only */
    atomic_bool is_closed;
};

struct apphost_queue *apphost_queue_new(struct apphost_error *error)
{
    struct apphost_queue *queue = calloc(1, sizeof(*queue));

    if (!queue) {
        fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&queue->lock, NULL);
    queue->references = 1;
    queue->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (queue->fd >= 0)
        return queue;
    fail_set(error, APPHOST_E_MEMORY, NULL, "no descriptor for a queue: %s", strerror(errno));
    pthread_mutex_destroy(&queue->lock);
    free(queue);
    return NULL;
}

int apphost_queue_fd(const struct apphost_queue *queue)
{
    return queue ? queue->fd : -1;
}

size_t apphost_queue_pending(const struct apphost_queue *queue)
{
    return queue ? queue->pending : 0;
}

static void release(struct apphost_queue *queue)
{
    lock_take(&queue->lock);
    bool is_last = --queue->references == 0;
    lock_drop(&queue->lock);
    if (!is_last)
        return;
    close(queue->fd);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}

/* ---- Calls ---- */

struct apphost_call *call_new(struct apphost_queue *queue, apphost_result_fn done, void *user,
                              call_finish_fn finish, struct apphost_error *error)
{
    if (!queue || !done) {
        fail_null(error, queue, "queue", "done");
        return NULL;
    }
    if (queue->is_closed) {
        fail_set(error, APPHOST_E_CLOSED, NULL, "the queue was closed");
        return NULL;
    }
    struct apphost_call *call = calloc(1, sizeof(*call));
    if (!call) {
        fail_memory(error);
        return NULL;
    }

    call->queue = queue;
    call->done = done;
    call->user = user;
    call->finish = finish;
    call->key.data = call->key.small;
    call->started_us = clock_us();
    call->parent = trace_parent_of_thread();

    lock_take(&queue->lock);
    queue->references++;
    lock_drop(&queue->lock);
    queue->pending++;
    call->is_counted = true;
    return call;
}

void call_belongs_to(struct apphost_call *call, struct apphost_redis *redis)
{
    call->redis = redis;
    life_hold(redis->life);
}

/* On the queue's thread. */
static void uncount(struct apphost_call *call)
{
    if (call->is_counted && !call->queue->is_closed)
        call->queue->pending--;
    call->is_counted = false;
}

static void free_parts(struct apphost_call *call)
{
    struct apphost_queue *queue = call->queue;
    struct life *life = call->redis ? call->redis->life : NULL;

    for (size_t i = 0; i < call->value_count; i++)
        apphost_value_free(&call->values[i]);
    free(call->values);
    free(call->wrote);
    apphost_value_free(&call->value);
    replies_free(&call->replies);
    many_fini(&call->many);
    removals_fini(&call->removals);
    free(call->outcomes);
    full_key_fini(&call->key);
    free(call->names);
    free(call->kept);
    free(call);
    release(queue);
    life_release(life);
}

void call_free(struct apphost_call *call)
{
    if (!call)
        return;
    uncount(call);
    free_parts(call);
}

/* Any thread. */
static void make_ready(struct apphost_call *call)
{
    struct apphost_queue *queue = call->queue;
    uint64_t one = 1;

    lock_take(&queue->lock);
    call->next = NULL; /* it may have been in a list before, and sent again */
    bool is_closed = queue->is_closed;
    bool is_first = !queue->first;
    if (!is_closed && is_first)
        queue->first = call;
    else if (!is_closed)
        queue->last->next = call;
    if (!is_closed)
        queue->last = call;
    if (!is_closed && is_first && write(queue->fd, &one, sizeof(one)) < 0)
        errno = 0; /* full: then it is readable already */
    lock_drop(&queue->lock);
    if (is_closed)
        free_parts(call);
}

static void on_replies(void *user, struct replies *replies, const struct timing *times,
                       const struct apphost_error *error)
{
    struct apphost_call *call = user;

    call->times = *times;
    call->end_ns = clock_unix_ns();
    call->has_failed = error != NULL;
    if (error) {
        call->error = *error;
    } else {
        call->replies = *replies;
        if (replies->items == &replies->one)
            call->replies.items = &call->replies.one;
        *replies = (struct replies){0};
    }
    make_ready(call);
}

struct apphost_call *call_ready(struct apphost_call *call)
{
    make_ready(call);
    return call;
}

struct apphost_call *call_fail_later(struct apphost_call *call, const struct apphost_error *failure)
{
    call->has_failed = true;
    call->error = *failure;
    return call_ready(call);
}

/* One block of memory: the commands, their words, the words' text. Without it there are no spans. */
static void keep_names(struct apphost_call *call, const struct batch *batch)
{
    enum { NAME_SIZE = 16 };
    size_t count = batch->count;

    free(call->names);
    call->names = malloc(count * (sizeof(struct conn_command) + sizeof(char *) + NAME_SIZE));
    call->name_count = 0;
    if (call->names)
        call->name_count = count;
    const char **words = (const char **)(call->names + call->name_count);
    char *text = (char *)(words + call->name_count);
    for (size_t i = 0; i < call->name_count; i++, text += NAME_SIZE) {
        const struct conn_command *command = &batch->commands[i];
        int len = command->lens && command->lens[0] < NAME_SIZE ? (int)command->lens[0] : NAME_SIZE - 1;

        snprintf(text, NAME_SIZE, "%.*s", len, command->argv[0]);
        words[i] = text;
        call->names[i] = (struct conn_command){1, &words[i], NULL};
    }
}

int call_send(struct apphost_call *call, const struct batch *batch, struct apphost_error *error)
{
    if (call->redis->tracer)
        keep_names(call, batch);
    call->has_failed = false;
    call->start_ns = clock_unix_ns();
    return redis_start(call->redis, &call->role, batch, on_replies, call, error);
}

bool call_is_off(const struct apphost_call *call)
{
    return atomic_load(&call->is_cancelled) || atomic_load(&call->queue->is_closed);
}

void apphost_call_cancel(struct apphost_call *call)
{
    if (!call)
        return;
    atomic_store(&call->is_cancelled, true);
    uncount(call);
}

/* ---- Dispatch ---- */

static const struct apphost_error *failure_of(const struct apphost_call *call)
{
    if (call->has_failed)
        return &call->error;
    return NULL;
}

static void record_span(const struct apphost_call *call)
{
    struct batch batch = {.commands = call->names, .count = call->name_count};
    struct conn *conn = batch.count > 0 ? redis_conn(call->redis, call->role, NULL) : NULL;
    char address[128];
    struct trace_batch record = {.batch = &batch, .address = address, .start_ns = call->start_ns};

    if (!conn)
        return;
    record.end_ns = set_or(call->end_ns, call->start_ns);
    record.times = call->times;
    if (!call->has_failed)
        record.replies = &call->replies;
    record.error = failure_of(call);
    record.database = option_number(conn_options(conn), OPT_DEFAULT_DATABASE);
    conn_is_up(conn, address, &record.port);
    const struct trace_parent now = trace_parent_of_thread();
    trace_parent_use(&call->parent);
    tracer_record(call->redis->tracer, &record);
    trace_parent_use(&now);
}

static void run(struct apphost_call *call)
{
    struct apphost_result result = {.rc = -1};

    record_span(call);
    if (call->again && call->again(call))
        return;
    if (call->cache && !call->is_local && call->error.code != APPHOST_E_OPEN)
        cache_finish(call->cache, call->started_us, failure_of(call));
    call->finish(call, &result);
    if (result.rc < 0)
        result.error = &call->error;
    uncount(call);
    user_code();
    call->done(call->user, &result);
    free_parts(call);
}

/* What is ready joins what an outer dispatch has not come to yet. */
static void take_ready(struct apphost_queue *queue)
{
    struct apphost_call **end = &queue->running;
    uint64_t ignored;

    while (*end)
        end = &(*end)->next;
    lock_take(&queue->lock);
    *end = queue->first;
    queue->first = queue->last = NULL;
    if (read(queue->fd, &ignored, sizeof(ignored)) < 0)
        errno = 0;
    lock_drop(&queue->lock);
}

size_t apphost_queue_dispatch(struct apphost_queue *queue)
{
    size_t count = 0;

    if (!queue || queue->is_closed)
        return 0;
    lock_take(&queue->lock);
    queue->references++; /* a callback may free it */
    lock_drop(&queue->lock);
    take_ready(queue);
    while (queue->running) {
        struct apphost_call *call = queue->running;

        queue->running = call->next;
        if (call->is_cancelled) {
            free_parts(call);
        } else {
            run(call);
            count++;
        }
    }
    release(queue);
    return count;
}

static void free_list(struct apphost_call *list)
{
    while (list) {
        struct apphost_call *next = list->next;

        free_parts(list);
        list = next;
    }
}

void apphost_queue_close(struct apphost_queue *queue)
{
    if (!queue || queue->is_closed)
        return;
    lock_take(&queue->lock);
    queue->is_closed = true;
    struct apphost_call *ready = queue->first, *running = queue->running;
    queue->first = queue->last = queue->running = NULL;
    lock_drop(&queue->lock);
    queue->pending = 0;
    free_list(running);
    free_list(ready);
}

void apphost_queue_free(struct apphost_queue *queue)
{
    if (!queue)
        return;
    apphost_queue_close(queue);
    release(queue);
}
