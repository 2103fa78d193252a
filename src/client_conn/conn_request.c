/*
 * Requests of a connection: making and freeing them, their queues, and their bytes.
 *
 * A batch is encoded under the names that the command map gives its commands; under highIntegrity an ECHO
 * with a token of the request follows it.
 */
#include "client_base/clock.h"
#include "client_base/pick.h"
#include "client_conn/conn_internal.h"
#include "client_base/fail.h"
#include "client_base/lock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_BYTES = 64 * 1024 * 1024, PROBE_AGAIN_MS = 1000, PILE = 1, NEAR_US = 300, DRIFT = 64 };

/* FNV-1a; what it must not be is told apart from what it means. */
uint64_t conn_hash_key(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t hash = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ p[i]) * UINT64_C(1099511628211);
    if (hash > KEY_NONE)
        return hash;
    return hash + KEY_NONE + 1;
}

void replies_free(struct replies *replies)
{
    for (size_t i = 0; i < replies->count; i++)
        if (replies->items)
            resp_reply_free(replies->items[i]);
    if (replies->items != &replies->one)
        free(replies->items);
    *replies = (struct replies){0};
}

struct conn_request *request_new(enum request_kind kind, size_t count)
{
    struct conn_request *request = malloc(sizeof(*request));

    if (!request)
        return NULL;
    memset(request, 0, offsetof(struct conn_request, error));
    request->error.code = APPHOST_OK;
    request->kind = kind;
    request->bytes.limit = SIZE_MAX / 2;
    request->replies.count = count;
    if (count == 1)
        request->replies.items = &request->replies.one;
    else
        request->replies.items = calloc(count, sizeof(*request->replies.items));
    if (request->replies.items)
        return request;
    free(request);
    return NULL;
}

size_t batch_bytes(const struct batch *batch)
{
    size_t bytes = 0;

    for (size_t i = 0; i < batch->count; i++) {
        const struct conn_command *command = &batch->commands[i];

        for (size_t k = 0; k < command->argc; k++) {
            if (command->lens)
                bytes += command->lens[k];
            else
                bytes += strlen(command->argv[k]);
        }
    }
    return bytes;
}

/* One that finds nothing before it always fits: how big a value may be is the server's to say. */
bool conn_has_room(const struct conn *conn, size_t bytes)
{
    size_t held = atomic_load(&conn->kept);

    if (conn->state == CONN_UP)
        held += conn->out.len + (conn->sending.len - conn->sent);

    return held == 0 || (bytes < HELD_BYTES && held < HELD_BYTES - bytes);
}

void request_keep(struct conn *conn, struct conn_request *request)
{
    request->kept = &conn->kept;
    atomic_fetch_add(request->kept, request->bytes.len);
}

void request_keep_no_more(struct conn_request *request)
{
    if (request->kept)
        atomic_fetch_sub(request->kept, request->bytes.len);
    request->kept = NULL;
    resp_buffer_fini(&request->bytes);
}

void request_free(struct conn_request *request)
{
    if (!request)
        return;
    replies_free(&request->replies);
    request_keep_no_more(request);
    free(request);
}

int request_check(struct conn *conn, const struct conn_request *request, struct apphost_error *error)
{
    if (!request->replies.is_transaction || !conn->dialed.no_multi[0])
        return 0;
    /* Rights may be granted while this connection lives: a new one will tell, when that costs nobody a reply.
     */
    if (!conn->pending.head && clock_ms() - conn->up_ms > PROBE_AGAIN_MS)
        transport_shutdown(&conn->dialed.transport);
    return fail_set(
        error, APPHOST_E_SERVER, "NOPERM",
        "%s: this is written as a transaction or not at all; grant the user +multi and +exec, or set "
        "strict_wire, which writes without",
        conn->dialed.no_multi);
}

void queue_push(struct request_queue *queue, struct conn_request *request)
{
    request->next = NULL;
    if (queue->tail)
        queue->tail->next = request;
    else
        queue->head = request;
    queue->tail = request;
    queue->count++;
}

struct conn_request *queue_pop(struct request_queue *queue)
{
    struct conn_request *request = queue->head;

    if (!request)
        return NULL;
    queue->head = request->next;
    if (!queue->head)
        queue->tail = NULL;
    queue->count--;
    request->next = NULL;
    return request;
}

static bool is_unattended(const struct conn_request *request)
{
    return request->is_abandoned || request->kind == REQUEST_QUIET;
}

void request_leave_locked(struct conn *conn, struct conn_request *request)
{
    request->is_abandoned = true;
    atomic_fetch_add(&conn->unattended, 1);
}

bool conn_owes(struct conn *conn, uint64_t key)
{
    bool does = false;

    if (atomic_load(&conn->unattended) == 0)
        return false;
    lock_take(&conn->lock);
    for (const struct conn_request *at = conn->pending.head; at && !does; at = at->next)
        does = is_unattended(at) && at->key != KEY_NONE &&
               (at->key == key || at->key == KEY_ANY || key == KEY_ANY);
    lock_drop(&conn->lock);
    return does;
}

bool conn_is_clogged(const struct conn *conn)
{
    return atomic_load_explicit(&conn->is_clogged, memory_order_relaxed);
}

/* Its bytes are in `out`, nothing of them has been sent. */
void pending_push(struct conn *conn, struct conn_request *request)
{
    if (atomic_load_explicit(&conn->is_timed, memory_order_relaxed))
        request->times.enqueued_ns = clock_unix_ns();
    if (!conn->pending.head)
        conn->asked_ms = clock_ms();
    request->end = conn->gone + (conn->sending.len - conn->sent) + conn->out.len;
    queue_push(&conn->pending, request);
    if (is_unattended(request))
        atomic_fetch_add(&conn->unattended, 1);
    if (!conn->unsent)
        conn->unsent = request;
}

/* The smallest, and slowly up from there: a crowd, or a server that is busy, says nothing about the way. */
static void end_probe(struct conn *conn)
{
    int64_t took_us = clock_us() - conn->probe_us;

    conn->probe = NULL;
    if (conn->round_trip_us == 0 || took_us <= conn->round_trip_us) {
        conn->round_trip_us = 1;
        if (took_us > 0)
            conn->round_trip_us = took_us;
    } else
        conn->round_trip_us += (took_us - conn->round_trip_us) / DRIFT + 1;
}

bool conn_leaves_to_leader(const struct conn *conn)
{
    return conn->is_leading && conn->pending.count > PILE && conn->round_trip_us > 0 &&
           conn->round_trip_us < NEAR_US;
}

struct conn_request *pending_pop(struct conn *conn)
{
    struct conn_request *request = queue_pop(&conn->pending);

    if (request && is_unattended(request))
        atomic_fetch_sub(&conn->unattended, 1);
    if (request && conn->unsent == request)
        conn->unsent = conn->pending.head;
    if (request && conn->probe == request)
        end_probe(conn);
    return request;
}

/* All that is in `out` goes now. */
void pending_stamp_sent(struct conn *conn)
{
    if (atomic_load_explicit(&conn->is_timed, memory_order_relaxed)) {
        int64_t now = clock_unix_ns();

        for (struct conn_request *at = conn->unsent; at; at = at->next)
            at->times.sent_ns = now;
    }
    if (!conn->probe && conn->unsent) {
        conn->probe = conn->unsent;
        conn->probe_us = clock_us();
    }
    conn->unsent = NULL;
}

int conn_append_as(struct resp_buffer *buffer, const char *name, const struct conn_command *command,
                   struct apphost_error *error)
{
    const char **argv = malloc(command->argc * (sizeof(*argv) + sizeof(size_t)));
    if (!argv)
        return fail_memory(error);

    size_t *lens = (size_t *)(argv + command->argc);
    for (size_t i = 0; i < command->argc; i++) {
        argv[i] = command->argv[i];
        if (command->lens)
            lens[i] = command->lens[i];
        else
            lens[i] = strlen(argv[i]);
    }
    if (name != argv[0]) {
        argv[0] = name;
        lens[0] = strlen(name);
    }
    int rc = resp_append_command(buffer, command->argc, argv, lens);
    free(argv);
    if (rc < 0)
        return fail_memory(error);
    return 0;
}

/* One command under the name that it has on this wire. */
static int append_mapped(const struct conn *conn, struct resp_buffer *buffer,
                         const struct conn_command *command, struct apphost_error *error)
{
    size_t len = conn_command_length(command, 0);
    const char *name = option_command(conn->options, command->argv[0], len);

    if (!name)
        return fail_set(error, APPHOST_E_UNSUPPORTED, "$",
                        "the command map of the connection string disables %.*s", (int)size_min(len, 64),
                        command->argv[0]);
    return conn_append_as(buffer, name, command, error);
}

/* highIntegrity: an ECHO after the batch, whose answer only this batch can expect. */
static int append_check(const struct conn *conn, struct resp_buffer *buffer, struct conn_request *request,
                        struct apphost_error *error)
{
    const char *argv[] = {"ECHO", request->token};
    const size_t lens[] = {4, sizeof(request->token) - 1};

    snprintf(request->token, sizeof(request->token), "%08llx", (unsigned long long)clock_random(1ULL << 32));
    return append_mapped(conn, buffer, &(struct conn_command){2, argv, lens}, error);
}

int request_encode(const struct conn *conn, struct conn_request *request, struct resp_buffer *buffer,
                   const struct batch *batch, struct apphost_error *error)
{
    size_t before = buffer->len;
    int rc = 0;

    if (batch->is_read)
        request->key = KEY_NONE;
    else
        request->key = batch->key;
    request->replies.is_transaction = batch->count > 1 && strcmp(batch->commands[0].argv[0], "MULTI") == 0;

    for (size_t i = 0; i < batch->count && rc == 0; i++) {
        const struct conn_command *command = &batch->commands[i];

        if (conn->has_map)
            rc = append_mapped(conn, buffer, command, error);
        else if (resp_append_command(buffer, command->argc, command->argv, command->lens) < 0)
            rc = fail_memory(error);
    }
    if (rc == 0 && conn->is_checked)
        rc = append_check(conn, buffer, request, error);
    if (rc < 0)
        buffer->len = before;
    return rc;
}
