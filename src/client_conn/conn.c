/*
 * The connection as its callers see it: making one, calling, starting, posting, closing.
 *
 * Happy path of a call: wait until the connection is up, append the batch, then either take the lead or sleep
 * until the reply is there or the lead is handed over. Failure: no connection by the deadline, no reply by
 * the deadline (the request stays behind, abandoned, to catch its reply), or the connection lost under way
 * (again, if idempotent).
 */
#include "client_conn/conn.h"
#include "client_base/pick.h"
#include "client_base/clock.h"
#include "client_conn/conn_internal.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { CLOSE_WAIT_MS = 2000, CLOSE_SLICE_MS = 10, LAST_MOMENT_MS = 3600000 };

struct conn *conn_new(const struct apphost_options *options, enum dial_role role, const struct log *log,
                      struct apphost_error *error)
{
    struct conn *conn = calloc(1, sizeof(*conn));
    pthread_condattr_t attributes;

    if (!conn || !(conn->options = apphost_options_copy(options))) {
        free(conn);
        fail_memory(error);
        return NULL;
    }
    pthread_mutex_init(&conn->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&conn->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    conn->has_map = option_has_map(options);
    conn->is_checked = option_number(options, OPT_HIGH_INTEGRITY) != 0;
    conn->role = role;
    conn->log = log;
    conn->references = 1;
    conn->dialed.transport.fd = -1;
    conn->out.limit = conn->sending.limit = SIZE_MAX / 2;
    conn->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (conn->wake_fd >= 0)
        return conn;
    fail_set(error, APPHOST_E_MEMORY, NULL, "no descriptor for a connection");
    conn_release(conn);
    return NULL;
}

const struct apphost_options *conn_options(const struct conn *conn)
{
    return conn->options;
}

void conn_set_timed(struct conn *conn)
{
    atomic_store(&conn->is_timed, true);
}

void conn_set_impatient(struct conn *conn)
{
    atomic_store(&conn->is_impatient, true);
}

enum conn_kind conn_kind(const struct conn *conn)
{
    return (enum conn_kind)atomic_load_explicit(&conn->kind, memory_order_relaxed);
}

void conn_set_suffix(struct conn *conn, const char *suffix)
{
    lock_take(&conn->lock);
    if (!conn->has_worker)
        snprintf(conn->suffix, sizeof(conn->suffix), "%s", suffix);
    lock_drop(&conn->lock);
}

bool conn_is_up(struct conn *conn, char address[128], int *port)
{
    lock_take(&conn->lock);
    bool is_up = conn->state == CONN_UP;
    memcpy(address, conn->dialed.address, 128);
    *port = conn->dialed.port;
    lock_drop(&conn->lock);
    return is_up;
}

bool conn_is_failing(struct conn *conn)
{
    lock_take(&conn->lock);
    bool is_failing = conn->state != CONN_UP && conn->attempts > 0;
    lock_drop(&conn->lock);
    return is_failing;
}

/* ---- Waiting for a connection ---- */

static int fail_late(const struct conn *conn, const char *command, int timeout_ms,
                     struct apphost_error *error)
{
    return fail_set(
        error, APPHOST_E_CONNECT, NULL,
        "The message timed out in the backlog attempting to send because no connection became available "
        "(%dms) - last connection error: %.180s, command=%.20s",
        timeout_ms, pick(conn->last_error.text[0], conn->last_error.text, "none yet"), command);
}

static struct timespec to_timespec(int64_t deadline_ms)
{
    return (struct timespec){deadline_ms / 1000, (deadline_ms % 1000) * 1000000};
}

/* False when it is late, or called off. */
static bool wait_changed_locked(struct conn *conn, int64_t deadline_ms)
{
    if (clock_left(deadline_ms) == 0 || limits_are_cancelled())
        return false;
    struct timespec until = to_timespec(limits_slice(deadline_ms));
    pthread_cond_timedwait(&conn->changed, &conn->lock, &until);
    return true;
}

static int wait_up_locked(struct conn *conn, int64_t deadline_ms, const char *command, int timeout_ms,
                          struct apphost_error *error)
{
    bool goes_on = true;

    if (conn->state != CONN_CLOSED && conn->options->endpoint_count == 0)
        return fail_set(error, APPHOST_E_CONFIG, "config", "No endpoints specified");
    if (conn->state != CONN_CLOSED && conn_start_worker(conn) < 0)
        return fail_set(error, APPHOST_E_MEMORY, NULL, "cannot start a thread for the connection");
    if (conn->state != CONN_UP && conn->waiting >= (size_t)option_number(conn->options, OPT_BACKLOG))
        return fail_set(error, APPHOST_E_BUSY, "backlog", "%zu callers wait for a connection already",
                        conn->waiting);
    conn->waiting++;
    while (conn->state != CONN_UP && conn->state != CONN_CLOSED && !conn_is_hopeless(conn) && goes_on)
        goes_on = wait_changed_locked(conn, deadline_ms);
    conn->waiting--;
    if (conn->state == CONN_UP)
        return 0;
    if (conn->state == CONN_CLOSED)
        return fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    if (conn_is_hopeless(conn))
        return conn_fail_hopeless(conn, error);
    if (limits_are_cancelled())
        return limits_fail(command, error);
    return fail_late(conn, command, timeout_ms, error);
}

/* Waits until the bytes that are to be sent already leave room for these: a server that does not read may not
 * cost memory without end, and one that is slow is waited for. */
static int wait_room_locked(struct conn *conn, const struct batch *batch, int64_t deadline_ms,
                            struct apphost_error *error)
{
    size_t bytes = batch_bytes(batch);
    bool goes_on = true;

    conn->want_room++;
    while (conn->state == CONN_UP && !conn_has_room(conn, bytes) && goes_on)
        goes_on = wait_changed_locked(conn, deadline_ms);
    conn->want_room--;
    if (conn->state != CONN_UP || conn_has_room(conn, bytes))
        return 0;
    if (limits_are_cancelled())
        return limits_fail(batch->commands[0].argv[0], error);
    return fail_set(
        error, APPHOST_E_BUSY, "backlog",
        "%zu bytes wait to be sent already, and %s does not take them: no room for %zu more (%dms)",
        conn->out.len + conn->sending.len - conn->sent, conn->dialed.address, bytes, batch->timeout_ms);
}

static int wait_ready_locked(struct conn *conn, const struct batch *batch, int64_t deadline_ms,
                             struct apphost_error *error)
{
    const char *command = batch->commands[0].argv[0];

    do {
        if (conn->state != CONN_UP &&
            wait_up_locked(conn, deadline_ms, command, batch->timeout_ms, error) < 0)
            return -1;
        if (wait_room_locked(conn, batch, deadline_ms, error) < 0)
            return -1;
    } while (conn->state != CONN_UP);
    return 0;
}

/* ---- Calling ---- */

/* Waits for the reply, leading when it falls to this caller. True when the request is done. */
static bool await_done(struct conn *conn, struct conn_request *request, bool has_lead, int64_t deadline_ms)
{
    for (;;) {
        if (has_lead)
            conn_lead(conn, request, deadline_ms);
        uint32_t word = request_wait(conn, request, deadline_ms);
        if (word == WAKE_DONE)
            return true;
        has_lead = word == WAKE_LEAD;
        if (!has_lead)
            return false;
        /* Only a leader writes the word, so it is ours to take back: the next LEAD that shows up is a new
         * one. */
        atomic_store(&request->wake, WAKE_WAITING);
    }
}

/* After the deadline: leaves the request behind, unless it was done in the last moment. True when it was. */
static bool abandon(struct conn *conn, struct conn_request *request, struct timing *out)
{
    lock_take(&conn->lock);
    bool is_taken = request->is_taken;
    bool has_lead = !is_taken && atomic_load(&request->wake) == WAKE_LEAD;
    if (!is_taken) /* else it belongs to whoever is about to finish it, and it is not looked at again */
        request_leave_locked(conn, request);
    struct timing times = request->times;
    lock_drop(&conn->lock);
    if (out)
        *out = times;
    if (is_taken)
        return request_wait(conn, request, clock_ms() + LAST_MOMENT_MS) == WAKE_DONE;
    if (has_lead)
        conn_lead(conn, NULL, 0);
    return false;
}

static int submit_locked(struct conn *conn, const struct batch *batch, struct conn_request **out,
                         struct apphost_error *error)
{
    struct conn_request *request = request_new(REQUEST_SYNC, batch->count + conn->is_checked);

    if (!request)
        return fail_memory(error);
    size_t before = conn->out.len;
    int rc = request_encode(conn, request, &conn->out, batch, error);
    if (rc == 0 && (rc = request_check(conn, request, error)) < 0)
        conn->out.len = before;
    if (rc < 0) {
        request_free(request);
        return -1;
    }
    request->bit = UINT32_C(1) << (conn->next_bit++ % 32);
    pending_push(conn, request);
    *out = request;
    return 0;
}

static int fail_waiting(const char *command, int timeout_ms, struct apphost_error *error)
{
    if (limits_are_cancelled())
        return limits_fail(command, error);
    return fail_set(error, APPHOST_E_TIMEOUT, "syncTimeout", "Timeout performing %.20s (%dms)", command,
                    timeout_ms);
}

static int try_call(struct conn *conn, const struct batch *batch, int64_t deadline_ms,
                    struct replies *replies, struct apphost_error *error)
{
    struct conn_request *request = NULL;
    const char *command = batch->commands[0].argv[0];
    int timeout_ms = batch->timeout_ms;

    lock_take(&conn->lock);
    if (wait_ready_locked(conn, batch, deadline_ms, error) < 0 ||
        submit_locked(conn, batch, &request, error) < 0) {
        lock_drop(&conn->lock);
        return -1;
    }
    bool has_lead = !conn->is_leading;
    conn->is_leading = true;
    if (!has_lead && !conn_leaves_to_leader(conn))
        conn_flush_locked(conn);
    lock_drop(&conn->lock);

    if (!await_done(conn, request, has_lead, deadline_ms) && !abandon(conn, request, batch->times))
        return fail_waiting(command, timeout_ms, error);
    int rc = 0;
    if (batch->times)
        *batch->times = request->times;
    if (request->error.code) {
        rc = -1;
        if (error)
            *error = request->error;
    } else {
        *replies = request->replies;
        if (replies->items == &request->replies.one)
            replies->items = &replies->one;
        request->replies = (struct replies){0};
    }
    request_free(request);
    return rc;
}

int conn_call(struct conn *conn, const struct batch *batch, struct replies *replies,
              struct apphost_error *error)
{
    struct batch timed = *batch;
    struct apphost_error local;
    int rc;

    if (timed.timeout_ms <= 0)
        timed.timeout_ms = option_number(conn->options, OPT_SYNC_TIMEOUT);
    int64_t deadline_ms = clock_ms() + timed.timeout_ms;
    atomic_fetch_add(&conn->references, 1);
    do {
        rc = try_call(conn, &timed, deadline_ms, replies, &local);
    } while (rc < 0 && timed.is_idempotent && local.code == APPHOST_E_CONNECT &&
             clock_left(deadline_ms) > 0 && strcmp(local.parameter, "endpoint") == 0);
    if (rc < 0 && error)
        *error = local;
    conn_release(conn);
    return rc;
}

/* ---- Without waiting ---- */

/* Why nothing more is taken, if so. */
static int check_open_locked(struct conn *conn, const struct batch *batch, struct apphost_error *error)
{
    if (conn->state == CONN_CLOSED)
        return fail_set(error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    if (conn->options->endpoint_count == 0)
        return fail_set(error, APPHOST_E_CONFIG, "config", "No endpoints specified");
    if (conn->backlog.count + conn->async_count >= (size_t)option_number(conn->options, OPT_BACKLOG))
        return fail_set(error, APPHOST_E_BUSY, "backlog", "the backlog of %zu requests is full",
                        conn->backlog.count + conn->async_count);
    if (!conn_has_room(conn, batch_bytes(batch)))
        return fail_set(error, APPHOST_E_BUSY, "backlog", "%zu bytes wait already: no room for %zu more",
                        conn->out.len + conn->sending.len - conn->sent + atomic_load(&conn->kept),
                        batch_bytes(batch));

    if (conn_start_worker(conn) < 0)
        return fail_set(error, APPHOST_E_MEMORY, NULL, "cannot start a thread for the connection");
    if (conn_is_hopeless(conn))
        return conn_fail_hopeless(conn, error);
    return 0;
}

static int enqueue_locked(struct conn *conn, const struct batch *batch, struct conn_request *request,
                          struct apphost_error *error)
{
    if (check_open_locked(conn, batch, error) < 0)
        return -1;
    bool is_up = conn->state == CONN_UP;

    request->is_again = batch->is_idempotent;
    if (request_encode(conn, request, &request->bytes, batch, error) < 0 ||
        (is_up && request_check(conn, request, error) < 0))
        return -1;
    if (is_up && resp_buffer_append(&conn->out, request->bytes.data, request->bytes.len) < 0)
        return fail_memory(error);
    if (is_up && !request->is_again)
        resp_buffer_fini(&request->bytes);
    else
        request_keep(conn, request);

    if (is_up)
        pending_push(conn, request);
    else
        queue_push(&conn->backlog, request);
    conn->async_count += is_up;
    if (!conn_leaves_to_leader(conn))
        conn_flush_locked(conn);
    return 0;
}

int conn_start(struct conn *conn, const struct batch *batch, conn_done_fn done, void *user,
               struct apphost_error *error)
{
    struct conn_request *request = request_new(REQUEST_ASYNC, batch->count + conn->is_checked);
    int64_t timeout_ms = set_or(batch->timeout_ms, option_number(conn->options, OPT_ASYNC_TIMEOUT));

    if (!request)
        return fail_memory(error);
    request->done = done;
    request->user = user;
    request->deadline_ms = clock_ms() + timeout_ms;
    lock_take(&conn->lock);
    int rc = enqueue_locked(conn, batch, request, error);
    bool is_worker_due = conn_ends_doze_locked(conn) || !conn->is_leading;
    lock_drop(&conn->lock);
    if (rc < 0)
        request_free(request);
    else if (is_worker_due)
        conn_nudge(conn);
    return rc;
}

void conn_post(struct conn *conn, const struct batch *batch)
{
    struct conn_request *request = request_new(REQUEST_QUIET, 1u + conn->is_checked);

    if (!request)
        return;
    lock_take(&conn->lock);
    if (conn->state == CONN_UP && conn_has_room(conn, batch_bytes(batch)) &&
        request_encode(conn, request, &conn->out, batch, NULL) == 0) {
        pending_push(conn, request);
        request = NULL;
        if (!conn_leaves_to_leader(conn))
            conn_flush_locked(conn);
    }
    bool is_worker_due = !request && !conn->is_leading && conn_ends_doze_locked(conn);
    lock_drop(&conn->lock);
    request_free(request);
    if (is_worker_due)
        conn_nudge(conn);
}

void conn_redial(struct conn *conn)
{
    lock_take(&conn->lock);
    if (conn->state == CONN_UP)
        transport_shutdown(&conn->dialed.transport);
    lock_drop(&conn->lock);
    conn_nudge(conn);
}

/* ---- The end ---- */

static void shut_locked(struct conn *conn)
{
    conn_enter_locked(conn, CONN_CLOSED, NULL);
    transport_shutdown(&conn->dialed.transport);
    conn_nudge(conn);
}

void conn_shut(struct conn *conn)
{
    lock_take(&conn->lock);
    shut_locked(conn);
    lock_drop(&conn->lock);
}

void conn_close(struct conn *conn)
{
    if (!conn)
        return;
    int64_t deadline_ms = clock_ms() + CLOSE_WAIT_MS;

    lock_take(&conn->lock);
    shut_locked(conn);
    /* In slices: who lets go in the very moment of closing does not signal. */
    while (atomic_load(&conn->references) > 1 && clock_left(deadline_ms) > 0) {
        struct timespec slice = to_timespec(clock_ms() + CLOSE_SLICE_MS);

        pthread_cond_timedwait(&conn->changed, &conn->lock, &slice);
    }
    lock_drop(&conn->lock);
    conn_release(conn);
}
