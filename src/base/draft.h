/* A file that is filled before it has its name: whoever reads that finds the old content or the new one.
 *
 * Where the kernel can (O_TMPFILE), content has no name at all until it is whole, so that who is killed in
 * the middle leaves nothing; a name beside the file is then needed only for the moment of taking the old
 * one's place, and not even that where nothing stands there. Elsewhere (NFS, FUSE, overlays of old kernels)
 * it is filled under such a name: FILE.apphost-XXXXXXXX.tmp. Who fills one holds a lock on it, so that what a
 * dead one left can be told from what somebody is about to finish, whatever container he is in. Drafts of
 * dead ones are removed by who writes into that folder next, by `gc`, and shown by `doctor`. Blocking. */
#ifndef BASE_DRAFT_H
#define BASE_DRAFT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct draft {
    int fd;          /* for writing; closed by draft_keep() and draft_drop() */
    char *path;      /* what it becomes */
    char *temporary; /* its name until then; NULL: none */
};

/* With exactly `mode`, whatever the umask. -1: nothing is open, ERROR_SPACE for a full disk. */
int draft_open(struct draft *draft, const char *path, mode_t mode, struct error *err);
/* It is `path` from now on. On failure, which is told as one of writing, the old file is what it was. */
int draft_keep(struct draft *draft, struct error *err);
/* As if it had not been. Nothing after draft_keep(). */
void draft_drop(struct draft *draft);

/* What drafts of dead ones are called in a text for .gitignore. */
#define DRAFTS_OF(file) file ".apphost-*.tmp"

typedef void draft_left_cb(const char *path, void *data);
/* Looks in a folder, not below it, for what dead ones left; `left` (or NULL) is told of each. Only files of
 * ours, which nobody holds a lock on. How many there were. */
size_t draft_find_left(const char *folder, draft_left_cb *left, void *data);
/* The same, and removes them. */
size_t draft_sweep(const char *folder, draft_left_cb *left, void *data);

#endif
