/* room: client_cache */
/*
 * The cache on real servers: entries as .NET writes them, what is broken or refused, and what
 * IDistributedCache lacks.
 */
#include "cachetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>

/* ---- Shared with .NET ---- */

static void reads_what_dotnet_writes(void **state)
{
    (void)state;
    /* .NET 9: HMSET key absexp A sldexp S data D, EXPIRE. */
    raw("HMSET", "cachetest:net9", "absexp", "-1", "sldexp", "12000000000", NULL);
    raw("HSET", "cachetest:net9", "data", "nine", NULL);
    raw("EXPIRE", "cachetest:net9", "10", NULL);
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
    raw("HSET", "cachetest:foreign", "data", "only", NULL);
    expect(world.cache, "foreign", "only");
    raw("HSET", "cachetest:nodata", "sldexp", "600000000", NULL);
    expect(world.cache, "nodata", NULL);
    expect_ttl("cachetest:nodata", 1, 60000);
}

static void broken_entries_are_errors(void **state)
{
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    raw("SET", "cachetest:text", "x", NULL);
    assert_int_equal(apphost_cache_get(world.cache, apphost_str("text"), &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_string_equal(error.parameter, "WRONGTYPE");
    assert_int_equal(
        apphost_cache_set(world.cache, apphost_str("text"), "v", 1, apphost_expire_in(5000), &error), -1);
    assert_string_equal(error.parameter, "WRONGTYPE");
    raw("HSET", "cachetest:bad", "absexp", "soon", "data", "x", NULL);
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
        apphost_cache_set(world.cache, apphost_str("k"), NULL, 1, apphost_expire_never(), &error), -1);
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

/* ---- More than .NET ---- */

static void nothing_is_an_empty_value(void **state)
{
    struct apphost_error error = {0};

    (void)state;
    ok(apphost_cache_set(world.cache, apphost_str("k"), NULL, 0, apphost_expire_never(), &error), &error);
    expect(world.cache, "k", "");
}

/* Times that no clock has: over, as .NET sees it. */
static void ends_before_all_time_are_over(void **state)
{
    static const char *const ends[] = {"-9223372036854775808", "0", "1"};
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        raw("HSET", "cachetest:k", "absexp", ends[i], "sldexp", "600000000", "data", "v", NULL);
        ok(apphost_cache_get(world.cache, apphost_str("k"), &value, &error), &error);
        apphost_value_free(&value);
        expect(world.cache, "k", NULL);
    }
}

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

/* One key of another type, one that is broken: the others are read all the same. */
static void each_key_has_its_result(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("list"), apphost_str("none"),
                                         apphost_str("broken"), apphost_str("b")};
    struct apphost_error error = {0};
    struct apphost_value values[5];

    (void)state;
    for (int is_strict = 0; is_strict < 2; is_strict++) {
        struct apphost_cache *cache = is_strict ? world.strict : world.cache;

        set(cache, "a", "A", apphost_expire_sliding(60000));
        set(cache, "b", "B", apphost_expire_never());
        raw("DEL", "cachetest:list", NULL);
        raw("RPUSH", "cachetest:list", "x", NULL);
        raw("HSET", "cachetest:broken", "absexp", "soon", "data", "x", NULL);
        assert_int_equal(apphost_cache_get_many(cache, keys, 5, values, &error), 2);
        assert_string_equal(values[0].data, "A");
        assert_string_equal(values[4].data, "B");
        assert_int_equal(values[0].code, APPHOST_OK);
        assert_int_equal(values[1].code, APPHOST_E_SERVER);
        assert_int_equal(values[2].code, APPHOST_OK);
        assert_int_equal(values[3].code, APPHOST_E_PROTOCOL);
        assert_null(values[1].data);
        assert_int_equal(error.code, APPHOST_E_SERVER);
        assert_string_equal(error.parameter, "WRONGTYPE");
        for (int i = 0; i < 5; i++)
            apphost_value_free(&values[i]);
        assert_int_equal(apphost_cache_get_many(cache, &keys[1], 1, values, &error), -1);
        assert_int_equal(apphost_cache_get_many(cache, &keys[4], 1, values, &error), 1);
        assert_int_equal(error.code, APPHOST_OK);
        apphost_value_free(&values[0]);
    }
}

/* How many connections have this for their last command. */
static int connections_at(const char *command)
{
    char *list = raw_text("CLIENT", "LIST", NULL);
    char words[32];
    int count = 0;

    snprintf(words, sizeof(words), " cmd=%s ", command);
    for (const char *at = list; (at = strstr(at, words)); at++)
        count++;
    free(list);
    return count;
}

/* A big value travels beside the small ones, not before them. */
static void big_values_have_a_connection_of_their_own(void **state)
{
    static char big[1024 * 1024];
    struct apphost_error error = {0};
    struct apphost_value value;

    (void)state;
    set(world.cache, "small", "s", apphost_expire_never());
    assert_int_equal(connections_at("exec"), 0); /* that is the one that asks */
    ok(apphost_cache_set(world.cache, apphost_str("big"), big, sizeof(big), apphost_expire_never(), &error),
       &error);
    assert_int_equal(connections_at("exec"), 1);
    expect(world.cache, "small", "s");
    assert_int_equal(connections_at("hmget"), 0);
    ok(apphost_cache_get(world.cache, apphost_str("big"), &value, &error), &error);
    assert_int_equal(value.len, sizeof(big));
    apphost_value_free(&value);
    assert_int_equal(connections_at("hmget"), 1);
    /* One that has become small comes back. */
    set(world.cache, "big", "b", apphost_expire_never());
    assert_int_equal(connections_at("hmget"), 1);
    expect(world.cache, "big", "b");
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
    raw("PEXPIRE", "cachetest:n", "30000", NULL);
    ok(apphost_cache_increment(world.cache, apphost_str("n"), -7, apphost_expire_in(900000), &sum, &error),
       &error);
    assert_int_equal(sum, -2);
    expect_ttl("cachetest:n", 28000, 30000);
    expect(world.cache, "n", "-2");
    /* Its creator died before the expiry was set: the next increment mends it. */
    raw("PERSIST", "cachetest:n", NULL);
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
    raw("SET", "cachetest:k:lease", "other", NULL);
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

struct words {
    const char *word[10];
};

static int try_words(const struct words *words, struct apphost_error *error)
{
    struct apphost_reply *reply = NULL;
    size_t argc = 0;

    while (argc < 10 && words->word[argc])
        argc++;
    int rc = apphost_redis_command(world.redis, argc, words->word, NULL, &reply, error);
    apphost_reply_free(reply);
    return rc;
}

static void what_would_shift_the_answers_is_refused(void **state)
{
    static const struct words refused[] = {
        {{"CLIENT", "REPLY", "SKIP"}},
        {{"client", "reply", "off"}},
        {{"CLIENT", "TRACKING", "ON"}},
        {{"CLIENT", "CACHING", "YES"}},
        {{"CLIENT", "SETNAME", "me"}},
        {{"CLIENT", "PAUSE", "10000"}},
        {{"SCRIPT", "DEBUG", "YES"}},
        {{"SSUBSCRIBE", "c"}},
        {{"MONITOR"}},
        {{"SYNC"}},
        {{"WATCH", "k"}},
        {{"MULTI"}},
        {{"RESET"}},
        {{"QUIT"}},
        {{"HELLO", "3"}},
        {{"AUTH", "p"}},
        {{"WAIT", "1", "0"}},
        {{"BLMPOP", "0", "1", "l", "LEFT"}},
        {{"XREAD", "BLOCK", "0", "STREAMS", "s", "$"}},
        {{"xread", "count", "1", "block", "0", "streams", "s", "$"}},
        {{"XREADGROUP", "GROUP", "g", "c", "BLOCK", "0", "STREAMS", "s", ">"}},
        {{"XREADGROUP", "GROUP", "STREAMS", "c", "BLOCK", "0", "STREAMS", "s", ">"}},
        {{"POST", "/"}},
    };
    static const struct words allowed[] = {
        {{"CLIENT", "ID"}},
        {{"CLIENT", "GETNAME"}},
        {{"SCRIPT", "EXISTS", "x"}},
        {{"XREAD", "COUNT", "1", "STREAMS", "BLOCK", "0"}},
        {{"XGROUP", "CREATE", "s", "BLOCK", "0", "MKSTREAM"}},
        {{"XREADGROUP", "GROUP", "BLOCK", "c", "STREAMS", "s", ">"}},
    };
    struct apphost_error error = {0};

    (void)state;
    set(world.cache, "a", "A", apphost_expire_never());
    set(world.cache, "b", "B", apphost_expire_never());
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (try_words(&refused[i], &error) != -1 || error.code != APPHOST_E_UNSUPPORTED)
            fail_msg("%s %s was sent", refused[i].word[0], refused[i].word[1]);
        assert_non_null(strstr(error.text, refused[i].word[0]));
    }
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
        ok(try_words(&allowed[i], &error), &error);
    expect(world.cache, "a", "A");
    expect(world.cache, "none", NULL);
    expect(world.cache, "b", "B");
}

static void rename_commands(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_set(options, "$CLIENT", "hidden", NULL), 0);
    assert_int_equal(apphost_options_set(options, "$FLUSHALL", "gone", NULL), 0);
    assert_int_equal(apphost_options_add_endpoint(options, "127.0.0.1:1", NULL), 0);
}

static void another_name_is_no_way_around(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_client_options client = {.options = rename_commands};
    struct apphost_host *host = apphost_host_new(&options, NULL);
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    assert_int_equal(apphost_host_add_redis_client(host, "r", &client, NULL), 0);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    assert_int_equal(apphost_redis_execute(redis, &reply, &error, "HIDDEN", "REPLY", "SKIP", NULL), -1);
    assert_int_equal(error.code, APPHOST_E_UNSUPPORTED);
    assert_int_equal(apphost_redis_execute(redis, &reply, &error, "gone", NULL), -1);
    assert_non_null(strstr(error.text, "admin mode"));
    apphost_host_free(host);
    apphost_config_free(config);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_dotnet_writes),
        cmocka_unit_test(broken_entries_are_errors),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(nothing_is_an_empty_value),
        cmocka_unit_test(ends_before_all_time_are_over),
        cmocka_unit_test(many_in_one_round_trip),
        cmocka_unit_test(each_key_has_its_result),
        cmocka_unit_test(big_values_have_a_connection_of_their_own),
        cmocka_unit_test(increments_are_atomic_and_expire),
        cmocka_unit_test(remaining_time),
        cmocka_unit_test(get_or_create_creates_once),
        cmocka_unit_test(another_process_creates),
        cmocka_unit_test(stats_count),
        cmocka_unit_test(raw_commands_have_their_limits),
        cmocka_unit_test(what_would_shift_the_answers_is_refused),
        cmocka_unit_test(another_name_is_no_way_around),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
