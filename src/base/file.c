/* Small blocking file helpers.
 *
 * What is written becomes a file when it is whole (draft.h), so a reader sees the old or the new content,
 * never a part, and a full disk loses nothing. Modes are set with fchmod, whatever the umask says.
 */
#include "base/file.h"
#include "base/draft.h"
#include "base/encoding.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

static enum error_code code_of(int number)
{
    if (number == ENOENT || number == ENOTDIR)
        return ERROR_NO_FILE;
    return error_of_errno(number);
}

static int read_all(int fd, const char *path, struct strbuf *into, struct error *err)
{
    char chunk[16384];
    for (;;) {
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, code_of(errno), "cannot read %s: %s", path, strerror(errno));
        if (n == 0)
            return 0;
        if (!strbuf_add(into, chunk, (size_t)n))
            return error_set(err, ERROR_FAILED, "cannot read %s: it is larger than %zu bytes", path,
                             into->limit);
    }
}

static char *take_content(int fd, const char *path, size_t limit, size_t *length, struct error *err)
{
    struct strbuf content = {.limit = limit};
    if (read_all(fd, path, &content, err) < 0) {
        strbuf_free(&content);
        return NULL;
    }
    if (length)
        *length = content.length;
    return strbuf_take(&content);
}

/* Who opens a pipe that has a name waits until somebody writes: for ever, if nobody does. A pipe without one
 * (what a shell gives as /dev/fd/63) has its writer. */
static bool is_named_pipe(int fd, const struct stat *st)
{
    struct statfs where;
    return S_ISFIFO(st->st_mode) && (fstatfs(fd, &where) < 0 || where.f_type != PIPEFS_MAGIC);
}

/* The descriptor, blocking again, or -1 with err set. */
static int open_content(const char *path, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return error_set(err, code_of(errno), "cannot open %s: %s", path, strerror(errno));

    struct stat st;
    const char *what = NULL;
    if (fstat(fd, &st) < 0)
        what = strerror(errno);
    else if (S_ISDIR(st.st_mode))
        what = "it is a folder";
    else if (is_named_pipe(fd, &st))
        what = "it is a pipe, which may never be written to (give it as standard input)";
    else if (fcntl(fd, F_SETFL, 0) < 0)
        what = strerror(errno);
    if (!what)
        return fd;

    close(fd);
    return error_set(err, ERROR_FAILED, "cannot read %s: %s", path, what);
}

char *file_read(const char *path, size_t limit, size_t *length, struct error *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *shown = path;
    int fd = STDIN_FILENO;

    if (is_stdin)
        shown = "standard input";
    else
        fd = open_content(path, err);
    if (fd < 0)
        return NULL;

    char *text = take_content(fd, shown, limit, length, err);
    if (!is_stdin)
        close(fd);
    return text;
}

static int refuse_own(const char *path, const char *what, struct error *err)
{
    error_set(err, ERROR_OWNER, "cannot use %s: it is %s, not a file of yours", path, what);
    return error_hint(err, "somebody else put it there: look at it, and remove it"), -1;
}

static const char *kind_of(const struct stat *st)
{
    if (S_ISDIR(st->st_mode))
        return "a folder";
    if (S_ISFIFO(st->st_mode))
        return "a pipe";
    return "somebody else's";
}

int file_open_own(const char *path, int flags, struct error *err)
{
    struct stat st;
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0600);
    if (fd < 0 && errno == ELOOP)
        return refuse_own(path, "a link", err);
    if (fd < 0 && errno == ENXIO) /* for writing, and nobody reads */
        return refuse_own(path, "a pipe", err);
    if (fd < 0 && errno == EISDIR)
        return refuse_own(path, "a folder", err);
    if (fd < 0)
        return error_set(err, code_of(errno), "cannot open %s: %s", path, strerror(errno));
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
        return fd;
    refuse_own(path, kind_of(&st), err);
    close(fd);
    return -1;
}

char *file_read_own(const char *path, size_t limit, size_t *length, struct error *err)
{
    int fd = file_open_own(path, O_RDONLY, err);
    if (fd < 0)
        return NULL;
    char *text = take_content(fd, path, limit, length, err);
    close(fd);
    return text;
}

char *file_read_text(const char *path, size_t limit, size_t *length, struct error *err)
{
    size_t size = 0;
    char *text = file_read(path, limit, &size, err);
    if (text)
        text = encoding_to_utf8(text, &size);
    if (text && length)
        *length = size;
    return text;
}

static int write_all(int fd, const char *data, size_t length)
{
    while (length) {
        ssize_t n = write(fd, data, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        length -= (size_t)n;
    }
    return 0;
}

int file_write_atomic(const char *path, const void *data, size_t length, mode_t mode, struct error *err)
{
    struct draft draft;
    if (draft_open(&draft, path, mode, err))
        return -1;
    if (write_all(draft.fd, data, length) == 0)
        return draft_keep(&draft, err);
    error_set(err, code_of(errno), "cannot write %s: %s", path, strerror(errno));
    draft_drop(&draft);
    return -1;
}

int file_mkdirs(const char *path, mode_t mode, struct error *err)
{
    cleanup_free char *copy = xstrdup(path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, mode) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
            return error_set(err, code_of(errno), "cannot create the folder %s: %s", copy, strerror(errno));
        *p = '/';
    }
    if (mkdir(copy, mode) < 0 && errno != EEXIST)
        return error_set(err, code_of(errno), "cannot create the folder %s: %s", copy, strerror(errno));
    return 0;
}

int file_make_private(const char *folder, struct error *err)
{
    struct stat st;
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return error_set(err, code_of(errno), "cannot create the folder %s: %s", folder, strerror(errno));
    if (lstat(folder, &st) < 0)
        return error_set(err, code_of(errno), "cannot use the folder %s: %s", folder, strerror(errno));
    if (S_ISDIR(st.st_mode) && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return 0;
    return error_set(err, ERROR_OWNER, "cannot use %s: it is not a private folder of yours", folder);
}

bool file_exists(const char *path)
{
    return access(path, F_OK) == 0 || (errno != ENOENT && errno != ENOTDIR);
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Removes "//", "/./" and "x/.." from an absolute or relative path, in place. */
static void normalise(char *path)
{
    struct strlist parts = {0};
    bool absolute = path[0] == '/';
    cleanup_free char *copy = xstrdup(path);
    char *save = NULL;
    for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
        bool up = strcmp(part, "..") == 0;
        if (strcmp(part, ".") == 0 || (up && absolute && !parts.count))
            continue;
        if (up && parts.count && strcmp(parts.items[parts.count - 1], "..") != 0)
            free(parts.items[--parts.count]);
        else
            strlist_add(&parts, part);
    }

    struct strbuf out = {0};
    for (size_t i = 0; i < parts.count; i++)
        strbuf_addf(&out, "%s%s", text_if(i || absolute, "/"), parts.items[i]);
    if (parts.count == 0)
        strbuf_adds(&out, text_pick(absolute, "/", "."));
    strcpy(path, strbuf_text(&out));
    strbuf_free(&out);
    strlist_free(&parts);
}

char *path_join(const char *folder, const char *name)
{
    const char *home = getenv("HOME");
    char *path;
    if (name[0] == '~' && (name[1] == '/' || !name[1]) && home)
        path = xasprintf("%s/%s ", home, name + 1);
    else if (name[0] == '/' || !folder || !*folder)
        path = xasprintf("%s ", name);
    else
        path = xasprintf("%s/%s ", folder, name);
    path[strlen(path) - 1] = '\0'; /* the blank leaves room for "." when everything cancels out */
    normalise(path);
    return path;
}

char *path_dirname(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return xstrdup(".");
    if (slash == path)
        return xstrdup("/");
    return xstrndup(path, (size_t)(slash - path));
}

const char *path_basename(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *path_canonical(const char *path)
{
    char *real = realpath(path, NULL);
    if (real)
        return real;
    char here[PATH_MAX];
    if (!getcwd(here, sizeof here))
        strcpy(here, "/");
    return path_join(here, path);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

int file_remove_tree(const char *path, struct error *err)
{
    if (nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0 && errno != ENOENT)
        return error_set(err, code_of(errno), "cannot remove %s: %s", path, strerror(errno));
    return 0;
}

static int with_bit(int flags, int bit, bool on)
{
    if (on)
        return flags | bit;
    return flags & ~bit;
}

int fd_set_cloexec(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0)
        return -1;
    return fcntl(fd, F_SETFD, with_bit(flags, FD_CLOEXEC, on));
}

int fd_set_nonblock(int fd, bool on)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0)
        return -1;
    return fcntl(fd, F_SETFL, with_bit(flags, O_NONBLOCK, on));
}
