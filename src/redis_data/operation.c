/* Beginning and end of every operation. See operation.h. */
#include "redis_data/operation.h"
#include "base/ignore.h"
#include "base/mem.h"

#include <stdlib.h>

/* A key or value of a snapshot may be as large as the server allows. */
static const size_t OUT_LIMIT = (size_t)1024 * 1024 * 1024;
enum { SHOWN_WORDS = 300 };

static void close_all(struct redis_data *operation)
{
    for (size_t i = 0; i < operation->peer_count; i++)
        redis_conn_free(operation->peers[i].conn);
    free(take_ptr(&operation->peers));
    operation->peer_count = 0;
    operation->conn = NULL;
}

static void free_operation(struct redis_data *operation)
{
    loop_unpost(operation->loop, &operation->end_turn);
    close_all(operation);
    if (operation->fini)
        operation->fini(operation);
    error_clear(&operation->error);
    free(operation);
}

static void on_end(void *data)
{
    struct redis_data *operation = data;
    const struct error *error = NULL;
    if (error_is_set(&operation->error))
        error = &operation->error;
    /* First, so that a `done` that starts the next operation does not meet this one's connection. */
    close_all(operation);
    operation->done(error, &operation->result, operation->data);
    free_operation(operation);
}

static void on_closed(const struct error *err, bool final, void *data)
{
    struct error copy = {0};
    (void) final;
    error_copy(&copy, err);
    operation_fail(data, &copy);
}

void redis_data_also(struct redis_data *operation, const struct redis_conn_options *server)
{
    struct redis_conn_options options = *server;
    options.out_limit = OUT_LIMIT;
    options.limits = (struct resp_limits){0};
    options.on_connected = NULL;
    options.on_push = NULL;
    options.on_closed = on_closed;
    options.data = operation;

    size_t count = operation->peer_count + 1;
    operation->peers = xreallocarray(operation->peers, count, sizeof *operation->peers);
    operation->peers[operation->peer_count++] =
        (struct operation_peer){redis_conn_open(operation->loop, &options), server->port};
}

void operation_start(struct redis_data *operation, struct loop *loop, const struct redis_conn_options *server,
                     redis_data_done_cb *done, void *data)
{
    operation->loop = loop;
    operation->done = done;
    operation->data = data;
    turn_init(&operation->end_turn, on_end, operation);
    redis_data_also(operation, server);
    operation->conn = operation->peers[0].conn;
}

static bool turn_to(struct redis_data *operation, size_t peer)
{
    if (peer >= operation->peer_count)
        return false;
    operation->turn = peer;
    operation->conn = operation->peers[peer].conn;
    return true;
}

bool operation_next(struct redis_data *operation)
{
    return turn_to(operation, operation->turn + 1);
}

bool operation_turn_to(struct redis_data *operation, int port)
{
    size_t peer = 0;
    while (peer < operation->peer_count && operation->peers[peer].port != port)
        peer++;
    return turn_to(operation, peer);
}

void operation_end(struct redis_data *operation)
{
    operation->ended = true;
    loop_post(operation->loop, &operation->end_turn);
}

void operation_fail(struct redis_data *operation, struct error *err)
{
    if (operation->ended) {
        error_ignore(err, "it has ended with its first one, or well");
        return;
    }
    error_move(&operation->error, err);
    operation_end(operation);
}

void operation_send(struct redis_data *operation, const struct redis_command *command)
{
    struct error err = {0};
    struct redis_command sent = *command;
    sent.data = operation;
    if (!operation->ended && redis_conn_command(operation->conn, &sent, &err))
        operation_fail(operation, &err);
}

void operation_words(struct redis_data *operation, const char *const *words, redis_reply_cb *on_reply)
{
    struct redis_command command = {.arguments = words, .on_reply = on_reply};
    while (words[command.count])
        command.count++;
    operation_send(operation, &command);
}

int operation_answer(const struct resp_reply *reply, struct error *err)
{
    cleanup_free char *start = xstrndup(reply->str ? reply->str : resp_type_name(reply->type), SHOWN_WORDS);
    cleanup_free char *shown = str_printable(start);
    return error_set(err, ERROR_FAILED, "the server answered: %s", shown);
}

void redis_data_cancel(struct redis_data *operation)
{
    if (operation)
        free_operation(operation);
}
