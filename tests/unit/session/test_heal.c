/* Dead sessions: which are found, what is done about them, and whom nobody touches. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "session/heal.h"

static char root[64];
static char *environment[4];

static int set_up(void **state)
{
    (void)state;
    snprintf(root, sizeof root, "/tmp/apphost-heal-%ld", (long)getpid());
    environment[0] = xasprintf("XDG_STATE_HOME=%s", root);
    environment[1] = xasprintf("XDG_RUNTIME_DIR=%s", root);
    environment[2] = xstrdup("DOCKER_HOST=unix:///nowhere/docker.sock");
    return mkdir(root, 0700);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        free(environment[i]);
    return file_remove_tree(root, NULL);
}

static char *folder_of(const char *prefix)
{
    return xasprintf("%s/apphost/%s", root, prefix);
}

/* A session of this project; engine: its address as JSON; reached: it answered once. */
static void leave_session_at(const char *prefix, const char *engine, bool reached)
{
    cleanup_free char *folder = folder_of(prefix);
    cleanup_json cJSON *address = cJSON_Parse(engine);
    struct state *state = state_open(folder, true, NULL);
    struct state_session session = {.id = (char *)"0123456789abcdef",
                                    .socket = (char *)"/nowhere/s",
                                    .supervisor = getpid(),
                                    .guard = getpid(),
                                    .manifest = (char *)"/nowhere/apphost.yaml",
                                    .project = (char *)"shop",
                                    .hash = (char *)"0a1b2c3d",
                                    .reached = reached,
                                    .engine = address};
    assert_non_null(state);
    assert_int_equal(state_session_write(state, &session, NULL), 0);
    state_close(state);
}

static void leave_session(const char *prefix, const char *engine)
{
    leave_session_at(prefix, engine, true);
}

static bool is_recorded(const char *prefix)
{
    cleanup_free char *folder = folder_of(prefix);
    struct state *state = state_open(folder, false, NULL);
    struct state_session session = {0};
    assert_non_null(state);
    bool is_there = !state_session_read(state, &session, NULL);
    state_session_free(&session);
    state_close(state);
    return is_there;
}

static bool is_found(const char *prefix)
{
    cleanup_free char *folder = folder_of(prefix);
    struct state_session session = {0};
    bool is_dead = heal_finds(folder, &session);
    state_session_free(&session);
    return is_dead;
}

/* What was reported of all, and of how many. */
struct heard {
    int count, failed;
    char last[256];
};

static void hear(const struct heal_report *report, void *data)
{
    struct heard *heard = data;
    heard->count++;
    assert_string_equal(report->project, "shop");
    if (!report->error)
        return;
    heard->failed++;
    snprintf(heard->last, sizeof heard->last, "%s", report->error->text);
}

static struct heard heal_them(bool dry_run)
{
    struct context context = {.environment = environment, .dry_run = dry_run};
    struct heard heard = {0};
    heal_all(&context, hear, &heard);
    return heard;
}

static void test_nobody(void **state)
{
    (void)state;
    cleanup_free char *folder = folder_of("shop-0a1b2c3d");
    assert_false(is_found("shop-0a1b2c3d"));
    assert_int_equal(heal_them(false).count, 0);
    struct state *fresh = state_open(folder, true, NULL);
    state_close(fresh);
    assert_false(is_found("shop-0a1b2c3d"));
    assert_int_equal(heal_them(false).count, 0);
}

static void test_a_dead_one(void **state)
{
    (void)state;
    leave_session("shop-0a1b2c3d", "{}");
    assert_true(is_found("shop-0a1b2c3d"));
    assert_int_equal(heal_them(true).count, 1);
    assert_true(is_recorded("shop-0a1b2c3d"));

    struct heard heard = heal_them(false);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.failed, 0);
    assert_false(is_recorded("shop-0a1b2c3d"));
    assert_int_equal(heal_them(false).count, 0);
}

/* The lock is a child's: one of ours would not be in our way. */
static pid_t hold_lock(const char *prefix)
{
    cleanup_free char *folder = folder_of(prefix);
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct state *held = state_open(folder, false, NULL);
        if (!held || state_lock(held, NULL) < 0 || write(ready[1], "", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void test_a_living_one(void **state)
{
    (void)state;
    leave_session("shop-0a1b2c3d", "{}");
    leave_session("shop-11111111", "{}");
    pid_t owner = hold_lock("shop-0a1b2c3d");
    assert_false(is_found("shop-0a1b2c3d"));

    assert_int_equal(heal_them(false).count, 1);
    assert_true(is_recorded("shop-0a1b2c3d"));
    assert_false(is_recorded("shop-11111111"));

    kill(owner, SIGKILL);
    assert_int_equal(waitpid(owner, NULL, 0), owner);
    assert_true(is_found("shop-0a1b2c3d"));
    assert_int_equal(heal_them(false).count, 1);
}

static void test_a_record_that_was_lost(void **state)
{
    (void)state;
    cleanup_free char *folder = folder_of("shop-0a1b2c3d");
    struct state_session session = {0};
    struct state *opened = state_open(folder, true, NULL);
    int lock = state_lock(opened, NULL);
    assert_true(lock >= 0);
    assert_int_equal(state_lock_name(lock, "0123456789abcdef", NULL), 0);
    close(lock);
    state_close(opened);
    assert_true(heal_finds(folder, &session));
    assert_string_equal(session.id, "0123456789abcdef");
    state_session_free(&session);
}

static const char away[] = "{\"host\":\"localhost\",\"unix_path\":\"/nowhere/docker.sock\"}";

/* It left nothing there, so that nobody has to look. */
static void test_an_engine_that_was_never_reached(void **state)
{
    (void)state;
    leave_session_at("shop-0a1b2c3d", away, false);
    struct heard heard = heal_them(false);
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.failed, 0);
    assert_false(is_recorded("shop-0a1b2c3d"));
}

/* Kept in mind, and tried again. */
static void test_an_engine_that_is_away(void **state)
{
    (void)state;
    leave_session("shop-0a1b2c3d", away);
    struct heard heard = heal_them(false);
    assert_int_equal(heard.failed, 1);
    assert_non_null(strstr(heard.last, "/nowhere/docker.sock"));
    assert_true(is_recorded("shop-0a1b2c3d"));
    assert_true(is_found("shop-0a1b2c3d"));
    assert_int_equal(heal_them(false).failed, 1);
}

/* Found dead, but somebody has begun another session since: that one is left alone. */
static void test_somebody_is_quicker(void **state)
{
    (void)state;
    cleanup_free char *states = xasprintf("%s/apphost", root);
    cleanup_free char *folder = folder_of("shop-0a1b2c3d");
    struct state_session dead = {0}, living = {0};
    cleanup_strlist struct strlist removed = {0};
    cleanup_error struct error err = {0};
    const struct supervisor_options quicker = {.state_root = states,
                                               .prefix = "shop-0a1b2c3d",
                                               .project = "shop",
                                               .hash = "0a1b2c3d",
                                               .manifest = "/nowhere/apphost.yaml",
                                               .environment = environment};
    leave_session("shop-0a1b2c3d", "{}");
    assert_true(heal_finds(folder, &dead));
    int lease;
    assert_int_equal(supervisor_start(&quicker, &lease, NULL), 0);

    const struct context context = {.environment = environment};
    const struct heal_task task = {.folder = folder, .session = &dead};
    assert_int_equal(heal_session(&context, &task, &removed, &err), -1);
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    assert_int_equal(removed.count, 0);
    assert_int_equal(supervisor_find(states, "shop-0a1b2c3d", &living, NULL), 0);
    assert_string_not_equal(living.id, dead.id);

    close(lease);
    struct state *opened = state_open(folder, false, NULL);
    while (state_is_locked(opened))
        usleep(2000);
    state_close(opened);
    state_session_free(&dead);
    state_session_free(&living);
}

static void test_a_project(void **state)
{
    (void)state;
    cleanup_free char *states = xasprintf("%s/apphost", root);
    struct context context = {.environment = environment, .output = {.quiet = true}};
    leave_session("shop-0a1b2c3d", "{}");
    leave_session("shop-11111111", "{}");
    heal_project(&context); /* nobody knows yet which one */
    assert_true(is_recorded("shop-0a1b2c3d"));

    context.project = (struct project){.root = states, .prefix = (char *)"shop-0a1b2c3d"};
    heal_project(&context);
    assert_false(is_recorded("shop-0a1b2c3d"));
    assert_true(is_recorded("shop-11111111"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_nobody),
        TEST(test_a_dead_one),
        TEST(test_a_living_one),
        TEST(test_a_record_that_was_lost),
        TEST(test_an_engine_that_was_never_reached),
        TEST(test_an_engine_that_is_away),
        TEST(test_somebody_is_quicker),
        TEST(test_a_project),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
