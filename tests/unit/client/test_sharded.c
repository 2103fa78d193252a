/* room: client_redis */
/* Sharded channels: on one server, and in a cluster, where the subscription follows its slot. */
#include "asynctest.h"
#include "cachetest.h"
#include "farm.h"
#include "client_redis/slots.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct listener {
    atomic_int ups, losts, messages;
    char last[64];
};

static void on_message(void *user, const struct apphost_message *message)
{
    struct listener *listener = user;

    assert_null(message->pattern.data);
    snprintf(listener->last, sizeof(listener->last), "%s=%s", (const char *)message->channel.data,
             (const char *)message->data.data);
    listener->messages++;
}

static void on_state(void *user, enum apphost_subscription_state state, const struct apphost_error *why)
{
    struct listener *listener = user;

    (void)why;
    if (state == APPHOST_SUBSCRIPTION_UP)
        listener->ups++;
    else
        listener->losts++;
}

static void await(atomic_int *number, int count)
{
    int64_t deadline = now_ms() + PATIENCE_MS;

    while (*number < count && now_ms() < deadline)
        poll(NULL, 0, 2);
    assert_true(*number >= count);
}

static struct apphost_subscription *open_listener(struct listener *listener, struct apphost_redis *redis,
                                                  const char *channel)
{
    const struct apphost_subscription_options options = {.message = on_message,
                                                         .state = on_state,
                                                         .user = listener,
                                                         .is_sharded = true,
                                                         .key = apphost_str(channel)};
    struct apphost_error error = {0};

    memset(listener, 0, sizeof(*listener));
    struct apphost_subscription *subscription = apphost_subscription_open(redis, &options, &error);
    if (!subscription)
        fail_msg("%s", error.text);
    ok(apphost_subscription_add(subscription, apphost_str(channel), false, &error), &error);
    await(&listener->ups, 1);
    return subscription;
}

static struct apphost_host *open_at(int port)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[64];

    snprintf(text, sizeof(text), "127.0.0.1:%d", port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_client(host, "cache", NULL, NULL), 0);
    return host;
}

static void on_one_server(void **state)
{
    struct listener listener;
    struct apphost_error error;
    struct server server;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_at(server.port);
    struct apphost_subscription *subscription =
        open_listener(&listener, apphost_host_redis(host, NULL, NULL), "news");
    assert_int_equal(server_ask_number(&server, "SPUBLISH news one"), 1);
    await(&listener.messages, 1);
    assert_string_equal(listener.last, "news=one");
    assert_int_equal(apphost_subscription_add(subscription, apphost_str("n*"), true, &error), -1);
    assert_int_equal(apphost_subscription_remove(subscription, apphost_str("news"), false, &error), 0);
    for (int64_t deadline = now_ms() + PATIENCE_MS; server_ask_number(&server, "SPUBLISH news two") > 0;)
        assert_true(now_ms() < deadline);
    apphost_subscription_close(subscription);
    apphost_host_free(host);
    server_stop(&server);
}

static void it_follows_its_slot(void **state)
{
    static struct farm farm;
    struct listener listener;
    int slot = slot_of_key("news", 4);
    size_t from = farm_shard(slot), to = (from + 1) % FARM_SHARDS;

    (void)state;
    farm_start(&farm, false);
    /* By a node that has it not. */
    struct apphost_host *host = open_at(farm.nodes[to].port);
    struct apphost_subscription *subscription =
        open_listener(&listener, apphost_host_redis(host, NULL, NULL), "news");
    assert_int_equal(server_ask_number(&farm.nodes[from], "SPUBLISH news one"), 1);
    await(&listener.messages, 1);

    int ups = listener.ups;
    farm_move_begin(&farm, slot, from, to);
    farm_move_end(&farm, slot, from, to);
    await(&listener.losts, 1);
    await(&listener.ups, ups + 1);
    assert_int_equal(server_ask_number(&farm.nodes[to], "SPUBLISH news two"), 1);
    await(&listener.messages, 2);
    assert_string_equal(listener.last, "news=two");
    apphost_subscription_close(subscription);
    apphost_host_free(host);
    farm_stop(&farm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_one_server),
        cmocka_unit_test(it_follows_its_slot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
