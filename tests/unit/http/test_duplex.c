/* Connections that are taken over, against a peer that the test plays itself, byte by byte. */
#include "http/http.h"

#include "base/mem.h"
#include "base/str.h"
#include "loop/testing.h"

#include <errno.h>
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

enum { LIMIT_MS = 20000, TICK_MS = 2 };

struct world {
    struct loop loop;
    struct timer tick; /* a round of the loop always ends */
    struct sockaddr_un address;
    int listener, peer;  /* the other end, -1: none */
    struct strbuf heard; /* by the peer */
    bool heard_end;
    struct http_transport *transport;
    struct http_call *call;
    int opens, drains, dones, status;
    struct strbuf said, refusal;
    struct error err;
    bool cancel_in_open, cancel_in_data, closed;
};

static const char upgraded[] = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

static void on_tick(void *data)
{
    struct world *world = data;
    timer_start(&world->tick, TICK_MS);
}

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct world *world = data;
    world->dones++;
    world->call = NULL;
    world->status = response ? response->status : 0;
    if (response)
        strbuf_add(&world->refusal, response->body, response->length);
    if (err)
        error_copy(&world->err, err);
}

static void on_data(const char *bytes, size_t length, void *data)
{
    struct world *world = data;
    assert_int_equal(world->opens, 1);
    strbuf_add(&world->said, bytes, length);
    if (world->cancel_in_data)
        http_cancel(world->transport, take_ptr(&world->call));
}

static void on_open(int status, void *data)
{
    struct world *world = data;
    assert_true(status == 101 || status == 200);
    world->opens++;
    if (world->cancel_in_open)
        http_cancel(world->transport, take_ptr(&world->call));
}

static void on_drained(void *data)
{
    ((struct world *)data)->drains++;
}

static void on_closed(void *data)
{
    ((struct world *)data)->closed = true;
}

/* A round of the loop, then what the peer can take and hear. */
static void turn(struct world *world)
{
    char bytes[65536];
    ssize_t length = 0;
    loop_run_once(&world->loop);
    if (world->peer < 0)
        world->peer = accept4(world->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (world->peer >= 0 && (length = recv(world->peer, bytes, sizeof bytes, 0)) > 0)
        strbuf_add(&world->heard, bytes, (size_t)length);
    if (world->peer >= 0 && (!length || (errno != EAGAIN && errno != EINTR)))
        world->heard_end = true;
}

#define turn_until(world, condition)                                                                         \
    for (int64_t end_ms = loop_now_ms(&(world)->loop) + LIMIT_MS; !(condition); turn(world))                 \
    assert_true(loop_now_ms(&(world)->loop) < end_ms)

static void say(struct world *world, const char *bytes, size_t length)
{
    while (length) {
        ssize_t sent = send(world->peer, bytes, length, MSG_NOSIGNAL);
        assert_true(sent > 0 || errno == EAGAIN);
        bytes += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
        if (length)
            loop_run_once(&world->loop);
    }
}

static void hang_up(struct world *world)
{
    close(world->peer);
    world->peer = -1;
}

static void start(struct world *world)
{
    static const char *const headers[] = {"X-Test: yes", NULL};
    struct http_request request = {.method = "POST",
                                   .path = "/exec/1/start",
                                   .body = "{}",
                                   .body_length = 2,
                                   .headers = headers,
                                   .limits = http_stream_within(LIMIT_MS(60000)),
                                   .duplex = true};
    struct http_handlers handlers = {on_done, on_data, world, on_open, on_drained};
    world->call = http_start(world->transport, &request, &handlers);
}

static void ask(struct world *world)
{
    start(world);
    turn_until(world, str_ends(strbuf_text(&world->heard), "\r\n\r\n{}"));
    assert_int_equal(world->opens, 0);
}

static void open_stream(struct world *world)
{
    ask(world);
    strbuf_truncate(&world->heard, 0);
    say(world, upgraded, sizeof upgraded - 1);
    turn_until(world, world->opens);
}

static int set_up(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    world->peer = -1;
    world->address.sun_family = AF_UNIX;
    snprintf(world->address.sun_path, sizeof world->address.sun_path, "/tmp/apphost-duplex-%d.sock",
             (int)getpid());
    unlink(world->address.sun_path);
    world->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(world->listener, (struct sockaddr *)&world->address, sizeof world->address), 0);
    assert_int_equal(listen(world->listener, 4), 0);
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    timer_init(&world->loop, &world->tick, on_tick, world);
    timer_start(&world->tick, TICK_MS);
    struct http_address address = {.unix_path = world->address.sun_path};
    world->transport = http_open(&world->loop, &address, NULL);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    http_close(world->transport, on_closed, world);
    turn_until(world, world->closed);
    timer_stop(&world->tick);
    if (world->peer >= 0)
        close(world->peer);
    close(world->listener);
    unlink(world->address.sun_path);
    strbuf_free(&world->heard);
    strbuf_free(&world->said);
    strbuf_free(&world->refusal);
    error_clear(&world->err);
    int rc = loop_fini(&world->loop);
    free(world);
    return rc;
}

static void test_request(void **state)
{
    struct world *world = *state;
    ask(world);
    const char *head = strbuf_text(&world->heard);
    assert_true(str_starts(head, "POST /exec/1/start HTTP/1.1\r\nHost: localhost\r\n"));
    assert_non_null(strstr(head, "\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"));
    assert_non_null(strstr(head, "\r\nX-Test: yes\r\n"));
    assert_non_null(strstr(head, "\r\nContent-Length: 2\r\n"));
}

/* Head and first bytes in pieces of one; zeros in the body count; the half-close leaves the way back. */
static void test_pieces(void **state)
{
    struct world *world = *state;
    ask(world);
    strbuf_truncate(&world->heard, 0);
    for (size_t i = 0; i < sizeof upgraded - 1; i++) {
        say(world, upgraded + i, 1);
        turn(world);
    }
    say(world, "a\0b", 3);
    turn_until(world, world->said.length == 3);
    assert_memory_equal(world->said.data, "a\0b", 3);
    assert_true(http_write(world->call, "x\0y", 3) >= 3);
    turn_until(world, world->heard.length == 3 && world->drains == 1);
    assert_memory_equal(world->heard.data, "x\0y", 3);
    http_write(world->call, "z", 1);
    http_write_end(world->call);
    assert_int_equal(http_write(world->call, "too late", 8), 0);
    turn_until(world, world->heard_end);
    assert_int_equal(world->heard.length, 4);
    assert_int_equal(world->dones, 0);
    say(world, "last", 4);
    hang_up(world);
    turn_until(world, world->dones);
    assert_memory_equal(world->said.data, "a\0blast", 7);
    assert_int_equal(world->status, 101);
    assert_false(error_is_set(&world->err));
}

/* 8 MB there and 8 MB back; nothing is lost, and what waits is told. */
static void test_much(void **state)
{
    enum { SIZE = 8 << 20 };
    struct world *world = *state;
    cleanup_free char *bytes = xcalloc(1, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 7 + (i >> 11));
    open_stream(world);
    assert_true(http_write(world->call, bytes, SIZE / 2) > SIZE / 4);
    http_write(world->call, bytes + SIZE / 2, SIZE / 2);
    http_write_end(world->call);
    turn_until(world, world->heard_end);
    assert_int_equal(world->heard.length, SIZE);
    assert_memory_equal(world->heard.data, bytes, SIZE);
    say(world, bytes, SIZE);
    hang_up(world);
    turn_until(world, world->dones);
    assert_int_equal(world->said.length, SIZE);
    assert_memory_equal(world->said.data, bytes, SIZE);
}

/* With the head, in the same piece, and with the status of engines that do not upgrade. */
static void test_at_once(void **state)
{
    struct world *world = *state;
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: x\r\n\r\nall of it";
    ask(world);
    say(world, answer, sizeof answer - 1);
    hang_up(world);
    turn_until(world, world->dones);
    assert_int_equal(world->opens, 1);
    assert_string_equal(strbuf_text(&world->said), "all of it");
}

static void test_refused(void **state)
{
    struct world *world = *state;
    static const char *const answers[] = {
        "HTTP/1.1 409 Conflict\r\nContent-Length: 6\r\n\r\npaused",
        "HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npaused\r\n0\r\n\r\n",
        "HTTP/1.1 409 Conflict\r\nContent-Length: 0\r\n\r\n",
    };
    for (int i = 0; i < 3; i++) { /* the connection stays open */
        world->dones = 0;
        strbuf_truncate(&world->refusal, 0);
        strbuf_truncate(&world->heard, 0);
        ask(world);
        say(world, answers[i], strlen(answers[i]));
        turn_until(world, world->dones);
        assert_int_equal(world->status, 409);
        assert_int_equal(world->opens, 0);
        assert_true(i == 2 || strstr(strbuf_text(&world->refusal), "paused"));
        assert_int_equal(world->said.length, 0);
        hang_up(world);
    }
}

static void test_cut_head(void **state)
{
    struct world *world = *state;
    ask(world);
    say(world, upgraded, 30);
    hang_up(world);
    turn_until(world, world->dones);
    assert_int_equal(world->err.code, ERROR_CUT);
    assert_int_equal(world->opens, 0);
}

static void test_endless_head(void **state)
{
    struct world *world = *state;
    cleanup_free char *line = xcalloc(1, 100001);
    memset(line, 'x', 100000);
    ask(world);
    send(world->peer, line, 100000, MSG_NOSIGNAL);
    turn_until(world, world->dones);
    assert_int_equal(world->err.code, ERROR_PROTOCOL);
}

/* The peer ends without reading what it was sent: what it said before counts, and it is no failure. */
static void test_peer_ends_early(void **state)
{
    struct world *world = *state;
    enum { SIZE = 4 << 20 };
    cleanup_free char *bytes = xcalloc(1, SIZE);
    open_stream(world);
    http_write(world->call, bytes, SIZE);
    loop_run_once(&world->loop);
    say(world, "done", 4);
    hang_up(world);
    turn_until(world, world->dones);
    assert_string_equal(strbuf_text(&world->said), "done");
    assert_false(error_is_set(&world->err));
}

static void test_cancel(void **state)
{
    struct world *world = *state;
    start(world);
    http_cancel(world->transport, take_ptr(&world->call)); /* before it is connected */
    ask(world);
    http_cancel(world->transport, take_ptr(&world->call)); /* before the answer */
    turn_until(world, world->heard_end);
    assert_int_equal(world->dones, 0);
}

static void test_cancel_inside(void **state)
{
    struct world *world = *state;
    world->cancel_in_open = true;
    open_stream(world);
    turn_until(world, world->heard_end);
    hang_up(world);
    world->cancel_in_open = world->heard_end = false;
    world->cancel_in_data = true;
    world->opens = 0;
    strbuf_truncate(&world->heard, 0);
    open_stream(world);
    http_write(world->call, "x", 1);
    say(world, "y", 1);
    turn_until(world, world->heard_end);
    assert_int_equal(world->dones, 0);
}

/* The transport closes with a stream open and output waiting; tear_down checks that nothing is left. */
static void test_close(void **state)
{
    struct world *world = *state;
    open_stream(world);
    http_write(world->call, "x", 1);
}

#define world_test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(test_request),       world_test(test_pieces),          world_test(test_much),
        world_test(test_at_once),       world_test(test_refused),         world_test(test_cut_head),
        world_test(test_endless_head),  world_test(test_peer_ends_early), world_test(test_cancel),
        world_test(test_cancel_inside), world_test(test_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
