/* What is known of whoever has a project's lock: processes of the test's take it, and let it go, listen or
 * stay silent once they have been looked at so many times. */
#include "base/file.h"
#include "base/mem.h"
#include "supervisor/supervisor.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

/* What the holder does in the end. */
enum deed { GOES, LISTENS, STAYS };

/* Long enough for any machine; over at once. */
#define PATIENT LIMIT_MS(60000)
#define AT_ONCE LIMIT_MS(1)

struct scene {
    char folder[64];
    struct state *state;
    pid_t holder;
};

static int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof *scene);
    *state = scene;
    strcpy(scene->folder, "/tmp/apphost-sign-XXXXXX");
    if (!mkdtemp(scene->folder))
        return -1;
    scene->state = state_open(scene->folder, true, NULL);
    return scene->state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    if (scene->holder > 0) {
        kill(scene->holder, SIGKILL);
        waitpid(scene->holder, NULL, 0);
    }
    state_close(scene->state);
    int rc = file_remove_tree(scene->folder, NULL);
    free(scene);
    return rc;
}

/* ---- who has the lock ---- */

/* Whoever asks for the lock opens its file. */
static int watch_lock(const struct scene *scene)
{
    cleanup_free char *path = path_join(scene->folder, "lock");
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0 || inotify_add_watch(fd, path, IN_OPEN | IN_CLOSE) < 0)
        _exit(1);
    return fd;
}

static void await_looks(int fd, int looks)
{
    struct inotify_event event; /* of one file: without a name behind it */
    while (looks > 0) {
        if (read(fd, &event, sizeof event) != (ssize_t)sizeof event)
            _exit(1);
        looks -= (event.mask & IN_OPEN) != 0;
    }
}

static void listen_at(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", folder);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 100) < 0)
        _exit(1);
}

static _Noreturn void hold(const struct scene *scene, int ready, int looks, enum deed deed)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct state *state = state_open(scene->folder, false, NULL);
    if (!state || state_lock(state, NULL) < 0)
        _exit(1);
    int fd = watch_lock(scene);
    if (write(ready, "", 1) != 1)
        _exit(1);
    await_looks(fd, looks);
    if (deed == GOES)
        _exit(0);
    if (deed == LISTENS)
        listen_at(scene->folder);
    for (;;)
        pause();
}

static void record(const struct scene *scene, pid_t supervisor)
{
    cleanup_free char *socket = path_join(scene->folder, "s");
    const struct state_session session = {.id = (char *)"0123456789abcdef",
                                          .socket = socket,
                                          .supervisor = supervisor,
                                          .guard = supervisor,
                                          .manifest = (char *)"/nowhere/apphost.yaml",
                                          .project = (char *)"shop",
                                          .hash = (char *)"0a1b2c3d"};
    assert_int_equal(state_session_write(scene->state, &session, NULL), 0);
}

/* supervisor: the one that is recorded; 0: it is the holder itself. */
static void take(struct scene *scene, pid_t supervisor, int looks, enum deed deed)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    scene->holder = fork();
    if (scene->holder == 0)
        hold(scene, ready[1], looks, deed);
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    record(scene, supervisor ? supervisor : scene->holder);
}

static void is_said(const struct scene *scene, struct limit silence, enum supervisor_sign sign)
{
    assert_int_equal(supervisor_await_sign(scene->state, silence), sign);
}

/* A pid that nobody has. */
static pid_t dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

/* ---- what is said of them ---- */

static void nobody_has_it(void **state)
{
    struct scene *scene = *state;
    is_said(scene, AT_ONCE, SUPERVISOR_GONE);
    record(scene, getpid());
    is_said(scene, AT_ONCE, SUPERVISOR_GONE);
}

static void one_that_listens(void **state)
{
    take(*state, 0, 0, LISTENS);
    is_said(*state, PATIENT, SUPERVISOR_LISTENS);
}

static void one_that_listens_late(void **state)
{
    take(*state, 0, 3, LISTENS);
    is_said(*state, PATIENT, SUPERVISOR_LISTENS);
}

static void one_that_dies_late_is_gone(void **state)
{
    take(*state, 0, 3, GOES);
    is_said(*state, PATIENT, SUPERVISOR_GONE);
}

static void one_that_stays_is_silent(void **state)
{
    struct scene *scene = *state;
    take(scene, 0, 1 << 30, STAYS);
    is_said(scene, AT_ONCE, SUPERVISOR_SILENT);
}

/* Its supervisor's silence is no reason. */
static void a_guard_that_cleans_up_is_waited_for(void **state)
{
    take(*state, dead_pid(), 20, GOES);
    is_said(*state, AT_ONCE, SUPERVISOR_GONE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_has_it),
        TEST(one_that_listens),
        TEST(one_that_listens_late),
        TEST(one_that_dies_late_is_gone),
        TEST(one_that_stays_is_silent),
        TEST(a_guard_that_cleans_up_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
