/* Processes of ours that have a certain file open, wherever that lies: what a lock tells about its holder
 * when one knows the end of its path only. Reads /proc; what cannot be looked at is nobody. */
#ifndef MACHINE_HOLDER_H
#define MACHINE_HOLDER_H

#include <stdbool.h>
#include <sys/types.h>

struct machine_holder {
    pid_t pid;
    char *path;      /* as that process sees it; the caller frees: machine_holder_free() */
    bool is_deleted; /* the file's name is gone */
    bool is_same;    /* it is the file that the path leads to here */
};
/* Of the processes of this user whose command line begins with `title`, the first that has a file open whose
 * path ends with `ending`, and about which `is_meant` says so (data is its own). One process is asked about
 * once for each such file; a false for any of them lets the whole process go. False: nobody. */
struct machine_search {
    const char *title, *ending;
    const char *but; /* command lines that begin with this are left out, or NULL */
    bool (*is_meant)(const struct machine_holder *holder, void *data);
    void *data;
};
bool machine_find_holder(const struct machine_search *search, struct machine_holder *holder);
void machine_holder_free(struct machine_holder *holder);

#endif
