/* room: client_cache */
/* Level one by itself: the bound, what goes first, tickets, and threads. */
#include "client_base/clock.h"
#include "client_cache/cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { LONG_MS = 1000000 };

static struct level_key key_of(const char *text)
{
    return (struct level_key){.data = text, .len = strlen(text), .hash = conn_hash_key(text, strlen(text))};
}

static void put(struct level *level, const char *name, const char *data, uint64_t ticket)
{
    const struct level_key key = key_of(name);
    const struct apphost_value value = {.data = data, .len = strlen(data)};

    level_put(level, &key, &value, LONG_MS, ticket);
}

static void keep(struct level *level, const char *name, const char *data)
{
    put(level, name, data, level_ticket(level, key_of(name).hash));
}

static bool has(struct level *level, const char *name)
{
    const struct level_key key = key_of(name);
    struct apphost_value value = {0};
    bool is_hit = level_get(level, &key, &value);

    apphost_value_free(&value);
    return is_hit;
}

static void expect_kept(struct level *level, const char *name, const char *data)
{
    const struct level_key key = key_of(name);
    struct apphost_value value = {0};

    assert_true(level_get(level, &key, &value));
    assert_int_equal(value.len, strlen(data));
    assert_string_equal(value.data, data);
    apphost_value_free(&value);
}

static struct level *opened(size_t limit)
{
    struct level *level = level_new(limit);

    level_open(level);
    return level;
}

static void keeps_and_replaces(void **state)
{
    struct level *level = opened(100000);
    struct level_stats stats;

    (void)state;
    assert_false(has(level, "a"));
    keep(level, "a", "one");
    keep(level, "", "");
    expect_kept(level, "a", "one");
    expect_kept(level, "", "");
    keep(level, "a", "two");
    expect_kept(level, "a", "two");
    level_stats(level, &stats);
    assert_int_equal(stats.entries, 2);
    assert_int_equal(stats.hits, 3);
    level_drop(level, key_of("a").hash);
    assert_false(has(level, "a"));
    level_clear(level);
    level_stats(level, &stats);
    assert_int_equal(stats.entries, 0);
    assert_int_equal(stats.bytes, 0);
    level_release(level);
}

static void stays_within_its_bytes(void **state)
{
    struct level *level = opened(20000);
    struct level_stats stats;
    char name[32];

    (void)state;
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "key%d", i);
        keep(level, name, "some value");
        level_stats(level, &stats);
        assert_true(stats.bytes <= 20000);
    }
    assert_true(stats.entries > 50);
    assert_int_equal(stats.entries + stats.evicted, 5000);
    level_release(level);
}

/* What is asked for stays, however much passes through. */
static void keeps_what_is_asked_for(void **state)
{
    struct level *level = opened(20000);
    char name[32];

    (void)state;
    keep(level, "wanted", "w");
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof(name), "key%d", i);
        keep(level, name, "some value");
        assert_true(has(level, "wanted"));
    }
    assert_false(has(level, "key0"));
    level_release(level);
}

static void big_ones_are_left_out(void **state)
{
    struct level *level = opened(8000);
    char data[2000];

    (void)state;
    memset(data, 'x', sizeof(data) - 1);
    data[sizeof(data) - 1] = '\0';
    keep(level, "a", "small");
    keep(level, "big", data);
    assert_false(has(level, "big"));
    assert_true(has(level, "a"));
    level_release(level);
}

static void grows(void **state)
{
    struct level *level = opened(100000000);
    char name[32];

    (void)state;
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "key%d", i);
        keep(level, name, name);
    }
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof(name), "key%d", i);
        expect_kept(level, name, name);
    }
    level_release(level);
}

/* What was read before somebody wrote is not kept after it. */
static void old_tickets_are_refused(void **state)
{
    struct level *level = level_new(100000);
    uint64_t hash = key_of("a").hash, ticket;

    (void)state;
    assert_int_equal(level_ticket(level, hash), 0);
    put(level, "a", "shut", 0);
    assert_false(has(level, "a"));
    level_open(level);
    ticket = level_ticket(level, hash);
    level_drop(level, hash);
    put(level, "a", "old", ticket);
    assert_false(has(level, "a"));
    ticket = level_ticket(level, hash);
    level_clear(level);
    put(level, "a", "old", ticket);
    assert_false(has(level, "a"));
    ticket = level_ticket(level, hash);
    put(level, "a", "new", ticket);
    expect_kept(level, "a", "new");
    level_shut(level);
    assert_false(has(level, "a"));
    level_open(level);
    put(level, "a", "of another connection", ticket);
    assert_false(has(level, "a"));
    level_release(level);
}

static void ends_with_its_time(void **state)
{
    struct level *level = opened(100000);
    const struct level_key key = key_of("a");
    const struct apphost_value value = {.data = "v", .len = 1};
    struct apphost_value found;

    (void)state;
    level_put(level, &key, &value, 0, level_ticket(level, key.hash));
    assert_false(level_get(level, &key, &found));
    level_put(level, &key, &value, 1, level_ticket(level, key.hash));
    for (int64_t until = clock_ms() + 60000; has(level, "a") && clock_ms() < until;)
        ;
    assert_false(has(level, "a"));
    level_put(level, &key, &value, INT64_MAX, level_ticket(level, key.hash));
    assert_true(has(level, "a"));
    level_release(level);
}

/* ---- Threads ---- */

enum { THREADS = 6, ROUNDS = 3000 };

/* One truth a key, as a server would have it: a number that only grows. */
struct truth {
    struct level *level;
    _Atomic int values[8];
};

static void read_key(struct truth *truth, unsigned k, const char *name)
{
    const struct level_key key = key_of(name);
    int before = atomic_load(&truth->values[k]);
    struct apphost_value value = {0};
    char text[16];

    if (level_get(truth->level, &key, &value)) {
        /* Whoever wrote has dropped it before he went on: only a write under way may be missed. */
        assert_true(atoi(value.data) >= before - THREADS);
        apphost_value_free(&value);
        return;
    }
    uint64_t ticket = level_ticket(truth->level, key.hash);
    snprintf(text, sizeof(text), "%d", atomic_load(&truth->values[k]));
    put(truth->level, name, text, ticket);
}

static void *work(void *user)
{
    struct truth *truth = user;
    unsigned seed = (unsigned)(uintptr_t)&seed;
    char name[16];

    for (int i = 0; i < ROUNDS; i++) {
        unsigned k = (unsigned)rand_r(&seed) % 8;

        snprintf(name, sizeof(name), "key%u", k);
        if (rand_r(&seed) % 8 == 0) {
            atomic_fetch_add(&truth->values[k], 1);
            level_drop(truth->level, key_of(name).hash);
        } else {
            read_key(truth, k, name);
        }
    }
    return NULL;
}

static void threads_read_nothing_old(void **state)
{
    struct truth truth = {.level = opened(4000)};
    pthread_t threads[THREADS];

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, &truth), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (unsigned k = 0; k < 8; k++) {
        char name[16], text[16];

        snprintf(name, sizeof(name), "key%u", k);
        snprintf(text, sizeof(text), "%d", atomic_load(&truth.values[k]));
        if (has(truth.level, name))
            expect_kept(truth.level, name, text);
    }
    level_release(truth.level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_and_replaces),
        cmocka_unit_test(stays_within_its_bytes),
        cmocka_unit_test(keeps_what_is_asked_for),
        cmocka_unit_test(big_ones_are_left_out),
        cmocka_unit_test(grows),
        cmocka_unit_test(old_tickets_are_refused),
        cmocka_unit_test(ends_with_its_time),
        cmocka_unit_test(threads_read_nothing_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
