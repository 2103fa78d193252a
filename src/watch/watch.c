/* Events and bursts. See watch.h; which folders are watched is tree.c's business.
 *
 * A file counts when it was closed after writing, moved, or removed. Creation alone counts only for links:
 * what is being written says so again when it is closed. */
#include "watch/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pick.h"

#include <errno.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SETTLE_MS = 100, LONGEST_MS = 2000, READS_A_TURN = 16, AGAIN_MS = 1 };
enum { TICK_NS = 10000000 }; /* times of files are those of the kernel's last tick */

/* ---- bursts ---- */

static void on_settled(void *data)
{
    struct watch *watch = data;
    cleanup_free char *path = take_ptr(&watch->path);
    watch->options.on_change(path, watch->more, watch->last_ms, watch->options.data);
}

void watch_note(struct watch *watch, const char *path)
{
    int64_t now = loop_now_ms(watch->loop);
    if (!watch->path) {
        watch->path = xstrdup(path);
        watch->first_ms = now;
        watch->more = false;
    }
    watch->last_ms = now;
    watch->more = watch->more || strcmp(watch->path, path) != 0;
    int64_t left = watch->first_ms + LONGEST_MS - now;
    timer_start(&watch->settle, int64_max(int64_min(left, SETTLE_MS), 0));
}

void watch_trouble(struct watch *watch, const char *what, const char *limit)
{
    cleanup_error struct error err = {0};
    if (watch->was_troubled || !watch->options.on_trouble)
        return;
    watch->was_troubled = true;
    error_set(&err, ERROR_FAILED, "not every change below %s is seen: %s", watch->folder, what);
    if (limit) {
        cleanup_free char *path = xasprintf("/proc/sys/fs/inotify/%s", limit);
        cleanup_free char *value = file_read(path, 64, NULL, NULL);
        if (value)
            value[strcspn(value, "\n")] = '\0';
        error_hint(&err, "fs.inotify.%s is %s: raise it with sysctl, or write narrower globs", limit,
                   text_or(value, "too low"));
    } else
        error_hint(&err, "write narrower globs, or take folders out with \"!FOLDER\"");
    watch->options.on_trouble(&err, watch->options.data);
}

/* ---- events ---- */

static bool is_link(const struct watch *watch, const char *path)
{
    struct stat st;
    cleanup_free char *whole = xasprintf("%s/%s", watch->folder, path);
    return lstat(whole, &st) == 0 && (S_ISLNK(st.st_mode) || st.st_nlink > 1);
}

static void on_folder(struct watch *watch, const char *path, uint32_t what)
{
    if (what & (IN_CREATE | IN_MOVED_TO))
        tree_add(watch, path);
    else if (what & IN_MOVED_FROM && tree_drop(watch, path))
        watch_note(watch, path);
}

static void on_file(struct watch *watch, const char *path, uint32_t what)
{
    if (!globs_match(&watch->globs, path) || (what & IN_CREATE && !is_link(watch, path)))
        return;
    watch_note(watch, path);
}

static void look_again(struct watch *watch)
{
    tree_drop(watch, "");
    watch->since_ns = loop_wall_ns(watch->loop) - TICK_NS;
    timer_start(&watch->retry, AGAIN_MS);
}

static void on_event(struct watch *watch, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW) {
        watch_note(watch, "many files");
        look_again(watch);
        return;
    }

    struct watch_folder *folder = tree_find(watch, event->wd);
    if (!folder)
        return;
    bool is_top = !*folder->path;
    if (event->mask & (IN_IGNORED | IN_MOVE_SELF)) {
        if (event->mask & IN_IGNORED)
            tree_forget(watch, folder);
        if (is_top)
            look_again(watch);
        watch->is_new = watch->is_new || is_top;
        return;
    }
    if (!event->len)
        return;

    cleanup_free char *path = xasprintf("%s%s%s", folder->path, text_if(!is_top, "/"), event->name);
    if (event->mask & IN_ISDIR)
        on_folder(watch, path, event->mask);
    else
        on_file(watch, path, event->mask);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct watch *watch = poll->data;
    _Alignas(struct inotify_event) char buffer[16384];
    for (int i = 0; i < READS_A_TURN; i++) {
        ssize_t length = read(watch->fd, buffer, sizeof buffer);
        if (length <= 0)
            return;
        for (ssize_t at = 0; at < length;) {
            const struct inotify_event *event = (const void *)(buffer + at);
            on_event(watch, event);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

/* ---- life ---- */

static void on_no_descriptor(void *data)
{
    watch_trouble(data, "the kernel's limit of inotify instances is reached", "max_user_instances");
}

struct watch *watch_new(struct loop *loop, const struct watch_options *options)
{
    struct watch *watch = xcalloc(1, sizeof *watch);
    watch->loop = loop;
    watch->options = *options;
    watch->folder = xstrdup(options->folder);
    watch->since_ns = loop_wall_ns(loop) - TICK_NS;
    globs_init(&watch->globs, options->globs, options->glob_count);
    timer_init(loop, &watch->settle, on_settled, watch);
    watch->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (watch->fd < 0) {
        turn_init(&watch->walk, on_no_descriptor, watch);
        loop_post(loop, &watch->walk);
        return watch;
    }

    uv_poll_init(&loop->uv, &watch->poll, watch->fd);
    watch->poll.data = watch;
    watch->is_polling = true;
    uv_poll_start(&watch->poll, UV_READABLE, on_readable);
    tree_start(watch);
    return watch;
}

static void on_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;
    free(watch);
}

void watch_free(struct watch *watch)
{
    if (!watch)
        return;
    timer_stop(&watch->settle);
    tree_free(watch);
    globs_fini(&watch->globs);
    free(watch->folder);
    free(watch->path);
    if (!watch->is_polling) {
        free(watch);
        return;
    }
    uv_poll_stop(&watch->poll);
    close(watch->fd);
    uv_close((uv_handle_t *)&watch->poll, on_closed);
}
