/* The mark that no process loses: its soft limit of file locks.
 *
 * Linux has kept RLIMIT_LOCKS since 2.4.25 without ever enforcing it. It passes through fork, exec, setsid
 * and a new environment, and /proc/PID/limits shows it to everybody; so it is where a session's number
 * stands. A process that sets this limit itself, or a hard limit that is lower, leaves the environment and
 * the descent as what tells. libc only. */
#include "guard/guard.h"
#include "guard/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

unsigned long guard_mark_of(const char *session)
{
    unsigned long number = strtoul(session, NULL, 16) >> 1; /* all ones would be no limit at all */
    if (number)
        return number;
    return 1;
}

void guard_mark(const char *session)
{
    struct rlimit limit;
    if (!session || !*session || getrlimit(RLIMIT_LOCKS, &limit) < 0)
        return;
    limit.rlim_cur = guard_mark_of(session);
    if (limit.rlim_cur <= limit.rlim_max)
        setrlimit(RLIMIT_LOCKS, &limit);
}

void guard_unmark(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_LOCKS, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_LOCKS, &limit);
}

/* Who may not ask the kernel may still read. */
static unsigned long read_mark_as_text(pid_t pid)
{
    static const char title[] = "\nMax file locks";
    char path[48], text[2048];
    snprintf(path, sizeof path, "/proc/%ld/limits", (long)pid);
    ssize_t length = guard_read_file(path, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    const char *line = strstr(text, title);
    return line ? strtoul(line + sizeof title - 1, NULL, 10) : 0; /* "unlimited" is no number */
}

/* All of them are looked at at each end of a session, and the text costs fifty times as much. */
unsigned long guard_read_mark(pid_t pid)
{
    struct rlimit limit;
    if (prlimit(pid, RLIMIT_LOCKS, NULL, &limit) < 0)
        return read_mark_as_text(pid);
    if (limit.rlim_cur == RLIM_INFINITY)
        return 0;
    return limit.rlim_cur;
}
