/* Native servers by their records, where no orchestrator runs: see orchestrator/native.c for what is
 * recorded.
 *
 * A session that died leaves its servers running, those with data untouched by the guard's sweep. They are
 * stopped here, all at once, each with its own time to save; what keeps nothing is killed. Persistent ones
 * stay; their records are forgotten when they have ended. The caller holds the project's lock. Blocking. */
#include "supervisor/internal.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pick.h"
#include "process/process.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Some processes in the kernel do not end at once even when they are killed. */
enum { KILL_WAIT_MS = 5000 };

/* A descriptor that means the recorded process and no other one, or -1 when it has ended. */
static int open_server(const struct state_server *server)
{
    pid_t pid = (pid_t)server->pid;
    int fd = -1;
    if (pid > 0)
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd dead = {.fd = fd, .events = POLLIN};
    if (fd < 0)
        return -1;
    if (server->start_ticks == process_start_ticks(pid) && poll(&dead, 1, 0) == 0)
        return fd;
    close(fd);
    return -1;
}

bool supervisor_server_runs(const struct state_server *server)
{
    int fd = open_server(server);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void ask_to_stop(const struct state_server *server, int fd)
{
    int signum = SIGKILL;
    if (!server->is_ephemeral)
        signum = server->stop_signal;
    syscall(SYS_pidfd_send_signal, fd, signum, NULL, 0);
    syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
}

static void await_end(const struct state_server *server, int fd, int64_t asked_ms)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int64_t left_ms = asked_ms + server->stop_timeout_ms - loop_clock_ms();
    if (poll(&end, 1, left_ms > 0 ? (int)left_ms : 0) > 0)
        return;
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    poll(&end, 1, KILL_WAIT_MS);
}

struct server_end {
    int fd; /* -1: there is nothing to wait for */
    bool stays;
};

/* A persistent one that runs stays as it is. */
static struct server_end begin_end(const struct state_server *server)
{
    struct server_end ending = {.fd = open_server(server)};
    if (ending.fd < 0)
        return ending;
    if (!server->is_persistent) {
        ask_to_stop(server, ending.fd);
        return ending;
    }
    close(ending.fd);
    return (struct server_end){.fd = -1, .stays = true};
}

int supervisor_check_servers(struct state *state, struct error *err)
{
    cleanup_servers struct state_servers servers = {0};
    if (!state_servers(state, &servers))
        return 0;
    error_set(err, ERROR_FAILED, "cannot tell which servers still run: %s/servers.json cannot be read",
              state_path(state));
    error_hint(err, "end the servers that work in %s/volumes, then remove the file", state_path(state));
    return -1;
}

void supervisor_stop_servers(struct state *state, struct strlist *removed)
{
    cleanup_servers struct state_servers servers = {0};
    int64_t asked_ms = loop_clock_ms();
    state_servers(state, &servers);
    cleanup_free struct server_end *endings = xcalloc(servers.count + 1, sizeof *endings);
    for (size_t i = 0; i < servers.count; i++)
        endings[i] = begin_end(&servers.items[i]);

    for (size_t i = 0; i < servers.count; i++) {
        const struct state_server *server = &servers.items[i];
        if (endings[i].fd < 0)
            continue;
        await_end(server, endings[i].fd, asked_ms);
        close(endings[i].fd);
        log_info("stopped %s of the dead session %s", server->node, text_or_empty(server->session));
        if (removed)
            strlist_addf(removed, "process %s", text_or(server->resource, server->node));
    }

    for (size_t i = 0; i < servers.count; i++)
        if (!endings[i].stays)
            state_server_forget(state, servers.items[i].node, NULL);
}
