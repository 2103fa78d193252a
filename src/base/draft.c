/* See draft.h. A lock is an open file description's, which ends with the last descriptor of it: with the
 * process, however that ends. */
#include "base/draft.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_NAMES = 16, DIGITS = 8 };

#define MARK ".apphost-"
#define END ".tmp"

static int fail(const struct draft *draft, int number, struct error *err)
{
    enum error_code code = error_of_errno(number);
    if (number == ENOENT || number == ENOTDIR)
        code = ERROR_NO_FILE;
    return error_set(err, code, "cannot write %s: %s", draft->path, strerror(number));
}

/* The outcome of taking the lock: false where somebody else has it. A file system without locks has nobody
 * who could have it. */
static bool lock(int fd)
{
    struct flock all = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &all) == 0 || (errno != EAGAIN && errno != EACCES);
}

static char *new_name(const char *path)
{
    unsigned number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != sizeof number)
        number = (unsigned)getpid();
    return xasprintf("%s" MARK "%08x" END, path, number);
}

static bool has_name(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* The name goes before the lock does. */
static void close_it(struct draft *draft)
{
    if (draft->temporary && draft->fd >= 0)
        unlink(draft->temporary);
    if (draft->fd >= 0)
        close(draft->fd);
    draft->fd = -1;
    free(take_ptr(&draft->temporary));
}

/* A new file, of which nobody else has a descriptor. Who sweeps may have come between it and its lock. */
static int open_named(struct draft *draft, mode_t mode)
{
    for (int i = 0; i < MOST_NAMES; i++) {
        draft->temporary = new_name(draft->path);
        draft->fd = open(draft->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (draft->fd < 0 && errno != EEXIST)
            break;
        if (draft->fd >= 0 && lock(draft->fd) && has_name(draft->fd))
            return 0;
        close_it(draft);
        errno = EEXIST;
    }
    free(take_ptr(&draft->temporary));
    return -1;
}

/* It is given a name by way of /proc. */
static void fd_path(int fd, char *path, size_t size)
{
    snprintf(path, size, "/proc/self/fd/%d", fd);
}

static int open_nameless(struct draft *draft, const char *folder, mode_t mode)
{
    char path[64];
    draft->fd = open(folder, O_WRONLY | O_TMPFILE | O_CLOEXEC, mode);
    if (draft->fd < 0)
        return -1;
    fd_path(draft->fd, path, sizeof path);
    if (access(path, F_OK) == 0 && lock(draft->fd))
        return 0;
    close_it(draft);
    return -1;
}

int draft_open(struct draft *draft, const char *path, mode_t mode, struct error *err)
{
    cleanup_free char *folder = path_dirname(path);
    *draft = (struct draft){.fd = -1, .path = xstrdup(path)};
    draft_sweep(folder, NULL, NULL);
    int failed = open_nameless(draft, folder, mode) && open_named(draft, mode);
    if (!failed)
        failed = fchmod(draft->fd, mode);
    if (!failed)
        return 0;
    fail(draft, errno, err);
    draft_drop(draft);
    return -1;
}

static int link_as(const struct draft *draft, const char *name)
{
    char from[64];
    fd_path(draft->fd, from, sizeof from);
    return linkat(AT_FDCWD, from, AT_FDCWD, name, AT_SYMLINK_FOLLOW);
}

/* Nothing can take a place that is taken without having had a name: it gets one for two calls. */
static int name_it(struct draft *draft)
{
    for (int i = 0; i < MOST_NAMES; i++) {
        cleanup_free char *name = new_name(draft->path);
        if (link_as(draft, name) == 0) {
            draft->temporary = take_ptr(&name);
            return 0;
        }
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* What a file system has to say about what was written, it may say only when it is closed. */
static int flush(int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0)
        return -1;
    return close(copy);
}

/* Where nothing stands there is nothing to replace: no other name is needed. */
static int take_place(struct draft *draft)
{
    if (flush(draft->fd))
        return -1;
    if (!draft->temporary && link_as(draft, draft->path) == 0)
        return 0;
    if (!draft->temporary && name_it(draft))
        return -1;
    if (rename(draft->temporary, draft->path))
        return -1;
    free(take_ptr(&draft->temporary));
    return 0;
}

int draft_keep(struct draft *draft, struct error *err)
{
    int failed = take_place(draft);
    if (failed)
        fail(draft, errno, err);
    draft_drop(draft);
    return failed;
}

void draft_drop(struct draft *draft)
{
    close_it(draft);
    free(take_ptr(&draft->path));
}

/* ---- what dead ones left ---- */

static bool is_draft_name(const char *name)
{
    const char *mark = strstr(name, MARK);
    for (const char *next = mark; next; next = strstr(next + 1, MARK))
        mark = next;
    if (!mark)
        return false;
    mark += strlen(MARK);
    return strspn(mark, "0123456789abcdef") == DIGITS && strcmp(mark + DIGITS, END) == 0;
}

/* It is ours and no link, and whoever filled it has ended. */
static bool is_left(int folder, const char *name)
{
    struct stat st;
    int fd = openat(folder, name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool is_ours = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid();
    bool is_free = is_ours && lock(fd);
    close(fd);
    return is_free;
}

static size_t look(const char *path, bool removes, draft_left_cb *left, void *data)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    size_t count = 0;

    while (folder && (entry = readdir(folder))) {
        if (!is_draft_name(entry->d_name) || !is_left(dirfd(folder), entry->d_name))
            continue;
        if (removes && unlinkat(dirfd(folder), entry->d_name, 0))
            continue;
        cleanup_free char *file = path_join(path, entry->d_name);
        count++;
        if (left)
            left(file, data);
    }

    if (folder)
        closedir(folder);
    return count;
}

size_t draft_find_left(const char *folder, draft_left_cb *left, void *data)
{
    return look(folder, false, left, data);
}

size_t draft_sweep(const char *folder, draft_left_cb *left, void *data)
{
    return look(folder, true, left, data);
}
