/* room: client_cache */
/* Remove-many: a result for each key, and where UNLINK cannot be had. */
#include "cachetest.h"

#include <stdio.h>
#include <string.h>

static void each_key_has_its_result(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("gone"), apphost_str("b"),
                                         apphost_bytes("\0", 1)};
    struct apphost_outcome outcomes[4];
    struct apphost_cache_stats before, after;
    struct apphost_error error = {0};

    (void)state;
    set(world.cache, "a", "1", apphost_expire_never());
    set(world.cache, "b", "2", apphost_expire_in(600000));
    apphost_cache_stats(world.cache, &before);
    assert_int_equal(apphost_cache_remove_many(world.cache, keys, 4, outcomes, &error), 2);
    apphost_cache_stats(world.cache, &after);
    assert_int_equal(after.removes - before.removes, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(outcomes[i].rc, i == 0 || i == 2);
        assert_int_equal(outcomes[i].code, APPHOST_OK);
    }
    expect(world.cache, "a", NULL);
    expect(world.cache, "b", NULL);
    assert_int_equal(apphost_cache_remove_many(world.cache, keys, 0, outcomes, &error), 0);
}

static void bad_arguments_are_errors(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), {NULL, 0}};
    struct apphost_outcome outcomes[2];
    struct apphost_error error;

    (void)state;
    set(world.cache, "a", "1", apphost_expire_never());
    assert_int_equal(apphost_cache_remove_many(NULL, keys, 1, outcomes, &error), -1);
    assert_string_equal(error.parameter, "cache");
    assert_int_equal(apphost_cache_remove_many(world.cache, NULL, 1, outcomes, &error), -1);
    assert_string_equal(error.parameter, "keys");
    assert_int_equal(apphost_cache_remove_many(world.cache, keys, 1, NULL, &error), -1);
    assert_string_equal(error.parameter, "outcomes");
    assert_int_equal(apphost_cache_remove_many(world.cache, keys, 2, outcomes, &error), -1);
    assert_string_equal(error.parameter, "key");
    expect(world.cache, "a", "1");
}

/* What fails is said of each, and of the call only when nothing was removed. */
static void failures_are_the_keys_own(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("mine"), apphost_str("theirs")};
    struct apphost_outcome outcomes[2];
    struct apphost_error error = {0};

    (void)state;
    set(world.cache, "mine", "1", apphost_expire_never());
    raw("ACL", "SETUSER", "default", "resetkeys", "~cachetest:mine", NULL);
    int rc = apphost_cache_remove_many(world.cache, keys, 2, outcomes, &error);
    raw("ACL", "SETUSER", "default", "allkeys", NULL);
    assert_int_equal(rc, 1);
    assert_int_equal(outcomes[0].rc, 1);
    assert_int_equal(outcomes[1].rc, -1);
    assert_int_equal(outcomes[1].code, APPHOST_E_SERVER);
    assert_string_equal(error.parameter, "NOPERM");
}

static void works_without_unlink(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("b")};
    struct apphost_outcome outcomes[2];
    struct apphost_error error = {0};

    (void)state;
    set(world.cache, "a", "1", apphost_expire_never());
    raw("ACL", "SETUSER", "default", "-unlink", NULL);
    int rc = apphost_cache_remove_many(world.cache, keys, 2, outcomes, &error);
    raw("ACL", "SETUSER", "default", "+unlink", NULL);
    ok(rc, &error);
    assert_int_equal(rc, 1);
    expect(world.cache, "a", NULL);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_result),
        cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(failures_are_the_keys_own),
        cmocka_unit_test(works_without_unlink),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
