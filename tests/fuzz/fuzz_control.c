/* room: control
 * Any bytes as a client's requests to a server, and as a server's answers to a client: no crash, no leak, and
 * every request that was made is answered once. The first byte says how the bytes are cut. */
#include "control/control.h"
#include "base/log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fuzz {
    struct loop loop;
    int gone, done;
};

static void on_request(struct control_client *client, int64_t id, const char *verb, const cJSON *message,
                       void *data)
{
    (void)data;
    cleanup_error struct error error = {0};
    control_error_from_json(message, &error);
    cJSON *record = cJSON_CreateObject();
    json_add_string(record, "type", verb);
    control_send(client, record);
    control_send_done(client, id, &error, NULL);
}

static void on_gone(struct control_client *client, void *data)
{
    (void)client;
    ((struct fuzz *)data)->gone++;
}

static void on_done(const struct error *error, const cJSON *result, void *data)
{
    (void)error;
    (void)result;
    ((struct fuzz *)data)->done++;
}

static void run(struct fuzz *fuzz)
{
    uv_run(&fuzz->loop.uv, UV_RUN_NOWAIT);
}

static void put(struct fuzz *fuzz, int fd, const uint8_t *data, size_t size)
{
    size_t step = size ? data[0] % 64 + 1u : 1;
    for (size_t at = 1; at < size; at += step) {
        if (send(fd, data + at, size - at < step ? size - at : step, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 &&
            errno != EAGAIN)
            break;
        run(fuzz);
    }
}

static struct sockaddr_un address_of(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    return address;
}

static void as_requests(struct fuzz *fuzz, const char *path, const uint8_t *data, size_t size)
{
    struct control_handlers handlers = {.on_request = on_request, .on_gone = on_gone, .data = fuzz};
    struct sockaddr_un address = address_of(path);
    struct control_server *server = control_listen(&fuzz->loop, path, &handlers, NULL);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (!server || connect(fd, (struct sockaddr *)&address, sizeof address) < 0)
        abort();
    run(fuzz);
    put(fuzz, fd, data, size);
    close(fd);
    control_server_close(server, NULL, NULL);
    for (int i = 0; i < 100 && !fuzz->gone; i++)
        run(fuzz);
    if (fuzz->gone != 1)
        abort();
}

static void as_answers(struct fuzz *fuzz, const char *path, const uint8_t *data, size_t size)
{
    struct sockaddr_un address = address_of(path);
    struct control_request_handlers handlers = {.on_done = on_done, .data = fuzz};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) < 0 || listen(listener, 1) < 0)
        abort();
    struct control_connection *connection = control_connect(&fuzz->loop, path, NULL);
    int fd = accept(listener, NULL, NULL);
    if (!connection || fd < 0)
        abort();
    control_request(connection, "up", NULL, &handlers);
    control_request(connection, "watch", NULL, &handlers);
    put(fuzz, fd, data, size);
    close(fd);
    close(listener);
    unlink(path);
    for (int i = 0; i < 100 && fuzz->done < 2; i++)
        run(fuzz);
    if (fuzz->done != 2)
        abort();
    control_close(connection);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/apphost-fuzz-%ld.sock", (long)getpid());
    log_setup(LOG_ERROR, NULL, NULL);
    if (loop_init(&fuzz.loop, NULL) < 0)
        abort();
    as_requests(&fuzz, path, data, size);
    as_answers(&fuzz, path, data, size);
    if (loop_fini(&fuzz.loop) != 0)
        abort();
    return 0;
}
