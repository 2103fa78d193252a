/* Files and paths: bounded reads, atomic writes with tight modes, folders, joining. Blocking; for small local
 * files. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Reads a file (or "-", standard input; a pipe is read to its end) of at most limit bytes. The result is
 * NUL-terminated (*length does not count that) and owned by the caller; NULL on error. A missing file is
 * ERROR_NO_FILE, no room for it ERROR_SPACE. */
char *file_read(const char *path, size_t limit, size_t *length, struct error *err);
/* The same for a file that only we write: it is opened without following a link and without waiting for
 * whoever writes into a FIFO, and has to be a regular file of ours; else ERROR_OWNER. */
char *file_read_own(const char *path, size_t limit, size_t *length, struct error *err);
/* Opens such a file, with the flags of open(2) (0600 when it is made). It does not block. */
int file_open_own(const char *path, int flags, struct error *err);
/* The same for text that people wrote: without a byte order mark, UTF-16 as UTF-8 (see encoding.h). */
char *file_read_text(const char *path, size_t limit, size_t *length, struct error *err);
/* A file with exactly `mode` that takes the place of path when it is whole (base/draft.h); nothing is synced.
 * A full disk is ERROR_SPACE. The old content stays on any failure. */
int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode, struct error *err);
/* Creates the folder and its missing parents with `mode` (0700 for private ones). */
int file_mkdirs(const char *path, mode_t mode, struct error *err);
/* Makes a folder (0700) where others may write too, or finds it as it should be: a folder, not a link, ours,
 * closed to others; else ERROR_OWNER. */
int file_make_private(const char *folder, struct error *err);
/* False: there is none. What may not be looked at counts as there, so that whoever opens it says why not. */
bool file_exists(const char *path);
bool file_is_dir(const char *path);
/* "folder/name", or name when it is absolute; "~" and "~/x" expand to $HOME. Normalises "." and "..", not
 * links. The caller frees. */
char *path_join(const char *folder, const char *name);
/* Everything before the last slash ("." when none). The caller frees. */
char *path_dirname(const char *path);
/* After the last slash. Borrowed from path. */
const char *path_basename(const char *path);
/* realpath(3), or the normalised absolute path when it does not exist. The caller frees. */
char *path_canonical(const char *path);
/* Removes a tree below and including path; symbolic links are not followed. */
int file_remove_tree(const char *path, struct error *err);
/* O_CLOEXEC / O_NONBLOCK by descriptor. */
int fd_set_cloexec(int fd, bool on);
int fd_set_nonblock(int fd, bool on);

#endif
