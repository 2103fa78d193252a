/* `up` in the foreground: merged logs, later changes of state, and every way in which it ends. See up.h.
 *
 * Ends: a signal (ours: the session goes down; somebody else's: only we leave), the project taken down by
 * somebody, the supervisor's death, the end of --exit-code-from's resource, the reader of standard output
 * gone. */
#include "cli/up.h"
#include "session/await.h"
#include "ui/view.h"

#include "base/pick.h"
#include "base/signals.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

enum { MUCH = 8 << 20 };

/* ---- logs ---- */

static void on_log_line(const struct log_line *line, void *data)
{
    struct up *up = data;
    render_hide(up->render);
    log_view_print(&up->view, line);
    if (up->out.pending.length >= MUCH) /* of all that a session said, at its end */
        outbox_flush(&up->out);
}

static void on_log_end(void *data)
{
    (void)data;
}

/* Whoever writes would have got a PIPE. Also while things start, which may take long and print nothing. */
static void notice_end_of_reader(const struct up *up)
{
    struct client *client = &up->context->client;
    bool is_gone = up->out.is_broken || client->audience.is_gone;
    if (is_gone && !client->interrupts)
        client_interrupt(client, SIGPIPE);
}

/* After each turn: what standard output takes is handed out; a reader that is stuck pauses the logs. */
static void flush(void *data)
{
    struct up *up = data;
    if (up->reader)
        log_reader_pause(up->reader, !outbox_flush(&up->out));
    notice_end_of_reader(up);
}

int up_logs_start(struct up *up, const char *folder, const struct strlist *resources)
{
    struct context *context = up->context;
    struct log_reader_options reader = {.tail = -1, .follow = true};
    cleanup_free char *own = NULL;

    if (!folder && !(folder = context->client.logs_folder)) {
        cleanup_free char *state = project_folder(&context->project);
        folder = own = xasprintf("%s/logs", state);
    }
    reader.since_ns = loop_wall_ns(&context->client.loop) - 1000000;
    if (context->client.is_fresh)
        reader.since_ns = context->client.session.started_ns;
    strlist_copy(&reader.resources, resources);
    up->reader = log_reader_start(&context->client.loop, folder, &reader, on_log_line, on_log_end, up);
    strlist_free(&reader.resources);
    audience_watch(&context->client.audience, &context->client.loop, STDOUT_FILENO);
    context->client.after_turn = flush;
    context->client.turn_data = up;
    return 0;
}

void up_logs_end(struct up *up)
{
    if (!up->reader)
        return;
    up->context->client.after_turn = NULL;
    log_reader_pause(up->reader, false);
    log_reader_drain(up->reader);
    log_view_end(&up->view);
    log_reader_free(up->reader);
    up->reader = NULL;
}

/* ---- changes ---- */

/* With replicas the first one decides. */
static bool is_exit_from(const struct up *up, const struct transition *transition)
{
    const char *number = strrchr(text_or_empty(transition->resource), '-');
    if (!up->exit_from || str_eq(transition->resource, up->exit_from))
        return up->exit_from != NULL;
    return transition_is_named(transition, up->exit_from) && str_eq(number, "-1");
}

static bool is_over(enum view_state state)
{
    enum state_class class = render_state_class(state);
    return class == STATE_BAD || class == STATE_GONE || state == VIEW_COMPLETED;
}

static void on_change(const struct transition *transition, void *data)
{
    struct up *up = data;
    if (!up->applying)
        render_record(up->later, transition);
    if (is_over(transition->state) && is_exit_from(up, transition))
        up->exit_from_ended = true;
}

/* NULL: not known. */
static const struct view_resource *look_at(struct up *up, struct view **view)
{
    if (client_view(&up->context->client, ANSWER_LIMIT, view, NULL))
        return NULL;
    return view_find(*view, up->exit_from);
}

/* Its end may have come before we began to watch. */
static void look_for_end(struct up *up)
{
    cleanup_view struct view *view = NULL;
    const struct view_resource *resource = NULL;
    if (up->exit_from)
        resource = look_at(up, &view);
    if (resource && is_over(resource->state))
        up->exit_from_ended = true;
}

static int exit_code_of(struct up *up)
{
    cleanup_view struct view *view = NULL;
    const struct view_resource *resource = look_at(up, &view);
    if (resource && resource->exit_code.is_known)
        return (int)(resource->exit_code.value & 0xff);
    if (resource && resource->state == VIEW_COMPLETED)
        return 0;
    return EXIT_OWN_FAILURE;
}

/* ---- the end ---- */

static void say_who_owns(const struct context *context)
{
    const struct client *client = &context->client;
    if (client->owner > 0)
        output_note(&context->output, "detached; the project goes on, owned by apphost with pid %ld",
                    (long)client->owner);
    else
        output_note(&context->output, "detached; the project goes on until: apphost down");
}

int up_leave(struct up *up, int code, struct error *err)
{
    struct context *context = up->context;
    struct ask_down down = {.leave = !context->client.is_fresh};
    cleanup_view_down struct view_down *removed = NULL;

    trace_phase(up->trace, "down");
    if (context->client.is_fresh)
        output_note(&context->output, "stopping; once more to kill");
    client_end(&context->client, &up->watch); /* what goes is shown by `down` itself */
    int failed = session_down(context, &down, up->render, &removed, err);
    render_finish(up->render, true);
    if (!failed && down.leave && !removed)
        say_who_owns(context);
    if (failed)
        return -1;
    return code;
}

static int supervisor_died(struct error *err)
{
    error_set(err, ERROR_OWNER, "the supervisor died");
    return error_hint(err, "its guard cleans up; if that was killed as well: apphost gc"), -1;
}

static int supervisor_gone(struct up *up, struct error *err)
{
    if (error_is_set(&up->watch.error))
        return supervisor_died(err);
    output_note(&up->context->output, "the project was taken down");
    return 0;
}

static bool has_ended(const struct up *up)
{
    return up->watch.done || up->context->client.interrupts || up->exit_from_ended;
}

static void judge(void *data)
{
    struct up *up = data;
    up->is_news = has_ended(up) || up->changed;
}

static int stay(struct up *up, struct error *err)
{
    struct wait wait = {
        .fact = &up->is_news,
        .what = "the end of the project",
        .limit = FOREVER, /* that is what staying means */
        .judge = judge,
        .data = up,
        .is_steady = true, /* interruptions are among the ends */
    };
    while (!has_ended(up)) {
        if (await(&up->context->client, &wait, err))
            return -1;
        if (up->changed)
            up_watch_apply(up);
    }
    return 0;
}

static int end(struct up *up, struct error *err)
{
    int code = 0;
    if (up->watch.done)
        return supervisor_gone(up, err);
    if (up->exit_from_ended) {
        code = exit_code_of(up);
        if (up->reader)
            log_reader_drain(up->reader);
    }
    if (up->context->client.interrupts)
        code = signals_exit_code(up->context->client.signum);
    return up_leave(up, code, err);
}

int up_stay(struct up *up, struct error *err)
{
    struct context *context = up->context;
    up->later_output = context->output;
    if (context->output.progress == PROGRESS_TTY)
        up->later_output.progress = PROGRESS_PLAIN;
    up->later = render_new(&up->later_output, NULL, stderr);
    render_tell_causes(up->later);
    up->watch = (struct client_call){.on_record = on_change, .data = up};
    client_begin(&context->client, &up->watch, ASK_WATCH, NULL);
    look_for_end(up);
    if (args_flag(&context->args, "watch"))
        up_watch_start(up);

    int code = -1;
    if (!stay(up, err))
        code = end(up, err);
    up_watch_end(up);
    client_end(&context->client, &up->watch);
    render_free(up->later);
    up->later = NULL;
    return code;
}
