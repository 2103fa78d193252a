/* The real transport against a server that is as slow, cut, huge or silent as each test wants. */
#include "http/http.h"

#include "base/mem.h"
#include "server.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

struct world {
    struct loop loop;
    struct server server;
    struct http_transport *transport;
    bool closed;
};

struct answer {
    struct world *world;
    bool done, opened;
    int calls, status;
    size_t length, streamed;
    char body[256], version[16], server[32];
    struct error err;
    bool cancel_in_open, cancel_in_data, close_in_done, again_in_done;
    struct http_call *call;
    struct answer *other;
};

static const char ok_text[] =
    "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nServer: Fake/1 (test)\r\nContent-Length: 2\r\n\r\nOK";

static void on_closed(void *data)
{
    ((struct world *)data)->closed = true;
}

static void close_world_transport(struct world *world)
{
    http_close(take_ptr(&world->transport), on_closed, world);
    assert_false(world->closed);
}

static void on_done(const struct http_response *response, const struct error *err, void *data);

static struct http_call *get(struct answer *answer, const char *path)
{
    struct http_request request = {.method = "GET", .path = path, .limits = http_within(5000)};
    return answer->call = http_start(answer->world->transport, &request,
                                     &(struct http_handlers){on_done, NULL, answer, NULL, NULL});
}

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct answer *answer = data;
    answer->done = true;
    answer->calls++;
    answer->call = NULL;
    if (response) {
        answer->status = response->status;
        answer->length = response->length;
        snprintf(answer->body, sizeof answer->body, "%s", response->body);
        snprintf(answer->version, sizeof answer->version, "%s",
                 response->api_version ? response->api_version : "");
        snprintf(answer->server, sizeof answer->server, "%s", response->server ? response->server : "");
    }
    error_copy(&answer->err, err);
    if (answer->close_in_done)
        close_world_transport(answer->world);
    if (answer->again_in_done)
        get(answer->other, "/again");
}

static void on_open(int status, void *data)
{
    struct answer *answer = data;
    assert_false(answer->opened);
    assert_int_equal(answer->streamed, 0);
    assert_int_equal(status, 200);
    answer->opened = true;
    if (answer->cancel_in_open)
        http_cancel(answer->world->transport, take_ptr(&answer->call));
}

static void on_data(const char *bytes, size_t length, void *data)
{
    struct answer *answer = data;
    assert_true(answer->opened);
    assert_true(length > 0);
    if (answer->cancel_in_data)
        http_cancel(answer->world->transport, take_ptr(&answer->call));
    if (answer->streamed + length < sizeof answer->body)
        memcpy(answer->body + answer->streamed, bytes, length); /* valid after the cancel, too */
    answer->streamed += length;
}

static struct http_call *stream(struct answer *answer, const char *method, struct limit idle)
{
    struct http_request request = {
        .method = method, .path = "/stream", .limits = {LIMIT_MS(5000), FOREVER, idle}};
    return answer->call = http_start(answer->world->transport, &request,
                                     &(struct http_handlers){on_done, on_data, answer, on_open, NULL});
}

static void post(struct answer *answer, const char *body)
{
    struct http_request request = {.method = "POST",
                                   .path = "/change",
                                   .body = body,
                                   .body_length = body ? strlen(body) : 0,
                                   .fresh = true,
                                   .limits = http_within(5000)};
    http_start(answer->world->transport, &request,
               &(struct http_handlers){on_done, NULL, answer, NULL, NULL});
}

static void wait_for(struct world *world, const bool *flag)
{
    int64_t end = loop_now_ms(&world->loop) + 10000;
    while (!*flag && loop_now_ms(&world->loop) < end)
        loop_run_once(&world->loop);
    assert_true(*flag);
}

static void finish(struct answer *answer)
{
    assert_false(answer->done);
    wait_for(answer->world, &answer->done);
    assert_int_equal(answer->calls, 1);
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    server_start(&world->server, &world->loop);
    world->transport = http_open(&world->loop, &(struct http_address){.unix_path = world->server.path}, NULL);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    if (world->transport)
        close_world_transport(world);
    wait_for(world, &world->closed);
    server_stop(&world->server);
    int rc = loop_fini(&world->loop);
    free(world);
    return rc;
}

/* ---- calls ---- */

static void test_keeps_connection(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 3; i++) {
        struct answer answer = {.world = world};
        server_add(&world->server, ok_text, SERVER_KEEP);
        get(&answer, "/x?y=%20z");
        finish(&answer);
        assert_int_equal(answer.status, 200);
        assert_string_equal(answer.body, "OK");
        assert_string_equal(answer.version, "1.41");
        assert_string_equal(answer.server, "Fake/1 (test)");
    }
    assert_int_equal(world->server.connection_count, 1);
    assert_non_null(strstr(world->server.requests.items[0], "GET /x?y=%20z HTTP/1.1\r\nHost: localhost\r\n"));
}

static void test_post_is_fresh_and_bare(void **state)
{
    struct world *world = *state;
    const char *bodies[] = {NULL, "{\"a\":1}"};
    for (int i = 0; i < 2; i++) {
        struct answer answer = {.world = world};
        server_add(&world->server, "HTTP/1.1 204 No Content\r\n\r\n", SERVER_KEEP);
        post(&answer, bodies[i]);
        finish(&answer);
        assert_int_equal(answer.status, 204);
    }
    assert_int_equal(world->server.connection_count, 2);
    const char *bare = world->server.requests.items[0], *full = world->server.requests.items[1];
    assert_non_null(strstr(bare, "Content-Length: 0\r\n"));
    assert_null(strstr(bare, "Content-Type"));
    assert_null(strstr(bare, "Expect"));
    assert_non_null(strstr(full, "Content-Type: application/json\r\n"));
    assert_non_null(strstr(full, "\r\n\r\n{\"a\":1}"));
}

/* A POST whose connection dies without an answer is an error, and the server saw it once. */
static void test_post_is_not_sent_again(void **state)
{
    struct world *world = *state;
    struct answer first = {.world = world}, second = {.world = world};
    server_add(&world->server, ok_text, SERVER_KEEP);
    get(&first, "/");
    finish(&first);
    server_add(&world->server, "", SERVER_CLOSE);
    post(&second, "{}");
    finish(&second);
    assert_int_equal(second.err.code, ERROR_CUT);
    assert_int_equal(world->server.requests.count, 2);
    error_clear(&second.err);
}

static void test_methods(void **state)
{
    struct world *world = *state;
    const char *methods[] = {"HEAD", "DELETE", "PUT"};
    for (int i = 0; i < 3; i++) {
        struct answer answer = {.world = world};
        const char *headers[] = {"X-One: 1", NULL};
        struct http_request request = {methods[i], "/m", .headers = headers, .limits = http_within(5000)};
        server_add(&world->server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", SERVER_KEEP);
        http_start(world->transport, &request, &(struct http_handlers){on_done, NULL, &answer, NULL, NULL});
        finish(&answer);
        char start[32];
        snprintf(start, sizeof start, "%s /m HTTP/1.1\r\n", methods[i]);
        assert_true(str_starts(world->server.requests.items[i], start));
        assert_non_null(strstr(world->server.requests.items[i], "X-One: 1\r\n"));
    }
}

static void test_errors_are_answers(void **state)
{
    struct world *world = *state;
    struct answer answer = {.world = world};
    server_add(&world->server, "HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\nwhat", SERVER_KEEP);
    get(&answer, "/");
    finish(&answer);
    assert_int_equal(answer.status, 500);
    assert_string_equal(answer.body, "what");
    assert_int_equal(answer.err.code, ERROR_NONE);
}

static void test_broken_answers(void **state)
{
    static const struct {
        const char *bytes;
        enum error_code code;
    } rows[] = {
        {"", ERROR_CUT},                                                   /* nothing at all */
        {"HTTP/1.1 200 OK\r\nContent-Le", ERROR_CUT},                      /* a cut head */
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", ERROR_CUT},          /* a head without its end */
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345", ERROR_CUT}, /* a cut body */
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
         ERROR_CUT}, /* no last chunk */
        {"SSH-2.0-OpenSSH_9\r\n", ERROR_PROTOCOL},
    };
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct answer answer = {.world = world};
        server_add(&world->server, rows[i].bytes, SERVER_CLOSE);
        get(&answer, "/");
        finish(&answer);
        if (answer.err.code != rows[i].code)
            print_error("row %zu: %s\n", i, answer.err.text);
        assert_int_equal(answer.err.code, rows[i].code);
        error_clear(&answer.err);
    }
}

/* An end of file ends a body that has no length: complete, as far as HTTP can tell. */
static void test_body_until_end(void **state)
{
    struct world *world = *state;
    struct answer answer = {.world = world};
    server_add(&world->server, "HTTP/1.1 200 OK\r\n\r\nall", SERVER_CLOSE);
    get(&answer, "/");
    finish(&answer);
    assert_string_equal(answer.body, "all");
}

static void test_body_limit(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++) {
        size_t size = 1000 + (size_t)i, head;
        char *bytes = xcalloc(1, size + 100);
        head = (size_t)sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);
        memset(bytes + head, 'x', size);
        server_add_bytes(&world->server, bytes, head + size, 0, SERVER_KEEP);
        struct answer answer = {.world = world};
        struct http_request request = {"GET", "/", .limits = http_within(5000), .limit = 1000};
        http_start(world->transport, &request, &(struct http_handlers){on_done, NULL, &answer, NULL, NULL});
        finish(&answer);
        assert_int_equal(answer.err.code, i ? ERROR_PROTOCOL : ERROR_NONE);
        error_clear(&answer.err);
    }
}

static void test_deadlines(void **state)
{
    struct world *world = *state;
    const struct limit soon = LIMIT_MS(30);
    const struct http_limits all[] = {
        {soon, FOREVER, FOREVER}, {FOREVER, soon, FOREVER}, {FOREVER, FOREVER, soon}};
    for (int i = 0; i < 3; i++) { /* the server never says a byte */
        struct answer answer = {.world = world};
        struct http_request request = {.method = "GET", .path = "/", .limits = all[i]};
        http_start(world->transport, &request, &(struct http_handlers){on_done, NULL, &answer, NULL, NULL});
        finish(&answer);
        assert_int_equal(answer.err.code, ERROR_TIMEOUT);
        error_clear(&answer.err);
    }
    struct answer slow = {.world = world}; /* is no failure */
    server_add_bytes(&world->server, xstrdup(ok_text), sizeof ok_text - 1, 30, SERVER_KEEP);
    get(&slow, "/");
    finish(&slow);
    assert_string_equal(slow.body, "OK");
}

static void test_refused(void **state)
{
    struct world *world = *state;
    char stale[104];
    snprintf(stale, sizeof stale, "/tmp/apphost-http-stale-%d.sock", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", stale);
    unlink(stale);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    const struct {
        const char *path, *word;
    } rows[] = {{"/tmp/no-such-folder/x.sock", "no such socket"}, {stale, "refused"}};
    for (int i = 0; i < 2; i++) {
        http_close(world->transport, on_closed, world);
        wait_for(world, &world->closed);
        world->closed = false;
        world->transport = http_open(&world->loop, &(struct http_address){.unix_path = rows[i].path}, NULL);
        struct answer answer = {.world = world};
        get(&answer, "/");
        finish(&answer);
        assert_int_equal(answer.err.code, ERROR_ENGINE);
        assert_non_null(strstr(answer.err.text, rows[i].word));
        assert_non_null(strstr(answer.err.text, rows[i].path));
        assert_non_null(answer.err.hint);
        error_clear(&answer.err);
    }
    unlink(stale);
}

static void test_long_path(void **state)
{
    struct world *world = *state;
    char path[200] = "/";
    memset(path + 1, 'a', 150);
    cleanup_error struct error err = {0};
    assert_null(http_open(&world->loop, &(struct http_address){.unix_path = path}, &err));
    assert_int_equal(err.code, ERROR_ENGINE);
    assert_non_null(strstr(err.text, "too long"));
}

/* A kept connection that the server closed is noticed: the next call opens another. */
static void test_dead_connection(void **state)
{
    struct world *world = *state;
    struct answer first = {.world = world}, second = {.world = world};
    server_add(&world->server, ok_text, SERVER_KEEP);
    server_add(&world->server, ok_text, SERVER_KEEP);
    get(&first, "/");
    finish(&first);
    server_drop_connections(&world->server);
    loop_run_once(&world->loop);
    get(&second, "/");
    finish(&second);
    assert_string_equal(second.body, "OK");
    assert_int_equal(world->server.connection_count, 2);
}

/* ---- streams ---- */

static void test_stream(void **state)
{
    struct world *world = *state;
    struct answer events = {.world = world}, other = {.world = world};
    server_add(&world->server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", SERVER_KEEP);
    server_add(&world->server, ok_text, SERVER_KEEP);
    stream(&events, "GET", FOREVER);
    wait_for(world, &events.opened);
    assert_false(events.done);
    get(&other, "/"); /* goes past the stream */
    finish(&other);
    server_drop_connections(&world->server);
    finish(&events);
    assert_int_equal(events.err.code, ERROR_CUT);
    error_clear(&events.err);
}

static void test_stream_data(void **state)
{
    struct world *world = *state;
    struct answer events = {.world = world};
    server_add(&world->server,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\none\nt\r\n3\r\nwo\n\r\n0\r\n\r\n",
               SERVER_KEEP);
    stream(&events, "POST", LIMIT_MS(1000));
    finish(&events);
    assert_int_equal(events.err.code, ERROR_NONE);
    assert_int_equal(events.status, 200);
    assert_string_equal(events.body, ""); /* what is told at the end is what an error said */
    assert_int_equal(events.streamed, 8);
}

static void test_stream_refused(void **state)
{
    struct world *world = *state;
    struct answer events = {.world = world};
    server_add(&world->server, "HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing", SERVER_KEEP);
    stream(&events, "GET", FOREVER);
    finish(&events);
    assert_false(events.opened);
    assert_int_equal(events.status, 404);
    assert_string_equal(events.body, "nothing");
}

static void test_stream_silence(void **state)
{
    struct world *world = *state;
    struct answer events = {.world = world};
    server_add(&world->server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
               SERVER_KEEP);
    stream(&events, "GET", LIMIT_MS(40));
    finish(&events);
    assert_true(events.opened);
    assert_int_equal(events.streamed, 1);
    assert_int_equal(events.err.code, ERROR_TIMEOUT);
    error_clear(&events.err);
}

static void test_large_stream(void **state)
{
    enum { SIZE = 8 << 20 };
    struct world *world = *state;
    struct answer events = {.world = world};
    char *bytes = xcalloc(1, SIZE + 100);
    size_t head = (size_t)sprintf(bytes, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", SIZE);
    memset(bytes + head, 'y', SIZE);
    server_add_bytes(&world->server, bytes, head + SIZE, 0, SERVER_KEEP);
    stream(&events, "GET", FOREVER);
    finish(&events);
    assert_int_equal(events.streamed, SIZE);
}

/* ---- cancelling and closing ---- */

static void test_cancel(void **state)
{
    struct world *world = *state;
    struct answer cancelled = {.world = world}, other = {.world = world};
    server_add(&world->server, ok_text, SERVER_KEEP);
    http_cancel(world->transport, get(&cancelled, "/cancelled-before-it-began"));
    get(&other, "/");
    finish(&other);
    get(&cancelled, "/silence");
    while (world->server.requests.count < 2)
        loop_run_once(&world->loop);
    http_cancel(world->transport, cancelled.call);
    http_cancel(world->transport, NULL);
    server_add(&world->server, ok_text, SERVER_KEEP);
    other = (struct answer){.world = world};
    get(&other, "/");
    finish(&other);
    assert_int_equal(cancelled.calls, 0);
}

static void test_cancel_inside(void **state)
{
    struct world *world = *state;
    for (int i = 0; i < 2; i++) {
        struct answer events = {.world = world, .cancel_in_open = i == 0, .cancel_in_data = i == 1};
        server_add(&world->server, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", SERVER_KEEP);
        stream(&events, "GET", FOREVER);
        wait_for(world, &events.opened);
        struct answer other = {.world = world};
        server_add(&world->server, ok_text, SERVER_KEEP);
        get(&other, "/");
        finish(&other);
        assert_int_equal(events.calls, 0);
        assert_int_equal(events.streamed, i == 0 ? 0 : 3);
    }
}

static void test_start_inside(void **state)
{
    struct world *world = *state;
    struct answer other = {.world = world};
    struct answer first = {.world = world, .again_in_done = true, .other = &other};
    server_add(&world->server, ok_text, SERVER_KEEP);
    server_add(&world->server, ok_text, SERVER_KEEP);
    get(&first, "/");
    finish(&first);
    finish(&other);
    assert_string_equal(other.body, "OK");
}

static void test_close_inside(void **state)
{
    struct world *world = *state;
    struct answer first = {.world = world, .close_in_done = true}, silent = {.world = world},
                  events = {.world = world};
    server_add(&world->server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", SERVER_KEEP);
    server_add(&world->server, ok_text, SERVER_KEEP);
    stream(&events, "GET", FOREVER);
    wait_for(world, &events.opened);
    get(&first, "/");
    while (world->server.requests.count < 2)
        loop_run_once(&world->loop);
    get(&silent, "/");
    wait_for(world, &first.done);
    wait_for(world, &world->closed);
    assert_int_equal(silent.calls + events.calls, 0);
}

/* A spawned program must not get the engine's socket. */
static void test_sockets_are_not_inherited(void **state)
{
    struct world *world = *state;
    struct answer answer = {.world = world};
    server_add(&world->server, ok_text, SERVER_KEEP);
    get(&answer, "/");
    finish(&answer);
    int sockets = 0;
    for (int fd = 3; fd < 64; fd++) {
        struct sockaddr_un peer = {0};
        socklen_t length = sizeof peer;
        if (getpeername(fd, (struct sockaddr *)&peer, &length) < 0 ||
            strcmp(peer.sun_path, world->server.path) != 0)
            continue;
        sockets++;
        assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    }
    assert_int_equal(sockets, 1);
}

/* A name that does not exist, looked up off the loop; cancelled, and told. */
static void test_lookup(void **state)
{
    struct world *world = *state;
    http_close(world->transport, on_closed, world);
    wait_for(world, &world->closed);
    world->closed = false;
    world->transport =
        http_open(&world->loop, &(struct http_address){.url = "http://no-such-host.invalid:1"}, NULL);
    struct answer cancelled = {.world = world}, told = {.world = world};
    get(&cancelled, "/");
    http_cancel(world->transport, cancelled.call);
    struct http_request request = {.method = "GET", .path = "/", .limits = http_within(60000)};
    http_start(world->transport, &request, &(struct http_handlers){on_done, NULL, &told, NULL, NULL});
    finish(&told);
    assert_int_equal(told.err.code, ERROR_ENGINE);
    assert_non_null(strstr(told.err.text, "no-such-host.invalid"));
    assert_int_equal(cancelled.calls, 0);
    error_clear(&told.err);
    get(&cancelled, "/"); /* in flight when the transport closes */
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_keeps_connection),
        world_test(test_post_is_fresh_and_bare),
        world_test(test_post_is_not_sent_again),
        world_test(test_methods),
        world_test(test_errors_are_answers),
        world_test(test_broken_answers),
        world_test(test_body_until_end),
        world_test(test_body_limit),
        world_test(test_deadlines),
        world_test(test_refused),
        world_test(test_long_path),
        world_test(test_dead_connection),
        world_test(test_stream),
        world_test(test_stream_data),
        world_test(test_stream_refused),
        world_test(test_stream_silence),
        world_test(test_large_stream),
        world_test(test_cancel),
        world_test(test_cancel_inside),
        world_test(test_start_inside),
        world_test(test_close_inside),
        world_test(test_sockets_are_not_inherited),
        world_test(test_lookup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
