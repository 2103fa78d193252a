/* Commands as text and as RESP: the rules of redis-cli, cuts at every byte, nonsense. */
#include "base/mem.h"
#include "redis_data/redis_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/* Words joined as "[a][b]"; NUL bytes shown as 0. */
static char *joined(const struct redis_data_words *words)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < words->count; i++) {
        strbuf_addc(&text, '[');
        for (size_t c = 0; c < words->lengths[i]; c++)
            strbuf_addc(&text, words->arguments[i][c] ? words->arguments[i][c] : '0');
        strbuf_addc(&text, ']');
    }
    return strbuf_take(&text);
}

static void test_split(void **state)
{
    static const struct {
        const char *line, *words;
    } rows[] = {
        {"SET a b", "[SET][a][b]"},
        {"  SET\ta  b \r", "[SET][a][b]"},
        {"", ""},
        {"SET a \"b c\"", "[SET][a][b c]"},
        {"\"\\x41\\x00\\n\"", "[A0\n]"},
        {"\"\\xZZ\\q\\\"\"", "[xZZq\"]"},
        {"'it\\'s \\n \"x\"'", "[it's \\n \"x\"]"},
        {"\"\"", "[]"},
        {"a\"b\"", "[ab]"},
        {"ключ \"знач ение\"", "[ключ][знач ение]"},
        {"a\\n", "[a\\n]"},
    };
    struct redis_data_words words = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(redis_data_split(&words, rows[i].line, strlen(rows[i].line), NULL), 0);
        cleanup_free char *text = joined(&words);
        assert_string_equal(text, rows[i].words);
    }
    redis_data_words_free(&words);
}

static void test_split_nonsense(void **state)
{
    static const struct {
        const char *line, *text;
    } rows[] = {
        {"SET a \"b", "column 7"},
        {"SET 'a", "column 5"},
        {"\"a\"b", "column 3"},
        {"\"a\\", "column 1"},
    };
    struct redis_data_words words = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error err = {0};
        assert_int_equal(redis_data_split(&words, rows[i].line, strlen(rows[i].line), &err), -1);
        assert_int_equal(err.code, ERROR_USAGE);
        assert_non_null(strstr(err.text, rows[i].text));
        error_clear(&err);
    }
    redis_data_words_free(&words);
}

/* The stream in pieces that end at `cut` first: the same commands, whatever the cut. */
static char *read_all(const char *bytes, size_t length, size_t cut)
{
    struct redis_data_words words = {0};
    struct strbuf all = {0};
    size_t at = 0;
    for (size_t end = cut;; end = length) {
        size_t used = 0;
        int rc;
        while ((rc = redis_data_read_command(&words, bytes + at, end - at, end == length, &used, NULL)) > 0) {
            cleanup_free char *text = joined(&words);
            strbuf_addf(&all, "%s;", text);
            at += used;
        }
        assert_int_equal(rc, 0);
        if (end == length)
            break;
    }
    redis_data_words_free(&words);
    return strbuf_take(&all);
}

static void test_stream(void **state)
{
    static const char bytes[] = "SET a 1\n# comment\n\n*2\r\n$3\r\nGET\r\n$4\r\na\r\nb\r\n  #x\n*0\r\nPING";
    (void)state;
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        cleanup_free char *all = read_all(bytes, sizeof bytes - 1, cut);
        assert_string_equal(all, "[SET][a][1];;;[GET][a\r\nb];;;[PING];");
    }
}

static void test_stream_nonsense(void **state)
{
    static const char *const rows[] = {
        "*x\r\n",
        "*-1\r\n",
        "*1\r\n+OK\r\n",
        "*1\r\n$2\r\nabc\r\n",
        "*1\r\n$999999999999\r\n",
        "*2000000\r\n",
        "*1\r\n$5\r\nab",
        "*1\r\n",
        "*1\rx",
    };
    struct redis_data_words words = {0};
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t used = 0;
        assert_int_equal(redis_data_read_command(&words, rows[i], strlen(rows[i]), true, &used, NULL), -1);
    }
    redis_data_words_free(&words);
}

static bool is_stream(const char *line)
{
    struct redis_data_words words = {0};
    assert_int_equal(redis_data_split(&words, line, strlen(line), NULL), 0);
    bool is = redis_data_is_stream(&words);
    redis_data_words_free(&words);
    return is;
}

static void test_is_stream(void **state)
{
    (void)state;
    assert_true(is_stream("subscribe a"));
    assert_true(is_stream("MONITOR"));
    assert_true(is_stream("client REPLY off"));
    assert_false(is_stream("CLIENT LIST"));
    assert_false(is_stream("CLIENT"));
    assert_false(is_stream("MONITORX"));
    assert_false(is_stream(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split),     cmocka_unit_test(test_split_nonsense),
        cmocka_unit_test(test_stream),    cmocka_unit_test(test_stream_nonsense),
        cmocka_unit_test(test_is_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
