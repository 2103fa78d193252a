/* See terminal.h. The settings live in statics, because a signal handler and exit() have to find them. */
#include "ui/terminal.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { END_OF_INPUT = 4 }; /* what Ctrl-D types */

static struct termios before;
static volatile sig_atomic_t is_raw;

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

bool terminal_size(int *rows, int *columns)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
        return false;
    *rows = size.ws_row;
    *columns = size.ws_col;
    return true;
}

/* tcsetattr(3) from a background process group would stop us: SIGTTOU is kept away for as long as it takes.
 */
static void set(const struct termios *settings)
{
    sigset_t ttou, old;
    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    sigprocmask(SIG_BLOCK, &ttou, &old);
    while (tcsetattr(STDIN_FILENO, TCSANOW, settings) && errno == EINTR)
        continue;
    sigprocmask(SIG_SETMASK, &old, NULL);
}

void terminal_restore(void)
{
    int saved = errno;
    if (is_raw)
        set(&before);
    is_raw = 0;
    errno = saved;
}

/* The default action follows: SA_RESETHAND has put it back. */
static void on_deadly(int signum)
{
    terminal_restore();
    raise(signum);
}

static void catch_deadly(void)
{
    static const int deadly[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2,
                                 SIGABRT, SIGSEGV, SIGBUS,  SIGFPE,  SIGALRM};
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        struct sigaction action = {.sa_handler = on_deadly, .sa_flags = (int)SA_RESETHAND}, old;
        if (!sigaction(deadly[i], NULL, &old) && old.sa_handler == SIG_DFL)
            sigaction(deadly[i], &action, NULL);
    }
}

static void change(const struct termios *settings)
{
    atexit(terminal_restore);
    is_raw = 1;
    catch_deadly();
    set(settings);
}

void terminal_make_raw(void)
{
    if (tcgetattr(STDIN_FILENO, &before))
        return;
    struct termios raw = before;
    cfmakeraw(&raw);
    change(&raw);
}

bool terminal_listen(void)
{
    if (!terminal_is_there() || tcgetpgrp(STDIN_FILENO) != getpgrp() || tcgetattr(STDIN_FILENO, &before))
        return false;
    struct termios keys = before;
    keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    change(&keys);
    return true;
}

int terminal_key(int64_t ms)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    char key = 0;
    if (poll(&fd, 1, ms < INT_MAX ? (int)ms : INT_MAX) <= 0)
        return 0;
    if (read(STDIN_FILENO, &key, 1) == 1)
        return (unsigned char)key;
    return END_OF_INPUT;
}
