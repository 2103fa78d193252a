/* Globs over paths, for watch.c: which files are meant, and in which folders one can be. See watch.h for
 * their language. Pure functions; a path is relative, its names parted by single slashes. */
#ifndef WATCH_GLOBS_H
#define WATCH_GLOBS_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>

struct glob_pattern {
    struct strlist names; /* "**" stands for any number of folders */
    bool excludes;
};
struct globs {
    struct glob_pattern *patterns;
    size_t count;
};

/* At most 1000 patterns come out of the braces; what is beyond is left out. */
void globs_init(struct globs *globs, const char *const *texts, size_t count);
void globs_fini(struct globs *globs);
/* Is this file meant? */
bool globs_match(const struct globs *globs, const char *path);
/* Can something below this folder be meant? "" is the folder that everything starts from. */
bool globs_reach(const struct globs *globs, const char *folder);

#endif
