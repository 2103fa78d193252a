/* room: client_cache */
/*
 * Get-or-create against a server with a script: who creates when answers come in an unlucky order. Nobody
 * does twice, and nobody waits for himself.
 */
#include "cachetest.h"
#include "puppet.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_lease_may_come_after_the_value),
        cmocka_unit_test(its_own_lease_is_recognised),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
