/*
 * The cache on real servers: what the tests of Microsoft.Extensions.Caching.StackExchangeRedis show, and what
 * they do not.
 *
 * The group runs on redis-server of this machine, and again on the servers that APPHOST_TEST_REDIS8 and
 * APPHOST_TEST_VALKEY (host:port) name; it says how many were left out. Expiry is seen through TTLs, not
 * through waiting, wherever possible.
 */
#include "server.h"

#include <apphost/apphost.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <poll.h>

struct world {
    struct server server;
    char endpoint[160]; /* of the server under test */
    struct apphost_host *host;
    struct apphost_cache *cache; /* instance name "cachetest:" */
    struct apphost_cache *strict;
    struct apphost_redis *redis; /* raw, for looking */
};

static struct world world;
static const char *target; /* host:port of a server that is not ours, or NULL */

static int64_t unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void use_endpoint(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_add_endpoint(options, world.endpoint, NULL), 0);
    assert_int_equal(apphost_options_set(options, "allowAdmin", "true", NULL), 0);
}

static int set_up(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_client_options client = {.options = use_endpoint};
    const struct apphost_cache_options usual = {.instance_name = "cachetest:"};
    const struct apphost_cache_options strict = {.instance_name = "cachetest:", .strict_wire = true};

    (void)state;
    if (!target)
        server_start(&world.server, NULL);
    snprintf(world.endpoint, sizeof(world.endpoint), "%s", target ? target : world.server.socket);
    world.host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(world.host, "cache", &client, &usual, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(world.host, NULL, "strict", &strict, NULL), 0);
    world.cache = apphost_host_cache(world.host, NULL, NULL);
    world.strict = apphost_host_cache(world.host, "strict", NULL);
    world.redis = apphost_host_redis(world.host, NULL, NULL);
    apphost_config_free(config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    apphost_host_free(world.host);
    if (!target)
        server_stop(&world.server);
    return 0;
}

static int flush(void **state)
{
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    if (apphost_redis_execute(world.redis, &reply, &error, "FLUSHALL", NULL) < 0)
        fail_msg("%s", error.text);
    apphost_reply_free(reply);
    return 0;
}

/* ---- Helpers
 * ---------------------------------------------------------------------------------------------------- */

static void ok(int rc, const struct apphost_error *error)
{
    if (rc < 0)
        fail_msg("%s", error->text);
}

static void set(struct apphost_cache *cache, const char *key, const char *data, struct apphost_expiry expiry)
{
    struct apphost_error error = {0};

    ok(apphost_cache_set(cache, apphost_str(key), data, strlen(data), expiry, &error), &error);
}

static void expect(struct apphost_cache *cache, const char *key, const char *data)
{
    struct apphost_error error = {0};
    char *text = NULL;
    int rc = apphost_cache_get_string(cache, key, &text, &error);

    ok(rc, &error);
    assert_int_equal(rc, data != NULL);
    if (data)
        assert_string_equal(text, data);
    else
        assert_null(text);
    free(text);
}

static char *raw_text(const char *command, const char *key, const char *field)
{
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};
    char number[32];

    ok(apphost_redis_execute(world.redis, &reply, &error, command, key, field, NULL), &error);
    snprintf(number, sizeof(number), "%lld", (long long)apphost_reply_integer(reply));
    const char *text = apphost_reply_string(reply, NULL);
    char *copy = strdup(text ? text : apphost_reply_type(reply) == APPHOST_REPLY_NIL ? "nil" : number);
    apphost_reply_free(reply);
    return copy;
}

static long long raw_number(const char *command, const char *key)
{
    char *text = raw_text(command, key, NULL);
    long long number = atoll(text);

    free(text);
    return number;
}

static void expect_field(const char *key, const char *field, const char *value)
{
    char *text = raw_text("HGET", key, field);

    assert_string_equal(text, value);
    free(text);
}

static void raw(const char *a, const char *b, const char *c, const char *d, const char *e, const char *f)
{
    const char *const words[] = {a, b, c, d, e, f};
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};
    size_t argc = 0;

    while (argc < 6 && words[argc])
        argc++;
    ok(apphost_redis_command(world.redis, argc, words, NULL, &reply, &error), &error);
    apphost_reply_free(reply);
}

static void expect_ttl(const char *key, long long least, long long most)
{
    long long ttl = raw_number("PTTL", key);

    if (ttl < least || ttl > most)
        fail_msg("PTTL of %s is %lld, not within %lld and %lld", key, ttl, least, most);
}

/* ---- Set and remove
 * ---------------------------------------------------------------------------------------------- */

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

/* ---- Expiration
 * -------------------------------------------------------------------------------------------------- */

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
    raw("PEXPIRE", "cachetest:k", "2000", NULL, NULL, NULL);
    expect(world.cache, "k", "v");
    expect_ttl("cachetest:k", 59000, 60500);
    raw("PEXPIRE", "cachetest:k", "2000", NULL, NULL, NULL);
    assert_int_equal(apphost_cache_refresh(world.cache, apphost_str("k"), NULL), 1);
    expect_ttl("cachetest:k", 59000, 60500);
    raw("PEXPIRE", "cachetest:k", "2000", NULL, NULL, NULL);
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
    raw("PEXPIRE", "cachetest:k", "2000", NULL, NULL, NULL);
    expect(world.cache, "k", "v");
    expect_ttl("cachetest:k", 18000, 20000);
    /* An entry whose absolute end has passed: the get that finds it still returns it, and deletes it. */
    raw("HSET", "cachetest:k", "absexp", "630000000000000000", NULL, NULL);
    expect(world.cache, "k", "v");
    expect(world.cache, "k", NULL);
}

static void without_sliding_access_changes_nothing(void **state)
{
    (void)state;
    set(world.cache, "k", "v", apphost_expire_in(60000));
    raw("PEXPIRE", "cachetest:k", "5000", NULL, NULL, NULL);
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

/* ---- Shared with .NET
 * -------------------------------------------------------------------------------------------- */

static void reads_what_dotnet_writes(void **state)
{
    (void)state;
    /* .NET 9: HMSET key absexp A sldexp S data D, EXPIRE. */
    raw("HMSET", "cachetest:net9", "absexp", "-1", "sldexp", "12000000000");
    raw("HSET", "cachetest:net9", "data", "nine", NULL, NULL);
    raw("EXPIRE", "cachetest:net9", "10", NULL, NULL, NULL);
    expect(world.cache, "net9", "nine");
    expect_ttl("cachetest:net9", 1100000, 1200000);
    /* .NET 8: the Lua text, called as it calls it. */
    const char *const lua[] = {
        "EVAL",
        "redis.call('HSET', KEYS[1], 'absexp', ARGV[1], 'sldexp', ARGV[2], 'data', ARGV[4]) "
        "if ARGV[3] ~= '-1' then redis.call('EXPIRE', KEYS[1], ARGV[3]) end return 1",
        "1",
        "cachetest:net8",
        "-1",
        "-1",
        "-1",
        "eight",
    };
    struct apphost_reply *reply = NULL;
    ok(apphost_redis_command(world.redis, 8, lua, NULL, &reply, NULL), NULL);
    apphost_reply_free(reply);
    expect(world.cache, "net8", "eight");
    assert_int_equal(raw_number("PTTL", "cachetest:net8"), -1);
    /* A hash with nothing but data. */
    raw("HSET", "cachetest:foreign", "data", "only", NULL, NULL);
    expect(world.cache, "foreign", "only");
    raw("HSET", "cachetest:nodata", "sldexp", "600000000", NULL, NULL);
    expect(world.cache, "nodata", NULL);
    expect_ttl("cachetest:nodata", 1, 60000);
}

static void broken_entries_are_errors(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    raw("SET", "cachetest:text", "x", NULL, NULL, NULL);
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("text"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_string_equal(error.parameter, "WRONGTYPE");
    assert_int_equal(
        apphost_cache_set(world.cache, apphost_str("text"), "v", 1, apphost_expire_in(5000), &error), -1);
    assert_string_equal(error.parameter, "WRONGTYPE");
    raw("HSET", "cachetest:bad", "absexp", "soon", "data", "x");
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("bad"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_PROTOCOL);
}

static void bad_arguments_are_errors(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    const struct apphost_bytes null = {NULL, 0}, huge = {"k", ((size_t)512 << 20) + 1};

    (void)state;
    assert_int_equal(apphost_cache_get(NULL, apphost_str("k"), &value, &error), -1);
    assert_string_equal(error.parameter, "cache");
    assert_int_equal(apphost_cache_get(world.cache, null, &value, &error), -1);
    assert_string_equal(error.parameter, "key");
    assert_int_equal(apphost_cache_get(world.cache, huge, &value, &error), -1);
    assert_string_equal(error.parameter, "key");
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("k"), NULL, &error), -1);
    assert_int_equal(
        apphost_cache_set(world.cache, apphost_str("k"), NULL, 0, apphost_expire_never(), &error), -1);
    assert_string_equal(error.parameter, "value");
    assert_int_equal(apphost_cache_set(world.cache, apphost_str("k"), "v", ((size_t)512 << 20) + 1,
                                       apphost_expire_never(), &error),
                     -1);
    assert_string_equal(error.parameter, "value");
    assert_int_equal(apphost_cache_set_string(world.cache, "k", NULL, apphost_expire_never(), &error), -1);
    assert_int_equal(apphost_cache_get_string(world.cache, NULL, NULL, &error), -1);
    assert_int_equal(apphost_cache_refresh(world.cache, null, NULL), -1);
    assert_int_equal(apphost_cache_remove(NULL, apphost_str("k"), NULL), -1);
}

/* ---- More than .NET
 * ---------------------------------------------------------------------------------------------- */

static void many_in_one_round_trip(void **state)
{
    enum { COUNT = 100 };
    struct apphost_entry entries[COUNT];
    struct apphost_bytes keys[COUNT + 1];
    struct apphost_value values[COUNT + 1];
    struct apphost_error error = {0};
    char names[COUNT][16];

    (void)state;
    for (int i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof(names[i]), "many%d", i);
        keys[i] = apphost_str(names[i]);
        entries[i] = (struct apphost_entry){keys[i], keys[i],
                                            i % 2 ? apphost_expire_sliding(60000) : apphost_expire_never()};
    }
    keys[COUNT] = apphost_str("absent");
    ok(apphost_cache_set_many(world.cache, entries, COUNT, &error), &error);
    assert_int_equal(apphost_cache_get_many(world.cache, keys, COUNT + 1, values, &error), COUNT);
    for (int i = 0; i < COUNT; i++)
        assert_string_equal(values[i].data, names[i]);
    assert_null(values[COUNT].data);
    for (int i = 0; i <= COUNT; i++)
        apphost_value_free(&values[i]);
    assert_int_equal(raw_number("PTTL", "cachetest:many0"), -1);
    expect_ttl("cachetest:many1", 59000, 60000);
    /* One bad entry: nothing is written. */
    entries[1].expiry = apphost_expire_in(-1);
    entries[0].data = apphost_str("changed");
    assert_int_equal(apphost_cache_set_many(world.cache, entries, 2, &error), -1);
    expect(world.cache, "many0", "many0");
    assert_int_equal(apphost_cache_get_many(world.cache, NULL, 0, values, &error), -1);
    assert_int_equal(apphost_cache_set_many(world.cache, NULL, 0, &error), 0);
}

static void increments_are_atomic_and_expire(void **state)
{
    struct apphost_error error = {0};
    int64_t sum = 0;

    (void)state;
    ok(apphost_cache_increment(world.cache, apphost_str("n"), 5, apphost_expire_in(60000), &sum, &error),
       &error);
    assert_int_equal(sum, 5);
    expect_ttl("cachetest:n", 58000, 60000);
    raw("PEXPIRE", "cachetest:n", "30000", NULL, NULL, NULL);
    ok(apphost_cache_increment(world.cache, apphost_str("n"), -7, apphost_expire_in(900000), &sum, &error),
       &error);
    assert_int_equal(sum, -2);
    expect_ttl("cachetest:n", 28000, 30000);
    expect(world.cache, "n", "-2");
    /* Its creator died before the expiry was set: the next increment mends it. */
    raw("PERSIST", "cachetest:n", NULL, NULL, NULL, NULL);
    ok(apphost_cache_increment(world.cache, apphost_str("n"), 0, apphost_expire_never(), &sum, &error),
       &error);
    expect_ttl("cachetest:n", 58000, 60000);
    set(world.cache, "word", "abc", apphost_expire_never());
    assert_int_equal(
        apphost_cache_increment(world.cache, apphost_str("word"), 1, apphost_expire_never(), &sum, &error),
        -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
}

static void remaining_time(void **state)
{
    int64_t left = 0;

    (void)state;
    assert_int_equal(apphost_cache_remaining(world.cache, apphost_str("none"), &left, NULL), 0);
    set(world.cache, "k", "v", apphost_expire_never());
    assert_int_equal(apphost_cache_remaining(world.cache, apphost_str("k"), &left, NULL), 1);
    assert_int_equal(left, -1);
    set(world.cache, "k", "v", apphost_expire_in(50000));
    assert_int_equal(apphost_cache_remaining(world.cache, apphost_str("k"), &left, NULL), 1);
    assert_true(left > 48000 && left <= 50000);
}

static int create(void *user, void **data, size_t *len, struct apphost_error *error)
{
    int *calls = user;

    (void)error;
    ++*calls;
    *data = strdup("made");
    *len = 4;
    return 0;
}

static int create_nothing(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)user;
    (void)data;
    (void)len;
    (void)error;
    return -1;
}

static void get_or_create_creates_once(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    int calls = 0;
    const struct apphost_create how = {.create = create, .user = &calls, .expiry = apphost_expire_in(60000)};
    const struct apphost_create never = {.create = create_nothing};

    (void)state;
    for (int i = 0; i < 10; i++) {
        int rc = apphost_cache_get_or_create(world.cache, apphost_str("k"), &how, &value, &error);

        ok(rc, &error);
        assert_int_equal(rc, i > 0);
        assert_string_equal(value.data, "made");
        apphost_value_free(&value);
    }
    assert_int_equal(calls, 1);
    expect_ttl("cachetest:k", 58000, 60000);
    assert_int_equal(raw_number("EXISTS", "cachetest:k:lease"), 0);
    assert_int_equal(apphost_cache_get_or_create(world.cache, apphost_str("x"), &never, &value, &error), -1);
    assert_string_equal(error.parameter, "create");
    assert_int_equal(raw_number("EXISTS", "cachetest:x"), 0);
}

static void another_process_creates(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    int calls = 0;
    const struct apphost_create how = {.create = create, .user = &calls, .lease_ms = 300};

    (void)state;
    /* Another holds the lease and never delivers: after its time this one creates. */
    raw("SET", "cachetest:k:lease", "other", NULL, NULL, NULL);
    ok(apphost_cache_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), &error);
    assert_int_equal(calls, 1);
    apphost_value_free(&value);
}

static void stats_count(void **state)
{
    struct apphost_cache_stats before, after;

    (void)state;
    apphost_cache_stats(world.cache, &before);
    set(world.cache, "k", "v", apphost_expire_never());
    expect(world.cache, "k", "v");
    expect(world.cache, "none", NULL);
    apphost_cache_refresh(world.cache, apphost_str("k"), NULL);
    apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    apphost_cache_stats(world.cache, &after);
    assert_int_equal(after.hits - before.hits, 1);
    assert_int_equal(after.misses - before.misses, 1);
    assert_int_equal(after.sets - before.sets, 1);
    assert_int_equal(after.refreshes - before.refreshes, 1);
    assert_int_equal(after.removes - before.removes, 1);
    assert_int_equal(after.operations - before.operations, 5);
    assert_true(after.latency_us_total > before.latency_us_total);
}

static void raw_commands_have_their_limits(void **state)
{
    struct apphost_error error = {0};
    struct apphost_reply *reply = NULL;

    (void)state;
    assert_int_equal(apphost_redis_execute(world.redis, &reply, &error, "SUBSCRIBE", "x", NULL), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    assert_int_equal(apphost_redis_execute(world.redis, &reply, &error, "select", "1", NULL), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    assert_int_equal(apphost_redis_execute(world.redis, &reply, &error, "NOSUCH", NULL), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_int_equal(apphost_redis_execute(world.redis, &reply, &error, NULL), -1);
    assert_int_equal(error.code, APPHOST_E_ARGUMENT);
    assert_int_equal(apphost_redis_execute(world.redis, NULL, &error, "PING", NULL), -1);
    assert_null(reply);
}

#define CASE(name) cmocka_unit_test_setup(name, flush)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(missing_is_a_miss),
        CASE(set_and_get),
        CASE(keys_are_case_sensitive),
        CASE(set_overwrites_and_remove_removes),
        CASE(empty_is_not_missing),
        CASE(strings_are_utf8),
        CASE(round_trips_of_all_sizes),
        CASE(keys_of_any_bytes),
        CASE(relative_sets_whole_seconds),
        CASE(absolute_is_a_moment),
        CASE(relative_wins_over_absolute),
        CASE(sliding_alone_and_bounded),
        CASE(sub_second_is_gone_at_once),
        CASE(sliding_is_renewed_by_access),
        CASE(sliding_never_passes_the_absolute_end),
        CASE(without_sliding_access_changes_nothing),
        CASE(really_expires),
        CASE(overwriting_leaves_no_expiry_behind),
        CASE(longest_expirations),
        CASE(bad_expirations_are_refused),
        CASE(reads_what_dotnet_writes),
        CASE(broken_entries_are_errors),
        CASE(bad_arguments_are_errors),
        CASE(many_in_one_round_trip),
        CASE(increments_are_atomic_and_expire),
        CASE(remaining_time),
        CASE(get_or_create_creates_once),
        CASE(another_process_creates),
        CASE(stats_count),
        CASE(raw_commands_have_their_limits),
    };
    static const char *const variables[] = {"APPHOST_TEST_REDIS8", "APPHOST_TEST_VALKEY"};
    int failed = cmocka_run_group_tests_name("redis-server", tests, set_up, tear_down);

    for (size_t i = 0; i < 2; i++) {
        target = getenv(variables[i]);
        if (target)
            failed += cmocka_run_group_tests_name(variables[i], tests, set_up, tear_down);
        else
            fprintf(stderr, "skipped %zu tests: %s is not set\n", sizeof(tests) / sizeof(tests[0]),
                    variables[i]);
    }
    return failed;
}
