/*
 * The connection's worker: the thread that dials, keeps alive, and leads when no caller does.
 *
 * One turn looks at the state and does the first thing that is due; then it sleeps in poll(2) until the next
 * moment that matters, a nudge, or a hang-up of the idle socket. It never holds the lock while it waits. On a
 * connection that is in use it looks around every second; on one that has been silent for as long it dozes
 * until the keep-alive is due.
 */
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_conn/conn_internal.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/thread.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEARTBEAT_MS = 1000, BUSY_PAUSE_MS = 100 };

/* ---- Dialing ---- */

static struct conn_request *take_backlog_locked(struct conn *conn)
{
    struct conn_request *list = conn->backlog.head;

    conn->backlog = (struct request_queue){0};
    return list;
}

/* What this server does not take is returned, with its error. */
static struct conn_request *send_backlog_locked(struct conn *conn, struct apphost_error *error)
{
    struct request_queue refused = {0};
    struct conn_request *request;

    while (conn->backlog.head) {
        request = conn->backlog.head;
        if (request_check(conn, request, error) < 0) {
            queue_push(&refused, queue_pop(&conn->backlog));
            continue;
        }
        /* Appending fails only when memory is out; then the deadline ends the request. */
        if (resp_buffer_append(&conn->out, request->bytes.data, request->bytes.len) < 0)
            break;
        queue_pop(&conn->backlog);
        if (!request->is_again)
            request_keep_no_more(request);
        pending_push(conn, request);
        conn->async_count++;
    }
    return refused.head;
}

/* Entered and left with the lock. */
static void redial_locked(struct conn *conn)
{
    struct attempt attempt = {conn->options, 0, &conn->is_cancelled};
    struct dialed dialed = {.transport = {.fd = -1}};
    struct apphost_error error = {0};
    struct conn_request *refused = NULL;
    int timeout_ms = option_number(conn->options, OPT_CONNECT_TIMEOUT);

    conn_enter_locked(conn, CONN_DIALING, NULL);
    lock_drop(&conn->lock);
    log_write(conn->log, APPHOST_LOG_DEBUG, LOG_REDIS, "Connecting");
    attempt.deadline_ms = clock_ms() + set_or(timeout_ms, 5000);
    int64_t started_ms = clock_ms();
    int rc = dial(&attempt, conn->role, conn->suffix, &dialed, &error);
    lock_take(&conn->lock);
    if (conn->state == CONN_CLOSED) {
        dial_close(&dialed);
    } else if (rc == 0) {
        conn->dialed = dialed;
        atomic_store(&conn->kind, dialed.is_cluster ? CONN_KIND_CLUSTER : CONN_KIND_PLAIN);
        conn_enter_locked(conn, CONN_UP, NULL);
        refused = send_backlog_locked(conn, &error);
        conn_note_locked(conn, APPHOST_LOG_INFORMATION, "Connected to %s in %lld ms", dialed.address,
                         (long long)(clock_ms() - started_ms));
    } else {
        conn_enter_locked(conn, CONN_DOWN, &error);
        conn_note_locked(conn, APPHOST_LOG_WARNING, "Connect failed: %.440s", error.text);
    }
    if (!refused)
        return;
    lock_drop(&conn->lock);
    requests_fail(conn, refused, &error);
    lock_take(&conn->lock);
}

/* ---- Deadlines of asynchronous requests ---- */

static struct conn_request *take_overdue_locked(struct request_queue *backlog, int64_t now)
{
    struct request_queue kept = {0}, overdue = {0};
    struct conn_request *request;

    while ((request = queue_pop(backlog)))
        queue_push(request->deadline_ms <= now ? &overdue : &kept, request);
    *backlog = kept;
    return overdue.head;
}

/* A pending one cannot leave the queue, its reply is still to come: its caller is told, the request stays as
 * a shell. */
static struct conn_request *detach_overdue_locked(struct conn *conn, int64_t now)
{
    struct request_queue overdue = {0};

    for (struct conn_request *at = conn->pending.head; at; at = at->next) {
        if (at->kind != REQUEST_ASYNC || at->deadline_ms > now)
            continue;
        struct conn_request *shell = request_new(REQUEST_ASYNC, 1);
        if (!shell)
            break;
        shell->done = at->done;
        shell->user = at->user;
        shell->times = at->times;
        at->kind = REQUEST_QUIET;
        atomic_fetch_add(&conn->unattended, 1);
        conn->async_count--;
        queue_push(&overdue, shell);
    }
    return overdue.head;
}

/* Entered and left with the lock. */
static void expire_locked(struct conn *conn, int64_t now)
{
    struct conn_request *late = take_overdue_locked(&conn->backlog, now);
    struct conn_request *unanswered = detach_overdue_locked(conn, now);
    struct apphost_error error = {0}, silence = {0};

    if (!late && !unanswered)
        return;
    fail_set(&error, APPHOST_E_TIMEOUT, "asyncTimeout",
             "The message timed out in the backlog attempting to send because no connection became available "
             "- last "
             "connection error: %.200s",
             conn->last_error.text);
    fail_set(&silence, APPHOST_E_TIMEOUT, "asyncTimeout", "Timeout: %s did not answer in time",
             conn->dialed.address);
    lock_drop(&conn->lock);
    requests_fail(conn, late, &error);
    requests_fail(conn, unanswered, &silence);
    lock_take(&conn->lock);
}

static int64_t next_deadline(const struct conn *conn, int64_t least)
{
    for (const struct conn_request *at = conn->pending.head; at; at = at->next)
        if (at->kind == REQUEST_ASYNC && at->deadline_ms < least)
            least = at->deadline_ms;
    for (const struct conn_request *at = conn->backlog.head; at; at = at->next)
        if (at->deadline_ms < least)
            least = at->deadline_ms;
    return least;
}

/* Entered and left with the lock. As callers that wait are told at once, so are these. */
static void give_up_locked(struct conn *conn)
{
    struct apphost_error error = {0};

    if (!conn->backlog.head || !conn_is_hopeless(conn))
        return;
    struct conn_request *list = take_backlog_locked(conn);
    conn_fail_hopeless(conn, &error);
    lock_drop(&conn->lock);
    requests_fail(conn, list, &error);
    lock_take(&conn->lock);
}

/* ---- Turns ---- */

/* Until it is due. */
static int64_t alive_for_locked(const struct conn *conn, int64_t now)
{
    int64_t keep_alive_s = set_or(option_number(conn->options, OPT_KEEP_ALIVE), 60);

    return keep_alive_s * 1000 - conn_idle_locked(conn, now);
}

static void keep_alive_locked(struct conn *conn)
{
    static const char *const argv[] = {"PING"};
    static const struct conn_command ping = {1, argv, NULL};
    const struct batch batch = {.commands = &ping, .count = 1, .key = KEY_NONE};

    if (conn->pending.head || alive_for_locked(conn, clock_ms()) > 0)
        return;
    struct conn_request *request = request_new(REQUEST_QUIET, 1u + conn->is_checked);
    if (!request || request_encode(conn, request, &conn->out, &batch, NULL) < 0)
        request_free(request);
    else
        pending_push(conn, request);
}

/* Nothing is under way. */
static int rest_locked(struct conn *conn, int64_t now)
{
    if (conn->is_leading || conn->pending.head || conn_idle_locked(conn, now) < HEARTBEAT_MS)
        return HEARTBEAT_MS;
    conn->is_dozing = true;
    return (int)int64_max(int64_min(alive_for_locked(conn, now), INT_MAX), 1);
}

/* Whether the lost transport is out of everybody's hands; closes it then. */
static bool clear_transport_locked(struct conn *conn)
{
    if (conn->is_leading || conn->is_writing)
        return false;
    if (conn->dialed.transport.fd >= 0)
        dial_close(&conn->dialed);
    return true;
}

/* One thing that is due. Returns the milliseconds to sleep, 0 for another turn at once. Entered and left with
 * the lock. */
static int turn_locked(struct conn *conn, bool *watch_socket)
{
    int64_t now = clock_ms(), next = now + HEARTBEAT_MS;

    *watch_socket = false;
    conn_tell_locked(conn);
    expire_locked(conn, now);
    give_up_locked(conn);
    if (conn->state == CONN_CLOSED)
        return BUSY_PAUSE_MS;
    if (conn->state != CONN_UP) {
        if (!clear_transport_locked(conn))
            return BUSY_PAUSE_MS / 10;
        if (conn->next_dial_ms <= now) {
            redial_locked(conn);
            return 0;
        }
        next = int64_min(next, conn->next_dial_ms);
        return (int)(next_deadline(conn, next) - now) + 1;
    }
    keep_alive_locked(conn);
    if (conn->pending.head && !conn->is_leading) {
        conn->is_leading = true;
        next = next_deadline(conn, next);
        lock_drop(&conn->lock);
        conn_lead(conn, NULL, next);
        lock_take(&conn->lock);
        return conn->pending.head && !conn->is_leading ? 0 : 1;
    }
    *watch_socket = !conn->is_leading;
    if (conn->is_leading && conn->async_count > 0)
        return BUSY_PAUSE_MS;
    return rest_locked(conn, now);
}

static void sleep_unlocked(struct conn *conn, int wait_ms, bool watch_socket)
{
    struct pollfd fds[2] = {{.fd = conn->wake_fd, .events = POLLIN}, {.fd = -1, .events = POLLRDHUP}};
    uint64_t count;
    ssize_t rc = 0;

    if (watch_socket)
        fds[1].fd = conn->dialed.transport.fd;
    poll(fds, 2, wait_ms);
    if (fds[0].revents)
        rc = read(conn->wake_fd, &count, sizeof(count));
    (void)rc;
    if (!fds[1].revents)
        return;
    /* Whoever leads reads the end of the stream and does the rest; nobody leads, so this thread does. */
    lock_take(&conn->lock);
    bool may_lead = !conn->is_leading && conn->state == CONN_UP;
    conn->is_leading = conn->is_leading || may_lead;
    lock_drop(&conn->lock);
    if (!may_lead)
        return;
    conn_fail_leading(conn, APPHOST_E_CONNECT, "the server hung up");
    conn_lead(conn, NULL, 0);
}

/* Closed: what is still pending or waiting ends here, once callers have let go. */
static void finish_locked(struct conn *conn)
{
    struct apphost_error error;

    while (conn->is_leading || conn->is_writing) {
        lock_drop(&conn->lock);
        poll(NULL, 0, 1);
        lock_take(&conn->lock);
    }
    struct conn_request *waiting = take_backlog_locked(conn);
    conn->is_leading = true;
    lock_drop(&conn->lock);
    conn_fail_leading(conn, APPHOST_E_CLOSED, "closed");
    fail_set(&error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    requests_fail(conn, waiting, &error);
    lock_take(&conn->lock);
    conn->is_leading = false;
    dial_close(&conn->dialed);
    conn->has_worker = false;
    pthread_cond_broadcast(&conn->changed);
}

static void *work(void *user)
{
    struct conn *conn = user;
    bool watch_socket;

    lock_take(&conn->lock);
    while (conn->state != CONN_CLOSED) {
        int wait_ms = turn_locked(conn, &watch_socket);

        if (wait_ms == 0 || conn->state == CONN_CLOSED)
            continue;
        lock_drop(&conn->lock);
        sleep_unlocked(conn, wait_ms, watch_socket);
        lock_take(&conn->lock);
        conn->is_dozing = false;
    }
    finish_locked(conn);
    lock_drop(&conn->lock);
    conn_release(conn);
    return NULL;
}

/* With the lock. */
int conn_start_worker(struct conn *conn)
{
    if (conn->has_worker)
        return 0;
    if (thread_start(work, conn) < 0)
        return -1;
    conn->has_worker = true;
    atomic_fetch_add(&conn->references, 1);
    return 0;
}
