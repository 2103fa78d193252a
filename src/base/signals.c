/* Inherited signal dispositions. See signals.h. The memory is a static, because the child after a fork has
 * nothing else. */
#include "base/signals.h"

#include <signal.h>
#include <stddef.h>

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
