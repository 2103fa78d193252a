/* The reader: the feeds of several resources, merged by time, woken by inotify on their folder.
 *
 * All reading happens in on_work(), a turn: fill every feed that has something, deliver the earliest
 * record's lines, go on for a while, and come back in the next round when there is more. At the end of
 * everything it waits for the folder's events (follow) or tells on_end. Where inotify is not to be had, a
 * timer looks instead; it looks once a second in any case, for folders that are removed and made again.
 *
 * Callbacks may pause or free the reader: after each line the state is looked at again. */
#include "base/mem.h"
#include "logs/logs.h"
#include "logs/feed.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { ROUND_BYTES = 1024 * 1024, CHECK_MS = 1000, POLL_MS = 100 };

struct log_reader {
    struct loop *loop;
    char *folder;
    struct log_reader_options options;
    log_line_cb *on_line;
    loop_cb *on_end;
    void *data;
    struct feed **feeds;
    size_t count;
    bool finds_new;  /* all resources of the folder are wanted */
    int64_t to_skip; /* lines before the tail */
    struct turn work;
    struct timer check;
    uv_fs_event_t watch;
    bool has_watch_handle, is_watching;
    ino_t watched_inode;
    int holds; /* of libuv, and of running callbacks */
    bool is_paused, is_started, is_ended, is_released;
};

static void free_reader(struct log_reader *r)
{
    for (size_t i = 0; i < r->count; i++)
        feed_free(r->feeds[i]);
    free(r->feeds);
    strlist_free(&r->options.resources);
    free(r->folder);
    free(r);
}

static void drop(struct log_reader *r)
{
    if (--r->holds == 0 && r->is_released)
        free_reader(r);
}

/* ---- feeds ---- */

static struct feed *find_feed(struct log_reader *r, const char *name, size_t length)
{
    for (size_t i = 0; i < r->count; i++)
        if (strncmp(r->feeds[i]->name, name, length) == 0 && r->feeds[i]->name[length] == '\0')
            return r->feeds[i];
    return NULL;
}

static void append_feed(struct log_reader *r, struct feed *f)
{
    r->feeds = xreallocarray(r->feeds, r->count + 1, sizeof(struct feed *));
    r->feeds[r->count++] = f;
    feed_open(f);
}

static bool has_path(const struct log_reader *r, const char *path)
{
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(r->feeds[i]->path, path))
            return true;
    return false;
}

/* What a full disk did not take of these lines is told by the file that should have it. */
static void find_spill(struct log_reader *r, const struct feed *of)
{
    struct feed *spill = feed_new_spill(of);
    if (spill && !has_path(r, spill->path))
        append_feed(r, spill);
    else if (spill)
        feed_free(spill);
}

static void add_feed(struct log_reader *r, const char *name)
{
    struct feed *f = feed_new(r->folder, name, r->options.follow, r->options.since_ns);
    append_feed(r, f);
    find_spill(r, f);
}

static void find_new_feeds(struct log_reader *r)
{
    cleanup_strlist struct strlist names = {0};
    if (!r->finds_new || log_list(r->folder, &names, NULL) < 0)
        return;
    for (size_t i = 0; i < names.count; i++)
        if (!find_feed(r, names.items[i], strlen(names.items[i])))
            add_feed(r, names.items[i]);
}

static void open_all(struct log_reader *r)
{
    int64_t lines = 0;
    for (size_t i = 0; i < r->options.resources.count; i++)
        add_feed(r, r->options.resources.items[i]);
    find_new_feeds(r);
    if (r->options.tail < 0)
        return;
    for (size_t i = 0; i < r->count; i++)
        lines += feed_seek_tail(r->feeds[i], r->options.tail, r->options.grep);
    r->to_skip = 0;
    if (lines > r->options.tail)
        r->to_skip = lines - r->options.tail;
}

/* ---- delivery ---- */

static void deliver_line(struct log_reader *r, struct feed *f)
{
    const char *text = f->record.text + f->text_at;
    size_t left = f->record.length - f->text_at;
    const char *newline = memchr(text, '\n', left);
    size_t length = left;
    if (newline)
        length = (size_t)(newline - text);
    const struct log_line line = {
        .resource = f->name,
        .stream = f->record.stream,
        .time_ns = f->record.time_ns,
        .text = text,
        .length = length,
        .partial = !newline && f->record.partial,
    };

    f->text_at += length + (newline != NULL);
    if (f->text_at >= f->record.length)
        f->has_record = false; /* its bytes stay until the next fill */
    if (!feed_matches(r->options.grep, text, length))
        return;

    if (r->to_skip > 0)
        r->to_skip--;
    else
        r->on_line(&line, r->data);
}

static struct feed *earliest(struct log_reader *r)
{
    struct feed *first = NULL;
    for (size_t i = 0; i < r->count; i++) {
        struct feed *f = r->feeds[i];
        if (feed_fill(f) && (!first || f->record.time_ns < first->record.time_ns))
            first = f;
    }
    return first;
}

/* False when there is nothing left; true when it was enough for one round, or the reader was paused or
 * released. */
static bool deliver(struct log_reader *r, int64_t budget, bool ignores_pause)
{
    while (budget > 0) {
        struct feed *f = earliest(r);
        if (!f)
            return false;
        budget -= (int64_t)(f->record.length - f->text_at);
        while (f->has_record) {
            deliver_line(r, f);
            if (r->is_released || (r->is_paused && !ignores_pause))
                return true;
        }
    }
    return true;
}

static void start(struct log_reader *r)
{
    if (r->is_started)
        return;
    r->is_started = true;
    open_all(r);
}

static void on_work(void *data)
{
    struct log_reader *r = data;
    if (r->is_paused || r->is_ended)
        return;
    start(r);
    r->holds++;
    bool has_more = deliver(r, ROUND_BYTES, false);
    if (r->is_released || r->is_paused) {
        drop(r);
        return;
    }

    drop(r);
    if (has_more) {
        loop_post(r->loop, &r->work);
    } else if (!r->options.follow) {
        r->is_ended = true;
        if (r->on_end)
            r->on_end(r->data);
    }
}

/* ---- waking ---- */

static void wake_all(struct log_reader *r)
{
    if (r->is_started)
        find_new_feeds(r);
    for (size_t i = 0, count = r->count; i < count; i++) {
        r->feeds[i]->is_at_end = false;
        find_spill(r, r->feeds[i]);
    }
    loop_post(r->loop, &r->work);
}

/* All feeds of a name: its files, and what was spilt of it. */
static void wake_name(struct log_reader *r, const char *name, bool is_renamed)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!str_eq(r->feeds[i]->name, name))
            continue;
        r->feeds[i]->is_at_end = false;
        if (is_renamed)
            feed_look(r->feeds[i]); /* also while we are paused or far behind */
    }
}

static void on_folder_event(uv_fs_event_t *watch, const char *file, int events, int status)
{
    struct log_reader *r = watch->data;
    const char *suffix = NULL;
    if (file)
        suffix = strstr(file, ".log");
    if (r->is_released)
        return;

    struct feed *f = NULL;
    if (suffix && status == 0)
        f = find_feed(r, file, (size_t)(suffix - file));
    if (!f) {
        wake_all(r);
        return;
    }
    wake_name(r, f->name, events & UV_RENAME);
    find_spill(r, f);
    loop_post(r->loop, &r->work);
}

static void watch_folder(struct log_reader *r)
{
    struct stat st;
    bool is_there = stat(r->folder, &st) == 0;
    if (r->is_watching && is_there && st.st_ino == r->watched_inode)
        return;
    if (r->is_watching)
        uv_fs_event_stop(&r->watch);
    r->is_watching = is_there && uv_fs_event_start(&r->watch, on_folder_event, r->folder, 0) == 0;
    r->watched_inode = 0;
    if (is_there)
        r->watched_inode = st.st_ino;
    if (is_there)
        wake_all(r);
}

static void on_check(void *data)
{
    struct log_reader *r = data;
    watch_folder(r);
    if (!r->is_watching)
        wake_all(r);
    timer_start(&r->check, r->is_watching ? CHECK_MS : POLL_MS);
}

/* ---- the front door ---- */

struct log_reader *log_reader_start(struct loop *loop, const char *folder,
                                    const struct log_reader_options *options, log_line_cb *on_line,
                                    loop_cb *on_end, void *data)
{
    struct log_reader *r = xcalloc(1, sizeof *r);

    r->loop = loop;
    r->folder = xstrdup(folder);
    r->options = *options;
    r->options.resources = (struct strlist){0};
    strlist_copy(&r->options.resources, &options->resources);
    r->on_line = on_line;
    r->on_end = on_end;
    r->data = data;
    r->finds_new = options->resources.count == 0;
    turn_init(&r->work, on_work, r);
    timer_init(loop, &r->check, on_check, r);

    if (options->follow && uv_fs_event_init(&loop->uv, &r->watch) == 0) {
        r->has_watch_handle = true;
        r->holds++;
        r->watch.data = r;
        watch_folder(r);
        timer_start(&r->check, r->is_watching ? CHECK_MS : POLL_MS);
    }

    loop_post(loop, &r->work);
    return r;
}

void log_reader_drain(struct log_reader *r)
{
    start(r);
    wake_all(r);
    r->holds++;
    while (!r->is_released && deliver(r, ROUND_BYTES, true))
        ;
    drop(r);
}

void log_reader_pause(struct log_reader *r, bool paused)
{
    bool was_paused = r->is_paused;
    r->is_paused = paused;
    if (was_paused && !paused) /* only then: callers tell it after every turn, which must not make the next */
        loop_post(r->loop, &r->work);
}

static void on_watch_closed(uv_handle_t *handle)
{
    drop(handle->data);
}

void log_reader_free(struct log_reader *r)
{
    if (!r)
        return;
    r->is_released = true;
    loop_unpost(r->loop, &r->work);
    timer_stop(&r->check);
    if (r->has_watch_handle)
        uv_close((uv_handle_t *)&r->watch, on_watch_closed);
    r->has_watch_handle = false;
    if (r->holds == 0)
        free_reader(r);
}
