/* The operations on a real server: what comes back is what was there, and nothing is flushed for a file that
 * is no good. */
#include "base/draft.h"
#include "base/file.h"
#include "base/mem.h"
#include "redis_data/redis_data.h"
#include "server.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    struct loop loop;
    pid_t server;
    struct redis_conn_options options;
    char folder[64];
    struct redis_data *operation;
    int done;
    struct error error;
    struct redis_data_result result;
    struct redis_conn *conn;
    char *reply; /* of ask() */
};

static struct fixture *shared;

static int start(void **state)
{
    struct fixture *f = shared = xcalloc(1, sizeof *f);
    static const char *const words[] = {"--requirepass", "pass word", "--databases", "20", NULL};
    f->options = (struct redis_conn_options){.port = free_port(), .password = "pass word"};
    f->server = redis_start(f->options.port, words);
    strcpy(f->folder, "/tmp/test-redis-data-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    *state = f;
    return 0;
}

static int end(void **state)
{
    struct fixture *f = *state;
    redis_kill(f->server);
    file_remove_tree(f->folder, NULL);
    free(f);
    return 0;
}

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct fixture *f = data;
    free(f->reply);
    f->reply = !reply                        ? xstrdup("lost")
               : reply->type == RESP_INTEGER ? xasprintf("%lld", reply->integer)
               : reply->str                  ? xstrdup(reply->str)
                                             : xstrdup(resp_type_name(reply->type));
}

static bool has_reply(void *data)
{
    return ((struct fixture *)data)->reply != NULL;
}

/* One command on a connection that is kept for the test; the reply as text. */
static const char *ask(struct fixture *f, const char *line)
{
    struct redis_data_words words = {0};
    assert_int_equal(redis_data_split(&words, line, strlen(line), NULL), 0);
    struct redis_command command = {.count = words.count,
                                    .arguments = words.arguments,
                                    .lengths = words.lengths,
                                    .on_reply = on_reply,
                                    .data = f};
    free(take_ptr(&f->reply));
    if (!f->conn)
        f->conn = redis_conn_open(&f->loop, &f->options);
    assert_int_equal(redis_conn_command(f->conn, &command, NULL), 0);
    assert_true(loop_until(&f->loop, has_reply, f));
    redis_data_words_free(&words);
    return f->reply;
}

static int setup(void **state)
{
    struct fixture *f = shared;
    *state = f;
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    for (int i = 0; i < 500; i++) { /* until the server listens */
        if (strcmp(ask(f, "PING"), "PONG") == 0)
            break;
        redis_conn_free(take_ptr(&f->conn));
        usleep(10000);
    }
    assert_string_equal(ask(f, "FLUSHALL"), "OK");
    assert_string_equal(ask(f, "FUNCTION FLUSH"), "OK");
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    redis_conn_free(take_ptr(&f->conn));
    free(take_ptr(&f->reply));
    error_clear(&f->error);
    assert_int_equal(loop_fini(&f->loop), 0);
    return 0;
}

static void on_done(const struct error *error, const struct redis_data_result *result, void *data)
{
    struct fixture *f = data;
    f->done++;
    f->operation = NULL;
    f->result = *result;
    error_clear(&f->error);
    if (error)
        error_copy(&f->error, error);
}

static bool is_done(void *data)
{
    return ((struct fixture *)data)->done != 0;
}

typedef struct redis_data *start_fn(struct loop *loop, const struct redis_conn_options *server,
                                    const char *file, redis_data_done_cb *done, void *data);

static struct redis_data *flush(struct loop *loop, const struct redis_conn_options *server, const char *file,
                                redis_data_done_cb *done, void *data)
{
    (void)file;
    return redis_data_flush(loop, server, done, data);
}

/* 0, or -1 with f->error. */
static int perform(struct fixture *f, start_fn *start_it, const char *file)
{
    f->done = 0;
    f->operation = start_it(&f->loop, &f->options, file, on_done, f);
    assert_int_equal(f->done, 0);
    assert_true(loop_until(&f->loop, is_done, f));
    assert_int_equal(f->done, 1);
    return error_is_set(&f->error) ? -1 : 0;
}

static char *file_in(struct fixture *f, const char *name)
{
    return path_join(f->folder, name);
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "one");
    struct redis_data_info info;
    struct stat st;
    ask(f, "SET text \"a\\x00b\"");
    ask(f, "SET soon 1 PX 600000");
    ask(f, "RPUSH list 1 2 3");
    ask(f, "ZADD zset 1.5 a");
    ask(f, "SELECT 15");
    ask(f, "HSET hash a 1 b 2");
    ask(f, "FUNCTION LOAD \"#!lua name=lib\\nredis.register_function('f', function() return 42 end)\"");
    cleanup_free char *expires = (ask(f, "SELECT 0"), xstrdup(ask(f, "PEXPIRETIME soon")));
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    assert_int_equal(f->result.keys, 5);
    assert_int_equal(f->result.databases, 2);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, f->result.bytes);
    assert_int_equal(redis_data_info(file, &info, NULL), 0);
    assert_int_equal(info.keys, 5);
    assert_true(str_starts(info.server, "redis "));
    ask(f, "FLUSHALL");
    ask(f, "FUNCTION FLUSH");
    ask(f, "SET other 1");
    assert_int_equal(perform(f, redis_data_restore, file), 0);
    assert_int_equal(f->result.keys, 5);
    assert_string_equal(ask(f, "EXISTS other"), "0");
    assert_string_equal(ask(f, "DBSIZE"), "4");
    assert_string_equal(ask(f, "STRLEN text"), "3");
    assert_string_equal(ask(f, "LINDEX list 2"), "3");
    assert_string_equal(ask(f, "ZSCORE zset a"), "1.5");
    assert_string_equal(ask(f, "PEXPIRETIME soon"), expires);
    assert_string_equal(ask(f, "TTL text"), "-1");
    assert_string_equal(ask(f, "FCALL f 0"), "42");
    ask(f, "SELECT 15");
    assert_string_equal(ask(f, "HGET hash b"), "2");
    assert_string_equal(ask(f, "CLIENT UNPAUSE"), "OK");
}

static void test_many_keys(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "many");
    ask(f, "EVAL \"for i=1,20000 do redis.call('SET', 'key:'..i, string.rep('v', i % 300)) end\" 0");
    ask(f, "SET large \"\"");
    ask(f, "SETRANGE large 5000000 x");
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    assert_true(f->result.keys >= 20001);
    assert_int_equal(perform(f, flush, NULL), 0);
    assert_string_equal(ask(f, "DBSIZE"), "0");
    assert_int_equal(perform(f, redis_data_restore, file), 0);
    assert_string_equal(ask(f, "DBSIZE"), "20001");
    assert_string_equal(ask(f, "STRLEN key:299"), "299");
    assert_string_equal(ask(f, "STRLEN large"), "5000001");
}

static void test_empty_server(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "empty");
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    assert_int_equal(f->result.keys, 0);
    ask(f, "SET a 1");
    assert_int_equal(perform(f, redis_data_restore, file), 0);
    assert_string_equal(ask(f, "DBSIZE"), "0");
}

static void test_expired_stays_away(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "expired");
    ask(f, "SET short 1 PX 200");
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    assert_int_equal(f->result.keys, 1);
    while (strcmp(ask(f, "EXISTS short"), "0") != 0)
        usleep(5000);
    assert_int_equal(perform(f, redis_data_restore, file), 0);
    assert_string_equal(ask(f, "EXISTS short"), "0");
}

/* Every byte of a snapshot is covered: with one changed, or the end cut off, nothing is flushed. */
static void test_damaged_files(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "good"), *bad = file_in(f, "bad");
    size_t length = 0;
    ask(f, "SET a value");
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    cleanup_free char *bytes = file_read(file, 1 << 20, &length, NULL);
    ask(f, "SET kept 1");
    for (size_t i = 0; i < length; i++) {
        bytes[i] ^= 0x20;
        assert_int_equal(file_write_atomic(bad, bytes, length, 0600, NULL), 0);
        bytes[i] ^= 0x20;
        assert_int_equal(perform(f, redis_data_restore, bad), -1);
        assert_int_equal(f->error.code, ERROR_PROTOCOL);
    }
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(file_write_atomic(bad, bytes, i, 0600, NULL), 0);
        assert_int_equal(perform(f, redis_data_restore, bad), -1);
    }
    assert_int_equal(perform(f, redis_data_restore, "/nowhere/x"), -1);
    assert_int_equal(f->error.code, ERROR_NO_FILE);
    assert_int_equal(perform(f, redis_data_restore, "/"), -1);
    assert_int_equal(perform(f, redis_data_restore, "/dev/null"), -1);
    assert_string_equal(ask(f, "EXISTS kept"), "1");
}

static void test_server_that_refuses(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "refused");
    ask(f, "SET a value");
    assert_int_equal(perform(f, redis_data_snapshot, file), 0);
    ask(f, "ACL SETUSER limited on >limited ~* +@all -restore");
    struct redis_conn_options options = f->options;
    f->options.username = "limited";
    f->options.password = "limited";
    assert_int_equal(perform(f, redis_data_restore, file), -1);
    assert_non_null(strstr(f->error.text, "NOPERM"));
    assert_non_null(strstr(f->error.hint, "nothing was changed"));
    f->options.password = "wrong";
    assert_int_equal(perform(f, redis_data_restore, file), -1);
    assert_null(strstr(f->error.text, "wrong"));
    f->options = options;
    assert_string_equal(ask(f, "GET a"), "value");
    assert_string_equal(ask(f, "ACL DELUSER limited"), "1");
}

static void test_seed(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "seed.redis");
    write_file(file, "# first words\nSET a \"x\\x41\"\n\nMULTI\nINCR n\nEXEC\nSELECT 3\nSET b 2");
    assert_int_equal(perform(f, redis_data_seed, file), 0);
    assert_int_equal(f->result.commands, 6);
    assert_string_equal(ask(f, "GET a"), "xA");
    assert_string_equal(ask(f, "GET n"), "1");
    ask(f, "SELECT 3");
    assert_string_equal(ask(f, "GET b"), "2");
}

static void test_seed_stops(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "seed.redis");
    static const struct {
        const char *text, *says, *after; /* after: the value of "a" */
        int line;
    } rows[] = {
        {"SET a 1\nLPUSH a x\nSET a 2\n", "WRONGTYPE", "1", 2},
        {"SET a 1\n\n\nFOO\nSET a 2\n", "unknown command", "1", 4},
        {"SET a 1\nSET a \"2\n", "not closed", "0", 2},
        {"SET a 1\nsubscribe b\n", "subscribe", "0", 2},
        {"MULTI\nSET a 1\nLPUSH a x\nEXEC\nSET a 2\n", "WRONGTYPE", "1", 4},
        {"SET a 1\n*1\r\n$9\r\nX", "cut off", "0", 2},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ask(f, "SET a 0");
        write_file(file, rows[i].text);
        assert_int_equal(perform(f, redis_data_seed, file), -1);
        assert_int_equal(f->error.source.line, rows[i].line);
        assert_string_equal(f->error.source.file, file);
        assert_non_null(strstr(f->error.text, rows[i].says));
        assert_string_equal(ask(f, "GET a"), rows[i].after);
    }
    assert_int_equal(perform(f, redis_data_seed, "/nowhere/x"), -1);
}

static void test_cancel(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "cancelled");
    ask(f, "EVAL \"for i=1,5000 do redis.call('SET', 'key:'..i, i) end\" 0");
    f->done = 0;
    redis_data_cancel(redis_data_flush(&f->loop, &f->options, on_done, f));
    redis_data_cancel(redis_data_seed(&f->loop, &f->options, "/nowhere/x", on_done, f));
    for (int turns = 1; turns < 40; turns += 3) { /* in the middle of it, wherever that is */
        struct redis_data *operation = redis_data_snapshot(&f->loop, &f->options, file, on_done, f);
        f->done = 0;
        for (int i = 0; i < turns && !f->done; i++)
            loop_run_once(&f->loop);
        if (!f->done)
            redis_data_cancel(operation);
        f->done = 0;
    }
    ask(f, "CLIENT UNPAUSE");
    assert_int_equal(f->done, 0);
    assert_string_equal(ask(f, "DBSIZE"), "5000");
    cleanup_free char *folder = path_dirname(file);
    assert_int_equal(draft_sweep(folder, NULL, NULL), 0);
}

/* The same on another server, too. */
static int perform_on_both(struct fixture *f, start_fn *start_it, const char *file,
                           const struct redis_conn_options *other)
{
    f->done = 0;
    f->operation = start_it(&f->loop, &f->options, file, on_done, f);
    redis_data_also(f->operation, other);
    assert_true(loop_until(&f->loop, is_done, f));
    assert_int_equal(f->done, 1);
    return error_is_set(&f->error) ? -1 : 0;
}

static const char *ask_other(struct fixture *f, const struct redis_conn_options *other, const char *line)
{
    struct redis_conn *own = take_ptr(&f->conn);
    struct redis_conn_options options = f->options;
    f->options = *other;
    const char *reply = ask(f, line);
    redis_conn_free(f->conn);
    f->conn = own;
    f->options = options;
    return reply;
}

/* One snapshot of both; each is emptied; who is the only one that is left takes all of it. */
static void test_two_servers(void **state)
{
    struct fixture *f = *state;
    static const char *const words[] = {"--requirepass", "pass word", NULL};
    const struct redis_conn_options other = {.port = free_port(), .password = "pass word"};
    pid_t server = redis_start(other.port, words);
    cleanup_free char *file = file_in(f, "both");
    for (int i = 0; i < 6000 && strcmp(ask_other(f, &other, "PING"), "PONG") != 0; i++)
        usleep(10000);
    ask(f, "SET here 1");
    ask_other(f, &other, "MSET there 2 also 3");

    assert_int_equal(perform_on_both(f, redis_data_snapshot, file, &other), 0);
    assert_int_equal(f->result.keys, 3);
    assert_int_equal(f->result.databases, 1);
    assert_int_equal(perform_on_both(f, flush, NULL, &other), 0);
    assert_string_equal(ask(f, "DBSIZE"), "0");
    assert_string_equal(ask_other(f, &other, "DBSIZE"), "0");
    assert_int_equal(perform(f, redis_data_restore, file), 0);
    assert_string_equal(ask(f, "GET there"), "2");
    assert_string_equal(ask(f, "DBSIZE"), "3");

    redis_kill(server);
    assert_int_equal(perform_on_both(f, flush, NULL, &other), -1);
}

/* One that is a member of a cluster; `bus` as well. */
static pid_t start_member(const struct fixture *f, int port, int bus)
{
    char bus_port[16], nodes[32];
    snprintf(bus_port, sizeof bus_port, "%d", bus);
    snprintf(nodes, sizeof nodes, "nodes-%d.conf", port);
    const char *const words[] = {
        "--cluster-enabled", "yes", "--cluster-config-file", nodes, "--cluster-port", bus_port, "--dir",
        f->folder,           NULL};
    return redis_start(port, words);
}

static void await_reply(struct fixture *f, const struct redis_conn_options *who, const char *line,
                        const char *wanted)
{
    for (int i = 0; i < 6000 && !strstr(ask_other(f, who, line), wanted); i++)
        usleep(10000);
    assert_non_null(strstr(ask_other(f, who, line), wanted));
}

/* What belongs to another is sent there, or said; what is on its way to another is said. "b" is of the first
 * half of the slots, "a" of the second. */
static void test_keys_of_others(void **state)
{
    struct fixture *f = *state;
    const struct redis_conn_options own = f->options;
    const struct redis_conn_options first = {.port = free_port()}, second = {.port = free_port()};
    int bus = free_port();
    pid_t servers[] = {start_member(f, first.port, free_port()), start_member(f, second.port, bus)};
    cleanup_free char *file = file_in(f, "moved.redis");
    cleanup_free char *meet = xasprintf("CLUSTER MEET 127.0.0.1 %d %d", second.port, bus);
    await_reply(f, &first, "PING", "PONG");
    await_reply(f, &second, "PING", "PONG");
    ask_other(f, &first, "CLUSTER ADDSLOTSRANGE 0 8191");
    ask_other(f, &second, "CLUSTER ADDSLOTSRANGE 8192 16383");
    ask_other(f, &first, meet);
    await_reply(f, &first, "CLUSTER INFO", "cluster_state:ok");
    await_reply(f, &second, "CLUSTER INFO", "cluster_state:ok");

    f->options = first;
    write_file(file, "SET b 1\nSET a 2\nMSET {a}1 3 {a}2 4\nPING\n");
    assert_int_equal(perform(f, redis_data_seed, file), -1);
    assert_non_null(strstr(f->error.text, "MOVED 15495"));
    assert_int_equal(f->error.source.line, 2);
    assert_int_equal(perform_on_both(f, redis_data_seed, file, &second), 0);
    assert_int_equal(f->result.commands, 4);
    assert_string_equal(ask_other(f, &first, "DBSIZE"), "1");
    assert_string_equal(ask_other(f, &second, "DBSIZE"), "3");

    cleanup_free char *migrating =
        xasprintf("CLUSTER SETSLOT 15495 MIGRATING %s", ask_other(f, &first, "CLUSTER MYID"));
    assert_string_equal(ask_other(f, &second, migrating), "OK");
    write_file(file, "SET b 1\nSET a 2\nSET {a}new 3\n");
    assert_int_equal(perform_on_both(f, redis_data_seed, file, &second), -1);
    assert_non_null(strstr(f->error.text, "ASK 15495"));
    assert_int_equal(f->error.source.line, 3);

    f->options = own;
    redis_kill(servers[0]);
    redis_kill(servers[1]);
}

static void test_nobody_there(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *file = file_in(f, "none");
    struct redis_conn_options options = f->options;
    f->options.port = free_port();
    assert_int_equal(perform(f, redis_data_snapshot, file), -1);
    assert_false(file_exists(file));
    assert_int_equal(perform(f, flush, NULL), -1);
    f->options = options;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_round_trip, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_server, setup, teardown),
        cmocka_unit_test_setup_teardown(test_expired_stays_away, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_files, setup, teardown),
        cmocka_unit_test_setup_teardown(test_server_that_refuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_seed_stops, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cancel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_two_servers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_keys_of_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nobody_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, start, end);
}
