/*
 * The state of a connection: the only place that changes it, and everything that hangs on a change.
 *
 *     idle ──▶ dialing ──▶ up ──▶ down ──▶ dialing …          closed from everywhere, and for good
 *
 * Entering a state keeps the books (attempts, the next dial, the last error), wakes who waits for a change,
 * and notes what is to be logged: the log is the caller's code, so it never runs here, under the lock, but
 * when the worker tells it. Failed attempts count up and stretch the pause before the next; a connection that
 * lived for a moment only does not earn an immediate new attempt.
 *
 * Whether the peer lives is judged by what comes in. What we say proves nothing: a server that is frozen
 * takes bytes for a long time. `heard_ms` is set by receiving alone, and the patience with silence begins
 * with the last byte of the oldest unanswered request (`asked_ms`), so that a value that takes long to send
 * is no silence.
 */
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_conn/conn_internal.h"
#include "client_base/fail.h"
#include "client_base/lock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHORT_LIFE_MS = 1000, BACKOFF_STEPS = 12 };

/* ---- Entering a state ---- */

static int64_t backoff_ms(const struct conn *conn)
{
    int64_t delay = option_number(conn->options, OPT_RECONNECT_DELAY);
    int64_t most = option_number(conn->options, OPT_RECONNECT_MAX_DELAY);

    for (unsigned i = 1; i < conn->attempts && i < BACKOFF_STEPS && delay < most; i++)
        delay += delay / 2;
    delay = int64_min(delay, most);
    return delay / 2 + (int64_t)clock_random((uint64_t)delay / 2 + 1);
}

static void note_up(struct conn *conn, int64_t now)
{
    conn->was_up = true;
    conn->up_ms = now;
    conn->is_send_broken = false;
    conn->out.len = conn->sending.len = conn->sent = 0;
    conn->gone = 0;
    conn->unsent = NULL;
    conn->probe = NULL;
    conn->round_trip_us = 0;
    conn->said_ms = conn->asked_ms = now;
    atomic_store(&conn->heard_ms, now);
}

static void note_down(struct conn *conn, int64_t now, const struct apphost_error *why)
{
    bool was_fine = conn->state == CONN_UP && now - conn->up_ms >= SHORT_LIFE_MS;

    conn->last_error = *why;
    conn->next_dial_ms = now;
    if (was_fine) {
        conn->attempts = 0;
    } else {
        conn->attempts++;
        conn->next_dial_ms += backoff_ms(conn);
    }
}

void conn_enter_locked(struct conn *conn, enum conn_state to, const struct apphost_error *why)
{
    int64_t now = clock_ms();

    if (conn->state == CONN_CLOSED)
        return;
    switch (to) {
    case CONN_IDLE:
    case CONN_DIALING:
        break;
    case CONN_UP:
        note_up(conn, now);
        break;
    case CONN_DOWN:
        note_down(conn, now, why);
        break;
    case CONN_CLOSED:
        atomic_store(&conn->is_cancelled, true);
        break;
    }
    conn->state = to;
    pthread_cond_broadcast(&conn->changed);
}

/* ---- What the state means to callers ---- */

/* What no further attempt will mend soon: the caller is told at once instead of at its deadline. */
bool conn_is_hopeless(const struct conn *conn)
{
    if (conn->state != CONN_DOWN || conn->attempts == 0)
        return false;
    if (conn->last_error.code == APPHOST_E_AUTH || conn->last_error.code == APPHOST_E_CONFIG ||
        conn->last_error.code == APPHOST_E_TLS || conn->last_error.code == APPHOST_E_ARGUMENT)
        return true;
    if (conn->role == DIAL_REPLICA || atomic_load(&conn->is_impatient))
        return true; /* the primary is asked instead, and wants the time */
    int64_t retries = int64_max(option_number(conn->options, OPT_CONNECT_RETRY), 1);
    return !conn->was_up && option_number(conn->options, OPT_ABORT_CONNECT) && conn->attempts >= retries;
}

int conn_fail_hopeless(const struct conn *conn, struct apphost_error *error)
{
    if (conn->last_error.code != APPHOST_E_CONNECT && conn->last_error.code != APPHOST_E_TIMEOUT &&
        conn->last_error.code != APPHOST_E_PROTOCOL)
        return fail_set(error, conn->last_error.code, conn->last_error.parameter, "%s",
                        conn->last_error.text);
    if (atomic_load(&conn->is_impatient))
        return fail_set(error, APPHOST_E_CONNECT, "node", "%s", conn->last_error.text);
    return fail_set(
        error, APPHOST_E_CONNECT, "abortConnect",
        "It was not possible to connect to the redis server(s): %.180s. To allow this connection to continue "
        "retrying until it's able to connect, use abortConnect=false in your connection string.",
        conn->last_error.text);
}

/* ---- Heard, said, asked ---- */

void conn_heard(struct conn *conn)
{
    atomic_store_explicit(&conn->heard_ms, clock_ms(), memory_order_relaxed);
}

/* `bytes` have gone out; some of them may belong to the oldest unanswered request. */
void conn_said_locked(struct conn *conn, size_t bytes)
{
    const struct conn_request *oldest = conn->pending.head;

    conn->said_ms = clock_ms();
    if (oldest && oldest->end > conn->gone)
        conn->asked_ms = conn->said_ms;
    conn->gone += bytes;
    if (conn->want_room > 0)
        pthread_cond_broadcast(&conn->changed);
}

int64_t conn_silence_locked(const struct conn *conn, int64_t now)
{
    int64_t heard_ms = atomic_load_explicit(&conn->heard_ms, memory_order_relaxed);

    if (!conn->pending.head)
        return 0;
    return now - int64_max(heard_ms, conn->asked_ms);
}

int64_t conn_idle_locked(const struct conn *conn, int64_t now)
{
    int64_t heard_ms = atomic_load_explicit(&conn->heard_ms, memory_order_relaxed);

    return now - int64_max(heard_ms, conn->said_ms);
}

bool conn_ends_doze_locked(struct conn *conn)
{
    bool was_dozing = conn->is_dozing;

    conn->is_dozing = false;
    return was_dozing;
}

/* ---- The log ---- */

void conn_note_locked(struct conn *conn, enum apphost_log_level level, const char *format, ...)
{
    struct conn_note *note = &conn->notes[conn->note_count];
    va_list args;

    if (conn->note_count == CONN_NOTES)
        return; /* whoever is told takes longer than the connection takes to change: it missed some */
    note->level = level;
    va_start(args, format);
    vsnprintf(note->text, sizeof(note->text), format, args);
    va_end(args);
    conn->note_count++;
}

/* Entered and left with the lock. */
void conn_tell_locked(struct conn *conn)
{
    struct conn_note notes[CONN_NOTES];
    size_t count = conn->note_count;

    if (count == 0 || conn->state == CONN_CLOSED)
        return;
    memcpy(notes, conn->notes, count * sizeof(notes[0]));
    conn->note_count = 0;
    lock_drop(&conn->lock);
    for (size_t i = 0; i < count; i++)
        log_write(conn->log, notes[i].level, LOG_REDIS, "%s", notes[i].text);
    lock_take(&conn->lock);
}

/* ---- The end ---- */

static void free_conn(struct conn *conn)
{
    if (conn->dialed.transport.fd >= 0 || conn->dialed.reader)
        dial_close(&conn->dialed);
    resp_buffer_fini(&conn->out);
    resp_buffer_fini(&conn->sending);
    apphost_options_free(conn->options);
    pthread_mutex_destroy(&conn->lock);
    pthread_cond_destroy(&conn->changed);
    if (conn->wake_fd >= 0)
        close(conn->wake_fd);
    free(conn);
}

/* Every call does this: while nobody closes, it takes no lock. */
void conn_release(struct conn *conn)
{
    bool is_closing = atomic_load(&conn->is_cancelled);

    if (is_closing)
        lock_take(&conn->lock);
    bool is_last = atomic_fetch_sub(&conn->references, 1) == 1;
    if (is_closing) {
        pthread_cond_broadcast(&conn->changed);
        lock_drop(&conn->lock);
    }
    if (is_last)
        free_conn(conn);
}
