/* Both ends of the control protocol: answers, errors, rude and slow clients, limits, and who may come. */
#include "world.h"
#include "base/file.h"
#include "control/internal.h"
#include "base/mem.h"
#include "loop/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct answer {
    struct world *world;
    struct control_connection *connection;
    bool close_when_done, request_again;
    int records, lost, done;
    struct error error;
    char *text;
};

static void on_record(const cJSON *record, void *data)
{
    struct answer *answer = data;
    if (strcmp(json_string(record, "type", ""), "lost") == 0)
        answer->lost++;
    else
        answer->records++;
}

static void on_done(const struct error *error, const cJSON *result, void *data)
{
    struct answer *answer = data;
    answer->done++;
    if (error)
        error_copy(&answer->error, error);
    if (json_string(result, "text", NULL) && !answer->text)
        answer->text = xstrdup(json_string(result, "text", NULL));
    if (answer->request_again) {
        answer->request_again = false;
        control_request(answer->connection, "echo", NULL,
                        &(struct control_request_handlers){on_record, on_done, answer});
    }
    if (answer->close_when_done)
        control_close(answer->connection);
}

static struct control_connection *join(struct world *world)
{
    cleanup_error struct error err = {0};
    struct control_connection *connection = control_connect(&world->loop, world->path, &err);
    if (!connection)
        fail_msg("%s", err.text);
    return connection;
}

static int64_t request(struct answer *answer, const char *verb, cJSON *message)
{
    struct control_request_handlers handlers = {on_record, on_done, answer};
    return control_request(answer->connection, verb, message, &handlers);
}

static void forget_answer(struct answer *answer)
{
    error_clear(&answer->error);
    free(answer->text);
}

static void answers_by_id(void **state)
{
    struct world *world = *state;
    struct answer first = {.connection = join(world)}, second = {.connection = first.connection};
    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "text", "hello");
    request(&first, "echo", message);
    request(&second, "fail", NULL);
    assert_int_equal(first.done, 0);
    world_until(world, &first.done, 1);
    world_until(world, &second.done, 1);
    assert_string_equal(first.text, "hello");
    assert_int_equal(first.error.code, ERROR_NONE);
    assert_int_equal(second.error.code, ERROR_PORT);
    assert_string_equal(second.error.text, "port 6379 is taken");
    assert_string_equal(second.error.hint, "use another");
    assert_string_equal(second.error.resource, "cache");
    assert_string_equal(second.error.source.file, "apphost.yaml");
    assert_int_equal(second.error.source.line, 3);
    assert_int_equal(control_client_pid(world->last_client), getpid());
    control_close(first.connection);
    forget_answer(&first);
    forget_answer(&second);
    world_until(world, &world->gone, 1);
}

static void close_and_forget_inside_callbacks(void **state)
{
    struct world *world = *state;
    struct answer closes = {.connection = join(world), .close_when_done = true}, never = {0};
    never.connection = closes.connection;
    request(&closes, "echo", NULL);
    request(&never, "echo", NULL);
    world_until(world, &closes.done, 1);
    world_until(world, &world->gone, 1);
    assert_int_equal(never.done, 0);
    struct answer forgotten = {.connection = join(world)}, kept = {0};
    kept.connection = forgotten.connection;
    control_forget(forgotten.connection, request(&forgotten, "echo", NULL));
    request(&kept, "echo", NULL);
    world_until(world, &kept.done, 1);
    assert_int_equal(forgotten.done, 0);
    control_close(kept.connection);
    forget_answer(&closes);
    forget_answer(&kept);
}

static void broken_connection_tells_everybody_once(void **state)
{
    struct world *world = *state;
    struct answer first = {.connection = join(world), .request_again = true}, second = {0};
    second.connection = first.connection;
    request(&first, "watch", NULL);
    request(&second, "watch", NULL);
    world_until(world, &world->requests, 2);
    control_server_close(take_ptr(&world->server), NULL, NULL);
    world_until(world, &first.done, 2); /* the one that it asks for when told fails as well */
    assert_int_equal(second.done, 1);
    assert_int_equal(first.error.code, ERROR_OWNER);
    assert_int_equal(request(&second, "echo", NULL), 4);
    assert_int_equal(second.done, 1);
    world_until(world, &second.done, 2);
    control_close(first.connection);
    forget_answer(&first);
    forget_answer(&second);
}

static void nobody_listens(void **state)
{
    struct world *world = *state;
    struct error err = {0};
    cleanup_free char *missing = xasprintf("%s/none.sock", world->folder);
    assert_null(control_connect(&world->loop, missing, &err));
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    error_clear(&err);
    /* a stale file: bound, nobody behind it */
    cleanup_free char *old = xasprintf("%s/d.sock", world->folder);
    struct control_server *server = control_listen(&world->loop, old, &(struct control_handlers){0}, NULL);
    cleanup_free char *kept = xasprintf("%s/kept.sock", world->folder);
    assert_int_equal(link(old, kept), 0);
    control_server_close(server, NULL, NULL);
    loop_run_once(&world->loop);
    assert_null(control_connect(&world->loop, kept, &err));
    assert_int_equal(err.code, ERROR_NOT_RUNNING);
    error_clear(&err);
    server = control_listen(&world->loop, kept, &(struct control_handlers){0}, &err); /* replaces it */
    assert_non_null(server);
    control_server_close(server, NULL, NULL);
}

/* What is sent, and what the answer holds; `ends`: the connection is closed then. */
static const struct {
    const char *sent, *answer;
    bool ends;
} rude[] = {
    {"nonsense\n", "\"code\":\"protocol", true},
    {"[1]\n", "not a JSON object", true},
    {"\n", "\"id\":0", true},
    {"{\"id\":1,\"verb\":\"echo\"}x\n", "\"id\":0", true},
    {"{\"id\":7}\n", "\"id\":7,\"type\":\"done\",\"code\":1", false},
    {"{\"id\":\"7\",\"verb\":\"echo\"}\n", "\"id\":0", false},
    {"{\"id\":-1,\"verb\":\"echo\"}\n", "\"id\":0", false},
    {"{\"id\":1,\"verb\":3}\n", "\"id\":1", false},
    {"{\"id\":3,\"verb\":\"echo\",\"text\":\"a\"}\n{\"id\":4,\"verb\":\"echo\"}\n", "\"id\":4", false},
};

static void malformed_lines(void **state)
{
    struct world *world = *state;
    for (size_t i = 0; i < sizeof rude / sizeof *rude; i++) {
        int fd = world_connect(world);
        assert_true(world_send(world, fd, rude[i].sent, strlen(rude[i].sent)));
        cleanup_free char *text = world_read(world, fd, rude[i].ends ? NULL : rude[i].answer);
        if (!strstr(text, rude[i].answer))
            fail_msg("%s was answered %s", rude[i].sent, text);
        close(fd);
        world_until(world, &world->gone, (int)i + 1);
    }
}

static void bytes_one_by_one(void **state)
{
    struct world *world = *state;
    static const char line[] = "{\"id\":9,\"verb\":\"echo\",\"text\":\"slowly\"}\n";
    int fd = world_connect(world);
    for (size_t i = 0; i < sizeof line - 1; i++)
        assert_true(world_send(world, fd, line + i, 1));
    cleanup_free char *text = world_read(world, fd, "slowly");
    assert_string_equal(text, "{\"id\":9,\"type\":\"done\",\"code\":0,\"data\":{\"text\":\"slowly\"}}\n");
    close(fd);
}

static void large_lines_pass_and_larger_do_not(void **state)
{
    struct world *world = *state;
    struct answer answer = {.connection = join(world)};
    size_t length = 12 << 20;
    char *text = xmalloc(length + 1);
    memset(text, 'a', length);
    text[length] = '\0';
    cJSON *message = cJSON_CreateObject();
    json_add_string(message, "text", text);
    request(&answer, "echo", message);
    world_until(world, &answer.done, 1);
    assert_int_equal(strlen(answer.text), length);
    control_close(answer.connection);
    forget_answer(&answer);
    world_until(world, &world->gone, 1);
    int fd = world_connect(world);
    world_send(world, fd, text, length);
    bool taken = world_send(world, fd, text, length) && world->gone < 2;
    assert_false(taken && world->gone < 2);
    world_until(world, &world->gone, 2);
    close(fd);
    free(text);
}

static void slow_client_loses_records_not_answers(void **state)
{
    struct world *world = *state;
    int fd = world_connect(world);
    static const char flood[] =
        "{\"id\":1,\"verb\":\"flood\",\"count\":100000}\n{\"id\":2,\"verb\":\"echo\"}\n";
    world_send(world, fd, flood, sizeof flood - 1);
    world_until(world, &world->requests, 1);
    for (int i = 0; i < 5; i++)
        uv_run(&world->loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(world->requests, 1); /* the second waits until the answers have been read */
    cleanup_free char *text = world_read(world, fd, "\"id\":2");
    char *lost = strstr(text, "{\"type\":\"lost\"}\n");
    assert_non_null(lost);
    assert_null(strstr(lost + strlen("{\"type\":\"lost\"}"), "\"lost\""));
    assert_non_null(strstr(lost, "{\"id\":1,\"type\":\"done\""));
    assert_null(strstr(lost, "transition"));
    assert_true(strlen(text) < (3 << 20));
    static const char again[] = "{\"id\":3,\"verb\":\"flood\",\"count\":2}\n";
    world_send(world, fd, again, sizeof again - 1);
    cleanup_free char *more = world_read(world, fd, "\"done\"");
    assert_non_null(strstr(more, "transition"));
    close(fd);
    world_until(world, &world->gone, 1);
}

static void lost_reaches_every_request(void **state)
{
    struct world *world = *state;
    struct answer watch = {.connection = join(world)}, flood = {.connection = watch.connection};
    request(&watch, "watch", NULL);
    cJSON *message = cJSON_CreateObject();
    json_add_int(message, "count", 100000);
    request(&flood, "flood", message);
    world_until(world, &flood.done, 1);
    assert_int_equal(watch.lost, 1);
    assert_int_equal(flood.lost, 1);
    assert_int_equal(watch.records, 0);
    assert_true(flood.records > 1000 && flood.records < 100000);
    control_close(watch.connection);
}

static void closing_flushes(void **state)
{
    struct world *world = *state;
    int fd = world_connect(world), idle = world_connect(world);
    static const char flood[] = "{\"id\":1,\"verb\":\"flood\",\"count\":10000}\n";
    world_send(world, fd, flood, sizeof flood - 1);
    world_until(world, &world->requests, 1);
    control_server_close(take_ptr(&world->server), NULL, NULL);
    cleanup_free char *text = world_read(world, fd, NULL);
    assert_non_null(strstr(text, "{\"id\":1,\"type\":\"done\",\"code\":0}\n"));
    world_until(world, &world->gone, 2);
    close(fd);
    close(idle);
}

static void closing_does_not_wait_for_ever(void **state)
{
    struct world *world = *state;
    int fd = world_connect(world);
    static const char flood[] = "{\"id\":1,\"verb\":\"flood\",\"count\":20000}\n";
    world_send(world, fd, flood, sizeof flood - 1);
    world_until(world, &world->requests, 1);
    int64_t start = loop_now_ms(&world->loop);
    control_server_close(take_ptr(&world->server), NULL, NULL);
    world_until(world, &world->gone, 1); /* never reads */
    assert_true(loop_now_ms(&world->loop) - start >= 900);
    close(fd);
}

static void another_user_is_turned_away(void **state)
{
    struct world *world = *state;
    struct stat st;
    assert_int_equal(stat(world->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    if (geteuid() != 0)
        skip();
    chmod(world->folder, 0755);
    for (int open_to_all = 0; open_to_all < 2; open_to_all++) {
        chmod(world->path, open_to_all ? 0666 : 0600);
        pid_t child = fork();
        if (child == 0) {
            cleanup_error struct error err = {0};
            struct loop loop;
            if (setuid(65534) < 0 || loop_init(&loop, NULL) < 0)
                _exit(2);
            bool refused = !control_connect(&loop, world->path, &err) && err.code == ERROR_OWNER;
            _exit(refused ? 0 : 1);
        }
        int status;
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        uv_run(&world->loop.uv, UV_RUN_NOWAIT);
    }
    assert_int_equal(world->requests, 0);
}

/* The server's own check: a raw client of another uid gets nothing but the end. */
static void another_user_gets_no_answer(void **state)
{
    struct world *world = *state;
    if (geteuid() != 0)
        skip();
    chmod(world->folder, 0755);
    chmod(world->path, 0666);
    assert_int_equal(seteuid(65534), 0);
    int fd = world_connect(world);
    assert_int_equal(seteuid(0), 0);
    static const char line[] = "{\"id\":9,\"verb\":\"echo\"}\n";
    world_send(world, fd, line, sizeof line - 1);
    cleanup_free char *text = world_read(world, fd, NULL);
    assert_string_equal(text, "");
    assert_int_equal(world->requests, 0);
    close(fd);
}

static void socket_paths(void **state)
{
    struct world *world = *state;
    cleanup_free char *variable = xasprintf("XDG_RUNTIME_DIR=%s", world->folder);
    char *with[] = {variable, NULL}, *without[] = {NULL};
    cleanup_free char *path = control_socket_path(with, "0011", NULL);
    cleanup_free char *expected = xasprintf("%s/apphost/0011.sock", world->folder);
    assert_string_equal(path, expected);
    cleanup_free char *fallback = xasprintf("/tmp/apphost-%ld/0011.sock", (long)geteuid());
    cleanup_free char *tmp = control_socket_path(without, "0011", NULL);
    assert_string_equal(tmp, fallback);
    cleanup_free char *deep = xasprintf("XDG_RUNTIME_DIR=%s/%090d", world->folder, 0);
    cleanup_free char *too_long = control_socket_path((char *[]){deep, NULL}, "0011", NULL);
    assert_string_equal(too_long, fallback);
    cleanup_free char *missing =
        control_socket_path((char *[]){(char *)"XDG_RUNTIME_DIR=/nonexistent", NULL}, "0011", NULL);
    assert_string_equal(missing, fallback);
    cleanup_free char *folder = xasprintf("%s/apphost", world->folder);
    chmod(folder, 0755); /* not private: not used */
    cleanup_free char *open_to_all = control_socket_path(with, "0011", NULL);
    assert_string_equal(open_to_all, fallback);
    struct error err = {0};
    cleanup_free char *name = xasprintf("%0120d", 0);
    assert_null(control_socket_path(with, name, &err));
    assert_int_equal(err.code, ERROR_FAILED);
    error_clear(&err);
}

/* Nobody's word is taken for a folder in which others may write: each way in which it may be wrong is an
 * error that names it, and leaves nothing behind that is freed twice. */
static void unfit_folders(void **state)
{
    struct world *world = *state;
    cleanup_free char *link = path_join(world->folder, "link"), *file = path_join(world->folder, "file");
    cleanup_free char *open_to_all = path_join(world->folder, "open");
    cleanup_free char *nowhere = path_join(world->folder, "no/where");
    assert_int_equal(symlink(world->folder, link), 0);
    assert_int_equal(file_write_atomic(file, "", 0, 0600, NULL), 0);
    assert_int_equal(mkdir(open_to_all, 0755), 0);
    const struct {
        const char *folder;
        enum error_code code;
    } cases[] = {
        {link, ERROR_OWNER}, {file, ERROR_OWNER}, {open_to_all, ERROR_OWNER}, {nowhere, ERROR_NO_FILE}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const only[] = {cases[i].folder, NULL}, *const first[] = {cases[i].folder, world->folder,
                                                                              NULL};
        cleanup_error struct error err = {0};
        assert_null(control_path_in(only, "0011", &err));
        assert_int_equal(err.code, cases[i].code);
        assert_non_null(strstr(err.text, cases[i].folder));
        assert_null(control_path_in(only, "0011", NULL));

        cleanup_free char *next = control_path_in(first, "0011", NULL);
        assert_non_null(next);
        assert_true(str_starts(next, world->folder));
    }
}

/* The folder in /tmp was prepared by somebody else. */
static void somebody_elses_folder(void **state)
{
    (void)state;
    if (geteuid())
        skip();
    const uid_t other = 64000 + (uid_t)(getpid() % 1000);
    cleanup_free char *folder = xasprintf("/tmp/apphost-%ld", (long)other);
    cleanup_error struct error err = {0};
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(seteuid(other), 0);
    char *path = control_socket_path((char *[]){NULL}, "0011", &err);
    assert_int_equal(seteuid(0), 0);
    rmdir(folder);
    assert_null(path);
    assert_int_equal(err.code, ERROR_OWNER);
    assert_non_null(strstr(err.text, folder));
    assert_non_null(strstr(err.hint, "XDG_RUNTIME_DIR"));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, world_open, world_close)
    const struct CMUnitTest tests[] = {
        CASE(answers_by_id),
        CASE(close_and_forget_inside_callbacks),
        CASE(broken_connection_tells_everybody_once),
        CASE(nobody_listens),
        CASE(malformed_lines),
        CASE(bytes_one_by_one),
        CASE(large_lines_pass_and_larger_do_not),
        CASE(slow_client_loses_records_not_answers),
        CASE(lost_reaches_every_request),
        CASE(closing_flushes),
        CASE(closing_does_not_wait_for_ever),
        CASE(another_user_is_turned_away),
        CASE(another_user_gets_no_answer),
        CASE(socket_paths),
        CASE(unfit_folders),
        CASE(somebody_elses_folder),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
