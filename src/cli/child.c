/* Job control for one job. See child.h.
 *
 * The moves are those of a shell (glibc manual, "Implementing a Job Control Shell"): both sides call setpgid
 * and tcsetpgrp, because either may run first; SIGTTOU is ignored while we move the terminal; a stopped child
 * stops us too, after the terminal is ours again, so that the shell above sees a stopped job. */
#include "cli/child.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The terminal, when we are in its foreground. */
static int foreground_terminal(void)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd >= 0 && tcgetpgrp(fd) == getpgrp())
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

static void give_terminal(int tty, pid_t group)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    if (tty < 0)
        return;
    sigaction(SIGTTOU, &ignore, &old);
    tcsetpgrp(tty, group);
    sigaction(SIGTTOU, &old, NULL);
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    for (int i = 1; i < NSIG; i++)
        sigaction(i, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* What the child tells through the pipe when it cannot become the command. */
struct failure {
    int number;
    bool is_folder;
};

static _Noreturn void become(const struct child_options *options, int tty, int report)
{
    struct failure failure = {0};
    setpgid(0, 0);
    give_terminal(tty, getpid());
    reset_signals();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* Only 0, 1 and 2 are the command's business. */
    syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
    if (options->folder && chdir(options->folder)) {
        failure.is_folder = true;
    } else {
        environ = (char **)options->environment;
        execvp(options->argv[0], options->argv);
    }
    failure.number = errno;
    if (write(report, &failure, sizeof failure) < 0)
        _exit(126);
    _exit(127);
}

static int explain(const struct child_options *options, const struct failure *failure, struct error *err)
{
    if (failure->is_folder)
        return error_set(err, ERROR_FAILED, "cannot work in %s: %s", options->folder,
                         strerror(failure->number));
    cleanup_free char *shown = str_printable(options->argv[0]);
    if (failure->number == ENOENT || failure->number == ENOTDIR) {
        error_set(err, ERROR_NOT_FOUND, "command not found: %s", shown);
        if (strchr(options->argv[0], ' '))
            error_hint(err, "the command and its arguments are words of their own: -- %s", shown);
        return -1;
    }
    return error_set(err, ERROR_NOT_EXECUTABLE, "cannot execute %s: %s", shown, strerror(failure->number));
}

static void stop_with(struct child *child)
{
    give_terminal(child->tty, getpgrp());
    kill(getpid(), SIGSTOP);
    /* Continued: in the foreground (then the terminal is ours to give), or in the background. */
    if (child->tty >= 0 && tcgetpgrp(child->tty) == getpgrp())
        give_terminal(child->tty, child->pid);
    kill(-child->pid, SIGCONT);
}

static void on_child(int signum, void *data)
{
    (void)signum;
    struct child *child = data;
    int status;
    while (!child->exited && child->pid > 0 && waitpid(child->pid, &status, WNOHANG | WUNTRACED) > 0) {
        if (WIFSTOPPED(status)) {
            if (child->tty >= 0)
                stop_with(child);
            continue;
        }
        child->exited = true;
        loop_expect_signal(child->loop, SIGCHLD, false);
        child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        child->code = child->signal ? 128 + child->signal : WEXITSTATUS(status);
    }
}

/* Nothing may run in the child between fork and exec but become(): signals wait. */
static pid_t fork_quietly(const struct child_options *options, int tty, int report)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        become(options, tty, report);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return pid;
}

int child_start(struct child *child, struct loop *loop, const struct child_options *options,
                struct error *err)
{
    struct failure failure;
    int report[2];
    *child = (struct child){.loop = loop, .tty = foreground_terminal(), .code = -1};
    if (loop_watch_signal(loop, SIGCHLD, on_child, child, err))
        return -1;
    if (pipe2(report, O_CLOEXEC))
        return error_set(err, ERROR_FAILED, "cannot make a pipe: %s", strerror(errno));
    pid_t pid = fork_quietly(options, child->tty, report[1]);
    int number = errno;
    close(report[1]);
    if (pid > 0) {
        setpgid(pid, pid);
        give_terminal(child->tty, pid);
    }
    ssize_t told = pid > 0 ? read(report[0], &failure, sizeof failure) : 0;
    close(report[0]);
    if (pid < 0)
        return error_set(err, ERROR_FAILED, "cannot start a process: %s", strerror(number));
    if (told != (ssize_t)sizeof failure) {
        child->pid = pid;
        loop_expect_signal(loop, SIGCHLD, true);
        return 0;
    }
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    child_end(child, false);
    return explain(options, &failure, err);
}

int child_code(const struct child *child)
{
    assert(child->exited && child->code >= 0);
    return child->code;
}

void child_signal(const struct child *child, int signum)
{
    if (child->pid > 0 && !child->exited)
        kill(-child->pid, signum);
}

void child_end(struct child *child, bool kill_rest)
{
    loop_unwatch_signal(child->loop, SIGCHLD);
    if (child->pid > 0 && kill_rest)
        kill(-child->pid, SIGKILL);
    give_terminal(child->tty, getpgrp());
    if (child->tty >= 0)
        close(child->tty);
    child->tty = -1;
}
