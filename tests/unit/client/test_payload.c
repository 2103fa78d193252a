/* room: client_cache */
/* HybridCache's envelope, byte by byte: what is written, what is read, and what is none. */
#include "client_cache/payload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* As .NET 10 writes the text "data" under "key" with the tags "a" and "bc", for 200 ticks. */
static const unsigned char sample[] = {0x03, 0x01, 0xcd, 0xab, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02,
                                       0x01, 0x00, 0x04, 0xc8, 0x01, 0x02, 0x03, 'k',  'e',  'y',  0x01,
                                       'a',  0x02, 'b',  'c',  'd',  'a',  't',  'a',  0x03, 0x01};

static bool is(struct apphost_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && memcmp(bytes.data, text, bytes.len) == 0;
}

static void expect_sample(const struct payload *payload)
{
    struct apphost_bytes tag;
    size_t at = 0;

    assert_int_equal(payload->created, 0x0102030405060708);
    assert_int_equal(payload->duration, 200);
    assert_true(is(payload->key, "key"));
    assert_true(is(payload->data, "data"));
    assert_int_equal(payload->tag_count, 2);
    assert_true(payload_next_tag(payload, &at, &tag) && is(tag, "a"));
    assert_true(payload_next_tag(payload, &at, &tag) && is(tag, "bc"));
    assert_false(payload_next_tag(payload, &at, &tag));
}

static void reads_and_writes_the_sample(void **state)
{
    const struct apphost_bytes tags[] = {apphost_str("a"), apphost_str("bc")};
    struct payload payload, again;
    size_t len;

    (void)state;
    assert_true(payload_decode(&payload, sample, sizeof(sample)));
    expect_sample(&payload);
    unsigned char *bytes = payload_encode(&payload, tags, &len);
    assert_int_equal(len, sizeof(sample));
    assert_memory_equal(bytes, sample, 2); /* two by chance follow */
    assert_memory_equal(bytes + 4, sample + 4, sizeof(sample) - 4);
    assert_true(payload_decode(&again, bytes, len));
    expect_sample(&again);
    free(bytes);
}

static void reads_the_second_version(void **state)
{
    static const unsigned char bytes[] = {0x03, 0x02, 0,    0, 1, 0, 0, 0,   0,   0,    0,
                                          0,    0x01, 0x01, 5, 9, 0, 1, 'k', 'x', 0x03, 0x02};
    struct payload payload;

    (void)state;
    assert_true(payload_decode(&payload, bytes, sizeof(bytes)));
    assert_int_equal(payload.duration, 5);
    assert_true(is(payload.data, "x"));
}

/* In memory that ends where the bytes do, so that a step too far is seen. */
static bool decodes(const unsigned char *bytes, size_t len)
{
    unsigned char *copy = malloc(len ? len : 1);
    struct payload payload;

    memcpy(copy, bytes, len);
    bool does = payload_decode(&payload, copy, len);
    if (does) {
        struct apphost_bytes tag;

        for (size_t at = 0; payload_next_tag(&payload, &at, &tag);)
            assert_true(tag.len <= len);
    }
    free(copy);
    return does;
}

static void everything_else_is_none(void **state)
{
    unsigned char bytes[sizeof(sample) + 1];

    (void)state;
    for (size_t len = 0; len < sizeof(sample); len++)
        assert_false(decodes(sample, len));
    memcpy(bytes, sample, sizeof(sample));
    bytes[sizeof(sample)] = 0;
    assert_false(decodes(bytes, sizeof(bytes)));
    /* Any byte may be any: nothing is read beyond the end. */
    for (size_t i = 0; i < sizeof(sample); i++) {
        for (int value = 0; value < 256; value++) {
            memcpy(bytes, sample, sizeof(sample));
            bytes[i] = (unsigned char)value;
            decodes(bytes, sizeof(sample));
        }
    }
    memset(bytes, 0xff, sizeof(bytes));
    assert_false(decodes(bytes, sizeof(bytes)));
}

static void sizes_of_all_kinds(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 16383, 16384, 3000000};
    char *data = calloc(1, 3000000);

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const struct apphost_bytes tag = {data, sizes[i] % 1000};
        const struct payload payload = {.created = 1,
                                        .duration = 1,
                                        .key = {data, sizes[i] % 500},
                                        .data = {data, sizes[i]},
                                        .tag_count = 1};
        struct payload again;
        size_t len;
        void *bytes = payload_encode(&payload, &tag, &len);

        assert_true(payload_decode(&again, bytes, len));
        assert_int_equal(again.data.len, sizes[i]);
        assert_int_equal(again.key.len, sizes[i] % 500);
        free(bytes);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_and_writes_the_sample),
        cmocka_unit_test(reads_the_second_version),
        cmocka_unit_test(everything_else_is_none),
        cmocka_unit_test(sizes_of_all_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
