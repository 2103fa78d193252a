/* See isolate.h. What the workers print is passed on by isolate_relay.c. */
#include "cli/isolate.h"

#include "base/file.h"
#include "base/image.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/pick.h"
#include "base/signals.h"
#include "cli/isolate_relay.h"
#include "model/model.h"
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

struct slots {
    int fds[ISOLATE_MOST], numbers[ISOLATE_MOST];
    int first, at_once; /* who is next, and how many of them */
};

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
    if (worker->variants)
        setenv(VARIABLE_WORKER_IMAGE, worker->variants[number - 1], 1);
    context->environment = environ;
}

/* Forks one; true in the worker. */
static bool fork_worker(struct isolate_relay *relay, const struct isolate_name *name, struct error *err)
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
        isolate_relay_add(relay, name, pid, (int[2]){out[0], errors[0]});
        return false;
    }

    /* A group of its own: the terminal's signals reach the parent, which passes them on once. */
    setpgid(0, 0);
    isolate_relay_leave_signals();
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

/* Which ones of all, from `first` on, run at once. True in the worker, which goes on as one. */
static bool start_workers(struct context *context, struct isolate_worker *worker, struct isolate_relay *relay,
                          const struct slots *slots, struct error *err)
{
    int end = slots->first + slots->at_once;
    for (int i = slots->first; i < end && !error_is_set(err); i++) {
        struct isolate_name name = {.number = i + 1, .count = worker->count};
        if (worker->variants)
            name.label = worker->variants[i];
        if (!fork_worker(relay, &name, err))
            continue;

        isolate_relay_forget(relay);
        become_worker(context, worker, i + 1, slots->numbers[i]);
        speak_plainly(context);
        for (int other = 0; other < worker->count; other++)
            if (other != i)
                close(slots->fds[other]);
        return true;
    }
    return false;
}

/* -1: in a worker. */
static int run_workers(struct context *context, struct isolate_worker *worker, struct slots *slots,
                       struct error *err)
{
    int worst = 0;
    for (int i = 0; i < worker->count; i++)
        worker->parts[i] = memfd_create("apphost-report", MFD_CLOEXEC);
    slots->at_once = worker->count;
    if (worker->is_sequential)
        slots->at_once = 1;
    fflush(NULL);
    for (; slots->first < worker->count && !error_is_set(err); slots->first += slots->at_once) {
        struct isolate_relay *relay = isolate_relay_new(&context->output);
        if (start_workers(context, worker, relay, slots, err))
            return -1;
        if (error_is_set(err))
            isolate_relay_stop(relay);

        worst = int_max(worst, isolate_relay_run(relay));
        if (isolate_relay_was_interrupted())
            break;
    }
    return worst;
}

/* ---- which ones ---- */

static int check_image(const char *image, struct error *err)
{
    const char *fault = image_reference_fault(image);
    if (!fault)
        return 0;
    return error_set(err, ERROR_USAGE, "--matrix: %s is no image: %s", image, fault);
}

/* "valkey:8.1" is that version of the image that a Valkey has by itself, wherever that is. The caller frees.
 */
static char *whole_image(const char *word, size_t length)
{
    static const enum model_kind kinds[] = {MODEL_REDIS, MODEL_VALKEY, MODEL_GARNET};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct model_kind_info *kind = model_kind_info(kinds[i]);
        size_t name = strlen(kind->name);
        const char *colon = strrchr(kind->default_image, ':');
        if (length > name && word[name] == ':' && !strncmp(word, kind->name, name))
            return xasprintf("%.*s%.*s", (int)(colon - kind->default_image), kind->default_image,
                             (int)(length - name), word + name);
    }
    return xstrndup(word, length);
}

/* "image=redis:7.2,redis:8.0" */
static int read_matrix(struct isolate_worker *worker, const char *text, struct error *err)
{
    static const char axis[] = "image=";
    const char *at = text + sizeof axis - 1;
    if (!str_starts(text, axis) || !*at) {
        error_set(err, ERROR_USAGE, "--matrix %s is not understood", text);
        return error_hint(err, "--matrix image=redis:7.2,redis:8.0,valkey:8.1"), -1;
    }

    worker->variants = xcalloc(ISOLATE_MOST, sizeof *worker->variants);
    while (worker->count < ISOLATE_MOST) {
        size_t length = strcspn(at, ",");
        char *image = whole_image(at, length);
        worker->variants[worker->count++] = image;
        if (check_image(image, err))
            return -1;
        if (!at[length])
            return 0;
        at += length + 1;
    }
    return error_set(err, ERROR_USAGE, "--matrix takes at most %d images", ISOLATE_MOST);
}

void isolate_end(struct isolate_worker *worker)
{
    for (int i = 0; worker->variants && i < worker->count; i++)
        free((char *)worker->variants[i]);
    free(worker->variants);
    worker->variants = NULL;
}

/* 0: *worker->count says how many, 0 for one ordinary run. */
static int read_options(const struct args *args, struct isolate_worker *worker, struct error *err)
{
    const char *matrix = args_value(args, "matrix"), *isolate = args_value(args, "isolate");
    int64_t count = args_count(args, "isolate", 0);
    worker->is_sequential = matrix && !args_flag(args, "parallel");
    if (matrix && isolate)
        return error_set(err, ERROR_USAGE,
                         "--matrix and --isolate are two ways to run it several times: one of them");
    if (!matrix && args_flag(args, "parallel"))
        return error_set(err, ERROR_USAGE, "--parallel is for --matrix");

    if (matrix && read_matrix(worker, matrix, err))
        return -1;
    if (matrix)
        return check_count(args, worker->count, err);
    if (isolate && check_count(args, count, err))
        return -1;
    worker->count = (int)count;
    return 0;
}

int isolate_begin(struct context *context, struct isolate_worker *worker, int *code, struct error *err)
{
    struct slots slots = {0};
    cleanup_error struct error why = {0};
    *worker = (struct isolate_worker){0};
    if (read_options(&context->args, worker, err))
        return -1;
    if (!worker->count)
        return 0;
    if (take_slots(context, worker->count, slots.fds, slots.numbers, err))
        return -1;
    if (worker->count == 1 && !worker->variants) {
        become_worker(context, worker, 1, slots.numbers[0]);
        return 0;
    }

    *code = run_workers(context, worker, &slots, &why);
    worker->is_forked = *code < 0;
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
