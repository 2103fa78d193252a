/* Following one resource's files: see feed.h.
 *
 * A file that is being written always ends in whole records or the beginning of one: an incomplete one at the
 * end is forgotten and read again later, because the writer cuts it off when the disk is full. */
#include "logs/feed.h"
#include "base/mem.h"
#include "logs/files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 64 * 1024, OPEN_TRIES = 10 };

static const struct feed_file no_file = {.fd = -1, .end = -1};

struct feed *feed_new(const char *folder, const char *name, bool follows, int64_t since_ns)
{
    struct feed *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(name);
    f->path = log_path(folder, name, false);
    f->old_path = log_path(folder, name, true);
    f->file = f->newer = no_file;
    f->follows = follows;
    f->since_ns = since_ns;
    return f;
}

static void close_file(struct feed_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    *file = no_file;
}

void feed_free(struct feed *f)
{
    close_file(&f->file);
    close_file(&f->newer);
    free(f->buffer);
    free(f->name);
    free(f->path);
    free(f->old_path);
    free(f);
}

static struct feed_file open_one(const struct feed *f, const char *path)
{
    struct feed_file file = no_file;
    struct stat st;
    file.fd = open(path, O_RDONLY | O_CLOEXEC);
    if (file.fd >= 0 && fstat(file.fd, &st) == 0) {
        file.inode = st.st_ino;
        file.end = f->follows ? -1 : st.st_size;
    }
    return file;
}

void feed_open(struct feed *f)
{
    struct feed_file old = no_file, current = no_file;
    for (int i = 0; i < OPEN_TRIES; i++) {
        close_file(&old);
        close_file(&current);
        current = open_one(f, f->path);
        old = open_one(f, f->old_path);
        if (old.fd < 0 || current.fd < 0 || old.inode != current.inode)
            break; /* else it was rotated between the two */
    }
    if (old.fd >= 0 && old.inode == current.inode)
        close_file(&old);
    f->file = old.fd >= 0 ? old : current;
    f->newer = old.fd >= 0 ? current : no_file;
    f->start = f->length = 0;
}

/* The writer has begun a new file: when it rotated once, ours is the older of the two now. */
static bool is_rotated(const struct feed *f)
{
    struct stat st;
    return f->follows && stat(f->path, &st) == 0 && (f->file.fd < 0 || st.st_ino != f->file.inode);
}

/* The older of the two is the one that was read so far. */
static void leave_old(struct feed *f, int64_t offset)
{
    f->file.offset = offset;
    if (f->newer.fd < 0)
        return;
    close_file(&f->file);
    f->file = f->newer;
    f->newer = no_file;
}

static void next_file(struct feed *f)
{
    ino_t inode = f->file.inode;
    bool had_file = f->file.fd >= 0;
    struct feed_file before = f->file; /* stays open meanwhile, so that its number is not used again */
    f->start = f->length = 0;
    if (f->newer.fd >= 0) {
        f->file = f->newer;
        f->newer = no_file;
    } else {
        feed_open(f);
        if (had_file && f->file.fd >= 0 && f->file.inode == inode)
            leave_old(f, before.offset);
    }
    close_file(&before);
}

static void reserve(struct feed *f)
{
    size_t used = f->length - f->start;
    if (f->start > 0) {
        memmove(f->buffer, f->buffer + f->start, used);
        f->start = 0;
        f->length = used;
    }
    if (f->length == f->capacity) {
        f->capacity = f->capacity ? f->capacity * 2 : FIRST_CAPACITY;
        f->buffer = xrealloc(f->buffer, f->capacity);
    }
}

/* False at the end of the file. */
static bool read_more(struct feed *f)
{
    if (f->file.fd < 0)
        return false;
    reserve(f);
    int64_t at = f->file.offset + (int64_t)(f->length - f->start);
    size_t room = f->capacity - f->length;
    if (f->file.end >= 0 && at + (int64_t)room > f->file.end)
        room = at < f->file.end ? (size_t)(f->file.end - at) : 0;
    ssize_t n = room ? pread(f->file.fd, f->buffer + f->length, room, at) : 0;
    if (n <= 0)
        return false;
    f->length += (size_t)n;
    return true;
}

static void skip_bytes(struct feed *f, size_t size)
{
    f->start += size;
    f->file.offset += (int64_t)size;
}

/* The next record of this file; false at its end. */
static bool next_record(struct feed *f)
{
    for (;;) {
        const char *at = f->buffer ? f->buffer + f->start : "";
        int rc = record_parse(at, f->length - f->start, &f->record);
        if (rc > 0)
            return true;
        if (rc < 0) {
            skip_bytes(f, record_resync(at, f->length - f->start));
        } else if (!read_more(f)) {
            f->length = f->start;
            return false;
        }
    }
}

static bool is_wanted(const struct feed *f)
{
    return f->record.time_ns >= f->since_ns;
}

bool feed_fill(struct feed *f)
{
    bool was_rotated = false;
    if (f->has_record)
        return true;
    while (!f->is_at_end) {
        if (next_record(f)) {
            skip_bytes(f, f->record.size);
            f->has_record = is_wanted(f) && f->record.length > 0;
            f->text_at = 0;
            if (f->has_record)
                return true;
        } else if (f->newer.fd >= 0 || was_rotated) {
            next_file(f);
            was_rotated = false;
        } else if (is_rotated(f)) {
            was_rotated = true; /* what came between the end and the rotation is read first */
        } else {
            f->is_at_end = true;
        }
    }
    return false;
}
