/* Finding the manifest: here, then in the parents, up to $HOME or a folder with .git. Never downwards. */
#include "manifest/manifest.h"
#include "base/file.h"
#include "base/pick.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"apphost.yaml", "apphost.yml"};

static char *find_in(const char *folder)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(folder, names[i]);
        if (file_exists(path) && !file_is_dir(path))
            return path;
        free(path);
    }
    return NULL;
}

static bool is_last(const char *folder, const char *home)
{
    cleanup_free char *git = path_join(folder, ".git");
    return strcmp(folder, "/") == 0 || str_eq(folder, home) || file_exists(git);
}

static char *home_of(char *const *environment)
{
    for (; environment && *environment; environment++)
        if (str_starts(*environment, "HOME=") && (*environment)[5])
            return path_canonical(*environment + 5);
    return NULL;
}

/* The folder that we stand in was removed under us: nothing is beside us, and / is not where we are. */
static bool is_nowhere(const char *directory)
{
    char here[PATH_MAX];
    return (!directory || *directory != '/') && !getcwd(here, sizeof here);
}

char *manifest_find(const char *directory, char *const *environment, struct error *err)
{
    if (is_nowhere(directory)) {
        error_set(err, ERROR_MANIFEST, "the current folder cannot be told: %s", strerror(errno));
        return error_hint(err, "it may have been removed: cd to one that is there, or name one with -C"),
               NULL;
    }

    cleanup_free char *start = path_canonical(text_or(directory, "."));
    cleanup_free char *home = home_of(environment);
    cleanup_free char *folder = xstrdup(start);
    char *found = find_in(folder);
    while (!found && !is_last(folder, home)) {
        char *parent = path_dirname(folder);
        free(folder);
        folder = parent;
        found = find_in(folder);
    }
    if (found)
        return found;

    if (strcmp(start, folder) == 0)
        error_set(err, ERROR_MANIFEST, "there is no apphost.yaml in %s", start);
    else
        error_set(err, ERROR_MANIFEST, "there is no apphost.yaml in %s, nor in its parents up to %s", start,
                  folder);
    error_hint(err, "name one with -f, or make one with `apphost init`");
    return NULL;
}
