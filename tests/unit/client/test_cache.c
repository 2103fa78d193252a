/* room: client_cache */
/*
 * The cache on real servers: what the tests of Microsoft.Extensions.Caching.StackExchangeRedis show. Expiry
 * is seen through times to live, not through waiting, wherever possible.
 */
#include "cachetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>

/* ---- Set and remove ---- */

static void missing_is_a_miss(void **state)
{
    (void)state;
    expect(world.cache, "nothing", NULL);
}

static void set_and_get(void **state)
{
    struct apphost_value value;

    (void)state;
    ok(apphost_cache_set(world.cache, apphost_str("k"), "\0", 1, apphost_expire_never(), NULL), NULL);
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("k"), &value, NULL), 1);
    assert_int_equal(value.len, 1);
    assert_memory_equal(value.data, "\0", 2);
    apphost_value_free(&value);
    expect_field("cachetest:k", "absexp", "-1");
    expect_field("cachetest:k", "sldexp", "-1");
    assert_int_equal(raw_number("PTTL", "cachetest:k"), -1);
}

static void keys_are_case_sensitive(void **state)
{
    (void)state;
    set(world.cache, "myKey", "1", apphost_expire_never());
    expect(world.cache, "Mykey", NULL);
    expect(world.cache, "myKey", "1");
}

static void set_overwrites_and_remove_removes(void **state)
{
    (void)state;
    set(world.cache, "k", "1", apphost_expire_never());
    set(world.cache, "k", "2", apphost_expire_never());
    expect(world.cache, "k", "2");
    assert_int_equal(apphost_cache_remove(world.cache, apphost_str("k"), NULL), 1);
    assert_int_equal(apphost_cache_remove(world.cache, apphost_str("k"), NULL), 0);
    expect(world.cache, "k", NULL);
}

static void empty_is_not_missing(void **state)
{
    struct apphost_value value;

    (void)state;
    ok(apphost_cache_set(world.cache, apphost_str("k"), "", 0, apphost_expire_never(), NULL), NULL);
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("k"), &value, NULL), 1);
    assert_non_null(value.data);
    assert_int_equal(value.len, 0);
    apphost_value_free(&value);
}

static void strings_are_utf8(void **state)
{
    static const char *const texts[] = {"", " ", "abc", "abc def ghi jkl mno pqr stu vwx yz!",
                                        "Grüße, мир, 世界"};

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        ok(apphost_cache_set_string(world.cache, "schlüssel", texts[i], apphost_expire_never(), NULL), NULL);
        expect(world.cache, "schlüssel", texts[i]);
        expect_field("cachetest:schlüssel", "data", texts[i]);
    }
}

static void round_trips_of_all_sizes(void **state)
{
    static const size_t sizes[] = {0, 1, 128, 1024, 16384, 16385, 1 << 20, 10 << 20};
    struct apphost_error error = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *data = malloc(sizes[i] + 1);
        struct apphost_value value;

        for (size_t k = 0; k < sizes[i]; k++)
            data[k] = (char)(k * 31 + i);
        ok(apphost_cache_set(world.cache, apphost_str("k"), data, sizes[i], apphost_expire_in(300000),
                             &error),
           &error);
        assert_int_equal(apphost_cache_get(world.cache, apphost_str("k"), &value, &error), 1);
        assert_int_equal(value.len, sizes[i]);
        assert_memory_equal(value.data, data, sizes[i]);
        apphost_value_free(&value);
        free(data);
    }
}

static void keys_of_any_bytes(void **state)
{
    char *large = malloc(1 << 20);
    struct apphost_value value;

    (void)state;
    memset(large, 'k', 1 << 20);
    const struct apphost_bytes keys[] = {{"", 0}, {"a\0b", 3}, {"\r\n*1", 4}, {large, 1 << 20}};
    for (size_t i = 0; i < 4; i++) {
        ok(apphost_cache_set(world.cache, keys[i], "v", 1, apphost_expire_never(), NULL), NULL);
        assert_int_equal(apphost_cache_get(world.cache, keys[i], &value, NULL), 1);
        apphost_value_free(&value);
        assert_int_equal(apphost_cache_remove(world.cache, keys[i], NULL), 1);
    }
    free(large);
}

/* ---- Expiration ---- */

static void relative_sets_whole_seconds(void **state)
{
    int64_t before = unix_ms();

    (void)state;
    set(world.cache, "k", "v", apphost_expire_in(1900));
    expect_ttl("cachetest:k", 1, 1000);
    char *ticks = raw_text("HGET", "cachetest:k", "absexp");
    int64_t end = (strtoll(ticks, NULL, 10) - INT64_C(621355968000000000)) / 10000;
    assert_true(end >= before + 1900 && end <= unix_ms() + 1900);
    free(ticks);
    set(world.cache, "k", "v", apphost_expire_in(1200000));
    expect_ttl("cachetest:k", 1199000, 1200000);
}

static void absolute_is_a_moment(void **state)
{
    char expected[32];
    int64_t end = unix_ms() + 60000;

    (void)state;
    set(world.cache, "k", "v", apphost_expire_at(end));
    snprintf(expected, sizeof(expected), "%lld", (long long)(INT64_C(621355968000000000) + end * 10000));
    expect_field("cachetest:k", "absexp", expected);
    expect_ttl("cachetest:k", 57000, 60000);
}

static void relative_wins_over_absolute(void **state)
{
    struct apphost_expiry both = apphost_expire_at(unix_ms() + 1000000);

    (void)state;
    both.flags |= APPHOST_RELATIVE;
    both.relative_ms = 10000;
    set(world.cache, "k", "v", both);
    expect_ttl("cachetest:k", 8000, 10000);
}

static void sliding_alone_and_bounded(void **state)
{
    struct apphost_expiry both = apphost_expire_in(10000);

    (void)state;
    set(world.cache, "k", "v", apphost_expire_sliding(1200000));
    expect_field("cachetest:k", "sldexp", "12000000000");
    expect_field("cachetest:k", "absexp", "-1");
    expect_ttl("cachetest:k", 1199000, 1200000);
    both.flags |= APPHOST_SLIDING;
    both.sliding_ms = 20000;
    set(world.cache, "k", "v", both);
    expect_ttl("cachetest:k", 8000, 10000);
    both.sliding_ms = 5000;
    set(world.cache, "k", "v", both);
    expect_ttl("cachetest:k", 3000, 5000);
}

static void sub_second_is_gone_at_once(void **state)
{
    static struct apphost_cache *caches[2];

    (void)state;
    caches[0] = world.cache;
    caches[1] = world.strict;
    for (int i = 0; i < 2; i++) {
        set(caches[i], "k", "v", apphost_expire_in(250));
        expect(caches[i], "k", NULL);
        set(caches[i], "k", "v", apphost_expire_sliding(250));
        expect(caches[i], "k", NULL);
        set(caches[i], "k", "v", apphost_expire_at(unix_ms() + 250));
        expect(caches[i], "k", NULL);
    }
}

/* The clock is the server's: instead of waiting, its time to live is set low and a get must bring it back up.
 */
static void sliding_is_renewed_by_access(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_sliding(60500));
    expect_ttl("cachetest:k", 58000, 60000);
    raw("PEXPIRE", "cachetest:k", "2000", NULL);
    expect(world.cache, "k", "v");
    expect_ttl("cachetest:k", 59000, 60500);
    raw("PEXPIRE", "cachetest:k", "2000", NULL);
    assert_int_equal(apphost_cache_refresh(world.cache, apphost_str("k"), NULL), 1);
    expect_ttl("cachetest:k", 59000, 60500);
    raw("PEXPIRE", "cachetest:k", "2000", NULL);
    expect(world.strict, "k", "v");
    expect_ttl("cachetest:k", 59000, 60500);
}

static void sliding_never_passes_the_absolute_end(void **state)
{
    struct apphost_expiry both = apphost_expire_in(30000);

    (void)state;
    both.flags |= APPHOST_SLIDING;
    both.sliding_ms = 20000;
    set(world.cache, "k", "v", both);
    raw("PEXPIRE", "cachetest:k", "2000", NULL);
    expect(world.cache, "k", "v");
    expect_ttl("cachetest:k", 18000, 20000);
    /* An entry whose absolute end has passed: the get that finds it still returns it, and deletes it. */
    raw("HSET", "cachetest:k", "absexp", "630000000000000000", NULL);
    expect(world.cache, "k", "v");
    expect(world.cache, "k", NULL);
}

static void without_sliding_access_changes_nothing(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_in(60000));
    raw("PEXPIRE", "cachetest:k", "5000", NULL);
    expect(world.cache, "k", "v");
    assert_int_equal(apphost_cache_refresh(world.cache, apphost_str("k"), NULL), 1);
    expect_ttl("cachetest:k", 1000, 5000);
    assert_int_equal(apphost_cache_refresh(world.cache, apphost_str("none"), NULL), 0);
}

static void really_expires(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_in(1000));
    expect(world.cache, "k", "v");
    int64_t deadline = unix_ms() + 3000;
    while (raw_number("EXISTS", "cachetest:k") && unix_ms() < deadline)
        poll(NULL, 0, 20);
    expect(world.cache, "k", NULL);
}

static void overwriting_leaves_no_expiry_behind(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_in(100000));
    set(world.cache, "k", "v", apphost_expire_never());
    assert_int_equal(raw_number("PTTL", "cachetest:k"), -1);
    set(world.strict, "k", "v", apphost_expire_in(100000));
    set(world.strict, "k", "v", apphost_expire_never());
    expect_ttl("cachetest:k", 99000, 100000); /* as .NET does: strict is strict */
}

static void longest_expirations(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_sliding(INT64_C(922337203685477)));
    assert_true(raw_number("PTTL", "cachetest:k") > INT64_C(900000000000000));
    set(world.cache, "k", "v", apphost_expire_at(INT64_C(253402300799999)));
    expect(world.cache, "k", "v");
}

struct bad_expiry {
    struct apphost_expiry expiry;
    const char *parameter, *text;
};

static void bad_expirations_are_refused(void **state)
{
    const struct bad_expiry rows[] = {
        {apphost_expire_at(unix_ms() - 60000), "AbsoluteExpiration",
         "The absolute expiration value must be in the future."},
        {apphost_expire_in(0), "AbsoluteExpirationRelativeToNow",
         "The relative expiration value must be positive."},
        {apphost_expire_in(-60000), "AbsoluteExpirationRelativeToNow",
         "The relative expiration value must be positive."},
        {apphost_expire_in(INT64_MAX), "AbsoluteExpirationRelativeToNow",
         "The relative expiration value is out of range."},
        {apphost_expire_in(INT64_MIN), "AbsoluteExpirationRelativeToNow",
         "The relative expiration value must be positive."},
        {apphost_expire_sliding(0), "SlidingExpiration", "The sliding expiration value must be positive."},
        {apphost_expire_sliding(-1), "SlidingExpiration", "The sliding expiration value must be positive."},
        {apphost_expire_sliding(INT64_MAX), "SlidingExpiration",
         "The sliding expiration value is out of range."},
        {apphost_expire_at(INT64_MAX), "AbsoluteExpiration",
         "The absolute expiration value is out of range."},
        {{.flags = 64}, "expiry", "expiry: has flags that nobody knows"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct apphost_error error = {0};

        assert_int_equal(apphost_cache_set(world.cache, apphost_str("k"), "v", 1, rows[i].expiry, &error),
                         -1);
        assert_int_equal(error.code, APPHOST_E_ARGUMENT);
        assert_string_equal(error.parameter, rows[i].parameter);
        assert_string_equal(error.text, rows[i].text);
    }
    expect(world.cache, "k", NULL);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(missing_is_a_miss),
        cmocka_unit_test(set_and_get),
        cmocka_unit_test(keys_are_case_sensitive),
        cmocka_unit_test(set_overwrites_and_remove_removes),
        cmocka_unit_test(empty_is_not_missing),
        cmocka_unit_test(strings_are_utf8),
        cmocka_unit_test(round_trips_of_all_sizes),
        cmocka_unit_test(keys_of_any_bytes),
        cmocka_unit_test(relative_sets_whole_seconds),
        cmocka_unit_test(absolute_is_a_moment),
        cmocka_unit_test(relative_wins_over_absolute),
        cmocka_unit_test(sliding_alone_and_bounded),
        cmocka_unit_test(sub_second_is_gone_at_once),
        cmocka_unit_test(sliding_is_renewed_by_access),
        cmocka_unit_test(sliding_never_passes_the_absolute_end),
        cmocka_unit_test(without_sliding_access_changes_nothing),
        cmocka_unit_test(really_expires),
        cmocka_unit_test(overwriting_leaves_no_expiry_behind),
        cmocka_unit_test(longest_expirations),
        cmocka_unit_test(bad_expirations_are_refused),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
