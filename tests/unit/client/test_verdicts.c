/* room: client_cache */
/*
 * What error replies mean: a server that is full, too poor, loading or read-only. Its own words reach the
 * caller; under fail-open it counts as away; what a replica cannot tell, the primary is asked for.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "puppet.h"

#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct apphost_host *open_at(const char *endpoints, const struct apphost_cache_options *cache)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};

    apphost_config_set(config, "ConnectionStrings:cache", endpoints, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, NULL), 0);
    return host;
}

/* ---- Full ---- */

/* The one client that there is room for. */
static redisContext *fill(const struct server *server)
{
    for (int i = 0; i < 2000; i++) {
        redisContext *context = redisConnect("127.0.0.1", server->port);
        redisReply *reply = redisCommand(context, "AUTH secret");
        bool is_in = reply && reply->type == REDIS_REPLY_STATUS;

        if (reply)
            freeReplyObject(reply);
        if (is_in)
            return context;
        redisFree(context);
        poll(NULL, 0, 5);
    }
    fail_msg("nobody is let in");
    return NULL;
}

static void a_full_server_says_so(void **state)
{
    struct server server;
    struct apphost_error error = {0};
    struct apphost_value value;
    char text[128];

    (void)state;
    server_start(&server, "--maxclients 1 --requirepass secret");
    redisContext *only = fill(&server);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=1500%s", server.port,
                 i ? "" : ",password=secret");
        struct apphost_host *host = open_at(text, NULL);
        assert_int_equal(
            apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
        assert_int_equal(error.code, APPHOST_E_CONNECT);
        assert_non_null(strstr(error.text, "max number of clients"));
        apphost_host_free(host);
    }
    redisFree(only);
    server_stop(&server);
}

/* ---- Absent under fail-open ---- */

static void a_useless_server_is_absent_under_fail_open(void **state)
{
    static const char *const words[] = {"OOM",      "LOADING",     "BUSY",     "MASTERDOWN", "MISCONF",
                                        "READONLY", "CLUSTERDOWN", "TRYAGAIN", "NOREPLICAS"};
    const struct apphost_cache_options open = {.fail_open = true};

    (void)state;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        struct puppet puppet;
        struct apphost_error error = {0};
        struct apphost_value value;
        char text[64], reply[64];
        const struct answer script[] = {{"HMSET", reply}, {"HMGET", reply}, {NULL, NULL}};

        snprintf(reply, sizeof(reply), "-%s because\r\n", words[i]);
        puppet_start(&puppet, script);
        snprintf(text, sizeof(text), "127.0.0.1:%d", puppet.port);
        struct apphost_host *hosts[] = {open_at(text, NULL), open_at(text, &open)};
        for (int is_open = 0; is_open < 2; is_open++) {
            struct apphost_cache *cache = apphost_host_cache(hosts[is_open], NULL, NULL);

            assert_int_equal(
                apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error),
                is_open - 1);
            assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), is_open - 1);
            assert_true(is_open || strcmp(error.parameter, words[i]) == 0);
            apphost_host_free(hosts[is_open]);
        }
        puppet_stop(&puppet);
    }
}

/* ---- The primary instead ---- */

#define ROLE(role) "*1\r\n$" role "\r\n"
#define HIT "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$1\r\nv\r\n"

static void get_both_ways(struct apphost_cache *cache)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};
    struct apphost_error error = {0};
    struct apphost_value value;

    ok(apphost_cache_get(cache, apphost_str("k"), &value, &error), &error);
    assert_string_equal(value.data, "v");
    apphost_value_free(&value);
    assert_non_null(apphost_cache_get_start(cache, queue, apphost_str("k"), on_result, &outcome, NULL));
    dispatch(queue, &outcome, 1);
    assert_int_equal(outcome.rc, 1);
    apphost_queue_free(queue);
}

static void what_a_replica_cannot_tell_the_primary_is_asked(void **state)
{
    static const char *const replies[] = {"-MASTERDOWN Link with MASTER is down\r\n", "-LOADING dataset\r\n"};
    static const struct answer primary_script[] = {
        {"ROLE", ROLE("6\r\nmaster")}, {"HMGET", HIT}, {NULL, NULL}};
    const struct apphost_cache_options options = {.read_from_replica = true};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const struct answer replica_script[] = {
            {"ROLE", ROLE("5\r\nslave")}, {"HMGET", replies[i]}, {NULL, NULL}};
        struct puppet primary, replica;
        char text[96];

        puppet_start(&primary, primary_script);
        puppet_start(&replica, replica_script);
        snprintf(text, sizeof(text), "127.0.0.1:%d,127.0.0.1:%d", primary.port, replica.port);
        struct apphost_host *host = open_at(text, &options);
        get_both_ways(apphost_host_cache(host, NULL, NULL));
        apphost_host_free(host);
        puppet_stop(&primary);
        puppet_stop(&replica);
    }
}

/* No replica at all: that is known after the first look, and costs nothing of the time for the primary. */
static void without_a_replica_the_primary_has_the_time(void **state)
{
    static const struct answer script[] = {{"ROLE", ROLE("6\r\nmaster")}, {"HMGET", HIT}, {NULL, NULL}};
    const struct apphost_cache_options options = {.read_from_replica = true};
    struct puppet primary;
    char text[96];

    (void)state;
    puppet_start(&primary, script);
    /* Half of this time would be more than anybody waits here. */
    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=1000000,asyncTimeout=1000000", primary.port);
    struct apphost_host *host = open_at(text, &options);
    get_both_ways(apphost_host_cache(host, NULL, NULL));
    apphost_host_free(host);
    puppet_stop(&primary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_server_says_so),
        cmocka_unit_test(a_useless_server_is_absent_under_fail_open),
        cmocka_unit_test(what_a_replica_cannot_tell_the_primary_is_asked),
        cmocka_unit_test(without_a_replica_the_primary_has_the_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
