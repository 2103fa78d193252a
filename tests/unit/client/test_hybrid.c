/* room: client_cache */
/*
 * Entries of HybridCache: fresh, stale, removed by tag and prefix; creations that take long, fail, or go on
 * when their callers have left. What takes long waits for the test, nothing for a clock.
 */
#include "factory.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void await_hybrid(const char *data)
{
    for (time_t began = time(NULL);; poll(NULL, 0, 2)) {
        struct apphost_value value;
        bool is_there = apphost_hybrid_get(world.cache, apphost_str("k"), &value, NULL) == 1 &&
                        strcmp(value.data, data) == 0;

        apphost_value_free(&value);
        if (is_there)
            return;
        assert_true(time(NULL) - began < PATIENCE_S);
    }
}

/* ---- Once ---- */

static void created_once_then_fresh(void **state)
{
    struct apphost_hybrid how = plan();

    (void)state;
    expect_made(&how, APPHOST_CREATED, "made 1");
    expect_made(&how, APPHOST_FRESH, "made 1");
    expect_hybrid("k", "made 1");
    expect_ttl("cachetest:k", 590000, 600000);
    assert_int_equal(f.released, 2);
    expect_hybrid("other", NULL);
    how.stale_ms = 1000000;
    put("k", "mine", &how);
    expect_hybrid("k", "mine");
    expect_ttl("cachetest:k", 1590000, 1600000);
}

static void add_endpoint(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_add_endpoint(options, world.endpoint, NULL), 0);
}

/* Where a call says nothing, the configuration does. */
static void the_configuration_has_the_defaults(void **state)
{
    static const char section[] = "Aspire:StackExchange:Redis:DefaultEntryOptions";
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_client_options client = {.options = add_endpoint};
    const struct apphost_cache_options kept = {.instance_name = "cachetest:"};
    struct apphost_hybrid how = plan();
    char expiration[96], stale[96];

    (void)state;
    snprintf(expiration, sizeof(expiration), "%s:Expiration", section);
    snprintf(stale, sizeof(stale), "%s:FailSafeMaxDuration", section);
    assert_int_equal(apphost_config_set(config, expiration, "00:01:40", NULL), 0);
    assert_int_equal(apphost_config_set(config, stale, "00:15:00", NULL), 0);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", &client, &kept, NULL), 0);
    struct apphost_cache *usual = world.cache;
    world.cache = apphost_host_cache(host, NULL, NULL);
    put("k", "mine", NULL);
    expect_ttl("cachetest:k", 900000, 1000000);
    apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    how.expire_ms = 0;
    expect_made(&how, APPHOST_CREATED, "made 1");
    expect_ttl("cachetest:k", 900000, 1000000);
    apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    how.expire_ms = 600000; /* the call's own wins */
    expect_made(&how, APPHOST_CREATED, "made 2");
    expect_ttl("cachetest:k", 1400000, 1500000);
    world.cache = usual;
    apphost_host_free(host);
}

static void what_is_no_envelope_is_a_miss(void **state)
{
    struct apphost_hybrid how = plan();

    (void)state;
    set(world.cache, "k", "plain", apphost_expire_never());
    expect_hybrid("k", NULL);
    expect_made(&how, APPHOST_CREATED, "made 1");
    /* An envelope under another key is not its. */
    raw("COPY", "cachetest:k", "cachetest:stolen", NULL);
    expect_hybrid("stolen", NULL);
}

static void nothing_is_a_result_that_is_not_kept(void **state)
{
    struct apphost_hybrid how = plan();

    (void)state;
    f.is_empty = true;
    expect_made(&how, APPHOST_CREATED, NULL);
    expect_made(&how, APPHOST_CREATED, NULL);
    assert_int_equal(f.count, 2);
}

/* ---- Removing many ---- */

static void tags_and_prefixes_remove(void **state)
{
    const struct apphost_bytes tags[] = {apphost_str("red"), apphost_str("blue")};
    const struct apphost_hybrid both = {.tags = tags, .tag_count = 2}, red = {.tags = tags, .tag_count = 1};
    struct apphost_error error;

    (void)state;
    put("user:1", "a", &both);
    put("user:2", "b", &red);
    put("item:1", "c", NULL);
    ok(apphost_hybrid_remove_by_tag(world.cache, apphost_str("blue"), &error), &error);
    expect_hybrid("user:1", NULL);
    expect_hybrid("user:2", "b");
    put("user:1", "again", &both);
    expect_hybrid("user:1", "again");
    ok(apphost_hybrid_remove_by_prefix(world.cache, apphost_str("user:"), &error), &error);
    expect_hybrid("user:1", NULL);
    expect_hybrid("user:2", NULL);
    expect_hybrid("item:1", "c");
    put("user:2", "new", &red);
    expect_hybrid("user:2", "new");
    ok(apphost_hybrid_remove_by_prefix(world.cache, apphost_str(""), &error), &error);
    expect_hybrid("item:1", NULL);
    expect_hybrid("user:2", NULL);
    put("item:1", "d", NULL);
    ok(apphost_hybrid_remove_by_tag(world.cache, apphost_str("*"), &error), &error);
    expect_hybrid("item:1", NULL);
    assert_int_equal(apphost_hybrid_remove_by_tag(world.cache, apphost_str(""), &error), -1);
}

/* It is gone, and not merely old. */
static void what_was_removed_is_not_given_as_stale(void **state)
{
    const struct apphost_bytes tag = apphost_str("red");
    struct apphost_hybrid how = plan();
    struct apphost_value value;
    struct apphost_error error;

    (void)state;
    how.stale_ms = 600000;
    how.tags = &tag;
    how.tag_count = 1;
    expect_made(&how, APPHOST_CREATED, "made 1");
    ok(apphost_hybrid_remove_by_tag(world.cache, tag, &error), &error);
    f.is_broken = true;
    assert_int_equal(apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), -1);
    assert_string_equal(error.text, "the factory is broken");
    f.is_broken = false;
    expect_made(&how, APPHOST_CREATED, "made 3");
}

/* ---- Stale values ---- */

static void a_stale_value_instead_of_an_error(void **state)
{
    struct apphost_cache_stats before, after;
    struct apphost_hybrid how = plan();

    (void)state;
    how.stale_ms = 600000;
    put_old("old");
    apphost_cache_stats(world.cache, &before);
    f.is_broken = true;
    expect_made(&how, APPHOST_STALE, "old");
    f.is_broken = false;
    expect_made(&how, APPHOST_STALE, "old"); /* it is not tried again so soon */
    assert_int_equal(f.count, 1);
    apphost_cache_stats(world.cache, &after);
    assert_int_equal(after.stale - before.stale, 2);
    assert_int_equal(after.creation_failures - before.creation_failures, 1);
    assert_int_equal(f.released, 2);
    /* Who wants none that is stale creates. */
    how.stale_ms = 0;
    expect_made(&how, APPHOST_CREATED, "made 2");
}

static void the_soft_time_out_gives_the_stale_value(void **state)
{
    struct apphost_hybrid how = plan();

    (void)state;
    how.stale_ms = 600000;
    how.soft_ms = 20;
    how.throttle_ms = 1;
    put_old("old");
    f.is_closed = true;
    expect_made(&how, APPHOST_STALE, "old");
    await_count(&f.count, 1);
    assert_int_equal(f.released, 0);
    change(&f.is_closed, false);
    await_count(&f.released, 1);
    await_hybrid("made 1");
    expect_made(&how, APPHOST_FRESH, "made 1");
    assert_int_equal(f.count, 1);
}

static void the_hard_time_out_is_an_error(void **state)
{
    struct apphost_hybrid how = plan();
    struct apphost_value value;
    struct apphost_error error;

    (void)state;
    how.hard_ms = 20;
    f.is_closed = true;
    assert_int_equal(apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    assert_string_equal(error.parameter, "hard_ms");
    await_count(&f.count, 1);
    /* The next joins the same creation, which goes on. */
    assert_int_equal(apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), -1);
    change(&f.is_closed, false);
    await_hybrid("made 1");
    await_count(&f.released, 2);
    assert_int_equal(f.count, 1);
}

static void eager_refresh_makes_it_anew_while_it_is_fresh(void **state)
{
    struct apphost_hybrid how = plan();
    int calls = 0;

    (void)state;
    how.eager_percent = 1;
    /* One hundredth of a minute: what comes after it is fresh for long. */
    const struct apphost_hybrid brief = {.expire_ms = 60000};
    put("k", "first", &brief);
    for (time_t began = time(NULL); f.count == 0; assert_true(time(NULL) - began < PATIENCE_S)) {
        struct apphost_value value;
        int rc = apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, NULL);

        assert_int_equal(rc, APPHOST_FRESH);
        calls++;
        apphost_value_free(&value);
    }
    await_hybrid("made 1");
    assert_int_equal(f.count, 1);
    await_count(&f.released, calls); /* the last one in the background, after its value is there */
}

/* ---- Together ---- */

static void *ask(void *user)
{
    struct apphost_value value;
    int rc = apphost_hybrid_get_or_create(world.cache, apphost_str("k"), user, &value, NULL);

    assert_int_equal(rc >= 0, 1);
    assert_string_equal(value.data, "made 1");
    apphost_value_free(&value);
    return NULL;
}

static void many_threads_one_creation(void **state)
{
    enum { THREADS = 16 };
    pthread_t threads[THREADS];

    (void)state;
    for (int with_limit = 0; with_limit < 2; with_limit++) {
        struct apphost_hybrid how = plan();

        how.hard_ms = with_limit ? 60000 : 0;
        how.lease_ms = 60000;
        apphost_cache_remove(world.cache, apphost_str("k"), NULL);
        f.is_closed = true;
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, ask, &how), 0);
        await_count(&f.count, 1);
        change(&f.is_closed, false);
        for (int i = 0; i < THREADS; i++)
            pthread_join(threads[i], NULL);
        await_count(&f.released, THREADS);
        assert_int_equal(f.count, 1);
        assert_int_equal(f.released, THREADS);
    }
}

/* ---- On a loop ---- */

struct answer {
    int rc, count;
    char data[512];
};

static void on_answer(void *user, const struct apphost_result *result)
{
    struct answer *answer = user;

    answer->rc = result->rc;
    answer->count++;
    snprintf(answer->data, sizeof(answer->data), "%s", result->data ? result->data : result->error->text);
}

static void dispatch(struct apphost_queue *queue, const struct answer *answer, int count)
{
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};

    while (answer->count < count) {
        assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
        apphost_queue_dispatch(queue);
    }
}

static void asynchronously_as_well(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_hybrid_request request = {apphost_str("k"), plan()};
    struct answer answer = {0};
    struct apphost_error error;

    (void)state;
    assert_non_null(
        apphost_hybrid_get_or_create_start(world.cache, queue, &request, on_answer, &answer, &error));
    dispatch(queue, &answer, 1);
    assert_int_equal(answer.rc, APPHOST_CREATED);
    assert_string_equal(answer.data, "made 1");
    apphost_cache_remove(world.cache, apphost_str("k"), NULL);
    f.is_broken = true;
    assert_non_null(
        apphost_hybrid_get_or_create_start(world.cache, queue, &request, on_answer, &answer, &error));
    dispatch(queue, &answer, 2);
    assert_int_equal(answer.rc, -1);
    assert_string_equal(answer.data, "the factory is broken");
    await_count(&f.released, 2);
    /* Cancelled, or its queue gone: it ends all the same, and says so. */
    f.is_broken = false;
    f.is_closed = true;
    struct apphost_call *call =
        apphost_hybrid_get_or_create_start(world.cache, queue, &request, on_answer, &answer, &error);
    apphost_call_cancel(call);
    assert_non_null(
        apphost_hybrid_get_or_create_start(world.cache, queue, &request, on_answer, &answer, &error));
    apphost_queue_free(queue);
    change(&f.is_closed, false);
    await_count(&f.released, 4);
    assert_int_equal(answer.count, 2);
}

/* ---- That there is nothing ---- */

static void that_there_is_nothing_is_kept(void **state)
{
    const struct apphost_bytes tag = apphost_str("red");
    struct apphost_hybrid how = plan();
    struct apphost_error error;

    (void)state;
    f.is_empty = true;
    how.nothing_ms = 100000;
    how.tags = &tag;
    how.tag_count = 1;
    expect_made(&how, APPHOST_CREATED, NULL);
    expect_made(&how, APPHOST_FRESH, NULL);
    assert_int_equal(f.count, 1);
    expect_ttl("cachetest:k", 90000, 100000);
    expect_hybrid("k", NULL); /* a miss for who reads it */
    how.nothing_ms = 0;       /* and who does not keep it creates */
    expect_made(&how, APPHOST_CREATED, NULL);
    how.nothing_ms = 100000;
    ok(apphost_hybrid_remove_by_tag(world.cache, tag, &error), &error);
    f.is_empty = false;
    expect_made(&how, APPHOST_CREATED, "made 3");
    expect_made(&how, APPHOST_FRESH, "made 3");
    how.nothing_ms = -1;
    assert_int_equal(apphost_hybrid_set(world.cache, apphost_str("k"), apphost_str("v"), &how, &error), -1);
    assert_string_equal(error.parameter, "nothing_ms");
}

static void bad_arguments_are_errors(void **state)
{
    struct apphost_hybrid how = plan();
    struct apphost_error error;
    struct apphost_value value;

    (void)state;
    how.eager_percent = 100;
    assert_int_equal(apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), -1);
    assert_string_equal(error.parameter, "eager_percent");
    assert_int_equal(f.released, 1);
    how = plan();
    how.create = NULL;
    assert_int_equal(apphost_hybrid_get_or_create(world.cache, apphost_str("k"), &how, &value, &error), -1);
    assert_string_equal(error.parameter, "create");
    how = plan();
    how.expire_ms = -1;
    assert_int_equal(apphost_hybrid_set(world.cache, apphost_str("k"), apphost_str("v"), &how, &error), -1);
    assert_string_equal(error.parameter, "expire_ms");
    assert_int_equal(apphost_hybrid_get(world.cache, apphost_str("k"), NULL, &error), -1);
    assert_null(apphost_hybrid_get_or_create_start(world.cache, NULL, NULL, on_answer, NULL, &error));
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(created_once_then_fresh),
        cmocka_unit_test(the_configuration_has_the_defaults),
        cmocka_unit_test(what_is_no_envelope_is_a_miss),
        cmocka_unit_test(nothing_is_a_result_that_is_not_kept),
        cmocka_unit_test(tags_and_prefixes_remove),
        cmocka_unit_test(what_was_removed_is_not_given_as_stale),
        cmocka_unit_test(a_stale_value_instead_of_an_error),
        cmocka_unit_test(the_soft_time_out_gives_the_stale_value),
        cmocka_unit_test(the_hard_time_out_is_an_error),
        cmocka_unit_test(eager_refresh_makes_it_anew_while_it_is_fresh),
        cmocka_unit_test(many_threads_one_creation),
        cmocka_unit_test(asynchronously_as_well),
        cmocka_unit_test(that_there_is_nothing_is_kept),
        cmocka_unit_test(bad_arguments_are_errors),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
