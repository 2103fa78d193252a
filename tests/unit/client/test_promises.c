/* room: client_options */
/* Options that change what goes over the wire: proxy and highIntegrity; and the word about those that change
 * nothing. */
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char logged[4096];

static void take_log(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    size_t len = strlen(logged);

    (void)user;
    (void)level;
    (void)category;
    if (strstr(text, "no effect"))
        snprintf(logged + len, sizeof(logged) - len, "%s\n", text);
}

static struct apphost_host *open_host(int port, const char *more)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .log = take_log};
    const struct apphost_cache_options cache = {.instance_name = "p:"};
    char text[256];

    logged[0] = '\0';
    snprintf(text, sizeof(text), "127.0.0.1:%d%s", port, more);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, &cache, NULL), 0);
    return host;
}

/* ---- proxy ---- */

static void a_proxy_hears_only_what_it_knows(void **state)
{
    static const struct answer script[] = {
        {"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"}, {"PERSIST", ":0\r\n"}, {NULL, NULL}};
    struct puppet puppet;
    struct apphost_error error = {0};
    struct apphost_value value;
    struct apphost_reply *reply = NULL;
    int64_t sum;
    char all[4096];

    (void)state;
    puppet_start(&puppet, script);
    struct apphost_host *host = open_host(puppet.port, ",proxy=Twemproxy,name=me,defaultDatabase=3");
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    if (apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), 0);
    pthread_mutex_lock(&puppet.lock);
    snprintf(all, sizeof(all), "%.*s", (int)sizeof(all) - 1, puppet.heard);
    pthread_mutex_unlock(&puppet.lock);
    assert_string_equal(all, "PING\nHMSET p:k absexp -1 sldexp -1 data v\nPERSIST p:k\n"
                             "HMGET p:k absexp sldexp data\n");
    /* What needs more says so, and sends nothing. */
    assert_int_equal(
        apphost_cache_increment(cache, apphost_str("n"), 1, apphost_expire_never(), &sum, &error), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    assert_non_null(strstr(error.text, "MULTI"));
    assert_int_equal(apphost_redis_execute(redis, &reply, &error, "rename", "a", "b", NULL), -1);
    assert_non_null(strstr(error.text, "disables rename"));
    assert_int_equal(apphost_redis_execute(redis, &reply, &error, "SORT", "l", NULL), 0);
    apphost_reply_free(reply);
    apphost_host_free(host);
    puppet_stop(&puppet);
}

/* ---- highIntegrity ---- */

static void count_good(void *user, const struct apphost_result *result)
{
    *(int *)user += result->rc >= 0;
}

static void every_batch_ends_with_an_echo(void **state)
{
    struct apphost_error error = {0};
    struct server server;
    struct apphost_value values[3];
    const struct apphost_bytes keys[] = {apphost_str("k"), apphost_str("none"), apphost_str("k")};
    int64_t sum;
    int good = 0;

    (void)state;
    server_start(&server, NULL);
    struct apphost_host *host = open_host(server.port, ",highIntegrity=true,$ECHO=echo");
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    if (apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_in(60000), &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(apphost_cache_get_many(cache, keys, 3, values, &error), 2);
    apphost_value_free(&values[0]);
    apphost_value_free(&values[2]);
    assert_int_equal(
        apphost_cache_increment(cache, apphost_str("n"), 2, apphost_expire_never(), &sum, &error), 0);
    assert_int_equal(sum, 2);
    assert_non_null(apphost_cache_get_start(cache, queue, apphost_str("k"), count_good, &good, &error));
    for (int i = 0; i < 6000 && good == 0; i++) {
        poll(NULL, 0, 10);
        apphost_queue_dispatch(queue);
    }
    assert_int_equal(good, 1);
    char *stats = server_ask(&server, "INFO commandstats");
    assert_non_null(strstr(stats, "cmdstat_echo:calls=4,"));
    free(stats);
    apphost_queue_free(queue);
    apphost_host_free(host);
    server_stop(&server);
}

static void a_mixed_up_stream_is_noticed(void **state)
{
    static const struct answer script[] = {{"HMGET", "*3\r\n$-1\r\n$-1\r\n$-1\r\n"}, {NULL, NULL}};
    struct puppet puppet; /* says OK to the ECHO */
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    puppet_start(&puppet, script);
    struct apphost_host *host = open_host(puppet.port, ",highIntegrity=true");
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_PROTOCOL);
    assert_non_null(strstr(error.text, "a reply to another command"));
    apphost_host_free(host);
    host = open_host(puppet.port, ",highIntegrity=true,$ECHO=");
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    apphost_host_free(host);
    puppet_stop(&puppet);
}

/* ---- The others ---- */

static void what_has_no_effect_is_logged(void **state)
{
    static const struct answer script[] = {{NULL, NULL}};
    struct puppet puppet;
    struct apphost_error error = {0};

    (void)state;
    puppet_start(&puppet, script);
    struct apphost_host *host =
        open_host(puppet.port, ",tiebreaker=t,configChannel=,resolveDns=true,highIntegrity=false");
    assert_int_equal(apphost_redis_ping(apphost_host_redis(host, NULL, NULL), NULL, &error), 0);
    apphost_host_free(host);
    puppet_stop(&puppet);
    assert_string_equal(logged, "The option tiebreaker of 'cache' is known and has no effect here\n"
                                "The option resolveDns of 'cache' is known and has no effect here\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proxy_hears_only_what_it_knows),
        cmocka_unit_test(every_batch_ends_with_an_echo),
        cmocka_unit_test(a_mixed_up_stream_is_noticed),
        cmocka_unit_test(what_has_no_effect_is_logged),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
