/* room: client_redis */
/*
 * A real cluster of three shards: every call finds its node, several keys go to several nodes at once, and
 * slots that move, half moved too, change nothing that a caller sees.
 */
#include "asynctest.h"
#include "cachetest.h"
#include "farm.h"
#include "client_redis/slots.h"

#include <apphost/hybrid.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS = 60, WORKERS = 8 };

static struct farm farm;

static struct apphost_host *open_at(size_t node, const char *more, const struct apphost_cache_options *cache)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    char text[160];

    snprintf(text, sizeof(text), "127.0.0.1:%d%s", farm.nodes[node].port, more);
    apphost_config_set(config, "ConnectionStrings:cache", text, NULL);
    struct apphost_host *host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", NULL, cache, NULL), 0);
    return host;
}

static int set_up(void **state)
{
    (void)state;
    farm_start(&farm, false);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    farm_stop(&farm);
    return 0;
}

static void slots_and_redirections(void **state)
{
    static const char *const words[] = {"GET", "k"}, *const eval[] = {"eval", "x", "1", "k"},
                             *const none[] = {"EVAL", "x", "0", "k"}, *const ping[] = {"PING"},
                             *const read[] = {"XREAD", "COUNT", "1", "STREAMS", "k", "0"},
                             *const bit[] = {"BITOP", "AND", "k", "x"};
    const struct {
        struct conn_command command;
        bool has_key;
    } commands[] = {{{2, words, NULL}, true}, {{4, eval, NULL}, true}, {{4, none, NULL}, false},
                    {{1, ping, NULL}, false}, {{6, read, NULL}, true}, {{4, bit, NULL}, true}};
    struct redirection to;

    (void)state;
    assert_int_equal(slot_of_key("123456789", 9), 0x31c3);
    assert_int_equal(slot_of_key("{user1000}.following", 20), slot_of_key("user1000", 8));
    assert_int_equal(slot_of_key("foo{{bar}}zap", 13), slot_of_key("{bar", 4));
    assert_int_not_equal(slot_of_key("foo{}{bar}", 10), slot_of_key("bar", 3));
    assert_int_equal(slot_of_key("", 0), 0);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        assert_int_equal(slot_of_command(&commands[i].command),
                         commands[i].has_key ? slot_of_key("k", 1) : SLOT_ANY);
    assert_int_equal(redirection_parse("MOVED 3999 127.0.0.1:6381", &to), 0);
    assert_true(!to.is_ask && to.slot == 3999 && to.port == 6381 && strcmp(to.host, "127.0.0.1") == 0);
    assert_int_equal(redirection_parse("ASK 1 ::1:7000", &to), 0);
    assert_true(to.is_ask && strcmp(to.host, "::1") == 0);
    assert_int_equal(redirection_parse("MOVED 1 :7000", &to), 0);
    assert_string_equal(to.host, "");
    assert_int_equal(redirection_parse("MOVED 99999 a:1", &to), -1);
    assert_int_equal(redirection_parse("MOVED 1 a:0", &to), -1);
    assert_int_equal(redirection_parse("MOVED 1 a", &to), -1);
    assert_int_equal(redirection_parse("ERR no", &to), -1);
}

static const char *key_name(int i)
{
    static char names[KEYS][16];

    snprintf(names[i], sizeof(names[i]), "key-%d", i);
    return names[i];
}

static void fill(struct apphost_cache *cache)
{
    struct apphost_entry entries[KEYS];
    struct apphost_error error = {0};

    for (int i = 0; i < KEYS; i++)
        entries[i] = (struct apphost_entry){apphost_str(key_name(i)), apphost_str(key_name(i)),
                                            apphost_expire_in(600000)};
    ok(apphost_cache_set_many(cache, entries, KEYS, &error), &error);
}

static void expect_all(struct apphost_cache *cache)
{
    struct apphost_bytes keys[KEYS];
    struct apphost_value values[KEYS];
    struct apphost_error error = {0};

    for (int i = 0; i < KEYS; i++)
        keys[i] = apphost_str(key_name(i));
    int hits = apphost_cache_get_many(cache, keys, KEYS, values, &error);
    ok(hits, &error);
    assert_int_equal(hits, KEYS);
    for (int i = 0; i < KEYS; i++) {
        assert_string_equal(values[i].data, key_name(i));
        apphost_value_free(&values[i]);
    }
}

static void flush_all(void)
{
    for (size_t i = 0; i < farm.count; i++)
        free(server_ask(&farm.nodes[i], "FLUSHALL"));
}

/* From the first call on, whichever that is. */
static void every_call_finds_its_node(void **state)
{
    (void)state;
    for (int way = 0; way < 3; way++) {
        struct apphost_host *host = open_at(1, "", NULL);
        struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
        struct apphost_error error = {0};
        int64_t sum, left;

        flush_all();
        for (int i = 0; i < KEYS && way == 0; i++)
            set(cache, key_name(i), key_name(i), apphost_expire_in(600000));
        if (way == 1)
            fill(cache);
        for (int i = 0; i < KEYS && way == 2; i++) {
            ok(apphost_cache_increment(cache, apphost_str(key_name(i)), 1, apphost_expire_in(600000), &sum,
                                       &error),
               &error);
            assert_int_equal(sum, 1);
            set(cache, key_name(i), key_name(i), apphost_expire_in(600000));
        }
        expect_all(cache);
        for (int i = 0; i < KEYS; i++) {
            expect(cache, key_name(i), key_name(i));
            ok(apphost_cache_remaining(cache, apphost_str(key_name(i)), &left, &error), &error);
            assert_true(left > 0);
            assert_int_equal(apphost_cache_refresh(cache, apphost_str(key_name(i)), &error), 1);
        }
        for (size_t i = 0; i < farm.count; i++)
            assert_true(server_ask_number(&farm.nodes[i], "DBSIZE") > KEYS / 10);
        for (int i = 0; i < KEYS; i++)
            assert_int_equal(apphost_cache_remove(cache, apphost_str(key_name(i)), &error), 1);
        apphost_host_free(host);
    }
}

static void without_waiting_too(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_bytes keys[KEYS];
    struct apphost_entry entries[KEYS];
    int total = 0;

    (void)state;
    flush_all();
    for (int i = 0; i < KEYS; i++) {
        keys[i] = apphost_str(key_name(i));
        entries[i] = (struct apphost_entry){keys[i], keys[i], apphost_expire_in(600000)};
    }
    /* Each kind of call as the first of a client, before anybody knows that this is a cluster. */
    for (int way = 0; way < 4; way++) {
        struct apphost_host *host = open_at(2, "", NULL);
        struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
        struct outcome outcome = {0};

        for (int i = 0; i < KEYS; i++) {
            const struct apphost_increment increment = {apphost_str("n"), 1, apphost_expire_never()};
            const struct apphost_entries all = {entries, KEYS};
            const struct apphost_keys many = {keys, KEYS};

            if (way == 0)
                apphost_cache_set_start(cache, queue, &entries[i], on_result, &outcome, NULL);
            else if (way == 1)
                apphost_cache_get_start(cache, queue, keys[i], on_result, &outcome, NULL);
            else if (way == 2)
                apphost_cache_increment_start(cache, queue, &increment, on_result, &outcome, NULL);
            else if (i % 2)
                apphost_cache_get_many_start(cache, queue, &many, on_result, &outcome, NULL);
            else
                apphost_cache_set_many_start(cache, queue, &all, on_result, &outcome, NULL);
        }
        dispatch(queue, &outcome, KEYS);
        assert_int_equal(outcome.failed, 0);
        if (way == 1)
            assert_int_equal(outcome.hits, KEYS);
        total += way == 2 ? (int)outcome.number : 0;
        apphost_host_free(host);
    }
    assert_int_equal(total, KEYS);
    apphost_queue_free(queue);
}

static void raw_commands_do_as_well(void **state)
{
    struct apphost_host *host = open_at(0, "", NULL);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    for (int i = 0; i < KEYS; i++) {
        ok(apphost_redis_execute(redis, &reply, &error, "SET", key_name(i), "v", NULL), &error);
        apphost_reply_free(reply);
    }
    ok(apphost_redis_ping(redis, NULL, &error), &error);
    ok(apphost_redis_execute(redis, &reply, &error, "EVAL", "return redis.call('GET', KEYS[1])", "1",
                             key_name(7), NULL),
       &error);
    assert_string_equal(apphost_reply_string(reply, NULL), "v");
    apphost_reply_free(reply);
    /* What is about several slots is the caller's to cut. */
    assert_int_equal(apphost_redis_execute(redis, &reply, &error, "MGET", key_name(1), key_name(2), NULL),
                     -1);
    assert_string_equal(error.parameter, "CROSSSLOT");
    apphost_host_free(host);
}

/* ---- Slots that move ---- */

static void a_slot_moves(void **state)
{
    int slot = slot_of_key("{tag}", 5);
    size_t from = farm_shard(slot), to = (from + 1) % FARM_SHARDS;
    struct apphost_host *host = open_at(0, "", NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_error error = {0};
    struct apphost_entry entries[10];
    struct apphost_bytes keys[10];
    struct apphost_value values[10];
    char names[10][24];
    int64_t sum;

    (void)state;
    flush_all();
    for (int i = 0; i < 10; i++) {
        snprintf(names[i], sizeof(names[i]), "{tag}%d", i);
        keys[i] = apphost_str(names[i]);
        entries[i] = (struct apphost_entry){keys[i], keys[i], apphost_expire_in(600000)};
    }
    ok(apphost_cache_set_many(cache, entries, 10, &error), &error);
    for (int step = 0; step < 4; step++) {
        if (step == 0)
            farm_move_begin(&farm, slot, from, to);
        if (step == 1)
            assert_int_equal(farm_move_keys(&farm, slot, from, to, 5), 5);
        if (step == 2)
            farm_move_keys(&farm, slot, from, to, SIZE_MAX);
        if (step == 3)
            farm_move_end(&farm, slot, from, to);
        for (int i = 0; i < 10; i++)
            expect(cache, names[i], names[i]);
        int hits = apphost_cache_get_many(cache, keys, 10, values, &error);
        ok(hits, &error);
        assert_int_equal(hits, 10);
        for (int i = 0; i < 10; i++)
            apphost_value_free(&values[i]);
        /* One that is new is made where the slot goes, one that is there is changed where it is. */
        for (int i = 0; i < 10; i++)
            set(cache, names[i], names[i], apphost_expire_in(600000));
        ok(apphost_cache_increment(cache, apphost_str("{tag}n"), 1, apphost_expire_never(), &sum, &error),
           &error);
        assert_int_equal(sum, step + 1);
    }
    farm_move_begin(&farm, slot, to, from);
    farm_move_end(&farm, slot, to, from);
    expect(cache, names[3], names[3]);
    apphost_host_free(host);
}

struct worker {
    struct apphost_cache *cache;
    atomic_bool *is_over;
    int id, rounds;
    struct apphost_error error;
    char trouble[256];
};

/* Each has keys of its own in the slots that move: what it reads is what it wrote last. */
static void *work(void *user)
{
    struct worker *worker = user;
    char name[32], text[32];
    int64_t sum;

    while (!atomic_load(worker->is_over) && !worker->trouble[0]) {
        int i = worker->rounds++;
        char *got = NULL;

        snprintf(name, sizeof(name), "{slot%d}%d", i % 5, worker->id);
        snprintf(text, sizeof(text), "%d", i);
        int rc =
            apphost_cache_set_string(worker->cache, name, text, apphost_expire_in(600000), &worker->error);
        if (rc == 0)
            rc = apphost_cache_get_string(worker->cache, name, &got, &worker->error) - 1;
        if (rc == 0 && strcmp(got, text) != 0)
            snprintf(worker->trouble, sizeof(worker->trouble), "%s is %s and should be %s", name, got, text);
        free(got);
        snprintf(name, sizeof(name), "{slot%d}n%d", i % 5, worker->id);
        if (rc == 0)
            rc = apphost_cache_increment(worker->cache, apphost_str(name), 1, apphost_expire_in(600000), &sum,
                                         &worker->error);
        if (rc == 0 && sum != i / 5 + 1)
            snprintf(worker->trouble, sizeof(worker->trouble), "%s is %lld after %d", name, (long long)sum,
                     i / 5);
        if (rc != 0)
            snprintf(worker->trouble, sizeof(worker->trouble), "%d: %.200s", rc, worker->error.text);
    }
    return NULL;
}

static void nobody_notices_that_slots_move(void **state)
{
    struct apphost_host *host = open_at(0, ",syncTimeout=60000", NULL);
    atomic_bool is_over = false;
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    int rounds = 0;

    (void)state;
    flush_all();
    for (int i = 0; i < WORKERS; i++) {
        workers[i] =
            (struct worker){.cache = apphost_host_cache(host, NULL, NULL), .is_over = &is_over, .id = i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
    }
    for (int turn = 0; turn < 2; turn++)
        for (int i = 0; i < 5; i++) {
            char tag[16];
            snprintf(tag, sizeof(tag), "slot%d", i);
            int slot = slot_of_key(tag, 5);
            size_t home = farm_shard(slot), other = (home + 1) % FARM_SHARDS;

            farm_move_begin(&farm, slot, turn ? other : home, turn ? home : other);
            farm_move_end(&farm, slot, turn ? other : home, turn ? home : other);
        }
    atomic_store(&is_over, true);
    for (int i = 0; i < WORKERS; i++) {
        pthread_join(threads[i], NULL);
        if (workers[i].trouble[0])
            fail_msg("%s", workers[i].trouble);
        rounds += workers[i].rounds;
    }
    print_message("%d rounds of set, get and increment while ten slots moved: no error, no wrong value\n",
                  rounds);
    apphost_host_free(host);
}

/* ---- Entries with tags ---- */

static int make_value(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)error;
    ++*(int *)user;
    *data = strdup("made");
    *len = 4;
    return 0;
}

/* The value that there is for each key; how many had to be made. */
static int make_all(struct apphost_cache *cache)
{
    const struct apphost_bytes tag = apphost_str("red");
    int made = 0;

    for (int i = 0; i < KEYS; i++) {
        const struct apphost_hybrid how = {
            .create = make_value, .user = &made, .tags = &tag, .tag_count = (size_t)i % 2};
        struct apphost_value value = {0};
        struct apphost_error error = {0};

        ok(apphost_hybrid_get_or_create(cache, apphost_str(key_name(i)), &how, &value, &error), &error);
        assert_string_equal(value.data, "made");
        apphost_value_free(&value);
    }
    return made;
}

/* Entry, lease and marks are on nodes of their own. */
static void entries_with_tags_are_anywhere(void **state)
{
    struct apphost_host *host = open_at(2, "", NULL);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_error error = {0};

    (void)state;
    flush_all();
    assert_int_equal(make_all(cache), KEYS);
    assert_int_equal(make_all(cache), 0);
    ok(apphost_hybrid_remove_by_tag(cache, apphost_str("red"), &error), &error);
    assert_int_equal(make_all(cache), KEYS / 2);
    ok(apphost_hybrid_remove_by_prefix(cache, apphost_str("key-"), &error), &error);
    assert_int_equal(make_all(cache), KEYS);
    apphost_host_free(host);
}

/* ---- What there is only one of ---- */

static void a_connection_of_ones_own_is_at_its_node(void **state)
{
    struct apphost_host *host = open_at(0, "", NULL);
    struct apphost_redis *redis = apphost_host_redis(host, NULL, NULL);

    (void)state;
    for (int i = 0; i < 6; i++) {
        const struct apphost_connection_options options = {.key = apphost_str(key_name(i))};
        const char *const argv[] = {"WATCH", key_name(i)};
        const struct apphost_command command = {2, argv, NULL};
        struct apphost_reply *reply = NULL;
        struct apphost_error error = {0};
        struct apphost_connection *own = apphost_connection_open(redis, &options, &error);

        if (!own)
            fail_msg("%s", error.text);
        ok(apphost_connection_command(own, &command, 0, &reply, &error), &error);
        apphost_reply_free(reply);
        apphost_connection_close(own);
    }
    apphost_host_free(host);
}

/* ---- A node that is gone ---- */

static void expect_outcomes(const struct apphost_outcome *outcomes, int count)
{
    int there = 0;

    for (int i = 0; i < KEYS; i++) {
        bool is_gone = farm_shard(slot_of_key(key_name(i), strlen(key_name(i)))) == 0;

        assert_int_equal(outcomes[i].rc, is_gone ? -1 : 1);
        assert_int_equal(outcomes[i].code != APPHOST_OK, is_gone);
        there += outcomes[i].rc == 1;
    }
    assert_int_equal(there, count);
}

static void on_outcomes(void *user, const struct apphost_result *result)
{
    *(int *)user = result->rc;
    if (result->rc > 0)
        expect_outcomes(result->outcomes, result->rc);
}

/* Each key has its result, and who wrote some of them is not told that nothing was written. */
static void a_node_that_is_gone_takes_only_its_keys(void **state)
{
    const struct apphost_cache_options forgiving = {.fail_open = true};
    struct apphost_host *host = open_at(1, ",syncTimeout=1500,asyncTimeout=1500,connectTimeout=500", NULL);
    struct apphost_host *open = open_at(1, ",syncTimeout=1500,connectTimeout=500", &forgiving);
    struct apphost_cache *cache = apphost_host_cache(host, NULL, NULL);
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_outcome outcomes[KEYS];
    struct apphost_bytes keys[KEYS];
    struct apphost_entry entries[KEYS];
    struct apphost_error error = {0};
    int rc = 0;

    (void)state;
    flush_all();
    for (int i = 0; i < KEYS; i++)
        keys[i] = apphost_str(key_name(i));
    for (size_t i = 0; i < farm.count; i++)
        free(server_ask(&farm.nodes[i], "CONFIG SET cluster-require-full-coverage no"));
    fill(cache);
    server_kill(&farm.nodes[0], true);
    int removed = apphost_cache_remove_many(cache, keys, KEYS, outcomes, &error);
    ok(removed, &error);
    expect_outcomes(outcomes, removed);
    assert_true(removed > 0 && removed < KEYS && error.code != APPHOST_OK);

    for (int i = 0; i < KEYS; i++)
        entries[i] = (struct apphost_entry){keys[i], keys[i], apphost_expire_in(600000)};
    assert_int_equal(apphost_cache_set_many(cache, entries, KEYS, &error), -1);
    if (!strstr(error.text, "were executed by other nodes"))
        fail_msg("%s", error.text);
    const struct apphost_keys many = {keys, KEYS};
    assert_non_null(apphost_cache_remove_many_start(cache, queue, &many, on_outcomes, &rc, &error));
    for (int64_t deadline = now_ms() + PATIENCE_MS; rc == 0; apphost_queue_dispatch(queue))
        assert_true(now_ms() < deadline);
    assert_int_equal(rc, removed);
    /* What is not there is a miss, and removed, for who goes on without Redis. */
    struct apphost_value values[KEYS];
    ok(apphost_cache_get_many(apphost_host_cache(open, NULL, NULL), keys, KEYS, values, &error), &error);
    ok(apphost_cache_remove_many(apphost_host_cache(open, NULL, NULL), keys, KEYS, outcomes, &error), &error);
    for (int i = 0; i < KEYS; i++)
        assert_true(values[i].code == APPHOST_OK && outcomes[i].rc == 0);
    apphost_queue_free(queue);
    apphost_host_free(host);
    apphost_host_free(open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_and_redirections),
        cmocka_unit_test(every_call_finds_its_node),
        cmocka_unit_test(without_waiting_too),
        cmocka_unit_test(raw_commands_do_as_well),
        cmocka_unit_test(a_slot_moves),
        cmocka_unit_test(nobody_notices_that_slots_move),
        cmocka_unit_test(entries_with_tags_are_anywhere),
        cmocka_unit_test(a_connection_of_ones_own_is_at_its_node),
        cmocka_unit_test(a_node_that_is_gone_takes_only_its_keys), /* the last: it is not brought back */
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
