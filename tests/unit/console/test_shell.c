/* Commands on a real server: how answers are shown, what becomes of errors, of transactions, of a lost
 * connection; commands from a file, and in a pipeline. */
#include "desk.h"
#include "server.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libedit forgets names that it has copied (el_set() of EL_ADDFN). */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libedit.so";
}

/* Its frames have no pointers to each other. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "fast_unwind_on_malloc=0";
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

static void answers_as_a_terminal_shows_them(void **state)
{
    struct desk *desk = *state;
    desk->shell.form = REDIS_FORM_TTY;
    desk_prints(desk, "PING", "PONG\n");
    desk_prints(desk, "SET k \"a\\n b\"", "OK\n");
    desk_prints(desk, "GET k", "\"a\\n b\"\n");
    desk_prints(desk, "GET none", "(nil)\n");
    desk_prints(desk, "STRLEN k", "(integer) 4\n");
    desk_prints(desk, "RPUSH l one two", "(integer) 2\n");
    desk_prints(desk, "LRANGE l 0 -1", "1) \"one\"\n2) \"two\"\n");
    desk_prints(desk, "LRANGE none 0 -1", "(empty array)\n");
}

static void answers_as_a_pipe_gets_them(void **state)
{
    struct desk *desk = *state;
    desk->shell.form = REDIS_FORM_RAW;
    desk_prints(desk, "SET k \"a\\n b\"", "OK\n");
    desk_prints(desk, "GET k", "a\n b\n");
    desk_prints(desk, "GET none", "\n");
    desk_prints(desk, "RPUSH l one two", "2\n");
    desk_prints(desk, "LRANGE l 0 -1", "one\ntwo\n");
}

static void answers_as_json(void **state)
{
    struct desk *desk = *state;
    desk->shell.form = REDIS_FORM_JSON;
    desk_prints(desk, "SET k \"a\\\"b\"", "\"OK\"\n");
    desk_prints(desk, "GET k", "\"a\\\"b\"\n");
    desk_prints(desk, "GET none", "null\n");
    desk_prints(desk, "RPUSH l one two", "2\n");
    desk_prints(desk, "LRANGE l 0 -1", "[\"one\",\"two\"]\n");
}

/* INFO is text for people, on a terminal too. */
static void texts_are_not_quoted(void **state)
{
    struct desk *desk = *state;
    desk->shell.form = REDIS_FORM_TTY;
    assert_int_equal(desk_execute(desk, "INFO server"), 0);
    const char *printed = strbuf_text(&desk->printed);
    assert_true(str_starts(printed, "# Server\r\n"));
    assert_non_null(strstr(printed, "redis_version:"));
    assert_false(str_ends(printed, "\n\n"));
}

static void a_refusal_is_no_failure_of_the_connection(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(desk_execute(desk, "NOSUCH x"), REDIS_SHELL_REFUSED);
    assert_non_null(strstr(desk->error.text, "unknown command"));
    desk_prints(desk, "ECHO there", "there\n");
    assert_int_equal(desk_execute(desk, "INCR"), REDIS_SHELL_REFUSED);
    assert_non_null(strstr(desk->error.text, "wrong number of arguments"));
}

static void what_cannot_work_here_is_refused(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(desk_execute(desk, "PSYNC ? -1"), -1);
    assert_int_equal(desk->error.code, ERROR_USAGE);
    assert_int_equal(desk_execute(desk, "CLIENT REPLY OFF"), -1);
    assert_int_equal(desk->error.code, ERROR_USAGE);
    desk_prints(desk, "ECHO there", "there\n");
}

static void a_transaction_is_remembered(void **state)
{
    struct desk *desk = *state;
    desk->shell.form = REDIS_FORM_TTY;
    desk_prints(desk, "MULTI", "OK\n");
    assert_true(desk->shell.in_transaction);
    desk_prints(desk, "SET k 1", "QUEUED\n");
    desk_prints(desk, "EXEC", "1) OK\n");
    assert_false(desk->shell.in_transaction);
    desk_prints(desk, "MULTI", "OK\n");
    desk_prints(desk, "DISCARD", "OK\n");
    assert_false(desk->shell.in_transaction);
}

/* A cluster's node may name one that nobody reaches: that is the error, not the naming. */
static void a_node_that_is_not_there_is_told(void **state)
{
    struct desk *desk = *state;
    struct redis_link *link = &desk->shell.link;
    link->is_cluster = true;
    free(link->asked);
    link->asked = xstrdup("all of them");
    assert_int_equal(desk_execute(desk, "EVAL \"return redis.error_reply('MOVED 1 127.0.0.1:1')\" 0"), -1);
    assert_int_equal(desk->error.code, ERROR_FAILED);
    assert_non_null(strstr(desk->error.text, "127.0.0.1:1"));
    assert_null(strstr(desk->error.text, "MOVED"));
}

/* The next connection is brought to where the lost one was. */
static void a_database_outlives_its_connection(void **state)
{
    struct desk *desk = *state;
    desk_prints(desk, "SELECT 3", "OK\n");
    desk_prints(desk, "SET k there", "OK\n");
    assert_int_equal(desk->shell.link.database, 3);
    redis_link_close(&desk->shell.link);
    desk_prints(desk, "GET k", "there\n");
    assert_int_equal(desk_execute(desk, "SELECT 99"), REDIS_SHELL_REFUSED);
    assert_int_equal(desk->shell.link.database, 3);
}

static void a_server_that_dies_is_an_error(void **state)
{
    struct desk *desk = *state;
    desk_prints(desk, "MULTI", "OK\n");
    assert_int_equal(desk_execute(desk, "SHUTDOWN NOSAVE"), REDIS_SHELL_REFUSED); /* not inside of one */
    desk_prints(desk, "DISCARD", "OK\n");
    assert_int_equal(desk_execute(desk, "SHUTDOWN NOSAVE"), -1);
    assert_true(error_is_set(&desk->error));
    assert_false(desk->shell.in_transaction);
}

static void a_wrong_password_is_said(void **state)
{
    struct desk *desk = *state;
    redis_link_close(&desk->shell.link);
    free((char *)desk->shell.link.server.password);
    desk->shell.link.server.password = xstrdup("wrong-one");
    assert_int_equal(desk_execute(desk, "PING"), -1);
    assert_null(strstr(desk->error.text, "wrong-one"));
}

/* ---- from a file ---- */

static int run_lines(struct desk *desk, const char *text)
{
    error_clear(&desk->error);
    desk_type(desk, text, strlen(text));
    desk_catch(desk);
    int rc = redis_shell_lines(&desk->shell, &desk->error);
    desk_listen(desk);
    return rc;
}

static void lines_are_answered_in_order(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(run_lines(desk, "SET a 1\n\n# a remark\nINCR a\nGET a"), 0);
    assert_string_equal(strbuf_text(&desk->printed), "OK\n2\n2\n");
}

/* It goes on after a refusal, and its exit code tells. */
static void a_refused_line_costs_the_exit_code_only(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(run_lines(desk, "SET a 1\nNOSUCH\nGET a\n"), 1);
    assert_string_equal(strbuf_text(&desk->printed), "OK\n1\n");
}

static void a_line_that_cannot_be_read_ends_it(void **state)
{
    struct desk *desk = *state;
    assert_int_equal(run_lines(desk, "SET a 1\nSET b \"open\n"), -1);
    assert_int_equal(desk->error.code, ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "line 2"));
    assert_string_equal(strbuf_text(&desk->printed), "OK\n");
}

/* Half of what was meant is not all of it. */
static void input_that_cannot_be_read_is_no_end(void **state)
{
    struct desk *desk = *state;
    int input = dup(STDIN_FILENO), folder = open(desk->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dup2(folder, STDIN_FILENO);
    close(folder);
    assert_int_equal(redis_shell_lines(&desk->shell, &desk->error), -1);
    assert_non_null(strstr(desk->error.text, "cannot read standard input: Is a directory"));
    error_clear(&desk->error);
    assert_int_equal(redis_shell_pipe(&desk->shell, &desk->error), -1);
    assert_non_null(strstr(desk->error.text, "cannot read standard input"));
    dup2(input, STDIN_FILENO);
    close(input);
}

/* ---- the prompt ---- */

static void what_holds_a_password_is_not_kept(void **state)
{
    static const char typed[] =
        "SET a 1\nAUTH top-secret\nCONFIG SET requirepass \"p w\"\n DEL a\nGET a\nquit\n";
    struct desk *desk = *state;
    desk_type(desk, typed, sizeof typed - 1);
    desk_catch(desk);
    int rc = redis_shell_prompt(&desk->shell, &desk->error);
    const char *printed = desk_listen(desk);
    assert_int_equal(rc, 0);
    assert_non_null(strstr(printed, "(error) WRONGPASS"));

    cleanup_free char *history = path_join(desk->folder, "redis_history");
    cleanup_free char *kept = file_read(history, 4096, NULL, NULL);
    assert_string_equal(kept, "SET a 1\nGET a\nquit\n"); /* a line that begins with a blank is not, either */
}

/* ---- mass insertion ---- */

static int run_pipe(struct desk *desk, const char *text, size_t length)
{
    error_clear(&desk->error);
    desk_type(desk, text, length);
    desk_catch(desk);
    int rc = redis_shell_pipe(&desk->shell, &desk->error);
    desk_listen(desk);
    return rc;
}

static void a_pipeline_counts(void **state)
{
    struct desk *desk = *state;
    static const char text[] = "SET a 1\r\n*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$4\r\n\0\r\nx\r\nNOSUCH\r\n";
    assert_int_equal(run_pipe(desk, text, sizeof text - 1), 1);
    assert_string_equal(strbuf_text(&desk->printed), "replies: 3, errors: 1\n");
    desk_prints(desk, "STRLEN b", "4\n");
}

static void a_large_pipeline_is_whole(void **state)
{
    struct desk *desk = *state;
    enum { KEYS = 30000 };
    cleanup_strbuf struct strbuf text = {0};
    for (int i = 0; i < KEYS; i++)
        strbuf_addf(&text, "SET key:%d value-of-%d-that-is-a-little-longer\n", i, i);
    assert_int_equal(run_pipe(desk, strbuf_text(&text), text.length), 0);
    assert_string_equal(strbuf_text(&desk->printed), "replies: 30000, errors: 0\n");
    desk_prints(desk, "DBSIZE", "30000\n");
}

static void what_answers_without_end_has_no_place_in_one(void **state)
{
    struct desk *desk = *state;
    static const char text[] = "SET a 1\nSUBSCRIBE c\n";
    assert_int_equal(run_pipe(desk, text, sizeof text - 1), -1);
    assert_int_equal(desk->error.code, ERROR_USAGE);
    assert_non_null(strstr(desk->error.text, "line 2: SUBSCRIBE"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(answers_as_a_terminal_shows_them),
        TEST(answers_as_a_pipe_gets_them),
        TEST(answers_as_json),
        TEST(texts_are_not_quoted),
        TEST(a_refusal_is_no_failure_of_the_connection),
        TEST(what_cannot_work_here_is_refused),
        TEST(a_transaction_is_remembered),
        TEST(a_node_that_is_not_there_is_told),
        TEST(a_database_outlives_its_connection),
        TEST(a_server_that_dies_is_an_error),
        TEST(a_wrong_password_is_said),
        TEST(lines_are_answered_in_order),
        TEST(a_refused_line_costs_the_exit_code_only),
        TEST(a_line_that_cannot_be_read_ends_it),
        TEST(input_that_cannot_be_read_is_no_end),
        TEST(what_holds_a_password_is_not_kept),
        TEST(a_pipeline_counts),
        TEST(a_large_pipeline_is_whole),
        TEST(what_answers_without_end_has_no_place_in_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
