/* Overwrites what /proc/PID/cmdline and /proc/PID/environ show. The kernel lays arguments and environment out
 * one after the other; the environment is first copied to memory of its own, so that its space can hold a
 * long title. */
#include "guard/guard.h"
#include "guard/internal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

/* A field begins two bytes behind `at`, which is the last byte of the one before it. */
static char *next_field(char *at)
{
    char *blank = strchr(at + 2, ' ');
    if (!blank)
        return NULL;
    return blank - 1;
}

bool guard_stat_fields(pid_t pid, int first, unsigned long *values, int count)
{
    char path[48], text[2048];
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    ssize_t length = guard_read_file(path, text, sizeof text - 1);
    if (length <= 0)
        return false;
    text[length] = '\0';
    char *p = strrchr(text, ')'); /* field 2 may hold anything; field 3 follows it */
    for (int field = 3; p && field < first; field++)
        p = next_field(p);
    for (int i = 0; p && i < count; i++) {
        values[i] = strtoul(p + 2, NULL, 10);
        p = next_field(p);
    }
    return p != NULL;
}

ssize_t guard_read_file(const char *path, char *into, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, into, size);
    close(fd);
    return n;
}

/* Moves the environment to pages of its own: no malloc, whose heap the guard gives up. */
static bool move_environment(void)
{
    size_t count = 0, bytes = 0;
    while (environ && environ[count])
        bytes += strlen(environ[count++]) + 1;
    size_t table = (count + 2) * sizeof(char *);
    char **copy = mmap(NULL, table + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (copy == MAP_FAILED)
        return false;
    char *text = (char *)copy + table;
    for (size_t i = 0; i < count; i++) {
        copy[i] = text;
        text = stpcpy(text, environ[i]) + 1;
    }
    environ = copy;
    return true;
}

void guard_set_title(const char *title)
{
    unsigned long area[4]; /* arg_start, arg_end, env_start, env_end */
    prctl(PR_SET_NAME, title);
    if (!guard_stat_fields(getpid(), 48, area, 4) || !area[0] || !move_environment())
        return;
    unsigned long end;
    if (area[1] == area[2])
        end = area[3];
    else
        end = area[1];
    size_t size = end - area[0], length = strlen(title);
    memset((char *)area[0], 0, size);
    if (length >= size)
        length = size - 1;
    memcpy((char *)area[0], title, length);
}
