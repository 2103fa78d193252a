/*
 * The registry with real servers behind it: several caches on their own servers and on one, what opening and
 * starting connect, what tracing settings do, what closing ends, keep-alive and the bounds of waiting.
 */
#include "puppet.h"
#include "server.h"

#include <apphost/apphost.h>
#include <apphost/queue.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OPTIONS "Aspire:StackExchange:Redis:ConfigurationOptions:"

enum { PATIENCE_MS = 60000 };

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static atomic_int spans;

static void count_span(void *user, const struct apphost_span *span)
{
    (void)user;
    (void)span;
    atomic_fetch_add(&spans, 1);
}

/* A host with pairs of configuration keys and values, ended by a NULL. */
static struct apphost_host *open_host(const char *const pairs[])
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .span = count_span};

    for (size_t i = 0; pairs[i]; i += 2)
        assert_int_equal(apphost_config_set(config, pairs[i], pairs[i + 1], NULL), 0);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_non_null(host);
    return host;
}

static void set(struct apphost_host *host, const char *cache, const char *key, const char *data)
{
    struct apphost_error error = {0};

    if (apphost_cache_set_string(apphost_host_cache(host, cache, NULL), key, data, apphost_expire_never(),
                                 &error) < 0)
        fail_msg("%s", error.text);
}

static void expect_keys(const struct server *server, long long count, const char *key)
{
    assert_int_equal(server_ask_number(server, "DBSIZE"), count);
    assert_int_equal(server_ask_number(server, "EXISTS %s", key), 1);
}

/* ---- Several caches ---- */

static void every_cache_has_its_server_and_prefix(void **state)
{
    struct server servers[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        server_start(&servers[i], NULL);
    const char *const pairs[] = {"ConnectionStrings:redis1",
                                 servers[0].socket,
                                 "ConnectionStrings:redis2",
                                 servers[1].socket,
                                 "ConnectionStrings:redis3",
                                 servers[2].socket,
                                 "Aspire:StackExchange:Redis:redis1:InstanceName",
                                 "dcache1",
                                 NULL};
    const struct apphost_cache_options third = {.instance_name = "dcache3"};
    struct apphost_host *host = open_host(pairs);
    struct apphost_error error = {0};
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "redis1", NULL, NULL, &error), 0);
    assert_int_equal(apphost_host_add_keyed_redis_distributed_cache(host, "redis2", NULL, NULL, &error), 0);
    assert_int_equal(apphost_host_add_keyed_redis_distributed_cache(host, "redis3", NULL, &third, &error), 0);
    assert_int_equal(apphost_host_with_distributed_cache(host, "redis3", "more", NULL, &error), 0);
    set(host, NULL, "key1", "a");
    set(host, "redis2", "key2", "b");
    set(host, "redis3", "key3", "c");
    expect_keys(&servers[0], 1, "dcache1key1");
    expect_keys(&servers[1], 1, "key2");
    expect_keys(&servers[2], 1, "dcache3key3");
    /* Another cache on the same connection, with no prefix of its own. */
    set(host, "more", "key3", "d");
    expect_keys(&servers[2], 2, "key3");
    assert_ptr_equal(apphost_cache_redis(apphost_host_cache(host, "more", NULL)),
                     apphost_cache_redis(apphost_host_cache(host, "redis3", NULL)));
    apphost_host_free(host);
    for (int i = 0; i < 3; i++)
        server_stop(&servers[i]);
}

/* ---- What connects ---- */

static long long connections(const struct server *server)
{
    char *info = server_ask(server, "INFO stats");
    long long count = atoll(strstr(info, "total_connections_received:") + 27);

    free(info);
    return count;
}

static void only_use_and_start_connect(void **state)
{
    struct server server;

    (void)state;
    server_start(&server, NULL);
    const char *const pairs[] = {"ConnectionStrings:lazy",
                                 server.socket,
                                 "ConnectionStrings:eager",
                                 server.socket,
                                 "Aspire:StackExchange:Redis:eager:DisableAutoActivation",
                                 "false",
                                 NULL};
    struct apphost_host *host = open_host(pairs);
    long long before = connections(&server);
    assert_int_equal(apphost_host_add_keyed_redis_client(host, "lazy", NULL, NULL), 0);
    assert_int_equal(apphost_host_add_keyed_redis_distributed_cache(host, "eager", NULL, NULL, NULL), 0);
    assert_false(apphost_redis_is_connected(apphost_host_redis(host, "lazy", NULL)));
    assert_int_equal(connections(&server), before + 1); /* the question itself */
    apphost_host_start(host);
    struct apphost_redis *eager = apphost_host_redis(host, "eager", NULL);
    for (int64_t end = now_ms() + PATIENCE_MS; !apphost_redis_is_connected(eager) && now_ms() < end;)
        poll(NULL, 0, 5);
    assert_true(apphost_redis_is_connected(eager));
    assert_false(apphost_redis_is_connected(apphost_host_redis(host, "lazy", NULL)));
    assert_int_equal(connections(&server), before + 3);
    apphost_host_free(host);
    server_stop(&server);
}

struct tracing {
    const char *all, *named; /* values of DisableTracing; NULL: not set */
    bool has_spans;
};

static const struct tracing tracings[] = {
    {NULL, NULL, true},      {"true", NULL, false},    {"false", NULL, true},
    {"true", "false", true}, {"false", "true", false},
};

static void the_named_section_decides_about_tracing(void **state)
{
    struct server server;

    (void)state;
    server_start(&server, NULL);
    for (size_t i = 0; i < sizeof(tracings) / sizeof(tracings[0]); i++) {
        const char *pairs[8] = {"ConnectionStrings:cache", server.socket};
        size_t count = 2;

        if (tracings[i].all) {
            pairs[count++] = "Aspire:StackExchange:Redis:DisableTracing";
            pairs[count++] = tracings[i].all;
        }
        if (tracings[i].named) {
            pairs[count++] = "Aspire:StackExchange:Redis:cache:DisableTracing";
            pairs[count++] = tracings[i].named;
        }
        struct apphost_host *host = open_host(pairs);
        apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
        atomic_store(&spans, 0);
        set(host, NULL, "k", "v");
        assert_int_equal(atomic_load(&spans), tracings[i].has_spans ? 4 : 0);
        apphost_host_free(host);
    }
    server_stop(&server);
}

/* ---- Closing ---- */

struct waiting {
    struct apphost_cache *cache;
    struct apphost_error error;
    int rc;
    atomic_bool has_begun;
};

static void *wait_for_reply(void *user)
{
    struct waiting *waiting = user;
    struct apphost_value value;

    atomic_store(&waiting->has_begun, true);
    waiting->rc = apphost_cache_get(waiting->cache, apphost_str("k"), &value, &waiting->error);
    return NULL;
}

static void ignore(void *user, const struct apphost_result *result)
{
    (void)user;
    (void)result;
}

static void expect_closed(int rc, const struct apphost_error *error)
{
    assert_int_equal(rc, -1);
    assert_int_equal(error->code, APPHOST_E_CLOSED);
    assert_true(error->text[0] != '\0');
}

static void a_closed_cache_says_so(void **state)
{
    const struct apphost_create create = {.create = NULL};
    struct server server;
    struct apphost_error error = {0};
    struct apphost_value value;
    struct waiting waiting[8];
    pthread_t threads[8];
    int64_t number;

    (void)state;
    server_start(&server, NULL);
    const char *const pairs[] = {"ConnectionStrings:cache",
                                 server.socket,
                                 OPTIONS "SyncTimeout",
                                 "600000",
                                 OPTIONS "DeadPeerTimeout",
                                 "600000",
                                 NULL};
    struct apphost_host *host = open_host(pairs);
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    set(host, NULL, "k", "v");
    server_freeze(&server, true);
    for (int i = 0; i < 8; i++) {
        waiting[i] = (struct waiting){.cache = cache};
        assert_int_equal(pthread_create(&threads[i], NULL, wait_for_reply, &waiting[i]), 0);
    }
    for (int i = 0; i < 8; i++)
        while (!atomic_load(&waiting[i].has_begun))
            poll(NULL, 0, 1);
    apphost_redis_close(apphost_cache_redis(cache));
    for (int i = 0; i < 8; i++) {
        pthread_join(threads[i], NULL);
        expect_closed(waiting[i].rc, &waiting[i].error);
    }
    expect_closed(apphost_cache_get(cache, apphost_str("k"), &value, &error), &error);
    expect_closed(apphost_cache_set_string(cache, "k", "v", apphost_expire_never(), &error), &error);
    expect_closed(apphost_cache_refresh(cache, apphost_str("k"), &error), &error);
    expect_closed(apphost_cache_remove(cache, apphost_str("k"), &error), &error);
    expect_closed(apphost_cache_remaining(cache, apphost_str("k"), &number, &error), &error);
    expect_closed(
        apphost_cache_increment(cache, apphost_str("n"), 1, apphost_expire_never(), &number, &error), &error);
    expect_closed(apphost_redis_ping(apphost_cache_redis(cache), NULL, &error), &error);
    assert_int_equal(apphost_cache_get_or_create(cache, apphost_str("k"), &create, &value, &error), -1);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    assert_null(apphost_cache_get_start(cache, queue, apphost_str("k"), ignore, NULL, &error));
    assert_int_equal(error.code, APPHOST_E_CLOSED);
    apphost_queue_free(queue);
    apphost_redis_close(apphost_cache_redis(cache));
    apphost_redis_close(NULL);
    apphost_host_free(host);
    server_freeze(&server, false);
    server_stop(&server);
}

/* One that was never used is closed as well. */
static void closed_before_first_use(void **state)
{
    const char *const pairs[] = {"ConnectionStrings:cache", "127.0.0.1:1", NULL};
    struct apphost_host *host = open_host(pairs);
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    apphost_redis_close(apphost_cache_redis(cache));
    expect_closed(apphost_cache_get(cache, apphost_str("k"), &value, &error), &error);
    apphost_host_free(host);
}

/* ---- Keep-alive and bounds ---- */

static int count_of(struct puppet *puppet, const char *word)
{
    int count = 0;

    pthread_mutex_lock(&puppet->lock);
    for (const char *p = puppet->heard; (p = strstr(p, word)); p++)
        count++;
    pthread_mutex_unlock(&puppet->lock);
    return count;
}

static void an_idle_connection_is_kept_alive(void **state)
{
    static const struct answer script[] = {{"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"}, {NULL, NULL}};
    struct puppet puppet;
    struct apphost_value value;
    char connection[64];

    (void)state;
    puppet_start(&puppet, script);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d,keepAlive=1", puppet.port);
    const char *const pairs[] = {"ConnectionStrings:cache", connection, NULL};
    struct apphost_host *host = open_host(pairs);
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    assert_int_equal(apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, NULL),
                     0);
    /* One of the handshake, then one for every idle second. */
    for (int64_t end = now_ms() + PATIENCE_MS; count_of(&puppet, "PING\n") < 3 && now_ms() < end;)
        poll(NULL, 0, 20);
    assert_true(count_of(&puppet, "PING\n") >= 3);
    apphost_host_free(host);
    puppet_stop(&puppet);
}

static void the_backlog_is_bounded(void **state)
{
    char connection[64];
    struct apphost_error error = {0};
    struct apphost_call *call;
    int accepted = 0;

    (void)state;
    snprintf(connection, sizeof(connection), "127.0.0.1:%d", free_port());
    const char *const pairs[] = {"ConnectionStrings:cache", connection, OPTIONS "Backlog", "10", NULL};
    struct apphost_host *host = open_host(pairs);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    while ((call = apphost_cache_get_start(cache, queue, apphost_str("k"), ignore, NULL, &error)) &&
           accepted < 100)
        accepted++;
    assert_int_equal(accepted, 10);
    assert_int_equal(error.code, APPHOST_E_BUSY);
    apphost_queue_free(queue);
    apphost_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cache_has_its_server_and_prefix),
        cmocka_unit_test(only_use_and_start_connect),
        cmocka_unit_test(the_named_section_decides_about_tracing),
        cmocka_unit_test(a_closed_cache_says_so),
        cmocka_unit_test(closed_before_first_use),
        cmocka_unit_test(an_idle_connection_is_kept_alive),
        cmocka_unit_test(the_backlog_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
