/* A guard that cleans up after a session that died: a process of the test's plays it, with the lock. */
#include "session/client.h"
#include "session/cleaning.h"

#include "base/file.h"
#include "base/mem.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#define PREFIX "shop-0a1b2c3d"

struct scene {
    char root[64];
    char *folder;
    struct state *state;
    pid_t holder;
    int told;
};

static void let_go(struct scene *scene)
{
    if (scene->holder > 0) {
        kill(scene->holder, SIGKILL);
        waitpid(scene->holder, NULL, 0);
    }
    scene->holder = 0;
}

static int set_up(void **state)
{
    struct scene *scene = xcalloc(1, sizeof *scene);
    *state = scene;
    strcpy(scene->root, "/tmp/apphost-cleaning-XXXXXX");
    if (!mkdtemp(scene->root))
        return -1;
    scene->folder = state_folder(scene->root, PREFIX);
    scene->state = state_open(scene->folder, true, NULL);
    return scene->state ? 0 : -1;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    let_go(scene);
    state_close(scene->state);
    int rc = file_remove_tree(scene->root, NULL);
    free(scene->folder);
    free(scene);
    return rc;
}

static void take_lock(struct scene *scene)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    scene->holder = fork();
    if (scene->holder == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        struct state *state = state_open(scene->folder, false, NULL);
        if (!state || state_lock(state, NULL) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    close(ready[1]);
}

static pid_t dead_pid(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    return pid;
}

static void record(const struct scene *scene, pid_t supervisor, pid_t guard)
{
    cleanup_free char *socket = path_join(scene->folder, "s");
    const struct state_session session = {.id = (char *)"0123456789abcdef",
                                          .socket = socket,
                                          .supervisor = supervisor,
                                          .guard = guard,
                                          .manifest = (char *)"/nowhere/apphost.yaml",
                                          .project = (char *)"shop",
                                          .hash = (char *)"0a1b2c3d"};
    assert_int_equal(state_session_write(scene->state, &session, NULL), 0);
}

static void nobody_else_is_taken_for_one(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(cleaning_guard(scene->folder), 0); /* nothing is recorded */
    assert_int_equal(cleaning_guard("/nowhere/shop-0a1b2c3d"), 0);
    record(scene, dead_pid(), getpid());
    assert_int_equal(cleaning_guard(scene->folder), 0); /* the lock is free */
    take_lock(scene);
    record(scene, scene->holder, scene->holder);
    assert_int_equal(cleaning_guard(scene->folder), 0); /* the supervisor lives */
    record(scene, dead_pid(), dead_pid());
    assert_int_equal(cleaning_guard(scene->folder), 0); /* somebody else has the lock */
    record(scene, dead_pid(), scene->holder);
    assert_int_equal(cleaning_guard(scene->folder), scene->holder);
}

static void note(pid_t guard, void *data)
{
    struct scene *scene = data;
    assert_int_equal(guard, scene->holder);
    scene->told++;
}

static void it_is_told_once(void **state)
{
    struct scene *scene = *state;
    struct cleaning_wait cleaning = {0};
    take_lock(scene);
    record(scene, dead_pid(), scene->holder);
    cleaning_look(&cleaning, scene->folder, note, scene);
    for (int i = 0; i < 3; i++) {
        cleaning.looked_ms -= 60000;
        cleaning_look(&cleaning, scene->folder, note, scene);
        assert_int_equal(cleaning.guard, scene->holder);
    }
    assert_int_equal(scene->told, 1);
    let_go(scene);
    cleaning.looked_ms -= 60000;
    cleaning_look(&cleaning, scene->folder, note, scene);
    assert_int_equal(cleaning.guard, 0);
}

static void who_does_not_wait_is_told(void **state)
{
    struct scene *scene = *state;
    const struct client_options options = {.state_root = scene->root, .prefix = PREFIX};
    struct client client;
    struct error err = {0};
    take_lock(scene);
    record(scene, dead_pid(), scene->holder);
    assert_int_equal(client_open(&client, &options, &err), -1);
    client_close(&client);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    cleanup_free char *guard = xasprintf("its guard (pid %ld) cleans up", (long)scene->holder);
    assert_non_null(strstr(err.text, guard));
    error_clear(&err);
}

static void end_it(pid_t guard, void *data)
{
    note(guard, data);
    let_go(data);
}

static void who_waits_goes_on_at_its_end(void **state)
{
    struct scene *scene = *state;
    const struct client_options options = {
        .state_root = scene->root, .prefix = PREFIX, .on_guard = end_it, .guard_data = scene};
    struct client client;
    struct error err = {0};
    take_lock(scene);
    record(scene, dead_pid(), scene->holder);
    assert_int_equal(client_open(&client, &options, &err), -1);
    client_close(&client);
    assert_int_equal(scene->told, 1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    assert_non_null(strstr(err.text, "died"));
    assert_null(strstr(err.text, "guard"));
    error_clear(&err);
}

static void one_without_end_is_named(void **state)
{
    struct error err = {0};
    (void)state;
    assert_int_equal(cleaning_refuse_late(4711, "shop", "/state/shop", &err), -1);
    assert_int_equal(err.code, ERROR_OWNER);
    assert_non_null(strstr(err.text, "guard of the last session of shop (pid 4711)"));
    assert_non_null(strstr(err.hint, "/state/shop/supervisor.log"));
    error_clear(&err);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nobody_else_is_taken_for_one), TEST(it_is_told_once),          TEST(who_does_not_wait_is_told),
        TEST(who_waits_goes_on_at_its_end), TEST(one_without_end_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
