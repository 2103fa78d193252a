/* room: client_conn */
/* A server that takes nothing: what waits to be sent to it is bounded in bytes, whoever has given up on it.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WRITERS = 8, BIG = 512 * 1024, HASTE_MS = 20 };

struct crowd {
    struct apphost_cache *cache;
    atomic_bool is_over;
    atomic_int refused;
};

/* It waits for a silent peer longer than any test. */
static struct apphost_host *open_patient(const struct server *server)
{
    const struct apphost_cache_options hasty = {.timeout_ms = HASTE_MS};
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char connection[64];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d", server->port);
    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:DeadPeerTimeout", "600000",
                       NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(host, NULL, "hasty", &hasty, NULL), 0);
    return host;
}

static void *set_big(void *user)
{
    struct crowd *crowd = user;
    char *data = calloc(1, BIG);

    while (!atomic_load(&crowd->is_over)) {
        struct apphost_error error = {0};

        if (apphost_cache_set(crowd->cache, apphost_str("big"), data, BIG, apphost_expire_never(), &error) <
                0 &&
            error.code == APPHOST_E_BUSY)
            crowd->refused++;
    }
    free(data);
    return NULL;
}

static void await_hit(struct apphost_cache *cache)
{
    struct apphost_value value = {0};
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (apphost_cache_get(cache, apphost_str("big"), &value, NULL) != 1 && now_ms() < deadline)
        poll(NULL, 0, 5);
    assert_int_equal(value.len, BIG);
    apphost_value_free(&value);
}

static void what_waits_to_be_sent_is_bounded(void **state)
{
    struct crowd crowd = {.is_over = false};
    struct server server;
    struct apphost_error error = {0};
    struct apphost_value value;
    pthread_t threads[WRITERS];
    int64_t deadline = now_ms() + PATIENCE_MS;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_patient(&server);
    struct apphost_cache *calm = apphost_host_cache(host, NULL, NULL);
    crowd.cache = apphost_host_cache(host, "hasty", NULL);
    ok(apphost_cache_get(calm, apphost_str("k"), &value, &error), &error);
    server_freeze(&server, true);
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, set_big, &crowd), 0);
    while (crowd.refused < 100 && now_ms() < deadline)
        poll(NULL, 0, 5);
    server_freeze(&server, false);
    atomic_store(&crowd.is_over, true);
    for (int i = 0; i < WRITERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(crowd.refused >= 100);
    /* And it goes on when the server does. */
    await_hit(calm);
    apphost_host_free(host);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_waits_to_be_sent_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
