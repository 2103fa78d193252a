/* One log file for writing: see file.h. A file with a torn end (power loss) is rotated away when it is
 * opened. */
#include "logs/file.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "logs/files.h"
#include "logs/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_BYTES = 16 * 1024 * 1024 };

static bool has_whole_end(int fd, int64_t size)
{
    cleanup_free char *bytes = xmalloc(RECORD_MAX);
    size_t length = (size_t)(size < RECORD_MAX ? size : RECORD_MAX);
    struct log_record record;
    if (size == 0)
        return true;
    return pread(fd, bytes, length, size - (int64_t)length) == (ssize_t)length &&
           record_parse_back(bytes, length, &record) == 1;
}

/* A new file gets its number; with no room for that, none. */
static void number_file(struct log_file *f)
{
    char bytes[RECORD_FILE_SIZE];
    if (f->size > 0) {
        f->number = record_read_file(f->fd);
        return;
    }
    record_write_file(bytes, ++f->number, 0);
    if (write(f->fd, bytes, sizeof bytes) == sizeof bytes)
        f->size = sizeof bytes;
    else if (ftruncate(f->fd, 0) < 0)
        log_warn("cannot begin %s: %s", f->path, strerror(errno));
}

static int open_file(struct log_file *f, struct error *err)
{
    struct stat st;
    f->fd = file_open_own(f->path, O_RDWR | O_APPEND | O_CREAT, err);
    if (f->fd < 0)
        return -1;
    f->size = 0;
    if (fstat(f->fd, &st) == 0)
        f->size = st.st_size;
    number_file(f);
    return 0;
}

static void close_descriptor(struct log_file *f)
{
    if (f->fd >= 0)
        close(f->fd);
    f->fd = -1;
}

static int rotate(struct log_file *f)
{
    if (rename(f->path, f->old_path) < 0 && errno != ENOENT)
        return -1;
    close_descriptor(f);
    return open_file(f, NULL);
}

static bool make_room(struct log_file *f, size_t length)
{
    if (f->fd < 0 && open_file(f, NULL) < 0)
        return false;
    return f->size <= RECORD_FILE_SIZE || f->size + (int64_t)length <= f->max_bytes || rotate(f) == 0;
}

bool log_file_write(struct log_file *f, const struct iovec *pieces, int count, size_t length)
{
    if (!make_room(f, length))
        return false;
    ssize_t n;
    do
        n = writev(f->fd, pieces, count);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t)length) {
        f->size += n;
        return true;
    }
    int why = n < 0 ? errno : ENOSPC; /* a regular file takes less only when it is full */
    if (n > 0 && ftruncate(f->fd, f->size) < 0)
        log_warn("cannot cut %s back to its last whole record: %s", f->path, strerror(errno));
    errno = why;
    return false;
}

void log_file_point(struct log_file *f, int64_t spill)
{
    char bytes[RECORD_FILE_SIZE], path[40];
    if (f->fd < 0)
        return;
    snprintf(path, sizeof path, "/proc/self/fd/%d", f->fd);
    int fd = open(path, O_WRONLY | O_CLOEXEC); /* ours appends, wherever it is told to write */
    int64_t number = record_read_file(f->fd);
    record_write_file(bytes, number, spill);
    bool is_told = number > 0 && pwrite(fd, bytes, sizeof bytes, 0) == (ssize_t)sizeof bytes;
    if (!is_told && futimens(f->fd, NULL) < 0) /* whoever knows it already wakes up */
        log_debug("cannot touch %s: %s", f->path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

int log_file_open(struct log_file *f, const char *folder, const char *resource, int64_t max_bytes,
                  struct error *err)
{
    f->max_bytes = MAX_BYTES;
    if (max_bytes > 0)
        f->max_bytes = max_bytes;
    f->path = log_path(folder, resource, false);
    f->old_path = log_path(folder, resource, true);
    cleanup_error struct error why = {0};
    if (open_file(f, &why) < 0)
        return error_set(err, why.code, "cannot open the log: %s", why.text);
    if (has_whole_end(f->fd, f->size) || rotate(f) == 0)
        return 0;
    return error_set(err, error_of_errno(errno), "cannot open the log %s: %s", f->path, strerror(errno));
}

void log_file_close(struct log_file *f)
{
    close_descriptor(f);
    free(f->path);
    free(f->old_path);
}
