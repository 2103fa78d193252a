/* room: client_conn */
/* A real failover: a primary, a replica, a sentinel. The primary is killed, and the cache goes on with the
 * other. */
#include "cachetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>

static void write_sentinel_config(const struct server *sentinel, const struct server *primary)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/sentinel.conf", sentinel->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "port %d\nbind 127.0.0.1\nunixsocket %s\ndir %s\nsentinel monitor mine 127.0.0.1 %d 1\n"
            "sentinel down-after-milliseconds mine 300\nsentinel failover-timeout mine 1000\n",
            sentinel->port, sentinel->socket + 1, sentinel->folder, primary->port);
    fclose(file);
}

static struct apphost_host *host_for(const struct server *sentinel)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_cache_options from_replica = {.read_from_replica = true};
    char text[256];

    snprintf(text, sizeof(text),
             "127.0.0.1:%d,serviceName=mine,syncTimeout=1000,connectTimeout=1000,protocol=3", sentinel->port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    apphost_config_set(config, "Aspire:StackExchange:Redis:ConfigurationOptions:DeadPeerTimeout", "2000",
                       NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(host, NULL, "replica", &from_replica, NULL), 0);
    return host;
}

/* Waits until the replica has what the primary was told and the sentinel knows both. */
static void await_replication(const struct server *sentinel, const struct server *replica)
{
    int64_t deadline = unix_ms() + 20000;
    bool is_known = false;

    while (!is_known && unix_ms() < deadline) {
        char *info = server_ask(replica, "INFO replication"),
             *masters = server_ask(sentinel, "INFO sentinel");

        is_known = strstr(info, "master_link_status:up") && strstr(masters, "slaves=1");
        free(info);
        free(masters);
        poll(NULL, 0, is_known ? 0 : 50);
    }
    assert_true(is_known);
}

/* Dead, or as good as: frozen, while calls go on, it takes their bytes and says nothing. */
static void lose_primary(bool is_frozen)
{
    struct server primary, replica, sentinel;
    struct apphost_error error = {0};
    char text[160];

    server_start(&primary, NULL);
    snprintf(text, sizeof(text), "--replicaof 127.0.0.1 %d --repl-diskless-sync-delay 0", primary.port);
    server_start(&replica, text);
    server_start(&sentinel, NULL);
    server_kill(&sentinel, true);
    write_sentinel_config(&sentinel, &primary);
    server_sentinel(&sentinel);
    await_replication(&sentinel, &replica);

    struct apphost_host *host = host_for(&sentinel);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    ok(apphost_cache_set(cache, apphost_str("k"), "v", 1, apphost_expire_never(), &error), &error);
    char *count = server_ask(&primary, "EXISTS k");
    assert_string_equal(count, "1");
    free(count);
    int64_t deadline = unix_ms() + 10000;
    while (server_ask_number(&replica, "EXISTS k") == 0 && unix_ms() < deadline)
        poll(NULL, 0, 10);
    expect(apphost_host_cache(host, "replica", NULL), "k", "v");

    if (is_frozen)
        server_freeze(&primary, true);
    else
        server_kill(&primary, true);
    deadline = unix_ms() + 60000;
    while (apphost_cache_set(cache, apphost_str("k"), "w", 1, apphost_expire_never(), &error) < 0)
        if (unix_ms() > deadline)
            fail_msg("%s", error.text);
    expect(cache, "k", "w");
    char *role = server_ask(&replica, "HGET k data");
    assert_string_equal(role, "w");
    free(role);
    apphost_host_free(host);
    server_stop(&sentinel);
    server_stop(&replica);
    server_stop(&primary);
}

static void survives_a_failover(void **state)
{
    (void)state;
    lose_primary(false);
}

static void a_frozen_primary_is_left(void **state)
{
    (void)state;
    lose_primary(true);
}

static void a_node_of_a_cluster(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    struct apphost_health_report report;
    struct apphost_error error = {0};
    struct apphost_value value;
    struct server node;
    char text[192];

    (void)state;
    /* Without a port of its own the bus takes the server's and 10000, which may be beyond the last. */
    snprintf(text, sizeof(text), "--cluster-enabled yes --cluster-port %d", free_port());
    server_start(&node, text);
    apphost_config_set(config, "ConnectionStrings:cache", node.socket, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    assert_int_equal(apphost_cache_get(cache, apphost_str("k"), &value, &error), -1);
    assert_string_equal(error.parameter, "CLUSTERDOWN");
    assert_int_equal(apphost_health_run(apphost_host_health(host), NULL, &report, NULL), 0);
    snprintf(text, sizeof(text), "INFO CLUSTER is not on OK state for endpoint %s", node.socket);
    assert_string_equal(report.entries[0].description, text);
    assert_int_equal(report.status, APPHOST_UNHEALTHY);
    apphost_health_report_free(&report);
    /* Half of the slots are here: a key of the other half is an error that says what is not done. */
    free(server_ask(&node, "CLUSTER ADDSLOTSRANGE 0 8191"));
    free(server_ask(&node, "CONFIG SET cluster-require-full-coverage no"));
    int64_t deadline = unix_ms() + 10000;
    while (apphost_cache_get(cache, apphost_str("bar"), &value, &error) < 0 && unix_ms() < deadline)
        poll(NULL, 0, 20);
    ok(apphost_cache_set(cache, apphost_str("bar"), "v", 1, apphost_expire_in(60000), &error), &error);
    expect(cache, "bar", "v");
    assert_int_equal(apphost_cache_set(cache, apphost_str("foo"), "v", 1, apphost_expire_in(60000), &error),
                     -1);
    apphost_host_free(host);
    server_stop(&node);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(survives_a_failover),
        cmocka_unit_test(a_frozen_primary_is_left),
        cmocka_unit_test(a_node_of_a_cluster),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
