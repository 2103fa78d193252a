/* A command that exits with 0. The last line that it wrote goes into the text of a failure. */
#include "base/mem.h"
#include "base/pick.h"
#include "probe/internal.h"

#include <signal.h>
#include <string.h>

enum { OUTPUT_KEPT = 4096, LINE_SHOWN = 200 };

static void drop_process(struct probe *p)
{
    process_free(p->process);
    p->process = NULL;
}

static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct probe *p = data;
    (void)stream;
    if (length > OUTPUT_KEPT) {
        bytes += length - OUTPUT_KEPT;
        length = OUTPUT_KEPT;
    }
    if (p->output.length + length > OUTPUT_KEPT)
        strbuf_consume(&p->output, p->output.length + length - OUTPUT_KEPT);
    strbuf_add(&p->output, bytes, length);
}

/* NULL when there is none. */
static char *last_line(struct probe *p)
{
    while (p->output.length && strchr("\r\n", p->output.data[p->output.length - 1]))
        strbuf_truncate(&p->output, p->output.length - 1);
    if (p->output.length == 0)
        return NULL;

    const char *newline = memrchr(p->output.data, '\n', p->output.length), *begin = p->output.data;
    if (newline)
        begin = newline + 1;
    cleanup_free char *line = xstrndup(begin, LINE_SHOWN);
    return str_printable(line);
}

static void on_command_exit(const struct process_exit *exited, void *data)
{
    struct probe *p = data;
    struct error err = {0};
    struct process_exit how = *exited; /* it goes with the process */
    drop_process(p);
    if (how.signal == 0 && how.code == 0) {
        probe_succeeded(p);
        return;
    }
    cleanup_free char *line = last_line(p);
    if (how.signal)
        error_set(&err, ERROR_RESOURCE, "%s was ended by %s", p->argv.items[0], strsignal(how.signal));
    else
        error_set(&err, ERROR_RESOURCE, "%s exited with %d%s%s", p->argv.items[0], how.code,
                  text_if(line, ": "), text_or_empty(line));
    probe_failed(p, false, &err);
}

static void start(struct probe *p)
{
    struct error err = {0};
    const struct process_options options = {
        .argv = (const char *const *)p->argv.items,
        .environment = (const char *const *)p->environment.items,
        .working_dir = p->options.working_dir,
        .on_output = on_output,
        .on_exit = on_command_exit,
        .data = p,
    };
    strbuf_truncate(&p->output, 0);
    if (p->argv.count == 0)
        error_set(&err, ERROR_NOT_FOUND, "the command is empty");
    else
        p->process = process_spawn(p->loop, &options, &err);

    if (!p->process)
        probe_failed(p, err.code == ERROR_NOT_FOUND || err.code == ERROR_NOT_EXECUTABLE, &err);
}

const struct probe_ops probe_exec = {.start = start, .cancel = drop_process};
