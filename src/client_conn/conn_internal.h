/*
 * Inside the connection: what conn.c (callers), conn_request.c, conn_io.c (sending, leading, replies),
 * conn_wake.c, conn_worker.c and, below them, conn_state.c share.
 *
 * Everything is under `lock`, except the reader and receiving, which belong to whoever has the lead, and
 * `sending`, which belongs to whoever has set `is_writing`. Only the worker closes the transport, when
 * neither role is taken.
 */
#ifndef CLIENT_CONN_CONN_INTERNAL_H
#define CLIENT_CONN_CONN_INTERNAL_H

#include "client_conn/conn.h"

#include <pthread.h>
#include <signal.h>

enum conn_state { CONN_IDLE, CONN_DIALING, CONN_UP, CONN_DOWN, CONN_CLOSED };

enum { CONN_NOTES = 4 };

enum request_kind { REQUEST_SYNC, REQUEST_ASYNC, REQUEST_QUIET };

/* What the word of a waiting caller says. */
enum wake { WAKE_WAITING, WAKE_SLEEPING, WAKE_LEAD, WAKE_DONE };

/* What is to be logged, once the lock is let go. */
struct conn_note {
    enum apphost_log_level level;
    char text[480];
};

struct conn_request {
    struct conn_request *next;
    enum request_kind kind;
    _Atomic uint32_t wake;
    uint32_t bit;      /* of the doorbell */
    bool is_abandoned; /* its caller has left: free it when its replies have come */
    bool is_taken;     /* out of the queue, about to be done */
    bool is_again;     /* asynchronous and idempotent: `bytes` are kept, to be sent again after a loss */
    size_t got;
    uint64_t key;  /* of its batch */
    uint64_t end;  /* where its last byte is in all that is sent on this connection */
    char token[9]; /* of highIntegrity */
    struct replies replies;
    int64_t deadline_ms;
    struct timing times;
    conn_done_fn done;
    void *user;
    _Atomic size_t *kept;     /* where its bytes are counted; NULL: not yet */
    struct resp_buffer bytes; /* while it waits for a connection, or may have to again */
    struct apphost_error error;
};

struct request_queue {
    struct conn_request *head, *tail;
    size_t count;
};

struct conn {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the state, for callers that wait for a connection and for conn_close() */
    struct apphost_options *options;
    enum dial_role role;
    const struct log *log;
    char suffix[16];
    atomic_bool is_impatient;
    _Atomic int kind; /* enum conn_kind */
    bool has_map;     /* commands are renamed or disabled */
    bool is_checked;  /* highIntegrity: every batch ends with an ECHO */

    enum conn_state state;     /* conn_state.c alone changes it */
    _Atomic size_t references; /* the owner, the worker, calls under way; the last frees */
    bool has_worker;
    bool is_dozing; /* the worker sleeps until the next keep-alive: who leaves it something to do nudges it */
    int wake_fd;
    _Atomic int64_t dear_until_us; /* others want the processor: nobody steps aside until then */
    atomic_bool is_cancelled;      /* closed: calls off a dial */

    struct dialed dialed;
    bool is_leading, is_writing;
    _Atomic uint32_t doorbell; /* what sleeping callers wait on */
    unsigned next_bit;
    bool is_send_broken;
    struct resp_buffer out; /* appended by callers */
    struct resp_buffer sending;
    size_t sent;
    uint64_t gone;       /* bytes sent since it came up */
    _Atomic size_t kept; /* bytes of asynchronous requests that wait, or may have to be sent again */
    size_t want_room;    /* callers that wait for room */
    const struct conn_request *probe; /* whose round trip is measured */
    int64_t probe_us;                 /* when it was sent */
    int64_t round_trip_us;            /* of one request, about the smallest of late; 0: not known */
    size_t crowd;                     /* callers answered by the last receive: about to come back */

    struct request_queue pending; /* in wire order */
    struct request_queue backlog; /* asynchronous, waiting for a connection */
    size_t async_count;           /* asynchronous ones in pending */
    _Atomic size_t unattended;    /* those in pending that nobody waits for */
    atomic_bool is_clogged;       /* a big value is arriving */
    size_t waiting;               /* callers that wait for a connection */

    atomic_bool is_timed;
    struct conn_request *unsent; /* the first pending one whose bytes are still in `out` */
    int64_t received_ns;         /* the last receive; the leader's */

    _Atomic int64_t heard_ms; /* the last byte in: receiving alone sets it */
    int64_t said_ms;          /* the last byte out */
    int64_t asked_ms;         /* the last byte out of the oldest unanswered request */
    int64_t next_dial_ms;
    int64_t up_ms;     /* when it came up */
    unsigned attempts; /* failed in a row */
    bool was_up;
    struct apphost_error last_error; /* of the last failed dial or the last loss */
    struct conn_note notes[CONN_NOTES];
    size_t note_count;
};

/* conn_state.c. Entering a state: `why` is for CONN_DOWN. From CONN_CLOSED nothing leads back. */
void conn_enter_locked(struct conn *conn, enum conn_state to, const struct apphost_error *why);

/* No further attempt will mend this soon. */
bool conn_is_hopeless(const struct conn *conn);
int conn_fail_hopeless(const struct conn *conn, struct apphost_error *error);

/* Bytes came in, or went out; for how long nothing has come that is due, and nothing has happened at all. */
void conn_heard(struct conn *conn);
void conn_said_locked(struct conn *conn, size_t bytes);
int64_t conn_silence_locked(const struct conn *conn, int64_t now);
int64_t conn_idle_locked(const struct conn *conn, int64_t now);

/* Something is left to the worker: whether it was dozing, and is to be nudged. */
bool conn_ends_doze_locked(struct conn *conn);

/* A line for the log, which the worker tells: the caller's code never runs under the lock. */
__attribute__((format(printf, 3, 4))) void conn_note_locked(struct conn *conn, enum apphost_log_level level,
                                                            const char *format, ...);
void conn_tell_locked(struct conn *conn);

void conn_release(struct conn *conn); /* drops a reference, without the lock */

/* conn_request.c */
struct conn_request *request_new(enum request_kind kind, size_t count);
void request_free(struct conn_request *request);
void queue_push(struct request_queue *queue, struct conn_request *request);
struct conn_request *queue_pop(struct request_queue *queue);
/* Nobody waits for it any more; it stays in pending, for its replies are still to come. */
void request_leave_locked(struct conn *conn, struct conn_request *request);
int request_encode(const struct conn *conn, struct conn_request *request, struct resp_buffer *buffer,
                   const struct batch *batch, struct apphost_error *error);

/* Whether so many bytes more may be held: of all that waits to be sent, or to be sent again, abandoned or
 * not. */
bool conn_has_room(const struct conn *conn, size_t bytes);
size_t batch_bytes(const struct batch *batch);
void request_keep(struct conn *conn, struct conn_request *request);
void request_keep_no_more(struct conn_request *request);

/* -1 when it is a transaction and the server takes none: command by command is not what was asked for. */
int request_check(struct conn *conn, const struct conn_request *request, struct apphost_error *error);

/* Those whose bytes are in `out` or sent, in wire order; all that is in `out` goes now. */
void pending_push(struct conn *conn, struct conn_request *request);
struct conn_request *pending_pop(struct conn *conn);
void pending_stamp_sent(struct conn *conn);

/* Whether the bytes of a new request may wait for the leader: he is back from recv sooner than a send costs.
 */
bool conn_leaves_to_leader(const struct conn *conn);

/* conn_io.c */
void conn_flush_locked(struct conn *conn);
void conn_lead(struct conn *conn, struct conn_request *own, int64_t until_ms);
void conn_fail_leading(struct conn *conn, enum apphost_code code, const char *why);
void conn_nudge(struct conn *conn);
void requests_fail(struct conn *conn, struct conn_request *list, const struct apphost_error *error);

/* conn_wake.c: the bit to wake, 0 when its caller is awake. After WAKE_DONE the request may be gone. */
uint32_t request_set_word(struct conn_request *request, enum wake what);
void conn_wake(struct conn *conn, uint32_t bits);

/* Lets others of our own in; and whether that was others' gain lately. */
void conn_yield(struct conn *conn);
bool conn_yields_dearly(struct conn *conn);

/* Waits until the word is neither WAITING nor SLEEPING, or the deadline has passed; returns the word. */
uint32_t request_wait(struct conn *conn, struct conn_request *request, int64_t deadline_ms);

/* conn_worker.c */
int conn_start_worker(struct conn *conn);

#endif
