/* See server.h. A connection collects bytes until a head and the body that it announces are complete. */
#include "server.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <utlist.h>

struct server_connection {
    struct server *server;
    struct server_connection *prev, *next;
    uv_pipe_t pipe;
    struct strbuf input;
    struct timer delay;
    const struct server_answer *answer;
    uv_write_t write;
    char block[65536];
};

static void on_closed(uv_handle_t *handle)
{
    struct server_connection *connection = handle->data;
    connection->server->open_count--;
    strbuf_free(&connection->input);
    free(connection);
}

static void drop(struct server_connection *connection)
{
    if (uv_is_closing((uv_handle_t *)&connection->pipe))
        return;
    timer_stop(&connection->delay);
    DL_DELETE(connection->server->connections, connection);
    uv_close((uv_handle_t *)&connection->pipe, on_closed);
}

static void on_written(uv_write_t *request, int status)
{
    struct server_connection *connection = request->data;
    if (status < 0 || connection->answer->then == SERVER_CLOSE)
        drop(connection);
}

static void send_answer(void *data)
{
    struct server_connection *connection = data;
    const struct server_answer *answer = connection->answer;
    uv_buf_t buffer = uv_buf_init(answer->bytes, (unsigned)answer->length);
    uv_write(&connection->write, (uv_stream_t *)&connection->pipe, &buffer, 1, on_written);
}

/* Length of the first request in the input, or 0 while it is not complete. */
static size_t request_length(const struct strbuf *input)
{
    const char *text = strbuf_text(input), *end = strstr(text, "\r\n\r\n");
    if (!end)
        return 0;
    const char *announced = strcasestr(text, "content-length:");
    size_t body = announced && announced < end ? (size_t)atol(announced + 15) : 0;
    size_t whole = (size_t)(end - text) + 4 + body;
    return input->length >= whole ? whole : 0;
}

static void answer_next(struct server_connection *connection)
{
    struct server *server = connection->server;
    size_t length = request_length(&connection->input);
    if (!length)
        return;
    strlist_take(&server->requests, xstrndup(strbuf_text(&connection->input), length));
    strbuf_consume(&connection->input, length);
    if (server->answered == server->answer_count)
        return; /* silence */
    connection->answer = &server->answers[server->answered++];
    if (connection->answer->delay_ms)
        timer_start(&connection->delay, connection->answer->delay_ms);
    else
        send_answer(connection);
}

static void on_allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct server_connection *connection = handle->data;
    (void)size;
    *buffer = uv_buf_init(connection->block, sizeof connection->block);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct server_connection *connection = stream->data;
    if (length < 0) {
        drop(connection);
        return;
    }
    strbuf_add(&connection->input, buffer->base, (size_t)length);
    answer_next(connection);
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct server *server = listener->data;
    assert_int_equal(status, 0);
    struct server_connection *connection = xcalloc(1, sizeof *connection);
    connection->server = server;
    connection->pipe.data = connection->write.data = connection;
    timer_init(server->loop, &connection->delay, send_answer, connection);
    uv_pipe_init(&server->loop->uv, &connection->pipe, 0);
    connection->pipe.data = connection;
    DL_APPEND(server->connections, connection);
    server->connection_count++;
    server->open_count++;
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->pipe), 0);
    uv_read_start((uv_stream_t *)&connection->pipe, on_allocate, on_read);
}

void server_start(struct server *server, struct loop *loop)
{
    *server = (struct server){.loop = loop};
    snprintf(server->path, sizeof server->path, "/tmp/apphost-http-test-%d.sock", (int)getpid());
    unlink(server->path);
    uv_pipe_init(&loop->uv, &server->listener, 0);
    server->listener.data = server;
    assert_int_equal(uv_pipe_bind(&server->listener, server->path), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 64, on_connection), 0);
    uv_unref((uv_handle_t *)&server->listener);
}

void server_add_bytes(struct server *server, char *bytes, size_t length, int delay_ms, enum server_then then)
{
    assert_true(server->answer_count < SERVER_ANSWERS);
    server->answers[server->answer_count++] = (struct server_answer){bytes, length, delay_ms, then};
}

void server_add(struct server *server, const char *bytes, enum server_then then)
{
    server_add_bytes(server, xstrdup(bytes), strlen(bytes), 0, then);
}

void server_drop_connections(struct server *server)
{
    while (server->connections)
        drop(server->connections);
}

void server_stop(struct server *server)
{
    server_drop_connections(server);
    uv_close((uv_handle_t *)&server->listener, NULL);
    while (server->open_count)
        loop_run_once(server->loop);
    for (int i = 0; i < server->answer_count; i++)
        free(server->answers[i].bytes);
    strlist_free(&server->requests);
    unlink(server->path);
}
