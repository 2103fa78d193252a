/* room: client_redis */
/*
 * A cluster whose primaries go: by an order, which nobody may notice, and by kill -9, where only what was
 * under way may fail, and no reply is another's. Figures are printed, not judged. Reads may come from
 * replicas.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "crowd.h"
#include "farm.h"
#include "client_redis/slots.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct farm farm;

static int set_up(void **state)
{
    (void)state;
    farm_start(&farm, true);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    farm_stop(&farm);
    return 0;
}

static struct apphost_host *open_at(size_t node, const char *more, const struct apphost_cache_options *cache)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[160];

    snprintf(text, sizeof(text), "127.0.0.1:%d%s", farm.nodes[node].port, more);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, NULL), 0);
    return host;
}

static void await_role(size_t node, const char *role)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    bool is = false;

    while (!is && now_ms() < deadline) {
        char *info = server_ask(&farm.nodes[node], "INFO replication");

        is = strstr(info, role) && (strstr(info, "role:master") || strstr(info, "master_link_status:up"));
        free(info);
        poll(NULL, 0, is ? 0 : 10);
    }
    assert_true(is);
}

/* Nobody notices: what the old primary refuses goes to the new one. */
static void a_failover_by_order(void **state)
{
    static struct crowd crowd;

    (void)state;
    crowd_begin(&crowd, open_at(1, ",syncTimeout=30000", NULL));
    crowd_await_rounds(&crowd, 5);
    long long asked = farm_sum(&farm, "commandstats", "cmdstat_cluster|slots:calls=");
    int64_t since_ms = now_ms();
    free(server_ask(&farm.nodes[FARM_SHARDS], "CLUSTER FAILOVER"));
    await_role(FARM_SHARDS, "role:master");
    await_role(0, "role:slave");
    crowd_await_rounds(&crowd, 5);
    int64_t took_ms = now_ms() - since_ms;
    long long more = farm_sum(&farm, "commandstats", "cmdstat_cluster|slots:calls=") - asked;
    crowd_end(&crowd);
    crowd_print_figures(&crowd, "failover by order", since_ms);
    for (int i = 0; i < CROWD_THREADS; i++) {
        assert_int_equal(crowd.workers[i].failed, 0);
        assert_int_equal(crowd.workers[i].lost, 0);
    }
    /* One asks for all: at most every tenth of a second, however many notice. */
    print_message("the map was read %lld times in %lld ms\n", more, (long long)took_ms);
    assert_true(more >= 1 && more <= 2 + took_ms / 100);
}

/* Those of the shard that died go on with its replica; the others are not concerned at all. */
static void a_primary_that_dies(void **state)
{
    static struct crowd crowd;
    size_t shard = 2;

    (void)state;
    crowd_begin(&crowd, open_at(1, ",syncTimeout=30000", NULL));
    crowd_await_rounds(&crowd, 5);
    int64_t since_ms = now_ms();
    server_kill(&farm.nodes[shard], true);
    await_role(FARM_SHARDS + shard, "role:master");
    crowd_await_rounds(&crowd, 5);
    crowd_end(&crowd);
    crowd_print_figures(&crowd, "failover by kill -9", since_ms);
    for (int i = 0; i < CROWD_THREADS; i++) {
        struct worker *worker = &crowd.workers[i];

        /* A call has 30 s, the cluster needs some three: what is idempotent finds its way. */
        assert_int_equal(worker->failed, 0);
        if (farm_shard(slot_of_key(worker->name, strlen(worker->name))) != shard)
            assert_int_equal(worker->lost, 0);
    }
    server_again(&farm.nodes[shard], farm.starts[shard]);
    await_role(shard, "role:slave");
}

/* What has little time fails in time, and all is well when the replica has taken over. */
static void callers_in_a_hurry(void **state)
{
    static struct crowd crowd;
    size_t primary = FARM_SHARDS + 2;

    (void)state;
    crowd_begin(&crowd, open_at(1, ",syncTimeout=300", NULL));
    crowd_await_rounds(&crowd, 5);
    int64_t since_ms = now_ms();
    server_freeze(&farm.nodes[primary], true);
    await_role(2, "role:master");
    crowd_await_rounds(&crowd, 5);
    crowd_await_recovery(&crowd);
    crowd_end(&crowd);
    crowd_print_figures(&crowd, "frozen primary, 300 ms a call", since_ms);
    for (int i = 0; i < CROWD_THREADS; i++)
        assert_true(crowd.workers[i].first_failure_ms == 0 || crowd.workers[i].back_ms != 0);
    server_freeze(&farm.nodes[primary], false);
    await_role(primary, "role:slave");
}

static bool has_primary_read(void)
{
    bool has = false;

    for (size_t i = 0; i < farm.count; i++) {
        char *role = server_ask(&farm.nodes[i], "INFO replication"),
             *stats = server_ask(&farm.nodes[i], "INFO commandstats");

        has = has || (strstr(role, "role:master") && strstr(stats, "cmdstat_hmget"));
        free(role);
        free(stats);
    }
    return has;
}

/* Once by each kind of call. False while the values have not come to all replicas. */
static bool read_all(struct apphost_cache *cache, const struct apphost_bytes keys[3])
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_value values[3];
    struct outcome outcome = {0};
    int hits = 0;

    for (int i = 0; i < 3; i++) {
        struct apphost_value value;

        hits += apphost_cache_get(cache, keys[i], &value, NULL) == 1;
        apphost_value_free(&value);
        apphost_cache_get_start(cache, queue, keys[i], on_result, &outcome, NULL);
    }
    dispatch(queue, &outcome, 3);
    hits += outcome.hits + apphost_cache_get_many(cache, keys, 3, values, NULL);
    for (int i = 0; i < 3; i++)
        apphost_value_free(&values[i]);
    apphost_queue_free(queue);
    return hits == 9;
}

/* As soon as the map is there, and what was written. */
static void replicas_are_read(void **state)
{
    const struct apphost_cache_options options = {.read_from_replica = true};
    struct apphost_host *host = open_at(0, "", &options);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_bytes keys[3] = {apphost_str("a"), apphost_str("b"), apphost_str("c")};
    int64_t deadline = now_ms() + PATIENCE_MS;
    bool is_good = false;

    (void)state;
    for (int i = 0; i < 3; i++)
        set(cache, keys[i].data, "v", apphost_expire_never());
    while (!is_good && now_ms() < deadline) {
        for (size_t i = 0; i < farm.count; i++)
            free(server_ask(&farm.nodes[i], "CONFIG RESETSTAT"));
        is_good = read_all(cache, keys) && !has_primary_read();
    }
    assert_true(is_good);
    assert_int_equal(farm_sum(&farm, "commandstats", "cmdstat_hmget:calls="), 9);
    apphost_host_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replicas_are_read),
        cmocka_unit_test(a_failover_by_order),
        cmocka_unit_test(a_primary_that_dies),
        cmocka_unit_test(callers_in_a_hurry),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
