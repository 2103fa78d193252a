/* room: client_redis */
/* Subscriptions: messages in order, on a thread or by dispatch, through the end of a server and their own. */
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listener {
    struct apphost_subscription *subscription;
    atomic_int ups, losts, messages;
    char heard[4096]; /* channel[/pattern]=data, one a line */
    bool closes;
};

static void on_message(void *user, const struct apphost_message *message)
{
    struct listener *listener = user;
    size_t len = strlen(listener->heard);

    snprintf(listener->heard + len, sizeof(listener->heard) - len, "%s%s%s=%s\n",
             (const char *)message->channel.data, message->pattern.data ? "/" : "",
             message->pattern.data ? (const char *)message->pattern.data : "",
             (const char *)message->data.data);
    if (listener->closes)
        apphost_subscription_close(listener->subscription);
    listener->messages++;
}

static void on_state(void *user, enum apphost_subscription_state state, const struct apphost_error *why)
{
    struct listener *listener = user;

    assert_true((state == APPHOST_SUBSCRIPTION_LOST) == (why != NULL));
    if (why)
        listener->losts++;
    else
        listener->ups++;
}

static void open_listener(struct listener *listener, struct apphost_redis *redis, bool is_polled)
{
    struct apphost_subscription_options options = {
        .message = on_message, .state = on_state, .user = listener, .is_polled = is_polled};
    struct apphost_error error = {0};

    *listener = (struct listener){.closes = false};
    listener->subscription = apphost_subscription_open(redis, &options, &error);
    if (!listener->subscription)
        fail_msg("%s", error.text);
}

static void await(struct listener *listener, atomic_int *number, int count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (*number < count && now_ms() < deadline) {
        struct pollfd ready = {.fd = apphost_subscription_fd(listener->subscription), .events = POLLIN};

        poll(&ready, 1, 2);
        apphost_subscription_dispatch(listener->subscription);
    }
    assert_true(*number >= count);
}

static void add(struct listener *listener, const char *name, bool is_pattern)
{
    struct apphost_error error = {0};

    ok(apphost_subscription_add(listener->subscription, apphost_str(name), is_pattern, &error), &error);
}

static void hear(bool is_polled)
{
    struct listener listener;

    open_listener(&listener, world.redis, is_polled);
    add(&listener, "news", false);
    add(&listener, "n*", true);
    add(&listener, "news", false);
    await(&listener, &listener.ups, 1);
    raw("PUBLISH", "news", "one", NULL);
    raw("PUBLISH", "nothing", "two", NULL);
    raw("PUBLISH", "other", "three", NULL);
    await(&listener, &listener.messages, 3);
    assert_string_equal(listener.heard, "news=one\nnews/n*=one\nnothing/n*=two\n");
    /* One more, one less. */
    int ups = listener.ups;
    assert_int_equal(apphost_subscription_remove(listener.subscription, apphost_str("n*"), true, NULL), 0);
    add(&listener, "other", false);
    await(&listener, &listener.ups, ups + 1);
    raw("PUBLISH", "nothing", "four", NULL);
    raw("PUBLISH", "other", "five", NULL);
    await(&listener, &listener.messages, 4);
    assert_non_null(strstr(listener.heard, "other=five\n"));
    assert_null(strstr(listener.heard, "four"));
    assert_int_equal(listener.losts, 0);
    apphost_subscription_close(listener.subscription);
}

static void messages_come(void **state)
{
    (void)state;
    hear(false);
}

static void they_are_dispatched(void **state)
{
    (void)state;
    hear(true);
}

static struct apphost_host *open_at(const char *connection)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_client(host, "cache", NULL, NULL), 0);
    return host;
}

static void through_the_end_of_a_server(const char *protocol)
{
    struct listener listener;
    struct server server;
    char text[256];

    server_start(&server, NULL);
    snprintf(text, sizeof(text), "%s%s", server.socket, protocol);
    struct apphost_host *host = open_at(text);
    open_listener(&listener, apphost_host_redis(host, NULL, NULL), false);
    add(&listener, "news", false);
    await(&listener, &listener.ups, 1);
    server_kill(&server, true);
    await(&listener, &listener.losts, 1);
    server_again(&server, NULL);
    await(&listener, &listener.ups, 2);
    free(server_ask(&server, "PUBLISH news again"));
    await(&listener, &listener.messages, 1);
    assert_string_equal(listener.heard, "news=again\n");
    assert_int_equal(listener.losts, 1);
    /* The client's end is its own. */
    apphost_redis_close(apphost_host_redis(host, NULL, NULL));
    await(&listener, &listener.losts, 2);
    assert_int_equal(apphost_subscription_add(listener.subscription, apphost_str("more"), false, NULL), -1);
    apphost_host_free(host);
    apphost_subscription_close(listener.subscription);
    server_stop(&server);
}

static void it_subscribes_again(void **state)
{
    (void)state;
    through_the_end_of_a_server("");
    through_the_end_of_a_server(",protocol=2");
}

/* Closing from a callback: it is the last, and everything is let go. */
static void it_is_closed_by_a_callback(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct listener listener;

        open_listener(&listener, world.redis, i == 1);
        add(&listener, "news", false);
        await(&listener, &listener.ups, 1);
        listener.closes = true;
        raw("PUBLISH", "news", "one", NULL);
        raw("PUBLISH", "news", "two", NULL);
        if (i == 1) {
            struct pollfd ready = {.fd = apphost_subscription_fd(listener.subscription), .events = POLLIN};

            assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
            apphost_subscription_dispatch(listener.subscription);
        }
        int64_t deadline = now_ms() + PATIENCE_MS;
        while (listener.messages == 0 && now_ms() < deadline)
            poll(NULL, 0, 2);
        /* Nobody listens any more: the server knows. */
        while (server_ask_number(&world.server, "PUBLISH news three") > 0 && now_ms() < deadline)
            poll(NULL, 0, 2);
        assert_int_equal(listener.messages, 1);
        assert_string_equal(listener.heard, "news=one\n");
    }
}

/* What is not dispatched is not read, beyond the bound; nothing is lost by it. */
static void a_slow_reader_is_waited_for(void **state)
{
    enum { COUNT = 2000 };
    static char data[1024];
    struct listener listener = {.closes = false};
    struct apphost_subscription_options options = {.message = on_message,
                                                   .state = on_state,
                                                   .user = &listener,
                                                   .is_polled = true,
                                                   .backlog_bytes = 10000};

    (void)state;
    memset(data, 'd', sizeof(data) - 1);
    listener.subscription = apphost_subscription_open(world.redis, &options, NULL);
    add(&listener, "news", false);
    await(&listener, &listener.ups, 1);
    for (int i = 0; i < COUNT; i++)
        raw("PUBLISH", "news", data, NULL);
    await(&listener, &listener.messages, COUNT);
    assert_int_equal(listener.losts, 0);
    apphost_subscription_close(listener.subscription);
}

enum { CHAIN = 5 };

struct chain {
    struct apphost_subscription *subscription;
    int messages;
    bool is_up;
};

static void await_readable(const struct chain *chain)
{
    struct pollfd ready = {.fd = apphost_subscription_fd(chain->subscription), .events = POLLIN};

    assert_int_equal(poll(&ready, 1, 60000), 1);
}

/* Each message has the next one come before it is done. */
static void publish_next(void *user, const struct apphost_message *message)
{
    struct chain *chain = user;

    (void)message;
    if (++chain->messages == CHAIN)
        return;
    raw("PUBLISH", "news", "next", NULL);
    await_readable(chain);
}

static void note_up(void *user, enum apphost_subscription_state state, const struct apphost_error *why)
{
    struct chain *chain = user;

    (void)why;
    chain->is_up = state == APPHOST_SUBSCRIPTION_UP;
}

static void dispatch_ends_though_more_comes(void **state)
{
    struct chain chain = {.messages = 0};
    const struct apphost_subscription_options options = {
        .message = publish_next, .state = note_up, .user = &chain, .is_polled = true};
    struct pollfd ready = {.events = POLLIN};

    (void)state;
    chain.subscription = apphost_subscription_open(world.redis, &options, NULL);
    assert_int_equal(apphost_subscription_add(chain.subscription, apphost_str("news"), false, NULL), 0);
    while (!chain.is_up) {
        await_readable(&chain);
        apphost_subscription_dispatch(chain.subscription);
    }
    raw("PUBLISH", "news", "first", NULL);
    for (int i = 1; i <= CHAIN; i++) {
        await_readable(&chain);
        assert_int_equal(apphost_subscription_dispatch(chain.subscription), 1);
        assert_int_equal(chain.messages, i);
    }
    /* Nothing waits any more, and the descriptor says so. */
    ready.fd = apphost_subscription_fd(chain.subscription);
    assert_int_equal(poll(&ready, 1, 0), 0);
    apphost_subscription_close(chain.subscription);
}

static void arguments_are_checked(void **state)
{
    const struct apphost_subscription_options none = {.message = NULL};
    struct apphost_error error = {0};

    (void)state;
    assert_null(apphost_subscription_open(NULL, &none, &error));
    assert_null(apphost_subscription_open(world.redis, &none, &error));
    assert_string_equal(error.parameter, "message");
    assert_int_equal(apphost_subscription_add(NULL, apphost_str("x"), false, &error), -1);
    assert_int_equal(apphost_subscription_fd(NULL), -1);
    assert_int_equal(apphost_subscription_dispatch(NULL), 0);
    apphost_subscription_close(NULL);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_come),
        cmocka_unit_test(they_are_dispatched),
        cmocka_unit_test(it_subscribes_again),
        cmocka_unit_test(it_is_closed_by_a_callback),
        cmocka_unit_test(a_slow_reader_is_waited_for),
        cmocka_unit_test(dispatch_ends_though_more_comes),
        cmocka_unit_test(arguments_are_checked),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
