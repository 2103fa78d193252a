/* Programs that we start for ourselves (ssh, kubectl, credential helpers, servers of the native engine, tar,
 * a browser), which are given secrets or speak in our name. Unlike what a manifest or a command line names,
 * they are nobody's wish in particular, so one that anybody may put there or change is passed over: in a
 * folder of PATH that is relative ("." or an empty one: whatever folder we are in), or where a file, its
 * folder or a folder above may be written by everybody. Who may write by his group is trusted, as whoever
 * gave it to him did. */
#ifndef BASE_TOOL_H
#define BASE_TOOL_H

#include <stdbool.h>

/* The first one of path ("/bin:/usr/bin") that may be executed and is not passed over; NULL: none. *passed
 * (may be NULL): the first that was, or NULL. The caller frees both. */
char *tool_find(const char *path, const char *name, char **passed);
bool tool_is_there(const char *path, const char *name);
/* Nobody but its owners, and those of the folders above, has put it there. */
bool tool_is_safe(const char *file);

#endif
