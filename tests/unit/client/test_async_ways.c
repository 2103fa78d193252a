/* room: client_cache */
/*
 * The asynchronous calls go the same ways as the blocking ones: again after a lost connection, to a replica
 * and from there to the primary, from UNLINK to DEL, past a wrong password at once, through the breaker.
 */
#include "asynctest.h"
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLS = 500 };

static struct apphost_host *open_host(const char *connection, const struct apphost_cache_options *cache)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, NULL), 0);
    return host;
}

static struct apphost_host *open_for(const struct server *server, const char *more,
                                     const struct apphost_cache_options *cache)
{
    char connection[256];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d%s", server->port, more);
    return open_host(connection, cache);
}

static void get(struct apphost_host *host, struct apphost_queue *queue, const char *key,
                struct outcome *outcome)
{
    struct apphost_error error = {0};

    if (!apphost_cache_get_start(apphost_host_cache(host, NULL, NULL), queue, apphost_str(key), on_result,
                                 outcome, &error))
        fail_msg("%s", error.text);
}

static void set(struct apphost_host *host, struct apphost_queue *queue, const char *key,
                struct outcome *outcome)
{
    const struct apphost_entry entry = {apphost_str(key), apphost_str(key), apphost_expire_sliding(60000)};
    struct apphost_error error = {0};

    if (!apphost_cache_set_start(apphost_host_cache(host, NULL, NULL), queue, &entry, on_result, outcome,
                                 &error))
        fail_msg("%s", error.text);
}

/* ---- Lost connections ---- */

static void a_lost_connection_is_not_noticed(void **state)
{
    struct server server;
    struct outcome outcome = {0};
    char key[16];

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, ",asyncTimeout=60000", NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    set(host, queue, "first", &outcome);
    dispatch(queue, &outcome, 1);
    for (int round = 0; round < 5; round++) {
        /* Frozen, the server holds all of them unanswered; what it has read is lost with its connections. */
        server_freeze(&server, true);
        for (int i = 0; i < CALLS; i++) {
            snprintf(key, sizeof(key), "k%d", i);
            if (i % 2)
                set(host, queue, key, &outcome);
            else
                get(host, queue, "first", &outcome);
        }
        server_kill(&server, true);
        server_again(&server, NULL);
        dispatch(queue, &outcome, 1 + CALLS * (round + 1));
    }
    assert_int_equal(outcome.failed, 0);
    snprintf(key, sizeof(key), "k%d", CALLS - 1);
    get(host, queue, key, &outcome);
    dispatch(queue, &outcome, 2 + CALLS * 5);
    assert_string_equal(outcome.text, key);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

/* A raw command may do something twice: it is reported, as by the blocking call. */
static void raw_commands_are_not_repeated(void **state)
{
    const char *const words[] = {"INCR", "n"};
    const struct apphost_command command = {2, words, NULL};
    struct server server;
    struct outcome outcome = {0};
    struct apphost_error error = {0};

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, ",asyncTimeout=60000", NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    get(host, queue, "warm", &outcome);
    dispatch(queue, &outcome, 1);
    server_freeze(&server, true);
    assert_non_null(apphost_redis_command_start(redis, queue, &command, on_result, &outcome, &error));
    server_kill(&server, true);
    dispatch(queue, &outcome, 2);
    assert_int_equal(outcome.failed, 1);
    assert_int_equal(outcome.code, APPHOST_E_CONNECT);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

static void a_wrong_password_is_told_at_once(void **state)
{
    struct server server;
    struct outcome outcome = {0};

    (void)state;
    server_start(&server, "--requirepass right");
    struct apphost_host *host = open_for(&server, ",password=wrong,asyncTimeout=600000", NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    for (int i = 0; i < 10; i++)
        get(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 10);
    assert_int_equal(outcome.failed, 10);
    assert_int_equal(outcome.code, APPHOST_E_AUTH);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

/* ---- Replicas ---- */

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

static void reads_go_to_a_replica(void **state)
{
    const struct apphost_cache_options options = {.read_from_replica = true};
    struct server primary, replica;
    struct outcome outcome = {0};
    char text[128];

    (void)state;
    server_start(&primary, "--repl-diskless-sync-delay 0");
    snprintf(text, sizeof(text), "--replicaof 127.0.0.1 %d", primary.port);
    server_start(&replica, text);
    await_text(&replica, "INFO replication", "master_link_status:up");
    snprintf(text, sizeof(text), "127.0.0.1:%d,127.0.0.1:%d,asyncTimeout=60000", primary.port, replica.port);
    struct apphost_host *host = open_host(text, &options);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    set(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 1);
    await_text(&replica, "HGET k data", "k");
    free(server_ask(&primary, "CONFIG RESETSTAT"));
    get(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 2);
    assert_string_equal(outcome.text, "k");
    await_text(&replica, "INFO commandstats", "cmdstat_hmget:calls=1");
    char *stats = server_ask(&primary, "INFO commandstats");
    assert_null(strstr(stats, "cmdstat_hmget"));
    free(stats);
    /* Gone in the middle of it: the primary answers. */
    server_freeze(&replica, true);
    get(host, queue, "k", &outcome);
    server_kill(&replica, true);
    dispatch(queue, &outcome, 3);
    assert_string_equal(outcome.text, "k");
    get(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 4);
    assert_string_equal(outcome.text, "k");
    assert_int_equal(outcome.failed, 0);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&replica);
    server_stop(&primary);
}

/* ---- Old servers ---- */

static void expect_removed(const struct server *server, const char *more)
{
    struct apphost_host *host = open_for(server, more, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};

    for (int i = 0; i < 2; i++) {
        struct apphost_error error = {0};

        set(host, queue, "k", &outcome);
        dispatch(queue, &outcome, 2 * i + 1);
        if (!apphost_cache_remove_start(apphost_host_cache(host, NULL, NULL), queue, apphost_str("k"),
                                        on_result, &outcome, &error))
            fail_msg("%s", error.text);
        dispatch(queue, &outcome, 2 * i + 2);
        assert_int_equal(outcome.failed, 0);
        assert_int_equal(outcome.hits, i + 1);
        assert_int_equal(server_ask_number(server, "EXISTS k"), 0);
    }
    apphost_queue_free(queue);
    apphost_host_free(host);
}

static void removes_without_unlink(void **state)
{
    struct server server;

    (void)state;
    server_start(&server, "--rename-command UNLINK ''");
    expect_removed(&server, "");
    server_stop(&server);
    server_start(&server, NULL);
    expect_removed(&server, ",$UNLINK=");
    free(server_ask(&server, "ACL SETUSER default -unlink"));
    expect_removed(&server, "");
    server_stop(&server);
}

/* ---- Strict wire, and the breaker ---- */

static void slides_in_strict_wire_without_waiting(void **state)
{
    const struct apphost_cache_options options = {.strict_wire = true};
    struct server server;
    struct outcome outcome = {0};

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "", &options);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    set(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 1);
    free(server_ask(&server, "EXPIRE k 10"));
    get(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 2);
    assert_int_equal(outcome.hits, 1);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (server_ask_number(&server, "TTL k") <= 10 && now_ms() < deadline)
        poll(NULL, 0, 5);
    assert_true(server_ask_number(&server, "TTL k") > 10);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

/* A probe whose call is cancelled must not leave the breaker open for ever. */
static void a_cancelled_probe_is_replaced(void **state)
{
    const struct apphost_cache_options options = {.breaker_failures = 1, .breaker_pause_ms = 50};
    struct server server;
    struct outcome outcome = {0};
    struct apphost_call *probe;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, ",asyncTimeout=100,connectTimeout=100", &options);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    server_kill(&server, true);
    get(host, queue, "k", &outcome);
    dispatch(queue, &outcome, 1);
    assert_int_equal(outcome.failed, 1);
    poll(NULL, 0, 100); /* the pause is over: the next call probes */
    probe = apphost_cache_get_start(cache, queue, apphost_str("k"), on_result, &outcome, NULL);
    assert_non_null(probe);
    apphost_call_cancel(probe);
    server_again(&server, NULL);
    int64_t deadline = now_ms() + PATIENCE_MS;
    while (outcome.good == 0 && now_ms() < deadline) {
        get(host, queue, "k", &outcome);
        dispatch(queue, &outcome, outcome.count + 1);
    }
    assert_int_equal(outcome.good, 1);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lost_connection_is_not_noticed),
        cmocka_unit_test(raw_commands_are_not_repeated),
        cmocka_unit_test(a_wrong_password_is_told_at_once),
        cmocka_unit_test(reads_go_to_a_replica),
        cmocka_unit_test(removes_without_unlink),
        cmocka_unit_test(slides_in_strict_wire_without_waiting),
        cmocka_unit_test(a_cancelled_probe_is_replaced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
