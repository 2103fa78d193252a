/* A connection to real servers, plain, with a password, over TLS and a unix socket; and to peers that
 * misbehave. */
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "certificate.h"
#include "redis_conn/redis_conn.h"
#include "server.h"
#include "loop/testing.h"

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
    int port;
    char folder[64];
    struct redis_conn *conn;
    struct strbuf said; /* "connected; OK; closed: why;" */
    int replies, closed, pushes;
    bool final, frees_in_reply;
};

static int setup(void **state)
{
    struct fixture *f = xcalloc(1, sizeof *f);
    f->port = free_port();
    strcpy(f->folder, "/tmp/test-redis-conn-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(loop_init(&f->loop, NULL), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    redis_conn_free(f->conn);
    int rc = loop_fini(&f->loop);
    file_remove_tree(f->folder, NULL);
    strbuf_free(&f->said);
    free(f);
    assert_int_equal(rc, 0);
    return 0;
}

static void on_reply(const struct resp_reply *reply, void *data)
{
    struct fixture *f = data;
    assert_int_equal(f->closed, 0); /* on_closed is the last one */
    f->replies++;
    if (!reply)
        strbuf_adds(&f->said, "NULL;");
    else if (reply->type == RESP_INTEGER)
        strbuf_addf(&f->said, "%lld;", reply->integer);
    else
        strbuf_addf(&f->said, "%.100s;", reply->str ? reply->str : resp_type_name(reply->type));
    if (f->frees_in_reply) {
        redis_conn_free(f->conn);
        f->conn = NULL;
    }
}

static void on_closed(const struct error *err, bool final, void *data)
{
    struct fixture *f = data;
    f->closed++;
    f->final = final;
    strbuf_addf(&f->said, "closed: %s;", err->text);
}

static void on_connected(void *data)
{
    strbuf_adds(&((struct fixture *)data)->said, "connected;");
}

static void on_push(const struct resp_reply *reply, void *data)
{
    assert_int_equal(reply->type, RESP_PUSH);
    ((struct fixture *)data)->pushes++;
}

static void begin(struct fixture *f, struct redis_conn_options options)
{
    if (!options.port)
        options.port = f->port;
    options.on_connected = on_connected;
    options.on_closed = on_closed;
    options.on_push = on_push;
    options.data = f;
    redis_conn_free(f->conn);
    strbuf_truncate(&f->said, 0);
    f->replies = f->closed = 0;
    f->final = false;
    f->conn = redis_conn_open(&f->loop, &options);
    assert_int_equal(f->said.length, 0);
}

static void say(struct fixture *f, const char *a, const char *b, const char *c)
{
    const char *words[] = {a, b, c, NULL};
    assert_int_equal(redis_conn_words(f->conn, words, on_reply, f, NULL), 0);
}

static bool has_reply(void *data)
{
    return ((struct fixture *)data)->replies > 0;
}
static bool has_closed(void *data)
{
    return ((struct fixture *)data)->closed > 0;
}

/* The server may not listen yet: connects until it does. */
static void begin_when_up(struct fixture *f, struct redis_conn_options options)
{
    for (int i = 0; i < 1000; i++) {
        begin(f, options);
        say(f, "PING", NULL, NULL);
        assert_true(loop_until(&f->loop, has_reply, f));
        if (strstr(strbuf_text(&f->said), "PONG") || f->final)
            return;
        assert_true(loop_until(&f->loop, has_closed, f));
        if (f->final)
            return;
        usleep(2000); /* a pause between tries, not a wait for something */
    }
    fail_msg("no server: %s", strbuf_text(&f->said));
}

static void test_commands_in_order(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    begin_when_up(f, (struct redis_conn_options){.host = "127.0.0.1"});
    strbuf_truncate(&f->said, 0);
    say(f, "SET", "key", "value");
    say(f, "INCR", "n", NULL);
    say(f, "GET", "key", NULL);
    say(f, "GET", "none", NULL);
    say(f, "NOSUCH", NULL, NULL);
    say(f, "QUIT", NULL, NULL);
    say(f, "GET", "key", NULL); /* never answered */
    assert_int_equal(redis_conn_pending(f->conn), 7);
    assert_int_equal(f->said.length, 0);
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_true(str_starts(strbuf_text(&f->said), "OK;1;value;nil;ERR unknown command 'NOSUCH'"));
    assert_non_null(strstr(strbuf_text(&f->said), ";OK;NULL;closed: 127.0.0.1:"));
    assert_false(f->final);
    assert_int_equal(redis_conn_words(f->conn, (const char *[]){"PING", NULL}, on_reply, f, NULL), -1);
    redis_kill(pid);
}

static void test_big_values_and_many_commands(void **state)
{
    enum { SIZE = 5000000, COMMANDS = 20000 };
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    begin_when_up(f, (struct redis_conn_options){.host = "localhost"});
    cleanup_free char *value = xmalloc(SIZE + 1);
    memset(value, 'v', SIZE);
    value[SIZE] = '\0';
    f->replies = 0;
    say(f, "SET", "big", value);
    say(f, "STRLEN", "big", NULL);
    say(f, "GET", "big", NULL);
    for (int i = 0; i < COMMANDS; i++)
        say(f, "INCR", "n", NULL);
    while (f->replies < COMMANDS + 3 && !f->closed)
        loop_run_once(&f->loop);
    assert_non_null(strstr(strbuf_text(&f->said), "OK;5000000;vvvv"));
    assert_true(str_ends(strbuf_text(&f->said), ";19999;20000;"));
    redis_kill(pid);
}

static void test_limits(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    struct redis_conn_options options = {.host = "127.0.0.1", .out_limit = 1000, .limits = {.bulk = 100}};
    cleanup_error struct error err = {0};
    char value[2000];
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = '\0';
    begin_when_up(f, options);
    assert_int_equal(redis_conn_words(f->conn, (const char *[]){"SET", "k", value, NULL}, on_reply, f, &err),
                     -1);
    assert_int_equal(err.code, ERROR_SPACE);
    assert_int_equal(redis_conn_pending(f->conn), 0);
    say(f, "INFO", NULL, NULL); /* longer than the reader may take */
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_non_null(strstr(strbuf_text(&f->said), "does not speak the Redis protocol"));
    redis_kill(pid);
}

static void test_password(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, (const char *[]){"--requirepass", "a \"b\" $c", NULL});
    begin_when_up(f, (struct redis_conn_options){.host = "127.0.0.1", .password = "a \"b\" $c"});
    assert_string_equal(strbuf_text(&f->said), "connected;PONG;");
    begin_when_up(
        f, (struct redis_conn_options){.host = "127.0.0.1", .username = "default", .password = "a \"b\" $c"});
    assert_string_equal(strbuf_text(&f->said), "connected;PONG;");
    begin(f, (struct redis_conn_options){.host = "127.0.0.1", .password = "hunter2"});
    say(f, "PING", NULL, NULL);
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_string_equal(strbuf_text(&f->said), "connected;NULL;closed: the server refuses the password;");
    assert_true(f->final);
    redis_kill(pid);
}

static void test_push(void **state)
{
    struct fixture *f = *state;
    pid_t pid = redis_start(f->port, NULL);
    begin_when_up(f, (struct redis_conn_options){.host = "127.0.0.1"});
    f->replies = 0;
    say(f, "HELLO", "3", NULL);
    say(f, "SUBSCRIBE", "c", NULL); /* answered by a push only */
    say(f, "PUBLISH", "c", "x");
    while (f->pushes < 2 && !f->closed)
        loop_run_once(&f->loop);
    assert_int_equal(f->pushes, 2);
    assert_int_equal(f->closed, 0);
    redis_kill(pid);
}

static void test_unix_socket(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *path = path_join(f->folder, "s");
    pid_t pid = redis_start(f->port, (const char *[]){"--unixsocket", path, NULL});
    begin_when_up(f, (struct redis_conn_options){.unix_path = path});
    assert_string_equal(strbuf_text(&f->said), "connected;PONG;");
    redis_kill(pid);
    char longer[200];
    memset(longer, 'x', sizeof longer);
    longer[0] = '/';
    longer[sizeof longer - 1] = '\0';
    begin(f, (struct redis_conn_options){.unix_path = longer});
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_non_null(strstr(strbuf_text(&f->said), "name too long"));
}

static pid_t start_tls(struct fixture *f, const char *san)
{
    char tls_port[16];
    cleanup_free char *cert = path_join(f->folder, "cert.pem"), *key = path_join(f->folder, "key.pem");
    certificate_make(f->folder, san);
    int plain = free_port();
    snprintf(tls_port, sizeof tls_port, "%d", f->port);
    return redis_start(plain, (const char *[]){"--tls-port", tls_port, "--tls-cert-file", cert,
                                               "--tls-key-file", key, "--tls-ca-cert-file", cert,
                                               "--tls-auth-clients", "no", "--requirepass", "p", NULL});
}

static void test_tls(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *ca = path_join(f->folder, "cert.pem");
    pid_t pid = start_tls(f, "DNS:localhost,IP:127.0.0.1");
    struct redis_conn_options options = {.host = "127.0.0.1", .password = "p", .tls = true, .ca_file = ca};
    begin_when_up(f, options);
    assert_string_equal(strbuf_text(&f->said), "connected;PONG;");
    cleanup_free char *value = xmalloc(1000001);
    memset(value, 'v', 1000000);
    value[1000000] = '\0';
    strbuf_truncate(&f->said, 0);
    f->replies = 0;
    say(f, "SET", "big", value);
    say(f, "GET", "big", NULL);
    say(f, "STRLEN", "big", NULL);
    while (f->replies < 3 && !f->closed)
        loop_run_once(&f->loop);
    assert_true(str_ends(strbuf_text(&f->said), "vvv;1000000;"));
    redis_kill(pid);
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_false(f->final);
}

static void test_tls_certificate_is_checked(void **state)
{
    struct fixture *f = *state;
    cleanup_free char *ca = path_join(f->folder, "cert.pem");
    pid_t pid = start_tls(f, "DNS:elsewhere");
    struct redis_conn_options options = {.host = "127.0.0.1", .password = "p", .tls = true, .ca_file = ca};
    begin_when_up(f, options); /* the name is wrong */
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_true(f->final);
    assert_non_null(strstr(strbuf_text(&f->said),
                           "NULL;closed: the certificate of 127.0.0.1 is not trusted: IP address "));
    options.tls_name = "elsewhere";
    begin_when_up(f, options);
    assert_string_equal(strbuf_text(&f->said), "connected;PONG;");
    options.ca_file = NULL; /* nobody else vouches for it */
    begin_when_up(f, options);
    assert_true(f->final);
    assert_non_null(strstr(strbuf_text(&f->said), "not trusted: self-signed certificate"));
    options.ca_file = "/no/such/file";
    begin_when_up(f, options);
    assert_true(f->final);
    assert_non_null(strstr(strbuf_text(&f->said), "cannot read certificate authorities from /no/such/file"));
    redis_kill(pid);
}

static void test_tls_to_a_peer_without(void **state)
{
    struct fixture *f = *state;
    pid_t pid = listener_start(f->port, "-ERR plain text\r\n", HOLDS);
    begin(f, (struct redis_conn_options){.host = "127.0.0.1", .tls = true});
    say(f, "PING", NULL, NULL);
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_non_null(strstr(strbuf_text(&f->said), "NULL;closed: TLS handshake with 127.0.0.1 failed: "));
    listener_kill(pid);
}

struct oddity {
    const char *greeting;
    enum manner manner;
    bool is_final;
    const char *text;
};

static void test_odd_peers(void **state)
{
    static const struct oddity oddities[] = {
        {NULL, CLOSES, false, "closed the connection"},
        {"garbage\r\n", HOLDS, false, "does not speak the Redis protocol"},
        {":1\r\n:2\r\n:3\r\n", HOLDS, false, "a reply that nobody asked for"},
        {"-DENIED Redis is running in protected mode\r\n", CLOSES, true, "protected mode"},
        {"$5\r\nhel", CLOSES, false, "closed the connection"},
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof oddities / sizeof *oddities; i++) {
        int port = free_port();
        pid_t pid = listener_start(port, oddities[i].greeting, oddities[i].manner);
        begin(f, (struct redis_conn_options){.host = "127.0.0.1", .port = port, .password = "p"});
        say(f, "PING", NULL, NULL);
        assert_true(loop_until(&f->loop, has_closed, f));
        assert_int_equal(f->closed, 1);
        assert_int_equal(f->replies, 1);
        assert_int_equal(f->final, oddities[i].is_final);
        assert_non_null(strstr(strbuf_text(&f->said), oddities[i].text));
        listener_kill(pid);
    }
}

static void test_nobody_listens(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct redis_conn_options){.host = "localhost"});
    say(f, "PING", NULL, NULL);
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_true(str_starts(strbuf_text(&f->said), "NULL;closed: cannot connect to localhost:"));
    begin(f, (struct redis_conn_options){.host = "::1"});
    assert_true(loop_until(&f->loop, has_closed, f));
    assert_true(str_starts(strbuf_text(&f->said), "closed: cannot connect to [::1]:"));
}

static void test_free_at_any_time(void **state)
{
    struct fixture *f = *state;
    begin(f, (struct redis_conn_options){.host = "localhost"}); /* while the name is being resolved */
    say(f, "PING", NULL, NULL);
    begin(f, (struct redis_conn_options){.host = "127.0.0.1"}); /* frees the other; while it connects */
    redis_conn_free(f->conn);
    f->conn = NULL;
    loop_run(&f->loop);
    assert_int_equal(f->said.length, 0);
    pid_t pid = redis_start(f->port, NULL);
    begin_when_up(f, (struct redis_conn_options){.host = "127.0.0.1"});
    say(f, "PING", NULL, NULL);
    say(f, "PING", NULL, NULL);
    f->frees_in_reply = true;
    f->replies = 0;
    assert_true(loop_until(&f->loop, has_reply, f));
    loop_run(&f->loop);
    assert_int_equal(f->replies, 1);
    redis_kill(pid);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_commands_in_order),
        CASE(test_big_values_and_many_commands),
        CASE(test_limits),
        CASE(test_password),
        CASE(test_push),
        CASE(test_unix_socket),
        CASE(test_tls),
        CASE(test_tls_certificate_is_checked),
        CASE(test_tls_to_a_peer_without),
        CASE(test_odd_peers),
        CASE(test_nobody_listens),
        CASE(test_free_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
