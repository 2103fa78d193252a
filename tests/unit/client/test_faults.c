/* room: client_conn */
/*
 * Bad days: a server that stops, freezes, restarts, changes its password, or is replaced by something that
 * talks nonsense, in the middle of the work of 64 threads. Nobody may get another caller's reply or be
 * forgotten.
 */
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { THREADS = 64, TIMEOUT_MS = 400 };

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- A host for one server ---- */

static struct apphost_host *open_host(const char *connection, const struct apphost_cache_options *cache,
                                      apphost_log_fn log)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .log = log};
    struct apphost_error error = {0};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:ReconnectMaxDelay", "200",
                       NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:DeadPeerTimeout", "600",
                       NULL);
    struct apphost_host *host = apphost_host_new(&options, &error);
    assert_non_null(host);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, &error), 0);
    apphost_config_free(config);
    return host;
}

static struct apphost_host *open_for(const struct server *server, const char *more,
                                     const struct apphost_cache_options *cache)
{
    char connection[256];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d,syncTimeout=%d,connectTimeout=500%s%s",
             server->port, TIMEOUT_MS, *more ? "," : "", more);
    return open_host(connection, cache, NULL);
}

/* Its calls are less patient than it is with a peer that is silent. */
static struct apphost_host *open_logged(const struct server *server, apphost_log_fn log)
{
    char connection[256];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d,syncTimeout=150,connectTimeout=500", server->port);
    return open_host(connection, NULL, log);
}

/* ---- 64 threads ---- */

struct crowd {
    struct apphost_cache *cache;
    pthread_t threads[THREADS];
    atomic_bool is_over;
    atomic_ulong good, missed, failed, wrong;
    _Atomic int codes[32];
};

struct member {
    struct crowd *crowd;
    int number;
};

static void check_value(struct crowd *crowd, const struct apphost_value *value, const char *expected, int rc,
                        const struct apphost_error *error)
{
    if (rc == 1 && (value->len != strlen(expected) || memcmp(value->data, expected, value->len) != 0))
        crowd->wrong++;
    else if (rc == 1)
        crowd->good++;
    else if (rc == 0)
        crowd->missed++;
    else
        crowd->failed++;
    if (rc < 0)
        crowd->codes[error->code]++;
}

static void *work(void *user)
{
    struct member *member = user;
    struct crowd *crowd = member->crowd;
    char key[32], data[96];
    unsigned round = 0;

    while (!atomic_load(&crowd->is_over)) {
        struct apphost_error error = {0};
        struct apphost_value value;

        /* Key and data of this thread only: a reply for another caller cannot look right. */
        snprintf(key, sizeof(key), "t%d-%u", member->number, round % 8);
        snprintf(data, sizeof(data), "data of thread %d for key %u %.*s", member->number, round % 8,
                 member->number % 40, "........................................");
        int rc = round < 8 || round % 5 == 0
                     ? apphost_cache_set(crowd->cache, apphost_str(key), data, strlen(data),
                                         round % 2 ? apphost_expire_sliding(60000) : apphost_expire_in(60000),
                                         &error)
                     : 0;
        if (rc < 0) {
            crowd->failed++;
            crowd->codes[error.code]++;
        }
        rc = apphost_cache_get(crowd->cache, apphost_str(key), &value, &error);
        check_value(crowd, &value, data, rc, &error);
        apphost_value_free(&value);
        round++;
    }
    free(member);
    return NULL;
}

static void crowd_start(struct crowd *crowd, struct apphost_cache *cache)
{
    memset(crowd, 0, sizeof(*crowd));
    crowd->cache = cache;
    for (int i = 0; i < THREADS; i++) {
        struct member *member = malloc(sizeof(*member));

        *member = (struct member){crowd, i};
        assert_int_equal(pthread_create(&crowd->threads[i], NULL, work, member), 0);
    }
}

static void crowd_stop(struct crowd *crowd)
{
    atomic_store(&crowd->is_over, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(crowd->threads[i], NULL);
    assert_int_equal(crowd->wrong, 0);
}

/* Waits until `counter` has grown by `by`. */
static void await_growth(atomic_ulong *counter, unsigned long by)
{
    unsigned long target = atomic_load(counter) + by;
    int64_t deadline = now_ms() + 60000;

    while (atomic_load(counter) < target && now_ms() < deadline)
        poll(NULL, 0, 5);
    if (atomic_load(counter) < target)
        fail_msg("the work did not go on");
}

/* ---- Tests ---- */

static void killed_and_restarted(void **state)
{
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "", NULL);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        await_growth(&crowd.good, 500);
        server_kill(&server, i % 2 == 0);
        await_growth(&crowd.failed, 10);
        server_again(&server, NULL);
    }
    await_growth(&crowd.good, 500);
    crowd_stop(&crowd);
    assert_int_equal(crowd.codes[APPHOST_E_PROTOCOL], 0);
    apphost_host_free(host);
    server_stop(&server);
}

static void frozen_and_thawed(void **state)
{
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "", NULL);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    await_growth(&crowd.good, 500);
    server_freeze(&server, true);
    await_growth(&crowd.failed, THREADS * 3);
    server_freeze(&server, false);
    await_growth(&crowd.good, 500);
    crowd_stop(&crowd);
    apphost_host_free(host);
    server_stop(&server);
}

static atomic_int given_up;

static void note_dead_peer(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    (void)user;
    (void)level;
    (void)category;
    if (strstr(text, "no answer for too long"))
        atomic_fetch_add(&given_up, 1);
}

/* Calls that go on say nothing about the server: it takes their bytes for a long time. */
static void a_frozen_server_is_given_up_while_calls_go_on(void **state)
{
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, NULL);
    atomic_store(&given_up, 0);
    struct apphost_host *host = open_logged(&server, note_dead_peer);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    await_growth(&crowd.good, 500);
    server_freeze(&server, true);
    int64_t deadline = now_ms() + 30000;
    while (given_up == 0 && now_ms() < deadline)
        poll(NULL, 0, 5);
    server_freeze(&server, false);
    assert_true(given_up > 0);
    await_growth(&crowd.good, 500);
    crowd_stop(&crowd);
    apphost_host_free(host);
    server_stop(&server);
}

static void connections_cut_by_the_server(void **state)
{
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "syncTimeout=60000", NULL);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    for (int i = 0; i < 20; i++) {
        await_growth(&crowd.good, 200);
        free(server_ask(&server, "CLIENT KILL TYPE normal"));
    }
    await_growth(&crowd.good, 500);
    crowd_stop(&crowd);
    /* What was under way is idempotent and was sent again: nobody noticed. */
    assert_int_equal(crowd.failed, 0);
    assert_int_equal(crowd.missed, 0);
    apphost_host_free(host);
    server_stop(&server);
}

static void password_changed(void **state)
{
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, "--requirepass first");
    struct apphost_host *host = open_for(&server, "password=first", NULL);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    await_growth(&crowd.good, 500);
    server_kill(&server, true);
    server_again(&server, "--requirepass second");
    int64_t deadline = now_ms() + 60000;
    while (crowd.codes[APPHOST_E_AUTH] == 0 && now_ms() < deadline)
        poll(NULL, 0, 5);
    assert_true(crowd.codes[APPHOST_E_AUTH] > 0);
    server_kill(&server, true);
    server_again(&server, "--requirepass first");
    await_growth(&crowd.good, 500);
    crowd_stop(&crowd);
    apphost_host_free(host);
    server_stop(&server);
}

/* ---- Nonsense ---- */

struct liar {
    int fd;
    pthread_t thread;
    const char *says;
};

static void *lie(void *user)
{
    struct liar *liar = user;
    char buffer[4096];
    int fd;

    while ((fd = accept(liar->fd, NULL, NULL)) >= 0) {
        ssize_t got = recv(fd, buffer, sizeof(buffer), 0);

        if (got > 0)
            send(fd, liar->says, strlen(liar->says), MSG_NOSIGNAL);
        close(fd);
    }
    return NULL;
}

static void liar_start(struct liar *liar, int port, const char *says)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int one = 1;

    *liar = (struct liar){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .says = says};
    setsockopt(liar->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    int rc = -1;
    for (int i = 0; i < 500 && (rc = bind(liar->fd, (struct sockaddr *)&address, sizeof(address))) < 0; i++)
        poll(NULL, 0, 20);
    assert_int_equal(rc, 0);
    assert_int_equal(listen(liar->fd, 64), 0);
    assert_int_equal(pthread_create(&liar->thread, NULL, lie, liar), 0);
}

static void liar_stop(struct liar *liar)
{
    shutdown(liar->fd, SHUT_RDWR);
    pthread_join(liar->thread, NULL);
    close(liar->fd);
}

static void replaced_by_nonsense(void **state)
{
    static const char *const lies[] = {
        "HTTP/1.1 400 Bad Request\r\n\r\n",
        "+OK\r\n+OK\r\n+OK\r\n+PONG\r\n+PONG\r\n+PONG\r\n:1\r\n:2\r\n",
        "*3\r\n$-1\r\n$-1\r\n$99999999999\r\n",
        "-ERR go away\r\n",
        "",
    };
    struct server server;
    struct crowd crowd;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "", NULL);
    crowd_start(&crowd, apphost_host_cache(host, NULL, NULL));
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        struct liar liar;

        await_growth(&crowd.good, 300);
        server_kill(&server, true);
        liar_start(&liar, server.port, lies[i]);
        await_growth(&crowd.failed, 30);
        liar_stop(&liar);
        server_again(&server, NULL);
    }
    await_growth(&crowd.good, 300);
    crowd_stop(&crowd);
    apphost_host_free(host);
    server_stop(&server);
}

/* ---- Alone ---- */

static void nobody_there_is_told_at_the_deadline(void **state)
{
    struct server nobody = {.port = free_port()};
    struct apphost_host *host = open_for(&nobody, "", NULL);
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_CONNECT);
    assert_non_null(strstr(error.text, "refused"));
    assert_non_null(strstr(error.text, "HMGET"));
    apphost_host_free(host);
}

static void abort_connect_fails_early(void **state)
{
    struct server nobody = {.port = free_port()};
    struct apphost_host *host =
        open_for(&nobody, "abortConnect=true,connectRetry=1,syncTimeout=1000000", NULL);
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_non_null(strstr(error.text, "It was not possible to connect to the redis server(s)"));
    apphost_host_free(host);
}

static void fail_open_and_the_breaker(void **state)
{
    const struct apphost_cache_options options = {
        .fail_open = true, .breaker_failures = 2, .breaker_pause_ms = 2000};
    struct server server;
    struct apphost_value value;
    struct apphost_error error = {0};
    struct apphost_cache_stats stats;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_for(&server, "", &options);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    assert_int_equal(apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error), 0);
    server_kill(&server, true);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), 0);
        assert_int_equal(apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error),
                         0);
    }
    apphost_cache_stats(cache, &stats);
    assert_true(stats.absorbed >= 10);
    assert_true(stats.short_circuits >= 1);
    server_again(&server, NULL);
    int64_t deadline = now_ms() + 60000;
    do {
        apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error);
    } while (apphost_cache_get(cache, apphost_str("k"), &value, &error) != 1 && now_ms() < deadline);
    assert_string_equal(value.data, "v");
    apphost_value_free(&value);
    /* What the caller did wrong is not absorbed. */
    assert_int_equal(apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_in(-1), &error), -1);
    apphost_host_free(host);
    server_stop(&server);
}

static void breaker_without_fail_open_says_so(void **state)
{
    const struct apphost_cache_options options = {.breaker_failures = 1, .breaker_pause_ms = 60000};
    struct server nobody = {.port = free_port()};
    struct apphost_host *host = open_for(&nobody, "", &options);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_CONNECT);
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_OPEN);
    apphost_host_free(host);
}

static void *close_soon(void *user)
{
    poll(NULL, 0, 100);
    apphost_cache_close(user);
    return NULL;
}

static void closing_does_not_wait_for_a_frozen_server(void **state)
{
    struct server server;
    struct apphost_value value;
    char connection[128];

    (void)state;
    server_start(&server, NULL);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d", server.port);
    setenv("ConnectionStrings__frozen", connection, 1);
    struct apphost_cache *cache = apphost_cache_open("frozen", NULL, NULL);
    unsetenv("ConnectionStrings__frozen");
    assert_non_null(cache);
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, NULL), 0);
    server_freeze(&server, true);
    close_soon(cache); /* while it is frozen: nothing will ever thaw it if this waits */
    server_stop(&server);
}

static atomic_int creations;

static int create_slowly(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)user;
    (void)error;
    atomic_fetch_add(&creations, 1);
    poll(NULL, 0, 50);
    *data = strdup("x");
    *len = 1;
    return 0;
}

static void *create_one(void *user)
{
    const struct apphost_create how = {.create = create_slowly, .expiry = apphost_expire_in(60000)};
    struct apphost_value value;
    int rc = apphost_cache_get_or_create(user, apphost_str("stampede"), &how, &value, NULL);
    bool is_good = rc >= 0 && value.len == 1;

    apphost_value_free(&value);
    return is_good ? user : NULL;
}

/* Two hosts stand for two processes: nothing but Redis is between them. */
static void one_creator_among_threads(void **state)
{
    struct server server;
    pthread_t threads[32];
    void *result;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *hosts[2] = {open_for(&server, "syncTimeout=5000", NULL),
                                     open_for(&server, "syncTimeout=5000", NULL)};
    atomic_store(&creations, 0);
    for (int i = 0; i < 32; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, create_one, apphost_host_cache(hosts[i % 2], NULL, NULL)), 0);
    for (int i = 0; i < 32; i++) {
        pthread_join(threads[i], &result);
        assert_non_null(result);
    }
    assert_int_equal(creations, 1);
    apphost_host_free(hosts[0]);
    apphost_host_free(hosts[1]);
    server_stop(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_and_restarted),
        cmocka_unit_test(frozen_and_thawed),
        cmocka_unit_test(a_frozen_server_is_given_up_while_calls_go_on),
        cmocka_unit_test(connections_cut_by_the_server),
        cmocka_unit_test(password_changed),
        cmocka_unit_test(replaced_by_nonsense),
        cmocka_unit_test(nobody_there_is_told_at_the_deadline),
        cmocka_unit_test(abort_connect_fails_early),
        cmocka_unit_test(fail_open_and_the_breaker),
        cmocka_unit_test(breaker_without_fail_open_says_so),
        cmocka_unit_test(closing_does_not_wait_for_a_frozen_server),
        cmocka_unit_test(one_creator_among_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
