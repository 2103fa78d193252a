/* The guard with real processes: what survives an orderly end, and that nothing survives any other. */
#include "guard/guard.h"
#include "base/ours.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { WAIT_MS = 60000, CHILDREN = 7 };

/* What a guard is started with, and what its supervisor is to do. */
struct world {
    char folder[64], script[96], trace[96], session[32], marker[64];
    int report[2]; /* pids of supervisor and children come out here */
    int hold[2];   /* the supervisor lives until this ends, or a signal comes */
    int exit_code;
    bool with_children;
    pid_t guard, supervisor, children[CHILDREN];
};

static volatile sig_atomic_t caught;

static void on_term(int signum)
{
    caught = signum;
}

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool is_alive(pid_t pid)
{
    char path[48], text[512] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    char *state = strrchr(text, ')');
    return state && state[2] != 'Z' && state[2] != 'X';
}

static void until_gone(pid_t pid)
{
    for (long end = now_ms() + WAIT_MS; is_alive(pid);) {
        if (now_ms() > end)
            fail_msg("process %d is still there", (int)pid);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

static void report(struct world *world, pid_t pid)
{
    if (write(world->report[1], &pid, sizeof pid) != (ssize_t)sizeof pid)
        _exit(9);
}

static pid_t take_report(struct world *world)
{
    pid_t pid = 0;
    assert_int_equal(read(world->report[0], &pid, sizeof pid), sizeof pid);
    return pid;
}

/* Becomes `sleep`, with or without the marker, once told how to misbehave. */
static _Noreturn void sleeper(struct world *world, const char *how)
{
    char *marked[] = {(char *)"PATH=/usr/bin:/bin", world->marker, NULL}, *empty[] = {NULL};
    char *argv[] = {(char *)"sleep", (char *)"1000", NULL};
    if (strcmp(how, "deaf") == 0)
        signal(SIGTERM, SIG_IGN);
    if (strcmp(how, "away") == 0 || strcmp(how, "bare") == 0) {
        setsid();
        if (fork() > 0)
            _exit(0);
    }
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    report(world, getpid());
    execve("/bin/sleep", argv, strcmp(how, "bare") == 0 ? empty : marked);
    _exit(127);
}

static void start_children(struct world *world)
{
    static const char *const kinds[CHILDREN] = {"plain", "plain", "plain", "deaf", "away", "bare", "away"};
    for (int i = 0; i < CHILDREN; i++) {
        pid_t child = fork();
        if (child == 0)
            sleeper(world, kinds[i]);
    }
}

static int supervise(void *arg)
{
    struct world *world = arg;
    struct pollfd held = {.fd = world->hold[0], .events = POLLIN};
    sigset_t term, before;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    /* Blocked until the poll, or one that comes between the report and the wait would be lost. */
    sigprocmask(SIG_BLOCK, &term, &before);
    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
    report(world, getpid());
    if (world->with_children)
        start_children(world);
    sigdelset(&before, SIGTERM);
    int n = ppoll(&held, 1, NULL, &before);
    return n < 0 && caught ? 0 : world->exit_code;
}

static void prepare(struct world *world)
{
    *world = (struct world){.exit_code = 0};
    snprintf(world->folder, sizeof world->folder, "/tmp/apphost-test-guard-XX%s", "XXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->session, sizeof world->session, "%08lx%08x", now_ms() & 0xffffffff, (unsigned)getpid());
    snprintf(world->marker, sizeof world->marker, "APPHOST_SESSION=%s", world->session);
    snprintf(world->script, sizeof world->script, "%s/gc", world->folder);
    snprintf(world->trace, sizeof world->trace, "%s/trace", world->folder);
    FILE *script = fopen(world->script, "we");
    fprintf(script, "#!/bin/sh\necho \"$*\" lock=$%s >%s.new\nmv %s.new %s\n", VARIABLE_LOCK, world->trace,
            world->trace, world->trace);
    fclose(script);
    chmod(world->script, 0755);
    assert_int_equal(pipe2(world->report, O_CLOEXEC), 0);
    assert_int_equal(pipe2(world->hold, O_CLOEXEC), 0);
}

static void start(struct world *world)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC); /* what is left behind must not hold our output */
    struct guard_options options = {
        .session = world->session,
        .state_folder = world->folder,
        .program = world->script,
        .log_fd = null,
        .keep_fds = {-1},
        .supervisor_fds = {world->report[1], world->hold[0], -1},
        .supervisor = supervise,
        .arg = world,
    };
    int lock = open(world->folder, O_RDONLY | O_CLOEXEC);
    options.keep_fds[0] = lock;
    options.keep_fds[1] = -1;
    world->guard = guard_start(&options);
    close(lock);
    close(null);
    assert_true(world->guard > 0);
    assert_int_equal(waitpid(world->guard, NULL, WNOHANG), -1); /* not our child */
    world->supervisor = take_report(world);
    for (int i = 0; world->with_children && i < CHILDREN; i++)
        world->children[i] = take_report(world);
    if (world->with_children)
        kill(world->children[0], SIGSTOP); /* whichever came first */
}

static void finish(struct world *world)
{
    char command[128];
    close(world->report[0]);
    close(world->report[1]);
    close(world->hold[0]);
    close(world->hold[1]);
    snprintf(command, sizeof command, "rm -r %s", world->folder);
    assert_int_equal(system(command), 0);
}

static void expect_trace(struct world *world)
{
    char line[256] = "", expected[128];
    long end = now_ms() + WAIT_MS;
    while (access(world->trace, F_OK) < 0 && now_ms() < end)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    FILE *file = fopen(world->trace, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    fclose(file);
    snprintf(expected, sizeof expected, "gc --session %s lock=", world->session);
    assert_memory_equal(line, expected, strlen(expected));
    assert_in_range(line[strlen(expected)], '0', '9'); /* a descriptor */
}

static void orderly_end_leaves_nothing_and_is_no_alarm(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    world.with_children = true;
    start(&world);
    close(world.hold[1]);
    until_gone(world.supervisor);
    until_gone(world.guard);
    assert_int_equal(access(world.trace, F_OK), -1);
    world.hold[1] = -1;
    for (int i = 0; i < CHILDREN; i++)
        assert_false(is_alive(world.children[i]));
    finish(&world);
}

static void expect_swept(struct world *world)
{
    for (int i = 0; i < CHILDREN; i++)
        until_gone(world->children[i]);
    expect_trace(world);
    until_gone(world->guard);
}

static void killed_supervisor_leaves_nothing(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    world.with_children = true;
    start(&world);
    kill(world.supervisor, SIGKILL);
    expect_swept(&world);
    finish(&world);
}

static void failed_supervisor_leaves_nothing(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    world.with_children = true;
    world.exit_code = 3;
    start(&world);
    close(world.hold[1]);
    world.hold[1] = -1;
    expect_swept(&world);
    finish(&world);
}

/* Nobody is their parent any more, and some have neither the environment nor the process session. */
static void both_killed_their_children_are_found(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    world.with_children = true;
    start(&world);
    kill(world.guard, SIGSTOP); /* or it would sweep */
    kill(world.supervisor, SIGKILL);
    kill(world.guard, SIGKILL);
    until_gone(world.guard);
    assert_in_range(guard_sweep(world.session, 0, 100), CHILDREN, CHILDREN + 2);
    for (int i = 0; i < CHILDREN; i++)
        until_gone(world.children[i]);
    assert_int_equal(access(world.trace, F_OK), -1);
    finish(&world);
}

/* A session that was started from within this one: its guard became the child of ours. */
static void another_session_is_left_alone(void **state)
{
    (void)state;
    struct world world, theirs;
    prepare(&world);
    prepare(&theirs);
    snprintf(theirs.session, sizeof theirs.session, "%s", "fedcba9876543210");
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* as a guard */
    pid_t other = fork();
    if (other == 0) {
        guard_mark(theirs.session);
        sleeper(&theirs, "bare");
    }
    waitpid(other, NULL, 0);
    pid_t orphan = take_report(&theirs);
    assert_int_equal(guard_sweep(world.session, getpid(), 100), 0);
    assert_true(is_alive(orphan));
    assert_int_equal(guard_sweep(theirs.session, 0, 100), 1);
    until_gone(orphan);
    waitpid(orphan, NULL, 0);
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    finish(&world);
    finish(&theirs);
}

static void killed_guard_is_noticed(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    start(&world);
    kill(world.guard, SIGKILL);
    until_gone(world.supervisor); /* which caught a TERM */
    assert_int_equal(access(world.trace, F_OK), -1);
    finish(&world);
}

static void signals_to_the_guard_reach_the_supervisor(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    start(&world);
    kill(world.guard, SIGTERM);
    until_gone(world.supervisor);
    until_gone(world.guard);
    assert_int_equal(access(world.trace, F_OK), -1); /* it ended in order */
    finish(&world);
}

static void is_shown_under_its_own_name(void **state)
{
    (void)state;
    struct world world;
    char path[48], line[256] = "";
    prepare(&world);
    start(&world);
    snprintf(path, sizeof path, "/proc/%d/cmdline", (int)world.guard);
    long end = now_ms() + WAIT_MS;
    while (strcmp(line, "apphost: guard") != 0 && now_ms() < end) {
        FILE *file = fopen(path, "re");
        size_t n = fread(line, 1, sizeof line - 1, file);
        line[n] = '\0';
        fclose(file);
    }
    assert_string_equal(line, "apphost: guard");
    kill(world.supervisor, SIGTERM);
    until_gone(world.guard);
    finish(&world);
}

/* Descriptors of the test, a terminal for instance, must not live on in guard or supervisor. */
static void inherits_only_what_is_meant(void **state)
{
    (void)state;
    struct world world;
    char path[64], target[128] = "";
    prepare(&world);
    int other = open("/etc/passwd", O_RDONLY);
    start(&world);
    pid_t both[] = {world.guard, world.supervisor};
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)both[i], other);
        long end = now_ms() + WAIT_MS; /* the guard closes after its fork */
        while (access(path, F_OK) == 0 && now_ms() < end)
            ;
        assert_int_equal(readlink(path, target, sizeof target), -1);
    }
    snprintf(path, sizeof path, "/proc/%d/fd/0", (int)world.supervisor);
    assert_int_equal(readlink(path, target, sizeof target), strlen("/dev/null"));
    close(other);
    kill(world.supervisor, SIGTERM);
    until_gone(world.guard);
    finish(&world);
}

static void sweep_takes_one_session_only(void **state)
{
    (void)state;
    struct world ours, theirs;
    prepare(&ours);
    prepare(&theirs);
    snprintf(theirs.marker, sizeof theirs.marker, "APPHOST_SESSION=%s1", ours.session);
    pid_t other = fork();
    if (other == 0)
        sleeper(&theirs, "plain");
    pid_t away = fork();
    if (away == 0)
        sleeper(&ours, "away");
    waitpid(away, NULL, 0);
    take_report(&theirs);
    pid_t orphan = take_report(&ours);
    long end = now_ms() + WAIT_MS;
    int found = 0; /* it may not have become `sleep`, with its new environment, yet */
    while (found == 0 && now_ms() < end)
        found = guard_sweep(ours.session, 0, 1000);
    assert_int_equal(found, 1);
    until_gone(orphan);
    assert_true(is_alive(other));
    assert_int_equal(guard_sweep(ours.session, 0, 1000), 0);
    assert_int_equal(guard_sweep("", 0, 1000), 0);
    kill(other, SIGKILL);
    waitpid(other, NULL, 0);
    finish(&ours);
    finish(&theirs);
}

static void sweep_finds_the_marker_anywhere(void **state)
{
    (void)state;
    struct world world;
    prepare(&world);
    char *big = malloc(20000);
    static const size_t sizes[] = {8190 - 30, 8192, 8191 - 16, 16000, 8192 - 48};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        memset(big, 'x', sizes[i]);
        memcpy(big, "A=", 2);
        big[sizes[i]] = '\0';
        pid_t child = fork();
        if (child == 0) {
            char *environment[] = {big, world.marker, (char *)"Z=1", NULL};
            char *argv[] = {(char *)"sleep", (char *)"1000", NULL};
            execve("/bin/sleep", argv, environment);
            _exit(127);
        }
        long end = now_ms() + WAIT_MS;
        while (guard_sweep(world.session, 0, 1000) == 0 && now_ms() < end)
            ;
        int status = 0;
        assert_int_equal(waitpid(child, &status, WNOHANG), child);
        assert_true(WIFSIGNALED(status));
    }
    free(big);
    finish(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orderly_end_leaves_nothing_and_is_no_alarm),
        cmocka_unit_test(killed_supervisor_leaves_nothing),
        cmocka_unit_test(failed_supervisor_leaves_nothing),
        cmocka_unit_test(both_killed_their_children_are_found),
        cmocka_unit_test(another_session_is_left_alone),
        cmocka_unit_test(killed_guard_is_noticed),
        cmocka_unit_test(signals_to_the_guard_reach_the_supervisor),
        cmocka_unit_test(is_shown_under_its_own_name),
        cmocka_unit_test(inherits_only_what_is_meant),
        cmocka_unit_test(sweep_takes_one_session_only),
        cmocka_unit_test(sweep_finds_the_marker_anywhere),
    };
    alarm(60); /* a pid that is never reported */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
