/* The guard's life: fork, become nobody's child, fork the supervisor, forget everything, wait.
 *
 *   caller ── fork ──▶ go-between (reports the guard's pid, exits) ── fork ──▶ guard ── fork ──▶ supervisor
 *
 * What the guard still needs is copied to its own static memory, then the heap it inherited is given back:
 * pages that the supervisor writes to later would otherwise become the guard's alone. It sleeps in waitpid,
 * which also reaps the orphans of the session. TERM, INT and HUP are passed on to the supervisor, who ends
 * the session in order. */
#include "guard/guard.h"
#include "guard/internal.h"

#include "base/ours.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SWEEP_GRACE_MS = 300, MAX_FDS = 8, LARGE_BLOCK = 128 << 10 };

static struct {
    volatile pid_t supervisor;
    char session[64], program[4096];
    int lock_fd;
} guard;

static const int forwarded[] = {SIGTERM, SIGINT, SIGHUP};

static void on_signal(int signum)
{
    int number = errno;
    kill(guard.supervisor, signum);
    errno = number;
}

static bool is_kept(int fd, const struct guard_options *options, bool supervisor)
{
    for (int i = 0; i < MAX_FDS && options->keep_fds[i] >= 0; i++)
        if (options->keep_fds[i] == fd)
            return true;
    for (int i = 0; supervisor && i < MAX_FDS && options->supervisor_fds[i] >= 0; i++)
        if (options->supervisor_fds[i] == fd)
            return true;
    return false;
}

/* Closes what is not meant for us. Before the fork of the supervisor, because libuv's handler of forks then
 * replaces the pipe that it keeps for signals, if the caller has had a loop; closing that pipe later would
 * abort the next loop. */
static void close_others(const struct guard_options *options, bool supervisor)
{
    int last = 2;
    for (int i = 0; i < MAX_FDS && options->keep_fds[i] >= 0; i++) {
        if (options->keep_fds[i] > last)
            last = options->keep_fds[i];
    }
    for (int i = 0; i < MAX_FDS && options->supervisor_fds[i] >= 0; i++) {
        if (options->supervisor_fds[i] > last)
            last = options->supervisor_fds[i];
    }
    for (int fd = 3; fd <= last; fd++)
        if (!is_kept(fd, options, supervisor))
            close(fd);
    close_range((unsigned)last + 1, ~0U, 0);
}

static void redirect(int log_fd)
{
    int null = open("/dev/null", O_RDWR);
    if (null >= 0)
        dup2(null, 0);
    if (log_fd < 0)
        log_fd = null;
    dup2(log_fd, 1);
    dup2(log_fd, 2);
}

/* What our caller was told to ignore (`nohup`, `&` in a script) is ignored here too, and by what we start. */
static bool stays_ignored(int signum)
{
    struct sigaction now;
    bool is_meant = signum == SIGHUP || signum == SIGINT || signum == SIGQUIT;
    return is_meant && sigaction(signum, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

static void default_signals(void)
{
    sigset_t none;
    for (int i = 1; i < NSIG; i++)
        if (!stays_ignored(i))
            signal(i, SIG_DFL);
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

#if defined(__has_feature)
#define GUARD_HAS_FEATURE(x) __has_feature(x)
#else
#define GUARD_HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || GUARD_HAS_FEATURE(address_sanitizer) || \
    GUARD_HAS_FEATURE(thread_sanitizer)
static void give_memory_back(void)
{
    /* a sanitizer's shadow looks just like a heap */
}
#else
/* One line of /proc/self/maps: heap, or a large block of malloc's? Memory that follows a file's mapping is a
 * library's .bss; the block that holds errno is this thread's. */
static bool is_spare(const char *line, unsigned long start, unsigned long end, unsigned long file_end)
{
    unsigned long here = (unsigned long)(void *)&errno;
    if (strstr(line, "[heap]"))
        return true;
    const char *fields = strstr(line, " rw-p 00000000 00:00 0");
    if (!fields || strspn(fields + 22, " \n") != strlen(fields + 22))
        return false;
    return end - start >= LARGE_BLOCK && start != file_end && (here < start || here >= end);
}

static void give_back_line(const char *line, unsigned long *file_end)
{
    char *rest;
    unsigned long start = strtoul(line, &rest, 16), end = 0;
    if (*rest == '-')
        end = strtoul(rest + 1, NULL, 16);
    if (start < end && is_spare(line, start, end, *file_end))
        madvise((void *)start, end - start, MADV_DONTNEED);
    if (strchr(line, '/') || start == *file_end)
        *file_end = end;
}

/* From here on malloc must not be used: its lists are gone. */
static void give_memory_back(void)
{
    static char text[4096];
    int fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    size_t kept = 0;
    unsigned long file_end = 0;
    ssize_t n;

    while (fd >= 0 && (n = read(fd, text + kept, sizeof text - 1 - kept)) > 0) {
        text[kept + (size_t)n] = '\0';
        char *line = text;
        for (char *newline; (newline = strchr(line, '\n')); line = newline + 1) {
            *newline = '\0';
            give_back_line(line, &file_end);
        }
        kept = strlen(line);
        memmove(text, line, kept + 1);
        if (kept == sizeof text - 1)
            kept = 0; /* no line is that long */
    }
    if (fd >= 0)
        close(fd);
}
#endif

/* The lock goes on to gc, so that nobody starts in between. Not setenv(), which would use the heap. */
static char **name_lock(void)
{
    static char entry[48];
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **table =
        mmap(NULL, (count + 2) * sizeof *table, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (guard.lock_fd < 0 || table == MAP_FAILED)
        return environ;
    if (count)
        memcpy(table, environ, count * sizeof *table);
    snprintf(entry, sizeof entry, VARIABLE_LOCK "=%d", guard.lock_fd);
    table[count] = entry;
    fcntl(guard.lock_fd, F_SETFD, 0);
    return table;
}

/* To the supervisor's log. No stdio, which would use the heap. */
static void note_death(int status)
{
    static char line[96];
    const char *how = "exit code";
    int number = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) {
        how = "signal";
        number = WTERMSIG(status);
    }

    int length =
        snprintf(line, sizeof line, "guard: the supervisor ended with %s %d; cleaning up\n", how, number);
    if (write(STDERR_FILENO, line, (size_t)length) < 0)
        return; /* the log is a convenience */
}

static void clean_up(void)
{
    char *const argv[] = {guard.program, (char *)"gc", (char *)"--session", guard.session, NULL};
    guard_sweep(guard.session, getpid(), SWEEP_GRACE_MS);
    default_signals();
    char **environment = name_lock();
    execve(guard.program, argv, environment);
    execve("/proc/self/exe", argv, environment); /* the file has gone, we have not */
    _exit(127);
}

/* Orphans that carry no mark of the session, or came after the supervisor's own sweep. */
static void sweep_the_rest(void)
{
    int status;
    pid_t pid;
    do
        pid = waitpid(-1, &status, WNOHANG);
    while (pid > 0);
    if (pid == 0)
        guard_sweep(guard.session, getpid(), SWEEP_GRACE_MS);
}

static void watch(void)
{
    int status;
    for (;;) {
        pid_t pid = waitpid(-1, &status, 0);
        if (pid < 0 && errno != EINTR)
            _exit(1);
        if (pid == guard.supervisor)
            break;
    }

    bool is_goodbye = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!is_goodbye)
        note_death(status);
    if (!is_goodbye)
        clean_up();

    sweep_the_rest();
    _exit(0);
}

static _Noreturn void be_supervisor(const struct guard_options *options, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    default_signals();
    _exit(options->supervisor(options->arg));
}

static _Noreturn void be_guard(const struct guard_options *options)
{
    sigset_t all, before;
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    redirect(options->log_fd);
    close_others(options, true);
    default_signals();
    snprintf(guard.session, sizeof guard.session, "%s", options->session);
    guard_mark(guard.session);
    snprintf(guard.program, sizeof guard.program, "%s", options->program);
    guard.lock_fd = options->keep_fds[0];
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);

    pid_t self = getpid(), supervisor = fork();
    if (supervisor == 0)
        be_supervisor(options, self);
    if (supervisor < 0)
        _exit(1);
    guard.supervisor = supervisor;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    for (size_t i = 0; i < sizeof forwarded / sizeof *forwarded; i++)
        if (!stays_ignored(forwarded[i]))
            sigaction(forwarded[i], &action, NULL);

    sigprocmask(SIG_SETMASK, &before, NULL);
    close_others(options, false);
    guard_set_title("apphost: guard");
    give_memory_back();
    watch();
    _exit(1);
}

/* The go-between: its end tells the caller that the number is in the pipe. */
static _Noreturn void introduce(const struct guard_options *options, int to_caller)
{
    pid_t pid = fork();
    if (pid == 0) {
        close(to_caller);
        be_guard(options);
    }
    int answer;
    if (pid < 0)
        answer = -errno;
    else
        answer = (int)pid;
    ssize_t n = write(to_caller, &answer, sizeof answer);
    _exit(n != (ssize_t)sizeof answer);
}

pid_t guard_start(const struct guard_options *options)
{
    int ends[2], answer = -ECHILD;
    if (pipe2(ends, O_CLOEXEC) < 0)
        return -1;

    pid_t between = fork();
    if (between == 0)
        introduce(options, ends[1]);
    int number = errno;

    close(ends[1]);
    if (between > 0) {
        ssize_t n;
        while ((n = read(ends[0], &answer, sizeof answer)) < 0 && errno == EINTR)
            ;
        if (n != (ssize_t)sizeof answer)
            answer = -ECHILD;
        while (waitpid(between, NULL, 0) < 0 && errno == EINTR)
            ;
        number = -answer;
    }

    close(ends[0]);
    if (between < 0 || answer < 0) {
        errno = number;
        return -1;
    }

    return answer;
}
