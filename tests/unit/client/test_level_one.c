/* room: client_cache */
/* Level one of a cache, on a real server: what it saves, and that others' writes are seen. Everything is
 * waited for. */
#include "server.h"

#include <apphost/apphost.h>
#include <apphost/hybrid.h>
#include <apphost/queue.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

enum { PATIENCE_S = 60 };

struct fixture {
    struct server server;
    struct apphost_host *host;
    struct apphost_cache *cache, *other; /* the other has no level one: it stands for another process */
    const char *dead_ms;                 /* deadPeerTimeout; NULL: as it is */
};

static struct fixture f;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static char logged[1024];

static void take_log(void *user, enum apphost_log_level level, const char *category, const char *text)
{
    (void)user;
    (void)category;
    pthread_mutex_lock(&log_lock);
    if (level >= APPHOST_LOG_WARNING)
        snprintf(logged, sizeof(logged), "%s", text);
    pthread_mutex_unlock(&log_lock);
}

static void use_patience(struct apphost_options *options, void *user)
{
    (void)user;
    if (f.dead_ms)
        assert_int_equal(apphost_options_set(options, "deadPeerTimeout", f.dead_ms, NULL), 0);
}

static void open_caches(const char *more, bool has_replica)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .log = take_log};
    const struct apphost_cache_options kept = {.instance_name = "app:",
                                               .level_one_bytes = 1000000,
                                               .read_from_replica = has_replica},
                                       plain = {.instance_name = "app:"};
    const struct apphost_client_options client = {.options = use_patience};
    char text[200];

    snprintf(text, sizeof(text), "127.0.0.1:%d,allowAdmin=true%s", f.server.port, more);
    assert_int_equal(apphost_config_set(config, "ConnectionStrings:cache", text, NULL), 0);
    f.host = apphost_host_new(&options, NULL);
    assert_int_equal(apphost_host_add_redis_distributed_cache(f.host, "cache", &client, &kept, NULL), 0);
    assert_int_equal(apphost_host_with_distributed_cache(f.host, NULL, "other", &plain, NULL), 0);
    f.cache = apphost_host_cache(f.host, NULL, NULL);
    f.other = apphost_host_cache(f.host, "other", NULL);
    apphost_config_free(config);
    pthread_mutex_lock(&log_lock);
    logged[0] = '\0';
    pthread_mutex_unlock(&log_lock);
}

static int set_up(void **state)
{
    (void)state;
    server_start(&f.server, NULL);
    open_caches("", false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    apphost_host_free(f.host);
    server_stop(&f.server);
    return 0;
}

static void set(struct apphost_cache *cache, const char *key, const char *data, struct apphost_expiry expiry)
{
    struct apphost_error error;

    if (apphost_cache_set_string(cache, key, data, expiry, &error) < 0)
        fail_msg("%s", error.text);
}

/* What it reads, for free(3); NULL: nothing. */
static char *get(struct apphost_cache *cache, const char *key)
{
    struct apphost_error error;
    char *text = NULL;

    if (apphost_cache_get_string(cache, key, &text, &error) < 0)
        fail_msg("%s", error.text);
    return text;
}

static void expect(const char *key, const char *data)
{
    char *text = get(f.cache, key);

    assert_int_equal(text != NULL, data != NULL);
    if (data)
        assert_string_equal(text, data);
    free(text);
}

static struct apphost_cache_stats stats(void)
{
    struct apphost_cache_stats now;

    apphost_cache_stats(f.cache, &now);
    return now;
}

static bool is_late(time_t began)
{
    const struct timespec moment = {0, 2000000};

    nanosleep(&moment, NULL);
    return time(NULL) - began > PATIENCE_S;
}

/* Reads until one is answered here: then it is on, and has this key. */
static void await_hit(const char *key)
{
    uint64_t before = stats().level_one_hits;

    for (time_t began = time(NULL); stats().level_one_hits == before;) {
        free(get(f.cache, key));
        assert_false(is_late(began));
    }
}

static void await_value(const char *key, const char *data)
{
    for (time_t began = time(NULL);;) {
        char *text = get(f.cache, key);
        bool is_there = data ? text && strcmp(text, data) == 0 : !text;

        free(text);
        if (is_there)
            return;
        assert_false(is_late(began));
    }
}

static bool was_logged(const char *words)
{
    pthread_mutex_lock(&log_lock);
    bool is_there = strstr(logged, words) != NULL;
    pthread_mutex_unlock(&log_lock);
    return is_there;
}

static void await_log(const char *words)
{
    for (time_t began = time(NULL); !was_logged(words);) {
        free(get(f.cache, "k"));
        assert_false(is_late(began));
    }
}

static void reads_without_the_server(void **state)
{
    struct apphost_cache_stats before, after;

    (void)state;
    set(f.cache, "k", "v", apphost_expire_in(600000));
    await_hit("k");
    before = stats();
    for (int i = 0; i < 100; i++)
        expect("k", "v");
    after = stats();
    assert_int_equal(after.level_one_hits - before.level_one_hits, 100);
    assert_int_equal(after.hits - before.hits, 100);
    assert_int_equal(after.operations, before.operations);
    assert_int_equal(after.level_one_entries, 1);
}

static void others_writes_are_seen(void **state)
{
    (void)state;
    set(f.cache, "k", "mine", apphost_expire_never());
    await_hit("k");
    set(f.other, "k", "theirs", apphost_expire_never());
    await_value("k", "theirs");
    await_hit("k");
    assert_int_equal(apphost_cache_remove(f.other, apphost_str("k"), NULL), 1);
    await_value("k", NULL);
    set(f.other, "k", "again", apphost_expire_never());
    await_value("k", "again");
    await_hit("k");
    free(server_ask(&f.server, "FLUSHALL"));
    await_value("k", NULL);
}

static void own_writes_are_read_at_once(void **state)
{
    char text[16];
    int64_t sum;

    (void)state;
    set(f.cache, "k", "0", apphost_expire_never());
    await_hit("k");
    for (int i = 0; i < 500; i++) {
        const struct apphost_entry entry = {
            apphost_str("k"), {text, (size_t)snprintf(text, 16, "%d", i)}, apphost_expire_never()};

        assert_int_equal(apphost_cache_set_many(f.cache, &entry, 1, NULL), 0);
        expect("k", text);
        assert_int_equal(
            apphost_cache_increment(f.cache, apphost_str("k"), 1, apphost_expire_never(), &sum, NULL), 0);
        snprintf(text, sizeof(text), "%d", i + 1);
        expect("k", text);
    }
    apphost_cache_remove(f.cache, apphost_str("k"), NULL);
    expect("k", NULL);
}

static void count_done(void *user, const struct apphost_result *result)
{
    assert_int_equal(result->rc >= 0, 1);
    ++*(int *)user;
}

/* Also those of the other kind of calls, when they call back. */
static void own_asynchronous_writes_as_well(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    const struct apphost_entry entry = {apphost_str("k"), apphost_str("new"), apphost_expire_never()};
    int done = 0;

    (void)state;
    set(f.cache, "k", "old", apphost_expire_never());
    await_hit("k");
    assert_non_null(apphost_cache_set_start(f.cache, queue, &entry, count_done, &done, NULL));
    for (time_t began = time(NULL); done < 1; assert_false(is_late(began)))
        apphost_queue_dispatch(queue);
    expect("k", "new");
    await_hit("k");
    assert_non_null(apphost_cache_remove_start(f.cache, queue, apphost_str("k"), count_done, &done, NULL));
    for (time_t began = time(NULL); done < 2; assert_false(is_late(began)))
        apphost_queue_dispatch(queue);
    expect("k", NULL);
    apphost_queue_free(queue);
}

/* The number of hits, of "a", "gone" and "b", whose data must be these. */
static int many(const char *a, const char *b)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("gone"), apphost_str("b")};
    const char *const expected[] = {a, NULL, b};
    struct apphost_error error = {0};
    struct apphost_value values[3];
    int hits = apphost_cache_get_many(f.cache, keys, 3, values, &error);

    for (int i = 0; i < 3 && hits >= 0; i++) {
        assert_int_equal(values[i].data != NULL, expected[i] != NULL);
        if (expected[i])
            assert_string_equal(values[i].data, expected[i]);
        apphost_value_free(&values[i]);
    }
    return hits;
}

static void get_many_reads_there_too(void **state)
{
    struct apphost_cache_stats before, after;

    (void)state;
    set(f.cache, "a", "1", apphost_expire_never());
    set(f.cache, "b", "2", apphost_expire_never());
    await_hit("a");
    before = stats();
    assert_int_equal(many("1", "2"), 2);
    assert_int_equal(many("1", "2"), 2);
    after = stats();
    assert_int_equal(after.level_one_hits - before.level_one_hits, 3); /* a; a and b */
    assert_int_equal(after.hits - before.hits, 4);
    assert_int_equal(after.misses - before.misses, 2);
    set(f.other, "b", "theirs", apphost_expire_never());
    await_value("b", "theirs");
    assert_int_equal(many("1", "theirs"), 2);
}

static void keep_values(void *user, const struct apphost_result *result)
{
    assert_int_equal(result->rc, 2);
    assert_int_equal(result->count, 2);
    assert_string_equal(result->values[0].data, "1");
    assert_string_equal(result->values[1].data, "2");
    ++*(int *)user;
}

/* The second needs no server at all. */
static void and_so_does_the_asynchronous_one(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("b")};
    const struct apphost_keys list = {keys, 2};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    int done = 0;

    (void)state;
    set(f.cache, "a", "1", apphost_expire_never());
    set(f.cache, "b", "2", apphost_expire_never());
    await_hit("a");
    for (int i = 0; i < 2; i++) {
        assert_non_null(apphost_cache_get_many_start(f.cache, queue, &list, keep_values, &done, NULL));
        for (time_t began = time(NULL); done <= i; assert_false(is_late(began)))
            apphost_queue_dispatch(queue);
    }
    uint64_t operations = stats().operations;
    assert_non_null(apphost_cache_get_many_start(f.cache, queue, &list, keep_values, &done, NULL));
    for (time_t began = time(NULL); done <= 2; assert_false(is_late(began)))
        apphost_queue_dispatch(queue);
    assert_int_equal(stats().operations, operations);
    apphost_queue_free(queue);
}

struct asked {
    int count, rc;
    char text[32];
};

static void keep_text(void *user, const struct apphost_result *result)
{
    struct asked *asked = user;

    asked->rc = result->rc;
    asked->text[0] = '\0';
    if (result->rc == 1)
        snprintf(asked->text, sizeof(asked->text), "%.*s", (int)result->len, result->data);
    asked->count++;
}

static int ask(struct apphost_queue *queue, struct asked *asked, const char *key)
{
    int count = asked->count;

    assert_non_null(apphost_cache_get_start(f.cache, queue, apphost_str(key), keep_text, asked, NULL));
    for (time_t began = time(NULL); asked->count == count; assert_false(is_late(began)))
        apphost_queue_dispatch(queue);
    assert_int_equal(asked->count, count + 1);
    return asked->rc;
}

/* What it read of the server is kept, too, and what others write is seen. */
static void the_asynchronous_get_keeps_and_reads_there(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct asked asked = {.count = 0};
    struct apphost_cache_stats before = stats();

    (void)state;
    set(f.cache, "a", "1", apphost_expire_never());
    for (time_t began = time(NULL); stats().level_one_hits == before.level_one_hits;
         assert_false(is_late(began))) {
        assert_int_equal(ask(queue, &asked, "a"), 1);
        assert_string_equal(asked.text, "1");
    }
    before = stats();
    assert_int_equal(ask(queue, &asked, "a"), 1);
    assert_string_equal(asked.text, "1");
    assert_int_equal(stats().operations, before.operations);
    assert_int_equal(stats().hits, before.hits + 1);

    set(f.other, "a", "theirs", apphost_expire_never());
    for (time_t began = time(NULL); strcmp(asked.text, "theirs") != 0; assert_false(is_late(began)))
        assert_int_equal(ask(queue, &asked, "a"), 1);
    assert_int_equal(apphost_cache_remove(f.cache, apphost_str("a"), NULL), 1);
    assert_int_equal(ask(queue, &asked, "a"), 0);
    apphost_queue_free(queue);
}

static void remove_many_forgets(void **state)
{
    const struct apphost_bytes keys[] = {apphost_str("a"), apphost_str("gone")};
    struct apphost_outcome outcomes[2];

    (void)state;
    set(f.cache, "a", "1", apphost_expire_never());
    await_hit("a");
    assert_int_equal(apphost_cache_remove_many(f.cache, keys, 2, outcomes, NULL), 1);
    expect("a", NULL);
}

static void read_hybrid(const char *data)
{
    struct apphost_value value;
    int rc = apphost_hybrid_get(f.cache, apphost_str("h"), &value, NULL);

    assert_int_equal(rc, data != NULL);
    if (data)
        assert_string_equal(value.data, data);
    apphost_value_free(&value);
}

/* What stands here of the key may be what was removed, until the server's word of the new one has come. */
static void await_hybrid(void)
{
    int rc = 0;

    for (time_t began = time(NULL); rc == 0; assert_false(is_late(began))) {
        struct apphost_value value;

        rc = apphost_hybrid_get(f.cache, apphost_str("h"), &value, NULL);
        apphost_value_free(&value);
    }
    assert_int_equal(rc, 1);
}

/* The entry, its tag, all entries, the prefixes: all of it stays here, and what others remove is seen. */
static void hybrid_entries_and_what_removes_them(void **state)
{
    const struct apphost_bytes tag = apphost_str("red");
    const struct apphost_hybrid how = {.tags = &tag, .tag_count = 1};

    (void)state;
    set(f.cache, "warm", "v", apphost_expire_never());
    await_hit("warm");
    for (int by_prefix = 0; by_prefix < 2; by_prefix++) {
        uint64_t before = 0;

        assert_int_equal(apphost_hybrid_set(f.other, apphost_str("h"), apphost_str("v"), &how, NULL), 0);
        await_hybrid();
        /* Until what this write has dropped is back. */
        for (time_t began = time(NULL); stats().operations != before; assert_false(is_late(began))) {
            before = stats().operations;
            read_hybrid("v");
        }
        if (by_prefix)
            assert_int_equal(apphost_hybrid_remove_by_prefix(f.other, apphost_str("h"), NULL), 0);
        else
            assert_int_equal(apphost_hybrid_remove_by_tag(f.other, tag, NULL), 0);
        for (time_t began = time(NULL);; assert_false(is_late(began))) {
            struct apphost_value value;

            if (apphost_hybrid_get(f.cache, apphost_str("h"), &value, NULL) == 0)
                break;
            apphost_value_free(&value);
        }
    }
}

static void expiries_hold(void **state)
{
    (void)state;
    set(f.cache, "warm", "v", apphost_expire_never());
    await_hit("warm");
    set(f.cache, "k", "v", apphost_expire_in(2000));
    await_value("k", NULL);
    /* One that slides is read where its window is. */
    set(f.cache, "s", "v", apphost_expire_sliding(600000));
    uint64_t before = stats().level_one_hits;
    for (int i = 0; i < 10; i++)
        expect("s", "v");
    assert_int_equal(stats().level_one_hits, before);
}

/* Lost: everything is forgotten; back: it is on again. */
static void a_lost_connection_forgets_everything(void **state)
{
    (void)state;
    set(f.cache, "k", "v", apphost_expire_never());
    await_hit("k");
    server_kill(&f.server, true);
    for (time_t began = time(NULL); stats().level_one_entries > 0;)
        assert_false(is_late(began));
    server_again(&f.server, NULL);
    set(f.cache, "k", "after", apphost_expire_never());
    expect("k", "after");
    await_hit("k");
    set(f.other, "k", "theirs", apphost_expire_never());
    await_value("k", "theirs");
}

/* A server that answers nothing more keeps nobody in the dark for ever. */
static void a_silent_server_is_found_out(void **state)
{
    (void)state;
    apphost_host_free(f.host);
    f.dead_ms = "400";
    open_caches("", false);
    f.dead_ms = NULL;
    set(f.cache, "k", "v", apphost_expire_never());
    await_hit("k");
    server_freeze(&f.server, true);
    for (time_t began = time(NULL); stats().level_one_entries > 0;)
        assert_false(is_late(began));
    server_freeze(&f.server, false);
    await_hit("k");
}

static void stays_off_where_it_cannot_be_kept_right(void **state)
{
    (void)state;
    apphost_host_free(f.host);
    open_caches(",protocol=2", false);
    set(f.cache, "k", "v", apphost_expire_never());
    await_log("Level one of the cache stays off: it needs RESP3");
    expect("k", "v");
    assert_int_equal(stats().level_one_entries, 0);
    apphost_host_free(f.host);
    open_caches("", true);
    for (int i = 0; i < 20; i++)
        expect("k", "v");
    assert_int_equal(stats().level_one_entries, 0);
}

/* Closed right after the first question: the thread that was just started goes home. */
static void closed_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        apphost_host_free(f.host);
        open_caches("", false);
        expect("k", NULL);
    }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(reads_without_the_server),
        T(others_writes_are_seen),
        T(own_writes_are_read_at_once),
        T(own_asynchronous_writes_as_well),
        T(get_many_reads_there_too),
        T(and_so_does_the_asynchronous_one),
        T(the_asynchronous_get_keeps_and_reads_there),
        T(remove_many_forgets),
        T(hybrid_entries_and_what_removes_them),
        T(expiries_hold),
        T(a_lost_connection_forgets_everything),
        T(a_silent_server_is_found_out),
        T(stays_off_where_it_cannot_be_kept_right),
        T(closed_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
