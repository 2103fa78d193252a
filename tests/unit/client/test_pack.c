/* room: client_cache */
/* Compressed values: by themselves, and in a cache, where every reader gets what was written. */
#include "cachetest.h"

#include <apphost/queue.h>

#include "client_cache/pack.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 100000 };

static char *make_text(void)
{
    char *text = malloc(SIZE + 1);

    for (int i = 0; i < SIZE; i++)
        text[i] = "the same again, and again; "[i % 27];
    text[SIZE] = '\0';
    return text;
}

static void there_and_back(void **state)
{
    char *text = make_text();
    struct apphost_value value;
    size_t len;

    (void)state;
    char *packed = pack(apphost_bytes(text, SIZE), &len);
    assert_non_null(packed);
    assert_true(len < SIZE / 10);
    assert_int_equal(unpack(apphost_bytes(packed, len), &value), 1);
    assert_int_equal(value.len, SIZE);
    assert_string_equal(value.data, text);
    apphost_value_free(&value);
    /* What is cut short or changed is no such value, and nothing is read beyond its end. */
    for (size_t cut = 0; cut < len; cut++) {
        char *part = malloc(cut + 1);

        memcpy(part, packed, cut);
        assert_int_equal(unpack(apphost_bytes(part, cut), &value), 0);
        free(part);
    }
    for (size_t i = 0; i < len; i++) {
        packed[i] = (char)(packed[i] ^ 0x55);
        assert_int_equal(unpack(apphost_bytes(packed, len), &value), 0);
        packed[i] = (char)(packed[i] ^ 0x55);
    }
    free(packed);
    free(text);
}

static void what_does_not_shrink_stays(void **state)
{
    unsigned char noise[5000];
    uint32_t seed = 1;
    size_t len;

    (void)state;
    for (size_t i = 0; i < sizeof(noise); i++) {
        seed = seed * 1664525 + 1013904223;
        noise[i] = (unsigned char)(seed >> 24);
    }
    assert_null(pack(apphost_bytes(noise, sizeof(noise)), &len));
    for (size_t size = 0; size < 32; size++)
        assert_null(pack(apphost_bytes(noise, size), &len));
}

static void on_result(void *user, const struct apphost_result *result)
{
    assert_int_equal(result->rc, 1);
    assert_int_equal(result->len, SIZE);
    *(bool *)user = true;
}

static void expect_all_ways(const char *text)
{
    const struct apphost_bytes keys[] = {apphost_str("big"), apphost_str("small")};
    struct apphost_queue *queue = apphost_queue_new(NULL);
    struct apphost_value values[2];
    bool is_done = false;

    expect(world.cache, "big", text);
    assert_int_equal(apphost_cache_get_many(world.cache, keys, 2, values, NULL), 2);
    assert_string_equal(values[0].data, text);
    assert_string_equal(values[1].data, "tiny");
    apphost_value_free(&values[0]);
    apphost_value_free(&values[1]);
    assert_non_null(
        apphost_cache_get_start(world.cache, queue, apphost_str("big"), on_result, &is_done, NULL));
    for (struct pollfd ready = {.fd = apphost_queue_fd(queue), .events = POLLIN}; !is_done;) {
        assert_int_equal(poll(&ready, 1, 60000), 1);
        apphost_queue_dispatch(queue);
    }
    apphost_queue_free(queue);
}

/* The reader has no such option. */
static void every_reader_gets_the_value(void **state)
{
    const struct apphost_cache_options options = {.instance_name = "cachetest:", .compress_above = 1000};
    struct apphost_cache_stats stats;
    struct apphost_error error;
    char *text = make_text();

    (void)state;
    ok(apphost_host_with_distributed_cache(world.host, NULL, "packing", &options, &error), &error);
    struct apphost_cache *packing = apphost_host_cache(world.host, "packing", &error);
    set(packing, "big", text, apphost_expire_in(600000));
    set(packing, "small", "tiny", apphost_expire_sliding(600000));
    char *length = raw_text("HSTRLEN", "cachetest:big", "data");
    assert_true(atoi(length) < SIZE / 10);
    free(length);
    expect_field("cachetest:small", "data", "tiny");
    expect_all_ways(text);
    apphost_cache_stats(packing, &stats);
    assert_int_equal(stats.compressed, 1);
    assert_true(stats.compressed_saved > SIZE / 2);
    /* One that slides, too. */
    set(packing, "big", text, apphost_expire_sliding(600000));
    expect_all_ways(text);
    assert_int_equal(apphost_cache_refresh(world.cache, apphost_str("big"), NULL), 1);
    free(text);
}

int main(void)
{
    struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_does_not_shrink_stays),
        cmocka_unit_test(every_reader_gets_the_value),
    };

    return run_on_server(tests, sizeof(tests) / sizeof(tests[0]));
}
