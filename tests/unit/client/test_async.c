/* room: client_cache */
/* The asynchronous API on a libuv loop, and spans as a callback sees them. Exporting is in test_otlp.c. */
#include "server.h"

#include <apphost/apphost.h>
#include <apphost/uv.h>

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
#include <unistd.h>

static struct server server;

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

struct host_setup {
    apphost_span_fn span;
    void *user;
    const char *convention, *more;
    struct apphost_cache_options cache;
};

static struct apphost_host *open_host(const struct host_setup *setup)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {
        .config = config, .span = setup->span, .span_user = setup->user};
    char text[256];

    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=2000%s", server.port,
             setup->more ? setup->more : "");
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    if (setup->convention)
        apphost_config_set(config, "OTEL_SEMCONV_STABILITY_OPT_IN", setup->convention, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, &setup->cache, NULL), 0);
    return host;
}

/* ---- The loop ---- */

struct story {
    struct apphost_uv uv;
    struct apphost_cache *cache;
    struct apphost_redis *redis;
    int step, unwanted;
    bool has_returned; /* the start function of the current step */
};

static void next_step(struct story *story);

static void on_step(void *user, const struct apphost_result *result)
{
    struct story *story = user;
    static const int expected[] = {0, 1, 1, 1, 0, 0};

    assert_true(story->has_returned);
    if (result->error)
        fail_msg("step %d: %s", story->step, result->error->text);
    assert_int_equal(result->rc, expected[story->step]);
    if (story->step == 1) {
        assert_int_equal(result->len, 5);
        assert_string_equal(result->data, "value");
    }
    if (story->step == 5)
        assert_string_equal(apphost_reply_string(result->reply, NULL), "PONG");
    story->step++;
    next_step(story);
}

static void on_unwanted(void *user, const struct apphost_result *result)
{
    (void)result;
    ((struct story *)user)->unwanted++;
}

static void next_step(struct story *story)
{
    struct apphost_queue *queue = story->uv.queue;
    struct apphost_bytes key = apphost_str("async");
    const struct apphost_entry entry = {key, apphost_str("value"), apphost_expire_sliding(60000)};
    const char *const ping[] = {"PING"};
    const struct apphost_command command = {1, ping, NULL};
    struct apphost_error error = {0};
    struct apphost_call *call = NULL;

    story->has_returned = false;
    if (story->step == 0)
        call = apphost_cache_set_start(story->cache, queue, &entry, on_step, story, &error);
    else if (story->step == 1 || story->step == 4)
        call = apphost_cache_get_start(story->cache, queue, key, on_step, story, &error);
    else if (story->step == 2)
        call = apphost_cache_refresh_start(story->cache, queue, key, on_step, story, &error);
    else if (story->step == 3)
        call = apphost_cache_remove_start(story->cache, queue, key, on_step, story, &error);
    else if (story->step == 5)
        call = apphost_redis_command_start(story->redis, queue, &command, on_step, story, &error);
    story->has_returned = true;
    if (story->step > 5) {
        assert_int_equal(apphost_queue_pending(queue), 0);
        apphost_uv_close(&story->uv, NULL);
        return;
    }
    assert_non_null(call);
    /* One more each time, called off. */
    apphost_call_cancel(apphost_cache_get_start(story->cache, queue, key, on_unwanted, story, &error));
}

static void tells_a_story_on_a_loop(void **state)
{
    const struct host_setup setup = {.cache = {.instance_name = "a:"}};
    struct apphost_host *host = open_host(&setup);
    struct story story = {.cache = apphost_host_cache(host, NULL, NULL),
                          .redis = apphost_host_redis(host, NULL, NULL)};
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_int_equal(apphost_uv_init(&story.uv, &loop, NULL), 0);
    next_step(&story);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(story.step, 6);
    assert_int_equal(story.unwanted, 0);
    assert_int_equal(uv_loop_close(&loop), 0);
    apphost_host_free(host);
}

static void count_result(void *user, const struct apphost_result *result)
{
    int *counts = user;

    counts[result->rc < 0 ? 2 : result->rc]++;
}

/* Dispatches until as many results have come, for at most ten seconds. */
static void dispatch_until(struct apphost_queue *queue, const int *counts, int total)
{
    for (int i = 0; i < 1000 && counts[0] + counts[1] + counts[2] < total; i++) {
        struct pollfd poll_fd = {.fd = apphost_queue_fd(queue), .events = POLLIN};

        poll(&poll_fd, 1, 10);
        apphost_queue_dispatch(queue);
    }
    assert_int_equal(counts[0] + counts[1] + counts[2], total);
}

static void thousands_at_once(void **state)
{
    const struct host_setup setup = {.more = ",asyncTimeout=20000"};
    struct apphost_host *host = open_host(&setup);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    int counts[3] = {0};

    (void)state;
    for (int i = 0; i < 2000; i++) {
        char key[32];

        snprintf(key, sizeof(key), "bulk%d", i);
        const struct apphost_entry entry = {apphost_str(key), apphost_str(key), apphost_expire_in(60000)};
        assert_non_null(apphost_cache_set_start(cache, queue, &entry, count_result, counts, &error));
        assert_non_null(
            apphost_cache_get_start(cache, queue, apphost_str(key), count_result, counts, &error));
    }
    assert_int_equal(apphost_queue_pending(queue), 4000);
    dispatch_until(queue, counts, 4000);
    assert_int_equal(counts[0], 2000);
    assert_int_equal(counts[1], 2000);
    apphost_queue_free(queue);
    apphost_host_free(host);
}

static void outages_and_deadlines(void **state)
{
    const struct host_setup setup = {.more = ",asyncTimeout=300,connectTimeout=200"};
    struct apphost_host *host = open_host(&setup);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    int counts[3] = {0};

    (void)state;
    assert_non_null(apphost_cache_get_start(cache, queue, apphost_str("k"), count_result, counts, &error));
    dispatch_until(queue, counts, 1);
    server_freeze(&server, true);
    for (int i = 0; i < 10; i++)
        apphost_cache_get_start(cache, queue, apphost_str("k"), count_result, counts, &error);
    dispatch_until(queue, counts, 11);
    assert_int_equal(counts[2], 10);
    server_freeze(&server, false);
    server_kill(&server, true);
    apphost_cache_get_start(cache, queue, apphost_str("k"), count_result, counts, &error);
    dispatch_until(queue, counts, 12);
    assert_int_equal(counts[2], 11);
    server_again(&server, NULL);
    for (int i = 13; counts[0] < 2 && i < 100; i++) {
        apphost_cache_get_start(cache, queue, apphost_str("k"), count_result, counts, &error);
        dispatch_until(queue, counts, i);
    }
    assert_int_equal(counts[0], 2);
    apphost_queue_free(queue);
    apphost_host_free(host);
}

static void freed_with_calls_under_way(void **state)
{
    const struct host_setup setup = {.cache = {.instance_name = "a:"}};
    struct apphost_host *host = open_host(&setup);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    int counts[3] = {0};

    (void)state;
    for (int i = 0; i < 100; i++)
        apphost_cache_get_start(apphost_host_cache(host, NULL, NULL), queue, apphost_str("k"), count_result,
                                counts, &error);
    apphost_queue_free(queue);
    apphost_host_free(host);
    assert_int_equal(counts[0] + counts[1] + counts[2], 0);
}

static void bad_calls_are_refused(void **state)
{
    const struct host_setup setup = {.cache = {.instance_name = "a:"}};
    struct apphost_host *host = open_host(&setup);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    const struct apphost_entry entry = {apphost_str("k"), apphost_str("v"), apphost_expire_in(-1)};
    struct apphost_error error = {0};

    (void)state;
    assert_null(apphost_cache_get_start(NULL, queue, apphost_str("k"), count_result, NULL, &error));
    assert_null(apphost_cache_get_start(cache, NULL, apphost_str("k"), count_result, NULL, &error));
    assert_null(apphost_cache_get_start(cache, queue, apphost_bytes(NULL, 0), count_result, NULL, &error));
    assert_null(apphost_cache_get_start(cache, queue, apphost_str("k"), NULL, NULL, &error));
    assert_null(apphost_cache_set_start(cache, queue, &entry, count_result, NULL, &error));
    assert_string_equal(error.parameter, "AbsoluteExpirationRelativeToNow");
    assert_int_equal(apphost_queue_pending(queue), 0);
    apphost_queue_free(queue);
    apphost_host_free(host);
}

/* ---- Spans ---- */

struct spans {
    char text[4096];
    pthread_mutex_t lock;
};

static void take_span(void *user, const struct apphost_span *span)
{
    struct spans *spans = user;
    size_t len;

    pthread_mutex_lock(&spans->lock);
    len = strlen(spans->text);
    len += (size_t)snprintf(spans->text + len, sizeof(spans->text) - len, "%s", span->name);
    for (size_t i = 0; i < span->attribute_count && len < sizeof(spans->text) - 100; i++) {
        const struct apphost_span_attribute *attribute = &span->attributes[i];

        if (strstr(attribute->key, "port"))
            continue;
        len += (size_t)snprintf(spans->text + len, sizeof(spans->text) - len, " %s=", attribute->key);
        len += attribute->text
                   ? (size_t)snprintf(spans->text + len, sizeof(spans->text) - len, "%s", attribute->text)
                   : (size_t)snprintf(spans->text + len, sizeof(spans->text) - len, "%d",
                                      (int)attribute->number);
    }
    snprintf(spans->text + len, sizeof(spans->text) - len, "%s\n", span->error ? " ERROR" : "");
    assert_true(span->end_unix_ns >= span->start_unix_ns);
    /* In the order in which they happened, within the span. */
    static const char *const events[] = {"Enqueued", "Sent", "ResponseReceived"};
    assert_int_equal(span->event_count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(span->events[i].name, events[i]);
        assert_true(span->events[i].unix_ns >= (i ? span->events[i - 1].unix_ns : span->start_unix_ns));
        assert_true(span->events[i].unix_ns <= span->end_unix_ns);
    }
    pthread_mutex_unlock(&spans->lock);
}

static void expect_spans(const char *convention, const char *expected)
{
    struct spans spans = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const struct host_setup setup = {
        .span = take_span, .user = &spans, .convention = convention, .cache = {.instance_name = "t:"}};
    struct apphost_host *host = open_host(&setup);
    struct apphost_value value;
    struct apphost_reply *reply = NULL;

    apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("missing"), &value, NULL);
    apphost_redis_execute(apphost_host_redis(host, NULL, NULL), &reply, NULL, "lpush", "t:list", "x", NULL);
    apphost_reply_free(reply);
    apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("list"), &value, NULL);
    apphost_host_free(host);
    assert_string_equal(spans.text, expected);
}

#define PEER " server.address=127.0.0.1 network.peer.address=127.0.0.1"
#define WRONG " error.type=WRONGTYPE db.response.status_code=WRONGTYPE ERROR"

static void spans_in_both_conventions(void **state)
{
    (void)state;
    expect_spans(NULL, "HMGET db.system=redis db.statement=HMGET db.redis.database_index=0" PEER "\n"
                       "LPUSH db.system=redis db.statement=LPUSH db.redis.database_index=0" PEER "\n"
                       "HMGET db.system=redis db.statement=HMGET db.redis.database_index=0" PEER WRONG "\n");
    expect_spans(
        "http, database",
        "HMGET db.system.name=redis db.operation.name=HMGET db.namespace=0 db.query.text=HMGET" PEER "\n"
        "LPUSH db.system.name=redis db.operation.name=LPUSH db.namespace=0 db.query.text=LPUSH" PEER "\n"
        "HMGET db.system.name=redis db.operation.name=HMGET db.namespace=0 db.query.text=HMGET" PEER WRONG
        "\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_a_story_on_a_loop), cmocka_unit_test(thousands_at_once),
        cmocka_unit_test(outages_and_deadlines),   cmocka_unit_test(freed_with_calls_under_way),
        cmocka_unit_test(bad_calls_are_refused),   cmocka_unit_test(spans_in_both_conventions),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
