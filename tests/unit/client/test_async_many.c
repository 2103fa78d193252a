/* room: client_cache */
/*
 * The asynchronous get-many, set-many, increment and remaining: what they do on a real server, with the usual
 * wire and with the strict one. How they fare in bad times is in test_async_trouble.c.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 300 };

/* ---- One call and its result ---- */

static struct outcome finish_call(struct apphost_queue *queue, struct outcome *outcome,
                                  struct apphost_call *call, const struct apphost_error *error)
{
    if (!call)
        fail_msg("%s", error->text);
    assert_int_equal(outcome->count, 0); /* not before the start function has returned */
    dispatch(queue, outcome, 1);
    assert_int_equal(apphost_queue_pending(queue), 0);
    apphost_queue_free(queue);
    return *outcome;
}

static struct outcome get_many(struct apphost_cache *cache, const struct apphost_bytes *keys, size_t count)
{
    const struct apphost_keys list = {keys, count};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};
    struct apphost_call *call =
        apphost_cache_get_many_start(cache, queue, &list, on_result, &outcome, &error);

    return finish_call(queue, &outcome, call, &error);
}

static struct outcome set_many(struct apphost_cache *cache, const struct apphost_entry *entries, size_t count)
{
    const struct apphost_entries list = {entries, count};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};
    struct apphost_call *call =
        apphost_cache_set_many_start(cache, queue, &list, on_result, &outcome, &error);

    return finish_call(queue, &outcome, call, &error);
}

static struct outcome add(struct apphost_cache *cache, const char *key, int64_t by,
                          struct apphost_expiry expiry)
{
    const struct apphost_increment increment = {apphost_str(key), by, expiry};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};
    struct apphost_call *call =
        apphost_cache_increment_start(cache, queue, &increment, on_result, &outcome, &error);

    return finish_call(queue, &outcome, call, &error);
}

static struct outcome remaining(struct apphost_cache *cache, const char *key)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};
    struct apphost_call *call =
        apphost_cache_remaining_start(cache, queue, apphost_str(key), on_result, &outcome, &error);

    return finish_call(queue, &outcome, call, &error);
}

/* What nobody waits for, comes: the time to live of the key. */
static void await_ttl(const char *key, long long least, long long most)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    long long ttl = raw_number("PTTL", key);

    for (; (ttl < least || ttl > most) && now_ms() < deadline; ttl = raw_number("PTTL", key))
        poll(NULL, 0, 5);
    expect_ttl(key, least, most);
}

/* ---- Get-many and set-many ---- */

static void sets_and_gets_on(struct apphost_cache *cache)
{
    const struct apphost_entry entries[] = {
        {apphost_str("a"), apphost_str("1"), apphost_expire_never()},
        {apphost_str("b"), apphost_str(""), apphost_expire_in(60000)},
        {apphost_str("c"), apphost_str("3"), apphost_expire_sliding(600000)},
    };
    const struct apphost_bytes keys[] = {apphost_str("c"), apphost_str("none"), apphost_str("b"),
                                         apphost_str("a"), apphost_str("c")};

    assert_int_equal(set_many(cache, entries, 3).rc, 0);
    assert_int_equal(raw_number("PTTL", "cachetest:a"), -1);
    expect_ttl("cachetest:b", 1, 60000);
    expect_field("cachetest:c", "sldexp", "6000000000");
    raw("PEXPIRE", "cachetest:c", "100000", NULL);
    const struct outcome got = get_many(cache, keys, 5);
    assert_int_equal(got.rc, 4);
    assert_string_equal(got.values, "3,-,,1,3,");
    await_ttl("cachetest:c", 100001, 600000);
}

static void sets_and_gets_many(void **state)
{
    (void)state;
    sets_and_gets_on(world.cache);
}

static void sets_and_gets_many_strictly(void **state)
{
    (void)state;
    sets_and_gets_on(world.strict);
}

/* What an earlier entry left of its expiry goes with it. */
static void an_overwrite_leaves_no_old_expiry(void **state)
{
    const struct apphost_entry before = {apphost_str("k"), apphost_str("1"), apphost_expire_in(60000)};
    const struct apphost_entry after = {apphost_str("k"), apphost_str("2"), apphost_expire_never()};

    (void)state;
    assert_int_equal(set_many(world.cache, &before, 1).rc, 0);
    assert_int_equal(set_many(world.cache, &after, 1).rc, 0);
    assert_int_equal(raw_number("PTTL", "cachetest:k"), -1);
    expect(world.cache, "k", "2");
}

static void check_blob(void *user, const struct apphost_result *result)
{
    int *seen = user;

    assert_int_equal(result->rc, 2);
    assert_int_equal(result->count, 3);
    assert_int_equal(result->values[0].len, 5);
    assert_memory_equal(result->values[0].data, "a\0b\0c", 6);
    assert_null(result->values[1].data);
    assert_int_equal(result->values[2].len, 0);
    assert_non_null(result->values[2].data); /* empty is not missing */
    ++*seen;
}

static void values_and_keys_are_bytes(void **state)
{
    const struct apphost_entry entries[] = {
        {apphost_bytes("k\0one", 5), apphost_bytes("a\0b\0c", 5), apphost_expire_never()},
        {apphost_bytes("", 0), apphost_bytes("", 0), apphost_expire_never()},
    };
    const struct apphost_bytes keys[] = {apphost_bytes("k\0one", 5), apphost_bytes("k\0two", 5),
                                         apphost_bytes("", 0)};
    const struct apphost_keys list = {keys, 3};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    int seen = 0;

    (void)state;
    assert_int_equal(set_many(world.cache, entries, 2).rc, 0);
    assert_non_null(apphost_cache_get_many_start(world.cache, queue, &list, check_blob, &seen, &error));
    for (int64_t deadline = now_ms() + PATIENCE_MS; !seen && now_ms() < deadline; poll(NULL, 0, 1))
        apphost_queue_dispatch(queue);
    assert_int_equal(seen, 1);
    apphost_queue_free(queue);
}

/* Keys of every size, in one round trip each way; the callers' own memory is theirs again after the start. */
static void hundreds_at_once(void **state)
{
    static char names[MANY][400];
    struct apphost_entry entries[MANY];
    struct apphost_bytes keys[MANY];
    const struct apphost_entries set_list = {entries, MANY};
    const struct apphost_keys get_list = {keys, MANY};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};

    (void)state;
    for (int i = 0; i < MANY; i++) {
        memset(names[i], 'k', (size_t)i + 1);
        entries[i] = (struct apphost_entry){apphost_str(names[i]), apphost_str(names[i]),
                                            apphost_expire_sliding(60000)};
        keys[i] = entries[i].key;
    }
    assert_non_null(apphost_cache_set_many_start(world.cache, queue, &set_list, on_result, &outcome, &error));
    assert_non_null(apphost_cache_get_many_start(world.cache, queue, &get_list, on_result, &outcome, &error));
    memset(names, 'x', sizeof(names));
    memset(entries, 0, sizeof(entries));
    memset(keys, 0, sizeof(keys));
    dispatch(queue, &outcome, 2);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(outcome.rc, MANY);
    apphost_queue_free(queue);
}

static void one_bad_entry_spoils_all(void **state)
{
    const struct apphost_entry entries[] = {
        {apphost_str("a"), apphost_str("1"), apphost_expire_never()},
        {apphost_str("b"), apphost_str("2"), apphost_expire_in(-1)},
    };
    const struct apphost_entries list = {entries, 2};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};

    (void)state;
    assert_null(apphost_cache_set_many_start(world.cache, queue, &list, on_result, &outcome, &error));
    assert_string_equal(error.parameter, "AbsoluteExpirationRelativeToNow");
    assert_int_equal(raw_number("EXISTS", "cachetest:a"), 0);
    apphost_queue_free(queue);
}

/* A key that cannot be read takes nothing from the others; when none can, that is a failure. */
static void each_key_has_its_result(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("good"), apphost_str("list"), apphost_str("good")};

    (void)state;
    set(world.cache, "good", "v", apphost_expire_never());
    raw("LPUSH", "cachetest:list", "x", NULL);
    struct outcome outcome = get_many(world.cache, keys, 3);
    assert_int_equal(outcome.rc, 2);
    assert_string_equal(outcome.values, "v,-,v,");
    outcome = get_many(world.cache, &keys[1], 1);
    assert_int_equal(outcome.rc, -1);
    assert_int_equal(outcome.code, APPHOST_E_SERVER);
    assert_string_equal(outcome.values, "");
}

/* ---- Increment and remaining ---- */

static void adds_on(struct apphost_cache *cache)
{
    struct outcome outcome = add(cache, "n", 5, apphost_expire_in(600000));

    assert_int_equal(outcome.rc, 0);
    assert_int_equal(outcome.number, 5);
    await_ttl("cachetest:n", 1, 600000);
    /* It keeps its own expiry. */
    raw("PEXPIRE", "cachetest:n", "50000", NULL);
    assert_int_equal(add(cache, "n", -7, apphost_expire_in(600000)).number, -2);
    expect_ttl("cachetest:n", 1, 50000);
    expect(cache, "n", "-2");
    /* A sliding one starts anew. */
    assert_int_equal(add(cache, "s", 1, apphost_expire_sliding(600000)).number, 1);
    await_ttl("cachetest:s", 1, 600000);
    raw("PEXPIRE", "cachetest:s", "50000", NULL);
    assert_int_equal(add(cache, "s", 1, apphost_expire_never()).number, 2);
    await_ttl("cachetest:s", 50001, 600000);
    set(cache, "text", "abc", apphost_expire_never());
    outcome = add(cache, "text", 1, apphost_expire_never());
    assert_int_equal(outcome.rc, -1);
    assert_int_equal(outcome.code, APPHOST_E_SERVER);
    expect(cache, "text", "abc");
}

static void adds(void **state)
{
    (void)state;
    adds_on(world.cache);
}

static void adds_strictly(void **state)
{
    (void)state;
    adds_on(world.strict);
}

static void no_sum_is_lost(void **state)
{
    const struct apphost_increment increment = {apphost_str("n"), 1, apphost_expire_sliding(60000)};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_error error = {0};
    struct outcome outcome = {0};
    int64_t sum = 0;

    (void)state;
    for (int i = 0; i < MANY; i++) {
        assert_non_null(
            apphost_cache_increment_start(world.cache, queue, &increment, on_result, &outcome, &error));
        ok(apphost_cache_increment(world.cache, apphost_str("n"), 1, apphost_expire_never(), &sum, &error),
           &error);
    }
    dispatch(queue, &outcome, MANY);
    assert_int_equal(outcome.failed, 0);
    assert_int_equal(add(world.cache, "n", 0, apphost_expire_never()).number, 2 * MANY);
    apphost_queue_free(queue);
}

static void says_what_remains(void **state)
{
    struct outcome outcome = remaining(world.cache, "none");

    (void)state;
    assert_int_equal(outcome.rc, 0);
    assert_int_equal(outcome.number, -1);
    set(world.cache, "ever", "v", apphost_expire_never());
    outcome = remaining(world.cache, "ever");
    assert_int_equal(outcome.rc, 1);
    assert_int_equal(outcome.number, -1);
    set(world.cache, "k", "v", apphost_expire_in(600000));
    outcome = remaining(world.cache, "k");
    assert_int_equal(outcome.rc, 1);
    assert_in_range(outcome.number, 1, 600000);
}

/* ---- The promises ---- */

static void nothing_to_do_is_a_result(void **state)
{
    struct outcome outcome = get_many(world.cache, NULL, 0);

    (void)state;
    assert_int_equal(outcome.rc, 0);
    assert_string_equal(outcome.values, "");
    assert_int_equal(set_many(world.cache, NULL, 0).rc, 0);
}

static void cancelled_ones_say_nothing(void **state)
{
    const struct apphost_bytes key = apphost_str("k");
    const struct apphost_entry entry = {key, apphost_str("1"), apphost_expire_sliding(60000)};
    const struct apphost_keys keys = {&key, 1}, no_keys = {NULL, 0};
    const struct apphost_entries entries = {&entry, 1};
    const struct apphost_increment increment = {key, 1, apphost_expire_never()};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome unwanted = {0}, last = {0};

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct apphost_call *calls[] = {
            apphost_cache_set_many_start(world.cache, queue, &entries, on_result, &unwanted, NULL),
            apphost_cache_get_many_start(world.cache, queue, &keys, on_result, &unwanted, NULL),
            apphost_cache_get_many_start(world.cache, queue, &no_keys, on_result, &unwanted, NULL),
            apphost_cache_increment_start(world.cache, queue, &increment, on_result, &unwanted, NULL),
            apphost_cache_remaining_start(world.cache, queue, key, on_result, &unwanted, NULL),
        };

        for (int k = 0; k < 5; k++) {
            assert_non_null(calls[k]);
            /* Some before, some after their results have come. */
            if (i % 2)
                raw("PING", NULL);
            apphost_call_cancel(calls[k]);
        }
    }
    assert_int_equal(apphost_queue_pending(queue), 0);
    assert_non_null(apphost_cache_remaining_start(world.cache, queue, key, on_result, &last, NULL));
    dispatch(queue, &last, 1);
    assert_int_equal(unwanted.count, 0);
    /* And one that is freed with calls under way. */
    apphost_cache_get_many_start(world.cache, queue, &keys, on_result, &unwanted, NULL);
    apphost_cache_increment_start(world.cache, queue, &increment, on_result, &unwanted, NULL);
    apphost_queue_free(queue);
    raw("PING", NULL);
    assert_int_equal(unwanted.count, 0);
}

static void bad_calls_are_refused(void **state)
{
    const struct apphost_bytes good = apphost_str("k"), bad[] = {apphost_str("k"), {NULL, 1}};
    const struct apphost_keys keys = {bad, 2}, lacking = {NULL, 1}, fine = {&good, 1};
    const struct apphost_entries no_entries = {NULL, 1};
    const struct apphost_entry null_value = {good, {NULL, 1}, apphost_expire_never()};
    const struct apphost_entries null_values = {&null_value, 1};
    const struct apphost_increment no_key = {{NULL, 0}, 1, apphost_expire_never()},
                                   late = {good, 1, apphost_expire_at(1)}, one = {good, 1, {0}};
    struct apphost_cache *cache = world.cache;
    struct apphost_queue *q = apphost_queue_new(NULL);
    struct apphost_error e = {0};
    struct outcome o = {0};

    (void)state;
    assert_null(apphost_cache_get_many_start(cache, q, &keys, on_result, &o, &e));
    assert_string_equal(e.parameter, "key");
    assert_null(apphost_cache_get_many_start(cache, q, &lacking, on_result, &o, &e));
    assert_string_equal(e.parameter, "keys");
    assert_null(apphost_cache_get_many_start(cache, q, NULL, on_result, &o, &e));
    assert_null(apphost_cache_get_many_start(NULL, q, &fine, on_result, &o, &e));
    assert_string_equal(e.parameter, "cache");
    assert_null(apphost_cache_get_many_start(cache, NULL, &fine, on_result, &o, &e));
    assert_null(apphost_cache_set_many_start(cache, q, &no_entries, on_result, &o, &e));
    assert_string_equal(e.parameter, "entries");
    assert_null(apphost_cache_set_many_start(cache, q, &null_values, on_result, &o, &e));
    assert_string_equal(e.parameter, "value");
    assert_null(apphost_cache_set_start(cache, q, NULL, on_result, &o, &e));
    assert_string_equal(e.parameter, "entry");
    assert_null(apphost_cache_increment_start(cache, q, &no_key, on_result, &o, &e));
    assert_null(apphost_cache_increment_start(cache, q, &late, on_result, &o, &e));
    assert_string_equal(e.parameter, "AbsoluteExpiration");
    assert_null(apphost_cache_increment_start(cache, q, NULL, on_result, &o, &e));
    assert_null(apphost_cache_increment_start(NULL, q, &one, on_result, &o, &e));
    assert_null(apphost_cache_increment_start(cache, q, &one, NULL, &o, &e));
    assert_null(apphost_cache_remaining_start(cache, q, bad[1], on_result, &o, NULL));
    assert_int_equal(apphost_queue_pending(q), 0);
    assert_int_equal(apphost_queue_dispatch(q), 0);
    apphost_queue_free(q);
}

static void everything_is_counted(void **state)
{
    const struct apphost_entry entries[] = {{apphost_str("a"), apphost_str("1"), apphost_expire_never()},
                                            {apphost_str("b"), apphost_str("2"), apphost_expire_never()}};
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("b"), apphost_str("c")};
    struct apphost_cache_stats before, after;

    (void)state;
    apphost_cache_stats(world.cache, &before);
    set_many(world.cache, entries, 2);
    get_many(world.cache, keys, 3);
    add(world.cache, "a", 1, apphost_expire_never());
    remaining(world.cache, "a");
    apphost_cache_stats(world.cache, &after);
    assert_int_equal(after.sets - before.sets, 2);
    assert_int_equal(after.hits - before.hits, 2);
    assert_int_equal(after.misses - before.misses, 1);
    assert_int_equal(after.operations - before.operations, 4);
    assert_int_equal(after.errors - before.errors, 0);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_and_gets_many),
        cmocka_unit_test(sets_and_gets_many_strictly),
        cmocka_unit_test(an_overwrite_leaves_no_old_expiry),
        cmocka_unit_test(values_and_keys_are_bytes),
        cmocka_unit_test(hundreds_at_once),
        cmocka_unit_test(one_bad_entry_spoils_all),
        cmocka_unit_test(each_key_has_its_result),
        cmocka_unit_test(adds),
        cmocka_unit_test(adds_strictly),
        cmocka_unit_test(no_sum_is_lost),
        cmocka_unit_test(says_what_remains),
        cmocka_unit_test(nothing_to_do_is_a_result),
        cmocka_unit_test(cancelled_ones_say_nothing),
        cmocka_unit_test(bad_calls_are_refused),
        cmocka_unit_test(everything_is_counted),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
