/* Finds the processes of a session, wherever they went, and ends them. Every end of a session comes here.
 *
 * A process belongs to a session when one of three things says so, however often it forked, changed its group
 * or lost its parents: its environment, its mark (mark.c), or, while the guard lives, its descent: orphans of
 * the session become the guard's children. Descent alone does not count for those that another session has
 * marked: a session that was started from within this one is its own. Left alone are those that carry the
 * mark of the kept ones: see GUARD_KEPT_INPUT. A process is signalled through a pidfd that was opened before
 * it was looked at again, so a pid that was used anew in between is never hit. libc only, no malloc: the
 * guard has given its heap up. */
#include "guard/guard.h"
#include "guard/internal.h"

#include "base/ours.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE_MS = 5000, POLL_MS = 2 };

struct sweep_order {
    char marker[96]; /* the session's variable and its value */
    size_t marker_length;
    unsigned long mark;
    pid_t guard; /* its children are meant, and itself is not; 0: it is dead */
};

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    struct timespec delay = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&delay, NULL);
}

/* Is the marker one of the NUL-separated strings? `start`: the text begins at one. */
static bool holds_marker(const char *text, size_t length, bool start, const struct sweep_order *sweep)
{
    const char *at = text, *end = text + length;
    while ((at = memmem(at, (size_t)(end - at), sweep->marker, sweep->marker_length + 1))) {
        if (at == text && start)
            return true;
        if (at > text && at[-1] == '\0')
            return true;
        at++;
    }
    return false;
}

static bool has_marker(pid_t pid, const struct sweep_order *sweep)
{
    char path[48], text[8192];
    snprintf(path, sizeof path, "/proc/%ld/environ", (long)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool found = false, start = true;
    size_t kept = 0;
    ssize_t n;

    while (!found && (n = read(fd, text + kept, sizeof text - kept)) > 0) {
        size_t length = kept + (size_t)n;
        found = holds_marker(text, length, start, sweep);
        kept = sweep->marker_length + 1; /* one byte of context before */
        if (kept > length)
            kept = length;
        memmove(text, text + length - kept, kept);
        start = start && kept == length;
    }
    close(fd);
    return found;
}

static bool is_dead(pid_t pid)
{
    char path[48], text[512];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    ssize_t n = guard_read_file(path, text, sizeof text - 1);
    if (n < 0)
        n = 0;
    text[n] = '\0';
    const char *state = strrchr(text, ')');
    return !state || state[1] != ' ' || state[2] == 'Z' || state[2] == 'X';
}

/* What gc may not kill either, or not so quickly: a server with data, one that outlives its session. It is
 * known by the name of the memory file that is its standard input. */
static bool is_kept(pid_t pid)
{
    static const char mark[] = "/memfd:" GUARD_KEPT_INPUT " ";
    char path[48], target[64];
    snprintf(path, sizeof path, "/proc/%ld/fd/0", (long)pid);
    ssize_t length = readlink(path, target, sizeof target);
    return length >= (ssize_t)sizeof mark - 1 && memcmp(target, mark, sizeof mark - 1) == 0;
}

/* Somebody of another user's cannot be ended: he is not waited for either. */
static bool is_within_reach(pid_t pid)
{
    return kill(pid, 0) == 0 && !is_dead(pid);
}

static bool is_child_of(pid_t pid, pid_t guard)
{
    unsigned long parent;
    return guard > 0 && guard_stat_fields(pid, 4, &parent, 1) && (pid_t)parent == guard;
}

static bool is_meant(pid_t pid, const struct sweep_order *sweep)
{
    if (pid == getpid() || pid == sweep->guard || is_kept(pid))
        return false;
    if (has_marker(pid, sweep))
        return true;

    unsigned long mark = guard_read_mark(pid);
    bool is_ours = mark == sweep->mark || (!mark && is_child_of(pid, sweep->guard));
    return is_ours && is_within_reach(pid);
}

static void deliver(pid_t pid, int fd, int signum)
{
    if (fd < 0)
        kill(pid, signum);
    else
        syscall(SYS_pidfd_send_signal, fd, signum, NULL, 0);
}

static void send_signal(pid_t pid, int signum, const struct sweep_order *sweep)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 && errno != ENOSYS)
        return;
    if (is_meant(pid, sweep)) {
        deliver(pid, fd, signum);
        if (signum == SIGTERM) /* a stopped one has to run to end */
            deliver(pid, fd, SIGCONT);
    }
    if (fd >= 0)
        close(fd);
}

/* Sends the signal (0: none) to all who are meant; how many they are, -1 when /proc cannot be read. */
static int scan(int signum, const struct sweep_order *sweep)
{
    char buffer[8192] __attribute__((aligned(8)));
    int count = 0, proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long n;
    if (proc < 0)
        return -1;

    while ((n = syscall(SYS_getdents64, proc, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(buffer + at);
            pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
            at += entry->d_reclen;
            if (pid <= 0 || !is_meant(pid, sweep))
                continue;
            count++;
            if (signum)
                send_signal(pid, signum, sweep);
        }
    }
    close(proc);
    return count;
}

/* Only looks, while there is time to go by themselves. */
static int signal_after(long waited_ms, long grace_ms)
{
    if (waited_ms < grace_ms)
        return 0;
    return SIGKILL;
}

static int run(const struct sweep_order *sweep, int grace_ms)
{
    int found = scan(SIGTERM, sweep);
    long start = now_ms();
    for (int left = found; left > 0; left = scan(signal_after(now_ms() - start, grace_ms), sweep)) {
        while (sweep->guard == getpid() && waitpid(-1, NULL, WNOHANG) > 0)
            ;
        pause_ms(POLL_MS);
        if (now_ms() - start > grace_ms + PATIENCE_MS) /* somebody is stuck in the kernel */
            break;
    }
    if (found > 0)
        return found;
    return 0;
}

int guard_sweep(const char *session, pid_t guard, int grace_ms)
{
    struct sweep_order sweep = {.guard = guard, .mark = guard_mark_of(session)};
    int length = snprintf(sweep.marker, sizeof sweep.marker, VARIABLE_SESSION "=%s", session);
    sweep.marker_length = 0;
    if (length > 0 && (size_t)length < sizeof sweep.marker)
        sweep.marker_length = (size_t)length;
    if (*session && sweep.marker_length)
        return run(&sweep, grace_ms);
    return 0;
}
