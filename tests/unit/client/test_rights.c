/* room: client_redis */
/*
 * Users who may not do everything, on a real server: all or nothing, no entry without its expiry, and an
 * error that names the right.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <apphost/hybrid.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct server server;

static struct apphost_host *open_as(const char *rights, bool is_strict)
{
    const struct apphost_cache_options options = {.strict_wire = is_strict};
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options host_options = {.config = config};
    char text[128];

    sprintf(text, "ACL SETUSER u reset on >p ~* %s", rights);
    free(server_ask(&server, text));
    snprintf(text, sizeof(text), "127.0.0.1:%d,user=u,password=p,syncTimeout=30000,asyncTimeout=30000",
             server.port);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&host_options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, &options, NULL), 0);
    free(server_ask(&server, "FLUSHALL"));
    return host;
}

enum way { BLOCKING, ASYNCHRONOUS, WAYS };

static int set_by(enum way way, struct apphost_cache *cache, struct apphost_error *error)
{
    const struct apphost_entry entry = {apphost_str("k"), apphost_str("v"), apphost_expire_in(60000)};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct outcome outcome = {0};
    int rc = -1;

    if (way == BLOCKING) {
        rc = apphost_cache_set_many(cache, &entry, 1, error);
    } else if (apphost_cache_set_start(cache, queue, &entry, on_result, &outcome, error)) {
        dispatch(queue, &outcome, 1);
        rc = outcome.rc;
        error->code = outcome.code;
    }
    apphost_queue_free(queue);
    return rc;
}

static void without_transactions_nothing_is_written(void **state)
{
    static const char *const rights[] = {"+@all -multi", "+@all -exec"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (enum way way = BLOCKING; way < WAYS; way++) {
            struct apphost_error error = {0};
            struct apphost_host *host = open_as(rights[i], false);

            assert_int_equal(set_by(way, apphost_host_cache(host, NULL, NULL), &error), -1);
            assert_int_equal(error.code, APPHOST_E_SERVER);
            if (way == BLOCKING)
                assert_non_null(strstr(error.text, i ? "+exec" : "+multi"));
            /* The second time it is up, and no backlog is between. */
            assert_int_equal(set_by(way, apphost_host_cache(host, NULL, NULL), &error), -1);
            assert_int_equal(server_ask_number(&server, "DBSIZE"), 0);
            apphost_host_free(host);
        }
    }
    struct apphost_error error = {0};
    struct apphost_host *host = open_as("+@all -multi -exec", true);
    ok(set_by(BLOCKING, apphost_host_cache(host, NULL, NULL), &error), &error);
    assert_int_equal(server_ask_number(&server, "DBSIZE"), 1);
    apphost_host_free(host);
}

/* While it is connected. The transaction that is on its way meets the new rights; none after it is lost in
 * it. */
static void rights_that_are_taken_away(void **state)
{
    struct apphost_error error = {0};
    struct apphost_host *host = open_as("+@all", false);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);

    (void)state;
    ok(set_by(BLOCKING, cache, &error), &error);
    free(server_ask(&server, "ACL SETUSER u -exec"));
    assert_int_equal(set_by(BLOCKING, cache, &error), -1);
    if (!strstr(error.text, "exec"))
        fail_msg("%s", error.text);
    free(server_ask(&server, "ACL SETUSER u +exec"));
    int rc = -1;
    for (int i = 0; i < 3000 && (rc = set_by(BLOCKING, cache, &error)) < 0; i++)
        poll(NULL, 0, 10);
    ok(rc, &error);
    expect(cache, "k", "v");
    apphost_host_free(host);
}

static void no_number_without_its_expiry(void **state)
{
    struct apphost_error error = {0};
    struct apphost_host *host = open_as("+@all -expire -pexpire", false);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    int64_t sum;

    (void)state;
    assert_int_equal(
        apphost_cache_increment(cache, apphost_str("n"), 1, apphost_expire_in(60000), &sum, &error), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_int_equal(server_ask_number(&server, "DBSIZE"), 0);
    apphost_host_free(host);
}

static void no_prefix_without_its_expiry(void **state)
{
    struct apphost_error error = {0};
    struct apphost_host *host = open_as("+@all -expire -pexpire", false);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);

    (void)state;
    assert_int_equal(apphost_hybrid_remove_by_prefix(cache, apphost_str("user:"), &error), -1);
    assert_int_equal(error.code, APPHOST_E_SERVER);
    assert_int_equal(server_ask_number(&server, "DBSIZE"), 0);
    apphost_host_free(host);
}

static void a_number_has_its_expiry_at_once(void **state)
{
    struct apphost_error error = {0};
    struct apphost_host *host = open_as("+@all", false);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    int64_t sum;

    (void)state;
    ok(apphost_cache_increment(cache, apphost_str("n"), 2, apphost_expire_in(60000), &sum, &error), &error);
    assert_true(server_ask_number(&server, "PTTL n") > 0);
    ok(apphost_cache_increment(cache, apphost_str("n"), 3, apphost_expire_in(900000), &sum, &error), &error);
    assert_int_equal(sum, 5);
    assert_true(server_ask_number(&server, "PTTL n") <= 60000);
    assert_int_equal(server_ask_number(&server, "DBSIZE"), 1);
    /* Below a second is over at once, as everywhere. */
    ok(apphost_cache_increment(cache, apphost_str("m"), 1, apphost_expire_in(500), &sum, &error), &error);
    for (int i = 0; i < 2000 && server_ask_number(&server, "EXISTS m"); i++)
        poll(NULL, 0, 1);
    assert_int_equal(server_ask_number(&server, "DBSIZE"), 1);
    /* One that never expires keeps that. */
    ok(apphost_cache_increment(cache, apphost_str("f"), 1, apphost_expire_never(), &sum, &error), &error);
    ok(apphost_cache_increment(cache, apphost_str("f"), 1, apphost_expire_in(60000), &sum, &error), &error);
    assert_int_equal(sum, 2);
    assert_int_equal(server_ask_number(&server, "PTTL f"), -1);
    apphost_host_free(host);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&server, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    server_stop(&server);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_transactions_nothing_is_written),
        cmocka_unit_test(rights_that_are_taken_away),
        cmocka_unit_test(no_number_without_its_expiry),
        cmocka_unit_test(no_prefix_without_its_expiry),
        cmocka_unit_test(a_number_has_its_expiry_at_once),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
