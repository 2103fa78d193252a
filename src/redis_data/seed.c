/* Filling a server from a file of commands, one after the other.
 *
 * The file is read and parsed as a whole first: what does not parse executes nothing. Then each command waits
 * for the reply of the one before, because an error has to stop right there. Mass insertion that may go on
 * behind an error is `apphost redis --pipe`. */
#include "base/file.h"
#include "base/mem.h"
#include "redis_data/operation.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_MOVES = 16 };
static const size_t FILE_LIMIT = (size_t)256 * 1024 * 1024;

struct seed {
    struct redis_data base;
    char *path, *text;
    size_t length, at;
    int line;  /* of the next command */
    int sent;  /* line of the command under way */
    int moves; /* of that command, from server to server */
    struct redis_data_words words;
};

static void fini(struct redis_data *operation)
{
    struct seed *seed = (struct seed *)operation;
    redis_data_words_free(&seed->words);
    if (seed->text)
        mem_wipe(seed->text, seed->length); /* an AUTH, a CONFIG SET requirepass */
    free(seed->text);
    free(seed->path);
}

/* Reads the next command; 1, 0 at the end, -1. seed->sent is its line. */
static int next(struct seed *seed, struct error *err)
{
    while (seed->at < seed->length) {
        size_t used = 0;
        seed->sent = seed->line;
        if (redis_data_read_command(&seed->words, seed->text + seed->at, seed->length - seed->at, true, &used,
                                    err) < 0)
            return -1;
        for (size_t i = seed->at; i < seed->at + used; i++)
            seed->line += seed->text[i] == '\n';
        seed->at += used;
        if (seed->words.count)
            return 1;
    }
    return 0;
}

static void rewind_to_start(struct seed *seed)
{
    seed->at = 0;
    seed->line = 1;
}

static int check(struct seed *seed, struct error *err)
{
    int rc;
    rewind_to_start(seed);
    while ((rc = next(seed, err)) > 0) {
        if (!redis_data_is_stream(&seed->words))
            continue;
        cleanup_free char *word = xstrndup(seed->words.arguments[0], seed->words.lengths[0]);
        rc = error_set(err, ERROR_USAGE, "%s has no place in a file of commands", word);
        break;
    }
    if (rc < 0)
        error_at(err, seed->path, seed->sent, 0);
    rewind_to_start(seed);
    return rc;
}

/* An EXEC answers an array; what failed in it is one of its elements. */
static const struct resp_reply *find_error(const struct resp_reply *reply)
{
    if (reply->type == RESP_ERROR)
        return reply;
    for (size_t i = 0; i < reply->count; i++)
        if (reply->elements[i].type == RESP_ERROR)
            return &reply->elements[i];
    return NULL;
}

static void step(struct seed *seed);
static void send_command(struct seed *seed);

/* "MOVED 3999 10.0.0.1:7001": the same again, there. */
static bool has_moved(struct seed *seed, const struct resp_reply *reply)
{
    if (!resp_reply_is_error(reply, "MOVED") || seed->moves++ > MOST_MOVES)
        return false;
    const char *colon = strrchr(reply->str, ':');
    if (!colon || !operation_turn_to(&seed->base, atoi(colon + 1)))
        return false;
    send_command(seed);
    return true;
}

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct seed *seed = data;
    struct error err = {0};
    if (operation_is_over(&seed->base, reply) || has_moved(seed, reply))
        return;
    const struct resp_reply *failed = find_error(reply);
    if (failed) {
        operation_answer(failed, &err);
        error_at(&err, seed->path, seed->sent, 0);
        operation_fail(&seed->base, &err);
        return;
    }
    seed->base.result.commands++;
    step(seed);
}

static void send_command(struct seed *seed)
{
    struct redis_command command = {.count = seed->words.count,
                                    .arguments = seed->words.arguments,
                                    .lengths = seed->words.lengths,
                                    .on_reply = on_reply};
    operation_send(&seed->base, &command);
}

static void step(struct seed *seed)
{
    seed->moves = 0;
    if (next(seed, NULL) > 0)
        send_command(seed);
    else
        operation_end(&seed->base);
}

struct redis_data *redis_data_seed(struct loop *loop, const struct redis_conn_options *server,
                                   const char *file, redis_data_done_cb *done, void *data)
{
    struct seed *seed = xcalloc(1, sizeof *seed);
    struct error err = {0};
    seed->base.fini = fini;
    operation_start(&seed->base, loop, server, done, data);
    seed->path = xstrdup(file);
    seed->text = file_read_text(file, FILE_LIMIT, &seed->length, &err);
    seed->base.result.bytes = (int64_t)seed->length;
    if (!seed->text || check(seed, &err))
        operation_fail(&seed->base, &err);
    else
        step(seed);
    return &seed->base;
}
