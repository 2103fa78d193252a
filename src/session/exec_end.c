/* See exec_end.h. */
#include "session/exec_end.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/ours.h"
#include "base/signals.h"
#include "base/stall.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

enum {
    STAGE_ASKED = 1,
    STAGE_KILLED,
    OPEN_MS = 2000,
    ASKED_MS = 10000,
    KILLED_MS = 5000,
    AGAIN_MS = 300,
    ONE_MOMENT_MS = 100, /* what comes twice in it is one: timeout(1) signals its child, then its group */
};

static const int deadly[] = {SIGINT, SIGTERM, SIGHUP};

/* $1: the mark, $2: signals. Shells leave the zeros of an environment out, and no other program is needed.
 * 1: nobody carries the mark. */
static const char script[] =
    "found=1\n"
    "for p in /proc/[0-9]*; do\n"
    "  while IFS= read -r line || [ -n \"$line\" ]; do\n"
    "    case $line in *\"$1\"*) found=0; for s in $2; do kill -$s \"${p#/proc/}\"; done; break ;; esac\n"
    "  done <\"$p/environ\"\n"
    "done 2>/dev/null\n"
    "exit $found\n";

static void leave(struct exec_end *end)
{
    if (end->has_left)
        return;
    end->has_left = true;
    timer_stop(&end->patience);
    timer_stop(&end->again);
    if (end->is_open)
        output_warn(end->options->output, "%s may still run in the container: nothing there could end it",
                    end->options->argv[0]);
    end->leave(end->data);
}

static void ask(struct exec_end *end);

static void on_again(void *data)
{
    ask(data);
}

static void on_asked(const struct engine_result *result, const struct error *err, void *data)
{
    struct exec_end *end = data;
    end->asking = NULL;
    if (err || result->exit_code > 1)
        leave(end); /* there is no shell, or no engine */
    else if (result->exit_code == 1)
        timer_start(&end->again, AGAIN_MS); /* it has just ended, or is about to begin */
}

static void ask(struct exec_end *end)
{
    char signals[32];
    int signum = end->signum;
    if (end->stage >= STAGE_KILLED)
        signum = SIGKILL;
    snprintf(signals, sizeof signals, "%d%s CONT", signum, end->has_terminal ? " HUP" : "");
    const char *const argv[] = {"sh", "-c", script, "sh", end->mark, signals, NULL};
    const struct engine_session request = {.argv = argv, .user = end->options->user};

    timer_stop(&end->again);
    if (end->asking)
        engine_cancel(end->engine, end->asking);
    end->asking = engine_session(end->engine, end->options->container, &request, on_asked, end);
}

static int patience_of(const struct exec_end *end)
{
    if (!end->is_open)
        return OPEN_MS;
    if (end->stage == STAGE_KILLED)
        return KILLED_MS;
    return ASKED_MS;
}

static void go_on(void *data)
{
    struct exec_end *end = data;
    bool is_begun = end->stage > 0;
    if (end->stage == STAGE_KILLED || (is_begun && !end->is_open)) {
        leave(end);
        return;
    }
    end->stage++;
    timer_start(&end->patience, patience_of(end));
    if (end->is_open)
        ask(end);
}

static void on_signal(int signum, void *data)
{
    struct exec_end *end = data;
    int64_t now_ms = loop_clock_ms();
    if (end->stage && now_ms - end->signalled_ms < ONE_MOMENT_MS)
        return;
    end->signalled_ms = now_ms;
    if (!end->signum)
        end->signum = signum;
    go_on(end);
}

void exec_end_begin(struct exec_end *end, int signum)
{
    if (!end->stage)
        on_signal(signum, end);
}

void exec_end_open(struct exec_end *end)
{
    end->is_open = true;
    if (!end->stage)
        return;
    timer_start(&end->patience, ASKED_MS);
    ask(end);
}

int exec_end_start(struct exec_end *end, struct error *err)
{
    char number[17];
    digest_random_text(number, 16, "0123456789abcdef");
    snprintf(end->mark, sizeof end->mark, VARIABLE_EXEC "=%s", number);
    timer_init(end->loop, &end->patience, go_on, end);
    timer_init(end->loop, &end->again, on_again, end);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
        if (loop_watch_signal(end->loop, deadly[i], on_signal, end, err))
            return -1;
        stall_note(deadly[i]);
    }
    return 0;
}

void exec_end_stop(struct exec_end *end)
{
    timer_stop(&end->patience);
    timer_stop(&end->again);
    if (end->asking)
        engine_cancel(end->engine, end->asking);
    end->asking = NULL;
}

void exec_end_raise(const struct exec_end *end)
{
    if (!end->signum)
        return;
    signals_give_back();
    raise(end->signum);
    _exit(signals_exit_code(end->signum)); /* whoever started us has it ignored */
}
