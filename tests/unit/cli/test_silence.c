/* room: session
 * A supervisor that answers, says no, stalls or dies at a request: what a command makes of it. The supervisor
 * is a process of the test's that reads lines and does to each verb what it was told. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "session/context.h"
#include "cli/run.h"
#include "session/session.h"

/* FREEZES: is stopped, before it answers anything more. WORKS: answers once it was asked `hello` three times.
 */
enum deed { ANSWERS, REFUSES, STALLS, DIES, FREEZES, WORKS };

struct scene {
    struct context context;
    char folder[64];
    pid_t supervisor;
    struct error error;
};

/* ---- the supervisor ---- */

static void answer(int to, const char *line, enum deed deed)
{
    int id = 0;
    const char *at = strstr(line, "\"id\":");
    if (deed == DIES)
        _exit(1);
    if (deed == STALLS || !at || sscanf(at + 5, "%d", &id) != 1)
        return;
    dprintf(to, "{\"id\":%d,\"type\":\"done\"%s}\n", id,
            deed == REFUSES ? ",\"error\":{\"code\":\"failed\",\"message\":\"no\"}" : "");
}

/* The answer to what was asked first comes after those to three questions. */
static void work(FILE *from, int to, const char *begun)
{
    char line[4096];
    for (int asked = 0; asked < 3 && fgets(line, sizeof line, from);) {
        asked += strstr(line, "\"verb\":\"hello\"") ? 1 : 0;
        answer(to, line, ANSWERS);
    }
    answer(to, begun, ANSWERS);
}

/* Any other verb is answered. */
static _Noreturn void supervise(int listener, const char *verb, enum deed deed)
{
    char line[4096], wanted[64];
    int to = accept(listener, NULL, NULL);
    FILE *from = fdopen(to, "r");
    snprintf(wanted, sizeof wanted, "\"verb\":\"%s\"", verb);
    while (from && fgets(line, sizeof line, from)) {
        bool is_wanted = strstr(line, wanted) != NULL;
        if (is_wanted && deed == FREEZES)
            raise(SIGSTOP);
        if (is_wanted && deed == WORKS)
            work(from, to, line);
        else
            answer(to, line, is_wanted ? deed : ANSWERS);
    }
    _exit(0);
}

static void start(struct scene *scene, const char *verb, enum deed deed)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s/s", scene->folder);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 1), 0);
    scene->supervisor = fork();
    if (scene->supervisor == 0)
        supervise(listener, verb, deed);
    close(listener);
    struct client *client = &scene->context.client;
    assert_int_equal(client_open_alone(client, NULL), 0);
    client->connection = control_connect(&client->loop, address.sun_path, NULL);
    assert_non_null(client->connection);
}

static int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof *scene);
    strcpy(scene->folder, "/tmp/apphost-silence-XXXXXX");
    *state = scene;
    return mkdtemp(scene->folder) ? 0 : -1;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    char path[128];
    kill(scene->supervisor, SIGKILL);
    waitpid(scene->supervisor, NULL, 0);
    client_close(&scene->context.client);
    error_clear(&scene->error);
    snprintf(path, sizeof path, "%s/s", scene->folder);
    unlink(path);
    rmdir(scene->folder);
    free(scene);
    return 0;
}

/* ---- a question ---- */

static int ask(struct scene *scene, struct limit limit)
{
    return client_call(&scene->context.client, ASK_VIEW, NULL, limit, NULL, &scene->error);
}

static void test_an_answer(void **state)
{
    start(*state, "view", ANSWERS);
    assert_int_equal(ask(*state, LIMIT_MS(20000)), 0);
}

static void test_a_refusal(void **state)
{
    struct scene *scene = *state;
    start(scene, "view", REFUSES);
    assert_int_equal(ask(scene, LIMIT_MS(20000)), -1);
    assert_string_equal(scene->error.text, "no");
}

static void test_silence(void **state)
{
    struct scene *scene = *state;
    start(scene, "view", STALLS);
    assert_int_equal(ask(scene, LIMIT_MS(10)), -1);
    assert_int_equal(scene->error.code, ERROR_OWNER);
}

static void test_death(void **state)
{
    struct scene *scene = *state;
    start(scene, "view", DIES);
    assert_int_equal(ask(scene, LIMIT_MS(20000)), -1);
    assert_int_equal(scene->error.code, ERROR_OWNER);
}

/* ---- a command ---- */

static int execute(struct scene *scene, const char *script, int *code)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    char *environment[] = {(char *)"PATH=/usr/bin:/bin", NULL};
    struct run_command command = {.argv = {.items = argv, .count = 3},
                                  .environment = {.items = environment, .count = 1}};
    *code = -1;
    return run_execute(&scene->context, &command, FOREVER, true, code, &scene->error);
}

static void test_a_command_that_ends(void **state)
{
    int code;
    start(*state, "watch", STALLS); /* as long as the session is there */
    assert_int_equal(execute(*state, "exit 7", &code), 0);
    assert_int_equal(code, 7);
}

static void test_a_command_that_is_killed(void **state)
{
    int code;
    start(*state, "watch", STALLS);
    assert_int_equal(execute(*state, "kill -9 $$", &code), 0);
    assert_int_equal(code, 128 + SIGKILL);
}

static void test_a_command_whose_session_ends(void **state)
{
    struct scene *scene = *state;
    int code;
    start(scene, "watch", ANSWERS);
    assert_int_equal(execute(scene, "exec sleep 1000", &code), -1);
    assert_int_equal(scene->error.code, ERROR_FAILED);
    assert_non_null(strstr(scene->error.text, "taken down"));
}

static void test_a_command_whose_supervisor_dies(void **state)
{
    struct scene *scene = *state;
    int code;
    start(scene, "watch", DIES);
    assert_int_equal(execute(scene, "exec sleep 1000", &code), -1);
    assert_non_null(strstr(scene->error.text, "died"));
}

/* Killed first, told later: the answer is asked for before the code is believed. */
static void test_a_command_that_a_sweep_killed(void **state)
{
    struct scene *scene = *state;
    int code;
    start(scene, "hello", DIES);
    /* `watch` is answered as well: whichever is seen first, it is not the command's own end. */
    assert_int_equal(execute(scene, "kill -9 $$", &code), -1);
    assert_int_equal(scene->error.code, ERROR_FAILED);
}

/* ---- a down ---- */

static int down(struct scene *scene)
{
    struct ask_down options = {0};
    scene->context.project.root = scene->folder;
    scene->context.project.prefix = (char *)"none-00000000";
    return session_down(&scene->context, &options, NULL, NULL, &scene->error);
}

static void test_down(void **state)
{
    start(*state, "down", ANSWERS);
    assert_int_equal(down(*state), 0);
}

static void test_down_that_fails(void **state)
{
    struct scene *scene = *state;
    start(scene, "down", REFUSES);
    assert_int_equal(down(scene), -1);
    assert_string_equal(scene->error.text, "no");
}

/* No lock is held and no record is left: somebody else took it down. */
static void test_down_whose_answer_is_lost(void **state)
{
    start(*state, "down", DIES);
    assert_int_equal(down(*state), 0);
}

/* ---- a supervisor that is stopped, or works for long ---- */

/* Long enough for an answer on a busy machine, as often as three times. */
enum { ANSWERED_BEAT_MS = 400, SILENT_BEAT_MS = 20 };

static int up(struct scene *scene)
{
    struct strlist none = {0};
    struct plan plan = {.project = "p"};
    struct session_up options = {.resources = &none};
    struct view *view = NULL;
    scene->context.project.plan = &plan;
    int answer = session_up(&scene->context, &options, NULL, &view, &scene->error);
    scene->context.project.plan = NULL;
    view_free(view);
    return answer;
}

static void assert_silence_is_told(const struct scene *scene)
{
    assert_int_equal(scene->error.code, ERROR_OWNER);
    assert_non_null(strstr(scene->error.text, "(pid 4711, state in /somewhere) does not answer"));
}

static void set_beat(struct scene *scene, int64_t beat_ms)
{
    struct client *client = &scene->context.client;
    client->beat_ms = beat_ms;
    client->supervisor = 4711;
    client->folder = strdup("/somewhere");
}

static void test_up_of_a_stopped_supervisor(void **state)
{
    struct scene *scene = *state;
    start(scene, "up", FREEZES);
    set_beat(scene, SILENT_BEAT_MS);
    assert_int_equal(up(scene), -1);
    assert_silence_is_told(scene);
}

static void test_down_of_a_stopped_supervisor(void **state)
{
    struct scene *scene = *state;
    start(scene, "down", FREEZES);
    set_beat(scene, SILENT_BEAT_MS);
    assert_int_equal(down(scene), -1);
    assert_silence_is_told(scene);
    assert_true(scene->context.client.is_silent);
}

/* One that was silent before: it is asked again, and what it answers counts. */
static void test_a_supervisor_that_goes_on(void **state)
{
    struct scene *scene = *state;
    start(scene, "up", FREEZES);
    set_beat(scene, SILENT_BEAT_MS);
    assert_int_equal(up(scene), -1);
    kill(scene->supervisor, SIGCONT);
    error_clear(&scene->error);
    scene->context.client.beat_ms = 20 * ANSWERED_BEAT_MS;
    assert_int_equal(down(scene), 0);
}

static void test_up_that_takes_long(void **state)
{
    struct scene *scene = *state;
    start(scene, "up", WORKS);
    set_beat(scene, ANSWERED_BEAT_MS);
    assert_int_equal(up(scene), 0);
}

static void test_down_that_takes_long(void **state)
{
    struct scene *scene = *state;
    start(scene, "down", WORKS);
    set_beat(scene, ANSWERED_BEAT_MS);
    assert_int_equal(down(scene), 0);
}

/* We are stopped for longer than all beats together: what came meanwhile is read before anything is counted.
 */
static void doze(void *data)
{
    enum { NAP_MS = 4 * ANSWERED_BEAT_MS };
    struct timespec pause = {.tv_sec = NAP_MS / 1000, .tv_nsec = NAP_MS % 1000 * 1000000L};
    int *naps = data;
    if ((*naps)-- > 0)
        nanosleep(&pause, NULL);
}

static void test_our_own_stop_is_no_silence(void **state)
{
    struct scene *scene = *state;
    struct client *client = &scene->context.client;
    struct client_call call = {0};
    int naps = 2; /* before the first question, and behind its back */
    struct wait wait = {
        .fact = &call.done, .what = "the answer", .limit = FOREVER, .judge = doze, .data = &naps};
    start(scene, "wait", WORKS);
    set_beat(scene, ANSWERED_BEAT_MS);
    client_begin(client, &call, ASK_WAIT, NULL);
    assert_int_equal(await_supervisor(client, &wait, &scene->error), 0);
    client_end(client, &call);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    signal(SIGPIPE, SIG_IGN);
    const struct CMUnitTest tests[] = {
        CASE(test_an_answer),
        CASE(test_a_refusal),
        CASE(test_silence),
        CASE(test_death),
        CASE(test_a_command_that_ends),
        CASE(test_a_command_that_is_killed),
        CASE(test_a_command_whose_session_ends),
        CASE(test_a_command_whose_supervisor_dies),
        CASE(test_a_command_that_a_sweep_killed),
        CASE(test_down),
        CASE(test_down_that_fails),
        CASE(test_down_whose_answer_is_lost),
        CASE(test_up_of_a_stopped_supervisor),
        CASE(test_down_of_a_stopped_supervisor),
        CASE(test_a_supervisor_that_goes_on),
        CASE(test_up_that_takes_long),
        CASE(test_down_that_takes_long),
        CASE(test_our_own_stop_is_no_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
