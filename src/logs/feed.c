/* Following one resource's files: see feed.h.
 *
 * A file that is being written always ends in whole records or the beginning of one: an incomplete one at the
 * end is forgotten and read again later, because the writer cuts it off when the disk is full. */
#include "logs/feed.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"
#include "base/str.h"
#include "logs/files.h"
#include "logs/spill.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_CAPACITY = 64 * 1024, OPEN_TRIES = 10 };

static const struct feed_file no_file = {.fd = -1, .end = -1};
static const char gap_text[] = "apphost: lines are missing here: they came faster than they were read\n";

struct feed *feed_new(const char *folder, const char *name, bool follows, int64_t since_ns)
{
    struct feed *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(name);
    f->path = log_path(folder, name, false);
    f->old_path = log_path(folder, name, true);
    f->follows = follows;
    f->since_ns = since_ns;
    return f;
}

struct feed *feed_new_spill(const struct feed *of)
{
    const struct feed_file *newest = NULL;
    if (of->file_count)
        newest = &of->files[of->file_count - 1];
    int64_t address = 0;
    if (newest)
        address = record_read_spill(newest->fd);
    char *path = NULL;
    if (address)
        path = log_spill_path(address, of->name);
    if (!path)
        return NULL;

    struct feed *f = xcalloc(1, sizeof *f);
    f->name = xstrdup(of->name);
    f->path = path;
    f->spill = address;
    f->old_path = xasprintf("%s.1", path); /* there never is one */
    f->follows = of->follows;
    f->since_ns = of->since_ns;
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
    while (f->file_count > 0)
        close_file(&f->files[--f->file_count]);
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
    if (f->spill) /* a link in /proc, whose target log_spill_path() has looked at */
        file.fd = open(path, O_RDONLY | O_CLOEXEC);
    else
        file.fd = file_open_own(path, O_RDONLY, NULL);
    if (file.fd >= 0 && fstat(file.fd, &st) == 0) {
        file.inode = st.st_ino;
        if (f->follows)
            file.end = -1;
        else
            file.end = st.st_size;
    }
    return file;
}

static void open_pair(const struct feed *f, struct feed_file *old, struct feed_file *current)
{
    *old = *current = no_file;
    for (int i = 0; i < OPEN_TRIES; i++) {
        close_file(old);
        close_file(current);
        *current = open_one(f, f->path);
        *old = open_one(f, f->old_path);
        if (old->fd < 0 || current->fd < 0 || old->inode != current->inode)
            return; /* else it was rotated between the two */
    }
    close_file(old);
}

static void queue_file(struct feed *f, struct feed_file *file)
{
    if (file->fd < 0 || f->file_count == FEED_FILES) {
        close_file(file);
        return;
    }
    f->files[f->file_count++] = *file;
}

void feed_open(struct feed *f)
{
    struct feed_file old, current;
    open_pair(f, &old, &current);
    queue_file(f, &old);
    queue_file(f, &current);
}

/* The descriptor may be another file's by now. */
static bool is_gone(const struct feed *f)
{
    cleanup_free char *path = NULL;
    if (f->spill)
        path = log_spill_path(f->spill, f->name);
    return f->spill && !path;
}

void feed_look(struct feed *f)
{
    struct stat st;
    struct feed_file old, current;
    if (is_gone(f))
        return;
    if (f->file_count == 0) {
        feed_open(f);
        return;
    }

    ino_t newest = f->files[f->file_count - 1].inode; /* open, so that its number is not used again */
    if (!f->follows || f->file_count == FEED_FILES || stat(f->path, &st) < 0 || st.st_ino == newest)
        return;
    open_pair(f, &old, &current);
    if (old.inode == newest)
        close_file(&old);
    queue_file(f, &old);
    queue_file(f, &current);
}

static void next_file(struct feed *f)
{
    int64_t before = record_read_file(f->files[0].fd), now = record_read_file(f->files[1].fd);
    close_file(&f->files[0]);
    memmove(&f->files[0], &f->files[1], (size_t)--f->file_count * sizeof f->files[0]);
    f->start = f->length = 0;
    /* A smaller number is that of a writer that began anew. */
    f->files[0].has_gap = before > 0 && now > before + 1;
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
        f->capacity = grown(f->capacity, FIRST_CAPACITY);
        f->buffer = xrealloc(f->buffer, f->capacity);
    }
}

/* False at the end of the file. */
static bool read_more(struct feed *f)
{
    if (f->file_count == 0)
        return false;
    reserve(f);
    int64_t at = f->files[0].offset + (int64_t)(f->length - f->start);
    size_t room = f->capacity - f->length;
    if (f->files[0].end >= 0 && at + (int64_t)room > f->files[0].end) {
        room = 0;
        if (at < f->files[0].end)
            room = (size_t)(f->files[0].end - at);
    }

    ssize_t n = 0;
    if (room)
        n = pread(f->files[0].fd, f->buffer + f->length, room, at);
    if (n <= 0)
        return false;
    f->length += (size_t)n;
    return true;
}

static void skip_bytes(struct feed *f, size_t size)
{
    f->start += size;
    f->files[0].offset += (int64_t)size;
}

/* The next record of this file; false at its end. */
static bool next_record(struct feed *f)
{
    for (;;) {
        const char *at = "";
        if (f->buffer)
            at = f->buffer + f->start;
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
    return f->record.stream != RECORD_FILE && f->record.time_ns >= f->since_ns;
}

static void tell_gap(struct feed *f)
{
    f->files[0].has_gap = false;
    f->record.stream = 2;
    f->record.partial = false;
    f->record.text = gap_text;
    f->record.length = strlen(gap_text); /* the time is that of the last record before the gap */
    f->has_record = true;
    f->text_at = 0;
}

/* At the end of a file: true when there may be more. */
static bool go_on(struct feed *f)
{
    int before = f->file_count;
    if (before < 2) {
        feed_look(f);
        return f->file_count > before;
    }
    if (f->files[0].is_complete)
        next_file(f);
    else
        f->files[0].is_complete =
            true; /* what came between the end that we saw and the rotation is read first */
    return true;
}

bool feed_fill(struct feed *f)
{
    if (f->has_record)
        return true;

    while (!f->is_at_end) {
        if (f->file_count > 0 && f->files[0].has_gap) {
            tell_gap(f);
            return true;
        }
        if (next_record(f)) {
            skip_bytes(f, f->record.size);
            f->has_record = is_wanted(f) && f->record.length > 0;
            f->text_at = 0;
            if (f->has_record)
                return true;
        } else if (!go_on(f)) {
            f->is_at_end = true;
        }
    }

    return false;
}
