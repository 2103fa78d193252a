/* The small languages of compose: ports, command lines, variables, texts; and files that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "import/internal.h"

static struct import *start(void)
{
    struct import *im = xcalloc(1, sizeof *im);
    static char port[] = "PORT=81";
    static char *environment[] = {port, NULL};
    im->document = manifest_document_new(environment);
    im->arena = manifest_document_arena(im->document);
    return im;
}

static void stop(struct import *im)
{
    manifest_document_free(im->document);
    free(im);
}

static void test_ports(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool is_port;
        int first, last, host_first, host_last;
        const char *host, *address;
        bool is_udp;
    } rows[] = {
        {"80", true, 80, 80, 0, 0, NULL, NULL, false},
        {"8080:80", true, 80, 80, 8080, 8080, "8080", NULL, false},
        {"8080:80/tcp", true, 80, 80, 8080, 8080, "8080", NULL, false},
        {"53:53/udp", true, 53, 53, 53, 53, "53", NULL, true},
        {"7000-7002:17000-17002", true, 17000, 17002, 7000, 7002, "7000-7002", NULL, false},
        {"8000-8005:80", true, 80, 80, 8000, 8005, "8000-8005", NULL, false},
        {"127.0.0.1:8080:80", true, 80, 80, 8080, 8080, "8080", "127.0.0.1", false},
        {"127.0.0.1::80", true, 80, 80, 0, 0, NULL, "127.0.0.1", false},
        {"[::1]:8080:80", true, 80, 80, 8080, 8080, "8080", "[::1]", false},
        {"${PORT}:80", true, 80, 80, 81, 81, "${PORT}", NULL, false},
        {"${NONE:-90}:$PORT", true, 81, 81, 90, 90, "${NONE:-90}", NULL, false},
        {"${NONE}:80", true, 80, 80, 0, 0, "${NONE}", NULL, false},
        {"", false, 0, 0, 0, 0, NULL, NULL, false},
        {"x", false, 0, 0, 0, 0, NULL, NULL, false},
        {"0", false, 0, 0, 0, 0, NULL, NULL, false},
        {"65536", false, 0, 0, 0, 0, NULL, NULL, false},
        {"82-80", false, 0, 0, 0, 0, NULL, NULL, false},
        {"x:80", false, 0, 0, 0, 0, NULL, NULL, false},
        {"80:", false, 0, 0, 0, 0, NULL, NULL, false},
    };
    struct import *im = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct port_range range;
        bool is_port = import_port_parse(im, rows[i].text, &range);
        if (is_port != rows[i].is_port)
            fail_msg("\"%s\" is%s a port", rows[i].text, is_port ? "" : " no");
        if (!is_port)
            continue;
        assert_int_equal(range.first, rows[i].first);
        assert_int_equal(range.last, rows[i].last);
        assert_int_equal(range.host_first, rows[i].host_first);
        assert_int_equal(range.host_last, rows[i].host_last);
        assert_int_equal(range.is_udp, rows[i].is_udp);
        assert_true(str_eq(range.host, rows[i].host));
        assert_true(str_eq(range.address, rows[i].address));
    }
    stop(im);
}

/* Joined by "|". */
static char *joined(const struct word_list *words)
{
    struct strbuf out = {0};
    for (size_t i = 0; i < words->count; i++)
        strbuf_addf(&out, "%s%s", i ? "|" : "", words->items[i]);
    return strbuf_take(&out);
}

static void test_commands(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"redis-server --save 60 1", "redis-server|--save|60|1"},
        {"redis-server --save ''", "redis-server|--save|"},
        {"redis-server --x 'a b' \"c d\" e\\ f", "redis-server|--x|a b|c d|e f"},
        {"sh -c 'redis-server --a 1'", "redis-server|--a|1"},
        {"sh -c \"exec redis-server --requirepass $$P && echo x\"", "redis-server|--requirepass|$$P"},
        {"bash -lc 'echo hi; valkey-server --port 1; sleep 2'", "valkey-server|--port|1"},
        {"/usr/local/bin/docker-entrypoint.sh redis-server /etc/redis.conf", "redis-server|/etc/redis.conf"},
        {"--maxmemory 1mb", "--maxmemory|1mb"},
        {"redis-cli ping", "redis-cli|ping"},
        {"", ""},
    };
    struct import *im = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct word_list words = {0};
        words_split(im, &words, rows[i][0]);
        words_unshell(im, &words);
        char *got = joined(&words);
        assert_string_equal(got, rows[i][1]);
        free(got);
    }
    stop(im);
}

static void test_variables(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"plain", "plain"},         {"$A", "${A:-}"}, {"${A}b", "${A:-}b"},           {"${A:-x}", "${A:-x}"},
        {"${A:?why}", "${A:?why}"}, {"$$A", "$$A"},   {"${A:-${B}}", "${A:-${B:-}}"}, {"a$", "a$"},
    };
    struct import *im = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(import_text(im, rows[i][0]), rows[i][1]);
    stop(im);
}

static void test_quoting(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"redis:7", "redis:7"}, {"true", "\"true\""},       {"", "\"\""},       {"a b", "\"a b\""},
        {"a:", "\"a:\""},       {"q\"\\", "\"q\\\"\\\\\""}, {"-x", "\"-x\""},   {"a\nb\t", "\"a\\nb\\x09\""},
        {"./x", "./x"},         {"${A}", "\"${A}\""},       {"# c", "\"# c\""}, {"8080", "8080"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct strbuf out = {0};
        import_put_text(&out, rows[i][0]);
        assert_string_equal(strbuf_text(&out), rows[i][1]);
        strbuf_free(&out);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char *const names[][2] = {{"my_cache", "my-cache"},
                                           {"9lives", "lives"},
                                           {"--a--b--", "a-b"},
                                           {"\303\251t\303\251", "t"},
                                           {"", "app"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *name = import_name(names[i][0]);
        assert_string_equal(name, names[i][1]);
        free(name);
    }
}

static void expect_failure(const char *text, const char *said, int line)
{
    char path[] = "/tmp/compose.XXXXXX";
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct strlist files = {0};
    struct strbuf out = {0};
    struct import_result result = {0};
    struct error error = {0};
    strlist_add(&files, path);
    const struct import_request request = {.files = &files};
    assert_int_equal(import_compose(&request, &out, &result, &error), -1);
    unlink(path);

    if (!strstr(error.text, said))
        fail_msg("\"%s\" lacks \"%s\"", error.text, said);
    assert_int_equal(error.source.line, line);
    assert_int_equal(out.length, 0);
    error_clear(&error);
    strbuf_free(&out);
    strlist_free(&files);
}

static void test_no_compose_files(void **state)
{
    (void)state;
    char deep[200];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    expect_failure("a: [", "YAML", 2);
    expect_failure("services: text", "no services", 0);
    expect_failure("", "is empty", 0);
    expect_failure("- a", "no map", 1);
    expect_failure("? [x]\n: y\n", "key", 1);
    expect_failure(deep, "deep", 1);
    expect_failure("services: &a {x: *a}", "inside of what it repeats", 1);
    expect_failure("services:\n  a: {extends: b}\n", "no service `b`", 2);
    expect_failure("services:\n  a: {extends: a}\n", "itself", 2);
    expect_failure("include: /nowhere/compose.yaml\n", "/nowhere/compose.yaml", 0);
    expect_failure("include: [[]]\n", "names no file", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),     cmocka_unit_test(test_commands),
        cmocka_unit_test(test_variables), cmocka_unit_test(test_quoting),
        cmocka_unit_test(test_names),     cmocka_unit_test(test_no_compose_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
