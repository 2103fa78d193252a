/*
 * The connection's bytes: sending, receiving, and the lead. Requests themselves are in conn_request.c, their
 * callers' sleep is in conn_wake.c.
 *
 * Sending is a role of its own (`is_writing`): whoever has it drains the buffers without holding the lock,
 * and others just append. Leading is receiving and handing out. A caller sends at once unless somebody is
 * sending: a request never waits for the reply of another. Only where the server is near (the round trip of
 * one request is measured) and requests pile up the leader is back from recv sooner than a send costs, and
 * sends all of them in one go. That is safe because a leader never receives before it has flushed, and Redis
 * answers in order.
 */
#include "client_base/clock.h"
#include "client_conn/conn_internal.h"
#include "client_base/fail.h"
#include "client_base/limits.h"
#include "client_base/lock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CROWD = 4,
    CROWD_STEPS = 8,
    RECEIVE_SIZE = 64 * 1024,
    REPLIES_AT_ONCE = 64,
    KEEP_CAPACITY = 1024 * 1024,
    BIG_REPLY = 1024 * 1024
};

static uint32_t finish(struct conn_request *request)
{
    if (request->kind == REQUEST_SYNC)
        return request_set_word(request, WAKE_DONE);
    if (request->kind == REQUEST_ASYNC) {
        const struct apphost_error *why = NULL;

        if (request->error.code)
            why = &request->error;
        user_code();
        request->done(request->user, &request->replies, &request->times, why);
    }
    request_free(request);
    return 0;
}

/* A list of taken requests, linked by `next`; no lock is held. */
static void finish_all(struct conn *conn, struct conn_request *list)
{
    uint32_t bits = 0;

    while (list) {
        struct conn_request *next = list->next;

        if (list->is_abandoned)
            request_free(list);
        else
            bits |= finish(list);
        list = next;
    }
    conn_wake(conn, bits);
}

void requests_fail(struct conn *conn, struct conn_request *list, const struct apphost_error *error)
{
    for (struct conn_request *at = list; at; at = at->next) {
        replies_free(&at->replies);
        at->error = *error;
    }
    finish_all(conn, list);
}

void conn_nudge(struct conn *conn)
{
    uint64_t one = 1;
    ssize_t rc = write(conn->wake_fd, &one, sizeof(one));

    (void)rc;
}

/* ---- Sending ---- */

static void shrink(struct resp_buffer *buffer)
{
    buffer->len = 0;
    if (buffer->cap > KEEP_CAPACITY)
        resp_buffer_fini(buffer);
}

/* One send without the lock; false when there is no more to do now. */
static bool send_some(struct conn *conn)
{
    if (conn->sent == conn->sending.len) {
        struct resp_buffer empty = conn->sending;

        shrink(&empty);
        conn->sending = conn->out;
        conn->out = empty;
        conn->sent = 0;
        pending_stamp_sent(conn);
    }
    if (conn->sending.len == 0)
        return false;
    lock_drop(&conn->lock);
    ssize_t rc = transport_send(&conn->dialed.transport, conn->sending.data + conn->sent,
                                conn->sending.len - conn->sent);
    lock_take(&conn->lock);
    if (rc > 0) {
        conn->sent += (size_t)rc;
        conn_said_locked(conn, (size_t)rc);
        return true;
    }
    if (rc == -1) {
        conn->is_send_broken = true;
        transport_shutdown(&conn->dialed.transport);
    }
    return false;
}

static bool has_unsent(const struct conn *conn)
{
    return conn->out.len > 0 || conn->sent < conn->sending.len;
}

void conn_flush_locked(struct conn *conn)
{
    if (conn->is_writing || conn->state != CONN_UP || conn->is_send_broken)
        return;
    conn->is_writing = true;
    while (has_unsent(conn) && conn->state == CONN_UP && send_some(conn))
        ;
    conn->is_writing = false;
}

/* ---- Receiving ---- */

static const char unasked[] = "a reply that nobody asked for", mixed_up[] = "a reply to another command";

/* The last reply of a request under highIntegrity is its own token; it is taken away. */
static bool take_check(struct conn_request *request)
{
    size_t last = request->replies.count - 1;

    if (!resp_reply_is(request->replies.items[last], request->token))
        return false;
    resp_reply_free(request->replies.items[last]);
    request->replies.items[last] = NULL;
    request->replies.count = last;
    return true;
}

/* One reply for the head of the queue; the request when it is complete. *why is set when the stream cannot be
 * trusted. */
static struct conn_request *assign_one_locked(struct conn *conn, struct resp_reply *reply, const char **why)
{
    struct conn_request *request = conn->pending.head;

    if (reply->type == RESP_PUSH || !request) {
        if (reply->type != RESP_PUSH)
            *why = unasked;
        resp_reply_free(reply);
        return NULL;
    }
    request->replies.items[request->got++] = reply;
    if (request->got < request->replies.count)
        return NULL;
    if (conn->is_checked && !take_check(request)) {
        *why = mixed_up;
        return NULL;
    }
    pending_pop(conn);
    request->times.received_ns = conn->received_ns;
    conn->async_count -= request->kind == REQUEST_ASYNC;
    request->is_taken = true;
    if (request->kind == REQUEST_QUIET && reply->type == RESP_ERROR)
        conn_note_locked(conn, APPHOST_LOG_WARNING, "A command that nobody waits for failed: %.400s",
                         reply->str);
    return request;
}

/* Gives replies to the heads of the queue; *done are those that are complete. NULL, or why the stream cannot
 * be trusted. */
static const char *assign_locked(struct conn *conn, struct resp_reply **replies, size_t count,
                                 struct conn_request **done)
{
    struct conn_request **end = done;
    const char *why = NULL;

    *done = NULL;
    for (size_t i = 0; i < count; i++) {
        if (why) {
            resp_reply_free(replies[i]);
            continue;
        }
        struct conn_request *request = assign_one_locked(conn, replies[i], &why);
        if (!request)
            continue;
        *end = request;
        end = &request->next;
    }
    return why;
}

/* Parses what has come and hands it out. False when the stream cannot be trusted any more. */
static bool dispatch(struct conn *conn, const char **why)
{
    struct resp_reply *replies[REPLIES_AT_ONCE];
    struct conn_request *done;
    size_t count;
    int rc;

    do {
        for (count = 0; count < REPLIES_AT_ONCE; count++)
            if ((rc = resp_reader_next(conn->dialed.reader, &replies[count])) <= 0)
                break;
        lock_take(&conn->lock);
        size_t before = conn->pending.count;
        *why = assign_locked(conn, replies, count, &done);
        conn->crowd = before - conn->pending.count;
        lock_drop(&conn->lock);
        finish_all(conn, done);
        if (*why)
            return false;
    } while (rc > 0);
    *why = resp_reader_error(conn->dialed.reader);
    return rc == 0;
}

/* What was asked for asynchronously and may be asked twice goes back to the backlog, before what waits there.
 * The rest of the list is returned. */
static struct conn_request *keep_for_later_locked(struct conn *conn, struct conn_request *list)
{
    struct request_queue again = {0}, lost = {0};
    int64_t now = clock_ms();

    while (list) {
        struct conn_request *request = list;
        bool is_kept = request->kind == REQUEST_ASYNC && request->is_again && request->deadline_ms > now;

        list = request->next;
        while (is_kept && request->got > 0)
            resp_reply_free(request->replies.items[--request->got]);
        if (is_kept) {
            request->times = (struct timing){0};
            queue_push(&again, request);
        } else {
            queue_push(&lost, request);
        }
    }
    while (conn->backlog.head)
        queue_push(&again, queue_pop(&conn->backlog));
    conn->backlog = again;
    return lost.head;
}

/* By the leader: the connection is lost. Everything pending fails, the worker cleans up and dials again. */
void conn_fail_leading(struct conn *conn, enum apphost_code code, const char *why)
{
    struct apphost_error error;

    lock_take(&conn->lock);
    struct conn_request *list = conn->pending.head;
    if (conn->state == CONN_CLOSED)
        fail_set(&error, APPHOST_E_CLOSED, NULL, "the connection was closed");
    else
        fail_set(&error, code, "endpoint", "the connection to %s was lost: %s", conn->dialed.address, why);
    if (conn->state != CONN_CLOSED && code == APPHOST_E_CONNECT)
        list = keep_for_later_locked(conn, list);
    for (struct conn_request *at = list; at; at = at->next)
        at->is_taken = true;
    conn->pending = (struct request_queue){0};
    conn->unsent = NULL;
    conn->probe = NULL;
    conn->async_count = 0;
    atomic_store(&conn->unattended, 0);
    atomic_store(&conn->is_clogged, false);
    conn->out.len = 0;
    if (conn->state == CONN_UP)
        conn_enter_locked(conn, CONN_DOWN, &error);
    if (error.code != APPHOST_E_CLOSED)
        conn_note_locked(conn, APPHOST_LOG_ERROR, "Connection failed: %.440s", error.text);
    transport_shutdown(&conn->dialed.transport);
    lock_drop(&conn->lock);
    requests_fail(conn, list, &error);
}

/* Nothing came for a slice: is somebody there? */
static bool is_dead(struct conn *conn)
{
    bool is_due;

    lock_take(&conn->lock);
    is_due = conn_silence_locked(conn, clock_ms()) > option_number(conn->options, OPT_DEAD_PEER_TIMEOUT);
    lock_drop(&conn->lock);
    return is_due;
}

/* Until all of a big value is there, what is asked for has to wait behind it. */
static void note_clogging(struct conn *conn)
{
    size_t missing = resp_reader_missing(conn->dialed.reader);
    bool was = conn_is_clogged(conn), is = missing >= BIG_REPLY || (was && missing > 0);

    if (is != was)
        atomic_store_explicit(&conn->is_clogged, is, memory_order_relaxed);
}

/* One receive. False when the connection was lost. */
static bool receive(struct conn *conn, int wait_ms)
{
    size_t want = resp_reader_missing(conn->dialed.reader), room;
    const char *why = "out of memory";

    if (want < RECEIVE_SIZE)
        want = RECEIVE_SIZE;
    char *space = resp_reader_space(conn->dialed.reader, want, &room);
    ssize_t got = -1;
    if (space)
        got = transport_recv(&conn->dialed.transport, space, room, wait_ms);
    if (got > 0) {
        resp_reader_commit(conn->dialed.reader, (size_t)got);
        conn_heard(conn);
        if (atomic_load_explicit(&conn->is_timed, memory_order_relaxed))
            conn->received_ns = clock_unix_ns();
        bool is_fine = dispatch(conn, &why);
        note_clogging(conn);
        if (is_fine)
            return true;
        conn_fail_leading(conn, APPHOST_E_PROTOCOL, why);
        return false;
    }
    if (got == TRANSPORT_AGAIN && !is_dead(conn))
        return true;
    if (got == TRANSPORT_AGAIN)
        why = "no answer for too long";
    else if (got == 0)
        why = "the server hung up";
    else
        why = strerror(errno);
    conn_fail_leading(conn, APPHOST_E_CONNECT, why);
    return false;
}

/* ---- The lead ---- */

static bool is_done(const struct conn_request *request)
{
    return atomic_load_explicit(&request->wake, memory_order_acquire) == WAKE_DONE;
}

/* Many callers were just answered and are about to ask again: stepping aside lets them into the same send. */
static void let_crowd_in_locked(struct conn *conn, const struct conn_request *own)
{
    bool is_idle;
    if (own)
        is_idle = is_done(own);
    else
        is_idle = !conn->pending.head;

    if (is_idle || conn->crowd <= CROWD || conn->pending.count >= conn->crowd || conn_yields_dearly(conn))
        return;
    for (size_t before = 0, i = 0;
         i < CROWD_STEPS && conn->pending.count > before && conn->pending.count < conn->crowd; i++) {
        before = conn->pending.count;
        lock_drop(&conn->lock);
        conn_yield(conn);
        lock_take(&conn->lock);
    }
}

/* Flushes and receives once. False when there is no more reason to lead. */
static bool lead_once(struct conn *conn, struct conn_request *own, int64_t until_ms)
{
    lock_take(&conn->lock);
    let_crowd_in_locked(conn, own);
    conn_flush_locked(conn);
    bool is_idle;
    if (own)
        is_idle = is_done(own);
    else
        is_idle = !conn->pending.head;
    bool is_up = conn->state == CONN_UP;
    bool is_blocked = has_unsent(conn) && !conn->is_writing && !conn->is_send_broken;
    bool is_closed = conn->state == CONN_CLOSED;
    lock_drop(&conn->lock);

    int wait_ms = clock_left(until_ms);
    if (is_closed && !is_idle)
        conn_fail_leading(conn, APPHOST_E_CLOSED, "closed");
    if (is_idle || !is_up || wait_ms == 0 || limits_are_cancelled())
        return false;
    if (wait_ms > TRANSPORT_SLICE_MS)
        wait_ms = TRANSPORT_SLICE_MS;
    if (is_blocked) {
        transport_wait(&conn->dialed.transport, POLLIN | POLLOUT, wait_ms);
        wait_ms = 0;
    }
    return receive(conn, wait_ms);
}

/* The lead goes to the caller whose reply is due first, or to the worker, or to nobody. */
static void pass_lead(struct conn *conn, const struct conn_request *own)
{
    lock_take(&conn->lock);
    struct conn_request *next = conn->pending.head;
    while (next && (next == own || next->kind != REQUEST_SYNC || next->is_abandoned))
        next = next->next;
    uint32_t bit = 0;
    if (next)
        bit = request_set_word(next, WAKE_LEAD);
    conn->is_leading = next != NULL;
    bool is_worker_due = !next && (conn->async_count > 0 || conn->state != CONN_UP);
    if (!next && (conn->pending.head || conn->note_count > 0))
        is_worker_due = conn_ends_doze_locked(conn) || is_worker_due;
    lock_drop(&conn->lock);
    conn_wake(conn, bit);
    if (is_worker_due)
        conn_nudge(conn);
}

void conn_lead(struct conn *conn, struct conn_request *own, int64_t until_ms)
{
    while (lead_once(conn, own, until_ms))
        ;
    pass_lead(conn, own);
}
