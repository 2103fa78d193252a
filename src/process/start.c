/* The start of a process: what it inherits, and the words for why it could not be started.
 *
 * Its output goes into pipes of ours, or into a file when it may outlive us; its input is /dev/null, a text
 * in memory, or a pipe that stays open. Everything else that we have open is closed in the child. Failure
 * modes: a command that cannot be found or executed, a folder that is not there, no memory: said by name,
 * nothing is left open. */
#include "base/coredump.h"
#include "base/file.h"
#include "base/mem.h"
#include "guard/guard.h"
#include "process/find.h"
#include "process/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { NO_INPUT = INT_MIN }; /* no descriptor and no error of libuv */

static void mark_descriptors_cloexec(void)
{
    /* Some belong to libraries that leave them inheritable (libcurl 7.88's sockets). */
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
        return;
    int limit = (int)sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < limit && fd < 65536; fd++)
        fd_set_cloexec(fd, true);
}

static int fail_spawn(const char *command, int rc, struct error *err)
{
    switch (rc) {
    case UV_ENOENT: /* the file was there a moment ago */
        error_set(err, ERROR_NOT_FOUND, "cannot execute %s: the interpreter that it names does not exist",
                  command);
        return error_hint(err, "look at its first line (#!), or at its dynamic loader"), -1;
    case UV_EACCES:
    case UV_EPERM:
        return error_set(err, ERROR_NOT_EXECUTABLE, "cannot execute %s: permission denied", command);
    case UV_E2BIG:
        return error_set(err, ERROR_RESOURCE, "cannot execute %s: arguments and environment are too long",
                         command);
    default:
        return error_set(err, ERROR_RESOURCE, "cannot execute %s: %s", command, uv_strerror(rc));
    }
}

/* A file in memory rather than a pipe: written before the child exists, so that nobody has to feed it; and
 * not in any folder, because it may hold secrets. Returns -1 with errno, or the descriptor at its start. */
static int open_input(const char *text, bool is_kept)
{
    int fd = memfd_create(is_kept ? GUARD_KEPT_INPUT : "apphost-input", MFD_CLOEXEC);
    size_t length = strlen(text), done = 0;
    while (fd >= 0 && done < length) {
        ssize_t n = write(fd, text + done, length - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* The descriptor that it gets as its standard input, ours to close; NO_INPUT: /dev/null. Or an error of
 * libuv. */
static int make_input(struct process *p, const struct process_options *options)
{
    int ends[2] = {-1, -1};
    if (options->input)
        ends[0] = open_input(options->input, options->is_kept);
    else if (!options->keeps_input_open)
        return NO_INPUT;
    else if (pipe2(ends, O_CLOEXEC) == 0)
        p->input_fd = ends[1];
    if (ends[0] < 0)
        return uv_translate_sys_error(errno);
    return ends[0];
}

static int spawn_child(struct process *p, const struct process_options *options, const char *file,
                       const int outputs[2])
{
    int input = make_input(p, options);
    if (input < 0 && input != NO_INPUT)
        return input;

    uv_stdio_container_t stdio[3] = {
        {.flags = input == NO_INPUT ? UV_IGNORE : UV_INHERIT_FD, .data.fd = input},
        {.flags = UV_INHERIT_FD, .data.fd = outputs[0]},
        {.flags = UV_INHERIT_FD, .data.fd = outputs[1]},
    };
    uv_process_options_t spawn = {
        .exit_cb = process_on_exit,
        .file = file,
        .args = (char **)options->argv,
        .env = (char **)options->environment,
        .cwd = options->working_dir,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = 3,
        .stdio = stdio,
    };

    p->child.data = p;
    p->handles++; /* also after a failure the handle has to be closed */
    mark_descriptors_cloexec();
    coredump_give_back();
    int rc = uv_spawn(&p->loop->uv, &p->child, &spawn);
    coredump_forbid_again();
    if (input >= 0)
        close(input);
    return rc;
}

static int make_pipes(int pipes[2][2], const char *command, struct error *err)
{
    if (pipe2(pipes[0], O_CLOEXEC) < 0)
        return error_set(err, ERROR_RESOURCE, "cannot make pipes for %s: %s", command, strerror(errno));
    if (pipe2(pipes[1], O_CLOEXEC) < 0) {
        error_set(err, ERROR_RESOURCE, "cannot make pipes for %s: %s", command, strerror(errno));
        close(pipes[0][0]);
        close(pipes[0][1]);
        return -1;
    }
    return 0;
}

/* Its output goes to a file, so that it can outlive us; we read what comes there. */
static int start_with_file(struct process *p, const struct process_options *options, const char *file,
                           struct error *err)
{
    cleanup_error struct error cause = {0};
    int fd = file_open_own(options->output_path, O_WRONLY | O_APPEND | O_CREAT, &cause);
    if (fd < 0)
        return error_set(err, ERROR_RESOURCE, "%s", cause.text);
    fd_set_nonblock(fd, false); /* the child gets it */
    int64_t end = lseek(fd, 0, SEEK_END);
    int rc = spawn_child(p, options, file, (int[2]){fd, fd});
    close(fd);
    if (rc < 0)
        return fail_spawn(file, rc, err);
    p->pid = p->child.pid;
    detached_follow(p, options->output_path, end);
    return 0;
}

int process_start(struct process *p, const struct process_options *options, struct error *err)
{
    int pipes[2][2];
    if (find_working_dir(options->working_dir, err) < 0)
        return -1;
    cleanup_free char *file = find_command(options, err);
    if (file && options->output_path)
        return start_with_file(p, options, file, err);
    if (!file || make_pipes(pipes, options->argv[0], err) < 0)
        return -1;

    int rc = spawn_child(p, options, file, (int[2]){pipes[0][1], pipes[1][1]});
    for (int i = 0; i < 2; i++) {
        close(pipes[i][1]);
        if (rc < 0)
            close(pipes[i][0]);
    }
    if (rc < 0)
        return fail_spawn(file, rc, err);
    p->pid = p->child.pid;
    for (int i = 0; i < 2; i++)
        process_read(p, i, pipes[i][0]);
    return 0;
}
