/* The command's side: makes the process, finds it, ends it, says where it is. See dashboard.h.
 *
 * The process is executed anew, twice forked and in a session of its own: it carries nothing of whoever
 * started it, so it is swept with no session and no terminal. */
#include "dashboard/internal.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/pause.h"
#include "base/ours.h"
#include "base/pick.h"
#include "guard/guard.h"
#include "machine/holder.h"
#include "process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    READY_WAIT_S = 20,
    END_WAIT_MS = 10000,
    ANSWER_MS = 1000,
    LOOK_MS = 10,
    TICKET_MS = 30000,
    READY_FD = 3
};

/* ---- starting ---- */

static void make_arguments(const struct dashboard_options *options, struct strlist *argv)
{
    strlist_add(argv, "apphost");
    strlist_add(argv, "__dashboard");
    strlist_add(argv, "--folder");
    strlist_add(argv, options->folder);
    if (options->port >= 0)
        strlist_addf(argv, "--port=%d", options->port);
    for (size_t i = 0; i < options->guests.count; i++)
        strlist_addf(argv, "--allow-host=%s", options->guests.items[i]);
}

/* Which session somebody is of, and of which resource, is inherited by children only. */
static void make_environment(const struct dashboard_options *options, struct strlist *environment)
{
    static const char *const ours[] = {VARIABLE_SESSION "=", VARIABLE_PROJECT "=", VARIABLE_RESOURCE "="};
    for (char *const *entry = options->environment; entry && *entry; entry++) {
        bool is_ours = !process_inherits(*entry);
        for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
            is_ours = is_ours || str_starts(*entry, ours[i]);
        if (!is_ours)
            strlist_add(environment, *entry);
    }
}

/* In the new process. Only what is safe between fork and exec. */
static void become(char *const *argv, char *const *environment, int ready_fd, int log_fd)
{
    int null = open("/dev/null", O_RDWR);
    setsid();
    if (fork() != 0)
        _exit(0);
    guard_unmark();
    if (null >= 0)
        dup2(null, STDIN_FILENO);
    dup2(log_fd, STDOUT_FILENO);
    dup2(log_fd, STDERR_FILENO);
    if (ready_fd == READY_FD)
        fcntl(ready_fd, F_SETFD, 0);
    else
        dup2(ready_fd, READY_FD);
    execve("/proc/self/exe", argv, environment);
    _exit(127);
}

static int spawn(const struct dashboard_options *options, int *ready_fd, struct error *err)
{
    cleanup_strlist struct strlist argv = {0}, environment = {0};
    cleanup_free char *log = home_path(options->folder, DASHBOARD_LOG);
    int pipes[2] = {-1, -1};
    int log_fd = file_open_own(log, O_WRONLY | O_CREAT | O_TRUNC, err);
    if (log_fd < 0)
        return -1;
    make_arguments(options, &argv);
    make_environment(options, &environment);

    pid_t pid = -1;
    if (!pipe2(pipes, O_CLOEXEC))
        pid = fork();
    if (pid == 0)
        become(argv.items, environment.items, pipes[1], log_fd);
    close(log_fd);
    if (pipes[1] >= 0)
        close(pipes[1]);
    *ready_fd = pipes[0];
    if (pid < 0)
        return error_set(err, ERROR_FAILED, "cannot start a process: %s", strerror(errno));
    waitpid(pid, NULL, 0);
    return 0;
}

/* {} or {"error":…}, and a line's end. */
static int read_answer(int fd, const char *folder, struct error *err)
{
    struct strbuf text = {.limit = 64 << 10};
    int64_t deadline = loop_clock_ms() + READY_WAIT_S * 1000;
    bool is_over = false;
    while (!is_over && loop_clock_ms() < deadline) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        char chunk[4096];
        if (poll(&ready, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n > 0)
            strbuf_add(&text, chunk, (size_t)n);
        is_over = n <= 0;
    }

    cleanup_json cJSON *answer = json_parse(strbuf_text(&text), text.length, NULL);
    strbuf_free(&text);
    if (!answer) {
        if (is_over)
            error_set(err, ERROR_FAILED, "the dashboard ended before it listened");
        else
            error_set(err, ERROR_FAILED, "the dashboard does not listen, after %d s", READY_WAIT_S);
        error_hint(err, "see %s/" DASHBOARD_LOG, folder);
        return -1;
    }
    if (!json_get(answer, "error"))
        return 0;
    control_error_from_json(json_get(answer, "error"), err);
    return -1;
}

/* Any word of it, a refusal as well. */
static bool has_answered(int fd)
{
    static const char request[] = "GET / HTTP/1.0\r\n\r\n";
    struct pollfd said = {.fd = fd, .events = POLLIN};
    char byte;
    return send(fd, request, sizeof request - 1, MSG_NOSIGNAL) > 0 && poll(&said, 1, ANSWER_MS) == 1 &&
           read(fd, &byte, 1) == 1;
}

static bool answers(const char *folder)
{
    struct dashboard_record record = {0};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (dashboard_find(folder, &record, NULL))
        return false;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    address.sin_port = htons((uint16_t)record.port);
    bool is_there = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && has_answered(fd);
    close(fd);
    return is_there;
}

/* One that was killed holds its lock, and its port, for moments. One that does not answer for long runs, all
 * the same. */
static bool runs(const char *folder)
{
    int64_t deadline = loop_clock_ms() + END_WAIT_MS;
    while (state_dashboard_runs(folder)) {
        if (answers(folder) || loop_clock_ms() > deadline)
            return true;
        pause_ms(LOOK_MS);
    }
    return false;
}

int dashboard_start(const struct dashboard_options *options, struct error *err)
{
    int ready_fd = -1;
    struct state *state = NULL;
    if (home_check(options->folder, STATE_DASHBOARD_LOCK, err))
        return -1;
    if (runs(options->folder))
        return 1;

    state = state_open(options->folder, true, err);
    if (!state)
        return -1;
    state_close(state);
    int failed = spawn(options, &ready_fd, err);
    if (!failed)
        failed = read_answer(ready_fd, options->folder, err);
    if (ready_fd >= 0)
        close(ready_fd);
    return failed;
}

/* ---- ending ---- */

static bool is_any(const struct machine_holder *holder, void *data)
{
    (void)data;
    return holder->is_same;
}

/* Its lock is free when the last process that holds it is gone. */
static bool wait_free(const char *folder)
{
    int64_t deadline = loop_clock_ms() + END_WAIT_MS;
    while (state_dashboard_runs(folder) && loop_clock_ms() < deadline)
        pause_ms(LOOK_MS);
    return !state_dashboard_runs(folder);
}

int dashboard_stop(const char *folder, struct error *err)
{
    struct dashboard_record record;
    struct machine_holder holder = {0};
    cleanup_free char *ending = xasprintf("%s/" STATE_DASHBOARD_LOCK, path_basename(folder));
    struct machine_search search = {.title = "apphost", .ending = ending, .is_meant = is_any};
    if (dashboard_find(folder, &record, err))
        return -1;
    if (!machine_find_holder(&search, &holder))
        return error_set(err, ERROR_OWNER, "the dashboard runs where its process cannot be seen");

    kill(holder.pid, SIGTERM);
    bool is_over = wait_free(folder);
    if (!is_over) {
        kill(holder.pid, SIGKILL);
        is_over = wait_free(folder);
    }
    pid_t pid = holder.pid;
    machine_holder_free(&holder);
    if (is_over)
        return 0;
    return error_set(err, ERROR_TIMEOUT, "the dashboard, process %ld, does not end", (long)pid);
}

/* ---- where it is ---- */

/* As a part of a host name: letters, digits and single hyphens inside. */
static char *host_label(const char *folder)
{
    cleanup_identity struct identity identity = {0};
    struct strbuf out = {0};
    const char *name = "apphost";
    if (identity_parse(path_basename(folder), &identity))
        name = identity.name;
    for (const char *c = name; *c && out.length < 63; c++) {
        bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9');
        if (is_letter)
            strbuf_addc(&out, *c);
        else if (*c >= 'A' && *c <= 'Z')
            strbuf_addc(&out, (char)(*c - 'A' + 'a'));
        else if (out.length && out.data[out.length - 1] != '-')
            strbuf_addc(&out, '-');
    }

    while (out.length && out.data[out.length - 1] == '-')
        strbuf_truncate(&out, out.length - 1);
    if (!out.length)
        strbuf_adds(&out, "apphost");
    return strbuf_take(&out);
}

char *dashboard_host(const char *folder)
{
    cleanup_free char *label = host_label(folder);
    return xasprintf("%s.localhost", label);
}

char *dashboard_address(const char *folder, int port)
{
    cleanup_free char *host = dashboard_host(folder);
    return xasprintf("http://%s:%d/", host, port);
}

char *dashboard_url(const char *folder, bool is_once, struct error *err)
{
    struct dashboard_record record;
    char token[WEB_TOKEN_SIZE], ticket[WEB_SEALED_SIZE];
    if (dashboard_find(folder, &record, err) || home_token(folder, false, token, err))
        return NULL;
    cleanup_free char *address = dashboard_address(folder, record.port);
    web_seal(token, WEB_TICKET, home_now_ms() + TICKET_MS, ticket);
    const char *shown = token;
    if (is_once)
        shown = ticket;
    char *url = xasprintf("%s#t=%s", address, shown);
    mem_wipe(token, sizeof token);
    mem_wipe(ticket, sizeof ticket);
    return url;
}
