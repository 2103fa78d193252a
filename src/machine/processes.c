/* See processes.h. */
#include "machine/processes.h"

#include <dirent.h>
#include <stdlib.h>

void machine_each_process(machine_process_cb *look, void *data)
{
    DIR *folder = opendir("/proc");
    bool is_enough = false;
    for (struct dirent *entry; folder && !is_enough && (entry = readdir(folder));) {
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        if (pid > 0 && !*end)
            is_enough = look((pid_t)pid, data);
    }
    if (folder)
        closedir(folder);
}
