/* The last lines of a feed, found from the end: records are walked backwards by their feet, newest file
 * first, until enough lines are behind us. A file with a torn end is counted from its beginning instead. */
#include "base/mem.h"
#include "logs/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = RECORD_MAX };

/* A look at the file's bytes before `at`. */
struct window {
    char *bytes;
    int64_t start; /* file offset of bytes[0] */
    int64_t at;    /* everything from here on was walked */
};

bool feed_matches(const regex_t *grep, const char *text, size_t length)
{
    regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)length};
    return !grep || regexec(grep, text, 1, &range, REG_STARTEND) == 0;
}

static int64_t count_matching(const struct log_record *record, const regex_t *grep)
{
    if (!grep || record->stream == RECORD_FILE)
        return record_count_lines(record);
    int64_t count = 0;
    const char *end = record->text + record->length;
    for (const char *line = record->text; line < end;) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = newline;
        if (!line_end)
            line_end = end;
        count += feed_matches(grep, line, (size_t)(line_end - line));
        line = line_end + 1;
    }
    return count;
}

static int step_back(const struct feed_file *file, struct window *window, struct log_record *record)
{
    int rc = record_parse_back(window->bytes, (size_t)(window->at - window->start), record);

    if (rc != 0 || window->start == 0) {
        if (rc == 0)
            return -1;
        return rc;
    }
    window->start = 0;
    if (window->at > WINDOW)
        window->start = window->at - WINDOW;
    size_t length = (size_t)(window->at - window->start);
    if (pread(file->fd, window->bytes, length, window->start) != (ssize_t)length)
        return -1;
    rc = record_parse_back(window->bytes, length, record);
    if (rc == 0)
        return -1;

    return rc;
}

static int64_t file_end(const struct feed_file *file)
{
    struct stat st;
    if (file->end >= 0)
        return file->end;
    if (fstat(file->fd, &st) == 0)
        return st.st_size;
    return 0;
}

static int64_t count_forward(const struct feed *f, const struct feed_file *file, const regex_t *grep)
{
    /* A feed of its own that ends where we do; the descriptor is borrowed. */
    struct feed scan = {.files = {*file}, .file_count = 1, .since_ns = f->since_ns};
    int64_t count = 0;
    scan.files[0].offset = 0;
    scan.files[0].end = file_end(file);
    while (feed_fill(&scan)) {
        count += count_matching(&scan.record, grep);
        scan.has_record = false;
    }
    free(scan.buffer);
    return count;
}

/* Moves file->offset back until `count` lines are behind it, the beginning, or a record before since. Returns
 * lines. */
static int64_t seek_file(const struct feed *f, struct feed_file *file, int64_t count, const regex_t *grep)
{
    int64_t lines = 0, end = file_end(file);
    struct window window = {.bytes = xmalloc(WINDOW), .start = end, .at = end};
    struct log_record record;
    int rc = 1;

    while (lines < count && window.at > 0 && (rc = step_back(file, &window, &record)) > 0) {
        if (record.time_ns < f->since_ns && record.stream != RECORD_FILE)
            break;
        lines += count_matching(&record, grep);
        window.at -= (int64_t)record.size;
    }
    free(window.bytes);
    file->offset = 0;
    if (rc > 0)
        file->offset = window.at;
    if (rc > 0)
        return lines;
    return count_forward(f, file, grep);
}

int64_t feed_seek_tail(struct feed *f, int64_t count, const regex_t *grep)
{
    int64_t lines = 0;
    for (int i = f->file_count - 1; i >= 0; i--)
        lines += seek_file(f, &f->files[i], count - lines, grep);
    return lines;
}
