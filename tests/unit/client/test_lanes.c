/* room: client_conn */
/*
 * Two connections to one server: small calls do not wait behind a big value, expected or not, and yet what is
 * about one key keeps its order, though a caller has given up on what it wrote.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "gate.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BIG = 4 * 1024 * 1024, PASSES = 256 * 1024, HASTE_MS = 300 };

struct place {
    struct server server;
    struct gate gate;
    struct apphost_host *host;
    struct apphost_cache *cache, *hasty;
    char *big;
};

/* The first connection of the gate is for small calls, the second for big values. */
static void open_place(struct place *place)
{
    const struct apphost_cache_options hasty = {.timeout_ms = HASTE_MS};
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[96];

    server_start(&place->server, NULL);
    gate_start(&place->gate, place->server.port);
    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=30000,asyncTimeout=30000", place->gate.port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:DeadPeerTimeout", "600000",
                       NULL);
    place->host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(place->host, "cache", NULL, NULL, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(place->host, NULL, "hasty", &hasty, NULL), 0);
    place->cache = apphost_host_cache(place->host, NULL, NULL);
    place->hasty = apphost_host_cache(place->host, "hasty", NULL);
    place->big = malloc(BIG);
    memset(place->big, 'b', BIG);
    set(place->cache, "small", "s", apphost_expire_never());
    assert_int_equal(
        apphost_cache_set(place->cache, apphost_str("first"), place->big, BIG, apphost_expire_never(), NULL),
        0);
    assert_int_equal(place->gate.count, 2);
}

static void close_place(struct place *place)
{
    apphost_host_free(place->host);
    gate_stop(&place->gate);
    server_stop(&place->server);
    free(place->big);
}

/* Big values of which the client knows nothing. */
static void write_behind(const struct place *place, const char *key)
{
    free(server_ask(&place->server, "HMSET %s absexp -1 sldexp -1 data %b", key, place->big, (size_t)BIG));
}

static void await_passed(struct gate *gate, size_t connection, enum gate_way way, uint64_t bytes)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (gate_passed(gate, connection, way) < bytes && now_ms() < deadline)
        poll(NULL, 0, 2);
    assert_true(gate_passed(gate, connection, way) >= bytes);
}

/* Some of it has come, the rest is held back. Then the small ones are answered all the same. */
static void expect_small(struct place *place, uint64_t before)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    struct apphost_value value = {0};

    await_passed(&place->gate, 0, GATE_DOWN, before + PASSES);
    /* It may not have been read yet. */
    while (apphost_cache_get(place->hasty, apphost_str("small"), &value, NULL) != 1 && now_ms() < deadline)
        poll(NULL, 0, 1);
    apphost_value_free(&value);
    for (int i = 0; i < 10; i++)
        expect(place->cache, "small", "s");
}

static void *get_big(void *user)
{
    struct place *place = user;
    struct apphost_value value = {0};
    struct apphost_error error = {0};

    ok(apphost_cache_get(place->cache, apphost_str("unknown"), &value, &error), &error);
    assert_int_equal(value.len, BIG);
    apphost_value_free(&value);
    return NULL;
}

static void an_unexpected_big_value_keeps_nobody_waiting(void **state)
{
    struct place place;
    pthread_t thread;

    (void)state;
    open_place(&place);
    write_behind(&place, "unknown");
    uint64_t before = gate_passed(&place.gate, 0, GATE_DOWN);
    gate_shut(&place.gate, 0, GATE_DOWN, PASSES);
    assert_int_equal(pthread_create(&thread, NULL, get_big, &place), 0);
    expect_small(&place, before);
    gate_open(&place.gate, 0, GATE_DOWN);
    pthread_join(thread, NULL);
    /* Now it is known, and goes the other way by itself. */
    uint64_t bulk = gate_passed(&place.gate, 1, GATE_DOWN);
    get_big(&place);
    assert_true(gate_passed(&place.gate, 1, GATE_DOWN) > bulk + BIG);
    close_place(&place);
}

static void nor_does_one_that_is_asked_for_asynchronously(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("small"), apphost_str("many")};
    const struct apphost_keys many = {keys, 2};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};
    struct place place;

    (void)state;
    open_place(&place);
    write_behind(&place, "unknown");
    write_behind(&place, "many");
    for (int i = 0; i < 2; i++) {
        uint64_t before = gate_passed(&place.gate, 0, GATE_DOWN);

        gate_shut(&place.gate, 0, GATE_DOWN, PASSES);
        if (i == 0)
            apphost_cache_get_start(place.cache, queue, apphost_str("unknown"), on_result, &outcome, NULL);
        else
            apphost_cache_get_many_start(place.cache, queue, &many, on_result, &outcome, NULL);
        expect_small(&place, before);
        gate_open(&place.gate, 0, GATE_DOWN);
        dispatch(queue, &outcome, i + 1);
        assert_int_equal(outcome.failed, 0);
    }
    /* All of them are known by now. */
    uint64_t before = gate_passed(&place.gate, 1, GATE_DOWN);
    apphost_cache_get_many_start(place.cache, queue, &many, on_result, &outcome, NULL);
    apphost_cache_get_start(place.cache, queue, apphost_str("unknown"), on_result, &outcome, NULL);
    dispatch(queue, &outcome, 4);
    assert_true(gate_passed(&place.gate, 1, GATE_DOWN) > before + 2 * BIG);
    apphost_queue_free(queue);
    close_place(&place);
}

/* What nobody waits for any more still comes before what is written later. */
static void a_write_that_was_given_up_does_not_come_late(void **state)
{
    struct apphost_error error = {0};
    struct place place;

    (void)state;
    open_place(&place);
    gate_shut(&place.gate, 1, GATE_UP, PASSES);
    assert_int_equal(
        apphost_cache_set(place.hasty, apphost_str("k"), place.big, BIG, apphost_expire_never(), &error), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    /* Others are not concerned. */
    set(place.cache, "other", "o", apphost_expire_never());
    expect(place.cache, "other", "o");
    assert_int_equal(
        apphost_cache_set(place.hasty, apphost_str("k"), "later", 5, apphost_expire_never(), &error), -1);
    gate_open(&place.gate, 1, GATE_UP);
    set(place.cache, "k", "last", apphost_expire_never());
    expect(place.cache, "k", "last");
    await_passed(&place.gate, 1, GATE_UP, 2 * (uint64_t)BIG);
    set(place.cache, "first", "x", apphost_expire_never());
    expect(place.cache, "k", "last");
    close_place(&place);
}

static void nor_does_a_small_one_before_a_big_one(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value = {0};
    struct place place;

    (void)state;
    open_place(&place);
    gate_shut(&place.gate, 0, GATE_UP, 0);
    assert_int_equal(
        apphost_cache_set(place.hasty, apphost_str("k"), "early", 5, apphost_expire_never(), &error), -1);
    assert_int_equal(
        apphost_cache_set(place.hasty, apphost_str("k"), place.big, BIG, apphost_expire_never(), &error), -1);
    /* A big value of another key has its own way. */
    ok(apphost_cache_set(place.cache, apphost_str("other"), place.big, BIG, apphost_expire_never(), &error),
       &error);
    gate_open(&place.gate, 0, GATE_UP);
    ok(apphost_cache_get(place.cache, apphost_str("k"), &value, &error), &error);
    assert_int_equal(value.len, BIG);
    apphost_value_free(&value);
    close_place(&place);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unexpected_big_value_keeps_nobody_waiting),
        cmocka_unit_test(nor_does_one_that_is_asked_for_asynchronously),
        cmocka_unit_test(a_write_that_was_given_up_does_not_come_late),
        cmocka_unit_test(nor_does_a_small_one_before_a_big_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
