/* Output that a signal can end; see stall.h. A descriptor that takes something takes at least PIPE_BUF bytes
 * without blocking, so it is asked before each piece of that size; without handlers a signal ends us anyway.
 */
#include "base/stall.h"
#include "base/pick.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum { PATIENCE_MS = 500 };

static void (*handlers[NSIG])(int signum);
static volatile sig_atomic_t has_come; /* a signal's number */
static bool is_noting;
static int gave_up; /* the one that did it */

/* ---- signals ---- */

static void on_signal(int signum)
{
    has_come = signum;
    handlers[signum](signum);
}

void stall_note(int signum)
{
    struct sigaction action;
    if (sigaction(signum, NULL, &action) || action.sa_flags & SA_SIGINFO)
        return;
    bool has_handler = action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN;
    if (!has_handler || action.sa_handler == on_signal)
        return;
    handlers[signum] = action.sa_handler;
    action.sa_handler = on_signal;
    sigaction(signum, &action, NULL);
    is_noting = true;
}

/* ---- writing ---- */

/* Whether a signal has come is looked at from time to time: a handler may run in another thread than the
 * wait, and before it. */
static bool takes_some(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    int patience_ms = PATIENCE_MS;
    if (gave_up)
        patience_ms = 0;
    for (;;) {
        int signum = has_come;
        int count = poll(&ready, 1, patience_ms);
        if (count > 0 || (count < 0 && errno != EINTR)) /* an error is the write's to tell */
            return true;
        if (count == 0 && signum) {
            gave_up = signum;
            return false;
        }
    }
}

int stall_write(int fd, const char *data, size_t length)
{
    for (size_t sent = 0; sent < length;) {
        if (!takes_some(fd)) {
            errno = ECANCELED;
            return -1;
        }
        size_t piece = length - sent;
        if (is_noting)
            piece = size_min(piece, PIPE_BUF);
        ssize_t written = write(fd, data + sent, piece);
        if (written > 0)
            sent += (size_t)written;
        else if (errno != EINTR && errno != EAGAIN)
            return -1;
    }
    return 0;
}

int stall_gave_up(void)
{
    return gave_up;
}

/* ---- streams ---- */

static ssize_t write_out(void *cookie, const char *data, size_t length)
{
    const int *fd = cookie;
    if (stall_write(*fd, data, length))
        return 0; /* of a cookie's stream: an error */
    return (ssize_t)length;
}

static FILE *guarded(FILE *stream, const int *fd, int mode)
{
    static const cookie_io_functions_t functions = {.write = write_out};
    FILE *new = NULL;
    if (fileno(stream) == *fd && !isatty(*fd))
        new = fopencookie((void *)fd, "w", functions);
    if (!new)
        return stream;
    fflush(stream);
    setvbuf(new, NULL, mode, 0);
    return new;
}

void stall_guard(void)
{
    static const int out = STDOUT_FILENO, errors = STDERR_FILENO;
    stdout = guarded(stdout, &out, _IOFBF);
    stderr = guarded(stderr, &errors, _IONBF);
}
