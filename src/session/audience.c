/* See audience.h. libuv makes what it polls non-blocking, and standard output is shared with whoever started
 * us: so it polls an epoll instance of ours, whose only member is the descriptor. */
#include "session/audience.h"

#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

/* The end of a pipe without readers is reported always, so no event is asked for. */
static int watch_for_end(int fd)
{
    struct stat status;
    struct epoll_event event = {.events = 0};
    if (fstat(fd, &status) || !(S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode)))
        return -1;
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll >= 0 && epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) {
        close(epoll);
        return -1;
    }
    return epoll;
}

static void on_gone(uv_poll_t *poll, int status, int events)
{
    struct audience *audience = poll->data;
    (void)status, (void)events;
    uv_poll_stop(poll);
    audience->is_gone = true;
}

void audience_watch(struct audience *audience, struct loop *loop, int fd)
{
    *audience = (struct audience){.epoll = watch_for_end(fd)};
    if (audience->epoll < 0)
        return;
    if (uv_poll_init(&loop->uv, &audience->poll, audience->epoll)) {
        close(audience->epoll);
        audience->epoll = -1;
        return;
    }
    audience->poll.data = audience;
    uv_poll_start(&audience->poll, UV_READABLE, on_gone);
    uv_unref((uv_handle_t *)&audience->poll);
}

void audience_end(struct audience *audience)
{
    if (audience->epoll <= 0)
        return;
    uv_close((uv_handle_t *)&audience->poll, NULL);
    close(audience->epoll);
    audience->epoll = -1;
}
