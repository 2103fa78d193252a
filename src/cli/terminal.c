/* See terminal.h. The settings live in statics, because a signal handler and exit() have to find them. */
#include "cli/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

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

void terminal_make_raw(void)
{
    if (tcgetattr(STDIN_FILENO, &before))
        return;
    struct termios raw = before;
    cfmakeraw(&raw);
    atexit(terminal_restore);
    is_raw = 1;
    catch_deadly();
    set(&raw);
}
