/* room: client_cache */
/*
 * Get-or-create against a server with a script: who creates when answers come in an unlucky order. Nobody
 * does twice, and nobody waits for himself.
 */
#include "cachetest.h"
#include "puppet.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int create(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)error;
    ++*(int *)user;
    *data = strdup("made");
    *len = 4;
    return 0;
}

/* What get-or-create gives against the script, in `text`; the number of creations. */
static int run(const struct answer *once, const struct answer *script, char text[16])
{
    struct puppet puppet;
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    struct apphost_value value;
    struct apphost_error error = {0};
    char connection[64];
    int creations = 0;
    const struct apphost_create how = {.create = create, .user = &creations, .lease_ms = 60000};

    puppet_start_once(&puppet, once, script);
    snprintf(connection, sizeof(connection), "127.0.0.1:%d", puppet.port);
    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    ok(apphost_cache_get_or_create(apphost_host_cache(host, NULL, NULL), apphost_str("k"), &how, &value,
                                   &error),
       &error);
    snprintf(text, 16, "%s", value.data);
    apphost_value_free(&value);
    apphost_host_free(host);
    puppet_stop(&puppet);
    return creations;
}

#define MISS "*3\r\n$-1\r\n$-1\r\n$-1\r\n"
#define HIT "*3\r\n$2\r\n-1\r\n$2\r\n-1\r\n$5\r\nother\r\n"

/* The other sets its value and gives its lease back between our look at the value and our next try. */
static void the_lease_may_come_after_the_value(void **state)
{
    static const struct answer once[] = {
        {"HMGET", MISS}, {"HMGET", MISS}, {"SET k:lease", "$-1\r\n"}, {NULL, NULL}};
    static const struct answer script[] = {
        {"HMGET", HIT}, {"SET k:lease", "+OK\r\n"}, {"GET", "$1\r\nx\r\n"}, {NULL, NULL}};
    char text[16];

    (void)state;
    assert_int_equal(run(once, script, text), 0);
    assert_string_equal(text, "other");
}

/* The answer to the first SET is lost with its connection, and the second finds the lease taken: by itself.
 */
static void its_own_lease_is_recognised(void **state)
{
    static const struct answer once[] = {{"SET k:lease", PUPPET_HANGS_UP}, {NULL, NULL}};
    static const struct answer script[] = {
        {"HMGET", MISS}, {"SET k:lease", "$-1\r\n"}, {"GET", PUPPET_LAST_SET}, {NULL, NULL}};
    char text[16];

    (void)state;
    assert_int_equal(run(once, script, text), 1);
    assert_string_equal(text, "made");
}

/* ---- Called off ---- */

struct waiter {
    struct apphost_cache *cache;
    struct apphost_limits limits;
    struct apphost_create how;
    int creations, rc;
    struct apphost_error error;
};

static void *wait_for_other(void *user)
{
    struct waiter *waiter = user;
    struct apphost_value value = {0};

    apphost_limits_set(&waiter->limits);
    waiter->rc =
        apphost_cache_get_or_create(waiter->cache, apphost_str("k"), &waiter->how, &value, &waiter->error);
    apphost_value_free(&value);
    return NULL;
}

static struct apphost_host *open_at(int port)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char connection[64];

    snprintf(connection, sizeof(connection), "127.0.0.1:%d", port);
    apphost_config_set(config, "ConnectionStrings:cache", connection, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, NULL, NULL), 0);
    return host;
}

static void await_heard(struct puppet *puppet, const char *words)
{
    static char heard[sizeof(puppet->heard)];

    for (int i = 0; i < 6000; i++) {
        puppet_heard(puppet, heard, sizeof(heard));
        if (strstr(heard, words))
            return;
        poll(NULL, 0, 10);
    }
    fail_msg("%s was never sent", words);
}

/* Another process has the lease, and never comes to an end. */
static void who_is_called_off_creates_nothing(void **state)
{
    static const struct answer script[] = {
        {"HMGET", MISS}, {"SET k:lease", "$-1\r\n"}, {"GET", "$1\r\nx\r\n"}, {NULL, NULL}};
    struct apphost_cancel *cancel = apphost_cancel_new();
    struct puppet puppet;
    pthread_t thread;

    (void)state;
    puppet_start(&puppet, script);
    struct apphost_host *host = open_at(puppet.port);
    struct waiter waiter = {.cache = apphost_host_cache(host, NULL, NULL), .limits.cancel = cancel};
    waiter.how = (struct apphost_create){.create = create, .user = &waiter.creations, .lease_ms = 600000};
    assert_int_equal(pthread_create(&thread, NULL, wait_for_other, &waiter), 0);
    await_heard(&puppet, "SET k:lease");
    apphost_cancel(cancel);
    pthread_join(thread, NULL);
    assert_int_equal(waiter.rc, -1);
    assert_int_equal(waiter.error.code, APPHOST_E_CANCELLED);
    assert_int_equal(waiter.creations, 0);
    /* Its time is up: the same. */
    waiter.limits = (struct apphost_limits){.timeout_ms = 50};
    wait_for_other(&waiter);
    apphost_limits_set(NULL);
    assert_int_equal(waiter.rc, -1);
    assert_int_equal(waiter.error.code, APPHOST_E_TIMEOUT);
    assert_int_equal(waiter.creations, 0);
    apphost_host_free(host);
    puppet_stop(&puppet);
    apphost_cancel_free(cancel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lease_may_come_after_the_value),
        cmocka_unit_test(its_own_lease_is_recognised),
        cmocka_unit_test(who_is_called_off_creates_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
