/* One host process: a uv_process_t, two polled pipes, two timers.
 *
 * Read process_spawn() first, then process_on_exit() and try_finish(), which decides when a process is
 * finished: it has exited, its pipes have ended (or a second has passed: a grandchild may hold them), and,
 * when it was asked to stop, its group is empty or the deadline has passed. What is then left of the group is
 * killed.
 *
 * Pipes come from pipe2() and are inherited: libuv's own are socket pairs, which break `> /dev/stdout` in the
 * child and are half as fast. They are read straight into a buffer on the stack, no copies.
 *
 * Ownership: the owner holds the struct until process_free(); memory goes when libuv has closed the last
 * handle. */
#include "process/process.h"
#include "base/log.h"
#include "base/mem.h"
#include "process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READ_SIZE = 64 * 1024,
    READS_A_ROUND = 8, /* then the others have their turn */
    PIPE_SIZE_BUSY = 256 * 1024,
    LINGER_MS = 1000,
    GROUP_CHECK_MS = 10,
    KILL_WAIT_MS = 100,
};

void process_handle_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;
    if (--p->handles == 0 && p->is_released)
        free(p);
}

static void close_child(struct process *p)
{
    if (p->adopted)
        detached_close(p);
    else if (!uv_is_closing((uv_handle_t *)&p->child))
        uv_close((uv_handle_t *)&p->child, process_handle_closed);
}

static void close_input(struct process *p)
{
    if (p->input_fd >= 0)
        close(p->input_fd);
    p->input_fd = -1;
}

static void close_stream(struct process_stream *s)
{
    if (s->fd < 0)
        return;
    uv_close((uv_handle_t *)&s->poll, process_handle_closed);
    close(s->fd);
    s->fd = -1;
}

/* ---- output ---- */

static void end_stream(struct process_stream *s)
{
    struct process *p = s->process;
    close_stream(s);
    if (p->on_output)
        p->on_output(s->number, "", 0, p->data);
}

/* A child that fills the pipe between two of our reads gets a larger one: fewer switches between the two of
 * us. */
static void grow_pipe(struct process_stream *s)
{
    if (!s->has_grown && fcntl(s->fd, F_SETPIPE_SZ, PIPE_SIZE_BUSY) < 0)
        log_debug("cannot enlarge a pipe: %s", strerror(errno));
    s->has_grown = true;
}

/* Reads what is there, up to `rounds` buffers. False when the process was released by its owner meanwhile. */
static bool read_stream(struct process_stream *s, int rounds)
{
    char bytes[READ_SIZE];
    struct process *p = s->process;

    while (s->fd >= 0 && rounds-- > 0) {
        ssize_t n = read(s->fd, bytes, sizeof bytes);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0) {
            end_stream(s);
            return !p->is_released;
        }
        if (p->on_output)
            p->on_output(s->number, bytes, (size_t)n, p->data);
        if (p->is_released)
            return false;
        if ((size_t)n < sizeof bytes)
            return true;
        grow_pipe(s);
    }

    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct process *p = poll->data;
    struct process_stream *s = &p->streams[poll != &p->streams[0].poll];
    (void)events;
    if (status < 0)
        end_stream(s);
    else if (!read_stream(s, READS_A_ROUND))
        return;
    if (s->fd < 0 && !p->is_released)
        process_try_finish(p);
}

/* ---- the group ---- */

/* Once the leader was reaped its number may belong to somebody else: then it exists again as a process. While
 * members of our group live, the kernel does not give the number away. */
static bool has_group(const struct process *p)
{
    if (!p->has_exited)
        return !p->adopted || detached_is_alive(p);
    return kill(p->pid, 0) < 0 && errno == ESRCH && kill(-p->pid, 0) == 0;
}

static int signal_group(const struct process *p, int signum)
{
    if (!has_group(p)) {
        errno = ESRCH;
        return -1;
    }
    return kill(-p->pid, signum);
}

/* ---- the end ---- */

static void finish(struct process *p)
{
    p->is_finished = true;
    timer_stop(&p->deadline);
    timer_stop(&p->linger);
    signal_group(p, SIGKILL);
    close_input(p);
    detached_unfollow(p);
    close_child(p);
    if (p->on_exit)
        p->on_exit(&p->how, p->data);
}

static bool has_open_streams(const struct process *p)
{
    return p->streams[0].fd >= 0 || p->streams[1].fd >= 0;
}

void process_try_finish(struct process *p)
{
    if (!p->has_exited || p->is_finished || has_open_streams(p))
        return;
    if (p->is_stopping && !p->is_overdue && has_group(p)) {
        timer_start(&p->linger, GROUP_CHECK_MS);
        return;
    }
    finish(p);
}

static void on_linger(void *data)
{
    struct process *p = data;
    if (has_open_streams(p) && loop_now_ms(p->loop) - p->exited_ms < LINGER_MS) {
        timer_start(&p->linger, p->exited_ms + LINGER_MS - loop_now_ms(p->loop));
        return;
    }
    for (int i = 0; i < 2; i++) {
        if (!read_stream(&p->streams[i], READS_A_ROUND))
            return;
        if (p->streams[i].fd < 0)
            continue;
        end_stream(&p->streams[i]);
        if (p->is_released)
            return;
    }
    process_try_finish(p);
}

void process_on_exit(uv_process_t *child, int64_t code, int signum)
{
    struct process *p = child->data;
    p->has_exited = true;
    p->exited_ms = loop_now_ms(p->loop);
    p->how = (struct process_exit){.code = signum ? -1 : (int)code, .signal = signum};
    if (p->is_released) {
        close_child(p);
        return;
    }
    timer_start(&p->linger, LINGER_MS);
    process_try_finish(p);
}

static void on_deadline(void *data)
{
    struct process *p = data;
    p->is_overdue = true;
    signal_group(p, SIGKILL);
    process_try_finish(p);
}

/* ---- the start ---- */

void process_read(struct process *p, int index, int fd)
{
    struct process_stream *s = &p->streams[index];
    *s = (struct process_stream){.process = p, .number = index + 1, .fd = fd};
    int rc = uv_poll_init(&p->loop->uv, &s->poll, fd);
    if (rc < 0) { /* out of kernel memory: the output is lost, the process is not */
        log_warn("cannot read the output of process %d: %s", (int)p->pid, uv_strerror(rc));
        close(fd);
        s->fd = -1;
        return;
    }
    s->poll.data = p;
    p->handles++;
    uv_poll_start(&s->poll, UV_READABLE, on_readable);
}

struct process *process_new(struct loop *loop, const struct process_options *options)
{
    struct process *p = xcalloc(1, sizeof *p);
    p->loop = loop;
    p->on_output = options->on_output;
    p->on_exit = options->on_exit;
    p->data = options->data;
    p->streams[0].fd = p->streams[1].fd = p->pidfd = p->output_fd = p->input_fd = -1;
    timer_init(loop, &p->linger, on_linger, p);
    timer_init(loop, &p->deadline, on_deadline, p);
    return p;
}

struct process *process_spawn(struct loop *loop, const struct process_options *options, struct error *err)
{
    struct process *p = process_new(loop, options);
    if (process_start(p, options, err) == 0)
        return p;
    p->is_released = true;
    close_input(p);
    if (p->handles)
        close_child(p);
    else
        free(p);
    return NULL;
}

pid_t process_pid(const struct process *process)
{
    return process->pid;
}

bool process_is_running(const struct process *process)
{
    return !process->is_finished;
}

uint64_t process_start_ticks(pid_t pid)
{
    enum {
        FIELD_AFTER_NAME = 20
    }; /* starttime is field 22 of proc(5); the name (2) may hold blanks and parentheses */
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    if (fd >= 0)
        n = read(fd, text, sizeof text - 1);

    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    char *at = strrchr(text, ')');
    for (int i = 0; at && i < FIELD_AFTER_NAME; i++)
        at = strchr(at + 1, ' ');
    if (at)
        return strtoull(at, NULL, 10);
    return 0;
}

/* ---- stopping ---- */

void process_stop(struct process *p, int signum, int64_t timeout_ms)
{
    if (p->is_finished)
        return;
    int64_t due_ms = loop_now_ms(p->loop) + timeout_ms;
    if (!p->is_stopping || (timer_is_armed(&p->deadline) && due_ms < p->deadline.due_ms))
        timer_start(&p->deadline, timeout_ms);
    p->is_stopping = true;
    signal_group(p, signum);
    signal_group(p, SIGCONT); /* a stopped process would sleep through everything but KILL */
}

int process_signal(struct process *p, int signum, struct error *err)
{
    if (p->is_finished || signal_group(p, signum) < 0)
        return error_set(err, ERROR_NOT_RUNNING, "cannot signal process %d: %s", (int)p->pid,
                         strerror(ESRCH));
    return 0;
}

/* A killed process is dead within a millisecond; waiting for that here keeps the loop's end simple. One that
 * hangs in the kernel is left to the loop. */
static bool reap_now(pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return waitpid(pid, NULL, WNOHANG) == pid;
    struct pollfd dead = {.fd = fd, .events = POLLIN};
    poll(&dead, 1, KILL_WAIT_MS);
    close(fd);
    return waitpid(pid, NULL, WNOHANG) == pid;
}

static void let_go(struct process *p)
{
    timer_stop(&p->linger);
    timer_stop(&p->deadline);
    p->is_released = true;
    p->on_output = NULL;
    p->on_exit = NULL;
    close_input(p);
    detached_unfollow(p);
    close_stream(&p->streams[0]);
    close_stream(&p->streams[1]);
}

void process_free(struct process *p)
{
    if (!p)
        return;
    if (!p->is_finished)
        signal_group(p, SIGKILL);
    let_go(p);
    if (p->handles == 0)
        free(p);
    else if (p->has_exited || p->adopted || reap_now(p->pid))
        close_child(p);
}

void process_release(struct process *p)
{
    let_go(p);
    if (p->handles == 0)
        free(p);
    else
        close_child(p);
}
