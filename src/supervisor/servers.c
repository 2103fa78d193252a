/* Native servers by their records, where no orchestrator runs: see orchestrator/native.c for what is
 * recorded.
 *
 * A session that died leaves its servers running, those with data untouched by the guard's sweep. They are
 * stopped here, all at once, each with its own time to save; what keeps nothing is killed. Persistent ones
 * stay; their records are forgotten when they have ended. The caller holds the project's lock. Blocking. */
#include "supervisor/internal.h"
#include "base/log.h"
#include "base/mem.h"
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
enum { KILL_WAIT_MS = 5000, STOP_TIMEOUT_MS = 10000 };

/* A descriptor that means the recorded process and no other one, or -1 when it has ended. */
static int open_server(const cJSON *record)
{
    pid_t pid = (pid_t)json_int(record, "pid", 0);
    uint64_t ticks = strtoull(json_string(record, "startTicks", "0"), NULL, 10);
    int fd = -1;
    if (pid > 0)
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd dead = {.fd = fd, .events = POLLIN};
    if (fd < 0)
        return -1;
    if (ticks == process_start_ticks(pid) && poll(&dead, 1, 0) == 0)
        return fd;
    close(fd);
    return -1;
}

bool supervisor_server_runs(const cJSON *record)
{
    int fd = open_server(record);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static void ask_to_stop(const cJSON *record, int fd)
{
    int signum = SIGKILL;
    if (!json_bool(record, "ephemeral", false))
        signum = (int)json_int(record, "stopSignal", SIGTERM);
    syscall(SYS_pidfd_send_signal, fd, signum, NULL, 0);
    syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
}

static void await_end(const cJSON *record, int fd, int64_t asked_ms)
{
    struct pollfd end = {.fd = fd, .events = POLLIN};
    int64_t left_ms = asked_ms + json_int(record, "stopTimeoutMs", STOP_TIMEOUT_MS) - loop_clock_ms();
    if (poll(&end, 1, left_ms > 0 ? (int)left_ms : 0) > 0)
        return;
    syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
    poll(&end, 1, KILL_WAIT_MS);
}

int supervisor_check_servers(struct state *state, struct error *err)
{
    if (state_servers(state))
        return 0;
    error_set(err, ERROR_FAILED, "cannot tell which servers still run: %s/servers.json cannot be read",
              state_path(state));
    error_hint(err, "end the servers that work in %s/volumes, then remove the file", state_path(state));
    return -1;
}

void supervisor_stop_servers(struct state *state, struct strlist *removed)
{
    cleanup_strlist struct strlist gone = {0};
    const cJSON *records = state_servers(state), *record;
    cleanup_free int *fds = xcalloc((size_t)cJSON_GetArraySize(records) + 1, sizeof *fds);
    size_t at = 0;
    int64_t asked_ms = loop_clock_ms();

    cJSON_ArrayForEach(record, records)
    {
        int fd = open_server(record);
        bool stays = json_bool(record, "persistent", false);
        if (fd >= 0 && !stays)
            ask_to_stop(record, fd);
        else if (fd >= 0)
            close(fd);
        if (fd < 0 || !stays)
            strlist_add(&gone, record->string);
        fds[at++] = stays ? -1 : fd;
    }
    at = 0;

    cJSON_ArrayForEach(record, records)
    {
        int fd = fds[at++];
        if (fd < 0)
            continue;
        await_end(record, fd, asked_ms);
        close(fd);
        log_info("stopped %s of the dead session %s", record->string, json_string(record, "session", ""));
        if (removed)
            strlist_addf(removed, "process %s", json_string(record, "resource", record->string));
    }
    for (size_t i = 0; i < gone.count; i++)
        state_server_set(state, gone.items[i], NULL, NULL);
}
