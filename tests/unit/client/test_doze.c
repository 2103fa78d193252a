/* room: client_conn */
/*
 * A connection that nobody uses wakes nobody; and what wakes it all the same: a hang-up, an answer that is
 * still due, the time-out of a call on a loop. The keep-alive is hours away.
 */
#include "server.h"

#include <apphost/apphost.h>

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { PATIENCE_S = 60, WINDOW_MS = 2500 };

struct doze {
    struct server server;
    struct apphost_host *host;
    struct apphost_cache *cache, *hasty;
    struct apphost_redis *redis;
    const char *dead_ms; /* deadPeerTimeout */
};

static struct doze f;

static void use_patience(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_set(options, "deadPeerTimeout", f.dead_ms, NULL), 0);
}

static int open_with(const char *dead_ms)
{
    const struct apphost_cache_options hasty = {.timeout_ms = 20};
    const struct apphost_client_options client = {.options = use_patience};
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[128];

    f.dead_ms = dead_ms;
    server_start(&f.server, NULL);
    snprintf(text, sizeof(text), "127.0.0.1:%d,keepAlive=100000,syncTimeout=120000,asyncTimeout=100",
             f.server.port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    f.host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(f.host, "cache", &client, NULL, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(f.host, NULL, "hasty", &hasty, NULL), 0);
    f.cache = apphost_host_cache(f.host, NULL, NULL);
    f.hasty = apphost_host_cache(f.host, "hasty", NULL);
    f.redis = apphost_host_redis(f.host, NULL, NULL);
    assert_int_equal(apphost_cache_set_string(f.cache, "k", "v", apphost_expire_never(), NULL), 0);
    return 0;
}

/* ThreadSanitizer has a thread of its own that never rests: nothing can be said by counting. */
static void skip_where_others_wake(void)
{
#ifdef __SANITIZE_THREAD__
    print_message("ThreadSanitizer's own thread wakes all the time\n");
    skip();
#endif
}

static int set_up(void **state)
{
    (void)state;
    return open_with("600000");
}

static int set_up_strict(void **state)
{
    (void)state;
    return open_with("500");
}

static int tear_down(void **state)
{
    (void)state;
    if (f.server.pid > 0)
        server_freeze(&f.server, false);
    apphost_host_free(f.host);
    server_stop(&f.server);
    return 0;
}

static long switches_of(const char *task)
{
    char path[300], line[128];
    long count = 0;

    snprintf(path, sizeof(path), "/proc/self/task/%s/status", task);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof(line), file))
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1)
            break;
    if (file)
        fclose(file);
    return count;
}

/* How often the other threads have gone to sleep. */
static long switches(void)
{
    DIR *folder = opendir("/proc/self/task");
    long sum = 0;

    for (struct dirent *at; (at = readdir(folder));)
        if (atoi(at->d_name) > 0 && atoi(at->d_name) != getpid())
            sum += switches_of(at->d_name);
    closedir(folder);
    return sum;
}

/* Until nobody has woken for longer than the worker's beat. */
static void await_rest(void)
{
    long before = -1;

    for (time_t began = time(NULL); switches() != before; assert_true(time(NULL) - began < PATIENCE_S)) {
        before = switches();
        poll(NULL, 0, WINDOW_MS);
    }
}

static void await_loss(void)
{
    for (time_t began = time(NULL); apphost_redis_is_connected(f.redis); poll(NULL, 0, 2))
        assert_true(time(NULL) - began < PATIENCE_S);
}

static void an_idle_client_sleeps(void **state)
{
    (void)state;
    skip_where_others_wake();
    await_rest();
    assert_true(apphost_redis_is_connected(f.redis));
    assert_int_equal(apphost_cache_remove(f.cache, apphost_str("k"), NULL), 1);
    await_rest();
}

static void a_hang_up_is_seen(void **state)
{
    (void)state;
    skip_where_others_wake();
    await_rest();
    server_kill(&f.server, true);
    await_loss();
}

/* Nobody waits for the answer any more: the worker does, and finds that there is none. */
static void an_answer_that_is_due_is_waited_for(void **state)
{
    struct apphost_error error;
    char *text;

    (void)state;
    skip_where_others_wake();
    await_rest();
    server_freeze(&f.server, true);
    assert_int_equal(apphost_cache_get_string(f.hasty, "k", &text, &error), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    await_loss();
}

static void keep_code(void *user, const struct apphost_result *result)
{
    *(enum apphost_code *)user = result->error ? result->error->code : APPHOST_OK;
}

static void *ask(void *user)
{
    char *text = NULL;

    *(int *)user = apphost_cache_get_string(f.cache, "k", &text, NULL);
    free(text);
    return NULL;
}

/* While a caller leads who has all the time. */
static void a_call_on_a_loop_ends_in_its_time(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};
    enum apphost_code code = APPHOST_OK;
    pthread_t thread;
    int rc = -1;

    (void)state;
    skip_where_others_wake();
    await_rest();
    server_freeze(&f.server, true);
    assert_int_equal(pthread_create(&thread, NULL, ask, &rc), 0);
    poll(NULL, 0, 50);
    assert_non_null(apphost_cache_get_start(f.cache, queue, apphost_str("k"), keep_code, &code, NULL));
    assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
    assert_int_equal(apphost_queue_dispatch(queue), 1);
    assert_int_equal(code, APPHOST_E_TIMEOUT);
    server_freeze(&f.server, false);
    pthread_join(thread, NULL);
    assert_int_equal(rc, 1);
    apphost_queue_free(queue);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(an_idle_client_sleeps),
        T(a_hang_up_is_seen),
        cmocka_unit_test_setup_teardown(an_answer_that_is_due_is_waited_for, set_up_strict, tear_down),
        T(a_call_on_a_loop_ends_in_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
