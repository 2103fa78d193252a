/* room: http */
/* Any bytes as the engine's answer to a call, to a stream and on a connection that is taken over; the first
 * byte says which, and how the bytes are cut. No crash, no leak; done runs once, nothing is delivered before
 * the head or after the end, and what is delivered has its end. */
#include "http/http.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TURNS = 20000, LIMIT = 1 << 16 };

struct fuzz {
    struct loop loop;
    struct http_transport *transport;
    struct http_call *call;
    int listener, peer, opens, dones, closed;
};

static void on_done(const struct http_response *response, const struct error *err, void *data)
{
    struct fuzz *fuzz = data;
    fuzz->call = NULL;
    if (fuzz->dones++ || (!response && !error_is_set(err)))
        abort();
    if (response && response->body && response->body[response->length])
        abort();
}

static void on_open(int status, void *data)
{
    struct fuzz *fuzz = data;
    if (fuzz->opens++ || fuzz->dones || status >= 400)
        abort();
}

static void on_data(const char *bytes, size_t length, void *data)
{
    const struct fuzz *fuzz = data;
    if (fuzz->opens != 1 || fuzz->dones || !bytes || !length)
        abort();
}

static void on_closed(void *data)
{
    ((struct fuzz *)data)->closed++;
}

static void start(struct fuzz *fuzz, int kind)
{
    struct http_request request = {.method = "GET", .path = "/v1.41/x", .fresh = true, .limit = LIMIT};
    struct http_handlers handlers = {.done = on_done, .data = fuzz};
    request.limits = http_within(10000);
    if (kind > 0) {
        handlers.on_data = on_data;
        handlers.on_open = on_open;
    }
    if (kind == 2) {
        request.method = "POST";
        request.duplex = true;
    }
    fuzz->call = http_start(fuzz->transport, &request, &handlers);
}

static int accept_peer(struct fuzz *fuzz)
{
    char request[4096];
    int peer = -1;
    for (int i = 0; i < TURNS && peer < 0 && !fuzz->dones; i++) {
        uv_run(&fuzz->loop.uv, UV_RUN_NOWAIT);
        peer = accept4(fuzz->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    }
    for (int i = 0; i < TURNS && peer >= 0 && read(peer, request, sizeof request) < 0; i++)
        uv_run(&fuzz->loop.uv, UV_RUN_NOWAIT);
    return peer;
}

static void answer(struct fuzz *fuzz, const uint8_t *data, size_t size, size_t step)
{
    int peer = accept_peer(fuzz);
    for (size_t at = 0; at < size; at += step) {
        if (send(peer, data + at, size - at < step ? size - at : step, MSG_NOSIGNAL) < 0)
            break;
        uv_run(&fuzz->loop.uv, UV_RUN_NOWAIT);
    }
    close(peer);
    for (int i = 0; i < TURNS && !fuzz->dones; i++)
        uv_run(&fuzz->loop.uv, UV_RUN_NOWAIT);
    if (fuzz->dones != 1)
        abort();
}

static void listen_at(struct fuzz *fuzz, struct sockaddr_un *address)
{
    snprintf(address->sun_path, sizeof address->sun_path, "/tmp/apphost-fuzz-http-%ld.sock", (long)getpid());
    unlink(address->sun_path);
    fuzz->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (bind(fuzz->listener, (struct sockaddr *)address, sizeof *address) < 0 ||
        listen(fuzz->listener, 4) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz fuzz = {0};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (!size)
        return 0;
    listen_at(&fuzz, &address);
    if (loop_init(&fuzz.loop, NULL) < 0)
        abort();
    fuzz.transport = http_open(&fuzz.loop, &(struct http_address){.unix_path = address.sun_path}, NULL);

    start(&fuzz, data[0] % 3);
    answer(&fuzz, data + 1, size - 1, data[0] / 3 + 1u);
    http_close(fuzz.transport, on_closed, &fuzz);
    for (int i = 0; i < TURNS && !fuzz.closed; i++)
        uv_run(&fuzz.loop.uv, UV_RUN_NOWAIT);
    if (!fuzz.closed || loop_fini(&fuzz.loop) != 0)
        abort();
    close(fuzz.listener);
    unlink(address.sun_path);
    return 0;
}
