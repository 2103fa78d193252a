/* A server that answers by verb, and raw sockets to be rude with. */
#include "world.h"
#include "base/file.h"
#include "base/mem.h"
#include "loop/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

static void on_request(struct control_client *client, int64_t id, const char *verb, const cJSON *message,
                       void *data)
{
    struct world *world = data;
    world->requests++;
    world->last_client = client;
    if (strcmp(verb, "echo") == 0) {
        cJSON *copy = cJSON_CreateObject();
        json_add_string(copy, "text", json_string(message, "text", ""));
        control_send_done(client, id, NULL, copy);
    } else if (strcmp(verb, "fail") == 0) {
        cleanup_error struct error error = {0};
        error_set(&error, ERROR_PORT, "port 6379 is taken");
        error_hint(&error, "use another");
        error_resource(&error, "cache");
        error_at(&error, "apphost.yaml", 3, 5);
        control_send_done(client, id, &error, NULL);
    } else if (strcmp(verb, "flood") == 0) {
        for (int64_t i = 0; i < json_int(message, "count", 0); i++) {
            cJSON *record = cJSON_CreateObject();
            json_add_int(record, "id", id);
            json_add_string(record, "type", "transition");
            json_add_int(record, "n", i);
            control_send(client, record);
        }
        control_send_done(client, id, NULL, NULL);
    }
}

static void on_gone(struct control_client *client, void *data)
{
    struct world *world = data;
    world->gone++;
    if (world->last_client == client)
        world->last_client = NULL;
}

int world_open(void **state)
{
    struct world *world = xcalloc(1, sizeof *world);
    char template[] = "/tmp/apphost-test-control-XX"
                      "XX"
                      "XX";
    world->folder = xstrdup(mkdtemp(template));
    world->path = xasprintf("%s/c.sock", world->folder);
    if (loop_init(&world->loop, NULL) < 0)
        return -1;
    struct control_handlers handlers = {.on_request = on_request, .on_gone = on_gone, .data = world};
    world->server = control_listen(&world->loop, world->path, &handlers, NULL);
    *state = world;
    return world->server ? 0 : -1;
}

static void on_closed(void *data)
{
    ((struct world *)data)->closed++;
}

int world_close(void **state)
{
    struct world *world = *state;
    if (world->server) {
        control_server_close(world->server, on_closed, world);
        world_until(world, &world->closed, 1);
    }
    assert_false(file_exists(world->path));
    assert_int_equal(loop_fini(&world->loop), 0);
    assert_int_equal(file_remove_tree(world->folder, NULL), 0);
    free(world->folder);
    free(world->path);
    free(world);
    return 0;
}

static void give_up(void *data)
{
    *(bool *)data = true;
}

void world_until(struct world *world, const int *counter, int value)
{
    bool late = false;
    struct timer timer;
    timer_init(&world->loop, &timer, give_up, &late);
    timer_start(&timer, 10000);
    while (*counter < value && !late)
        loop_run_once(&world->loop);
    timer_stop(&timer);
    if (late)
        fail_msg("waited in vain for a counter to reach %d: it is %d", value, *counter);
}

int world_connect(struct world *world)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, world->path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

bool world_send(struct world *world, int fd, const char *text, size_t length)
{
    while (length) {
        ssize_t n = send(fd, text, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            return false;
        if (n > 0) {
            text += n;
            length -= (size_t)n;
        }
        uv_run(&world->loop.uv, UV_RUN_NOWAIT);
    }
    return true;
}

/* Reads what comes until the text holds `until`, or the end (until NULL). */
char *world_read(struct world *world, int fd, const char *until)
{
    struct strbuf text = {0};
    int64_t deadline = loop_now_ms(&world->loop) + 10000;
    while (!until || !text.length || !strstr(text.data, until)) {
        char chunk[65536];
        ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET))
            break;
        if (n > 0)
            strbuf_add(&text, chunk, (size_t)n);
        else
            uv_run(&world->loop.uv, UV_RUN_NOWAIT);
        if (loop_now_ms(&world->loop) > deadline)
            fail_msg("waited in vain for \"%s\"", until ? until : "the end");
    }
    return strbuf_take(&text);
}
