/* See isolate.h. What the workers print is passed on by isolate_relay.c. */
#include "cli/isolate.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/signals.h"
#include "cli/isolate_relay.h"
#include "project/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

/* ---- slots ---- */

/* Somebody works in the project of that slot: `run --keep` left it, or it is just ending. */
static bool is_busy(const struct context *context, const char *slot)
{
    struct project_options options = {
        .args = &context->args, .environment = context->environment, .isolate = slot};
    struct project project = {0};
    bool is_locked = false;
    if (project_identify(&project, &options, NULL) == 0) {
        cleanup_free char *folder = project_folder(&project);
        struct state *state = NULL;
        if (folder)
            state = state_open(folder, false, NULL);
        is_locked = state && state_is_locked(state);
        if (state)
            state_close(state);
    }
    project_free(&project);
    return is_locked;
}

static int lock_slot(const char *file, int slot)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = slot, .l_len = 1};
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return fd;
    close(fd);
    errno = EAGAIN;
    return -1;
}

static char *slots_file(struct context *context, struct error *err)
{
    struct project_options options = context_project_options(context);
    options.ignores_session = true;
    struct project project = {0};
    char *file = NULL;
    if (project_identify(&project, &options, err) == 0 && file_mkdirs(project.root, 0700, err) == 0)
        file = xasprintf("%s/isolate-%s.lock", project.root, project.hash);
    project_free(&project);
    return file;
}

/* Fills fds and slots of `count` workers; -1 when the file cannot be written. */
static int take_slots(struct context *context, int count, int *fds, int *slots, struct error *err)
{
    cleanup_free char *file = slots_file(context, err);
    int found = 0;

    for (int slot = 1; file && found < count; slot++) {
        char name[16];
        int fd = lock_slot(file, slot);
        if (fd < 0 && errno != EAGAIN)
            return error_set(err, ERROR_FAILED, "cannot use %s: %s", file, strerror(errno));
        snprintf(name, sizeof name, "%d", slot);
        if (fd >= 0 && is_busy(context, name)) {
            close(fd);
            continue;
        }
        if (fd >= 0) {
            slots[found] = slot;
            fds[found++] = fd;
        }
    }

    if (file)
        return 0;
    return -1;
}

/* ---- workers ---- */

static void set_number(const char *name, int number)
{
    char text[16];
    snprintf(text, sizeof text, "%d", number);
    setenv(name, text, 1);
}

static void become_worker(struct context *context, struct isolate_worker *worker, int number, int slot)
{
    worker->number = number;
    worker->part = worker->parts[number - 1];
    snprintf(worker->slot, sizeof worker->slot, "%d", slot);
    set_number(VARIABLE_WORKER, number);
    set_number(VARIABLE_WORKER_INDEX, number - 1);
    set_number(VARIABLE_WORKERS, worker->count);
    set_number(VARIABLE_WORKER_SLOT, slot);
    context->environment = environ;
}

/* Forks one; true in the worker. */
static bool fork_worker(struct isolate_relay *relay, int number, struct error *err)
{
    int out[2] = {-1, -1}, errors[2] = {-1, -1};
    pid_t parent = getpid(), pid = -1;
    if (pipe2(out, O_CLOEXEC) == 0 && pipe2(errors, O_CLOEXEC) == 0)
        pid = fork();
    if (pid < 0)
        error_set(err, ERROR_FAILED, "cannot start a worker: %s", strerror(errno));
    if (pid != 0) {
        close(out[1]);
        close(errors[1]);
        isolate_relay_add(relay, number, pid, (int[2]){out[0], errors[0]});
        return false;
    }

    /* A group of its own: the terminal's signals reach the parent, which passes them on once. */
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(signals_exit_code(SIGTERM));
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    dup2(errors[1], STDERR_FILENO);
    int ours[] = {null, out[0], out[1], errors[0], errors[1]};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        close(ours[i]);
    return true;
}

static bool reads_standard_input(const struct args *args)
{
    cleanup_strlist struct strlist files = {0};
    args_values(args, "file", &files);
    return strlist_has(&files, "-");
}

static int check_count(const struct args *args, int64_t count, struct error *err)
{
    if (count < 1 || count > ISOLATE_MOST)
        return error_set(err, ERROR_USAGE, "--isolate wants a number of workers from 1 to %d", ISOLATE_MOST);
    if (count > 1 && reads_standard_input(args))
        return error_set(err, ERROR_USAGE, "%lld workers cannot all read the manifest from standard input",
                         (long long)count);
    return 0;
}

/* The terminal is the parent's; workers say what changes, line by line. */
static void speak_plainly(struct context *context)
{
    if (context->output.progress == PROGRESS_TTY)
        context->output.progress = PROGRESS_PLAIN;
}

static int run_workers(struct context *context, struct isolate_worker *worker, const int *fds,
                       const int *slots, struct error *err)
{
    struct isolate_relay *relay = isolate_relay_new(&context->output);
    fflush(NULL);
    for (int i = 0; i < worker->count; i++)
        worker->parts[i] = memfd_create("apphost-report", MFD_CLOEXEC);
    for (int i = 0; i < worker->count && !error_is_set(err); i++) {
        if (!fork_worker(relay, i + 1, err))
            continue;
        isolate_relay_forget(relay);
        become_worker(context, worker, i + 1, slots[i]);
        speak_plainly(context);
        for (int other = 0; other < worker->count; other++)
            if (other != i)
                close(fds[other]);
        return -1;
    }

    if (error_is_set(err))
        isolate_relay_stop(relay);
    return isolate_relay_run(relay);
}

int isolate_begin(struct context *context, struct isolate_worker *worker, int *code, struct error *err)
{
    int fds[ISOLATE_MOST], slots[ISOLATE_MOST];
    cleanup_error struct error why = {0};
    int64_t count = args_count(&context->args, "isolate", 0);
    *worker = (struct isolate_worker){0};
    if (!args_value(&context->args, "isolate"))
        return 0;
    if (check_count(&context->args, count, err) || take_slots(context, (int)count, fds, slots, err))
        return -1;
    worker->count = (int)count;
    if (count == 1) {
        become_worker(context, worker, 1, slots[0]);
        return 0;
    }

    *code = run_workers(context, worker, fds, slots, &why);
    if (*code < 0)
        return 0;

    if (error_is_set(&why)) {
        error_move(err, &why);
        return -1;
    }

    return 1;
}

char *isolate_path(const struct isolate_worker *worker, const char *path)
{
    if (!path || worker->count < 2)
        return xstrdup_null(path);
    const char *base = path_basename(path), *dot = strrchr(base, '.');
    if (!dot || dot == base)
        return xasprintf("%s-%d", path, worker->number);
    return xasprintf("%.*s-%d%s", (int)(dot - path), path, worker->number, dot);
}
