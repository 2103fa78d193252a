/* room: client_cache */
/*
 * More creations at once than a cache has threads: calls wait for one, their limits and their cancelling hold
 * while they do, and who waits for a creation takes none. Nothing here waits for a clock but the limits.
 */
#include "factory.h"

#include <poll.h>
#include <stdio.h>

enum { CREATORS = 64, CALLS = 200 };

struct many_answers {
    int count, created, late;
};

static void on_many(void *user, const struct apphost_result *result)
{
    struct many_answers *answers = user;

    answers->count++;
    answers->created += result->rc == APPHOST_CREATED;
    answers->late += result->rc < 0 && result->error->code == APPHOST_E_TIMEOUT;
}

static void dispatch_many(struct apphost_queue *queue, const struct many_answers *answers, int count)
{
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};

    while (answers->count < count) {
        assert_int_equal(poll(&ready, 1, PATIENCE_S * 1000), 1);
        apphost_queue_dispatch(queue);
    }
}

static struct apphost_call *start_one(struct apphost_queue *queue, const char *key,
                                      const struct apphost_hybrid *how, struct many_answers *answers)
{
    const struct apphost_hybrid_request request = {apphost_str(key), *how};
    struct apphost_error error = {0};
    struct apphost_call *call =
        apphost_hybrid_get_or_create_start(world.cache, queue, &request, on_many, answers, &error);

    if (!call)
        fail_msg("%s", error.text);
    return call;
}

/* Each for a key of its own; none of them ends before the factory opens. */
static void start_many(struct apphost_queue *queue, const struct apphost_hybrid *how, int count,
                       struct many_answers *answers)
{
    char key[24];

    f.is_closed = true;
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof(key), "many-%d", i);
        start_one(queue, key, how, answers);
    }
    await_count(&f.count, count < CREATORS ? count : CREATORS);
}

static void calls_wait_for_a_thread(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers answers = {0};
    struct apphost_hybrid how = plan();

    (void)state;
    start_many(queue, &how, CALLS, &answers);
    change(&f.is_closed, false);
    dispatch_many(queue, &answers, CALLS);
    assert_int_equal(answers.created, CALLS);
    await_count(&f.released, CALLS);
    apphost_queue_free(queue);
}

/* Who waits for a creation holds up nobody who does not, and all of one key wait for one. */
static void waiting_takes_no_thread(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers waiting = {0}, other = {0};
    struct apphost_hybrid how = plan();

    (void)state;
    put("other", "there", &how);
    f.is_closed = true;
    for (int i = 0; i < CALLS; i++)
        start_one(queue, "k", &how, &waiting);
    start_one(queue, "other", &how, &other);
    dispatch_many(queue, &other, 1);
    assert_int_equal(waiting.count, 0);
    await_count(&f.count, 1);
    change(&f.is_closed, false);
    dispatch_many(queue, &waiting, CALLS);
    assert_int_equal(waiting.count, CALLS);
    assert_int_equal(f.count, 1);
    await_count(&f.released, CALLS + 1);
    apphost_queue_free(queue);
}

/* All threads create: who has a limit is told when it is over, waiting or not. */
static void limits_hold_without_a_thread(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers answers = {0}, late = {0};
    struct apphost_hybrid how = plan(), limited;
    struct apphost_error error;
    struct apphost_value value;

    (void)state;
    limited = how;
    limited.hard_ms = 20;
    start_many(queue, &how, CREATORS, &answers);
    start_one(queue, "late", &limited, &late);
    dispatch_many(queue, &late, 1);
    assert_int_equal(late.late, 1);
    assert_int_equal(
        apphost_hybrid_get_or_create(world.cache, apphost_str("late too"), &limited, &value, &error), -1);
    assert_int_equal(error.code, APPHOST_E_TIMEOUT);
    assert_string_equal(error.parameter, "hard_ms");
    limited.hard_ms = 0;
    limited.soft_ms = 20;
    limited.stale_ms = 600000;
    put_old("old");
    expect_made(&limited, APPHOST_STALE, "old");
    assert_int_equal(f.count, CREATORS);
    /* They go on when there is room, with nobody to wait for them. */
    change(&f.is_closed, false);
    await_count(&f.released, CREATORS + 3);
    assert_int_equal(f.count, CREATORS + 3);
    dispatch_many(queue, &answers, CREATORS);
    apphost_queue_free(queue);
}

static void what_was_cancelled_does_not_begin(void **state)
{
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers answers = {0}, gone = {0};
    struct apphost_hybrid how = plan();

    (void)state;
    start_many(queue, &how, CREATORS, &answers);
    apphost_call_cancel(start_one(queue, "cancelled", &how, &gone));
    change(&f.is_closed, false);
    await_count(&f.released, CREATORS + 1);
    dispatch_many(queue, &answers, CREATORS);
    assert_int_equal(f.count, CREATORS);
    assert_int_equal(gone.count, 0);
    apphost_queue_free(queue);
}

static void add_endpoint(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_add_endpoint(options, world.endpoint, NULL), 0);
}

static void add_impatient(struct apphost_options *options, void *user)
{
    add_endpoint(options, user);
    assert_int_equal(apphost_options_set(options, "asyncTimeout", "100", NULL), 0);
    assert_int_equal(apphost_options_set(options, "syncTimeout", "60000", NULL), 0);
}

static struct apphost_host *open_host(const struct apphost_client_options *client)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config};
    struct apphost_host *host = apphost_host_new(&options, NULL);

    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", client, NULL, NULL), 0);
    return host;
}

/* A server that answers nothing keeps the threads that ask it: the others' calls end in their time. */
static void asking_has_a_time_out_without_a_thread(void **state)
{
    const struct apphost_client_options client = {.options = add_impatient};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers answers = {0};
    struct apphost_hybrid how = plan();
    struct apphost_host *host = open_host(&client);
    struct apphost_cache *usual = world.cache;

    (void)state;
    if (world.server.pid <= 0) {
        print_message("the server is not the test's own\n");
        skip();
    }
    world.cache = apphost_host_cache(host, NULL, NULL);
    expect_made(&how, APPHOST_CREATED, "made 1");
    server_freeze(&world.server, true);
    for (int i = 0; i < CALLS; i++)
        start_one(queue, "asked", &how, &answers);
    dispatch_many(queue, &answers, CALLS - CREATORS);
    assert_true(answers.late >= CALLS - CREATORS);
    server_freeze(&world.server, false);
    dispatch_many(queue, &answers, CALLS);
    world.cache = usual;
    apphost_queue_free(queue);
    apphost_host_free(host);
}

/* Calls that wait for a thread, creations that do, and those that run: all of them call back. */
static void a_host_that_is_freed_waits_for_none(void **state)
{
    const struct apphost_client_options client = {.options = add_endpoint};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct many_answers answers = {0};
    struct apphost_hybrid how = plan();
    struct apphost_host *host = open_host(&client);

    (void)state;
    struct apphost_cache *usual = world.cache;
    world.cache = apphost_host_cache(host, NULL, NULL);
    start_many(queue, &how, CALLS, &answers);
    world.cache = usual;
    apphost_host_free(host);
    change(&f.is_closed, false);
    dispatch_many(queue, &answers, CALLS);
    await_count(&f.released, CALLS);
    apphost_queue_free(queue);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(calls_wait_for_a_thread),
        cmocka_unit_test(waiting_takes_no_thread),
        cmocka_unit_test(limits_hold_without_a_thread),
        cmocka_unit_test(what_was_cancelled_does_not_begin),
        cmocka_unit_test(asking_has_a_time_out_without_a_thread),
        cmocka_unit_test(a_host_that_is_freed_waits_for_none),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
