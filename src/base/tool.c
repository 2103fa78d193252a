/* See tool.h. A link is judged by where it stands and by where it leads. */
#include "base/tool.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_everybodys(const struct stat *st)
{
    return (st->st_mode & S_IWOTH) != 0;
}

/* What stands in a folder that everybody may write into, and may nobody remove who does not own it (/tmp), is
 * good where its owner is. */
static bool is_safe_in(const char *folder, const char *entry)
{
    struct stat of_folder, of_entry;
    if (stat(folder, &of_folder) || lstat(entry, &of_entry))
        return false;
    if (!is_everybodys(&of_folder))
        return true;
    bool is_trusted = of_entry.st_uid == 0 || of_entry.st_uid == geteuid();
    return (of_folder.st_mode & S_ISVTX) && is_trusted;
}

static bool is_safe_way(const char *path)
{
    cleanup_free char *entry = xstrdup(path);
    while (strcmp(entry, "/") != 0) {
        cleanup_free char *folder = path_dirname(entry);
        if (!is_safe_in(folder, entry))
            return false;
        free(entry);
        entry = take_ptr(&folder);
    }
    return true;
}

bool tool_is_safe(const char *file)
{
    struct stat st;
    cleanup_free char *real = realpath(file, NULL);
    if (*file != '/' || !real || stat(real, &st) || is_everybodys(&st))
        return false;
    return is_safe_way(file) && is_safe_way(real);
}

static bool may_run(const char *file)
{
    struct stat st;
    return stat(file, &st) == 0 && S_ISREG(st.st_mode) && access(file, X_OK) == 0;
}

char *tool_find(const char *path, const char *name, char **passed)
{
    cleanup_free char *first = NULL;
    if (passed)
        *passed = NULL;

    for (const char *at = path; at && *at;) {
        size_t length = strcspn(at, ":");
        cleanup_free char *file = xasprintf("%.*s/%s", (int)length, at, name);
        bool is_there = length && may_run(file);
        if (is_there && tool_is_safe(file))
            return take_ptr(&file);
        if (is_there && !first)
            first = take_ptr(&file);
        at += length + (at[length] == ':');
    }

    if (passed)
        *passed = take_ptr(&first);
    return NULL;
}

bool tool_is_there(const char *path, const char *name)
{
    cleanup_free char *file = tool_find(path, name, NULL);
    return file != NULL;
}
