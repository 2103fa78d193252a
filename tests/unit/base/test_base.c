/* The small doors of base/: strings and their parsers, files, JSON getters, errors, digests. */
#include "base/coredump.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/names.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static void durations(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms; /* -1: refused */
    } cases[] = {
        {"500ms", 500},
        {"10s", 10000},
        {"1m30s", 90000},
        {"5m", 300000},
        {"2h", 7200000},
        {"7", 7000},
        {"00:05:00", 300000},
        {"1.5s", 1500},
        {"0", 0},
        {"", -1},
        {"s", -1},
        {"-1", -1},
        {"5x", -1},
        {"5m x", -1},
        {"1:2", -1},
        {"00:61:00", -1},
        {"99999999999999999999h", -1},
        {"1..5s", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t ms = -1;
        bool ok = str_to_duration_ms(cases[i].text, &ms);
        if (ok != (cases[i].ms >= 0) || (ok && ms != cases[i].ms))
            fail_msg("%s: %d %lld", cases[i].text, ok, (long long)ms);
    }
}

static void sizes(void **state)
{
    (void)state;
    int64_t bytes;
    assert_true(str_to_size("64m", &bytes) && bytes == 64 << 20);
    assert_true(str_to_size("64MB", &bytes) && bytes == 64 << 20);
    assert_true(str_to_size("10b", &bytes) && bytes == 10);
    assert_true(str_to_size("1g", &bytes) && bytes == 1 << 30);
    assert_false(str_to_size("m", &bytes));
    assert_false(str_to_size("1t", &bytes));
    assert_false(str_to_size("1mm", &bytes));
    assert_false(str_to_size("-1", &bytes));
}

static void measures_stand_as_they_are_written(void **state)
{
    (void)state;
    static const char *const durations[] = {"500ms", "10s", "1m30s", "5m", "2h", "1h1s"};
    static const char *const sizes[] = {"64m", "1g", "512k", "1500", "1536k"};
    char text[24];
    int64_t value;

    for (size_t i = 0; i < sizeof durations / sizeof *durations; i++) {
        assert_true(str_to_duration_ms(durations[i], &value));
        str_duration(value, text);
        assert_string_equal(text, durations[i]);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_true(str_to_size(sizes[i], &value));
        str_size(value, text);
        assert_string_equal(text, sizes[i]);
    }
    str_duration(0, text);
    assert_string_equal(text, "0s");
}

static void near_misses(void **state)
{
    (void)state;
    static const char *const words[] = {"redis", "valkey", "process", "persistence"};
    assert_string_equal(str_nearest("redsi", words, 4), "redis");
    assert_string_equal(str_nearest("persistance", words, 4), "persistence");
    assert_string_equal(str_nearest("PROCESS", words, 4), "process");
    assert_null(str_nearest("kafka", words, 4));
    assert_null(str_nearest("", words, 4));
}

static void utf8_is_checked(void **state)
{
    (void)state;
    assert_true(str_is_utf8("gr\xc3\xbc\xc3\x9f", 6));
    assert_false(str_is_utf8("\xc0\x80", 2));
    assert_false(str_is_utf8("\xed\xa0\x80", 3));
    assert_false(str_is_utf8("\xf4\x90\x80\x80", 4));
    assert_false(str_is_utf8("a\0b", 3));
    assert_false(str_is_utf8("\xe2\x82", 2));
    assert_int_equal(str_width("\xe4\xb8\xad"
                               "a"),
                     3);
}

static void untrusted_text_is_made_visible(void **state)
{
    (void)state;
    char *text = str_printable("a\x1b[31mb\xff\xe2\x80\xae"
                               "c");
    assert_string_equal(text, "a\\x1b[31mb\\xff\\u202ec");
    free(text);
}

static void buffers_stop_at_their_limit(void **state)
{
    (void)state;
    struct strbuf buf = {.limit = 4};
    assert_true(strbuf_adds(&buf, "abcd"));
    assert_false(strbuf_adds(&buf, "e"));
    assert_true(buf.full);
    assert_string_equal(strbuf_text(&buf), "abcd");
    strbuf_consume(&buf, 3);
    assert_string_equal(strbuf_text(&buf), "d");
    strbuf_free(&buf);
}

static void environment_lists(void **state)
{
    (void)state;
    struct strlist list = {0};
    strlist_setenv(&list, "A", "1");
    strlist_setenv(&list, "AB", "2");
    strlist_setenv(&list, "A", "3");
    assert_int_equal(list.count, 2);
    assert_string_equal(strlist_getenv(&list, "A"), "3");
    assert_null(strlist_getenv(&list, "B"));
    strlist_free(&list);
}

static void files_are_replaced_whole(void **state)
{
    (void)state;
    char folder[] = "/tmp/base-XXXXXX";
    assert_non_null(mkdtemp(folder));
    struct error err = {0};
    char *path = path_join(folder, "deep/er/../file"), *deep = path_join(folder, "deep");
    assert_int_equal(file_mkdirs(deep, 0700, &err), 0);
    assert_int_equal(file_write_atomic(path, "one", 3, 0600, &err), 0);
    assert_int_equal(file_write_atomic(path, "three", 5, 0600, &err), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    size_t length;
    char *content = file_read(path, 100, &length, &err);
    assert_string_equal(content, "three");
    assert_null(file_read(path, 3, NULL, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    error_clear(&err);
    assert_null(file_read(folder, 100, NULL, &err));
    error_clear(&err);
    assert_int_equal(file_write_atomic("/proc/none/x", "a", 1, 0600, &err), -1);
    assert_int_equal(err.code, ERROR_NO_FILE);
    assert_int_equal(error_exit_code(&err), 1);
    error_clear(&err);
    assert_int_equal(file_remove_tree(folder, &err), 0);
    assert_false(file_exists(folder));
    free(content);
    free(path);
    free(deep);
}

static void refuses_own(const char *path, enum error_code code)
{
    cleanup_error struct error err = {0};
    assert_null(file_read_own(path, 100, NULL, &err));
    assert_int_equal(err.code, code);
    assert_non_null(strstr(err.text, path));
}

/* What stands there instead of a file of ours is neither followed nor waited for. */
static void own_files_are_files_of_ours(void **state)
{
    (void)state;
    char folder[] = "/tmp/apphost-own-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *file = path_join(folder, "file"), *link = path_join(folder, "link"),
                      *pipe = path_join(folder, "pipe"), *none = path_join(folder, "none");
    size_t length = 0;
    assert_int_equal(file_write_atomic(file, "a\0b", 3, 0600, NULL), 0);
    assert_int_equal(symlink(file, link), 0);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    cleanup_free char *text = file_read_own(file, 100, &length, NULL);
    assert_int_equal(length, 3);
    assert_memory_equal(text, "a\0b", 3);
    refuses_own(link, ERROR_OWNER);
    refuses_own(pipe, ERROR_OWNER);
    refuses_own(folder, ERROR_OWNER);
    refuses_own(none, ERROR_NO_FILE);
    assert_int_equal(file_remove_tree(folder, NULL), 0);
}

/* Whoever opens a named pipe waits for a writer; one that a shell made has its writer. */
static void named_pipes_are_not_waited_for(void **state)
{
    (void)state;
    char folder[] = "/tmp/apphost-pipe-XXXXXX";
    assert_non_null(mkdtemp(folder));
    cleanup_free char *named = path_join(folder, "pipe");
    assert_int_equal(mkfifo(named, 0600), 0);
    cleanup_error struct error err = {0};
    assert_null(file_read(named, 100, NULL, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    assert_non_null(strstr(err.text, "it is a pipe"));

    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "text", 4), 4);
    close(ends[1]);
    char path[32];
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    cleanup_free char *text = file_read(path, 100, NULL, NULL);
    assert_string_equal(text, "text");
    close(ends[0]);
    assert_int_equal(file_remove_tree(folder, NULL), 0);
}

static rlim_t core_limit(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_CORE, &limit), 0);
    return limit.rlim_cur;
}

static void core_files_are_ours_to_forbid(void **state)
{
    (void)state;
    struct rlimit before, some;
    assert_int_equal(getrlimit(RLIMIT_CORE, &before), 0);
    some = (struct rlimit){.rlim_cur = before.rlim_max < 4096 ? before.rlim_max : 4096,
                           .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_CORE, &some), 0);
    coredump_forbid();
    assert_int_equal(core_limit(), 1); /* byte */
    coredump_give_back();
    assert_int_equal(core_limit(), some.rlim_cur);
    coredump_forbid_again();
    assert_int_equal(core_limit(), 1); /* byte */
    coredump_give_back();
    assert_int_equal(setrlimit(RLIMIT_CORE, &before), 0);
}

static void paths(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"/a/b", "c", "/a/b/c"},       {"/a/b", "../c", "/a/c"}, {"/a", "../../../c", "/c"},
        {"/a", "/x//y/./z", "/x/y/z"}, {"", "..", ".."},         {"a", "..", "."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = path_join(cases[i][0], cases[i][1]);
        assert_string_equal(path, cases[i][2]);
        free(path);
    }
}

static void json_getters_are_strict(void **state)
{
    (void)state;
    struct error err = {0};
    const char *text = "{\"b\":{\"c\":\"x\"},\"a\":[1,2],\"A\":7,\"n\":1e300}";
    cJSON *json = json_parse(text, strlen(text), &err);
    assert_string_equal(json_path(json, "b.c")->valuestring, "x");
    assert_int_equal(json_int(json, "A", -1), 7);
    assert_int_equal(json_int(json, "a", -1), -1);
    assert_int_equal(json_int(json, "n", -1), -1);
    char *canonical = json_print_canonical(json);
    assert_non_null(strstr(canonical, "{\"A\":7,\"a\":[1,2],\"b\":{\"c\":\"x\"}"));
    free(canonical);
    cJSON_Delete(json);
    assert_null(json_parse("{} x", 4, &err));
    assert_int_equal(err.code, ERROR_PROTOCOL);
    error_clear(&err);
    assert_null(json_parse("", 0, &err));
    error_clear(&err);
}

static void errors_keep_the_first_cause(void **state)
{
    (void)state;
    struct error err = {0}, copy = {0};
    error_set(&err, ERROR_PORT, "port %d is taken", 1);
    error_set(&err, ERROR_FAILED, "later");
    error_hint(&err, "use %d", 2);
    error_wrap(&err, "starting %s", "cache");
    error_copy(&copy, &err);
    assert_string_equal(copy.text, "starting cache: port 1 is taken");
    assert_string_equal(copy.hint, "use 2");
    assert_int_equal(error_exit_code(&copy), 8);
    assert_int_equal(error_by_name(error_name(ERROR_PORT)), ERROR_PORT);
    error_clear(&err);
    error_clear(&copy);
    assert_false(error_is_set(&err));
}

/* RFC 4231, test cases 2 and 6: a short key, and one that is longer than a block. */
static void keyed_digests(void **state)
{
    (void)state;
    char sum[65], key[131];
    memset(key, 0xaa, sizeof key);
    digest_hmac("Jefe", 4, "what do ya want for nothing?", 28, sum);
    assert_string_equal(sum, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    digest_hmac(key, sizeof key, "Test Using Larger Than Block-Size Key - Hash Key First", 54, sum);
    assert_string_equal(sum, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

/* RFC 4648, section 10; and what is none. */
static void base64_of_every_length(void **state)
{
    (void)state;
    static const struct {
        const char *plain, *encoded;
    } cases[] = {{"", ""},
                 {"f", "Zg=="},
                 {"fo", "Zm8="},
                 {"foo", "Zm9v"},
                 {"foob", "Zm9vYg=="},
                 {"fooba", "Zm9vYmE="},
                 {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t length = 99;
        char *encoded = digest_base64(cases[i].plain, strlen(cases[i].plain), 0);
        char *decoded = digest_unbase64(cases[i].encoded, &length);
        assert_string_equal(encoded, cases[i].encoded);
        assert_string_equal(decoded, cases[i].plain);
        assert_int_equal(length, strlen(cases[i].plain));
        free(encoded);
        free(decoded);
    }

    static const char *const none[] = {"Zg=", "Z===", "Zm9v Zg=", "Zm\n9v===", "====", "Zg==Zg==", "-_8="};
    size_t length;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        assert_null(digest_unbase64(none[i], &length));
}

static void digests_and_encodings(void **state)
{
    (void)state;
    char sum[65];
    digest_sha256("abc", 3, sum);
    assert_string_equal(sum, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    char text[23];
    digest_random_text(text, 22, "ab");
    assert_int_equal(strspn(text, "ab"), 22);
    char *encoded = digest_base64("\xfb\xff", 2, 1);
    assert_string_equal(encoded, "-_8=");
    size_t length;
    char *decoded = digest_unbase64("dTpw", &length);
    assert_int_equal(length, 3);
    assert_memory_equal(decoded, "u:p", 3);
    assert_null(digest_unbase64("a", &length));
    free(encoded);
    free(decoded);
    char *uri = str_percent_encode("a b/\xc3\xbc");
    assert_string_equal(uri, "a%20b%2F%C3%BC");
    free(uri);
}

enum mood { CALM, LOUD, MOODS };
static NAMES(moods, MOODS, [CALM] = "calm", [LOUD] = "loud");

static void names_of_values(void **state)
{
    (void)state;
    assert_string_equal(names_text(&moods, LOUD), "loud");
    assert_string_equal(names_text(&moods, MOODS), "unknown");
    assert_string_equal(names_text(&moods, (size_t)-1), "unknown");
    assert_int_equal(names_find(&moods, "loud"), LOUD);
    assert_int_equal(names_find(&moods, "Loud"), -1);
    assert_int_equal(names_find(&moods, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations),
        cmocka_unit_test(sizes),
        cmocka_unit_test(measures_stand_as_they_are_written),
        cmocka_unit_test(near_misses),
        cmocka_unit_test(utf8_is_checked),
        cmocka_unit_test(untrusted_text_is_made_visible),
        cmocka_unit_test(buffers_stop_at_their_limit),
        cmocka_unit_test(environment_lists),
        cmocka_unit_test(files_are_replaced_whole),
        cmocka_unit_test(own_files_are_files_of_ours),
        cmocka_unit_test(named_pipes_are_not_waited_for),
        cmocka_unit_test(core_files_are_ours_to_forbid),
        cmocka_unit_test(paths),
        cmocka_unit_test(json_getters_are_strict),
        cmocka_unit_test(errors_keep_the_first_cause),
        cmocka_unit_test(digests_and_encodings),
        cmocka_unit_test(keyed_digests),
        cmocka_unit_test(base64_of_every_length),
        cmocka_unit_test(names_of_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
