/* room: client_cache */
/*
 * Whose children spans are: of what the thread said when it asked, though the work is done on another thread,
 * or the answer is told when it says something else. A creation is a span between.
 */
#include "asynctest.h"
#include "cachetest.h"

#include <apphost/hybrid.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"

enum { MOST = 64 };

struct seen_span {
    char name[32], trace[33], id[17], parent[17], type[64];
    bool is_creation, has_failed, was_sent, was_received;
};

struct seen {
    pthread_mutex_t lock;
    size_t count;
    struct seen_span spans[MOST];
};

static struct seen seen = {.lock = PTHREAD_MUTEX_INITIALIZER};
static struct apphost_host *host;
static struct apphost_cache *cache;
static bool is_broken;

static void put_hex(char *out, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void take_span(void *user, const struct apphost_span *span)
{
    (void)user;
    pthread_mutex_lock(&seen.lock);
    assert_true(seen.count < MOST);
    struct seen_span *to = &seen.spans[seen.count++];
    memset(to, 0, sizeof(*to));
    snprintf(to->name, sizeof(to->name), "%s", span->name);
    put_hex(to->trace, span->trace_id, 16);
    put_hex(to->id, span->span_id, 8);
    put_hex(to->parent, span->parent_id, 8);
    to->is_creation = span->is_creation;
    to->has_failed = span->error != NULL;
    for (size_t i = 0; i < span->attribute_count; i++)
        if (strcmp(span->attributes[i].key, "error.type") == 0)
            snprintf(to->type, sizeof(to->type), "%s", span->attributes[i].text);
    for (size_t i = 0; i < span->event_count; i++) {
        to->was_sent |= strcmp(span->events[i].name, "Sent") == 0;
        to->was_received |= strcmp(span->events[i].name, "ResponseReceived") == 0;
    }
    assert_true(span->end_unix_ns >= span->start_unix_ns);
    pthread_mutex_unlock(&seen.lock);
}

static void use_endpoint(struct apphost_options *options, void *user)
{
    (void)user;
    assert_int_equal(apphost_options_add_endpoint(options, world.endpoint, NULL), 0);
}

static void open_host(void)
{
    struct apphost_config *config = apphost_config_new();
    const struct apphost_host_options options = {.config = config, .span = take_span};
    const struct apphost_client_options client = {.options = use_endpoint};

    host = apphost_host_new(&options, NULL);
    apphost_config_free(config);
    assert_int_equal(apphost_host_add_redis_distributed_cache(host, "cache", &client, NULL, NULL), 0);
    cache = apphost_host_cache(host, NULL, NULL);
    seen.count = 0;
    is_broken = false;
    assert_int_equal(apphost_trace_parent("00-" TRACE "-" PARENT "-01", NULL), 0);
}

static void close_host(void)
{
    apphost_trace_parent(NULL, NULL);
    apphost_host_free(host);
}

/* It asks the server something itself. */
static int make(void *user, void **data, size_t *len, struct apphost_error *error)
{
    (void)user;
    if (apphost_redis_ping(apphost_cache_redis(cache), NULL, error) < 0)
        return -1;
    if (is_broken) {
        snprintf(error->text, sizeof(error->text), "the factory is broken");
        return -1;
    }
    *data = strdup("made");
    *len = 4;
    return 0;
}

static const struct seen_span *find(const char *name)
{
    for (size_t i = 0; i < seen.count; i++)
        if (strcmp(seen.spans[i].name, name) == 0)
            return &seen.spans[i];
    fail_msg("no span %s", name);
    return NULL;
}

/* One creation below what asked, the factory's PING below the creation, and all else below what asked. */
static void expect_one_creation(bool has_failed)
{
    size_t creations = 0;

    pthread_mutex_lock(&seen.lock);
    const struct seen_span *creation = find("create");
    assert_int_equal(creation->has_failed, has_failed);
    assert_string_equal(creation->type, has_failed ? "argument" : "");
    for (size_t i = 0; i < seen.count; i++) {
        const struct seen_span *span = &seen.spans[i];

        assert_string_equal(span->trace, TRACE);
        assert_string_equal(span->parent, strcmp(span->name, "PING") == 0 ? creation->id : PARENT);
        creations += span->is_creation;
    }
    find("PING");
    find("SET"); /* the lease */
    assert_int_equal(creations, 1);
    pthread_mutex_unlock(&seen.lock);
}

static void a_creation_is_a_span_of_its_own(void **state)
{
    const struct apphost_create create = {.create = make};
    struct apphost_value value;

    (void)state;
    open_host();
    assert_int_equal(apphost_cache_get_or_create(cache, apphost_str("k"), &create, &value, NULL), 0);
    apphost_value_free(&value);
    expect_one_creation(false);
    close_host();
}

static void and_says_that_it_has_failed(void **state)
{
    const struct apphost_create create = {.create = make};
    struct apphost_value value;

    (void)state;
    open_host();
    is_broken = true;
    assert_int_equal(apphost_cache_get_or_create(cache, apphost_str("k"), &create, &value, NULL), -1);
    expect_one_creation(true);
    close_host();
}

static void on_a_thread_of_the_library_too(void **state)
{
    const struct apphost_hybrid how = {.create = make, .hard_ms = 60000};
    struct apphost_value value;

    (void)state;
    open_host();
    assert_int_equal(apphost_hybrid_get_or_create(cache, apphost_str("k"), &how, &value, NULL),
                     APPHOST_CREATED);
    apphost_value_free(&value);
    expect_one_creation(false);
    close_host();
}

static void count_done(void *user, const struct apphost_result *result)
{
    assert_true(result->rc >= 0);
    ++*(int *)user;
}

static void dispatch_one(struct apphost_queue *queue, const int *done)
{
    struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN};

    for (int before = *done; *done == before;) {
        assert_int_equal(poll(&ready, 1, PATIENCE_MS), 1);
        apphost_queue_dispatch(queue);
    }
}

/* What the thread says when the answer is told is another matter. */
static void a_call_on_a_loop_belongs_to_who_started_it(void **state)
{
    const struct apphost_hybrid_request request = {apphost_str("k"), {.create = make}};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    int done = 0;

    (void)state;
    open_host();
    assert_non_null(apphost_hybrid_get_or_create_start(cache, queue, &request, count_done, &done, NULL));
    apphost_trace_parent(NULL, NULL);
    dispatch_one(queue, &done);
    expect_one_creation(false);
    seen.count = 0;
    assert_int_equal(apphost_trace_parent("00-" TRACE "-" PARENT "-01", NULL), 0);
    assert_non_null(apphost_cache_get_start(cache, queue, apphost_str("k"), count_done, &done, NULL));
    apphost_trace_parent(NULL, NULL);
    dispatch_one(queue, &done);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.spans[0].trace, TRACE);
    assert_string_equal(seen.spans[0].parent, PARENT);
    apphost_queue_free(queue);
    close_host();
}

/* What never came is no event, on a connection of one's own either. */
static void events_say_how_far_it_came(void **state)
{
    const struct apphost_connection_options options = {0};
    const char *const pop[] = {"BLPOP", "nothing", "0"}, *const ping[] = {"PING"};
    const struct apphost_command commands[] = {{1, ping, NULL}, {3, pop, NULL}};
    struct apphost_reply *reply = NULL;
    struct apphost_error error = {0};

    (void)state;
    open_host();
    struct apphost_connection *own = apphost_connection_open(apphost_cache_redis(cache), &options, &error);
    assert_non_null(own);
    ok(apphost_connection_command(own, &commands[0], 0, &reply, &error), &error);
    apphost_reply_free(reply);
    assert_int_equal(apphost_connection_command(own, &commands[1], 20, &reply, &error), -1);
    apphost_connection_close(own);
    assert_true(find("PING")->was_sent && find("PING")->was_received);
    assert_true(find("BLPOP")->was_sent && find("BLPOP")->has_failed);
    assert_false(find("BLPOP")->was_received);
    close_host();
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(a_creation_is_a_span_of_its_own),
        cmocka_unit_test(and_says_that_it_has_failed),
        cmocka_unit_test(on_a_thread_of_the_library_too),
        cmocka_unit_test(a_call_on_a_loop_belongs_to_who_started_it),
        cmocka_unit_test(events_say_how_far_it_came),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
