/*
 * The caller's own code, and every order of ending things: callbacks run under no lock, so whatever they wait
 * for cannot hold up a call; and a call outlives the cache, the host and the queue that it belongs to.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <apphost/uv.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- A callback that stays until it is let go ---- */

struct gate {
    sem_t entered, open;
    const char *words; /* of the log line that it stops at */
    atomic_bool is_stuck;
};

static void gate_init(struct gate *gate, const char *words)
{
    *gate = (struct gate){.words = words};
    sem_init(&gate->entered, 0, 0);
    sem_init(&gate->open, 0, 0);
}

static void wait_patiently(sem_t *semaphore, atomic_bool *is_stuck)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += PATIENCE_MS / 2000;
    if (sem_timedwait(semaphore, &until) < 0)
        atomic_store(is_stuck, true);
}

static void pass_gate(struct gate *gate)
{
    sem_post(&gate->entered);
    wait_patiently(&gate->open, &gate->is_stuck);
}

static void log_at_gate(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    struct gate *gate = user;

    (void)level;
    (void)category;
    if (strncmp(text, gate->words, strlen(gate->words)) == 0)
        pass_gate(gate);
}

static struct apphost_host *open_host(const struct server *server, struct gate *gate)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {
        .config = config, .log = gate ? log_at_gate : NULL, .log_user = gate};
    char text[128];

    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=10000,asyncTimeout=10000", server->port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    return host;
}

/* The log is told of a connection while calls use it. */
static void a_slow_log_holds_up_nobody(void **state)
{
    struct server server;
    struct gate gate;
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    server_start(&server, NULL);
    gate_init(&gate, "Connected");
    struct apphost_host *host = open_host(&server, &gate);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    ok(apphost_cache_get(cache, apphost_str("k"), &value, &error), &error);
    wait_patiently(&gate.entered, &gate.is_stuck);
    ok(apphost_cache_get(cache, apphost_str("k"), &value, &error), &error);
    assert_false(gate.is_stuck);
    sem_post(&gate.open);
    apphost_host_free(host);
    assert_false(gate.is_stuck);
    server_stop(&server);
}

/* Nor does the log of a connection that is lost, on whatever thread that is noticed. */
static void a_slow_log_of_a_loss_holds_up_nobody(void **state)
{
    struct server server;
    struct gate gate;
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    server_start(&server, NULL);
    gate_init(&gate, "Connection failed");
    struct apphost_host *host = open_host(&server, &gate);
    const struct apphost_cache_options hasty = {.timeout_ms = 50};
    assert_int_equal(apphost_host_with_distributed_cache(host, NULL, "hasty", &hasty, NULL), 0);
    ok(apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), &error);
    server_kill(&server, true);
    wait_patiently(&gate.entered, &gate.is_stuck);
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, "hasty", NULL), apphost_str("k"), &value, &error), -1);
    assert_false(gate.is_stuck);
    sem_post(&gate.open);
    apphost_host_free(host);
    server_stop(&server);
}

static void options_at_gate(struct apphost_options *options, void *user)
{
    (void)options;
    pass_gate(user);
}

static void *get_once(void *user)
{
    struct apphost_value value;

    return apphost_cache_get(user, apphost_str("k"), &value, NULL) < 0 ? user : NULL;
}

/* A thread is in the callback that changes the options; another closes. */
static void slow_options_hold_up_nobody(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    struct gate gate;
    const struct apphost_client_options client = {.options = options_at_gate, .user = &gate};
    pthread_t thread;
    void *failed;

    (void)state;
    gate_init(&gate, "");
    apphost_config_set(config, "ConnectionStrings:cache", "127.0.0.1:1", NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", &client, NULL, NULL), 0);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    assert_int_equal(pthread_create(&thread, NULL, get_once, cache), 0);
    wait_patiently(&gate.entered, &gate.is_stuck);
    apphost_redis_close(apphost_cache_redis(cache));
    assert_false(gate.is_stuck);
    sem_post(&gate.open);
    pthread_join(thread, &failed);
    assert_non_null(failed);
    apphost_host_free(host);
}

static void count_lines(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    (void)level;
    (void)category;
    (void)text;
    atomic_fetch_add((atomic_int *)user, 1);
}

static void a_cache_on_its_own_has_a_log(void **state)
{
    atomic_int lines = 0;
    const struct apphost_cache_options options = {
        .log = count_lines, .log_user = &lines, .fail_open = true, .timeout_ms = 10};
    struct apphost_value value;

    (void)state;
    setenv("ConnectionStrings__lonely", "127.0.0.1:1", 1);
    struct apphost_cache *cache = apphost_cache_open("lonely", &options, NULL);
    unsetenv("ConnectionStrings__lonely");
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, NULL), 0);
    assert_true(lines > 0);
    apphost_cache_close(cache);
}

/* ---- Orders ---- */

struct ending {
    struct apphost_host *host;
    struct apphost_queue *queue;
    int count, left;
    enum apphost_code code;
    void (*then)(struct ending *ending);
};

static void on_end(void *user, const struct apphost_result *result)
{
    struct ending *ending = user;

    ending->count++;
    ending->code = result->rc < 0 ? result->error->code : APPHOST_OK;
    if (ending->count == 1 && ending->then)
        ending->then(ending);
}

static void start_all(struct ending *ending)
{
    static const struct apphost_bytes keys[] = {{"a", 1}, {"b", 1}};
    const struct apphost_keys many = {keys, 2};
    const struct apphost_entry entry = {
        .key = {"k", 1}, .data = {"v", 1}, .expiry = apphost_expire_sliding(60000)};
    const struct apphost_increment increment = {.key = {"n", 1}, .by = 1};
    static const char *const words[] = {"PING"};
    const struct apphost_command ping = {1, words, NULL};
    struct apphost_cache *cache = apphost_host_cache(ending->host, NULL, NULL);
    struct apphost_redis *redis = apphost_host_redis(ending->host, NULL, NULL);
    struct apphost_queue *queue = ending->queue;

    assert_non_null(apphost_cache_set_start(cache, queue, &entry, on_end, ending, NULL));
    assert_non_null(apphost_cache_get_start(cache, queue, entry.key, on_end, ending, NULL));
    assert_non_null(apphost_cache_refresh_start(cache, queue, entry.key, on_end, ending, NULL));
    assert_non_null(apphost_cache_get_many_start(cache, queue, &many, on_end, ending, NULL));
    assert_non_null(apphost_cache_increment_start(cache, queue, &increment, on_end, ending, NULL));
    assert_non_null(apphost_redis_command_start(redis, queue, &ping, on_end, ending, NULL));
    assert_non_null(apphost_cache_remove_start(cache, queue, entry.key, on_end, ending, NULL));
}

enum { ALL = 7 };

static void begin(struct ending *ending, const struct server *server)
{
    struct apphost_host *host = open_host(server, NULL);

    *ending = (struct ending){.host = host, .queue = apphost_queue_new(NULL)};
    start_all(ending);
}

/* The server has answered everything: a reply that comes after all of theirs is here. */
static void await_ready(const struct ending *ending)
{
    struct apphost_error error = {0};

    ok(apphost_redis_ping(apphost_host_redis(ending->host, NULL, NULL), NULL, &error), &error);
}

static void dispatch_all(struct ending *ending)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (apphost_queue_pending(ending->queue) > 0 && now_ms() < deadline) {
        struct pollfd ready = {.fd = apphost_queue_fd(ending->queue), .events = POLLIN};

        poll(&ready, 1, 100);
        apphost_queue_dispatch(ending->queue);
    }
}

static void closed_before_its_results_are_dispatched(void **state)
{
    struct server server;
    struct ending ending;

    (void)state;
    server_start(&server, NULL);
    begin(&ending, &server);
    await_ready(&ending);
    apphost_host_free(ending.host);
    dispatch_all(&ending);
    assert_int_equal(ending.count, ALL);
    assert_int_equal(ending.code, APPHOST_OK);
    apphost_queue_free(ending.queue);
    server_stop(&server);
}

static void closed_while_calls_are_under_way(void **state)
{
    struct server server;
    struct ending ending;

    (void)state;
    server_start(&server, NULL);
    begin(&ending, &server);
    await_ready(&ending);
    server_freeze(&server, true);
    start_all(&ending);
    apphost_host_free(ending.host);
    dispatch_all(&ending);
    assert_int_equal(ending.count, 2 * ALL);
    assert_int_equal(ending.code, APPHOST_E_CLOSED);
    apphost_queue_free(ending.queue);
    server_stop(&server);
}

static void freed_before_anything_is_dispatched(void **state)
{
    struct server server;
    struct ending ending;

    (void)state;
    server_start(&server, NULL);
    for (int i = 0; i < 4; i++) {
        begin(&ending, &server);
        if (i % 2)
            await_ready(&ending);
        if (i < 2)
            apphost_host_free(ending.host);
        apphost_queue_free(ending.queue);
        if (i >= 2)
            apphost_host_free(ending.host);
        assert_int_equal(ending.count, 0);
    }
    server_stop(&server);
}

static void close_host(struct ending *ending)
{
    apphost_host_free(ending->host);
}

static void close_queue(struct ending *ending)
{
    apphost_queue_close(ending->queue);
    assert_int_equal(apphost_queue_pending(ending->queue), 0);
    assert_int_equal(apphost_queue_dispatch(ending->queue), 0);
}

static void free_queue(struct ending *ending)
{
    apphost_queue_free(ending->queue);
}

static void free_both(struct ending *ending)
{
    apphost_host_free(ending->host);
    apphost_queue_free(ending->queue);
}

static void nest(struct ending *ending)
{
    ending->left = (int)apphost_queue_dispatch(ending->queue);
}

/* With all results ready, the first callback ends things. */
static void ended_from_within_a_callback(void **state)
{
    static const struct {
        void (*then)(struct ending *ending);
        int count;
        bool frees_host, frees_queue;
    } ways[] = {{close_host, ALL, true, false},
                {close_queue, 1, false, false},
                {free_queue, 1, false, true},
                {free_both, 1, true, true},
                {nest, ALL, false, false}};
    struct server server;

    (void)state;
    server_start(&server, NULL);
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        struct ending ending;

        begin(&ending, &server);
        await_ready(&ending);
        ending.then = ways[i].then;
        apphost_queue_dispatch(ending.queue);
        assert_int_equal(ending.count, ways[i].count);
        if (!ways[i].frees_queue)
            apphost_queue_free(ending.queue);
        if (!ways[i].frees_host)
            apphost_host_free(ending.host);
    }
    server_stop(&server);
}

/* The same by way of a loop. */
struct looped {
    struct apphost_uv uv;
    int count;
    bool is_closed;
};

static void on_uv_closed(uv_handle_t *handle)
{
    ((struct looped *)handle->data)->is_closed = true;
}

static void on_first(void *user, const struct apphost_result *result)
{
    struct looped *looped = user;

    (void)result;
    if (looped->count++ == 0)
        apphost_uv_close(&looped->uv, on_uv_closed);
}

static void a_loop_closed_from_within_a_callback(void **state)
{
    struct server server;
    struct looped looped = {.count = 0};
    uv_loop_t loop;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_host(&server, NULL);
    const struct ending ending = {.host = host};
    uv_loop_init(&loop);
    assert_int_equal(apphost_uv_init(&looped.uv, &loop, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_non_null(apphost_cache_get_start(apphost_host_cache(host, NULL, NULL), looped.uv.queue,
                                                apphost_str("k"), on_first, &looped, NULL));
    await_ready(&ending);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(looped.count, 1);
    assert_true(looped.is_closed);
    assert_int_equal(uv_loop_close(&loop), 0);
    apphost_host_free(host);
    server_stop(&server);
}

static void a_closed_queue_takes_nothing(void **state)
{
    struct server nobody = {.port = 1};
    struct apphost_host *host = open_host(&nobody, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};

    (void)state;
    apphost_queue_close(queue);
    assert_null(apphost_cache_get_start(apphost_host_cache(host, NULL, NULL), queue, apphost_str("k"), on_end,
                                        NULL, &error));
    assert_int_equal(error.code, APPHOST_E_CLOSED);
    apphost_queue_free(queue);
    apphost_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_log_holds_up_nobody),
        cmocka_unit_test(a_slow_log_of_a_loss_holds_up_nobody),
        cmocka_unit_test(slow_options_hold_up_nobody),
        cmocka_unit_test(a_cache_on_its_own_has_a_log),
        cmocka_unit_test(closed_before_its_results_are_dispatched),
        cmocka_unit_test(closed_while_calls_are_under_way),
        cmocka_unit_test(freed_before_anything_is_dispatched),
        cmocka_unit_test(ended_from_within_a_callback),
        cmocka_unit_test(a_loop_closed_from_within_a_callback),
        cmocka_unit_test(a_closed_queue_takes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
