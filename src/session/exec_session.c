/* See exec_session.h.
 *
 * Input: standard input is watched through an epoll descriptor of our own, because libuv would make the
 * descriptor itself non-blocking for everybody who shares it; what cannot be watched (files, /dev/null) never
 * blocks and is read in turns. Reading pauses while more than HIGH bytes wait for the engine. Its end of file
 * is passed on; a command that ends earlier ends us, whatever is left.
 *
 * Output is written as it comes and may block: the engine then waits, and with it the command, until a signal
 * comes. */
#include "session/exec_end.h"

#include "base/mem.h"
#include "base/stall.h"
#include "engine/once.h"
#include "ui/terminal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { PIECE = 64 << 10, HIGH = 256 << 10 };

struct session {
    struct engine_once once;
    struct engine_op *op;
    bool has_terminal;
    int epoll_fd;   /* -1: standard input is read in turns */
    uv_poll_t poll; /* with epoll_fd */
    struct turn turn;
    bool is_over;   /* nothing is read any more */
    bool is_unread; /* nobody reads us any more */
    struct exec_end end;
    int broken; /* errno: the command was given a beginning */
};

/* ---- output ---- */

/* Without a reader we end as everybody does. */
static void on_output(int stream, const char *bytes, size_t length, void *data)
{
    struct session *session = data;
    if (session->is_unread)
        return;
    if (stall_write(stream == 2 ? STDERR_FILENO : STDOUT_FILENO, bytes, length) && errno == EPIPE) {
        session->is_unread = true;
        exec_end_begin(&session->end, SIGPIPE);
    }
}

/* ---- input ---- */

static void on_input(uv_poll_t *poll, int status, int events);

static void pause_input(struct session *session)
{
    if (session->epoll_fd >= 0)
        uv_poll_stop(&session->poll);
    loop_unpost(&session->once.loop, &session->turn);
}

static void await_input(struct session *session)
{
    if (session->is_over)
        return;
    if (session->epoll_fd >= 0)
        uv_poll_start(&session->poll, UV_READABLE, on_input);
    else
        loop_post(&session->once.loop, &session->turn);
}

static void read_input(struct session *session)
{
    char bytes[PIECE];
    ssize_t length = read(STDIN_FILENO, bytes, sizeof bytes);
    if (length < 0 && (errno == EINTR || errno == EAGAIN)) {
        await_input(session);
    } else if (length <= 0) {
        if (length < 0)
            session->broken = errno;
        session->is_over = true;
        pause_input(session);
        engine_session_write_end(session->op);
    } else if (engine_session_write(session->op, bytes, (size_t)length) < HIGH) {
        await_input(session);
    } else {
        pause_input(session);
    }
}

static void on_input(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    read_input(poll->data);
}

static void on_turn(void *data)
{
    read_input(data);
}

static void on_drained(void *data)
{
    await_input(data);
}

static void open_input(struct session *session)
{
    struct epoll_event event = {.events = EPOLLIN};
    turn_init(&session->turn, on_turn, session);
    session->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (session->epoll_fd < 0)
        return;
    if (!epoll_ctl(session->epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) &&
        !uv_poll_init(&session->once.loop.uv, &session->poll, session->epoll_fd)) {
        session->poll.data = session;
        return;
    }
    close(session->epoll_fd);
    session->epoll_fd = -1;
}

static void close_input(struct session *session)
{
    session->is_over = true;
    pause_input(session);
    if (session->epoll_fd < 0)
        return;
    uv_close((uv_handle_t *)&session->poll, NULL);
    close(session->epoll_fd);
}

/* ---- the whole ---- */

/* Not before: until then Ctrl-C is for us, who may wait for an engine that does not answer. */
static void on_open(void *data)
{
    struct session *session = data;
    if (session->has_terminal)
        terminal_make_raw();
    await_input(session);
    exec_end_open(&session->end);
}

static void on_done(const struct engine_result *result, const struct error *err, void *data)
{
    struct session *session = data;
    session->op = NULL;
    pause_input(session);
    session->is_over = true;
    engine_once_done(result, err, &session->once);
}

static void on_resized(int signum, void *data)
{
    struct session *session = data;
    int rows = 0, columns = 0;
    (void)signum;
    if (session->op && terminal_size(&rows, &columns))
        engine_session_resize(session->op, rows, columns);
}

/* The end of the command will not be seen. */
static void on_leave(void *data)
{
    struct session *session = data;
    if (session->op)
        engine_cancel(session->once.engine, session->op);
    session->op = NULL;
    session->once.done = true;
}

static int listen_to_signals(struct session *session, const struct exec_options *options, struct error *err)
{
    session->end = (struct exec_end){.loop = &session->once.loop,
                                     .engine = session->once.engine,
                                     .options = options,
                                     .has_terminal = session->has_terminal,
                                     .leave = on_leave,
                                     .data = session};
    return exec_end_start(&session->end, err);
}

static int start(struct session *session, const struct exec_options *options, struct error *err)
{
    cleanup_strlist struct strlist environment = {0};
    struct engine_session request = {
        .argv = options->argv,
        .user = options->user,
        .folder = options->folder,
        .has_input = true,
        .has_terminal = session->has_terminal,
        .on_output = on_output,
        .on_open = on_open,
        .on_drained = on_drained,
    };

    if (listen_to_signals(session, options, err))
        return -1;
    for (const char *const *entry = options->environment; entry && *entry; entry++)
        strlist_add(&environment, *entry);
    strlist_add(&environment, session->end.mark);
    request.environment = (const char *const *)environment.items;
    if (session->has_terminal) {
        if (loop_watch_signal(&session->once.loop, SIGWINCH, on_resized, session, err))
            return -1;
        terminal_size(&request.rows, &request.columns);
    }
    open_input(session);
    session->op = engine_session(session->once.engine, options->container, &request, on_done, session);
    return 0;
}

/* The engine says these of nothing but the command. */
static void note_origin(struct error *err)
{
    if (err->code == ERROR_NOT_FOUND || err->code == ERROR_NOT_EXECUTABLE)
        error_comes_from(err, ORIGIN_COMMAND);
}

int exec_session_run(const struct engine_address *address, char *const *environment,
                     const struct exec_options *options, struct error *err)
{
    struct session session = {.epoll_fd = -1};
    struct engine_once *once = &session.once;
    if (engine_once_open(once, address, environment, err))
        return -1;
    session.has_terminal = !options->no_terminal && terminal_is_there();
    int failed =
        start(&session, options, err) || engine_once_wait_for(once, FOREVER, err) /* the command's */;

    if (failed)
        note_origin(err);
    int code = -1;
    if (!failed)
        code = once->exit_code;
    close_input(&session);
    exec_end_stop(&session.end);
    engine_once_close(once);
    terminal_restore();
    exec_end_raise(&session.end);
    if (!failed && code < 0)
        return error_set(err, ERROR_ENGINE, "the engine let go of %s, which still runs", options->argv[0]);

    if (!failed && !code && session.broken)
        return error_set(err, ERROR_FAILED, "cannot read standard input: %s; %s has got no more of it",
                         strerror(session.broken), options->argv[0]);
    if (failed)
        return -1;
    return code;
}
