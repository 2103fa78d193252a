/* The caller's side: takes the lock, forks guard and supervisor, waits until it listens or says why not.
 *
 * A lock that is held while nobody listens belongs to a supervisor that is ending, or to a guard and its gc
 * that clean up after one that died: both are over soon, so they are waited for. */
#include "supervisor/internal.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pause.h"
#include "guard/guard.h"
#include "machine/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LOCK_WAIT_MS = 30000, LOCK_POLL_MS = 5, LISTEN_WAIT_MS = 20000 };

/* Descriptors of ours must not be 0, 1 or 2, which both processes replace: a caller may have closed those. */
static void fill_standard_fds(void)
{
    int fd = 0;
    while (fd >= 0 && fd <= STDERR_FILENO)
        fd = open("/dev/null", O_RDWR | O_NOCTTY);
    if (fd >= 0)
        close(fd);
}

static bool listens(struct state *state)
{
    struct state_session session = {0};
    if (state_session_read(state, &session, NULL) < 0)
        return false;
    int fd = machine_connect(session.socket);
    state_session_free(&session);
    if (fd >= 0)
        close(fd);
    return fd >= 0 || fd == -EAGAIN;
}

/* The supervisor of the record has the lock. */
static bool has_it_itself(struct state *state)
{
    struct state_session session = {0};
    bool has_it = state_session_read(state, &session, NULL) == 0 && state_is_owner(state, session.supervisor);
    state_session_free(&session);
    return has_it;
}

enum supervisor_sign supervisor_await_sign(struct state *state, struct limit silence)
{
    for (int64_t begin_ms = loop_clock_ms();;) {
        if (!state_is_locked(state))
            return SUPERVISOR_GONE;
        if (listens(state))
            return SUPERVISOR_LISTENS;

        int64_t waited_ms = loop_clock_ms() - begin_ms;
        if (waited_ms > silence.ms && has_it_itself(state))
            return SUPERVISOR_SILENT;
        if (waited_ms > LOCK_WAIT_MS)
            return SUPERVISOR_UNSEEN;
        pause_ms(LOCK_POLL_MS);
    }
}

/* 0: *lock_fd is ours; 1: somebody holds it and listens; -1: an error. */
static int take_lock(struct state *state, int *lock_fd, struct error *err)
{
    for (int64_t deadline = loop_clock_ms() + LOCK_WAIT_MS;;) {
        struct error cause = {0};
        *lock_fd = state_lock(state, &cause);
        if (*lock_fd >= 0)
            return 0;

        bool is_held = cause.code == ERROR_OWNER, is_late = loop_clock_ms() > deadline;
        if (!is_held || is_late) {
            error_move(err, &cause);
            return -1;
        }
        error_clear(&cause);
        if (listens(state))
            return 1;
        pause_ms(LOCK_POLL_MS);
    }
}

/* What a session left whose supervisor and guard both died: its processes cannot be adopted. Containers can.
 */
static enum orchestrator_left heal(struct state *state, const struct supervisor_options *options)
{
    struct state_session dead = {0};
    if (state_session_recall(state, &dead, NULL) < 0)
        return LEFT_UNKNOWN;
    enum orchestrator_left left = dead.reached ? LEFT_SOMETHING : LEFT_NOTHING;
    supervisor_sweep_dead(state, &dead, options->swept);
    supervisor_forget_dead(state, &dead, options->environment, NULL);
    state_session_free(&dead);
    return left;
}

static int open_log(const struct state *state, struct error *err)
{
    cleanup_free char *path = path_join(state_path(state), SUPERVISOR_LOG);
    cleanup_free char *old = xasprintf("%s.1", path);
    struct stat st;
    if (stat(path, &st) == 0 && st.st_size > SUPERVISOR_LOG_LIMIT)
        rename(path, old);
    return file_open_own(path, O_WRONLY | O_CREAT | O_APPEND, err);
}

static int read_answer(int fd, const struct state *state, struct error *err)
{
    struct strbuf text = {.limit = 64 << 10};
    int64_t deadline = loop_clock_ms() + LISTEN_WAIT_MS;
    bool ended = false;
    while (!ended && loop_clock_ms() < deadline && !(text.length && strchr(text.data, '\n'))) {
        struct pollfd ready = {.fd = fd, .events = POLLIN};
        char chunk[4096];
        if (poll(&ready, 1, 100) <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof chunk);
        if (n > 0)
            strbuf_add(&text, chunk, (size_t)n);
        ended = n == 0;
    }

    cleanup_json cJSON *answer = NULL;
    if (text.length)
        answer = json_parse(text.data, text.length, NULL);
    strbuf_free(&text);
    if (answer && !answer->child)
        return 0;
    if (answer)
        return control_error_from_json(answer, err), -1;
    error_set(err, ERROR_OWNER, "the supervisor %s", ended ? "ended before it was ready" : "does not answer");
    error_hint(err, "see %s/supervisor.log", state_path(state));
    return -1;
}

static char *find_program(void)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length > 0)
        return xstrndup(path, (size_t)length);
    return xstrdup("apphost");
}

/* Everything that the two processes need is at hand: fork them. The descriptors stay the caller's. */
static int give_birth(struct birth *birth, int lock_fd, int log_fd, struct error *err)
{
    cleanup_free char *program = find_program();
    struct guard_options options = {
        .session = birth->session,
        .state_folder = state_path(birth->state),
        .program = program,
        .log_fd = log_fd,
        .keep_fds = {lock_fd, -1},
        .supervisor_fds = {birth->ready_fd, birth->lease_fd, -1},
        .supervisor = supervisor_live,
        .arg = birth,
    };
    if (guard_start(&options) > 0)
        return 0;
    return error_set(err, ERROR_FAILED, "cannot fork the supervisor: %s", strerror(errno));
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static int fork_and_wait(struct birth *birth, int lock_fd, int *lease_fd, struct error *err)
{
    int ready[2] = {-1, -1}, lease[2] = {-1, -1}, rc = -1, log_fd = open_log(birth->state, err);
    if (log_fd < 0)
        return -1;

    if (pipe2(ready, O_CLOEXEC) < 0 ||
        (lease_fd && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, lease) < 0)) {
        error_set(err, ERROR_FAILED, "cannot start the supervisor: %s", strerror(errno));
    } else {
        birth->ready_fd = ready[1];
        birth->lease_fd = lease[1];
        rc = give_birth(birth, lock_fd, log_fd, err);
        close_fd(&ready[1]);
        close_fd(&lease[1]);
        if (rc >= 0)
            rc = read_answer(ready[0], birth->state, err);
    }
    if (rc == 0 && lease_fd) {
        *lease_fd = lease[0];
        lease[0] = -1;
    }

    int *const fds[] = {&log_fd, &ready[0], &ready[1], &lease[0], &lease[1]};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        close_fd(fds[i]);
    return rc;
}

enum { SESSION_LENGTH = 16, SESSION_RANDOM = 8 };

/* The identity's hash, so that what carries it in its environment tells whose it is, and then what is new. */
static void name_session(const char *prefix, char session[SESSION_LENGTH + 1])
{
    cleanup_identity struct identity identity = {0};
    digest_random_text(session, SESSION_LENGTH, "0123456789abcdef");
    if (identity_parse(prefix, &identity))
        memcpy(session, identity.hash, SESSION_LENGTH - SESSION_RANDOM);
}

static int start_locked(struct birth *birth, int lock_fd, int *lease_fd, struct error *err)
{
    char session[SESSION_LENGTH + 1];
    name_session(birth->options->prefix, session);
    if (supervisor_check_servers(birth->state, err) < 0)
        return -1;
    birth->left = heal(birth->state, birth->options);
    if (state_lock_name(lock_fd, session, err) < 0)
        return -1;
    cleanup_free char *socket = control_socket_path(birth->options->environment, session, err);
    if (!socket)
        return -1;
    birth->session = session;
    birth->socket = socket;
    return fork_and_wait(birth, lock_fd, lease_fd, err);
}

int supervisor_start(const struct supervisor_options *options, int *lease_fd, struct error *err)
{
    cleanup_free char *folder = state_folder(options->state_root, options->prefix);
    fill_standard_fds();
    struct state *state = state_open(folder, true, err);
    if (lease_fd)
        *lease_fd = -1;
    if (!state)
        return -1;
    struct birth birth = {.options = options, .state = state, .starter = getpid()};
    int lock_fd = -1, rc = take_lock(state, &lock_fd, err);
    if (rc == 0) {
        rc = start_locked(&birth, lock_fd, lease_fd, err);
        close(lock_fd); /* the guard and the supervisor have it now */
    }
    state_close(state);
    return rc;
}

int supervisor_find(const char *state_root, const char *prefix, struct state_session *session,
                    struct error *err)
{
    cleanup_free char *folder = state_folder(state_root, prefix);
    struct state *state = state_open(folder, false, err);
    if (!state)
        return -1;
    int rc = state_session_read(state, session, err);
    if (rc == 0 && !state_is_locked(state)) {
        state_session_free(session);
        rc = error_set(err, ERROR_NOT_RUNNING, "the last session of %s died", prefix);
        error_hint(err, "`apphost up` or `apphost gc` cleans up what it left");
    }
    state_close(state);
    return rc;
}

struct control_connection *supervisor_connect(struct loop *loop, const struct state_session *session,
                                              struct error *err)
{
    return control_connect(loop, session->socket, err);
}
