/* Inherited signal dispositions. See signals.h. The memory is a static, because the child after a fork has
 * nothing else. */
#include "base/signals.h"
#include "base/str.h"

#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static struct {
    bool is_ignored[NSIG];
    sigset_t mask;
    bool is_set;
} inherited;

static bool is_ignored(int signum)
{
    struct sigaction now;
    return sigaction(signum, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void signals_remember(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, &inherited.mask);
    for (int i = 1; i < NSIG; i++)
        inherited.is_ignored[i] = is_ignored(i);
    inherited.is_set = true;
    /* A file that may grow no more is an error of who writes to it (EFBIG), and the end of nobody. */
    signal(SIGXFSZ, SIG_IGN);
}

bool signals_stay_ignored(int signum)
{
    bool is_meant = signum == SIGHUP || signum == SIGINT || signum == SIGQUIT;
    return is_meant && is_ignored(signum);
}

void signals_give_back(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++) {
        action.sa_handler = SIG_DFL;
        if (inherited.is_ignored[i])
            action.sa_handler = SIG_IGN;
        sigaction(i, &action, NULL);
    }
    if (!inherited.is_set)
        sigemptyset(&inherited.mask);
    sigprocmask(SIG_SETMASK, &inherited.mask, NULL);
}

static const struct {
    const char *name;
    int signum;
} named[] = {{"TERM", SIGTERM}, {"INT", SIGINT},   {"QUIT", SIGQUIT}, {"HUP", SIGHUP},
             {"KILL", SIGKILL}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"WINCH", SIGWINCH}};

const char *signals_name(int signum)
{
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (named[i].signum == signum)
            return named[i].name;
    return NULL;
}

int signals_find(const char *name)
{
    int64_t number = 0;

    if (str_to_int64(name, 1, 64, &number))
        return signals_name((int)number) ? (int)number : 0;
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (strcasecmp(named[i].name, name) == 0)
            return named[i].signum;
    return 0;
}
