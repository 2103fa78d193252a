/* room: client_cache */
/*
 * What level one knew last: a stale value while Redis is away, and no answer about what was removed. A server
 * of the test's own is killed and comes back; a gate holds back what it says.
 */
#include "gate.h"
#include "server.h"

#include <apphost/apphost.h>
#include <apphost/hybrid.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { PATIENCE_S = 60, LONG_MS = 600000, HASTE_MS = 50 };

struct away {
    struct server server;
    struct gate gate;
    bool has_gate;
    struct apphost_host *host;
    struct apphost_cache *cache, *other; /* the other has no level one: it stands for another process */
    int made;
    bool is_broken, is_patient;
};

static struct away f;

static void use_patience(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_set(options, "deadPeerTimeout", "600000", NULL), 0);
}

static void open_caches(int port, const struct apphost_cache_options *options)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options of_host = {.config = config};
    const struct apphost_client_options client = {.options = use_patience};
    const struct apphost_cache_options plain = {.instance_name = "app:"};
    struct apphost_cache_options kept = *options;
    char text[200];

    kept.instance_name = "app:";
    kept.level_one_bytes = 1000000;
    snprintf(text, sizeof(text), "127.0.0.1:%d,syncTimeout=60000", port);
    assert_int_equal(apphost_config_set(config, "ConnectionStrings:cache", text, NULL), 0);
    f.host = apphost_host_new(&of_host, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(f.host, "cache", &client, &kept, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(f.host, NULL, "other", &plain, NULL), 0);
    f.cache = apphost_host_cache(f.host, NULL, NULL);
    f.other = apphost_host_cache(f.host, "other", NULL);
}

static int set_up(void **state)
{
    (void)state;
    memset(&f, 0, sizeof(f));
    server_start(&f.server, NULL);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    apphost_limits_set(NULL);
    apphost_host_free(f.host);
    if (f.has_gate)
        gate_stop(&f.gate);
    server_stop(&f.server);
    return 0;
}

static int make(void *user, void **data, size_t *len, struct apphost_error *error)
{
    char text[32];

    (void)user;
    f.made++;
    if (f.is_broken) {
        snprintf(error->text, sizeof(error->text), "the factory is broken");
        return -1;
    }
    *len = (size_t)snprintf(text, sizeof(text), "made %d", f.made);
    *data = strdup(text);
    return 0;
}

static struct apphost_hybrid plan(void)
{
    static const struct apphost_bytes tag = {"red", 3};

    return (struct apphost_hybrid){.create = make,
                                   .expire_ms = LONG_MS,
                                   .stale_ms = LONG_MS,
                                   .throttle_ms = 1,
                                   .tags = &tag,
                                   .tag_count = 1};
}

static bool is_late(time_t began)
{
    const struct timespec moment = {0, 2000000};

    nanosleep(&moment, NULL);
    return time(NULL) - began > PATIENCE_S;
}

/* What is asked for with it, for free(3) in *text. */
static int ask(const struct apphost_hybrid *how, char **text, struct apphost_error *error)
{
    struct apphost_value value;
    int rc = apphost_hybrid_get_or_create(f.cache, apphost_str("k"), how, &value, error);

    *text = value.data ? strdup(value.data) : NULL;
    apphost_value_free(&value);
    return rc;
}

static void expect_asked(const struct apphost_hybrid *how, int rc, const char *data)
{
    struct apphost_error error = {0};
    char *text;
    int got = ask(how, &text, &error);

    if (got != rc)
        fail_msg("%d: %s", got, error.text);
    if (data)
        assert_string_equal(text, data);
    free(text);
}

static uint64_t operations(void)
{
    struct apphost_cache_stats now;

    apphost_cache_stats(f.cache, &now);
    return now.operations;
}

/* Made, and read until that needs no server. */
static void warm(const struct apphost_hybrid *how)
{
    uint64_t before = 0;

    expect_asked(how, APPHOST_CREATED, "made 1");
    for (time_t began = time(NULL); operations() != before; assert_false(is_late(began))) {
        before = operations();
        expect_asked(how, APPHOST_FRESH, "made 1");
    }
}

/* The server is gone, and that is known; from now on calls need not wait for long. */
static void lose(const struct apphost_hybrid *how)
{
    const struct apphost_limits haste = {.timeout_ms = HASTE_MS};
    int rc = APPHOST_FRESH;

    server_kill(&f.server, true);
    if (!f.is_patient)
        apphost_limits_set(&haste);
    for (time_t began = time(NULL); rc == APPHOST_FRESH; assert_false(is_late(began))) {
        char *text;

        rc = ask(how, &text, NULL);
        free(text);
    }
}

/* ---- Away ---- */

static void what_was_known_last_instead_of_an_error(void **state)
{
    const struct apphost_cache_options options = {0};
    struct apphost_hybrid how = plan();
    struct apphost_cache_stats before, after;
    struct apphost_error error;
    struct apphost_value value;

    (void)state;
    open_caches(f.server.port, &options);
    warm(&how);
    lose(&how);
    apphost_cache_stats(f.cache, &before);
    expect_asked(&how, APPHOST_STALE, "made 1");
    apphost_cache_stats(f.cache, &after);
    assert_int_equal(after.stale - before.stale, 1);
    assert_int_equal(f.made, 1); /* what cannot be kept is not made */
    /* Who wants none that is stale has the error, and so has who asks for what nobody has read. */
    how.stale_ms = 0;
    assert_int_equal(apphost_hybrid_get_or_create(f.cache, apphost_str("k"), &how, &value, &error), -1);
    assert_int_equal(apphost_hybrid_get(f.cache, apphost_str("k"), &value, &error), -1);
    how.stale_ms = LONG_MS;
    assert_int_equal(apphost_hybrid_get_or_create(f.cache, apphost_str("k2"), &how, &value, &error), -1);
    /* Back, and empty: it is made anew. */
    apphost_limits_set(NULL);
    server_again(&f.server, NULL);
    for (time_t began = time(NULL); f.made == 1; assert_false(is_late(began))) {
        char *text;

        ask(&how, &text, NULL);
        free(text);
    }
    expect_asked(&how, APPHOST_FRESH, "made 2");
}

static void with_fail_open_it_is_made_first(void **state)
{
    const struct apphost_cache_options options = {.fail_open = true};
    const struct apphost_hybrid how = plan();

    (void)state;
    open_caches(f.server.port, &options);
    warm(&how);
    lose(&how);
    int before = f.made;
    char text[32];
    snprintf(text, sizeof(text), "made %d", before + 1);
    expect_asked(&how, APPHOST_CREATED, text);
    f.is_broken = true;
    expect_asked(&how, APPHOST_STALE, "made 1");
    assert_int_equal(f.made, before + 2);
}

static void also_while_the_circuit_is_open(void **state)
{
    const struct apphost_cache_options options = {.breaker_failures = 1, .breaker_pause_ms = LONG_MS};
    const struct apphost_hybrid how = plan();
    struct apphost_cache_stats before, after;

    (void)state;
    open_caches(f.server.port, &options);
    warm(&how);
    lose(&how);
    apphost_cache_stats(f.cache, &before);
    expect_asked(&how, APPHOST_STALE, "made 1");
    apphost_cache_stats(f.cache, &after);
    assert_true(after.short_circuits > before.short_circuits);
}

/* Redis is waited for as long as a creation would be: all five together do not take what one would otherwise.
 */
static void the_soft_time_out_is_for_redis_too(void **state)
{
    const struct apphost_cache_options options = {.timeout_ms = 20000};
    struct apphost_hybrid how = plan();
    struct apphost_cache_stats before, after;

    (void)state;
    how.soft_ms = 20;
    f.is_patient = true;
    open_caches(f.server.port, &options);
    warm(&how);
    lose(&how);
    apphost_cache_stats(f.cache, &before);
    for (int i = 0; i < 5; i++)
        expect_asked(&how, APPHOST_STALE, "made 1");
    apphost_cache_stats(f.cache, &after);
    assert_true(after.latency_us_total - before.latency_us_total < 20000000);
}

static void what_was_removed_is_not_given(void **state)
{
    const struct apphost_cache_options options = {0};
    const struct apphost_hybrid how = plan();
    struct apphost_error error;
    struct apphost_value value;

    (void)state;
    open_caches(f.server.port, &options);
    warm(&how);
    assert_int_equal(apphost_hybrid_remove_by_tag(f.cache, apphost_str("red"), &error), 0);
    lose(&how);
    assert_int_equal(apphost_hybrid_get_or_create(f.cache, apphost_str("k"), &how, &value, &error), -1);
}

static void nor_what_is_removed_meanwhile(void **state)
{
    const struct apphost_cache_options options = {0};
    const struct apphost_hybrid how = plan();
    struct apphost_error error;
    struct apphost_value value;

    (void)state;
    open_caches(f.server.port, &options);
    warm(&how);
    lose(&how);
    assert_int_equal(apphost_cache_remove(f.cache, apphost_str("k"), &error), -1);
    assert_int_equal(apphost_hybrid_get_or_create(f.cache, apphost_str("k"), &how, &value, &error), -1);
}

/* ---- Removed, and there again ---- */

/* The server's word of the new entry is held back: level one has what was removed, and knows that it was. */
static void the_server_is_asked_about_what_was_removed(void **state)
{
    const struct apphost_cache_options options = {0};
    const struct apphost_hybrid how = plan();
    struct apphost_value value;

    (void)state;
    gate_start(&f.gate, f.server.port);
    f.has_gate = true;
    open_caches(f.gate.port, &options);
    assert_int_equal(apphost_cache_get(f.other, apphost_str("k"), &value, NULL),
                     0); /* the first connection */
    warm(&how);
    assert_int_equal(f.gate.count, 2);
    gate_shut(&f.gate, 1, GATE_DOWN, 0);
    assert_int_equal(apphost_hybrid_remove_by_tag(f.cache, apphost_str("red"), NULL), 0);
    assert_int_equal(apphost_hybrid_set(f.other, apphost_str("k"), apphost_str("new"), &how, NULL), 0);
    assert_int_equal(apphost_hybrid_get(f.cache, apphost_str("k"), &value, NULL), 1);
    assert_string_equal(value.data, "new");
    apphost_value_free(&value);
    gate_open(&f.gate, 1, GATE_DOWN);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_was_known_last_instead_of_an_error),
        T(with_fail_open_it_is_made_first),
        T(also_while_the_circuit_is_open),
        T(the_soft_time_out_is_for_redis_too),
        T(what_was_removed_is_not_given),
        T(nor_what_is_removed_meanwhile),
        T(the_server_is_asked_about_what_was_removed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
