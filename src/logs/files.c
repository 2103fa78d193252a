/* Names of log files, and the list of those in a folder. */
#include "logs/files.h"
#include "base/mem.h"
#include "base/pick.h"
#include "logs/logs.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char suffix[] = ".log";

char *log_path(const char *folder, const char *resource, bool is_old)
{
    return xasprintf("%s/%s%s%s", folder, resource, suffix, text_if(is_old, ".1"));
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

int log_list(const char *folder, struct strlist *resources, struct error *err)
{
    DIR *dir = opendir(folder);
    if (!dir && errno == ENOENT)
        return 0;
    if (!dir)
        return error_set(err, ERROR_FAILED, "cannot read the folder of logs %s: %s", folder, strerror(errno));
    size_t before = resources->count;
    for (struct dirent *entry; (entry = readdir(dir));) {
        size_t length = strlen(entry->d_name);
        if (length > strlen(suffix) && str_ends(entry->d_name, suffix))
            strlist_take(resources, xstrndup(entry->d_name, length - strlen(suffix)));
    }
    closedir(dir);
    if (resources->count > before)
        qsort(resources->items + before, resources->count - before, sizeof *resources->items, compare_names);
    return 0;
}
