/* room: client_conn */
/* Limits of a thread's calls: a time-out of its own, and calling off what waits for a server that is frozen,
 * or for one that is not there. Who was not called off gets his answer. */
#include "server.h"

#include <apphost/apphost.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { CALLERS = 8 };

struct fixture {
    struct server server;
    struct apphost_host *host;
    struct apphost_cache *cache;
};

static struct fixture f;

static struct apphost_host *open_host(const char *endpoint)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[200];

    snprintf(text, sizeof(text), "%s,syncTimeout=60000,connectTimeout=60000", endpoint);
    assert_int_equal(apphost_config_set(config, "ConnectionStrings:cache", text, NULL), 0);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    apphost_config_free(config);
    return host;
}

static int set_up(void **state)
{
    (void)state;
    server_start(&f.server, NULL);
    f.host = open_host(f.server.socket);
    f.cache = apphost_host_cache(f.host, NULL, NULL);
    assert_int_equal(apphost_cache_set_string(f.cache, "k", "v", apphost_expire_never(), NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    apphost_host_free(f.host);
    server_stop(&f.server);
    return 0;
}

struct caller {
    pthread_t thread;
    struct apphost_cache *cache;
    struct apphost_limits limits;
    int rc;
    struct apphost_error error;
};

static void *call(void *user)
{
    struct caller *caller = user;
    struct apphost_value value;

    apphost_limits_set(&caller->limits);
    caller->rc = apphost_cache_get(caller->cache, apphost_str("k"), &value, &caller->error);
    apphost_value_free(&value);
    return NULL;
}

static void begin(struct caller *caller, struct apphost_cache *cache, struct apphost_limits limits)
{
    *caller = (struct caller){.cache = cache, .limits = limits};
    assert_int_equal(pthread_create(&caller->thread, NULL, call, caller), 0);
}

static void a_thread_has_a_time_out_of_its_own(void **state)
{
    struct caller caller;

    (void)state;
    server_freeze(&f.server, true);
    begin(&caller, f.cache, (struct apphost_limits){.timeout_ms = 50});
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.rc, -1);
    assert_int_equal(caller.error.code, APPHOST_E_TIMEOUT);
    server_freeze(&f.server, false);
    /* It was that thread's alone. */
    begin(&caller, f.cache, (struct apphost_limits){0});
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.rc, 1);
}

/* Half of them are called off, whoever leads; the others stay. */
static void what_waits_is_called_off(void **state)
{
    struct apphost_cancel *cancel = apphost_cancel_new();
    struct caller callers[CALLERS];

    (void)state;
    for (int round = 0; round < 2; round++) {
        server_freeze(&f.server, true);
        for (int i = 0; i < CALLERS; i++)
            begin(&callers[i], f.cache, (struct apphost_limits){.cancel = i % 2 == round ? cancel : NULL});
        apphost_cancel(cancel);
        for (int i = round; i < CALLERS; i += 2) {
            pthread_join(callers[i].thread, NULL);
            assert_int_equal(callers[i].rc, -1);
            assert_int_equal(callers[i].error.code, APPHOST_E_CANCELLED);
        }
        server_freeze(&f.server, false);
        for (int i = 1 - round; i < CALLERS; i += 2) {
            pthread_join(callers[i].thread, NULL);
            if (callers[i].rc != 1)
                fail_msg("%s", callers[i].error.text);
        }
        apphost_cancel_free(cancel);
        cancel = apphost_cancel_new();
    }
    apphost_cancel_free(cancel);
}

static void waiting_for_a_connection_as_well(void **state)
{
    struct apphost_cancel *cancel = apphost_cancel_new();
    struct caller caller;
    char nobody[64];

    (void)state;
    snprintf(nobody, sizeof(nobody), "127.0.0.1:%d", free_port());
    struct apphost_host *host = open_host(nobody);
    begin(&caller, apphost_host_cache(host, NULL, NULL), (struct apphost_limits){.cancel = cancel});
    apphost_cancel(cancel);
    pthread_join(caller.thread, NULL);
    assert_int_equal(caller.rc, -1);
    assert_int_equal(caller.error.code, APPHOST_E_CANCELLED);
    assert_true(apphost_is_cancelled(cancel));
    apphost_host_free(host);
    apphost_cancel_free(cancel);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_thread_has_a_time_out_of_its_own),
        T(what_waits_is_called_off),
        T(waiting_for_a_connection_as_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
