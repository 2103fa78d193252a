/* Get-or-create: that there is nothing is kept as well, and jitter. */
#include "cachetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct maker {
    int count;
    bool has_value;
};

static int make(void *user, void **data, size_t *len, struct apphost_error *error)
{
    struct maker *maker = user;

    (void)error;
    maker->count++;
    if (!maker->has_value)
        return APPHOST_NOTHING;
    *data = strdup("made");
    *len = 4;
    return 0;
}

/* What it gives: NULL for nothing, else text for free(3). */
static char *made_by(struct apphost_create *how, int expected)
{
    struct apphost_error error = {0};
    struct apphost_value value;
    int rc = apphost_cache_get_or_create(world.cache, apphost_str("k"), how, &value, &error);
    char *text = NULL;

    if (rc != expected)
        fail_msg("%d: %s", rc, error.text);
    if (value.data)
        text = strdup(value.data);
    apphost_value_free(&value);
    return text;
}

static void that_there_is_nothing_is_kept(void **state)
{
    struct maker maker = {0, false};
    struct apphost_create how = {.create = make, .user = &maker, .nothing_ms = 600000};
    struct apphost_create plain = {.create = make, .user = &maker};

    (void)state;
    assert_null(made_by(&how, 0));
    assert_null(made_by(&how, 1));
    assert_int_equal(maker.count, 1);
    expect_ttl("cachetest:k", 1000, 600000);
    /* Others see a miss; and who does not know of it creates. */
    expect(world.cache, "k", NULL);
    assert_null(made_by(&plain, -1));
    assert_int_equal(maker.count, 2);
    maker.has_value = true;
    char *text = made_by(&plain, 0);
    assert_string_equal(text, "made");
    free(text);
    text = made_by(&how, 1);
    assert_string_equal(text, "made");
    free(text);
    assert_int_equal(maker.count, 3);
    /* It replaces what was there. */
    apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    maker.has_value = false;
    assert_null(made_by(&how, 0));
    expect(world.cache, "k", NULL);
}

static void nothing_ends(void **state)
{
    struct maker maker = {0, false};
    struct apphost_create how = {.create = make, .user = &maker, .nothing_ms = 300};

    (void)state;
    assert_null(made_by(&how, 0));
    for (int64_t began = unix_ms(); raw_number("EXISTS", "cachetest:k") != 0;)
        assert_true(unix_ms() - began < 60000);
    maker.has_value = true;
    free(made_by(&how, 0));
    assert_int_equal(maker.count, 2);
}

static void jitter_spreads_the_ends(void **state)
{
    struct maker maker = {0, true};
    struct apphost_create how = {
        .create = make, .user = &maker, .expiry = apphost_expire_in(1000000), .jitter_ms = 1000000};
    long long least = INT64_MAX, most = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        free(made_by(&how, 0));
        long long ttl = raw_number("PTTL", "cachetest:k");
        least = ttl < least ? ttl : least;
        most = ttl > most ? ttl : most;
        apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    }
    assert_true(least > 900000 && most <= 2000000 && most - least > 50000);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(that_there_is_nothing_is_kept),
        cmocka_unit_test(nothing_ends),
        cmocka_unit_test(jitter_spreads_the_ends),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
