/* The server on a loop, and sockets that do what clients should not: pieces, silence, leaving, not reading.
 */
#include "web/web.h"

#include "base/mem.h"
#include "base/str.h"
#include "loop/testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { PATIENCE = 60000, MUCH = 200 << 10 };
#define HEAD "Host: localhost\r\n"

struct world {
    struct loop loop;
    struct web_server *server;
    struct web_request *waiting; /* /later: answered by the test */
    struct web_stream *stream;
    int asked, gone, drained;
    bool is_closed;
};

static void turn(struct world *world)
{
    struct timespec pause = {.tv_nsec = 1000000};
    uv_run(&world->loop.uv, UV_RUN_NOWAIT);
    nanosleep(&pause, NULL);
}

static void on_gone(void *data)
{
    struct world *world = data;
    world->gone++;
    world->waiting = NULL;
    world->stream = NULL;
}

static void on_drain(void *data)
{
    struct world *world = data;
    world->drained++;
}

static void on_request(struct web_request *request, void *data)
{
    struct world *world = data;
    const struct web_stream_options stream = {
        .type = "text/plain", .limit = MUCH, .on_drain = on_drain, .on_gone = on_gone, .data = world};
    const char *path = web_request_head(request)->path;
    size_t length = 0;
    const char *body = web_request_body(request, &length);
    world->asked++;
    if (!strcmp(path, "/later")) {
        world->waiting = request;
        web_request_watch(request, on_gone, world);
    } else if (!strcmp(path, "/stream")) {
        world->stream = web_reply_stream(request, &stream);
    } else {
        web_reply(request, &(struct web_reply){.type = "text/plain",
                                               .body = xasprintf("%zu %s", length, body),
                                               .length = strlen(body) + (length > 9 ? 3 : 2)});
    }
}

static int dial(struct world *world)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)web_port(world->server))};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Everything until the other side closes, or (wanted) until that is in it. The caller frees. */
static char *hear(struct world *world, int fd, const char *wanted)
{
    struct strbuf text = {0};
    for (int i = 0; i < PATIENCE; i++) {
        char bytes[4096];
        ssize_t n = recv(fd, bytes, sizeof bytes, 0);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            break;
        if (n > 0)
            strbuf_add(&text, bytes, (size_t)n);
        if (wanted && strstr(strbuf_text(&text), wanted))
            break;
        turn(world);
    }
    return strbuf_take(&text);
}

static void expect(struct world *world, const char *request, const char *begin, const char *end)
{
    int fd = dial(world);
    say(fd, request);
    cleanup_free char *text = hear(world, fd, NULL);
    if (!str_starts(text, begin) || !str_ends(text, end))
        print_error("%s\n", text);
    assert_true(str_starts(text, begin));
    assert_true(str_ends(text, end));
    close(fd);
}

static void answers(void **state)
{
    struct world *world = *state;
    expect(world, "GET /x HTTP/1.1\r\n" HEAD "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n0 ");
    expect(world,
           "POST /x HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\nContent-Length: 3\r\n\r\nabc",
           "HTTP/1.1 200", "\r\n\r\n3 abc");
    expect(world,
           "POST /x HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
           "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n",
           "HTTP/1.1 200", "\r\n\r\n3 abc");
    /* What follows on the same connection is not looked at. */
    expect(world, "GET /x HTTP/1.1\r\n" HEAD "\r\nGET /y HTTP/1.1\r\n" HEAD "\r\n", "HTTP/1.1 200",
           "\r\n\r\n0 ");
    assert_int_equal(world->asked, 4);
}

static void refusals(void **state)
{
    struct world *world = *state;
    expect(world, "GET / HTTP/1.1\r\n" HEAD HEAD "\r\n", "HTTP/1.1 400", "}");
    expect(world, "GET / HTTP/1.1\r\nHost: evil\r\n\r\n", "HTTP/1.1 421", "}");
    expect(world, "POST / HTTP/1.1\r\n" HEAD "\r\n", "HTTP/1.1 415", "}");
    expect(world, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 505", "}");
    expect(world, "\x16\x03\x01", "", "");
    expect(world,
           "POST / HTTP/1.1\r\n" HEAD "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
           "20\r\n01234567890123456789012345678901\r\n0\r\n\r\n",
           "HTTP/1.1 413", "}");
    assert_int_equal(world->asked, 0);
}

static void pieces(void **state)
{
    static const char text[] = "GET /x HTTP/1.1\r\n" HEAD "\r\n";
    struct world *world = *state;
    int fd = dial(world);
    for (const char *c = text; *c; c++) {
        assert_int_equal(send(fd, c, 1, MSG_NOSIGNAL), 1);
        turn(world);
    }
    cleanup_free char *answer = hear(world, fd, NULL);
    assert_true(str_starts(answer, "HTTP/1.1 200"));
    close(fd);
}

static void a_head_without_end(void **state)
{
    struct world *world = *state;
    char line[1024];
    int fd = dial(world);
    memset(line, 'a', sizeof line);
    say(fd, "GET /x HTTP/1.1\r\nX: ");
    for (int i = 0; i < 17; i++)
        send(fd, line, sizeof line, MSG_NOSIGNAL);
    cleanup_free char *answer = hear(world, fd, NULL);
    assert_true(str_starts(answer, "HTTP/1.1 431"));
    close(fd);
}

static void later_or_never(void **state)
{
    struct world *world = *state;
    int fd = dial(world), other = dial(world);
    say(fd, "GET /later HTTP/1.1\r\n" HEAD "\r\n");
    for (int i = 0; !world->waiting && i < PATIENCE; i++)
        turn(world);
    web_reply_json(world->waiting, 200, cJSON_CreateTrue());
    cleanup_free char *answer = hear(world, fd, NULL);
    assert_true(str_ends(answer, "\r\n\r\ntrue"));
    close(fd);

    world->waiting = NULL;
    say(other, "GET /later HTTP/1.1\r\n" HEAD "\r\n");
    for (int i = 0; !world->waiting && i < PATIENCE; i++)
        turn(world);
    close(other);
    for (int i = 0; !world->gone && i < PATIENCE; i++)
        turn(world);
    assert_int_equal(world->gone, 1);
}

static int open_stream(struct world *world)
{
    int fd = dial(world);
    say(fd, "GET /stream HTTP/1.1\r\n" HEAD "\r\n");
    for (int i = 0; !world->stream && i < PATIENCE; i++)
        turn(world);
    assert_non_null(world->stream);
    return fd;
}

static void streams(void **state)
{
    struct world *world = *state;
    int fd = open_stream(world);
    assert_true(web_stream_write(world->stream, "<first>", 7));
    cleanup_free char *first = hear(world, fd, "<first>");
    assert_non_null(strstr(first, "<first>"));
    assert_true(web_stream_write(world->stream, "<second>", 8));
    web_stream_end(world->stream);
    cleanup_free char *rest = hear(world, fd, NULL);
    assert_non_null(strstr(rest, "<second>"));
    close(fd);
    assert_true(world->drained > 0);
    assert_int_equal(world->gone, 0);
}

static void a_reader_who_leaves(void **state)
{
    struct world *world = *state;
    int fd = open_stream(world);
    free(hear(world, fd, "\r\n\r\n"));
    close(fd);
    for (int i = 0; !world->gone && i < PATIENCE; i++)
        turn(world);
    assert_int_equal(world->gone, 1);
}

/* What waits for it has a limit; the others are served meanwhile. */
static void a_reader_who_sleeps(void **state)
{
    static char block[16 << 10];
    struct world *world = *state;
    int fd = open_stream(world), refused = 0;
    memset(block, 'x', sizeof block);
    for (int i = 0; i < 2000 && refused < 10; i++) {
        refused += !web_stream_write(world->stream, block, sizeof block);
        turn(world);
    }
    assert_int_equal(refused, 10);
    assert_true(web_stream_waiting(world->stream) <= MUCH);
    expect(world, "GET /x HTTP/1.1\r\n" HEAD "\r\n", "HTTP/1.1 200", "\r\n\r\n0 ");
    close(fd);
}

static void a_port_that_is_taken(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    struct web_options same = {.loop = &world->loop, .port = web_port(world->server), .is_port_must = true};
    assert_null(web_listen(&same, &err));
    assert_int_equal(err.code, ERROR_PORT);
    error_clear(&err);
    same.is_port_must = false;
    struct web_server *other = web_listen(&same, &err);
    assert_non_null(other);
    assert_int_not_equal(web_port(other), web_port(world->server));
    web_close(other, NULL, NULL);
}

static int start(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    struct web_options options = {.loop = &world->loop, .handler = on_request, .data = world};
    assert_int_equal(loop_init(&world->loop, NULL), 0);
    strlist_add(&options.policy.hosts, "localhost");
    options.policy.body_limit = 16;
    world->server = web_listen(&options, NULL);
    assert_non_null(world->server);
    *state = world;
    return 0;
}

static void on_closed(void *data)
{
    struct world *world = data;
    world->is_closed = true;
}

/* Also with requests that were not answered, and streams that are open. */
static int end(void **state)
{
    struct world *world = *state;
    web_close(world->server, on_closed, world);
    for (int i = 0; !world->is_closed && i < PATIENCE; i++)
        turn(world);
    assert_true(world->is_closed);
    assert_int_equal(loop_fini(&world->loop), 0);
    free(world);
    return 0;
}
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(answers),
        WITH_WORLD(refusals),
        WITH_WORLD(pieces),
        WITH_WORLD(later_or_never),
        WITH_WORLD(a_head_without_end),
        WITH_WORLD(streams),
        WITH_WORLD(a_reader_who_leaves),
        WITH_WORLD(a_reader_who_sleeps),
        WITH_WORLD(a_port_that_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
