/* room: client_conn */
/*
 * A request is written at once, whatever is unanswered: this server answers none before it has heard all. It
 * is far away, too: each answer takes its time.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "puppet.h"

#include <pthread.h>
#include <stdio.h>

enum { CROWD = 8, FAR_MS = 5 };

#define MISS "*3\r\n$-1\r\n$-1\r\n$-1\r\n"

static const struct answer script[] = {{"HMGET", MISS}, {NULL, NULL}};

static struct apphost_host *open_at(int port)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[96];

    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=20000,asyncTimeout=20000", port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:DeadPeerTimeout", "60000",
                       NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    return host;
}

static void *get(void *user)
{
    struct apphost_value value;

    return apphost_cache_get(user, apphost_str("k"), &value, NULL) == 0 ? user : NULL;
}

static void get_by_threads(struct apphost_cache *cache)
{
    pthread_t threads[CROWD];
    void *good;

    for (int i = 0; i < CROWD; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, get, cache), 0);
    for (int i = 0; i < CROWD; i++) {
        pthread_join(threads[i], &good);
        assert_non_null(good);
    }
}

static void get_by_queue(struct apphost_cache *cache)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};

    for (int i = 0; i < CROWD; i++)
        assert_non_null(apphost_cache_get_start(cache, queue, apphost_str("k"), on_result, &outcome, NULL));
    dispatch(queue, &outcome, CROWD);
    assert_int_equal(outcome.failed, 0);
    apphost_queue_free(queue);
}

static void nobody_waits_for_the_reply_of_another(void **state)
{
    static void (*const ways[])(struct apphost_cache *) = {get_by_threads, get_by_queue};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct puppet puppet;

        puppet_start(&puppet, script);
        struct apphost_host *host = open_at(puppet.port);
        struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
        puppet.pause_ms = FAR_MS;
        for (int k = 0; k < 4; k++)
            assert_non_null(get(cache));
        puppet.hold = CROWD;
        for (int k = 0; k < 4; k++)
            ways[i](cache);
        apphost_host_free(host);
        puppet_stop(&puppet);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_waits_for_the_reply_of_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
