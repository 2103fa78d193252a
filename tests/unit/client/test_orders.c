/*
 * The caller's own code, and every order of ending things: callbacks run under no lock, so whatever they wait
 * for cannot hold up a call; and a call outlives the cache, the host and the queue that it belongs to.
 */
#include "asynctest.h"
#include "cachetest.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_log_holds_up_nobody),
        cmocka_unit_test(a_slow_log_of_a_loss_holds_up_nobody),
        cmocka_unit_test(slow_options_hold_up_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
