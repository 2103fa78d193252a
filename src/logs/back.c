/* A resource's records backwards: see back.h. Each record is found by its foot: two small reads, and one more
 * for the text of those that are wanted. */
#include "logs/back.h"
#include "base/mem.h"
#include "logs/files.h"
#include "base/file.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SCAN = 1 << 20 };

static int64_t size_of(int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return 0;
    return st.st_size;
}

static int open_one(const struct back *back, bool is_old)
{
    cleanup_free char *path = log_path(back->folder, back->resource, is_old);
    return file_open_own(path, O_RDONLY, NULL);
}

void back_leave(struct back *back)
{
    if (back->fd >= 0)
        close(back->fd);
    back->fd = -1;
    back->has_record = false;
}

/* At the end of one of the two files. */
static void enter(struct back *back, bool is_old)
{
    back_leave(back);
    back->is_old = is_old;
    back->fd = open_one(back, is_old);
    if (back->fd >= 0)
        back->place = (struct back_place){record_read_file(back->fd), size_of(back->fd), 0};
}

void back_open(struct back *back, const char *folder, const char *resource, const struct back_place *place)
{
    *back = (struct back){.fd = -1, .folder = xstrdup(folder), .resource = xstrdup(resource)};
    enter(back, false);
    if (!place || back->fd < 0)
        return;
    if (back->place.number != place->number)
        enter(back, true);
    if (back->fd >= 0 && back->place.number == place->number && place->offset <= back->place.offset)
        back->place = *place;
    else
        back_leave(back); /* it was rotated away, and what was before it too */
}

void back_close(struct back *back)
{
    back_leave(back);
    strbuf_free(&back->text);
    free(back->folder);
    free(back->resource);
}

/* Walks whole records, and over what is none; how many bytes that were. *whole: where the last one ended that
 * ends within the limit. */
static size_t walk(const char *bytes, size_t length, size_t limit, size_t *whole)
{
    size_t used = 0;
    struct log_record record;
    while (used < length) {
        int found = record_parse(bytes + used, length - used, &record);
        if (!found)
            break;
        if (found < 0) {
            used += record_resync(bytes + used, length - used);
            continue;
        }
        used += record.size;
        if (used <= limit)
            *whole = used;
    }
    return used;
}

/* The end of the last whole record before `end`, looked for from the beginning: 0 when there is none. */
static int64_t last_whole(int fd, int64_t end)
{
    cleanup_free char *bytes = xmalloc(SCAN);
    int64_t at = 0, found = 0;
    while (at < end) {
        ssize_t got = pread(fd, bytes, SCAN, at);
        size_t whole = 0, used = 0;
        if (got > 0)
            used = walk(bytes, (size_t)got, (size_t)(end - at), &whole);
        if (whole)
            found = at + (int64_t)whole;
        if (!used)
            break;
        at += (int64_t)used;
    }
    return found;
}

/* The record that ends at the place, without its text. */
static bool read_head(struct back *back)
{
    char foot[RECORD_FOOT], head[RECORD_HEAD];
    uint32_t length;
    int64_t end = back->place.offset;
    if (end < RECORD_HEAD + RECORD_FOOT ||
        pread(back->fd, foot, sizeof foot, end - RECORD_FOOT) != (ssize_t)sizeof foot)
        return false;
    memcpy(&length, foot, sizeof length);
    int64_t start = end - RECORD_FOOT - (int64_t)length - RECORD_HEAD;
    if (length > RECORD_TEXT_MAX || start < 0 ||
        pread(back->fd, head, sizeof head, start) != (ssize_t)sizeof head)
        return false;
    bool is_whole = record_parse_head(head, &back->record) && back->record.length == length;
    back->record.text = NULL;
    return is_whole;
}

/* At a record's end, or nowhere. */
static void find_record(struct back *back)
{
    back->has_record = back->place.offset > 0 && read_head(back);
    if (back->has_record || back->place.offset <= 0)
        return;
    back->place = (struct back_place){back->place.number, last_whole(back->fd, back->place.offset), 0};
    back->has_record = back->place.offset > 0 && read_head(back);
}

const struct log_record *back_peek(struct back *back)
{
    while (back->fd >= 0 && !back->has_record) {
        find_record(back);
        if (back->has_record && back->record.stream == RECORD_FILE)
            back_pass(back);
        else if (!back->has_record && !back->is_old)
            enter(back, true);
        else if (!back->has_record)
            back_leave(back);
    }
    if (!back->has_record)
        return NULL;
    return &back->record;
}

bool back_text(struct back *back)
{
    size_t length = back->record.length;
    int64_t start = back->place.offset - RECORD_FOOT - (int64_t)length;
    strbuf_truncate(&back->text, 0);
    cleanup_free char *bytes = xmalloc(length + 1);
    if (pread(back->fd, bytes, length, start) != (ssize_t)length)
        return false;
    strbuf_add(&back->text, bytes, length);
    back->record.text = strbuf_text(&back->text);
    return true;
}

void back_pass(struct back *back)
{
    back->place.offset -= (int64_t)back->record.size;
    back->place.skip = 0;
    back->has_record = false;
}
