/* Processes that outlive us: their output goes to a file, and the next one of us adopts them.
 *
 * A pipe would end with us, and a server that logs into it would fail or block; so it appends to a file, and
 * whoever supervises it reads that file as its output (inotify tells). A file that was read and has become
 * large is cut to nothing: it is opened for appending, so the writer goes on at its start.
 *
 * Adopting: pid and start time identify a process for good. It is not our child (or no longer), so its end is
 * told by a pidfd, and its exit code by nobody: it is -1 then. Signals go to its group as they do for
 * children; before each the pidfd is asked whether it still lives, so that a number used anew is never hit.
 */
#include "process/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, CUT_AT = 4 << 20 };

/* ---- output ---- */

static void cut_when_large(struct process *p)
{
    struct stat st;
    bool all_read = p->output_at >= CUT_AT && fstat(p->output_fd, &st) == 0 && st.st_size == p->output_at;
    if (all_read && ftruncate(p->output_fd, 0) == 0)
        p->output_at = 0;
}

static void read_output(struct process *p)
{
    char bytes[READ_SIZE];
    ssize_t n;
    while (p->output_fd >= 0 && (n = pread(p->output_fd, bytes, sizeof bytes, p->output_at)) > 0) {
        p->output_at += n;
        if (p->on_output)
            p->on_output(1, bytes, (size_t)n, p->data);
    }
    if (p->output_fd >= 0)
        cut_when_large(p);
}

static void on_written(uv_fs_event_t *event, const char *name, int events, int status)
{
    (void)name, (void)events, (void)status;
    read_output(event->data);
}

static void on_first_read(void *data)
{
    read_output(data);
}

void detached_follow(struct process *p, const char *path, int64_t offset)
{
    cleanup_error struct error err = {0};
    p->output_fd = file_open_own(path, O_RDWR, &err);
    if (p->output_fd < 0) {
        log_warn("%s", err.text);
        return;
    }

    int64_t end = lseek(p->output_fd, 0, SEEK_END);
    if (offset >= 0 && offset <= end)
        p->output_at = offset;
    else
        p->output_at = end;
    p->output_event.data = p;
    p->handles++; /* cannot fail: the handle is only filled in */
    uv_fs_event_init(&p->loop->uv, &p->output_event);
    int rc = uv_fs_event_start(&p->output_event, on_written, path, 0);
    if (rc < 0)
        log_warn("cannot watch %s: %s", path, uv_strerror(rc));
    turn_init(&p->first_read, on_first_read, p);
    loop_post(p->loop, &p->first_read);
}

void detached_unfollow(struct process *p)
{
    if (p->output_fd < 0)
        return;
    loop_unpost(p->loop, &p->first_read);
    read_output(p);
    close(p->output_fd);
    p->output_fd = -1;
    uv_close((uv_handle_t *)&p->output_event, process_handle_closed);
}

int64_t process_output_offset(struct process *p)
{
    read_output(p);
    return p->output_at;
}

/* ---- adopted ones ---- */

bool detached_is_alive(const struct process *p)
{
    struct pollfd dead = {.fd = p->pidfd, .events = POLLIN};
    return p->pidfd >= 0 && poll(&dead, 1, 0) == 0;
}

void detached_close(struct process *p)
{
    if (p->pidfd < 0)
        return;
    uv_close((uv_handle_t *)&p->watch, process_handle_closed);
    close(p->pidfd);
    p->pidfd = -1;
}

static void on_end(uv_poll_t *watch, int status, int events)
{
    struct process *p = watch->data;
    (void)status, (void)events;
    uv_poll_stop(watch);
    p->has_exited = true;
    p->exited_ms = loop_now_ms(p->loop);
    p->how = (struct process_exit){.code = -1};
    if (!p->is_finished)
        process_try_finish(p);
}

static int open_pidfd(const struct process_options *options, struct error *err)
{
    pid_t pid = options->adopt.pid;
    int fd = -1;
    if (pid > 0)
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    /* Opened first, compared then: what the descriptor means can no longer change. */
    if (fd >= 0 && options->adopt.start_ticks == process_start_ticks(pid))
        return fd;
    if (fd >= 0)
        close(fd);
    return error_set(err, ERROR_NOT_RUNNING, "process %ld has ended", (long)pid);
}

struct process *process_adopt(struct loop *loop, const struct process_options *options, struct error *err)
{
    int fd = open_pidfd(options, err);
    if (fd < 0)
        return NULL;

    struct process *p = process_new(loop, options);
    p->adopted = true;
    p->pid = options->adopt.pid;
    p->pidfd = fd;
    p->watch.data = p;
    int rc = uv_poll_init(&loop->uv, &p->watch, fd);
    if (rc < 0) {
        error_set(err, ERROR_FAILED, "cannot watch process %ld: %s", (long)p->pid, uv_strerror(rc));
        close(fd);
        free(p);
        return NULL;
    }

    p->handles++;
    uv_poll_start(&p->watch, UV_READABLE, on_end);
    if (options->output_path)
        detached_follow(p, options->output_path, options->adopt.output_offset);
    return p;
}
