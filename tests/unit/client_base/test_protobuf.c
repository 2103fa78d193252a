/* Protobuf as OTLP has it: each form against its bytes, and what is no memory any more. */
#include "client_base/protobuf.h"
#include "client_base/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void expect(struct text *text, const void *bytes, size_t len)
{
    assert_false(text->is_failed);
    assert_int_equal(text->len, len);
    assert_memory_equal(text->data, bytes, len);
    text_drop(text);
}

/* The examples of the encoding's own documentation, and the ends of the range. */
static void numbers_are_varints(void **state)
{
    struct text text = {0};
    (void)state;
    pb_number(&text, 1, 150);
    expect(&text, "\x08\x96\x01", 3);
    pb_number(&text, 1, 0);
    expect(&text, "\x08\x00", 2);
    pb_number(&text, 16, 127);
    expect(&text, "\x80\x01\x7f", 3);
    pb_number(&text, 1, UINT64_MAX);
    expect(&text, "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11);
}

static void texts_have_their_length(void **state)
{
    struct text text = {0};
    (void)state;
    pb_text(&text, 2, "testing");
    expect(&text, "\x12\x07testing", 9);
    pb_bytes(&text, 3, "a\0b", 3);
    expect(&text,
           "\x1a\x03"
           "a\0b",
           5);
    pb_text(&text, 2, "");
    expect(&text, "\x12\x00", 2);
}

static void eight_bytes_are_little_endian(void **state)
{
    static const uint64_t values[] = {1, 0x0102030405060708};
    struct text text = {0};
    (void)state;
    pb_fixed64(&text, 1, 0x0102030405060708);
    expect(&text, "\x09\x08\x07\x06\x05\x04\x03\x02\x01", 9);
    pb_double(&text, 1, 1.0);
    expect(&text, "\x09\x00\x00\x00\x00\x00\x00\xf0\x3f", 9);
    pb_packed64(&text, 4, values, 2);
    expect(&text, "\x22\x10\x01\0\0\0\0\0\0\0\x08\x07\x06\x05\x04\x03\x02\x01", 18);
    pb_packed64(&text, 4, values, 0);
    expect(&text, "\x22\x00", 2);
}

static void a_message_is_moved_into_the_whole(void **state)
{
    struct text whole = {0}, part = {0};
    (void)state;
    pb_number(&part, 1, 150);
    pb_message(&whole, 3, &part);
    assert_null(part.data);
    expect(&whole, "\x1a\x03\x08\x96\x01", 5);
    pb_message(&whole, 3, &part); /* an empty one */
    expect(&whole, "\x1a\x00", 2);
}

static void an_attribute_is_a_text_or_a_number(void **state)
{
    struct text text = {0};
    (void)state;
    pb_attribute(&text, 9, "k", "v", 0);
    expect(&text, "\x4a\x08\x0a\x01k\x12\x03\x0a\x01v", 10);
    pb_attribute(&text, 9, "k", NULL, 5);
    expect(&text, "\x4a\x07\x0a\x01k\x12\x02\x18\x05", 9);
}

static void a_part_that_failed_fails_the_whole(void **state)
{
    struct text whole = {0}, part = {.is_failed = true};
    (void)state;
    pb_number(&whole, 1, 1);
    pb_message(&whole, 2, &part);
    assert_true(whole.is_failed);
    assert_false(part.is_failed);
    assert_null(text_take(&whole));
}

static void an_error_reply_is_judged_by_its_first_word(void **state)
{
    static const struct {
        const char *text;
        unsigned verdict;
    } rows[] = {
        {"OOM command not allowed", VERDICT_ABSENT},
        {"READONLY You can't write against a read only replica.", VERDICT_ABSENT | VERDICT_REDIAL},
        {"NOAUTH Authentication required.", VERDICT_AUTH},
        {"MOVED 3999 127.0.0.1:6381", VERDICT_ELSEWHERE},
        {"ASK 3999 127.0.0.1:6381", VERDICT_ELSEWHERE},
        {"LOADING", VERDICT_ABSENT | VERDICT_PRIMARY},
        {"ERR LOADING", 0},
        {"loading", 0},
        {"", 0},
    };
    char word[64], longest[100];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(verdict_of_text(rows[i].text), rows[i].verdict);

    memset(longest, 'A', sizeof longest);
    longest[63] = ' ';
    verdict_word(longest, word);
    assert_int_equal(strlen(word), 63);
    longest[63] = 'A';
    longest[64] = ' ';
    verdict_word(longest, word);
    assert_string_equal(word, "");
}

static void what_a_reply_says_is_asked_of_one_table(void **state)
{
    static const struct {
        const char *text;
        unsigned sayings;
    } rows[] = {
        {"ERR max number of clients reached", SAYS_FULL},
        {"ERR AUTH <password> called without any password configured for the default user.",
         SAYS_NO_PASSWORD | SAYS_PASSWORD},
        {"ERR Client sent AUTH, but no password is set", SAYS_NO_PASSWORD | SAYS_PASSWORD},
        {"ERR invalid password", SAYS_PASSWORD},
        {"ERR unknown command 'UNLINK'", SAYS_NO_COMMAND},
        {"ERR value is not an integer", 0},
        {"", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (unsigned saying = SAYS_FULL; saying <= SAYS_NO_COMMAND; saying <<= 1)
            assert_int_equal(verdict_says(saying, rows[i].text), (rows[i].sayings & saying) != 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_varints),
        cmocka_unit_test(texts_have_their_length),
        cmocka_unit_test(eight_bytes_are_little_endian),
        cmocka_unit_test(a_message_is_moved_into_the_whole),
        cmocka_unit_test(an_attribute_is_a_text_or_a_number),
        cmocka_unit_test(a_part_that_failed_fails_the_whole),
        cmocka_unit_test(an_error_reply_is_judged_by_its_first_word),
        cmocka_unit_test(what_a_reply_says_is_asked_of_one_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
