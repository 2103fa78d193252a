/* See processes.h. */
#include "machine/processes.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

bool machine_look_at_process(pid_t pid, struct machine_process *process)
{
    char path[64], text[1024];
    int parent = 0, session = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *file = fopen(path, "re");
    size_t length = 0;
    if (file)
        length = fread(text, 1, sizeof text - 1, file);
    if (file)
        fclose(file);

    text[length] = '\0';
    const char *end = strrchr(text, ')'); /* of the name, which may hold anything */
    bool is_told = end && sscanf(end + 1, " %*c %d %*d %d", &parent, &session) == 2;
    if (is_told)
        *process = (struct machine_process){parent, session};
    return is_told;
}
