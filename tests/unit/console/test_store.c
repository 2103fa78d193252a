/* Snapshots by name: which names they may have, where they are kept, what the server holds after each. */
#include "desk.h"
#include "console/redis_store.h"

#include "base/file.h"
#include "base/mem.h"

#include <string.h>
#include <sys/stat.h>

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

static void names(void **state)
{
    (void)state;
    static const char *const good[] = {"clean", "a.b_c-1", "X", "1", "with.dots.in.it"};
    static const char *const bad[] = {"",     ".",   "..",    "-x", ".hidden", "a/b",
                                      "../a", "a b", "x.tmp", "é",  "a\n"};
    char longest[102];
    memset(longest, 'a', sizeof longest);
    longest[100] = '\0';
    assert_int_equal(redis_store_check_name(longest, NULL), 0);
    longest[100] = 'a';
    longest[101] = '\0';
    assert_int_equal(redis_store_check_name(longest, NULL), -1);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(redis_store_check_name(good[i], NULL), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cleanup_error struct error err = {0};
        assert_int_equal(redis_store_check_name(bad[i], &err), -1);
        assert_int_equal(err.code, ERROR_USAGE);
    }
}

/* Its exit code, with what it printed in desk->printed. */
static int perform(struct desk *desk, int (*verb)(struct redis_link *, const char *, struct error *),
                   const char *name)
{
    error_clear(&desk->error);
    desk_catch(desk);
    int rc = verb(&desk->shell.link, name, &desk->error);
    desk_listen(desk);
    return rc;
}

static void succeeds(struct desk *desk, int (*verb)(struct redis_link *, const char *, struct error *),
                     const char *name)
{
    if (perform(desk, verb, name))
        fail_msg("%s: %s", name, desk->error.text);
}

static void a_snapshot_brings_everything_back(void **state)
{
    struct desk *desk = *state;
    desk_prints(desk, "SET k before", "OK\n");
    desk_prints(desk, "SET gone 1 EX 1000", "OK\n");
    desk_prints(desk, "SELECT 2", "OK\n");
    desk_prints(desk, "RPUSH l 1 2 3", "3\n");
    succeeds(desk, redis_store_snapshot, "clean");

    desk_prints(desk, "RPUSH l 4", "4\n");
    desk_prints(desk, "SELECT 0", "OK\n");
    desk_prints(desk, "SET k after", "OK\n");
    desk_prints(desk, "SET new 1", "OK\n");
    succeeds(desk, redis_store_restore, "clean");

    desk_prints(desk, "GET k", "before\n");
    desk_prints(desk, "EXISTS new gone", "1\n");
    assert_int_equal(desk_execute(desk, "TTL gone"), 0);
    assert_string_not_equal(strbuf_text(&desk->printed), "-1\n");
    desk_prints(desk, "SELECT 2", "OK\n");
    desk_prints(desk, "LLEN l", "3\n");
}

static void flush_empties_all_databases(void **state)
{
    struct desk *desk = *state;
    desk_prints(desk, "SET k 1", "OK\n");
    desk_prints(desk, "SELECT 5", "OK\n");
    desk_prints(desk, "SET k 1", "OK\n");
    assert_int_equal(redis_store_flush(&desk->shell.link, &desk->error), 0);
    desk_prints(desk, "DBSIZE", "0\n");
    desk_prints(desk, "SELECT 0", "OK\n");
    desk_prints(desk, "DBSIZE", "0\n");
}

static void a_seed_is_a_file_of_commands(void **state)
{
    struct desk *desk = *state;
    cleanup_free char *good = path_join(desk->folder, "good"), *bad = path_join(desk->folder, "bad");
    static const char commands[] = "SET a 1\nSET b 2\n", wrong[] = "SET a 3\nNOSUCH\n";
    assert_int_equal(file_write_atomic(good, commands, sizeof commands - 1, 0600, NULL), 0);
    assert_int_equal(file_write_atomic(bad, wrong, sizeof wrong - 1, 0600, NULL), 0);
    succeeds(desk, redis_store_seed, good);
    desk_prints(desk, "MGET a b", "1\n2\n");
    assert_int_equal(perform(desk, redis_store_seed, bad), -1);
    assert_non_null(strstr(desk->error.text, "unknown command"));
    assert_int_equal(perform(desk, redis_store_seed, "/nowhere/seed"), -1);
    assert_non_null(strstr(desk->error.text, "/nowhere/seed"));
}

static void files_are_private_and_listed(void **state)
{
    struct desk *desk = *state;
    cleanup_strlist struct strlist found = {0};
    cleanup_free char *folder = xasprintf("%s/shop-0123abcd/snapshots/cache", desk->folder);
    cleanup_free char *file = path_join(folder, "b");
    struct stat st;
    succeeds(desk, redis_store_snapshot, "b");
    succeeds(desk, redis_store_snapshot, "a");
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(folder, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);

    redis_store_names(&desk->context.project, "cache", &found);
    assert_int_equal(found.count, 2);
    assert_string_equal(found.items[0], "a");
    assert_string_equal(found.items[1], "b");
}

static void what_is_not_there_is_named_with_what_is(void **state)
{
    struct desk *desk = *state;
    succeeds(desk, redis_store_snapshot, "clean");
    desk_prints(desk, "SET k kept", "OK\n");
    assert_int_equal(perform(desk, redis_store_restore, "claen"), -1);
    assert_non_null(strstr(desk->error.text, "claen"));
    assert_non_null(strstr(desk->error.hint, "clean"));
    desk_prints(desk, "GET k", "kept\n");

    assert_int_equal(redis_store_drop(&desk->context, "cache", "clean", &desk->error), 0);
    error_clear(&desk->error);
    assert_int_equal(perform(desk, redis_store_restore, "clean"), -1);
}

/* A file that was cut must not cost the data that is there. */
static void a_broken_snapshot_leaves_the_data(void **state)
{
    struct desk *desk = *state;
    cleanup_free char *file = xasprintf("%s/shop-0123abcd/snapshots/cache/clean", desk->folder);
    desk_prints(desk, "SET k old", "OK\n");
    succeeds(desk, redis_store_snapshot, "clean");
    desk_prints(desk, "SET k new", "OK\n");
    size_t length = 0;
    cleanup_free char *bytes = file_read(file, 1 << 20, &length, NULL);
    assert_true(length > 20);
    assert_int_equal(file_write_atomic(file, bytes, length - 7, 0600, NULL), 0);
    assert_int_equal(perform(desk, redis_store_restore, "clean"), -1);
    assert_non_null(strstr(desk->error.text, "clean"));
    desk_prints(desk, "GET k", "new\n");
}

static void a_list_for_programs(void **state)
{
    struct desk *desk = *state;
    desk->context.output.json = true;
    desk_prints(desk, "SET k 1", "OK\n");
    succeeds(desk, redis_store_snapshot, "clean");
    desk_catch(desk);
    assert_int_equal(redis_store_list(&desk->context, "cache", &desk->error), 0);
    const char *text = desk_listen(desk);
    cleanup_json cJSON *list = json_parse(text, strlen(text), NULL);
    assert_non_null(list);
    assert_non_null(strstr(text, "\"clean\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        TEST(a_snapshot_brings_everything_back),
        TEST(flush_empties_all_databases),
        TEST(a_seed_is_a_file_of_commands),
        TEST(files_are_private_and_listed),
        TEST(what_is_not_there_is_named_with_what_is),
        TEST(a_broken_snapshot_leaves_the_data),
        TEST(a_list_for_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
