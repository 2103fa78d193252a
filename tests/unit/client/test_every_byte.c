/* room: client_conn */
/*
 * A conversation with a real server that ends, or stalls, at every few bytes of either direction, in the
 * handshake too; and one byte after the other. Whatever a call says, nobody is given another's answer, what
 * is safe to repeat is repeated, what is not is not done twice, and the next call goes through.
 */
#include "gate.h"
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 11, STALL_STEP = 41, FOREVER_MS = 60000, HASTE_MS = 60 };

static struct server server;

static struct apphost_host *open_by(const struct gate *gate, int timeout_ms)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[200];

    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=%d,connectTimeout=%d", gate->port, timeout_ms,
             timeout_ms);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:ReconnectMaxDelay", "20",
                       NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    apphost_config_free(config);
    return host;
}

/* What a caller did, and what came of it. */
struct story {
    int sets, gets, adds; /* that were successes */
    struct apphost_error error;
};

static void expect_data(struct story *story, struct apphost_cache *cache, const char *key, const char *data)
{
    struct apphost_value value = {0};
    int rc = apphost_cache_get(cache, apphost_str(key), &value, &story->error);

    if (rc == 1)
        assert_string_equal(value.data, data);
    story->gets += rc == 1;
    apphost_value_free(&value);
}

/* Both values have their own length: an answer that was shifted does not look right. */
static void talk(struct story *story, struct apphost_cache *cache)
{
    struct apphost_error error = {0};
    int64_t sum = 0;

    story->sets +=
        apphost_cache_set_string(cache, "a", "of a", apphost_expire_in(600000), &story->error) == 0;
    story->sets +=
        apphost_cache_set_string(cache, "b", "this is of b", apphost_expire_in(600000), &story->error) == 0;
    expect_data(story, cache, "a", "of a");
    story->adds +=
        apphost_cache_increment(cache, apphost_str("n"), 1, apphost_expire_in(600000), &sum, &error) == 0;
    expect_data(story, cache, "b", "this is of b");
}

/* The bytes that the whole takes on a good day. */
static uint64_t measure(enum gate_way way)
{
    struct story story = {0};
    static struct gate gate; /* its thread outlives a test that fails */

    gate_start(&gate, server.port);
    struct apphost_host *host = open_by(&gate, FOREVER_MS);
    talk(&story, apphost_host_cache(host, NULL, NULL));
    uint64_t passed = gate_passed(&gate, 0, way);
    apphost_host_free(host);
    gate_stop(&gate);
    return passed;
}

/* `n` is what was added, or once more for the one that nobody knows of. */
static void expect_number(const struct story *story, int attempts)
{
    char *text = server_ask(&server, "HGET n data");
    int number = atoi(text);

    assert_true(number >= story->adds && number <= attempts);
    free(text);
}

static void hung_up_at_every_few_bytes(void **state)
{
    (void)state;
    for (enum gate_way way = GATE_UP; way < GATE_WAYS; way++) {
        uint64_t whole = measure(way);

        for (uint64_t at = 1; at < whole; at += STEP) {
            struct story story = {0};
            static struct gate gate;

            free(server_ask(&server, "FLUSHALL"));
            gate_start(&gate, server.port);
            gate_plan(&gate, way, at, UINT64_MAX);
            struct apphost_host *host = open_by(&gate, FOREVER_MS);
            talk(&story, apphost_host_cache(host, NULL, NULL));
            if (story.sets != 2 || story.gets != 2)
                fail_msg("byte %d of way %d: %d, %d: %s", (int)at, way, story.sets, story.gets,
                         story.error.text);
            expect_number(&story, 1);
            apphost_host_free(host);
            gate_stop(&gate);
        }
    }
}

/* Nothing comes any more, and then all of it: calls have left, and answers to them are nobody's. */
static void stalled_at_every_few_bytes(void **state)
{
    (void)state;
    for (enum gate_way way = GATE_UP; way < GATE_WAYS; way++) {
        uint64_t whole = measure(way);

        for (uint64_t at = 1; at < whole; at += STALL_STEP) {
            struct story story = {0}, after = {0};
            static struct gate gate;

            free(server_ask(&server, "FLUSHALL"));
            gate_start(&gate, server.port);
            gate_plan(&gate, way, UINT64_MAX, at);
            struct apphost_host *host = open_by(&gate, HASTE_MS);
            struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
            const struct apphost_limits patient = {.timeout_ms = FOREVER_MS};
            talk(&story, cache);
            gate_open(&gate, 0, way);
            apphost_limits_set(&patient);
            talk(&after, cache);
            apphost_limits_set(NULL);
            if (after.sets != 2 || after.gets != 2 || after.adds != 1)
                fail_msg("byte %d of way %d: %d, %d: %s", (int)at, way, after.sets, after.gets,
                         after.error.text);
            expect_number(&after, 2);
            apphost_host_free(host);
            gate_stop(&gate);
        }
    }
}

static void one_byte_after_the_other(void **state)
{
    struct story story = {0};
    static struct gate gate; /* its thread outlives a test that fails */

    (void)state;
    free(server_ask(&server, "FLUSHALL"));
    gate_start(&gate, server.port);
    atomic_store(&gate.is_slow, true);
    struct apphost_host *host = open_by(&gate, FOREVER_MS);
    talk(&story, apphost_host_cache(host, NULL, NULL));
    if (story.sets != 2 || story.gets != 2 || story.adds != 1)
        fail_msg("%s", story.error.text);
    expect_number(&story, 1);
    apphost_host_free(host);
    gate_stop(&gate);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hung_up_at_every_few_bytes),
        cmocka_unit_test(stalled_at_every_few_bytes),
        cmocka_unit_test(one_byte_after_the_other),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
