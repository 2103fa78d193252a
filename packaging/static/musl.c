/* See musl.h. */
#define _GNU_SOURCE
#define STATIC_MUSL_SELF
#include "musl.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[][2] = {
    [SIGHUP] = {"HUP", "Hangup"},
    [SIGINT] = {"INT", "Interrupt"},
    [SIGQUIT] = {"QUIT", "Quit"},
    [SIGILL] = {"ILL", "Illegal instruction"},
    [SIGTRAP] = {"TRAP", "Trace/breakpoint trap"},
    [SIGABRT] = {"ABRT", "Aborted"},
    [SIGBUS] = {"BUS", "Bus error"},
    [SIGFPE] = {"FPE", "Floating point exception"},
    [SIGKILL] = {"KILL", "Killed"},
    [SIGUSR1] = {"USR1", "User defined signal 1"},
    [SIGSEGV] = {"SEGV", "Segmentation fault"},
    [SIGUSR2] = {"USR2", "User defined signal 2"},
    [SIGPIPE] = {"PIPE", "Broken pipe"},
    [SIGALRM] = {"ALRM", "Alarm clock"},
    [SIGTERM] = {"TERM", "Terminated"},
    [SIGSTKFLT] = {"STKFLT", "Stack fault"},
    [SIGCHLD] = {"CHLD", "Child exited"},
    [SIGCONT] = {"CONT", "Continued"},
    [SIGSTOP] = {"STOP", "Stopped (signal)"},
    [SIGTSTP] = {"TSTP", "Stopped"},
    [SIGTTIN] = {"TTIN", "Stopped (tty input)"},
    [SIGTTOU] = {"TTOU", "Stopped (tty output)"},
    [SIGURG] = {"URG", "Urgent I/O condition"},
    [SIGXCPU] = {"XCPU", "CPU time limit exceeded"},
    [SIGXFSZ] = {"XFSZ", "File size limit exceeded"},
    [SIGVTALRM] = {"VTALRM", "Virtual timer expired"},
    [SIGPROF] = {"PROF", "Profiling timer expired"},
    [SIGWINCH] = {"WINCH", "Window changed"},
    [SIGIO] = {"POLL", "I/O possible"},
    [SIGPWR] = {"PWR", "Power failure"},
    [SIGSYS] = {"SYS", "Bad system call"},
};

static const char *name_of(int number, int which)
{
    if (number < 0 || (size_t)number >= sizeof names / sizeof *names)
        return NULL;
    return names[number][which];
}

const char *sigabbrev_np(int number)
{
    return name_of(number, 0);
}

const char *sigdescr_np(int number)
{
    return name_of(number, 1);
}

int close_range(unsigned first, unsigned last, int flags)
{
    return (int)syscall(SYS_close_range, first, last, flags);
}

FILE *static_stdout, *static_stderr;

__attribute__((constructor)) static void take_streams(void)
{
    static_stdout = stdout;
    static_stderr = stderr;
}

int regexec_range(const regex_t *regex, const char *text, size_t count, regmatch_t *matches, int flags)
{
    if (!(flags & REG_STARTEND))
        return regexec(regex, text, count, matches, flags);

    char *copy = strndup(text, (size_t)matches[0].rm_eo);
    if (!copy)
        return REG_ESPACE;
    int code = regexec(regex, copy, count, matches, flags & ~REG_STARTEND);
    free(copy);
    return code;
}
