/* The wire: one descriptor, one poll handle, one buffer each way.
 *
 * Bytes are read 64 KiB at a time into a buffer that all wires share (nothing that uses it outlives the
 * callback). Lines are handed out where they lie in `in`; it is compacted once for all lines of a read. */
#include "control/internal.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { KEEP_CAPACITY = 64 << 10, READ_SIZE = 64 << 10 };

static void on_poll(uv_poll_t *poll, int status, int events);

static void watch(struct wire *wire)
{
    int events = wire->paused ? 0 : UV_READABLE;
    if (wire_queued(wire) || wire->overflow)
        events |= UV_WRITABLE;
    if (!wire->closed && !wire->ended)
        uv_poll_start(&wire->poll, events ? events : UV_DISCONNECT, on_poll);
}

/* Gives back what a large line needed. */
static void empty(struct strbuf *buf)
{
    if (buf->capacity <= KEEP_CAPACITY)
        strbuf_truncate(buf, 0);
    else
        strbuf_free(buf);
}

int wire_open(struct wire *wire, struct loop *loop, int fd, const struct wire_events *events,
              struct error *err)
{
    *wire = (struct wire){.loop = loop,
                          .events = events,
                          .fd = fd,
                          .in = {.limit = WIRE_LINE_LIMIT + READ_SIZE},
                          .out = {.limit = WIRE_QUEUE_LIMIT}};
    fd_set_nonblock(fd, true);
    int rc = uv_poll_init(&loop->uv, &wire->poll, fd);
    if (rc < 0) {
        close(fd);
        return error_set(err, ERROR_FAILED, "cannot watch a control connection: %s", uv_strerror(rc));
    }
    wire->poll.data = wire;
    watch(wire);
    return 0;
}

static void end(struct wire *wire, const char *why)
{
    wire->ended = true;
    uv_poll_stop(&wire->poll);
    wire->events->on_end(wire, why);
}

/* Returns false when the peer is gone. */
static bool flush(struct wire *wire)
{
    while (wire->sent < wire->out.length) {
        size_t rest = wire->out.length - wire->sent;
        ssize_t n = send(wire->fd, wire->out.data + wire->sent, rest, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK;
        wire->sent += (size_t)n;
    }
    wire->sent = 0;
    empty(&wire->out);
    return true;
}

/* Moves what is unsent to the front once that is worth the copy. */
static void compact(struct wire *wire)
{
    if (wire->sent < wire->out.length / 2)
        return;
    strbuf_consume(&wire->out, wire->sent);
    wire->sent = 0;
}

void wire_send(struct wire *wire, const char *text, size_t length)
{
    if (wire->closed || wire->ended || wire->overflow)
        return;
    bool was_empty = wire_queued(wire) == 0;
    compact(wire);
    if (wire->out.length + length + 1 > wire->out.limit) {
        wire->overflow = true;
    } else {
        strbuf_add(&wire->out, text, length);
        strbuf_addc(&wire->out, '\n');
    }
    if (was_empty)
        flush(wire); /* a peer that is gone shows when the poll handle reads */
    if (wire_queued(wire) || wire->overflow)
        watch(wire);
}

size_t wire_queued(const struct wire *wire)
{
    return wire->out.length - wire->sent;
}

/* Hands out complete lines until there are none, or somebody pauses or closes. */
static void deliver(struct wire *wire)
{
    size_t start = 0;
    while (!wire->paused && !wire->closed && wire->scanned < wire->in.length) {
        char *from = wire->in.data + wire->scanned;
        char *newline = memchr(from, '\n', wire->in.length - wire->scanned);
        if (!newline) {
            wire->scanned = wire->in.length;
            break;
        }
        *newline = '\0';
        const char *line = wire->in.data + start;
        wire->scanned = (size_t)(newline - wire->in.data) + 1;
        size_t length = wire->scanned - 1 - start;
        start = wire->scanned;
        wire->events->on_line(wire, line, length);
    }

    if (start == wire->in.length) {
        empty(&wire->in);
    } else if (start) {
        strbuf_consume(&wire->in, start);
    }
    wire->scanned -= start;
}

/* False when nothing was there. */
static bool receive(struct wire *wire)
{
    static char chunk[READ_SIZE];
    ssize_t n = recv(wire->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EINTR || errno == EAGAIN || errno == EWOULDBLOCK))
        return false;
    if (n <= 0) {
        end(wire, n == 0 ? "the other side closed the connection" : strerror(errno));
        return false;
    }
    if (!strbuf_add(&wire->in, chunk, (size_t)n)) {
        end(wire, "a line is too long");
        return false;
    }
    deliver(wire);
    return true;
}

/* The other side went without reading all; libuv says of such a socket that it has an error, no more. What it
 * had said before is still there. */
static void receive_rest(struct wire *wire)
{
    while (!wire->closed && !wire->ended && !wire->paused && receive(wire))
        continue;
    if (!wire->closed && !wire->ended)
        end(wire, "the other side closed the connection");
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct wire *wire = poll->data;
    if (status < 0) {
        receive_rest(wire);
        return;
    }
    if (wire->overflow) {
        end(wire, "it does not read its answers");
        return;
    }

    if ((events & UV_WRITABLE) && wire_queued(wire)) {
        if (!flush(wire)) {
            receive_rest(wire); /* it may have said why */
            return;
        }
        if (!wire_queued(wire)) {
            watch(wire);
            wire->events->on_drain(wire);
        }
    }

    if (!wire->closed && (events & UV_READABLE) && !wire->paused)
        receive(wire);
    else if (!wire->closed && (events & UV_DISCONNECT))
        end(wire, "the other side closed the connection");
}

void wire_pause(struct wire *wire, bool paused)
{
    if (wire->paused == paused || wire->closed)
        return;
    wire->paused = paused;
    watch(wire);
    if (!paused)
        deliver(wire);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct wire *wire = handle->data;
    close(wire->fd);
    strbuf_free(&wire->in);
    strbuf_free(&wire->out);
    wire->events->on_closed(wire);
}

void wire_close(struct wire *wire)
{
    if (wire->closed)
        return;
    wire->closed = true;
    uv_close((uv_handle_t *)&wire->poll, on_handle_closed);
}
