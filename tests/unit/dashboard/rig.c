/* See rig.h. */
#include "rig.h"

#include "dashboard/dashboard.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/testing.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { PATIENCE_MS = 60000 };

static void turn(struct rig *rig)
{
    struct timespec pause = {.tv_nsec = 1000000};
    uv_run(&rig->loop.uv, UV_RUN_NOWAIT);
    nanosleep(&pause, NULL);
}

/* ---- the dashboard ---- */

static void start_dashboard(struct rig *rig)
{
    int pipes[2];
    char answer[512] = "";
    struct dashboard_record record;
    assert_int_equal(pipe(pipes), 0);
    rig->child = fork();
    if (rig->child == 0) {
        struct dashboard_options options = {.folder = rig->folder, .port = -1};
        close(pipes[0]);
        _exit(dashboard_serve(&options, pipes[1], NULL) != 0);
    }
    close(pipes[1]);
    assert_true(read(pipes[0], answer, sizeof answer - 1) > 0);
    close(pipes[0]);
    assert_string_equal(answer, "{}\n");

    assert_int_equal(dashboard_find(rig->folder, &record, NULL), 0);
    assert_int_equal(record.pid, rig->child);
    rig->port = record.port;
    cleanup_free char *url = dashboard_url(rig->folder, false, NULL);
    strcpy(rig->token, strstr(url, "#t=") + 3);
}

static void end_dashboard(struct rig *rig)
{
    int status = -1;
    kill(rig->child, SIGTERM);
    assert_int_equal(waitpid(rig->child, &status, 0), rig->child);
    assert_int_equal(status, 0); /* and no sanitizer had anything to say */
}

void rig_restart(struct rig *rig)
{
    end_dashboard(rig);
    start_dashboard(rig);
}

struct rig *rig_start(void)
{
    struct rig *rig = xcalloc(1, sizeof *rig);
    strcpy(rig->base, "/tmp/dash.XXXXXX");
    assert_non_null(mkdtemp(rig->base));
    rig->folder = xasprintf("%s/shop-0123abcd", rig->base);
    rig->state = state_open(rig->folder, true, NULL);
    assert_non_null(rig->state);
    rig->lock_fd = -1;
    start_dashboard(rig);
    assert_int_equal(loop_init(&rig->loop, NULL), 0);
    rig->answers = cJSON_CreateObject();
    rig->asked = cJSON_CreateArray();
    return rig;
}

static void redis_end(struct rig *rig);

void rig_end(struct rig *rig)
{
    if (rig->server)
        rig_end_session(rig);
    end_dashboard(rig);
    redis_end(rig);
    assert_int_equal(loop_fini(&rig->loop), 0);
    state_close(rig->state);
    file_remove_tree(rig->base, NULL);
    cJSON_Delete(rig->answers);
    cJSON_Delete(rig->asked);
    free(rig->folder);
    free(rig);
}

/* ---- the supervisor ---- */

static void on_request(struct control_client *client, int64_t id, const char *verb, const cJSON *message,
                       void *data)
{
    struct rig *rig = data;
    const cJSON *answer = json_get(rig->answers, verb);
    struct error error = {0};
    cJSON_AddItemToArray(rig->asked, cJSON_Duplicate(message, 1));
    if (!strcmp(verb, "watch")) {
        rig->watcher = client;
        rig->watch_id = id;
        return;
    }
    if (!answer)
        error_set(&error, ERROR_USAGE, "the supervisor knows no verb \"%s\"", verb);
    else if (json_get(answer, "error"))
        control_error_from_json(json_get(answer, "error"), &error);
    if (error_is_set(&error))
        control_send_done(client, id, &error, NULL);
    else
        control_send_done(client, id, NULL, cJSON_Duplicate(answer, 1));
    error_clear(&error);
}

static void on_gone(struct control_client *client, void *data)
{
    struct rig *rig = data;
    if (rig->watcher == client)
        rig->watcher = NULL;
}

void rig_answers(struct rig *rig, const char *verb, const char *text)
{
    cJSON *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    cJSON_DeleteItemFromObjectCaseSensitive(rig->answers, verb);
    cJSON_AddItemToObject(rig->answers, verb, json);
}

void rig_begin_session(struct rig *rig)
{
    const struct control_handlers handlers = {.on_request = on_request, .on_gone = on_gone, .data = rig};
    cleanup_free char *socket_path = xasprintf("%s/s", rig->base);
    struct state_session session = {.id = (char *)"00000000000000aa",
                                    .socket = socket_path,
                                    .supervisor = getpid(),
                                    .manifest = (char *)"/nowhere/apphost.yaml",
                                    .project = (char *)"shop",
                                    .hash = (char *)"0123abcd",
                                    .started_ns = 1000000};
    rig_answers(
        rig, "hello",
        "{\"protocol\":1,\"session\":\"00000000000000aa\",\"project\":\"shop\",\"version\":\"x\",\"pid\":1}");
    rig_answers(rig, "view",
                "{\"project\":\"shop\",\"engine\":{\"connected\":true},\"others\":[],\"resources\":["
                "{\"name\":\"api\",\"kind\":\"process\",\"node\":\"process:api\",\"state\":\"ready\"},"
                "{\"name\":\"cache\",\"kind\":\"redis\",\"node\":\"container:cache\",\"state\":\"ready\"}]}");
    rig->server = control_listen(&rig->loop, socket_path, &handlers, NULL);
    assert_non_null(rig->server);
    rig->lock_fd = state_lock(rig->state, NULL);
    assert_true(rig->lock_fd >= 0);
    session.engine = cJSON_CreateObject();
    assert_int_equal(state_session_write(rig->state, &session, NULL), 0);
    cJSON_Delete(session.engine);
    rig_wait_state(rig, "running");
}

static void on_closed(void *data)
{
    struct rig *rig = data;
    rig->server = NULL;
}

void rig_end_session(struct rig *rig)
{
    state_session_remove(rig->state, NULL);
    close(rig->lock_fd);
    control_server_close(rig->server, on_closed, rig);
    while (rig->server)
        turn(rig);
}

void rig_tell(struct rig *rig, const char *text)
{
    cJSON *json = json_parse(text, strlen(text), NULL);
    assert_non_null(json);
    for (int i = 0; !rig->watcher && i < PATIENCE_MS; i++)
        turn(rig);
    assert_non_null(rig->watcher);
    json_add_int(json, "id", rig->watch_id);
    control_send(rig->watcher, json);
}

const cJSON *rig_asked(const struct rig *rig, const char *verb)
{
    const cJSON *message, *found = NULL;
    cJSON_ArrayForEach(message, rig->asked)
    {
        if (!strcmp(json_string(message, "verb", ""), verb))
            found = message;
    }
    return found;
}

/* ---- HTTP ---- */

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

static void send_request(struct rig *rig, int fd, const char *line, const char *headers, const char *body)
{
    struct strbuf out = {0};
    strbuf_addf(&out, "%s HTTP/1.1\r\nHost: localhost:%d\r\n", line, rig->port);
    if (headers)
        strbuf_adds(&out, headers);
    else
        strbuf_addf(&out, "Authorization: Bearer %s\r\n", rig->token);
    if (body)
        strbuf_addf(&out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    strbuf_addf(&out, "\r\n%s", body ? body : "");
    assert_int_equal(send(fd, out.data, out.length, MSG_NOSIGNAL), out.length);
    strbuf_free(&out);
}

/* False: it is over. */
static bool read_some(struct reply *reply)
{
    char bytes[65536];
    ssize_t n = recv(reply->fd, bytes, sizeof bytes - 1, 0);
    if (n <= 0)
        return n < 0 && errno == EAGAIN;
    bytes[n] = '\0';
    char *all = xasprintf("%s%s", reply->text, bytes);
    free(reply->text);
    reply->text = all;
    return true;
}

static void take_apart(struct reply *reply)
{
    reply->body = strstr(reply->text, "\r\n\r\n");
    if (!reply->body)
        return;
    reply->body += 4;
    reply->status = atoi(reply->text + 9);
    reply->json = json_parse(reply->body, strlen(reply->body), NULL);
}

struct reply rig_ask(struct rig *rig, const char *line, const char *headers, const char *body)
{
    struct reply reply = {.fd = connect_to(rig->port), .text = xstrdup("")};
    int rounds = 0;
    send_request(rig, reply.fd, line, headers, body);
    while (read_some(&reply) && rounds++ < PATIENCE_MS)
        turn(rig);
    close(reply.fd);
    take_apart(&reply);
    return reply;
}

void reply_free(struct reply *reply)
{
    free(reply->text);
    cJSON_Delete(reply->json);
}

static cJSON *expect(struct reply *reply, const char *path, int status)
{
    if (reply->status != status)
        print_error("%s: %s\n", path, reply->text);
    assert_int_equal(reply->status, status);
    cJSON *json = take_ptr(&reply->json);
    reply_free(reply);
    return json;
}

cJSON *rig_get(struct rig *rig, const char *path, int status)
{
    cleanup_free char *line = xasprintf("GET /api/v1/%s", path);
    struct reply reply = rig_ask(rig, line, NULL, NULL);
    return expect(&reply, path, status);
}

cJSON *rig_post(struct rig *rig, const char *path, const char *body, int status)
{
    cleanup_free char *line = xasprintf("POST /api/v1/%s", path);
    struct reply reply = rig_ask(rig, line, NULL, body);
    return expect(&reply, path, status);
}

struct reply rig_open(struct rig *rig, const char *path)
{
    cleanup_free char *line = xasprintf("GET /api/v1/%s", path);
    struct reply reply = {.fd = connect_to(rig->port), .text = xstrdup("")};
    send_request(rig, reply.fd, line, NULL, NULL);
    rig_wait_said(rig, &reply, "\r\n\r\n");
    return reply;
}

void rig_wait_said(struct rig *rig, struct reply *stream, const char *text)
{
    for (int i = 0; !strstr(stream->text, text) && i < PATIENCE_MS; i++) {
        if (!read_some(stream))
            break;
        turn(rig);
    }
    if (!strstr(stream->text, text))
        print_error("%s is not in: %s\n", text, stream->text);
    assert_non_null(strstr(stream->text, text));
}

void rig_wait_state(struct rig *rig, const char *state)
{
    bool is_there = false;
    for (int i = 0; !is_there && i < PATIENCE_MS / 10; i++) {
        struct reply reply = rig_ask(rig, "GET /api/v1/session", NULL, NULL);
        is_there = !strcmp(json_string(reply.json, "state", ""), state);
        reply_free(&reply);
    }
    assert_true(is_there);
}

/* ---- Redis ---- */

struct redis {
    struct rig *rig;
    uv_tcp_t listener;
    bool is_open;
    cJSON *answers;
    struct strbuf asked;
};

struct redis_client {
    struct redis *redis;
    uv_tcp_t tcp;
    struct resp_reader *reader;
    char bytes[4096];
};

static void on_client_closed(uv_handle_t *handle)
{
    struct redis_client *client = handle->data;
    resp_reader_free(client->reader);
    free(client);
}

static void answer(struct redis_client *client, const struct resp_reply *command)
{
    struct redis *redis = client->redis;
    const char *bytes = json_string(redis->answers, command->elements[0].str, "+OK\r\n");
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes, (unsigned)strlen(bytes));
    for (size_t i = 0; i < command->count; i++)
        strbuf_addf(&redis->asked, "%s%s", i ? " " : "", command->elements[i].str);
    strbuf_addc(&redis->asked, '\n');
    uv_try_write((uv_stream_t *)&client->tcp, &buffer, 1);
}

static void on_alloc(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct redis_client *client = handle->data;
    (void)size;
    *buffer = uv_buf_init(client->bytes, sizeof client->bytes);
}

static void on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct redis_client *client = stream->data;
    struct resp_reply *command;
    if (n < 0) {
        uv_close((uv_handle_t *)stream, on_client_closed);
        return;
    }
    resp_reader_feed(client->reader, buffer->base, (size_t)n);
    while (resp_reader_next(client->reader, &command) == 1) {
        answer(client, command);
        resp_reply_free(command);
    }
}

static void on_client(uv_stream_t *listener, int status)
{
    struct redis *redis = listener->data;
    struct redis_client *client = xcalloc(1, sizeof *client);
    (void)status;
    client->redis = redis;
    client->reader = resp_reader_new(NULL);
    uv_tcp_init(&redis->rig->loop.uv, &client->tcp);
    client->tcp.data = client;
    uv_accept(listener, (uv_stream_t *)&client->tcp);
    uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_bytes);
}

void rig_redis(struct rig *rig)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct sockaddr_in bound = {0};
    int size = sizeof bound;
    struct redis *redis = xcalloc(1, sizeof *redis);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *redis = (struct redis){.rig = rig, .answers = cJSON_CreateObject()};
    rig->redis = redis;
    uv_tcp_init(&rig->loop.uv, &redis->listener);
    redis->listener.data = redis;
    assert_int_equal(uv_tcp_bind(&redis->listener, (const struct sockaddr *)&address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&redis->listener, 16, on_client), 0);
    uv_tcp_getsockname(&redis->listener, (struct sockaddr *)&bound, &size);
    cleanup_free char *env =
        xasprintf("{\"CACHE_HOST\":{\"value\":\"127.0.0.1\"},\"CACHE_PORT\":{\"value\":\"%d\"},"
                  "\"CACHE_PASSWORD\":{\"value\":\"secret\",\"secret\":true}}",
                  ntohs(bound.sin_port));
    rig_answers(rig, "env", env);
}

void rig_redis_answers(struct rig *rig, const char *command, const char *bytes)
{
    cJSON_DeleteItemFromObjectCaseSensitive(rig->redis->answers, command);
    json_add_string(rig->redis->answers, command, bytes);
}

const char *rig_redis_asked(const struct rig *rig)
{
    return strbuf_text(&rig->redis->asked);
}

static void redis_end(struct rig *rig)
{
    struct redis *redis = rig->redis;
    if (!redis)
        return;
    uv_close((uv_handle_t *)&redis->listener, NULL);
    for (int i = 0; i < 20; i++)
        turn(rig);
    cJSON_Delete(redis->answers);
    strbuf_free(&redis->asked);
    free(redis);
}
