/* Runs a credential helper: docker-credential-<name> get, the server's key on its standard input, its answer
 * and its complaints on standard output (github.com/docker/docker-credential-helpers). A helper may ask its
 * user (keychains), or hang: it gets a deadline, then SIGKILL.
 *
 * Happy path: spawn → read to the end → exit → told → handles closed → freed. A cancelled
 * run is killed and lives on, without telling anybody, until its process is reaped; engine_close() waits for
 * that. */
#include "engine/internal.h"
#include "process/process.h"
#include "base/signals.h"
#include "base/tool.h"

#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <utlist.h>

enum { HELPER_TIMEOUT_MS = 30000, OUTPUT_LIMIT = 64 << 10 };

struct helper_run {
    struct engine *engine;
    struct helper_run *prev, *next;
    uv_process_t process;
    uv_pipe_t output;
    struct strbuf answer;
    struct timer deadline;
    struct turn late;
    helper_done_cb *done; /* NULL: cancelled or told */
    void *data;
    const char *failure;
    int exit_code, open_handles;
    bool exited, ended, closing;
    char block[4096];
};

static void free_run(struct helper_run *run)
{
    struct engine *engine = run->engine;
    DL_DELETE(engine->helpers, run);
    if (run->answer.data)
        mem_wipe(run->answer.data, run->answer.capacity);
    strbuf_free(&run->answer);
    mem_wipe(run->block, sizeof run->block);
    free(run);
    engine_check_closed(engine);
}

static void on_closed(uv_handle_t *handle)
{
    struct helper_run *run = handle->data;
    if (--run->open_handles == 0 && run->closing)
        free_run(run);
}

static void close_handle(struct helper_run *run, uv_handle_t *handle)
{
    if (handle->type == UV_UNKNOWN_HANDLE || uv_is_closing(handle)) /* unknown: never spawned */
        return;
    run->open_handles++;
    uv_close(handle, on_closed);
}

static void close_all(struct helper_run *run)
{
    if (run->closing)
        return;
    run->closing = true;
    timer_stop(&run->deadline);
    close_handle(run, (uv_handle_t *)&run->process);
    close_handle(run, (uv_handle_t *)&run->output);
}

static void tell(struct helper_run *run)
{
    helper_done_cb *done = run->done;
    run->done = NULL;
    if (done)
        done(strbuf_text(&run->answer), run->answer.length, run->exit_code, run->failure, run->data);
}

static void check_end(struct helper_run *run)
{
    bool is_complete = run->ended || run->failure || !run->done;
    if (!run->exited || !is_complete)
        return;
    tell(run);
    close_all(run);
}

static void on_exit_status(uv_process_t *process, int64_t status, int signal)
{
    struct helper_run *run = process->data;
    run->exited = true;
    if (signal)
        run->exit_code = signals_exit_code(signal);
    else
        run->exit_code = (int)status;
    check_end(run);
}

static void on_allocate(uv_handle_t *handle, size_t size, uv_buf_t *buffer)
{
    struct helper_run *run = handle->data;
    (void)size;
    *buffer = uv_buf_init(run->block, sizeof run->block);
}

static void on_read(uv_stream_t *stream, ssize_t length, const uv_buf_t *buffer)
{
    struct helper_run *run = stream->data;
    if (length >= 0) {
        strbuf_add(&run->answer, buffer->base, (size_t)length);
        return;
    }
    uv_read_stop(stream);
    run->ended = true;
    check_end(run);
}

static void on_deadline(void *data)
{
    struct helper_run *run = data;
    run->failure = "did not answer in time";
    if (run->exited) /* something that it started holds its output */
        check_end(run);
    else
        uv_process_kill(&run->process, SIGKILL);
}

static void on_late(void *data)
{
    struct helper_run *run = data;
    tell(run);
    close_all(run);
}

static bool is_name(const char *name)
{
    return *name && *name != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == strlen(name);
}

/* The text as a file without a name: nothing to feed, and a helper that does not read is no trouble. */
static int open_input(const char *text)
{
    int fd = memfd_create("credential", MFD_CLOEXEC);
    size_t length = strlen(text);
    if (fd >= 0 && (write(fd, text, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int spawn(struct helper_run *run, const char *name, int input)
{
    cleanup_free char *program = xasprintf("docker-credential-%s", name);
    char verb[] = "get";
    char *argv[] = {program, verb, NULL};
    uv_stdio_container_t stdio[3] = {
        {.flags = UV_INHERIT_FD, .data.fd = input},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&run->output},
        {.flags = UV_IGNORE},
    };
    char *none[] = {NULL};
    cleanup_strlist struct strlist inherited = {0};

    process_inherit(&inherited, run->engine->environment.items);
    cleanup_free char *file = tool_find(strlist_getenv(&inherited, "PATH"), program, NULL);
    uv_process_options_t options = {
        .exit_cb = on_exit_status,
        .file = file,
        .args = argv,
        .env = inherited.items ? inherited.items : none,
        .stdio_count = 3,
        .stdio = stdio,
    };
    if (!is_name(name) || input < 0)
        return UV_EINVAL;
    if (!file)
        return UV_ENOENT;

    /* Nothing of ours reaches a foreign program. */
    close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
    return uv_spawn(&run->engine->loop->uv, &run->process, &options);
}

static struct helper_run *make(struct engine *engine, helper_done_cb *done, void *data)
{
    struct helper_run *run = xcalloc(1, sizeof *run);
    uv_loop_t *uv = &engine->loop->uv;
    run->engine = engine;
    run->done = done;
    run->data = data;
    run->answer.limit = OUTPUT_LIMIT;
    uv_pipe_init(uv, &run->output, 0);
    run->process.data = run->output.data = run;
    timer_init(engine->loop, &run->deadline, on_deadline, run);
    turn_init(&run->late, on_late, run);
    DL_APPEND(engine->helpers, run);
    return run;
}

struct helper_run *engine_helper_start(struct engine *engine, const char *name, const char *input,
                                       helper_done_cb *done, void *data)
{
    struct helper_run *run = make(engine, done, data);
    int fd = open_input(input);
    int rc = spawn(run, name, fd);
    if (fd >= 0)
        close(fd);
    if (rc < 0) {
        run->failure = "cannot be started";
        if (rc == UV_ENOENT)
            run->failure = "is not installed";
        run->exited = true;
        loop_post(engine->loop, &run->late);
        return run;
    }

    uv_read_start((uv_stream_t *)&run->output, on_allocate, on_read);
    timer_start(&run->deadline, HELPER_TIMEOUT_MS);
    return run;
}

void engine_helper_cancel(struct helper_run *run)
{
    if (!run)
        return;
    run->done = NULL;
    loop_unpost(run->engine->loop, &run->late);
    if (run->exited)
        close_all(run);
    else
        uv_process_kill(&run->process, SIGKILL);
}
