/* room: client */
/* What the configuration says to a cache: its sections, its types, and what wins. */
#include "client/cache_settings.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define SECTION "Aspire:StackExchange:Redis"

static struct apphost_config *make_config(const char *const pairs[])
{
    struct apphost_config *config = apphost_config_new();

    for (int i = 0; pairs[i]; i += 2)
        assert_int_equal(apphost_config_set(config, pairs[i], pairs[i + 1], NULL), 0);
    return config;
}

static void spans_as_dotnet_reads_them(void **state)
{
    static const struct {
        const char *text;
        int64_t ms; /* -1: none */
    } rows[] = {
        {"00:00:30", 30000},
        {"0:0:1.5", 1500},
        {"00:00:00.0010000", 1},
        {"01:30", 5400000},
        {"2", 172800000},
        {"1.00:00:00", 86400000},
        {"23:59:59", 86399000},
        {"00:00:00.1234567", 123},
        {"24:00:00", -1},
        {"00:60:00", -1},
        {"00:00:60", -1},
        {"30s", -1},
        {"", -1},
        {"-00:00:01", -1},
        {"00:00:01.", -1},
        {"00:00:01.12345678", -1},
        {"1:", -1},
        {"1.5", -1},
        {"00:00:01 ", -1},
        {"999999999", -1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ms = -1;
        int rc = span_parse(rows[i].text, &ms);

        if (rc != (rows[i].ms < 0 ? -1 : 0) || (rc == 0 && ms != rows[i].ms))
            fail_msg("%s: %d, %lld", rows[i].text, rc, (long long)ms);
    }
}

static void the_nearest_section_wins_and_code_over_all(void **state)
{
    const char *const pairs[] = {SECTION ":FailOpen",
                                 "true",
                                 SECTION ":BreakerFailures",
                                 "3",
                                 SECTION ":cache:BreakerFailures",
                                 "5",
                                 SECTION ":keyed:BreakerPause",
                                 "00:00:02",
                                 SECTION ":LocalCacheBytes",
                                 "5000000000",
                                 SECTION ":Timeout",
                                 "00:00:01",
                                 SECTION ":keyed:CompressAbove",
                                 "1000",
                                 SECTION ":DefaultEntryOptions:Expiration",
                                 "00:10:00",
                                 SECTION ":cache:DefaultEntryOptions:Duration",
                                 "00:20:00",
                                 SECTION ":DefaultEntryOptions:LocalCacheExpiration",
                                 "00:00:09",
                                 SECTION ":DefaultEntryOptions:FailSafeMaxDuration",
                                 "30.00:00:00",
                                 SECTION ":DefaultEntryOptions:FailSafeThrottleDuration",
                                 "00:00:05",
                                 SECTION ":DefaultEntryOptions:FactorySoftTimeout",
                                 "00:00:00.100",
                                 SECTION ":DefaultEntryOptions:FactoryHardTimeout",
                                 "00:00:02",
                                 SECTION ":DefaultEntryOptions:JitterMaxDuration",
                                 "00:00:03",
                                 SECTION ":keyed:DefaultEntryOptions:EagerRefreshThreshold",
                                 "0.9",
                                 NULL};
    const char *const names[2] = {"cache", "keyed"};
    struct apphost_config *config = make_config(pairs);
    struct cache_told told = {.options.timeout_ms = 70};
    struct apphost_error error;

    (void)state;
    assert_int_equal(cache_settings_fill(&told, config, names, &error), 0);
    const struct apphost_cache_options options = told.options;
    assert_int_equal(options.level_one_ms, 9000);
    assert_int_equal(told.hybrid.expire_ms, 1200000);
    assert_int_equal(told.hybrid.stale_ms, INT64_C(2592000000));
    assert_int_equal(told.hybrid.throttle_ms, 5000);
    assert_int_equal(told.hybrid.soft_ms, 100);
    assert_int_equal(told.hybrid.hard_ms, 2000);
    assert_int_equal(told.hybrid.jitter_ms, 3000);
    assert_int_equal(told.hybrid.eager_percent, 90);
    assert_true(options.fail_open);
    assert_false(options.strict_wire);
    assert_int_equal(options.breaker_failures, 5);
    assert_int_equal(options.breaker_pause_ms, 2000);
    assert_int_equal(options.level_one_bytes, 5000000000);
    assert_int_equal(options.timeout_ms, 70);
    assert_int_equal(options.compress_above, 1000);
    apphost_config_free(config);
}

static void what_does_not_convert_is_said(void **state)
{
    static const char *const rows[][3] = {
        {SECTION ":FailOpen", "yes", "System.Boolean"},
        {SECTION ":BreakerFailures", "-1", "System.Int32"},
        {SECTION ":BreakerFailures", "3000000000", "System.Int32"},
        {SECTION ":LocalCacheBytes", "1MB", "System.Int64"},
        {SECTION ":BreakerPause", "30s", "System.TimeSpan"},
        {SECTION ":DefaultEntryOptions:FactorySoftTimeout", "100", "System.TimeSpan"},
        {SECTION ":DefaultEntryOptions:Expiration", "-00:00:01", "System.TimeSpan"},
        {SECTION ":DefaultEntryOptions:EagerRefreshThreshold", "1", "System.Single"},
        {SECTION ":DefaultEntryOptions:EagerRefreshThreshold", "0.0", "System.Single"},
        {SECTION ":DefaultEntryOptions:EagerRefreshThreshold", "0.9x", "System.Single"},
    };
    const char *const names[2] = {"cache", NULL};

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *const pairs[] = {rows[i][0], rows[i][1], NULL};
        struct apphost_config *config = make_config(pairs);
        struct cache_told told = {0};
        struct apphost_error error;

        assert_int_equal(cache_settings_fill(&told, config, names, &error), -1);
        assert_int_equal(error.code, APPHOST_E_CONFIG);
        assert_memory_equal(error.parameter, rows[i][0], strlen(error.parameter));
        assert_non_null(strstr(error.text, rows[i][2]));
        apphost_config_free(config);
    }
}

/* Nobody listens there. */
static void a_cache_does_as_it_is_told(void **state)
{
    const char *const open[] = {"ConnectionStrings:cache", "127.0.0.1:1,connectTimeout=100,syncTimeout=100",
                                SECTION ":cache:FailOpen", "True", NULL};
    const char *const bad[] = {"ConnectionStrings:cache", "127.0.0.1:1", SECTION ":FailOpen", "perhaps",
                               NULL};
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    struct apphost_config *config = make_config(open);
    const struct apphost_host_options options = {.config = config};
    struct apphost_host *host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, &error), 0);
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), 0);
    apphost_host_free(host);
    apphost_config_free(config);

    config = make_config(bad);
    const struct apphost_host_options again = {.config = config};
    host = apphost_host_new(&again, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, &error), 0);
    assert_int_equal(
        apphost_cache_get(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_CONFIG);
    assert_string_equal(error.parameter, SECTION ":FailOpen");
    apphost_host_free(host);
    apphost_config_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_as_dotnet_reads_them),
        cmocka_unit_test(the_nearest_section_wins_and_code_over_all),
        cmocka_unit_test(what_does_not_convert_is_said),
        cmocka_unit_test(a_cache_does_as_it_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
