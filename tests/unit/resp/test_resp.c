/* The codec: tables of replies, every way of cutting them, what is refused, and hiredis as the second
 * opinion. */
#include "resp/resp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <hiredis/hiredis.h>

/* A reply as one line of text, so that tables can say what they expect. */
static void show(const struct resp_reply *reply, char **p)
{
    *p += sprintf(*p, "%s", resp_type_name(reply->type));
    if (reply->type == RESP_INTEGER || reply->type == RESP_BOOL)
        *p += sprintf(*p, " %lld", reply->integer);
    if (reply->str)
        *p += sprintf(*p, " '%.*s'", (int)reply->len, reply->str);
    if (reply->elements || reply->type == RESP_ARRAY || reply->type == RESP_MAP) {
        *p += sprintf(*p, " [");
        for (size_t i = 0; i < reply->count; i++) {
            *p += sprintf(*p, "%s", i ? ", " : "");
            show(&reply->elements[i], p);
        }
        *p += sprintf(*p, "]");
    }
}

struct row {
    const char *wire, *shown;
};

static const struct row replies[] = {
    {"+OK\r\n", "status 'OK'"},
    {"+\r\n", "status ''"},
    {"-ERR no\r\n", "error 'ERR no'"},
    {":42\r\n", "integer 42"},
    {":-9223372036854775808\r\n", "integer -9223372036854775808"},
    {":9223372036854775807\r\n", "integer 9223372036854775807"},
    {"$3\r\nabc\r\n", "bulk string 'abc'"},
    {"$0\r\n\r\n", "bulk string ''"},
    {"$4\r\n\r\n\r\n\r\n", "bulk string '\r\n\r\n'"},
    {"$-1\r\n", "nil"},
    {"*-1\r\n", "nil"},
    {"*0\r\n", "array []"},
    {"*2\r\n$1\r\na\r\n*2\r\n:1\r\n$-1\r\n", "array [bulk string 'a', array [integer 1, nil]]"},
    {"*5\r\n$2\r\n-1\r\n$-1\r\n:-5\r\n$0\r\n\r\n$4\r\n\r\n\r\n\r\n",
     "array [bulk string '-1', nil, integer -5, bulk string '', bulk string '\r\n\r\n']"},
    {"*2\r\n:9223372036854775807\r\n:-9223372036854775808\r\n",
     "array [integer 9223372036854775807, integer -9223372036854775808]"},
    {"*18\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1\r\n:1"
     "\r\n:1\r\n:1\r\n:18\r\n",
     "array [integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer "
     "1, "
     "integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer 1, integer 18]"},
    {"*3\r\n*0\r\n*1\r\n+x\r\n:1\r\n", "array [array [], array [status 'x'], integer 1]"},
    {"_\r\n", "nil"},
    {"#t\r\n", "boolean 1"},
    {"#f\r\n", "boolean 0"},
    {",1.5\r\n", "double '1.5'"},
    {",inf\r\n", "double 'inf'"},
    {"(3492890328409238509324850943850943825024385\r\n",
     "big number '3492890328409238509324850943850943825024385'"},
    {"!21\r\nSYNTAX invalid syntax\r\n", "error 'SYNTAX invalid syntax'"},
    {"=8\r\ntxt:Some\r\n", "verbatim string 'Some'"},
    {"%1\r\n+a\r\n:1\r\n", "map [status 'a', integer 1]"},
    {"~1\r\n+a\r\n", "set [status 'a']"},
    {">1\r\n+invalidate\r\n", "push [status 'invalidate']"},
    {"|1\r\n+ttl\r\n:3\r\n+OK\r\n", "status 'OK'"},
    {"|0\r\n+OK\r\n", "status 'OK'"},
    {"*2\r\n|1\r\n+ttl\r\n:3\r\n:1\r\n:2\r\n", "array [integer 1, integer 2]"},
};

static void expect_shown(struct resp_reader *reader, const char *shown)
{
    char text[512], *p = text;
    struct resp_reply *reply = NULL;

    assert_int_equal(resp_reader_next(reader, &reply), 1);
    show(reply, &p);
    assert_string_equal(text, shown);
    resp_reply_free(reply);
}

static void reads_every_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        struct resp_reader *reader = resp_reader_new(NULL);
        struct resp_reply *reply = NULL;

        assert_int_equal(resp_reader_feed(reader, replies[i].wire, strlen(replies[i].wire)), 0);
        expect_shown(reader, replies[i].shown);
        assert_int_equal(resp_reader_next(reader, &reply), 0);
        resp_reader_free(reader);
    }
}

static void reads_byte_by_byte(void **state)
{
    struct resp_reader *reader = resp_reader_new(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        size_t len = strlen(replies[i].wire);

        for (size_t at = 0; at < len; at++) {
            struct resp_reply *reply = NULL;

            assert_int_equal(resp_reader_next(reader, &reply), 0);
            assert_int_equal(resp_reader_feed(reader, replies[i].wire + at, 1), 0);
        }
        expect_shown(reader, replies[i].shown);
    }
    resp_reader_free(reader);
}

static void reads_many_from_one_piece(void **state)
{
    struct resp_reader *reader = resp_reader_new(NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        assert_int_equal(resp_reader_feed(reader, replies[i].wire, strlen(replies[i].wire)), 0);
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
        expect_shown(reader, replies[i].shown);
    resp_reader_free(reader);
}

/* Asked to give its memory back at every moment, it loses nothing; and it does give it back. */
static void relaxes_when_it_is_empty(void **state)
{
    static char big[100 * 1024];
    struct resp_reader *reader = resp_reader_new(NULL);
    struct resp_reply *reply = NULL;
    size_t room;

    (void)state;
    for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++) {
        for (size_t at = 0; replies[i].wire[at]; at++) {
            assert_int_equal(resp_reader_next(reader, &reply), 0);
            assert_int_equal(resp_reader_feed(reader, replies[i].wire + at, 1), 0);
            resp_reader_relax(reader);
        }
        expect_shown(reader, replies[i].shown);
        resp_reader_relax(reader);
    }
    memset(big, 'x', sizeof(big));
    assert_int_equal(resp_reader_feed(reader, "$102400\r\n", 9), 0);
    assert_int_equal(resp_reader_feed(reader, big, sizeof(big)), 0);
    assert_int_equal(resp_reader_feed(reader, "\r\n", 2), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 1);
    resp_reply_free(reply);
    resp_reader_relax(reader);
    assert_non_null(resp_reader_space(reader, 1, &room));
    assert_true(room < sizeof(big));
    resp_reader_free(reader);
}

static void keeps_nul_bytes(void **state)
{
    struct resp_reader *reader = resp_reader_new(NULL);
    struct resp_reply *reply = NULL;

    (void)state;
    assert_int_equal(resp_reader_feed(reader, "$3\r\na\0b\r\n", 9), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 1);
    assert_int_equal(reply->len, 3);
    assert_memory_equal(reply->str, "a\0b", 4);
    resp_reply_free(reply);
    resp_reader_free(reader);
}

static const struct row bad[] = {
    {"HTTP/1.1 200 OK\r\n", "begins with 'H'"},
    {"\x16\x03", "begins with byte 0x16"},
    {"+OK\n", "CR LF"},
    {":12a\r\n", "integer \"12a\""},
    {":\r\n", "integer \"\""},
    {":9223372036854775808\r\n", "integer"},
    {"$-2\r\n", "length \"-2\""},
    {"$9223372036854775807\r\n", "limit"},
    {"$3\r\nabcde", "CR LF"},
    {"*1\r\n$3\r\nabcde", "CR LF"},
    {"*2\r\n:1\r\n$-2\r\n", "length \"-2\""},
    {"*1\r\n:-\r\n", "integer \"-\""},
    {"*-2\r\n", "aggregate"},
    {"*9223372036854775807\r\n", "limit"},
    {"%9223372036854775807\r\n", "limit"},
    {"$?\r\n", "length \"?\""},
    {"#x\r\n", "boolean"},
    {"_x\r\n", "null"},
    {",x\r\n", "double"},
    {",\r0\r\n", "double"},
    {", 0\r\n", "double"},
    {"=3\r\nabc\r\n", "verbatim"},
};

static void refuses_nonsense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct resp_reader *reader = resp_reader_new(NULL);
        struct resp_reply *reply = NULL;

        assert_int_equal(resp_reader_feed(reader, bad[i].wire, strlen(bad[i].wire)), 0);
        assert_int_equal(resp_reader_next(reader, &reply), -1);
        assert_null(reply);
        assert_non_null(strstr(resp_reader_error(reader), bad[i].shown));
        assert_int_equal(resp_reader_feed(reader, "+OK\r\n", 5), 0);
        assert_int_equal(resp_reader_next(reader, &reply), -1);
        resp_reader_free(reader);
    }
}

static void expect_limit(struct resp_limits limits, const char *wire, const char *word)
{
    struct resp_reader *reader = resp_reader_new(&limits);
    struct resp_reply *reply = NULL;

    assert_int_equal(resp_reader_feed(reader, wire, strlen(wire)), 0);
    assert_int_equal(resp_reader_next(reader, &reply), -1);
    assert_non_null(strstr(resp_reader_error(reader), word));
    resp_reader_free(reader);
}

static void holds_its_limits(void **state)
{
    char line[70000];

    (void)state;
    expect_limit((struct resp_limits){.depth = 2}, "*1\r\n*1\r\n*1\r\n:1\r\n", "2 levels");
    expect_limit((struct resp_limits){.bulk = 4}, "$5\r\n", "limit of 4");
    expect_limit((struct resp_limits){.elements = 3}, "*4\r\n", "limit of 3");
    expect_limit((struct resp_limits){.elements = 3}, "*2\r\n*2\r\n:1\r\n:2\r\n*1\r\n:1\r\n", "more than 3");
    expect_limit((struct resp_limits){.total = 4}, "*2\r\n+abc\r\n+de\r\n", "limit of 4");
    expect_limit((struct resp_limits){.bulk = 4}, "*1\r\n$5\r\nabcde\r\n", "limit of 4");
    expect_limit((struct resp_limits){.total = 4}, "*2\r\n$3\r\nabc\r\n$2\r\nde\r\n", "limit of 4");
    expect_limit((struct resp_limits){.elements = 3}, "*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n", "limit of 3");
    memset(line, 'x', sizeof(line));
    line[0] = '+';
    line[sizeof(line) - 1] = '\0';
    expect_limit((struct resp_limits){0}, line, "header line");
}

/* A header may promise what it likes: memory follows the bytes that came. */
static void promises_cost_nothing(void **state)
{
    struct resp_reader *reader = resp_reader_new(NULL);
    struct resp_reply *reply = NULL;

    (void)state;
    for (int i = 0; i < 20; i++)
        assert_int_equal(resp_reader_feed(reader, "*16000000\r\n", 11), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 0);
    resp_reader_free(reader);
}

static void asks_for_what_is_missing(void **state)
{
    struct resp_reader *reader = resp_reader_new(NULL);
    struct resp_reply *reply = NULL;
    size_t room;

    (void)state;
    assert_int_equal(resp_reader_feed(reader, "$1000000\r\n12345", 15), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 0);
    assert_int_equal(resp_reader_missing(reader), 1000000 - 5 + 2);
    char *space = resp_reader_space(reader, resp_reader_missing(reader), &room);
    assert_true(room >= 999997);
    memset(space, 'x', 999995);
    memcpy(space + 999995, "\r\n", 2);
    resp_reader_commit(reader, 999997);
    assert_int_equal(resp_reader_next(reader, &reply), 1);
    assert_int_equal(reply->len, 1000000);
    resp_reply_free(reply);
    resp_reader_free(reader);
}

static void asks_about_replies(void **state)
{
    struct resp_reply error = {.type = RESP_ERROR, .str = (char *)"WRONGTYPE bad", .len = 13};
    struct resp_reply status = {.type = RESP_STATUS, .str = (char *)"OK", .len = 2};

    (void)state;
    assert_true(resp_reply_is_error(&error, "WRONGTYPE"));
    assert_false(resp_reply_is_error(&error, "WRONG"));
    assert_false(resp_reply_is_error(&status, "OK"));
    assert_true(resp_reply_is(&status, "OK"));
    assert_false(resp_reply_is(&status, "O"));
}

static void writes_commands_as_hiredis_does(void **state)
{
    const char *argv[] = {"HMSET", "k\0ey", "", "data", "0123456789abcdef"};
    const size_t lens[] = {5, 4, 0, 4, 16};
    struct resp_buffer buffer;
    char *expected;

    (void)state;
    resp_buffer_init(&buffer, 4096);
    for (int i = 1; i < 6; i++) {
        int len = redisFormatCommandArgv(&expected, i, argv, lens);

        assert_int_equal(resp_append_command(&buffer, (size_t)i, argv, lens), 0);
        assert_int_equal(buffer.len, len);
        assert_int_equal(resp_command_size((size_t)i, argv, lens), len);
        assert_memory_equal(buffer.data, expected, buffer.len);
        free(expected);
        resp_buffer_consume(&buffer, buffer.len);
    }
    resp_buffer_fini(&buffer);
}

static void buffer_is_all_or_nothing(void **state)
{
    const char *const ping[] = {"PING", NULL};
    struct resp_buffer buffer;

    (void)state;
    resp_buffer_init(&buffer, 30);
    assert_int_equal(resp_append_words(&buffer, ping), 0);
    assert_int_equal(resp_append_words(&buffer, ping), 0);
    assert_int_equal(resp_append_words(&buffer, ping), -1);
    assert_int_equal(buffer.len, 28);
    resp_buffer_consume(&buffer, 14);
    assert_int_equal(resp_append_words(&buffer, ping), 0);
    assert_memory_equal(buffer.data, "*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPING\r\n", 28);
    resp_buffer_fini(&buffer);
}

static void refuses_sizes_that_overflow(void **state)
{
    const char *argv[] = {"SET", "k", "v"};
    const size_t lens[] = {3, SIZE_MAX - 40, 1};
    struct resp_buffer buffer;

    (void)state;
    resp_buffer_init(&buffer, SIZE_MAX);
    assert_true(resp_command_size(3, argv, lens) == SIZE_MAX);
    assert_int_equal(resp_append_command(&buffer, 3, argv, lens), -1);
    assert_int_equal(buffer.len, 0);
    resp_buffer_fini(&buffer);
}

static void agree(const struct resp_reply *ours, const redisReply *theirs)
{
    static const int types[] = {
        [RESP_NIL] = REDIS_REPLY_NIL,       [RESP_STATUS] = REDIS_REPLY_STATUS,
        [RESP_ERROR] = REDIS_REPLY_ERROR,   [RESP_INTEGER] = REDIS_REPLY_INTEGER,
        [RESP_STRING] = REDIS_REPLY_STRING, [RESP_ARRAY] = REDIS_REPLY_ARRAY,
    };

    assert_int_equal(types[ours->type], theirs->type);
    if (ours->type == RESP_INTEGER)
        assert_int_equal(ours->integer, theirs->integer);
    if (ours->str) {
        assert_int_equal(ours->len, theirs->len);
        assert_memory_equal(ours->str, theirs->str, theirs->len);
    }
    if (ours->type == RESP_ARRAY) {
        assert_int_equal(ours->count, theirs->elements);
        for (size_t i = 0; i < ours->count; i++)
            agree(&ours->elements[i], theirs->element[i]);
    }
}

/* A random RESP2 reply of at most hiredis' depth. */
static void random_reply(struct resp_buffer *out, unsigned *seed, int depth)
{
    char text[64];
    int kind = rand_r(seed) % (depth > 0 ? 7 : 5), n = rand_r(seed) % 5;
    static const char *const fixed[] = {"+OK\r\n", "-ERR x\r\n", ":-17\r\n", "$-1\r\n"};

    if (kind < 4)
        snprintf(text, sizeof(text), "%s", fixed[kind]);
    else if (kind == 4)
        snprintf(text, sizeof(text), "$%d\r\n%.*s\r\n", n, n, "a\r\nb\r");
    else
        snprintf(text, sizeof(text), "*%d\r\n", n);
    out->data = realloc(out->data, out->len + 64);
    memcpy(out->data + out->len, text, strlen(text));
    out->len += strlen(text);
    for (int i = 0; kind > 4 && i < n; i++)
        random_reply(out, seed, depth - 1);
}

static void agrees_with_hiredis(void **state)
{
    unsigned seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct resp_buffer wire = {.limit = 0};
        struct resp_reader *ours = resp_reader_new(NULL);
        redisReader *theirs = redisReaderCreate();
        struct resp_reply *a = NULL;
        void *b = NULL;

        random_reply(&wire, &seed, 4);
        assert_int_equal(resp_reader_feed(ours, wire.data, wire.len), 0);
        redisReaderFeed(theirs, wire.data, wire.len);
        assert_int_equal(resp_reader_next(ours, &a), 1);
        assert_int_equal(redisReaderGetReply(theirs, &b), REDIS_OK);
        agree(a, b);
        resp_reply_free(a);
        freeReplyObject(b);
        redisReaderFree(theirs);
        resp_reader_free(ours);
        free(wire.data);
    }
}

/* Big strings come in pieces of every size, between small ones, and stay where they are received. */
static void big_strings_in_pieces(void **state)
{
    enum { FIRST = 70000, SECOND = 65536 };
    static char input[FIRST + SECOND + 200];
    size_t len = 0;

    (void)state;
    len += (size_t)sprintf(input, "*4\r\n$%d\r\n", FIRST);
    memset(input + len, 'a', FIRST);
    len += FIRST;
    len += (size_t)sprintf(input + len, "\r\n$2\r\nxy\r\n$%d\r\n", SECOND);
    memset(input + len, 'b', SECOND);
    len += SECOND;
    len += (size_t)sprintf(input + len, "\r\n:7\r\n+OK\r\n");
    for (size_t piece = 1; piece < len; piece = piece * 3 + 1) {
        struct resp_reader *reader = resp_reader_new(NULL);
        struct resp_reply *reply = NULL;

        for (size_t at = 0; at < len && !reply; at += piece) {
            assert_int_equal(resp_reader_feed(reader, input + at, at + piece < len ? piece : len - at), 0);
            assert_true(resp_reader_next(reader, &reply) >= 0);
        }
        assert_non_null(reply);
        assert_int_equal(reply->count, 4);
        assert_int_equal(reply->elements[0].len, FIRST);
        assert_int_equal(strlen(reply->elements[0].str), FIRST);
        assert_true(resp_reply_is(&reply->elements[1], "xy"));
        assert_int_equal(strspn(reply->elements[2].str, "b"), SECOND);
        assert_int_equal(reply->elements[3].integer, 7);
        resp_reply_free(reply);
        resp_reader_free(reader); /* with what has come of the rest */
    }
}

static void a_big_string_that_goes_wrong(void **state)
{
    static char rest[70000];
    const struct resp_limits limits = {.total = 100000};
    struct resp_reply *reply = NULL;

    (void)state;
    memset(rest, 'c', sizeof(rest));
    struct resp_reader *reader = resp_reader_new(NULL);
    assert_int_equal(resp_reader_feed(reader, "$69998\r\nc", 9), 0);
    assert_int_equal(resp_reader_next(reader, &reply), 0);
    assert_int_equal(resp_reader_missing(reader), 69999);
    assert_int_equal(resp_reader_feed(reader, rest, 69999), 0);
    assert_int_equal(resp_reader_next(reader, &reply), -1);
    assert_non_null(strstr(resp_reader_error(reader), "not followed by CR LF"));
    resp_reader_free(reader);
    reader = resp_reader_new(&limits);
    assert_int_equal(resp_reader_feed(reader, "*2\r\n$200000\r\n", 14), 0);
    assert_int_equal(resp_reader_next(reader, &reply), -1);
    assert_non_null(strstr(resp_reader_error(reader), "larger than the limit"));
    resp_reader_free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),          cmocka_unit_test(reads_byte_by_byte),
        cmocka_unit_test(reads_many_from_one_piece), cmocka_unit_test(keeps_nul_bytes),
        cmocka_unit_test(refuses_nonsense),          cmocka_unit_test(holds_its_limits),
        cmocka_unit_test(promises_cost_nothing),     cmocka_unit_test(asks_for_what_is_missing),
        cmocka_unit_test(asks_about_replies),        cmocka_unit_test(writes_commands_as_hiredis_does),
        cmocka_unit_test(buffer_is_all_or_nothing),  cmocka_unit_test(refuses_sizes_that_overflow),
        cmocka_unit_test(agrees_with_hiredis),       cmocka_unit_test(relaxes_when_it_is_empty),
        cmocka_unit_test(big_strings_in_pieces),     cmocka_unit_test(a_big_string_that_goes_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
