/* room: client_cache */
/*
 * The asynchronous get-many, set-many, increment and remaining beside the blocking ones: the same wire and
 * spans; and in bad times: lost connections, silence, outages, an open breaker, a replica, a closed client, a
 * loop.
 */
#include "asynctest.h"
#include "puppet.h"
#include "server.h"

#include <apphost/uv.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = 4 }; /* what start_all() starts */

struct client {
    struct apphost_host *host;
    struct apphost_cache *cache;
    struct apphost_queue *queue;
    struct outcome many, set, sum, left; /* one for each of start_all() */
};

static void open_with(struct client *client, const struct apphost_host_options *host,
                      const struct apphost_cache_options *cache, const char *connection)
{
    struct apphost_config *config = apphost_config_new();
    struct apphost_host_options options = host ? *host : (struct apphost_host_options){0};

    *client = (struct client){0};
    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    options.config = config;
    client->host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(client->host, "cache", NULL, cache, NULL), 0);
    client->cache = apphost_host_cache(client->host, NULL, NULL);
    client->queue = apphost_queue_new(NULL);
}

static void open_client(struct client *client, int port, const char *more,
                        const struct apphost_cache_options *cache)
{
    char connection[256];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d%s", port, more);
    open_with(client, NULL, cache, connection);
}

static void close_client(struct client *client)
{
    apphost_queue_free(client->queue);
    apphost_host_free(client->host);
}

static const struct apphost_entry entries[] = {
    {{"a", 1}, {"1", 1}, {APPHOST_RELATIVE, 0, 600000, 0}},
    {{"b", 1}, {"2", 1}, {APPHOST_SLIDING, 0, 0, 600000}},
    {{"c", 1}, {"3", 1}, {0, 0, 0, 0}},
};
static const struct apphost_bytes keys[] = {{"a", 1}, {"b", 1}, {"none", 4}};
static const struct apphost_entries all_entries = {entries, 3};
static const struct apphost_keys all_keys = {keys, 3};
static const struct apphost_increment increment = {{"n", 1}, 7, {APPHOST_SLIDING, 0, 0, 600000}};

static bool start_get_many(struct client *client, struct apphost_error *error)
{
    return apphost_cache_get_many_start(client->cache, client->queue, &all_keys, on_result, &client->many,
                                        error);
}

static bool start_set_many(struct client *client, struct apphost_error *error)
{
    return apphost_cache_set_many_start(client->cache, client->queue, &all_entries, on_result, &client->set,
                                        error);
}

static bool start_increment(struct client *client, struct apphost_error *error)
{
    return apphost_cache_increment_start(client->cache, client->queue, &increment, on_result, &client->sum,
                                         error);
}

static bool start_remaining(struct client *client, struct apphost_error *error)
{
    return apphost_cache_remaining_start(client->cache, client->queue, keys[0], on_result, &client->left,
                                         error);
}

typedef bool (*start_fn)(struct client *client, struct apphost_error *error);
static const start_fn starts[ALL] = {start_set_many, start_get_many, start_increment, start_remaining};

static void start_all(struct client *client)
{
    struct apphost_error error = {0};

    for (int i = 0; i < ALL; i++)
        if (!starts[i](client, &error))
            fail_msg("%d: %s", i, error.text);
}

/* Each of them has `count` results now. */
static void await_all(struct client *client, int count)
{
    dispatch(client->queue, &client->set, count);
    dispatch(client->queue, &client->many, count);
    dispatch(client->queue, &client->sum, count);
    dispatch(client->queue, &client->left, count);
    assert_int_equal(apphost_queue_pending(client->queue), 0);
}

static void expect_code(const struct client *client, enum apphost_code code)
{
    const struct outcome *outcomes[ALL] = {&client->set, &client->many, &client->sum, &client->left};

    for (int i = 0; i < ALL; i++) {
        assert_int_equal(outcomes[i]->rc, -1);
        assert_int_equal(outcomes[i]->code, code);
    }
}

/* ---- Beside the blocking ones ---- */

static const struct answer script[] = {
    {"HMGET p:b", "*3\r\n$2\r\n-1\r\n$10\r\n6000000000\r\n$1\r\nv\r\n"},
    {"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"},
    {"EXPIRE", ":1\r\n"},
    {"PTTL", ":5\r\n"},
    {"EXEC", "*7\r\n+OK\r\n:1\r\n:1\r\n:0\r\n:7\r\n*2\r\n$2\r\n-1\r\n$10\r\n6000000000\r\n:600000\r\n"},
    {NULL, NULL},
};

static void act_blocking(struct client *client)
{
    struct apphost_error error = {0};
    struct apphost_value values[3];
    int64_t number;

    assert_int_equal(apphost_cache_set_many(client->cache, entries, 3, &error), 0);
    assert_int_equal(apphost_cache_get_many(client->cache, keys, 3, values, &error), 1);
    apphost_value_free(&values[1]);
    assert_int_equal(apphost_cache_increment(client->cache, increment.key, increment.by, increment.expiry,
                                             &number, &error),
                     0);
    assert_int_equal(apphost_cache_remaining(client->cache, keys[0], &number, &error), 1);
}

static void act_asynchronously(struct client *client)
{
    struct apphost_error error = {0};
    struct outcome *outcomes[ALL] = {&client->set, &client->many, &client->sum, &client->left};

    for (int i = 0; i < ALL; i++) {
        assert_true(starts[i](client, &error));
        dispatch(client->queue, outcomes[i], 1);
    }
    assert_string_equal(client->many.values, "-,v,-,");
    assert_int_equal(client->sum.number, 7);
    assert_int_equal(client->left.number, 5);
}

/* The one moment in it is now. */
static void hide_moment(char *lines)
{
    char *moment = strstr(lines, "HMSET p:a absexp ");

    assert_non_null(moment);
    for (moment += strlen("HMSET p:a absexp "); *moment >= '0' && *moment <= '9'; moment++)
        *moment = '#';
}

static void hear(bool is_strict, void (*act)(struct client *client), char *lines, size_t size)
{
    const struct apphost_cache_options options = {.instance_name = "p:", .strict_wire = is_strict};
    struct client client;
    struct puppet puppet;

    puppet_start(&puppet, script);
    open_client(&client, puppet.port, ",asyncTimeout=60000", &options);
    act(&client);
    assert_int_equal(apphost_redis_ping(apphost_cache_redis(client.cache), NULL, NULL), 0);
    puppet_heard(&puppet, lines, size);
    hide_moment(lines);
    close_client(&client);
    puppet_stop(&puppet);
}

static void the_wire_is_that_of_the_blocking_calls(void **state)
{
    static char blocking[8192], asynchronous[8192];

    (void)state;
    for (int is_strict = 0; is_strict < 2; is_strict++) {
        hear(is_strict, act_blocking, blocking, sizeof(blocking));
        hear(is_strict, act_asynchronously, asynchronous, sizeof(asynchronous));
        assert_non_null(strstr(blocking, "HINCRBY p:n data 7\n"));
        assert_non_null(strstr(blocking, "EXPIRE p:b 600\n"));
        assert_non_null(strstr(blocking, "EXPIRE {p:n}:apphost:new 600\n"));
        assert_string_equal(asynchronous, blocking);
    }
}

struct names {
    pthread_mutex_t lock;
    char text[1024];
};

static void take_name(void *user, const struct apphost_span *span)
{
    struct names *names = user;

    pthread_mutex_lock(&names->lock);
    size_t len = strlen(names->text);
    snprintf(names->text + len, sizeof(names->text) - len, "%s%s ", span->name, span->error ? "!" : "");
    pthread_mutex_unlock(&names->lock);
}

static void a_span_for_every_command(void **state)
{
    struct names names = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct apphost_host_options options = {.span = take_name, .span_user = &names};
    struct client client;
    struct server server;
    char connection[64];

    (void)state;
    server_start(&server, NULL);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d,asyncTimeout=60000", server.port);
    open_with(&client, &options, NULL, connection);
    start_all(&client);
    await_all(&client, 1);
    close_client(&client);
    server_stop(&server);
    assert_string_equal(names.text, "MULTI HMSET EXPIRE HMSET EXPIRE HMSET PERSIST EXEC HMGET HMGET HMGET "
                                    "MULTI HMSET EXPIRE RENAMENX DEL HINCRBY HMGET PTTL EXEC PTTL ");
}

/* On the thread of a loop nobody waits for an EXPIRE, not even in strict-wire mode: this server never answers
 * one. */
static void expiries_are_not_waited_for(void **state)
{
    static const struct answer silent[] = {
        {"HMGET", "*3\r\n$2\r\n-1\r\n$10\r\n6000000000\r\n$1\r\nv\r\n"},
        {"EXPIRE {n}:apphost:new", "+QUEUED\r\n"},
        {"EXPIRE", ""},
        {"EXEC", "*7\r\n+OK\r\n:1\r\n:0\r\n:0\r\n:7\r\n*2\r\n$2\r\n-1\r\n$10\r\n6000000000\r\n:600000\r\n"},
        {NULL, NULL},
    };
    const struct apphost_cache_options options = {.strict_wire = true};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct apphost_error error = {0};
        struct client client;
        struct puppet puppet;

        puppet_start(&puppet, silent);
        open_client(&client, puppet.port, ",asyncTimeout=60000,syncTimeout=1000", &options);
        assert_true((i ? start_increment : start_get_many)(&client, &error));
        dispatch(client.queue, i ? &client.sum : &client.many, 1);
        assert_int_equal(client.many.failed + client.sum.failed, 0);
        close_client(&client);
        puppet_stop(&puppet);
    }
}

/* ---- Bad times ---- */

/* Results that wait together, and each of them goes on in another way. */
static void many_go_again_at_once(void **state)
{
    struct outcome outcome = {0};
    struct apphost_error error = {0};
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, "--rename-command UNLINK ''");
    open_client(&client, server.port, ",asyncTimeout=60000,syncTimeout=60000", NULL);
    assert_true(start_set_many(&client, &error));
    for (int i = 0; i < 50; i++)
        assert_non_null(
            apphost_cache_remove_start(client.cache, client.queue, keys[i % 3], on_result, &outcome, &error));
    /* Answered in order: once this is, they wait. */
    assert_int_equal(apphost_redis_ping(apphost_cache_redis(client.cache), NULL, NULL), 0);
    dispatch(client.queue, &outcome, 50);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(outcome.hits, 2);
    assert_int_equal(apphost_queue_pending(client.queue), 0);
    close_client(&client);
    server_stop(&server);
}

/* What may be sent twice is, and nobody notices; the increment is reported, and not added a second time. */
static void lost_connections(void **state)
{
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, NULL);
    open_client(&client, server.port, ",asyncTimeout=60000", NULL);
    start_all(&client);
    await_all(&client, 1);
    assert_int_equal(client.sum.number, 7);
    for (int round = 2; round < 6; round++) {
        server_freeze(&server, true);
        start_all(&client);
        server_kill(&server, true);
        server_again(&server, NULL);
        await_all(&client, round);
        assert_int_equal(client.sum.rc, -1);
        assert_int_equal(client.sum.code, APPHOST_E_CONNECT);
        assert_int_equal(client.many.rc, 2);
        assert_string_equal(client.many.values, "1,2,-,");
        assert_int_equal(client.set.failed + client.left.failed, 0);
        assert_int_equal(server_ask_number(&server, "EXISTS n"), 0);
    }
    close_client(&client);
    server_stop(&server);
}

static void silence_has_its_deadline(void **state)
{
    const struct apphost_cache_options options = {.timeout_ms = 200};
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, NULL);
    /* The cache's own, not that of the connection, which no test would wait for. */
    open_client(&client, server.port, ",asyncTimeout=600000,connectTimeout=60000", &options);
    assert_int_equal(apphost_redis_ping(apphost_cache_redis(client.cache), NULL, NULL), 0);
    server_freeze(&server, true);
    start_all(&client);
    await_all(&client, 1);
    expect_code(&client, APPHOST_E_TIMEOUT);
    server_freeze(&server, false);
    close_client(&client);
    server_stop(&server);
}

static void expect_absorbed(const struct client *client)
{
    assert_int_equal(client->many.rc, 0);
    assert_string_equal(client->many.values, "-,-,-,");
    assert_int_equal(client->set.rc, 0);
    assert_int_equal(client->left.rc, 0);
    assert_int_equal(client->left.number, -1);
    assert_int_equal(client->sum.rc, -1); /* there is no sum to make up */
}

static void fail_open_absorbs(void **state)
{
    const struct apphost_cache_options options = {.fail_open = true};
    struct apphost_cache_stats stats;
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, "--requirepass right");
    open_client(&client, server.port, ",password=wrong,asyncTimeout=60000", &options);
    start_all(&client);
    await_all(&client, 1);
    expect_absorbed(&client);
    /* Known to be hopeless by now: what does not even start is absorbed all the same. */
    start_all(&client);
    await_all(&client, 2);
    expect_absorbed(&client);
    assert_int_equal(client.sum.code, APPHOST_E_AUTH);
    apphost_cache_stats(client.cache, &stats);
    assert_int_equal(stats.absorbed, 6);
    assert_int_equal(stats.errors, 2);
    assert_int_equal(stats.misses, 6);
    close_client(&client);
    server_stop(&server);
}

/* Without it the caller is told by the start function. */
static void hopeless_is_told_at_once(void **state)
{
    struct apphost_error error = {0};
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, "--requirepass right");
    open_client(&client, server.port, ",password=wrong,asyncTimeout=60000", NULL);
    assert_true(start_increment(&client, &error));
    dispatch(client.queue, &client.sum, 1);
    assert_int_equal(client.sum.code, APPHOST_E_AUTH);
    for (int i = 0; i < ALL; i++) {
        int64_t deadline = now_ms() + PATIENCE_MS;

        /* While another attempt to connect is under way, calls are taken. */
        while (starts[i](&client, &error) && now_ms() < deadline)
            poll(NULL, 0, 5);
        assert_int_equal(error.code, APPHOST_E_AUTH);
        error.code = APPHOST_OK;
    }
    for (int64_t deadline = now_ms() + PATIENCE_MS;
         apphost_queue_pending(client.queue) > 0 && now_ms() < deadline; poll(NULL, 0, 5))
        apphost_queue_dispatch(client.queue);
    assert_int_equal(apphost_queue_pending(client.queue), 0);
    close_client(&client);
    server_stop(&server);
}

static void the_breaker_opens_for_all(void **state)
{
    const struct apphost_cache_options options = {
        .breaker_failures = 1, .breaker_pause_ms = 600000, .read_from_replica = true};
    struct apphost_cache_stats stats;
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, NULL);
    open_client(&client, server.port, ",asyncTimeout=200,connectTimeout=200,connectRetry=100", &options);
    server_kill(&server, true);
    assert_true(start_set_many(&client, NULL));
    dispatch(client.queue, &client.set, 1);
    assert_int_equal(client.set.rc, -1);
    server_again(&server, NULL);
    /* The server is back; nobody asks it, nor the primary in place of a replica. */
    client.set = (struct outcome){0};
    start_all(&client);
    await_all(&client, 1);
    expect_code(&client, APPHOST_E_OPEN);
    assert_int_equal(server_ask_number(&server, "EXISTS a n"), 0);
    apphost_cache_stats(client.cache, &stats);
    assert_int_equal(stats.short_circuits, ALL);
    assert_int_equal(stats.operations, 1);
    close_client(&client);
    server_stop(&server);
}

static void closed_in_the_middle(void **state)
{
    struct apphost_error error = {0};
    struct client client;
    struct server server;

    (void)state;
    server_start(&server, NULL);
    open_client(&client, server.port, ",asyncTimeout=600000", NULL);
    assert_int_equal(apphost_redis_ping(apphost_cache_redis(client.cache), NULL, NULL), 0);
    server_freeze(&server, true);
    start_all(&client);
    apphost_redis_close(apphost_cache_redis(client.cache));
    await_all(&client, 1);
    expect_code(&client, APPHOST_E_CLOSED);
    for (int i = 0; i < ALL; i++)
        assert_false(starts[i](&client, &error));
    assert_int_equal(error.code, APPHOST_E_CLOSED);
    server_freeze(&server, false);
    close_client(&client);
    server_stop(&server);
}

/* ---- A replica ---- */

static void await_text(const struct server *server, const char *question, const char *words)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    for (bool is_there = false; !is_there; poll(NULL, 0, 20)) {
        char *text = server_ask(server, question);

        is_there = strstr(text, words) != NULL;
        free(text);
        if (!is_there && now_ms() > deadline)
            fail_msg("%s does not say %s", question, words);
    }
}

static void get_many_asks_a_replica(void **state)
{
    const struct apphost_cache_options options = {.read_from_replica = true};
    struct server primary, replica;
    struct client client;
    char text[128];

    (void)state;
    server_start(&primary, "--repl-diskless-sync-delay 0");
    snprintf(text, sizeof(text), "--replicaof 127.0.0.1 %d", primary.port);
    server_start(&replica, text);
    await_text(&replica, "INFO replication", "master_link_status:up");
    snprintf(text, sizeof(text), "127.0.0.1:%d,127.0.0.1:%d,asyncTimeout=16000", primary.port, replica.port);
    open_with(&client, NULL, &options, text);
    assert_true(start_set_many(&client, NULL));
    dispatch(client.queue, &client.set, 1);
    await_text(&replica, "HGET c data", "3");
    assert_true(start_get_many(&client, NULL));
    dispatch(client.queue, &client.many, 1);
    assert_string_equal(client.many.values, "1,2,-,");
    await_text(&replica, "INFO commandstats", "cmdstat_hmget:calls=3");
    /* Gone in the middle of it: the primary answers. */
    server_freeze(&replica, true);
    assert_true(start_get_many(&client, NULL));
    server_kill(&replica, true);
    dispatch(client.queue, &client.many, 2);
    assert_string_equal(client.many.values, "1,2,-,");
    await_text(&primary, "INFO commandstats", "cmdstat_hmget:calls=3");
    close_client(&client);
    server_stop(&replica);
    server_stop(&primary);
}

/* ---- A loop ---- */

struct story {
    struct client client;
    struct apphost_uv uv;
    int step;
    bool has_returned; /* the start function of this step */
};

static void on_step(void *user, const struct apphost_result *result);

static void next_step(struct story *story)
{
    struct apphost_cache *cache = story->client.cache;
    struct apphost_queue *queue = story->uv.queue;
    struct apphost_call *call = NULL;

    story->has_returned = false;
    if (story->step == 0)
        call = apphost_cache_set_many_start(cache, queue, &all_entries, on_step, story, NULL);
    else if (story->step == 1)
        call = apphost_cache_get_many_start(cache, queue, &all_keys, on_step, story, NULL);
    else if (story->step == 2)
        call = apphost_cache_increment_start(cache, queue, &increment, on_step, story, NULL);
    else if (story->step == 3)
        call = apphost_cache_remaining_start(cache, queue, keys[0], on_step, story, NULL);
    else
        apphost_uv_close(&story->uv, NULL);
    story->has_returned = true;
    assert_true(call || story->step == ALL);
}

static void on_step(void *user, const struct apphost_result *result)
{
    static const int expected[ALL] = {0, 2, 0, 1};
    struct story *story = user;

    assert_true(story->has_returned);
    if (result->error)
        fail_msg("step %d: %s", story->step, result->error->text);
    assert_int_equal(result->rc, expected[story->step]);
    story->step++;
    next_step(story);
}

static void tells_a_story_on_a_loop(void **state)
{
    struct story story = {.step = 0};
    struct server server;
    uv_loop_t loop;

    (void)state;
    server_start(&server, NULL);
    open_client(&story.client, server.port, ",asyncTimeout=60000", NULL);
    uv_loop_init(&loop);
    assert_int_equal(apphost_uv_init(&story.uv, &loop, NULL), 0);
    next_step(&story);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(story.step, ALL);
    assert_int_equal(uv_loop_close(&loop), 0);
    close_client(&story.client);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wire_is_that_of_the_blocking_calls),
        cmocka_unit_test(a_span_for_every_command),
        cmocka_unit_test(expiries_are_not_waited_for),
        cmocka_unit_test(many_go_again_at_once),
        cmocka_unit_test(lost_connections),
        cmocka_unit_test(silence_has_its_deadline),
        cmocka_unit_test(fail_open_absorbs),
        cmocka_unit_test(hopeless_is_told_at_once),
        cmocka_unit_test(the_breaker_opens_for_all),
        cmocka_unit_test(closed_in_the_middle),
        cmocka_unit_test(get_many_asks_a_replica),
        cmocka_unit_test(tells_a_story_on_a_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
