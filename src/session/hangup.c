/* See hangup.h. The terminal is opened once more, so that neither its flags nor its place among the standard
 * descriptors matter. */
#include "session/hangup.h"

#include "base/signals.h"

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static bool uses_terminal(void)
{
    return isatty(STDIN_FILENO) || isatty(STDOUT_FILENO) || isatty(STDERR_FILENO);
}

static void on_hangup(uv_poll_t *poll, int status, int events)
{
    struct hangup *hangup = poll->data;
    (void)status, (void)events;
    uv_poll_stop(poll);
    hangup->run(SIGHUP, hangup->data);
}

int hangup_open(void)
{
    if (signals_stay_ignored(SIGHUP) || !uses_terminal())
        return -1;
    return open("/dev/tty", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

void hangup_watch(struct hangup *hangup, struct loop *loop, loop_signal_cb *run, void *data)
{
    int fd = -1;
    if (hangup->fd <= 0)
        fd = hangup_open();
    if (fd < 0)
        return;
    if (uv_poll_init(&loop->uv, &hangup->poll, fd)) {
        close(fd);
        return;
    }
    hangup->fd = fd;
    hangup->run = run;
    hangup->data = data;
    hangup->poll.data = hangup;
    uv_poll_start(&hangup->poll, UV_DISCONNECT, on_hangup); /* not what is typed: only the end */
    uv_unref((uv_handle_t *)&hangup->poll);
}

void hangup_end(struct hangup *hangup)
{
    if (hangup->fd <= 0)
        return;
    uv_close((uv_handle_t *)&hangup->poll, NULL);
    close(hangup->fd);
    hangup->fd = -1;
}
