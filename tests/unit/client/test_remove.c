/* room: client_cache */
/* Remove-many, waiting and on a loop: a result for each key, and where UNLINK cannot be had. */
#include "asynctest.h"
#include "cachetest.h"

#include <poll.h>
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

/* ---- On a loop ---- */

struct removed {
    int count, rc;
    size_t keys;
    struct apphost_outcome outcomes[4];
    enum apphost_code code;
};

static void on_removed(void *user, const struct apphost_result *result)
{
    struct removed *removed = user;

    removed->count++;
    removed->rc = result->rc;
    removed->keys = result->count;
    for (size_t i = 0; i < result->count; i++)
        removed->outcomes[i] = result->outcomes[i];
    removed->code = result->error ? result->error->code : APPHOST_OK;
}

static struct removed remove_on_loop(struct apphost_cache *cache, const struct apphost_bytes *keys,
                                     size_t count)
{
    const struct apphost_keys list = {keys, count};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};
    struct removed removed = {0};
    struct apphost_error error = {0};

    if (!apphost_cache_remove_many_start(cache, queue, &list, on_removed, &removed, &error))
        fail_msg("%s", error.text);
    assert_int_equal(removed.count, 0);
    while (removed.count == 0) {
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        apphost_queue_dispatch(queue);
    }
    assert_int_equal(removed.count, 1);
    apphost_queue_free(queue);
    return removed;
}

static void the_same_without_waiting(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("gone"), apphost_str("b")};
    struct apphost_cache_stats before, after;

    (void)state;
    set(world.cache, "a", "1", apphost_expire_never());
    set(world.cache, "b", "2", apphost_expire_in(600000));
    apphost_cache_stats(world.cache, &before);
    struct removed removed = remove_on_loop(world.cache, keys, 3);
    apphost_cache_stats(world.cache, &after);
    assert_int_equal(removed.rc, 2);
    assert_int_equal(removed.keys, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(removed.outcomes[i].rc, i != 1);
        assert_int_equal(removed.outcomes[i].code, APPHOST_OK);
    }
    assert_int_equal(after.removes - before.removes, 3);
    expect(world.cache, "a", NULL);
    expect(world.cache, "b", NULL);
    assert_int_equal(remove_on_loop(world.cache, keys, 0).rc, 0);
}

static void failures_are_the_keys_own_there_too(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("mine"), apphost_str("theirs")};

    (void)state;
    set(world.cache, "mine", "1", apphost_expire_never());
    raw("ACL", "SETUSER", "default", "resetkeys", "~cachetest:mine", NULL);
    struct removed some = remove_on_loop(world.cache, keys, 2),
                   none = remove_on_loop(world.cache, keys + 1, 1);
    raw("ACL", "SETUSER", "default", "allkeys", NULL);
    assert_int_equal(some.rc, 1);
    assert_int_equal(some.outcomes[0].rc, 1);
    assert_int_equal(some.outcomes[1].rc, -1);
    assert_int_equal(some.outcomes[1].code, APPHOST_E_SERVER);
    assert_int_equal(some.code, APPHOST_OK);
    assert_int_equal(none.rc, -1);
    assert_int_equal(none.outcomes[0].rc, -1);
    assert_int_equal(none.code, APPHOST_E_SERVER);
}

/* By rights, and by the command map. */
static void and_it_works_without_unlink(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("b")};

    (void)state;
    set(world.strict, "a", "1", apphost_expire_never());
    raw("ACL", "SETUSER", "default", "-unlink", NULL);
    struct removed removed = remove_on_loop(world.strict, keys, 2);
    raw("ACL", "SETUSER", "default", "+unlink", NULL);
    assert_int_equal(removed.rc, 1);
    expect(world.strict, "a", NULL);
    set(world.strict, "b", "2", apphost_expire_never());
    assert_int_equal(remove_on_loop(world.strict, keys, 2).rc, 1);
}

static void bad_calls_are_refused(void **state)
{
    const struct apphost_bytes lacking = {NULL, 0};
    const struct apphost_keys bad_key = {&lacking, 1}, no_items = {NULL, 1};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct removed unused = {0};
    struct apphost_error error;

    (void)state;
    assert_null(apphost_cache_remove_many_start(world.cache, queue, &bad_key, on_removed, &unused, &error));
    assert_string_equal(error.parameter, "key");
    assert_null(apphost_cache_remove_many_start(world.cache, queue, &no_items, on_removed, &unused, &error));
    assert_null(apphost_cache_remove_many_start(world.cache, queue, NULL, on_removed, &unused, &error));
    assert_string_equal(error.parameter, "keys");
    assert_null(apphost_cache_remove_many_start(NULL, queue, &bad_key, on_removed, &unused, &error));
    assert_string_equal(error.parameter, "cache");
    assert_null(apphost_cache_remove_many_start(world.cache, NULL, &bad_key, on_removed, &unused, &error));
    assert_int_equal(apphost_queue_pending(queue), 0);
    apphost_queue_free(queue);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_has_its_result),     cmocka_unit_test(bad_arguments_are_errors),
        cmocka_unit_test(failures_are_the_keys_own),   cmocka_unit_test(works_without_unlink),
        cmocka_unit_test(the_same_without_waiting),    cmocka_unit_test(failures_are_the_keys_own_there_too),
        cmocka_unit_test(and_it_works_without_unlink), cmocka_unit_test(bad_calls_are_refused),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
