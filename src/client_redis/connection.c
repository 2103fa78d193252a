/*
 * Dedicated connections: one caller, one stream, one reply after the other.
 *
 * Opening is done by a thread (opening.h). A connection whose replies are out of step (a timeout, an
 * interrupt) or that was lost stays broken, with the reason; nothing here heals.
 */
#include "client_base/clock.h"
#include "client_base/fail.h"
#include "client_base/lock.h"
#include "client_base/pick.h"
#include "client_redis/opening.h"
#include "client_redis/own.h"
#include "client_redis/redis_refused.h"
#include "client_redis/scatter.h"

#include <apphost/connection.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 64, SEND_SIZE = 64 * 1024 };

struct apphost_connection {
    struct own own;
    void (*push)(void *user, const struct apphost_reply *push);
    void *user;
    bool is_up;
    size_t owed;               /* replies of what was sent and not received */
    struct apphost_error lost; /* why it is not */
};

/* ---- Opening ---- */

struct apphost_connection *apphost_connection_open(struct apphost_redis *redis,
                                                   const struct apphost_connection_options *options,
                                                   struct apphost_error *error)
{
    static const struct apphost_connection_options usual = {0};
    enum dial_role role = DIAL_PRIMARY;

    if (!redis) {
        fail_argument(error, "redis", "is NULL");
        return NULL;
    }
    struct apphost_connection *connection = calloc(1, sizeof(*connection));
    if (!connection) {
        fail_memory(error);
        return NULL;
    }
    if (!options)
        options = &usual;
    if (options->from_replica)
        role = DIAL_REPLICA;
    if (own_init(&connection->own, redis, role, error) < 0) {
        free(connection);
        return NULL;
    }
    if (options->key.data && own_aim_at_key(&connection->own, options->key, error) < 0) {
        apphost_connection_close(connection);
        return NULL;
    }
    connection->push = options->push;
    connection->user = options->user;
    connection->is_up = true;
    int timeout_ms = options->connect_timeout_ms;
    if (timeout_ms <= 0)
        timeout_ms = option_number(connection->own.options, OPT_CONNECT_TIMEOUT);
    if (timeout_ms <= 0)
        timeout_ms = 5000;
    if (opening_within(connection, &connection->own, timeout_ms, error) < 0)
        return NULL;
    return connection;
}

void apphost_connection_close(struct apphost_connection *connection)
{
    if (!connection)
        return;
    own_fini(&connection->own);
    free(connection);
}

void apphost_connection_interrupt(struct apphost_connection *connection)
{
    if (connection)
        own_end(&connection->own, APPHOST_E_CANCELLED);
}

bool apphost_connection_is_up(const struct apphost_connection *connection)
{
    return connection && connection->is_up && !atomic_load(&connection->own.ended);
}

int apphost_connection_protocol(const struct apphost_connection *connection)
{
    if (!connection)
        return 2;
    return connection->own.dialed.protocol;
}

/* ---- One after the other ---- */

static int lose(struct apphost_connection *connection, const struct apphost_error *why,
                struct apphost_error *error)
{
    connection->is_up = false;
    connection->lost = *why;
    own_hang_up(&connection->own);
    if (error)
        *error = *why;
    return -1;
}

static int check_up(struct apphost_connection *connection, struct apphost_error *error)
{
    enum apphost_code code = connection->lost.code;

    if (connection->is_up)
        return 0;
    if (code == APPHOST_E_TIMEOUT)
        code = APPHOST_E_CONNECT;
    return fail_set(error, code, connection->lost.parameter, "the connection is gone: %.380s",
                    connection->lost.text);
}

static int64_t deadline_of(const struct apphost_connection *connection, int timeout_ms)
{
    if (timeout_ms == APPHOST_FOREVER)
        return INT64_MAX;
    if (timeout_ms <= 0)
        timeout_ms = option_number(connection->own.options, OPT_SYNC_TIMEOUT);
    return clock_ms() + timeout_ms;
}

static int flush(struct apphost_connection *connection, int64_t deadline_ms, struct apphost_error *error)
{
    struct apphost_error why = {0};
    enum own_result result = own_flush(&connection->own, deadline_ms, &why);

    if (result == OWN_DONE)
        return 0;
    if (result == OWN_LATE)
        fail_set(&why, APPHOST_E_TIMEOUT, "syncTimeout", "%s does not take what is sent to it in time",
                 connection->own.dialed.address);
    return lose(connection, &why, error);
}

/* The next that is no push. */
static int receive(struct apphost_connection *connection, int64_t deadline_ms, bool wants_pushes,
                   struct resp_reply **reply, struct apphost_error *error)
{
    struct apphost_error why = {0};

    for (;;) {
        enum own_result result = own_next(&connection->own, deadline_ms, reply, &why);

        if (result == OWN_DONE && (*reply)->type == RESP_PUSH && !wants_pushes) {
            user_code();
            if (connection->push)
                connection->push(connection->user, (const struct apphost_reply *)*reply);
            resp_reply_free(*reply);
            continue;
        }
        if (result == OWN_DONE)
            return 0;
        if (result == OWN_WOKEN)
            continue;
        if (result == OWN_LATE)
            fail_set(&why, APPHOST_E_TIMEOUT, "syncTimeout", "%s did not answer in time",
                     connection->own.dialed.address);
        return lose(connection, &why, error);
    }
}

static int append(struct apphost_connection *connection, const struct apphost_command *command,
                  struct apphost_error *error)
{
    const struct apphost_options *options = connection->own.options;
    const char *name = command->argv[0], *on_wire = name;
    size_t len = redis_word_length(command, 0);

    if (option_has_map(options))
        on_wire = option_command(options, name, len);
    if (!on_wire)
        return fail_set(error, APPHOST_E_UNSUPPORTED, "$",
                        "the command map of the connection string disables %.*s", (int)size_min(len, 64),
                        name);
    struct conn_command mapped = {command->argc, command->argv, command->lens};
    return conn_append_as(&connection->own.out, on_wire, &mapped, error);
}

/* Sends what is appended and takes the replies to it; *times says how far it came. */
static int exchange(struct apphost_connection *connection, int64_t deadline_ms, struct replies *replies,
                    struct timing *times, struct apphost_error *error)
{
    size_t got = 0;
    int rc = flush(connection, deadline_ms, error);

    if (rc == 0)
        times->sent_ns = clock_unix_ns();
    while (rc == 0 && got < replies->count) {
        rc = receive(connection, deadline_ms, false, &replies->items[got], error);
        got += rc == 0;
    }
    if (rc == 0)
        return 0;
    replies->count = got;
    replies_free(replies);
    return -1;
}

static int run(struct apphost_connection *connection, const struct batch *batch, int64_t deadline_ms,
               struct replies *replies, struct apphost_error *error)
{
    struct tracer *tracer = connection->own.redis->tracer;
    struct trace_batch record = {.batch = batch, .address = connection->own.dialed.address};
    struct apphost_error local = {0};

    *replies = (struct replies){.count = batch->count};
    if (batch->count == 1)
        replies->items = &replies->one;
    else
        replies->items = calloc(batch->count, sizeof(*replies->items));
    if (!replies->items)
        return fail_memory(error);
    record.start_ns = record.times.enqueued_ns = clock_unix_ns();
    int rc = exchange(connection, deadline_ms, replies, &record.times, &local);
    record.end_ns = clock_unix_ns();
    if (rc == 0)
        record.times.received_ns = record.end_ns;
    record.port = connection->own.dialed.port;
    record.database = option_number(connection->own.options, OPT_DEFAULT_DATABASE);
    if (rc == 0)
        record.replies = replies;
    else
        record.error = &local;
    if (tracer)
        tracer_record(tracer, &record);
    if (rc < 0 && error)
        *error = local;
    return rc;
}

/* ---- The calls ---- */

static int check(struct apphost_connection *connection, const struct apphost_command *command,
                 struct apphost_error *error)
{
    if (redis_check_words(command, error) < 0 || check_up(connection, error) < 0)
        return -1;
    if (connection->owed > 0)
        return fail_argument(error, "connection", "has replies to what was sent: receive them first");
    if (!redis_has_one_reply(command, connection->own.options))
        return fail_set(error, APPHOST_E_UNSUPPORTED, "argv",
                        "%.32s is not answered by one reply: send it, and receive what comes",
                        command->argv[0]);
    return redis_check_admin(command, connection->own.options, error);
}

int apphost_connection_command(struct apphost_connection *connection, const struct apphost_command *command,
                               int timeout_ms, struct apphost_reply **reply, struct apphost_error *error)
{
    struct replies replies;

    if (!connection)
        return fail_argument(error, "connection", "is NULL");
    if (!command || !reply)
        return fail_null(error, command, "command", "reply");
    if (check(connection, command, error) < 0 || append(connection, command, error) < 0)
        return -1;
    const struct conn_command one = {command->argc, command->argv, command->lens};
    const struct batch batch = {.commands = &one, .count = 1};
    if (run(connection, &batch, deadline_of(connection, timeout_ms), &replies, error) < 0)
        return -1;
    if (replies.one->type == RESP_ERROR) {
        redis_explain_reply(replies.one, error);
        replies_free(&replies);
        return -1;
    }
    *reply = (struct apphost_reply *)replies.one;
    return 0;
}

int apphost_connection_execute(struct apphost_connection *connection, struct apphost_reply **reply,
                               struct apphost_error *error, ...)
{
    const char *argv[MAX_WORDS], *word;
    struct apphost_command command = {0, argv, NULL};
    va_list words;

    va_start(words, error);
    while ((word = va_arg(words, const char *)) && command.argc < MAX_WORDS)
        argv[command.argc++] = word;
    va_end(words);
    if (word)
        return fail_argument(error, "argv", "more than 64 words");
    return apphost_connection_command(connection, &command, 0, reply, error);
}

/* MULTI, these, EXEC: count + 2 of them, for free(3). */
static struct apphost_command *wrap(const struct apphost_command *commands, size_t count)
{
    static const char *const multi[] = {"MULTI"}, *const exec[] = {"EXEC"};
    struct apphost_command *list = calloc(count + 2, sizeof(*list));

    if (!list)
        return NULL;
    list[0] = (struct apphost_command){1, multi, NULL};
    if (count > 0)
        memcpy(list + 1, commands, count * sizeof(*list));
    list[count + 1] = (struct apphost_command){1, exec, NULL};
    return list;
}

static int run_all(struct apphost_connection *connection, const struct apphost_command *commands,
                   size_t count, struct replies *replies, struct apphost_error *error)
{
    size_t before = connection->own.out.len;
    struct conn_command *list = calloc(count, sizeof(*list));
    int rc = 0;

    if (!list)
        rc = fail_memory(error);
    for (size_t i = 0; i < count && rc == 0; i++) {
        list[i] = (struct conn_command){commands[i].argc, commands[i].argv, commands[i].lens};
        rc = append(connection, &commands[i], error);
    }
    if (rc == 0) {
        const struct batch batch = {.commands = list, .count = count};

        rc = run(connection, &batch, deadline_of(connection, 0), replies, error);
    } else {
        connection->own.out.len = before;
    }
    free(list);
    return rc;
}

/* The first error among what was answered before EXEC says more than EXECABORT. */
static int judge_transaction(struct replies *replies, struct apphost_reply **results,
                             struct apphost_error *error)
{
    size_t last = replies->count - 1;
    struct resp_reply *outcome = replies->items[last];

    if (outcome->type == RESP_NIL)
        return 0;
    if (outcome->type == RESP_ARRAY) {
        *results = (struct apphost_reply *)outcome;
        replies->items[last] = NULL;
        return 1;
    }
    for (size_t i = 0; i < replies->count; i++)
        if (replies->items[i]->type == RESP_ERROR)
            return redis_explain_reply(replies->items[i], error);
    return redis_explain_reply(outcome, error);
}

int apphost_connection_transaction(struct apphost_connection *connection,
                                   const struct apphost_command *commands, size_t count,
                                   struct apphost_reply **results, struct apphost_error *error)
{
    struct replies replies;
    int rc = 0;

    if (!connection)
        return fail_argument(error, "connection", "is NULL");
    if (!results || (!commands && count > 0))
        return fail_null(error, results, "results", "commands");
    *results = NULL;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = check(connection, &commands[i], error);
    if (rc < 0 || check_up(connection, error) < 0)
        return -1;
    struct apphost_command *list = wrap(commands, count);
    if (!list)
        return fail_memory(error);
    rc = run_all(connection, list, count + 2, &replies, error);
    free(list);
    if (rc != 0)
        return -1;
    rc = judge_transaction(&replies, results, error);
    replies_free(&replies);
    return rc;
}

int apphost_connection_send(struct apphost_connection *connection, const struct apphost_command *command,
                            struct apphost_error *error)
{
    if (!connection || !command)
        return fail_null(error, connection, "connection", "command");
    if (redis_check_words(command, error) < 0 || check_up(connection, error) < 0 ||
        redis_check_admin(command, connection->own.options, error) < 0 ||
        append(connection, command, error) < 0)
        return -1;
    connection->owed++;
    if (connection->own.out.len < SEND_SIZE)
        return 0;
    return flush(connection, deadline_of(connection, 0), error);
}

int apphost_connection_receive(struct apphost_connection *connection, int timeout_ms,
                               struct apphost_reply **reply, struct apphost_error *error)
{
    struct resp_reply *got = NULL;

    if (!connection || !reply)
        return fail_null(error, connection, "connection", "reply");
    int64_t deadline_ms = deadline_of(connection, timeout_ms);
    if (check_up(connection, error) < 0 || flush(connection, deadline_ms, error) < 0 ||
        receive(connection, deadline_ms, !connection->push, &got, error) < 0)
        return -1;
    if (got->type != RESP_PUSH && connection->owed > 0)
        connection->owed--;
    *reply = (struct apphost_reply *)got;
    return 0;
}
