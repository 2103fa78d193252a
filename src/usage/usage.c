/* One walk of /proc for the usage of many trees. See usage.h. */
#include "usage/usage.h"

#include "base/mem.h"
#include "base/pick.h"
#include "machine/processes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEEPEST = 64, NOBODY = -1 };

struct proc {
    pid_t pid, parent;
    uint64_t ticks;
    int64_t resident;
};

struct procs {
    struct proc *items; /* sorted by pid, once all are read */
    size_t count, capacity;
};

static size_t read_small(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    size_t length = 0;
    snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, name);
    FILE *file = fopen(path, "re");
    if (file) {
        length = fread(text, 1, size - 1, file);
        fclose(file);
    }
    text[length] = '\0';
    return length;
}

/* The name in /proc/PID/stat may hold anything; the fields come after its last parenthesis. */
static bool read_proc(pid_t pid, struct proc *proc)
{
    char text[1024];
    int parent = 0;
    uint64_t user = 0, kernel = 0;
    int64_t pages = 0;

    read_small(pid, "stat", text, sizeof text);
    const char *rest = strrchr(text, ')');
    if (!rest || sscanf(rest,
                        ") %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                        " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNd64,
                        &parent, &user, &kernel, &pages) != 4)
        return false;
    *proc = (struct proc){
        .pid = pid, .parent = parent, .ticks = user + kernel, .resident = pages * sysconf(_SC_PAGESIZE)};
    return true;
}

static bool add_process(pid_t pid, void *data)
{
    struct procs *procs = data;
    if (procs->count == procs->capacity) {
        procs->capacity = grown(procs->capacity, 256);
        procs->items = xreallocarray(procs->items, procs->capacity, sizeof *procs->items);
    }
    if (read_proc(pid, &procs->items[procs->count]))
        procs->count++;
    return false;
}

static int compare(const void *one, const void *other)
{
    const struct proc *a = one, *b = other;
    return (a->pid > b->pid) - (a->pid < b->pid);
}

static const struct proc *find(const struct procs *procs, pid_t pid)
{
    const struct proc key = {.pid = pid};
    if (!procs->count)
        return NULL;
    return bsearch(&key, procs->items, procs->count, sizeof key, compare);
}

static int root_at(const pid_t *roots, size_t count, pid_t pid)
{
    for (size_t i = 0; i < count; i++)
        if (roots[i] == pid && pid > 0)
            return (int)i;
    return NOBODY;
}

/* Whose tree it is in: upwards from parent to parent. */
static int owner_of(const struct procs *procs, const struct proc *proc, const pid_t *roots, size_t count)
{
    for (int depth = 0; proc && depth < DEEPEST; depth++) {
        int owner = root_at(roots, count, proc->pid);
        if (owner != NOBODY)
            return owner;
        proc = find(procs, proc->parent);
    }
    return NOBODY;
}

static int64_t number_after(const char *text, const char *label)
{
    int64_t number = 0;
    const char *at = strstr(text, label);
    if (at)
        sscanf(at + strlen(label), "%" SCNd64, &number);
    return number;
}

static void add_disk(pid_t pid, struct usage *usage)
{
    char text[512];
    if (!read_small(pid, "io", text, sizeof text))
        return;
    usage->has_disk = true;
    usage->read_bytes += number_after(text, "\nread_bytes: ");
    usage->written_bytes += number_after(text, "\nwrite_bytes: ");
}

static void add(const struct proc *proc, struct usage *usage)
{
    usage->cpu_us += (int64_t)(proc->ticks * 1000000 / (uint64_t)sysconf(_SC_CLK_TCK));
    usage->memory_bytes += proc->resident;
    usage->processes++;
    add_disk(proc->pid, usage);
}

void usage_look(const pid_t *roots, struct usage *usages, size_t count)
{
    struct procs procs = {0};
    for (size_t i = 0; i < count; i++)
        usages[i] = (struct usage){0};
    machine_each_process(add_process, &procs);
    if (procs.count)
        qsort(procs.items, procs.count, sizeof *procs.items, compare);

    for (size_t i = 0; i < procs.count; i++) {
        int owner = owner_of(&procs, &procs.items[i], roots, count);
        if (owner != NOBODY)
            add(&procs.items[i], &usages[owner]);
    }
    free(procs.items);
}

double usage_share(int64_t cpu_before_us, int64_t cpu_now_us, int64_t elapsed_ms)
{
    if (cpu_now_us < cpu_before_us || elapsed_ms <= 0)
        return 0;
    return (double)(cpu_now_us - cpu_before_us) / (double)elapsed_ms / 10;
}
