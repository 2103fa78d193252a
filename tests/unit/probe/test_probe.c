/* Probes against real servers, real commands, and peers that misbehave in every way that was seen. */
#include "base/mem.h"
#include "base/str.h"
#include "probe/probe.h"
#include "server.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct loop loop;
    struct probe *probe;
    int port;
    int ready, lost, trying, final;
    struct error last;
    bool frees;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->port = free_port();
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    probe_free(f->probe);
    for (int i = 0; i < 100; i++) /* the HTTP transport closes in turns */
        uv_run(&f->loop.uv, UV_RUN_NOWAIT);
    int rc = loop_fini(&f->loop);
    error_clear(&f->last);
    free(f);
    assert_int_equal(rc, 0);
    return 0;
}

static void on_change(enum probe_state state, const struct error *err, bool final, void *data)
{
    struct fixture *f = data;
    f->ready += state == PROBE_READY;
    f->lost += state == PROBE_LOST;
    f->trying += state == PROBE_TRYING;
    f->final += final;
    assert_true((state == PROBE_READY) == !err);
    error_clear(&f->last);
    if (err)
        error_copy(&f->last, err);
    if (f->frees) {
        probe_free(f->probe);
        f->probe = NULL;
    }
}

static void begin(struct fixture *f, struct probe_options options)
{
    if (!options.host)
        options.host = "127.0.0.1";
    if (!options.port)
        options.port = f->port;
    f->probe = probe_start(&f->loop, &options, on_change, f);
    assert_int_equal(f->ready + f->lost + f->trying, 0); /* never before probe_start() has returned */
}

static bool is_ready(void *data)
{
    return ((struct fixture *)data)->ready > 0;
}
static bool is_ready_again(void *data)
{
    return ((struct fixture *)data)->ready > 1;
}
static bool is_lost(void *data)
{
    return ((struct fixture *)data)->lost > 0;
}
static bool is_final(void *data)
{
    return ((struct fixture *)data)->final > 0;
}
static bool has_failure(void *data)
{
    return probe_last_error(((struct fixture *)data)->probe) != NULL;
}

/* The next PING is an hour away: the kept connection alone can tell. */
static void test_ping_sees_the_loss_by_its_connection(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);

    begin(f, (struct probe_options){.kind = PROBE_PING});
    assert_true(loop_until(&f->loop, is_ready, f));
    probe_free(f->probe);
    f->ready = 0;
    begin(f, (struct probe_options){.kind = PROBE_PING, .interval_ms = 3600000});
    assert_true(loop_until(&f->loop, is_ready, f));
    redis_kill(pid);
    assert_true(loop_until(&f->loop, is_lost, f));
    assert_non_null(strstr(f->last.text, "closed the connection"));
}

static void test_ping_becomes_ready_and_comes_back(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct probe_options){.kind = PROBE_PING}); /* before the server is there */
    assert_true(loop_until(&f->loop, has_failure, f));
    pid_t pid = redis_start(f->port, NULL);
    assert_true(loop_until(&f->loop, is_ready, f));
    assert_int_equal(f->trying, 0);
    redis_kill(pid);
    assert_true(loop_until(&f->loop, is_lost, f));
    assert_non_null(strstr(f->last.text, "closed the connection"));
    pid = redis_start(f->port, NULL);
    assert_true(loop_until(&f->loop, is_ready_again, f));
    assert_int_equal(f->lost, 1);
    redis_kill(pid);
}

static void test_ping_with_password(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, (const char *[]){"--requirepass", "a b,c:#\"x", NULL});
    begin(f, (struct probe_options){.kind = PROBE_PING, .host = "localhost", .password = "a b,c:#\"x"});
    assert_true(loop_until(&f->loop, is_ready, f));
    redis_kill(pid);
}

struct refusal {
    const char *server_word, *server_password, *password, *text;
};

static void test_ping_refused_for_good(void **state)
{
    static const struct refusal refusals[] = {
        {"--requirepass", "right", "wrong", "refuses the password"},
        {"--requirepass", "right", NULL, "wants a password and none is configured"},
        {NULL, NULL, "any", "but the server has none"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        const struct refusal *r = &refusals[i];
        pid_t pid = redis_start(f->port, (const char *[]){r->server_word, r->server_password, NULL});
        f->final = f->trying = 0;
        begin(f, (struct probe_options){.kind = PROBE_PING, .password = r->password});
        assert_true(loop_until(&f->loop, is_final, f));
        assert_int_equal(f->trying, 1);
        assert_int_equal(f->ready, 0);
        assert_non_null(strstr(f->last.text, r->text));
        assert_null(strstr(f->last.text, "wrong"));
        probe_free(f->probe);
        f->probe = NULL;
        f->final = f->trying = 0;
        redis_kill(pid);
    }
}

struct greeting {
    const char *bytes;
    enum manner manner;
    bool is_final;
    const char *text;
};

static void test_ping_of_odd_peers(void **state)
{
    static const struct greeting greetings[] = {
        {NULL, CLOSES, false, "closed the connection"},
        {NULL, HOLDS, false, "no answer within 100 ms"},
        {"-DENIED Redis is running in protected mode because...\r\n", CLOSES, true, "protected mode"},
        {"-ERR max number of clients reached\r\n", CLOSES, false, "too many clients"},
        {"-LOADING Redis is loading the dataset in memory\r\n", HOLDS, false, "loading its data"},
        {"-MISCONF Redis is configured to save RDB snapshots\r\n", HOLDS, false, "cannot save its data"},
        {"HTTP/1.1 400 Bad Request\r\n\r\n", HOLDS, false, "does not speak the Redis protocol"},
        {"$4\r\nPING\r\n", HOLDS, false, "PING was answered with a bulk string"},
        {"+PO", CLOSES, false, "closed the connection"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof greetings / sizeof *greetings; i++) {
        const struct greeting *g = &greetings[i];
        int port = free_port();
        pid_t pid = listener_start(port, g->bytes, g->manner);
        f->final = f->trying = 0;
        begin(f, (struct probe_options){.kind = PROBE_PING, .port = port, .attempt_timeout_ms = 100});
        assert_true(loop_until(&f->loop, g->is_final ? is_final : has_failure, f));
        assert_non_null(strstr(probe_last_error(f->probe)->text, g->text));
        assert_int_equal(f->final, g->is_final);
        assert_int_equal(f->ready, 0);
        probe_free(f->probe);
        f->probe = NULL;
        f->final = f->trying = 0;
        listener_kill(pid);
    }
}

static void test_hung_server_is_lost(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    begin(f, (struct probe_options){.kind = PROBE_PING, .interval_ms = 20, .attempt_timeout_ms = 200});
    assert_true(loop_until(&f->loop, is_ready, f));
    kill(pid, SIGSTOP);
    assert_true(loop_until(&f->loop, is_lost, f));
    assert_int_equal(f->last.code, ERROR_TIMEOUT);
    kill(pid, SIGCONT);
    assert_true(loop_until(&f->loop, is_ready_again, f));
    redis_kill(pid);
}

static void test_ping_over_a_unix_socket(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/test-probe-XXXXXX";
    assert_non_null(mkdtemp(dir));
    cleanup_free char *path = xasprintf("%s/s", dir);
    pid_t pid = redis_start(f->port, (const char *[]){"--unixsocket", path, NULL});
    begin(f, (struct probe_options){.kind = PROBE_PING, .unix_path = path});
    assert_true(loop_until(&f->loop, is_ready, f));
    redis_kill(pid);
    unlink(path);
    rmdir(dir);
}

static void test_tcp(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct probe_options){.kind = PROBE_TCP, .host = "localhost", .interval_ms = 10});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(strstr(probe_last_error(f->probe)->text, "connection refused"));
    pid_t pid = listener_start(f->port, NULL, CLOSES);
    assert_true(loop_until(&f->loop, is_ready, f));
    listener_kill(pid);
    assert_true(loop_until(&f->loop, is_lost, f));
}

/* Behind an engine's proxy only what is held, or speaks, is there. */
static void test_tcp_through_a_proxy(void **state)
{
    struct fixture *f = *state;
    const struct probe_options options = {.kind = PROBE_TCP, .interval_ms = 10, .proxied_port = 80};
    pid_t pid = listener_start(f->port, NULL, CLOSES);
    begin(f, options);
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(
        strstr(probe_last_error(f->probe)->text, "nothing inside the container answers on port 80"));
    assert_int_equal(f->ready, 0);
    listener_kill(pid);
    pid = listener_start(f->port, NULL, HOLDS);
    assert_true(loop_until(&f->loop, is_ready, f));
    listener_kill(pid);
    assert_true(loop_until(&f->loop, is_lost, f));
    pid = listener_start(f->port, "220 mail\r\n", CLOSES);
    assert_true(loop_until(&f->loop, is_ready_again, f));
    listener_kill(pid);
}

static void test_name_that_does_not_exist(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct probe_options){.kind = PROBE_TCP, .host = "no-such-host.invalid"});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(strstr(probe_last_error(f->probe)->text, "cannot connect to no-such-host.invalid:"));
}

static void test_exec(void **state)
{
    struct fixture *f = *state;
    char dir[] = "/tmp/test-probe-XXXXXX";
    assert_non_null(mkdtemp(dir));
    const char *argv[] = {"sh", "-c", "test -e ok || { echo first; echo no ok yet >&2; exit 3; }", NULL};
    const char *environment[] = {"PATH=/bin", NULL};
    begin(f, (struct probe_options){.kind = PROBE_EXEC,
                                    .argv = argv,
                                    .environment = environment,
                                    .working_dir = dir,
                                    .interval_ms = 5});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(strstr(probe_last_error(f->probe)->text, "sh exited with 3: no ok yet"));
    cleanup_free char *path = xasprintf("%s/ok", dir);
    fclose(fopen(path, "w"));
    assert_true(loop_until(&f->loop, is_ready, f));
    unlink(path);
    assert_true(loop_until(&f->loop, is_lost, f));
    rmdir(dir);
}

static void test_exec_that_hangs_and_one_that_is_missing(void **state)
{
    struct fixture *f = *state;
    const char *slow[] = {"sleep", "60", NULL}, *missing[] = {"no-such-command", NULL};
    begin(f, (struct probe_options){.kind = PROBE_EXEC, .argv = slow, .attempt_timeout_ms = 50});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_int_equal(probe_last_error(f->probe)->code, ERROR_TIMEOUT);
    probe_free(f->probe);
    begin(f, (struct probe_options){.kind = PROBE_EXEC, .argv = missing});
    assert_true(loop_until(&f->loop, is_final, f));
    assert_int_equal(f->last.code, ERROR_NOT_FOUND);
}

static void test_http(void **state)
{
    struct fixture *f = *state;
    pid_t pid = listener_start(f->port, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                               ANSWERS);
    begin(f, (struct probe_options){.kind = PROBE_HTTP, .http_path = "/health", .interval_ms = 10});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(strstr(probe_last_error(f->probe)->text, "GET /health answered 503"));
    listener_kill(pid);
    pid =
        listener_start(f->port, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ANSWERS);
    assert_true(loop_until(&f->loop, is_ready, f));
    listener_kill(pid);
    assert_true(loop_until(&f->loop, is_lost, f));
}

static void test_http_wants_one_status(void **state)
{
    struct fixture *f = *state;
    pid_t pid =
        listener_start(f->port, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", ANSWERS);
    begin(f, (struct probe_options){.kind = PROBE_HTTP, .http_status = 204, .interval_ms = 10});
    assert_true(loop_until(&f->loop, has_failure, f));
    assert_non_null(strstr(probe_last_error(f->probe)->text, "GET / answered 200"));
    listener_kill(pid);
}

static void test_free_inside_on_change(void **state)
{
    static const enum probe_kind list[] = {PROBE_PING, PROBE_TCP};
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    for (size_t i = 0; i < 2; i++) {
        f->frees = true;
        f->ready = 0;
        begin(f, (struct probe_options){.kind = list[i]});
        assert_true(loop_until(&f->loop, is_ready, f));
        assert_null(f->probe);
    }
    redis_kill(pid);
}

static void test_free_before_the_first_try(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct probe_options){.kind = PROBE_PING});
    probe_free(f->probe);
    f->probe = NULL;
    loop_run(&f->loop);
    assert_int_equal(f->ready + f->lost + f->trying, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_ping_sees_the_loss_by_its_connection),
        CASE(test_ping_becomes_ready_and_comes_back),
        CASE(test_ping_with_password),
        CASE(test_ping_refused_for_good),
        CASE(test_ping_of_odd_peers),
        CASE(test_hung_server_is_lost),
        CASE(test_ping_over_a_unix_socket),
        CASE(test_tcp),
        CASE(test_tcp_through_a_proxy),
        CASE(test_name_that_does_not_exist),
        CASE(test_exec),
        CASE(test_exec_that_hangs_and_one_that_is_missing),
        CASE(test_http),
        CASE(test_http_wants_one_status),
        CASE(test_free_inside_on_change),
        CASE(test_free_before_the_first_try),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
