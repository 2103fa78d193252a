/* Job control for one job. See child.h.
 *
 * The moves are those of a shell (glibc manual, "Implementing a Job Control Shell"): both sides call setpgid
 * and tcsetpgrp, because either may run first; SIGTTOU is ignored while we move the terminal; Ctrl-Z stops
 * our whole group too, as it would if the child were a part of it, after the terminal is ours again: the
 * shell above sees a stopped job. Where nobody could continue us (an orphaned group) the kernel drops that
 * stop, and the child goes on. */
#include "session/child.h"

#include "base/coredump.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/signals.h"
#include "base/str.h"
#include "guard/guard.h"

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

enum { LOOK_MS = 200 };

/* With INT ignored we are the `&` of a script: the terminal is the script's. */
static int controlling_terminal(void)
{
    return signals_stay_ignored(SIGINT) ? -1 : open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static bool is_foreground(const struct child *child)
{
    return child->tty >= 0 && tcgetpgrp(child->tty) == getpgrp();
}

static void give_terminal(int tty, pid_t group)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old;
    sigaction(SIGTTOU, &ignore, &old);
    tcsetpgrp(tty, group);
    sigaction(SIGTTOU, &old, NULL);
}

static void take_terminal_back(struct child *child)
{
    if (child->has_terminal)
        give_terminal(child->tty, getpgrp());
    child->has_terminal = false;
}

/* Of the session that its environment names: so it is known after it has emptied that. */
static void carry_mark(char *const *environment)
{
    static const char name[] = VARIABLE_SESSION "=";
    for (char *const *entry = environment; entry && *entry; entry++)
        if (str_starts(*entry, name))
            guard_mark(*entry + strlen(name));
}

/* What the child tells through the pipe when it cannot become the command. */
struct failure {
    int number;
    bool is_folder;
};

static _Noreturn void become(const struct child *child, const struct child_options *options, int report)
{
    struct failure failure = {0};
    setpgid(0, 0);
    if (child->has_terminal)
        give_terminal(child->tty, getpid());
    signals_give_back();
    coredump_give_back();
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    /* Only 0, 1 and 2 are the command's business. */
    syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);

    if (options->folder && chdir(options->folder)) {
        failure.is_folder = true;
    } else {
        environ = (char **)options->environment;
        carry_mark(environ);
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
    } else {
        error_set(err, ERROR_NOT_EXECUTABLE, "cannot execute %s: %s", shown, strerror(failure->number));
    }
    error_comes_from(err, ORIGIN_COMMAND);
    return -1;
}

/* ---- stopped and continued ---- */

static void go_on(struct child *child)
{
    if (is_foreground(child)) {
        give_terminal(child->tty, child->pid);
        child->has_terminal = true;
    }
    kill(-child->pid, SIGCONT);
}

static void on_suspend(void *data)
{
    struct child *child = data;
    if (!child->stopped)
        return;
    take_terminal_back(child);
    if (!child->is_ending)
        kill(0, SIGTSTP);
    go_on(child);
}

/* It waits for the terminal: a shell's `fg` gives that to us, and tells nobody. */
static void on_look(void *data)
{
    struct child *child = data;
    if (is_foreground(child))
        go_on(child);
    else
        timer_start(&child->look, LOOK_MS);
}

static void note_stop(struct child *child, int signum)
{
    bool waits = signum == SIGTTIN || signum == SIGTTOU;
    child->stopped = signum;
    if (signum == SIGTSTP && child->has_terminal) {
        loop_post(child->loop, &child->suspend); /* what else came in this moment is heard first */
        return;
    }
    take_terminal_back(child);
    if (waits && child->tty >= 0)
        timer_start(&child->look, is_foreground(child) ? 0 : LOOK_MS);
    if (child->on_stop && !(waits && is_foreground(child)))
        child->on_stop(signum, child->data);
}

static void note_continued(struct child *child)
{
    child->stopped = 0;
    timer_stop(&child->look);
    if (!is_foreground(child))
        return;
    give_terminal(child->tty, child->pid);
    child->has_terminal = true;
}

static void note_end(struct child *child, int status)
{
    child->exited = true;
    child->stopped = 0;
    loop_expect_signal(child->loop, SIGCHLD, false);
    timer_stop(&child->look);
    child->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    child->code = child->signal ? signals_exit_code(child->signal) : WEXITSTATUS(status);
}

static void on_child(int signum, void *data)
{
    struct child *child = data;
    int status;
    (void)signum;
    while (!child->exited && child->pid > 0 &&
           waitpid(child->pid, &status, WNOHANG | WUNTRACED | WCONTINUED) > 0) {
        if (WIFSTOPPED(status))
            note_stop(child, WSTOPSIG(status));
        else if (WIFCONTINUED(status))
            note_continued(child);
        else
            note_end(child, status);
    }
}

/* Whoever continues us (`fg`, timeout) means both. */
static void on_continued(int signum, void *data)
{
    struct child *child = data;
    (void)signum;
    if (child->stopped)
        go_on(child);
}

/* ---- the start ---- */

/* Nothing may run in the child between fork and exec but become(): signals wait. */
static pid_t fork_quietly(const struct child *child, const struct child_options *options, int report)
{
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    pid_t pid = fork();
    if (pid == 0)
        become(child, options, report);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return pid;
}

static int prepare(struct child *child, struct loop *loop, const struct child_options *options,
                   struct error *err)
{
    *child = (struct child){.tty = controlling_terminal(),
                            .loop = loop,
                            .code = -1,
                            .on_stop = options->on_stop,
                            .data = options->data};
    child->has_terminal = is_foreground(child);
    turn_init(&child->suspend, on_suspend, child);
    timer_init(loop, &child->look, on_look, child);
    if (loop_watch_signal(loop, SIGCHLD, on_child, child, err))
        return -1;
    return loop_watch_signal(loop, SIGCONT, on_continued, child, err);
}

/* Until it has become the command, or told why it cannot. */
static bool has_failed(struct child *child, pid_t pid, int report, struct failure *failure)
{
    setpgid(pid, pid);
    if (child->has_terminal)
        give_terminal(child->tty, pid);
    if (read(report, failure, sizeof *failure) != (ssize_t)sizeof *failure)
        return false;
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return true;
}

static int start(struct child *child, const struct child_options *options, struct error *err)
{
    struct failure failure;
    int report[2];
    if (pipe2(report, O_CLOEXEC))
        return error_set(err, ERROR_FAILED, "cannot make a pipe: %s", strerror(errno));

    pid_t pid = fork_quietly(child, options, report[1]);
    int number = errno;
    close(report[1]);
    bool failed = pid > 0 && has_failed(child, pid, report[0], &failure);
    close(report[0]);

    if (pid < 0)
        return error_set(err, ERROR_FAILED, "cannot start a process: %s", strerror(number));
    if (failed)
        return explain(options, &failure, err);
    child->pid = pid;
    loop_expect_signal(child->loop, SIGCHLD, true);
    return 0;
}

int child_start(struct child *child, struct loop *loop, const struct child_options *options,
                struct error *err)
{
    if (!prepare(child, loop, options, err) && !start(child, options, err))
        return 0;
    child_end(child, false);
    return -1;
}

int child_code(const struct child *child)
{
    assert(child->exited && child->code >= 0);
    return child->code;
}

void child_signal(struct child *child, int signum)
{
    if (child->pid <= 0 || child->exited)
        return;
    child->is_ending = true;
    kill(-child->pid, signum);
    kill(-child->pid, SIGCONT);
}

void child_end(struct child *child, bool kill_rest)
{
    loop_unwatch_signal(child->loop, SIGCHLD);
    loop_unwatch_signal(child->loop, SIGCONT);
    if (child->pid > 0 && kill_rest)
        kill(-child->pid, SIGKILL);
    loop_unpost(child->loop, &child->suspend);
    timer_stop(&child->look);
    take_terminal_back(child);
    if (child->tty >= 0)
        close(child->tty);
    child->tty = -1;
}
