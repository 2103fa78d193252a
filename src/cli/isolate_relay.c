/* See isolate_relay.h. One poll(2) over the workers' pipes; whole lines, so that workers never mix within
 * one.
 *
 * A worker is over when it has exited; what its grandchildren still hold of its pipes is read for as long as
 * there is something to read, and no longer. */
#include "cli/isolate_relay.h"

#include "base/mem.h"
#include "base/pick.h"
#include "base/signals.h"
#include "session/hangup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A worker whose end was not seen has failed, as `run` itself does. */
enum { LINE_LIMIT = 64 * 1024, POLL_MS = 100, NOT_KNOWN = 125 };

struct stream {
    int fd; /* -1: ended */
    struct strbuf line;
};

struct worker {
    struct isolate_name name;
    char shown[16]; /* the number, where there is no label */
    pid_t pid;      /* 0: ended */
    int code;
    struct stream streams[2];
};

struct isolate_relay {
    const struct output *output;
    struct worker *workers;
    size_t count;
};

static volatile sig_atomic_t last_signal, signal_count;

static void on_signal(int signum)
{
    last_signal = signum;
    signal_count++;
}

/* Only has to interrupt poll(2); one that came before it costs POLL_MS. */
static void on_child(int signum)
{
    (void)signum;
}

struct isolate_relay *isolate_relay_new(const struct output *output)
{
    struct isolate_relay *relay = xcalloc(1, sizeof *relay);
    relay->output = output;
    return relay;
}

void isolate_relay_add(struct isolate_relay *relay, const struct isolate_name *name, pid_t pid,
                       const int pipes[2])
{
    relay->workers = xreallocarray(relay->workers, relay->count + 1, sizeof *relay->workers);
    struct worker *worker = &relay->workers[relay->count++];
    *worker = (struct worker){.name = *name, .pid = pid > 0 ? pid : 0, .code = NOT_KNOWN};
    snprintf(worker->shown, sizeof worker->shown, "%d", name->number);
    for (int i = 0; i < 2; i++) {
        worker->streams[i].fd = pipes[i];
        if (pipes[i] >= 0)
            fcntl(pipes[i], F_SETFL, O_NONBLOCK);
    }
}

void isolate_relay_forget(struct isolate_relay *relay)
{
    for (size_t i = 0; i < relay->count; i++) {
        for (int s = 0; s < 2; s++) {
            if (relay->workers[i].streams[s].fd >= 0)
                close(relay->workers[i].streams[s].fd);
            strbuf_free(&relay->workers[i].streams[s].line);
        }
    }
    free(relay->workers);
    free(relay);
}

static void signal_all(const struct isolate_relay *relay, int signum)
{
    for (size_t i = 0; i < relay->count; i++)
        if (relay->workers[i].pid > 0)
            kill(relay->workers[i].pid, signum);
}

void isolate_relay_stop(struct isolate_relay *relay)
{
    signal_all(relay, SIGTERM);
}

/* ---- lines ---- */

static void print_line(const struct isolate_relay *relay, const struct worker *worker, int which,
                       const char *line, size_t length)
{
    FILE *stream = stderr;
    if (which == 0)
        stream = stdout;
    bool colour;
    if (which == 0)
        colour = relay->output->colour_out;
    else
        colour = relay->output->colour_err;
    char name[32];
    snprintf(name, sizeof name, "worker %d", worker->name.number);
    fprintf(stream, "%s[%s]%s ", output_colour(colour, output_name_colour(name)),
            text_or(worker->name.label, worker->shown), output_colour(colour, COLOUR_NONE));
    fwrite(line, 1, length, stream);
    fputc('\n', stream);
}

static void print_lines(const struct isolate_relay *relay, struct worker *worker, int which, bool is_end)
{
    struct strbuf *text = &worker->streams[which].line;
    size_t at = 0;
    const char *newline;
    while (at < text->length && (newline = memchr(text->data + at, '\n', text->length - at))) {
        print_line(relay, worker, which, text->data + at, (size_t)(newline - text->data) - at);
        at = (size_t)(newline - text->data) + 1;
    }
    strbuf_consume(text, at);
    if (text->length && (is_end || text->length >= LINE_LIMIT)) {
        print_line(relay, worker, which, text->data, text->length);
        strbuf_truncate(text, 0);
    }
    fflush(which == 0 ? stdout : stderr);
}

/* Reads what is there; false when there was nothing. */
static bool take(const struct isolate_relay *relay, struct worker *worker, int which)
{
    struct stream *stream = &worker->streams[which];
    char bytes[16 * 1024];
    ssize_t n = 0;
    if (stream->fd >= 0)
        n = read(stream->fd, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (n > 0)
        strbuf_add(&stream->line, bytes, (size_t)n);
    print_lines(relay, worker, which, n <= 0);
    if (n <= 0 && stream->fd >= 0) {
        close(stream->fd);
        stream->fd = -1;
    }
    return n > 0;
}

static void finish(const struct isolate_relay *relay, struct worker *worker, int status)
{
    worker->pid = 0;
    if (WIFSIGNALED(status))
        worker->code = signals_exit_code(WTERMSIG(status));
    else
        worker->code = WEXITSTATUS(status);
    for (int i = 0; i < 2; i++) {
        while (take(relay, worker, i))
            continue;
        print_lines(relay, worker, i, true);
    }
    if (worker->code)
        output_note(relay->output, "worker %d of %d: exit code %d", worker->name.number, worker->name.count,
                    worker->code);
}

/* ---- the loop ---- */

static size_t reap(const struct isolate_relay *relay)
{
    size_t left = 0;
    for (size_t i = 0; i < relay->count; i++) {
        struct worker *worker = &relay->workers[i];
        int status;
        if (worker->pid > 0 && waitpid(worker->pid, &status, WNOHANG) == worker->pid)
            finish(relay, worker, status);
        left += worker->pid > 0;
    }
    return left;
}

/* The last one of fds is the terminal: its end is a HUP, of which the workers would not hear. */
static void wait_for_input(const struct isolate_relay *relay, struct pollfd *fds)
{
    struct pollfd *terminal = &fds[2 * relay->count];
    for (size_t i = 0; i < 2 * relay->count; i++)
        fds[i] = (struct pollfd){.fd = relay->workers[i / 2].streams[i % 2].fd, .events = POLLIN};
    if (poll(fds, 2 * relay->count + 1, POLL_MS) <= 0)
        return;
    if (terminal->revents) {
        terminal->fd = -1; /* once */
        on_signal(SIGHUP);
    }
    for (size_t i = 0; i < 2 * relay->count; i++)
        if (fds[i].revents)
            take(relay, &relay->workers[i / 2], (int)(i % 2));
}

static void watch_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
    signal_count = 0;
    struct sigaction action = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!signals_stay_ignored(signals[i]))
            sigaction(signals[i], &action, NULL);
    struct sigaction child = {.sa_handler = on_child};
    sigaction(SIGCHLD, &child, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void isolate_relay_leave_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGPIPE};
    struct sigaction normal = {.sa_handler = SIG_DFL};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        if (!signals_stay_ignored(signals[i]))
            sigaction(signals[i], &normal, NULL);
}

bool isolate_relay_was_interrupted(void)
{
    return signal_count > 0;
}

int isolate_relay_run(struct isolate_relay *relay)
{
    cleanup_free struct pollfd *fds = xcalloc(2 * relay->count + 1, sizeof *fds);
    int passed_on = 0, worst = 0;
    bool is_broken = false;
    int terminal = hangup_open();

    fds[2 * relay->count] = (struct pollfd){.fd = terminal};
    watch_signals();
    while (reap(relay) > 0) {
        wait_for_input(relay, fds);
        if (ferror(stdout) && !is_broken) { /* nobody reads what they say */
            is_broken = true;
            signal_all(relay, SIGTERM);
        }
        if (signal_count == passed_on)
            continue;
        passed_on = signal_count;
        signal_all(relay, last_signal);
    }

    for (size_t i = 0; i < relay->count; i++) {
        if (relay->workers[i].code > worst)
            worst = relay->workers[i].code;
    }
    if (terminal >= 0)
        close(terminal);
    isolate_relay_forget(relay);
    return worst;
}
