/* Walks /proc; see holder.h. */
#include "machine/holder.h"
#include "machine/processes.h"

#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DELETED " (deleted)"

void machine_holder_free(struct machine_holder *holder)
{
    free(holder->path);
    *holder = (struct machine_holder){0};
}

/* Ours, and called so: few are, and only their descriptors are walked through. */
static bool is_candidate(const char *process, const struct machine_search *search)
{
    char line[256] = "", path[64];
    struct stat st;
    snprintf(path, sizeof path, "%s/cmdline", process);
    if (stat(process, &st) < 0 || st.st_uid != geteuid())
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = 0;
    if (fd >= 0)
        length = read(fd, line, sizeof line - 1);
    if (fd >= 0)
        close(fd);
    return length > 0 && str_starts(line, search->title) && !(search->but && str_starts(line, search->but));
}

/* What one descriptor leads to, if its path ends as it should. */
static bool look_at(const char *descriptor, const char *ending, struct machine_holder *holder)
{
    char target[PATH_MAX];
    struct stat open_file, named;
    ssize_t length = readlink(descriptor, target, sizeof target - 1);
    if (length <= 0)
        return false;
    target[length] = '\0';
    holder->is_deleted = str_ends(target, DELETED);
    if (holder->is_deleted)
        target[length - (ssize_t)strlen(DELETED)] = '\0';
    if (!str_ends(target, ending))
        return false;
    holder->path = xstrdup(target);
    holder->is_same = stat(descriptor, &open_file) == 0 && stat(target, &named) == 0 &&
                      open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
    return true;
}

/* The first file that counts; none does when one of them rules the process out. */
static bool look_at_process(const char *process, pid_t pid, const struct machine_search *search,
                            struct machine_holder *holder)
{
    cleanup_free char *folder = xasprintf("%s/fd", process);
    DIR *dir = opendir(folder);
    bool is_out = false;
    for (struct dirent *entry; dir && !is_out && (entry = readdir(dir));) {
        cleanup_free char *descriptor = xasprintf("%s/%s", folder, entry->d_name);
        struct machine_holder one = {.pid = pid};
        if (!look_at(descriptor, search->ending, &one))
            continue;
        is_out = !search->is_meant(&one, search->data);
        if (!is_out && !holder->path)
            *holder = one;
        else
            machine_holder_free(&one);
    }

    if (dir)
        closedir(dir);
    if (is_out)
        machine_holder_free(holder);
    return holder->path != NULL;
}

struct asking {
    const struct machine_search *search;
    struct machine_holder *holder;
};

static bool ask(pid_t pid, void *data)
{
    const struct asking *asking = data;
    char process[32];
    if (pid == getpid())
        return false;
    snprintf(process, sizeof process, "/proc/%ld", (long)pid);
    return is_candidate(process, asking->search) &&
           look_at_process(process, pid, asking->search, asking->holder);
}

bool machine_find_holder(const struct machine_search *search, struct machine_holder *holder)
{
    struct asking asking = {search, holder};
    *holder = (struct machine_holder){0};
    machine_each_process(ask, &asking);
    return holder->path != NULL;
}
