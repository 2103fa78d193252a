/* Logs as files for whoever keeps them. See run_logs.h.
 *
 * Happy path: a loop for the reader, a draft for each resource, line by line through the scrub, and the draft
 * becomes the file. What fails for one file ends the writing; what was written stays. */
#include "cli/run_logs.h"
#include "logs/logs.h"

#include "base/draft.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TAIL_LINES = 20, BUFFERED = 64 << 10, FILE_MODE = 0644 };

int run_logs_prepare(const char *folder, struct error *err)
{
    struct stat found;
    if (lstat(folder, &found) == 0) {
        if (S_ISDIR(found.st_mode))
            return 0;
        return error_set(err, ERROR_USAGE, "--log-dir: %s is no folder", folder);
    }
    return file_mkdirs(folder, 0755, err);
}

struct copy {
    struct draft draft;
    const struct scrub *scrub;
    struct strbuf text;
    bool is_failed;
    int cause; /* errno */
};

static void flush(struct copy *copy)
{
    for (size_t done = 0; done < copy->text.length && !copy->is_failed;) {
        ssize_t n = write(copy->draft.fd, copy->text.data + done, copy->text.length - done);
        if (n < 0 && errno == EINTR)
            continue;
        copy->is_failed = n < 0;
        copy->cause = errno;
        if (n > 0)
            done += (size_t)n;
    }
    strbuf_truncate(&copy->text, 0);
}

static void on_line(const struct log_line *line, void *data)
{
    struct copy *copy = data;
    size_t length = 0;
    cleanup_free char *clean = scrub_text(copy->scrub, line->text, line->length, &length);
    strbuf_add(&copy->text, clean, length);
    if (!line->partial)
        strbuf_addc(&copy->text, '\n');
    if (copy->text.length > BUFFERED)
        flush(copy);
}

static void on_end(void *data)
{
    (void)data;
}

static void read_all(struct loop *loop, const char *from, const struct log_reader_options *options,
                     struct copy *copy)
{
    struct log_reader *reader = log_reader_start(loop, from, options, on_line, on_end, copy);
    if (reader)
        log_reader_drain(reader);
    log_reader_free(reader);
    flush(copy);
}

static int keep(struct copy *copy, const char *path, struct error *err)
{
    if (!copy->is_failed)
        return draft_keep(&copy->draft, err);
    draft_drop(&copy->draft);
    return error_set(err, ERROR_FAILED, "cannot write %s: %s", path, strerror(copy->cause));
}

static int write_one(struct loop *loop, const char *from, const char *path,
                     struct log_reader_options *options, struct copy *copy, struct error *err)
{
    if (draft_open(&copy->draft, path, FILE_MODE, err))
        return -1;
    read_all(loop, from, options, copy);
    return keep(copy, path, err);
}

static int write_logs(struct loop *loop, const char *from, const char *folder, int64_t since_ns,
                      const struct scrub *scrub, struct error *err)
{
    cleanup_strlist struct strlist names = {0};
    int failed = log_list(from, &names, err);
    for (size_t i = 0; i < names.count && !failed; i++) {
        struct log_reader_options options = {.tail = -1, .since_ns = since_ns};
        struct copy copy = {.scrub = scrub};
        cleanup_free char *path = xasprintf("%s/%s.log", folder, names.items[i]);
        strlist_add(&options.resources, names.items[i]);
        failed = write_one(loop, from, path, &options, &copy, err);
        strlist_free(&options.resources);
        strbuf_free(&copy.text);
    }
    return failed;
}

int run_logs_write(const char *from, const char *folder, int64_t since_ns, const struct scrub *scrub,
                   struct error *err)
{
    struct loop loop;
    if (run_logs_prepare(folder, err) || loop_init(&loop, err))
        return -1;
    int failed = write_logs(&loop, from, folder, since_ns, scrub, err);
    loop_fini(&loop);
    return failed;
}

char *run_logs_tail(const char *from, const char *resource, int64_t since_ns)
{
    struct log_page_options options = {.count = TAIL_LINES, .since_ns = since_ns};
    struct log_page page = {0};
    struct strbuf text = {0};
    strlist_add(&options.resources, resource);
    if (!log_page_read(from, &options, &page, NULL)) {
        for (size_t i = 0; i < page.count; i++) {
            cleanup_free char *line = log_line_shown(&page.lines[i]);
            strbuf_addf(&text, "%s\n", line);
        }
    }
    log_page_free(&page);
    strlist_free(&options.resources);

    if (text.length)
        return strbuf_take(&text);
    strbuf_free(&text);
    return NULL;
}
