/* The supervisor can always be reached: when its socket, its runtime folder or its state folder is taken away
 * (a logout, a cleaner of /tmp, somebody who tidies up), it makes them again.
 *
 * Happy path: nothing happens; they are looked at six times a minute. (Watches would see it at once, but
 * the kernel takes some 15 ms to close each instance of inotify, and whoever says `down` waits for our
 * end.) A socket that is gone is made again at its place, or at another one when its folder cannot be; then
 * the record names that. A state folder that is gone is written again from memory, its lock taken again.
 * SIGCONT asks for a look at once: it is the way to a supervisor that cannot be connected to, harmless to
 * one that is ending, and wakes one that was stopped. Failure modes: what cannot be made again is said once
 * in supervisor.log and tried again at every look; a lock that somebody else has taken meanwhile is left to
 * him. */
#include "supervisor/internal.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOOK_MS = 10000 };

struct reach {
    struct supervisor *supervisor;
    struct timer timer;
    char *socket; /* a new place for it, or NULL */
    int lock_fd;  /* of a lock file that was made again, or -1 */
    bool told;    /* that something cannot be made again */
};

/* ---- making it again ---- */

static int restore_socket(struct reach *reach, struct error *err)
{
    struct supervisor *s = reach->supervisor;
    if (control_server_is_there(s->server))
        return 0;
    cleanup_free char *path = control_socket_path(environ, s->session, err);
    if (!path || control_server_move(s->server, path, err) < 0)
        return -1;

    log_warn("the control socket %s was taken away: listening on %s", s->socket, path);
    free(reach->socket);
    s->socket = reach->socket = take_ptr(&path);
    return supervisor_write_record(s, err);
}

/* Somebody's own lock, on a file that has another number, keeps him from being two. */
static int retake_lock(struct reach *reach, struct error *err)
{
    struct supervisor *s = reach->supervisor;
    if (state_is_owner(s->state, getpid()))
        return 0;
    if (reach->lock_fd >= 0)
        close(reach->lock_fd);
    reach->lock_fd = state_lock(s->state, err);
    if (reach->lock_fd < 0)
        return -1;
    return state_lock_name(reach->lock_fd, s->session, err);
}

static int restore_state(struct reach *reach, struct error *err)
{
    struct supervisor *s = reach->supervisor;
    struct state_session record = {0};
    bool is_whole = state_session_read(s->state, &record, NULL) == 0 && str_eq(record.id, s->session) &&
                    state_is_owner(s->state, getpid());
    bool is_current = is_whole && record.reached == s->has_reached;
    state_session_free(&record);
    if (is_current)
        return 0;
    if (is_whole)
        return supervisor_write_record(s, err);

    log_warn("the state folder %s was taken away: writing it again", state_path(s->state));
    if (state_restore(s->state, err) < 0 || retake_lock(reach, err) < 0)
        return -1;
    return supervisor_write_record(s, err);
}

static void look(struct reach *reach)
{
    struct supervisor *s = reach->supervisor;
    cleanup_error struct error err = {0};
    timer_start(&reach->timer, LOOK_MS);
    if (s->parted || !s->server)
        return;
    bool is_whole = restore_state(reach, &err) == 0 && restore_socket(reach, &err) == 0;
    if (!is_whole && !reach->told)
        log_error("this session is hard to reach: %s", err.text);
    reach->told = !is_whole;
}

/* ---- looking ---- */

static void on_time(void *data)
{
    look(data);
}

void reach_init(struct supervisor *s)
{
    struct reach *reach = s->reach = xcalloc(1, sizeof *reach);
    reach->supervisor = s;
    reach->lock_fd = -1;
    timer_init(&s->loop, &reach->timer, on_time, reach);
    timer_start(&reach->timer, LOOK_MS);
}

void reach_look(struct supervisor *s)
{
    if (s->reach)
        look(s->reach);
}

void reach_fini(struct supervisor *s)
{
    struct reach *reach = take_ptr(&s->reach);
    if (!reach)
        return;
    timer_stop(&reach->timer);
    if (reach->socket)
        s->socket = NULL;
    free(reach->socket);
    free(reach);
}

/* ---- from outside ---- */

/* The pid is held before it is looked at: it cannot become somebody else's in between. */
bool supervisor_signal(const char *state_root, const char *prefix, pid_t pid, int signum)
{
    cleanup_free char *folder = state_folder(state_root, prefix);
    struct state *state = NULL;
    if (pid > 1)
        state = state_open(folder, false, NULL);
    int fd = -1;
    if (state)
        fd = (int)syscall(SYS_pidfd_open, pid, 0);
    bool is_old_kernel = state && fd < 0 && errno == ENOSYS;
    bool is_sent = false;
    if ((fd >= 0 || is_old_kernel) && state_is_locked(state) && state_is_owner(state, pid))
        is_sent = !(is_old_kernel ? kill(pid, signum) : syscall(SYS_pidfd_send_signal, fd, signum, NULL, 0));
    if (fd >= 0)
        close(fd);
    state_close(state);
    return is_sent;
}
