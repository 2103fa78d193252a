/* room: client_cache */
/* The world of the cache's tests. */
#include "cachetest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct world world;
static const char *target; /* host:port of a server that is not ours, or NULL */

int64_t unix_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void use_endpoint(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_add_endpoint(options, world.endpoint, NULL), 0);
    assert_int_equal(apphost_options_set(options, "allowAdmin", "true", NULL), 0);
}

static int set_up(void **state)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    const struct apphost_client_options client = {.options = use_endpoint};
    const struct apphost_cache_options usual = {.instance_name = "cachetest:"};
    const struct apphost_cache_options strict = {.instance_name = "cachetest:", .strict_wire = true};

    (void)state;
    if (!target)
        server_start(&world.server, NULL);
    snprintf(world.endpoint, sizeof(world.endpoint), "%s", target ? target : world.server.socket);
    world.host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(world.host, "cache", &client, &usual, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(world.host, NULL, "strict", &strict, NULL), 0);
    world.cache = apphost_host_cache(world.host, NULL, NULL);
    world.strict = apphost_host_cache(world.host, "strict", NULL);
    world.redis = apphost_host_redis(world.host, NULL, NULL);
    apphost_config_free(config);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    apphost_host_free(world.host);
    if (!target)
        server_stop(&world.server);
    return 0;
}

static int flush(void **state)
{
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    if (apphost_redis_execute(world.redis, &reply, &error, "FLUSHALL", NULL) < 0)
        fail_msg("%s", error.text);
    apphost_reply_free(reply);
    return 0;
}

/* ---- Helpers ---- */

void ok(int rc, const struct apphost_error *error)
{
    if (rc < 0 && error)
        fail_msg("%s", error->text);
    assert_true(rc >= 0);
}

void set(struct apphost_cache *cache, const char *key, const char *data, struct apphost_expiry expiry)
{
    struct apphost_error error = {0};

    ok(apphost_cache_set(cache, apphost_str(key), data, strlen(data), expiry, &error), &error);
}

void expect(struct apphost_cache *cache, const char *key, const char *data)
{
    struct apphost_error error = {0};
    char *text = NULL;
    int rc = apphost_cache_get_string(cache, key, &text, &error);

    ok(rc, &error);
    assert_int_equal(rc, data != NULL);
    if (data)
        assert_string_equal(text, data);
    else
        assert_null(text);
    free(text);
}

char *raw_text(const char *command, const char *key, const char *field)
{
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};
    char number[32];

    ok(apphost_redis_execute(world.redis, &reply, &error, command, key, field, NULL), &error);
    snprintf(number, sizeof(number), "%lld", (long long)apphost_reply_integer(reply));
    const char *text = apphost_reply_string(reply, NULL);
    char *copy = strdup(text ? text : apphost_reply_type(reply) == APPHOST_REPLY_NIL ? "nil" : number);
    apphost_reply_free(reply);
    return copy;
}

long long raw_number(const char *command, const char *key)
{
    char *text = raw_text(command, key, NULL);
    long long number = atoll(text);

    free(text);
    return number;
}

void expect_field(const char *key, const char *field, const char *value)
{
    char *text = raw_text("HGET", key, field);

    assert_string_equal(text, value);
    free(text);
}

void raw(const char *first, ...)
{
    const char *words[8] = {first};
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};
    size_t argc = 1;
    va_list args;

    va_start(args, first);
    while (argc < 8 && (words[argc] = va_arg(args, const char *)))
        argc++;
    va_end(args);
    ok(apphost_redis_command(world.redis, argc, words, NULL, &reply, &error), &error);
    apphost_reply_free(reply);
}

void expect_ttl(const char *key, long long least, long long most)
{
    long long ttl = raw_number("PTTL", key);

    if (ttl < least || ttl > most)
        fail_msg("PTTL of %s is %lld, not within %lld and %lld", key, ttl, least, most);
}

/* ---- Running ---- */

int run_on_server(struct CMUnitTest *tests, size_t count)
{
    target = getenv("APPHOST_TEST_SERVER");
    if (target && !*target)
        target = NULL;
    for (size_t i = 0; i < count; i++)
        tests[i].setup_func = flush;
    return _cmocka_run_group_tests(target ? target : "redis-server", tests, count, set_up, tear_down);
}
