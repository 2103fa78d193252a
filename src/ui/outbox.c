/* Output that does not block. See outbox.h.
 *
 * The descriptor itself stays in blocking mode, because it is shared with whoever started us: instead it is
 * asked whether it takes anything, and gets no more than it is sure to take then (PIPE_BUF for a pipe). */
#include "ui/outbox.h"
#include "base/pick.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RETRY_MS = 20, TERMINAL_CHUNK = 256, FILE_CHUNK = 256 << 10 };

static void on_retry(void *data)
{
    outbox_flush(data);
}

void outbox_init(struct outbox *outbox, struct loop *loop, int fd)
{
    struct stat status;
    *outbox = (struct outbox){.fd = fd, .chunk = PIPE_BUF};
    if (!fstat(fd, &status) && S_ISREG(status.st_mode))
        outbox->chunk = FILE_CHUNK;
    else if (isatty(fd))
        outbox->chunk = TERMINAL_CHUNK;
    timer_init(loop, &outbox->retry, on_retry, outbox);
}

static bool takes_some(const struct outbox *outbox, int timeout_ms)
{
    struct pollfd fd = {.fd = outbox->fd, .events = POLLOUT};
    return poll(&fd, 1, timeout_ms) > 0;
}

static void hand_over(struct outbox *outbox, int timeout_ms)
{
    while (!outbox->is_broken && outbox->sent < outbox->pending.length && takes_some(outbox, timeout_ms)) {
        size_t left = outbox->pending.length - outbox->sent;
        ssize_t written =
            write(outbox->fd, outbox->pending.data + outbox->sent, size_min(left, outbox->chunk));
        if (written > 0)
            outbox->sent += (size_t)written;
        else if (errno != EINTR && errno != EAGAIN)
            outbox->is_broken = true;
    }
    if (!outbox->is_broken && outbox->sent < outbox->pending.length)
        return;
    strbuf_truncate(&outbox->pending, 0);
    outbox->sent = 0;
}

bool outbox_flush(struct outbox *outbox)
{
    hand_over(outbox, 0);
    if (!outbox->pending.length)
        return true;
    if (!timer_is_armed(&outbox->retry))
        timer_start(&outbox->retry, RETRY_MS);
    return false;
}

void outbox_fini(struct outbox *outbox, int patience_ms)
{
    if (!outbox->chunk) /* it never began */
        return;
    timer_stop(&outbox->retry);
    hand_over(outbox, patience_ms);
    strbuf_free(&outbox->pending);
    *outbox = (struct outbox){0};
}
