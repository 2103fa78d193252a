/* A loop, a child and its output: see run.h. */
#include "run.h"
#include "base/mem.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

enum { LIMIT_MS = 30000 };

int run_setup(void **state)
{
    struct run *run = xcalloc(1, sizeof *run);
    assert_int_equal(loop_init(&run->loop, NULL), 0);
    *state = run;
    return 0;
}

int run_teardown(void **state)
{
    struct run *run = *state;
    process_free(run->process);
    int rc = loop_fini(&run->loop);
    strbuf_free(&run->out[1]);
    strbuf_free(&run->out[2]);
    free(run);
    assert_int_equal(rc, 0);
    return 0;
}

static void release(struct run *run)
{
    process_free(run->process);
    run->process = NULL;
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct run *run = data;
    assert_in_range(stream, 1, 2);
    assert_false(run->has_ended[stream]);
    if (length == 0)
        run->has_ended[stream] = true;
    strbuf_add(&run->out[stream], bytes, length);
    if (run->frees_in_output)
        release(run);
}

static void on_exit_once(const struct process_exit *how, void *data)
{
    struct run *run = data;
    run->exits++;
    run->how = *how;
    if (run->frees_in_exit)
        release(run);
}

struct process *run_argv(struct run *run, const char *const *argv, const char *const *environment,
                         const char *dir, struct error *err)
{
    struct process_options options = {
        .argv = argv,
        .environment = environment,
        .working_dir = dir,
        .input = run->input,
        .keeps_input_open = run->keeps_input_open,
        .output_path = run->output_path,
        .is_kept = run->output_path != NULL,
        .on_output = on_output,
        .on_exit = on_exit_once,
        .data = run,
    };
    run->process = process_spawn(&run->loop, &options, err);
    return run->process;
}

struct process *run_adopt(struct run *run, pid_t pid, uint64_t start_ticks, int64_t output_offset,
                          struct error *err)
{
    struct process_options options = {
        .output_path = run->output_path,
        .on_output = on_output,
        .on_exit = on_exit_once,
        .data = run,
        .adopt = {pid, start_ticks, output_offset},
    };
    run->process = process_adopt(&run->loop, &options, err);
    return run->process;
}

void run_script(struct run *run, const char *script)
{
    const char *argv[] = {"/bin/sh", "-c", script, NULL};
    const char *environment[] = {"PATH=/usr/bin:/bin", NULL};
    assert_non_null(run_argv(run, argv, environment, NULL, NULL));
    assert_int_equal(run->exits, 0);
}

static void on_limit(void *data)
{
    *(bool *)data = true;
}

bool run_until(struct run *run, bool (*holds)(struct run *run))
{
    bool is_over = false;
    struct timer limit;
    timer_init(&run->loop, &limit, on_limit, &is_over);
    timer_start(&limit, LIMIT_MS);
    while (!holds(run) && !is_over)
        loop_run_once(&run->loop);
    timer_stop(&limit);
    return holds(run);
}

bool run_has_exited(struct run *run)
{
    return run->exits > 0;
}

bool run_has_output(struct run *run)
{
    return run->out[1].length > 0;
}
