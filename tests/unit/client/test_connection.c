/* room: client_redis */
/*
 * Connections of one's own: transactions that somebody else may spoil, commands that block, streams, long
 * pipelines, RESP3 and what it pushes; and how they end.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COMMAND(...)                                                                                         \
    {                                                                                                        \
        sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), (const char *[]){__VA_ARGS__}, NULL          \
    }

static struct apphost_connection *open_own(void)
{
    struct apphost_error error = {0};
    struct apphost_connection *own = apphost_connection_open(world.redis, NULL, &error);

    if (!own)
        fail_msg("%s", error.text);
    return own;
}

static char *text_of(struct apphost_reply *reply)
{
    const char *text = apphost_reply_string(reply, NULL);
    char number[32];

    snprintf(number, sizeof(number), "%lld", (long long)apphost_reply_integer(reply));
    char *copy = strdup(text ? text : apphost_reply_type(reply) == APPHOST_REPLY_NIL ? "nil" : number);
    apphost_reply_free(reply);
    return copy;
}

static void expect_reply(struct apphost_connection *own, const struct apphost_command *command,
                         const char *expected)
{
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    ok(apphost_connection_command(own, command, 0, &reply, &error), &error);
    char *text = text_of(reply);
    assert_string_equal(text, expected);
    free(text);
}

static const struct apphost_command watch = COMMAND("WATCH", "stock"), get = COMMAND("GET", "stock"),
                                    ping = COMMAND("PING");

static void a_transaction_that_nobody_spoils(void **state)
{
    const struct apphost_command commands[] = {COMMAND("SET", "stock", "4"), COMMAND("INCR", "stock"),
                                               COMMAND("LPUSH", "stock", "x")};
    struct apphost_connection *own = open_own();
    struct apphost_reply *results = NULL;
    struct apphost_error error = {0};

    (void)state;
    expect_reply(own, &watch, "OK");
    assert_int_equal(apphost_connection_transaction(own, commands, 3, &results, &error), 1);
    assert_int_equal(apphost_reply_count(results), 3);
    assert_int_equal(apphost_reply_integer(apphost_reply_element(results, 1)), 5);
    assert_int_equal(apphost_reply_type(apphost_reply_element(results, 2)), APPHOST_REPLY_ERROR);
    apphost_reply_free(results);
    /* Without any command it is one, too. */
    assert_int_equal(apphost_connection_transaction(own, NULL, 0, &results, &error), 1);
    assert_int_equal(apphost_reply_count(results), 0);
    apphost_reply_free(results);
    apphost_connection_close(own);
}

static void one_that_somebody_spoils(void **state)
{
    const struct apphost_command commands[] = {COMMAND("SET", "stock", "mine")};
    const struct apphost_command wrong[] = {COMMAND("SET", "stock", "mine"), COMMAND("NOSUCH")};
    struct apphost_connection *own = open_own();
    struct apphost_reply *results = NULL;
    struct apphost_error error = {0};

    (void)state;
    expect_reply(own, &watch, "OK");
    raw("SET", "stock", "theirs", NULL);
    assert_int_equal(apphost_connection_transaction(own, commands, 1, &results, &error), 0);
    assert_null(results);
    expect_reply(own, &get, "theirs");
    assert_int_equal(apphost_connection_transaction(own, wrong, 2, &results, &error), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_non_null(strstr(error.text, "NOSUCH"));
    expect_reply(own, &get, "theirs");
    apphost_connection_close(own);
}

/* ---- Waiting ---- */

struct waiter {
    struct apphost_connection *own;
    struct apphost_reply *reply;
    struct apphost_error error;
    int rc;
};

static void *pop(void *user)
{
    const struct apphost_command command = COMMAND("BLPOP", "queue", "0");
    struct waiter *waiter = user;

    waiter->rc =
        apphost_connection_command(waiter->own, &command, APPHOST_FOREVER, &waiter->reply, &waiter->error);
    return NULL;
}

static void await_blocked(long long count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    char text[64];
    bool is = false;

    snprintf(text, sizeof(text), "blocked_clients:%lld\r", count);
    while (!is && now_ms() < deadline) {
        char *info = raw_text("INFO", "clients", NULL);

        is = strstr(info, text) != NULL;
        free(info);
        poll(NULL, 0, is ? 0 : 5);
    }
    assert_true(is);
}

static void begin(struct waiter *waiter, pthread_t *thread)
{
    *waiter = (struct waiter){.own = open_own()};
    assert_int_equal(pthread_create(thread, NULL, pop, waiter), 0);
    await_blocked(1);
}

static void a_command_that_blocks(void **state)
{
    struct waiter waiter;
    pthread_t thread;

    (void)state;
    begin(&waiter, &thread);
    raw("RPUSH", "queue", "work", NULL);
    pthread_join(thread, NULL);
    ok(waiter.rc, &waiter.error);
    assert_string_equal(apphost_reply_string(apphost_reply_element(waiter.reply, 1), NULL), "work");
    apphost_reply_free(waiter.reply);
    expect_reply(waiter.own, &ping, "PONG");
    apphost_connection_close(waiter.own);
}

static void it_is_interrupted(void **state)
{
    struct waiter waiter;
    pthread_t thread;

    (void)state;
    begin(&waiter, &thread);
    apphost_connection_interrupt(waiter.own);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.rc, -1);
    assert_int_equal(waiter.error.code, APPHOST_E_CANCELLED);
    assert_false(apphost_connection_is_up(waiter.own));
    assert_int_equal(apphost_connection_command(waiter.own, &ping, 0, &waiter.reply, &waiter.error), -1);
    assert_int_equal(waiter.error.code, APPHOST_E_CANCELLED);
    apphost_connection_close(waiter.own);
    await_blocked(0);
}

static void its_time_is_over(void **state)
{
    const struct apphost_command command = COMMAND("BLPOP", "queue", "0");
    struct apphost_connection *own = open_own();
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    assert_int_equal(apphost_connection_command(own, &command, 20, &reply, &error), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    assert_int_equal(apphost_connection_command(own, &ping, 0, &reply, &error), -1);
    assert_int_equal(error.code, APPHOST_E_CONNECT);
    assert_non_null(strstr(error.text, "in time"));
    apphost_connection_close(own);
}

static void a_stream(void **state)
{
    const struct apphost_command read_on = COMMAND("XREAD", "BLOCK", "0", "STREAMS", "log", "0");
    struct apphost_connection *own = open_own();
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    raw("XADD", "log", "1-1", "field", "value", NULL);
    ok(apphost_connection_command(own, &read_on, APPHOST_FOREVER, &reply, &error), &error);
    assert_int_equal(apphost_reply_type(reply), APPHOST_REPLY_MAP);
    assert_string_equal(apphost_reply_string(apphost_reply_element(reply, 0), NULL), "log");
    apphost_reply_free(reply);
    apphost_connection_close(own);
}

/* ---- Pipelines ---- */

static void a_long_pipeline(void **state)
{
    enum { COUNT = 200000 };
    static char value[512];
    const struct apphost_command echo = COMMAND("ECHO", value);
    struct apphost_connection *own = open_own();
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    memset(value, 'v', sizeof(value) - 1);
    /* Nobody receives meanwhile: neither side may get stuck. */
    for (int i = 0; i < COUNT; i++)
        ok(apphost_connection_send(own, &echo, &error), &error);
    assert_int_equal(apphost_connection_command(own, &ping, 0, &reply, &error), -1);
    assert_int_equal(error.code, APPHOST_E_ARGUMENT);
    for (int i = 0; i < COUNT; i++) {
        ok(apphost_connection_receive(own, 0, &reply, &error), &error);
        assert_int_equal(strlen(apphost_reply_string(reply, NULL)), sizeof(value) - 1);
        apphost_reply_free(reply);
    }
    expect_reply(own, &ping, "PONG");
    apphost_connection_close(own);
}

static void messages_by_hand(void **state)
{
    const struct apphost_command subscribe = COMMAND("SUBSCRIBE", "news");
    struct apphost_connection *own = open_own();
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    assert_int_equal(apphost_connection_command(own, &subscribe, 0, &reply, &error), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    ok(apphost_connection_send(own, &subscribe, &error), &error);
    ok(apphost_connection_receive(own, 0, &reply, &error), &error);
    apphost_reply_free(reply);
    raw("PUBLISH", "news", "hello", NULL);
    ok(apphost_connection_receive(own, APPHOST_FOREVER, &reply, &error), &error);
    assert_string_equal(apphost_reply_string(apphost_reply_element(reply, 2), NULL), "hello");
    apphost_reply_free(reply);
    apphost_connection_close(own);
}

/* ---- RESP3 ---- */

static void on_push(void *user, const struct apphost_reply *push)
{
    const char *kind = apphost_reply_string(apphost_reply_element(push, 0), NULL);

    *(int *)user += kind && strcmp(kind, "invalidate") == 0;
}

static void what_is_pushed(void **state)
{
    const struct apphost_command tracking = COMMAND("CLIENT", "TRACKING", "ON");
    int pushed = 0;
    const struct apphost_connection_options options = {.push = on_push, .user = &pushed};
    struct apphost_error error = {0};
    struct apphost_connection *own = apphost_connection_open(world.redis, &options, &error);

    (void)state;
    assert_non_null(own);
    assert_int_equal(apphost_connection_protocol(own), 3);
    raw("SET", "stock", "1", NULL);
    expect_reply(own, &tracking, "OK");
    expect_reply(own, &get, "1");
    raw("SET", "stock", "2", NULL);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (pushed == 0 && now_ms() < deadline)
        expect_reply(own, &ping, "PONG");
    assert_int_equal(pushed, 1);
    apphost_connection_close(own);
}

static struct apphost_host *open_at(const char *connection)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_client(host, "cache", NULL, NULL), 0);
    return host;
}

static void the_connection_string_may_say_two(void **state)
{
    char text[256];

    (void)state;
    snprintf(text, sizeof(text), "%s,protocol=2", world.endpoint);
    struct apphost_host *host = open_at(text);
    struct apphost_error error = {0};
    struct apphost_connection *own =
        apphost_connection_open(apphost_host_redis(host, NULL, NULL), NULL, &error);
    assert_non_null(own);
    assert_int_equal(apphost_connection_protocol(own), 2);
    const struct apphost_command flush = COMMAND("FLUSHALL");
    struct apphost_reply *reply = NULL;
    assert_int_equal(apphost_connection_command(own, &flush, 0, &reply, &error), -1);
    assert_string_equal(error.parameter, "allowAdmin");
    apphost_connection_close(own);
    apphost_host_free(host);
}

/* ---- The end ---- */

static void nobody_is_there(void **state)
{
    struct apphost_error error = {0};
    char text[64];

    (void)state;
    snprintf(text, sizeof(text), "127.0.0.1:%d", free_port());
    struct apphost_host *host = open_at(text);
    assert_null(apphost_connection_open(apphost_host_redis(host, NULL, NULL), NULL, &error));
    assert_int_equal(error.code, APPHOST_E_CONNECT);
    assert_null(apphost_connection_open(NULL, NULL, &error));
    assert_int_equal(error.code, APPHOST_E_ARGUMENT);
    apphost_host_free(host);
}

static void the_server_dies(void **state)
{
    struct apphost_error error = {0};
    struct apphost_reply *reply = NULL;
    struct server server;
    const struct apphost_connection_options hasty = {.connect_timeout_ms = 50};

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_at(server.socket);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    struct apphost_connection *own = apphost_connection_open(redis, NULL, &error);
    assert_non_null(own);
    server_freeze(&server, true);
    assert_null(apphost_connection_open(redis, &hasty, &error));
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    server_kill(&server, true);
    assert_int_equal(apphost_connection_execute(own, &reply, &error, "PING", NULL), -1);
    assert_int_equal(error.code, APPHOST_E_CONNECT);
    assert_false(apphost_connection_is_up(own));
    apphost_connection_close(own);
    apphost_host_free(host);
    server_stop(&server);
}

static void *pop_for_ever(void *user)
{
    return pop(user);
}

/* Closing the client ends what is under way; the connection may be closed when the host is gone. */
static void the_client_is_closed(void **state)
{
    struct apphost_error error = {0};
    pthread_t thread;

    (void)state;
    struct apphost_host *host = open_at(world.endpoint);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    struct waiter waiter = {.own = apphost_connection_open(redis, NULL, &error)};
    assert_non_null(waiter.own);
    assert_int_equal(pthread_create(&thread, NULL, pop_for_ever, &waiter), 0);
    await_blocked(1);
    apphost_redis_close(redis);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.rc, -1);
    assert_int_equal(waiter.error.code, APPHOST_E_CLOSED);
    assert_null(apphost_connection_open(redis, NULL, &error));
    apphost_host_free(host);
    apphost_connection_close(waiter.own);
    apphost_connection_close(NULL);
}

/* ---- Spans ---- */

static void count_span(void *user, const struct apphost_span *span)
{
    *(int *)user += strcmp(span->name, "WATCH") == 0 || strcmp(span->name, "EXEC") == 0;
}

static void spans_are_made(void **state)
{
    int spans = 0;
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .span = count_span, .span_user = &spans};
    struct apphost_reply *results = NULL;

    (void)state;
    apphost_config_set(config, "ConnectionStrings:cache", world.endpoint, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    apphost_host_add_redis_client(host, "cache", NULL, NULL);
    struct apphost_connection *own =
        apphost_connection_open(apphost_host_redis(host, NULL, NULL), NULL, NULL);
    expect_reply(own, &watch, "OK");
    assert_int_equal(apphost_connection_transaction(own, &get, 1, &results, NULL), 1);
    apphost_reply_free(results);
    assert_int_equal(spans, 2);
    apphost_connection_close(own);
    apphost_host_free(host);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_that_nobody_spoils),
        cmocka_unit_test(one_that_somebody_spoils),
        cmocka_unit_test(a_command_that_blocks),
        cmocka_unit_test(it_is_interrupted),
        cmocka_unit_test(its_time_is_over),
        cmocka_unit_test(a_stream),
        cmocka_unit_test(a_long_pipeline),
        cmocka_unit_test(messages_by_hand),
        cmocka_unit_test(what_is_pushed),
        cmocka_unit_test(the_connection_string_may_say_two),
        cmocka_unit_test(nobody_is_there),
        cmocka_unit_test(the_server_dies),
        cmocka_unit_test(the_client_is_closed),
        cmocka_unit_test(spans_are_made),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
